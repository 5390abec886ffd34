"""`aimux think`: a pattern over your own fields, and over what CLIs say if asked to."""

from collections.abc import Callable
from typing import BinaryIO, Final

import click
import orjson

from ._client import Json, McpClient
from ._output import note, one_line, open_progress, say, say_json
from ._screen import Finite, exit_code, json_option, part_of, rows_of, say_error, with_server

Command = Callable[..., object]

MAX_INPUT_BYTES: Final = 1_048_576
LOOKING: Final = ("list", "get", "delete")  # actions that need no pattern
LONG_POLL_S: Final = 45  # for a job that was handed over


ASKING: Final = frozenset({"clis", "consensus", "mode"})  # with one of these CLIs may be asked
_OPTIONS: Final = (
    click.option(
        "--clis",
        metavar="CLI,...",
        help="Ask these too, apart from each other, and merge what they say.",
    ),
    click.option("--consensus", is_flag=True, help="Ask CLIs too, whichever are best for it."),
    click.option("--auto", is_flag=True, help="Ask CLIs too if the matter is complex."),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=Finite(0.1),
        metavar="SECONDS",
        help="For all CLIs.",
    ),
    click.option("--dry-run", is_flag=True, help="Say whom it would ask; ask nobody."),
)


def _asking_options(command: Command) -> Command:
    """The options of a call that asks CLIs."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(
    short_help="Think by a pattern or technique.",
    epilog="""\b
Examples:
  aimux think premortem "Move billing to the cloud by May"
  aimux think decision -f 'criteria=["price","speed"]' -i options.json
  aimux think sequential "The cache is slow" -s thk_01K...
  aimux think premortem "Move billing to the cloud" --clis codex,gemini

Without fields a pattern says which ones it takes.
Exit codes: 0 done, 1 it failed or CLIs were lost, 2 it could not be asked for.""",
)
@click.argument("pattern", required=False)
@click.argument("prompt", required=False)
@click.option(
    "-f",
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the pattern; JSON where it is an object, a list, a number or a boolean.",
)
@click.option(
    "-i",
    "--input",
    "source",
    type=click.File("rb"),
    help="File with the fields as a JSON object; - reads stdin.",
)
@click.option("-s", "--session", "session_id", help="Go on with these steps (thk_...).")
@click.option(
    "--action",
    type=click.Choice(("start", "step", "finalize", *LOOKING)),
    help="Reason under watch (PATTERN is the move of a step), or list sessions, get, delete one.",
)
@_asking_options
@json_option
def think(
    pattern: str | None,
    *,
    fields: tuple[str, ...],
    source: BinaryIO | None,
    clis: str | None,
    auto: bool,
    as_json: bool,
    **named: object,
) -> None:
    """Think by PATTERN (a pattern, a technique or a usual name of one) about PROMPT.

    What you give is what is computed on. No model is asked, unless --clis, --consensus or --auto
    say so.
    """
    _check_named(pattern, named["action"])
    named["clis"] = list(filter(None, clis.split(","))) if clis else None
    named["mode"] = "auto" if auto else None
    given = {**_read(source), **dict(map(_field, fields))}
    arguments = {name: value for name, value in {**named, "input": given}.items() if value}

    async def work(client: McpClient) -> int:
        is_asking = not ASKING.isdisjoint(arguments) and "dry_run" not in arguments
        wanted: Json = {"pattern": pattern, **arguments} if pattern else arguments
        body = await _asked(client, wanted, is_shown=is_asking and not as_json)
        code = 0 if body.get("status") == "planned" else exit_code(body)
        if as_json:
            say_json(body)
            return code
        _say_result(body, pattern)
        return code

    with_server(work)


def _check_named(pattern: str | None, action: object) -> None:
    """Raises click.UsageError: there is no pattern where one is needed."""
    if not pattern and action not in LOOKING:
        raise click.UsageError("PATTERN is missing; a name that is none is answered with all")


async def _asked(client: McpClient, wanted: Json, *, is_shown: bool) -> Json:
    """The answer, waited for if CLIs are asked."""
    with open_progress(is_quiet=not is_shown) as on_progress:
        body = await client.call("think", wanted, on_progress)
        session_id = body.get("session_id")
        while body.get("status") in {"queued", "running"}:  # handed over
            follow = {"job_id": body["job_id"], "wait_seconds": LONG_POLL_S}
            job = await client.call("status", follow, on_progress)
            body = {**job, "session_id": session_id}
    return body


def _say_result(body: Json, pattern: str | None) -> None:
    say(str(body.get("content") or ""))
    _say_needs(part_of(part_of(body, "data"), "needs"))
    for warning in rows_of(body, "warnings"):
        note(f"warning: {one_line(str(warning.get('message')))}")
    say_error(body)
    if body.get("session_id") and pattern:
        note(f"go on with: aimux think {pattern} -s {body['session_id']} ...")


def _say_needs(needs: Json) -> None:
    """The fields that are missing, on stderr: they are no result."""
    for name, schema in part_of(needs, "fields").items():
        said = schema.get("description", "") if isinstance(schema, dict) else ""
        note(f"  -f {name}=...  {one_line(str(said))}")


def _field(text: str) -> tuple[str, object]:
    """A field as typed. Raises click.UsageError: there is no name."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not NAME=VALUE")
    if (
        (value and value[0] in "[{")
        or value in {"true", "false"}
        or value[:1].isdigit()
        or value[:1] == "-"
    ):
        try:
            return name, orjson.loads(value)
        except orjson.JSONDecodeError:
            return name, value
    return name, value


def _read(source: BinaryIO | None) -> Json:
    """The object of a file. Raises click.UsageError: it holds none."""
    if source is None:
        return {}
    data = source.read(MAX_INPUT_BYTES + 1)
    if len(data) > MAX_INPUT_BYTES:
        raise click.UsageError(f"the input has more than {MAX_INPUT_BYTES} bytes")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"the input is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.UsageError("the input is not a JSON object")
    return found
