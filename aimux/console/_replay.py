"""`aimux replay`: whether what the CLIs of a job printed reads today as it was kept."""

import json

import click

from ._client import Json, McpClient
from ._output import note, one_line, say, say_json, say_marked
from ._screen import DONE, FAILED, job_of, json_option, rows_of, with_server

COLOURS = {"+": "green", "-": "red"}


@click.command(
    short_help="Read what the CLIs of a job printed once more.",
    epilog="Example: aimux replay job_01K...",
)
@click.argument("job", metavar="JOB|SESSION")
@json_option
def replay(job: str, *, as_json: bool) -> None:
    """Read what the CLIs of JOB printed once more, with the dialects of today.

    What differs from what was kept is shown as a diff: - was kept, + is read today. No CLI is run
    and nothing is changed. Of a session it is the latest job.

    Exit codes: 0 all attempts read the same, 1 some do not or cannot be read again.
    """

    async def work(client: McpClient) -> int:
        own = await job_of(client, job)
        body: Json = json.loads(await client.read(f"aimux://jobs/{own}/replay"))
        if as_json:
            say_json(body)
        else:
            _show(body)
        return DONE if body.get("is_same") else FAILED

    with_server(work)


def _show(body: Json) -> None:
    attempts = rows_of(body, "attempts")
    if not attempts:
        note("no output of this job is kept: there is nothing to read again")
    for each in attempts:
        head = f"turn {each.get('turn')}, attempt {each.get('attempt')}"
        head += f", {each['cli']}" if each.get("cli") else ""
        is_same = bool(each.get("is_same"))
        what = "reads the same" if is_same else "reads otherwise"
        problem = each.get("problem")
        if problem and not is_same and not each.get("diff"):
            what = str(problem)
        say(f"{head}: {what}")
        if problem and is_same:
            note(f"  {problem}")
        diff = each.get("diff")
        for line in diff if isinstance(diff, list) else ():
            text = one_line(str(line))
            say_marked(text[:1], COLOURS.get(text[:1], "reset"), text[1:])
        if each.get("is_diff_cut"):
            note("  there are more differences than are shown")
