"""`aimux run`: one prompt, its answer on stdout."""

import shlex
from pathlib import Path

import click
import orjson

from aimux.model import EFFORTS, Mode

from ._client import Json, McpClient
from ._ended import call_to_end
from ._output import as_text, note, one_line, say, say_json
from ._screen import (
    Finite,
    exit_code,
    json_option,
    leave_running,
    part_of,
    read_stdin,
    rows_of,
    say_error,
    session_of,
    with_server,
)


@click.command(
    epilog="""\b
Examples:
  aimux run -r codereview "Review the last commit"
  git diff | aimux run -r codereview - > review.md
  aimux run -c claude -s ses_01K... "And the tests?"

Exit codes: 0 the job completed, 1 it did not, 2 it could not be asked for, 130 interrupted."""
)
@click.argument("prompt")
@click.option("-r", "--role", help="Kind of work; chooses CLI, model, effort and mode.")
@click.option("-c", "--cli", help="CLI to use instead of the role's (see aimux clis).")
@click.option("-m", "--model", help="Model, as the CLI names it.")
@click.option("-e", "--effort", type=click.Choice(EFFORTS), help="Reasoning effort.")
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in Mode]),
    help="What the CLI may do to the directory; the role's stance if not given.",
)
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Directory to work in; this one if not given.",
)
@click.option("--style", help="Form of the answer: concise, detailed, json, or one of your own.")
@click.option("-s", "--session", help="Continue this session; a job's id means its own.")
@click.option(
    "--timeout", type=Finite(0.1), metavar="SECONDS", help="Deadline of the whole job, in seconds."
)
@click.option(
    "--async",
    "--background",
    "is_async",
    is_flag=True,
    help="Print the job's id and leave it running.",
)
@click.option(
    "--schema",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the JSON Schema that the answer must fit; prints the answer as JSON.",
)
@click.option(
    "--fallback/--no-fallback", default=None, help="Whether other CLIs are tried if one fails."
)
@click.option("--dry-run", is_flag=True, help="Show what would be run, and start nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@json_option
def run(prompt: str, *, is_async: bool, quiet: bool, as_json: bool, **given: object) -> None:
    """Run PROMPT on an AI coding CLI and print its answer.

    PROMPT is taken as it stands, - reads it from stdin. Progress goes to stderr and the answer
    alone to stdout. An interrupt cancels the job and stops the CLI.
    """
    arguments = _arguments(prompt, given)

    async def work(client: McpClient) -> int:
        if "session_id" in arguments:
            arguments["session_id"] = await session_of(client, str(arguments["session_id"]))
        if given["dry_run"]:
            return await _plan(client, arguments, as_json=as_json)
        if is_async:
            return await leave_running(client, "exec", arguments, as_json=as_json)
        return await _wait(client, arguments, as_json=as_json, is_quiet=quiet)

    with_server(work)


def _arguments(prompt: str, given: Json) -> Json:
    """What `exec` is called with. Raises click.UsageError: there is no prompt, or no schema."""
    text = read_stdin() if prompt == "-" else prompt
    if not text.strip():
        raise click.UsageError("the prompt is empty")
    names = {"directory": "cwd", "session": "session_id", "timeout": "timeout_seconds"}
    arguments: Json = {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and value is not False and name != "schema"
    }
    if given["fallback"] is False:
        arguments["fallback"] = False
    schema = given["schema"]
    if isinstance(schema, Path):
        try:
            arguments["schema"] = orjson.loads(schema.read_bytes())
        except orjson.JSONDecodeError as error:
            raise click.UsageError(f"{schema} is not JSON: {error}") from error
        except OSError as error:
            raise click.UsageError(f"{schema} cannot be read: {error.strerror}") from error
        if not isinstance(arguments["schema"], dict):
            raise click.UsageError(f"{schema} is not a JSON Schema: it must hold an object")
    return {"prompt": text, **arguments}


async def _wait(client: McpClient, arguments: Json, *, as_json: bool, is_quiet: bool) -> int:
    body = await call_to_end(client, "exec", arguments, is_quiet=is_quiet)
    if as_json:
        say_json(body)
        return exit_code(body)
    if "schema" in arguments and body.get("data") is not None:
        say_json(body["data"])
    else:
        content = str(body.get("content") or "")
        say(content, nl=bool(content) and not content.endswith("\n"))
    _say_end(body, is_quiet=is_quiet)
    return exit_code(body)


def _say_end(body: Json, *, is_quiet: bool) -> None:
    for warning in rows_of(body, "warnings"):
        note(f"warning: {one_line(str(warning.get('message')))}")
    say_error(body)
    if not is_quiet:
        what = [body.get("cli"), body.get("model"), body.get("status")]
        took = f"{body['duration_ms']} ms" if body.get("duration_ms") is not None else None
        facts = [as_text(each) for each in (*what, took, body.get("session_id")) if each]
        note(" · ".join(facts))


async def _plan(client: McpClient, arguments: Json, *, as_json: bool) -> int:
    body = await client.call("exec", arguments)
    if as_json:
        say_json(body)
        return 0
    say(str(body["content"]))
    plan = part_of(body, "plan")
    for each in rows_of(plan, "candidates"):
        argv = each.get("argv")
        shown = " ".join(shlex.quote(str(word)) for word in argv) if isinstance(argv, list) else ""
        say(f"{each.get('cli')}, read mode {each.get('read_strength')}:")
        say(f"  {part_of(each, 'error').get('message') or shown}")  # a line of its own, to copy
    for each in rows_of(plan, "skipped"):
        say(f"not {each.get('cli')}: {each.get('reason')}")
    return 0
