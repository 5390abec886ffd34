"""`aimux investigate`: CLIs look into a question until it settles; the report on stdout."""

from typing import Final

import click

from aimux.daemon import own_directory

from ._client import Json, McpClient
from ._output import as_text, note, open_progress, say, say_json, table
from ._screen import (
    DONE,
    Finite,
    Whole,
    exit_code,
    json_option,
    part_of,
    rows_of,
    say_error,
    with_server,
)
from ._table import Column
from ._ways import at_a_terminal

LONG_POLL_S: Final = 45  # for a job that was handed over
ROWS: Final = (
    Column("investigation"), Column("phase", flex=8), Column("domain", drop=3),
    Column("rounds", drop=2), Column("findings", drop=1), Column("question", flex=20, drop=5),
)  # fmt: skip


@click.command(
    short_help="Have CLIs look into a question until it settles.",
    epilog="""\b
Examples:
  aimux investigate "Why is the order total slow?"
  aimux investigate --start "Is the login safe?" --domain security
  aimux investigate -s inv_01K... -c codex -c gemini
  aimux investigate --recall "cache eviction"

Exit codes: 0 the run completed, 1 it did not, 2 it could not be asked for, 130 interrupted.""",
)
@click.argument("question", required=False)
@click.option(
    "-d", "--domain", help="What has to be looked at; found from the question if not given."
)
@click.option("-c", "--cli", "clis", multiple=True, help="Who looks; may be given several times.")
@click.option("-s", "--session", help="Go on with this investigation.")
@click.option("-n", "--max-iterations", type=Whole(1, 50), help="Rounds at most.")
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Directory to look into; this one if not given.",
)
@click.option(
    "--timeout", type=Finite(0.1), metavar="SECONDS", help="Deadline of the whole run, in seconds."
)
@click.option("--start", "is_start", is_flag=True, help="Only begin it, and print its id.")
@click.option("--recall", help="Search earlier investigations for these words.")
@click.option("--list", "is_list", is_flag=True, help="List the investigations of this project.")
@click.option(
    "-a", "--all-projects", is_flag=True, help="With --list and --recall: of all projects."
)
@click.option("--save", "is_saved", is_flag=True, help="Write the report below .agent/reports too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@json_option
def investigate(
    question: str | None,
    *,
    is_start: bool,
    recall: str | None,
    is_list: bool,
    all_projects: bool,
    is_saved: bool,
    quiet: bool,
    as_json: bool,
    **given: object,
) -> None:
    """Have CLIs look into QUESTION, round upon round, until it settles, and print the report.

    What is found is kept: `aimux show inv_...` prints it again, -s goes on with it.
    """
    if is_list or recall:
        wanted: Json = {"action": "recall", "question": recall} if recall else {"action": "list"}
        wanted |= {"all_projects": True} if all_projects else {}
        wanted |= {"cwd": given["directory"]} if given["directory"] else {}
        with_server(lambda client: _found(client, wanted, as_json=as_json))
        return
    arguments = _arguments(question, given)

    async def work(client: McpClient) -> int:
        if is_start:
            return await _start(client, arguments, as_json=as_json)
        return await _run(client, arguments, as_json=as_json, is_quiet=quiet, is_saved=is_saved)

    with_server(work)


def _arguments(question: str | None, given: Json) -> Json:
    """What `investigate` is called with.

    Raises:
        click.UsageError: there is neither a question nor an investigation.
    """
    if not (question or "").strip() and not given["session"]:
        raise click.UsageError("give a question, or -s with an investigation")
    clis = given["clis"]
    named: Json = {
        "question": question,
        "domain": given["domain"],
        "session_id": given["session"],
        "max_iterations": given["max_iterations"],
        "cwd": given["directory"],
        "timeout_seconds": given["timeout"],
        "clis": list(clis) if isinstance(clis, tuple) and clis else None,
    }
    return {name: value for name, value in named.items() if value is not None}


async def _start(client: McpClient, arguments: Json, *, as_json: bool) -> int:
    body = await client.call("investigate", {**arguments, "action": "start"})
    result = part_of(body, "result")
    if as_json:
        say_json(body)
        return DONE
    say(str(result.get("session_id")))
    note(f"{result.get('domain')}: {', '.join(part_of(result, 'methods'))}")
    note(f"have CLIs look into it with: aimux investigate -s {result.get('session_id')}")
    return DONE


async def _run(
    client: McpClient, arguments: Json, *, as_json: bool, is_quiet: bool, is_saved: bool
) -> int:
    with open_progress(is_quiet=is_quiet) as on_progress:
        body = await client.call("investigate", {**arguments, "action": "auto"}, on_progress)
        inv = str(part_of(body, "result").get("session_id"))
        job: Json = body
        while job.get("status") in {"queued", "running"}:  # handed over
            follow = {"job_id": body["job_id"], "wait_seconds": LONG_POLL_S}
            job = await client.call("status", follow, on_progress)
    if is_saved:
        saved = await client.call(
            "investigate", {"action": "report", "session_id": inv, "cwd": _cwd(arguments)}
        )
        result = part_of(saved, "result")
        note(f"saved to {result['saved_to']}" if result.get("saved_to") else
             f"not saved: {result.get('save_error')}")  # fmt: skip
    if as_json:
        say_json(await client.call("investigate", {"action": "status", "session_id": inv}))
        return exit_code(job)
    say(await client.read(f"aimux://investigations/{inv}"), nl=False)
    say_error(job)
    data = part_of(job, "data") or part_of(part_of(body, "result"), "data")
    if not is_quiet:
        facts = [job.get("status"), data.get("stop_reason"), inv]
        note(" · ".join(as_text(each) for each in facts if each))
    return exit_code(job)


def _cwd(arguments: Json) -> str:
    return str(arguments.get("cwd") or own_directory())


async def _found(client: McpClient, wanted: Json, *, as_json: bool) -> int:
    body = await client.call("investigate", wanted)
    result = part_of(body, "result")
    if as_json:
        say_json(result)
        return DONE
    found = rows_of(result, "matches") or rows_of(result, "active_investigations")
    rows = [
        (
            each["session_id"], each["phase"], each["domain"], each["iteration"],
            each["findings_count"], " ".join(str(each["topic"]).split()),
        )
        for each in found
    ]  # fmt: skip
    if rows:
        table(ROWS, rows)
    else:
        said = at_a_terminal(str(result.get("message") or ""))
        note(said or "no investigation here; -a lists those of all projects")
    return DONE
