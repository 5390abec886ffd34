"""`aimux why`: which rule ended a job, and what each rule decided before."""

import json

import click

from ._client import Json, McpClient
from ._output import as_text, note, say, say_json, table
from ._screen import DONE, job_of, json_option, rows_of, with_server
from ._table import Column

STEPS = (
    Column("at"), Column("turn", drop=1), Column("attempt", drop=2), Column("rule"),
    Column("what it said", flex=20),
)  # fmt: skip


@click.command(short_help="Say which rule ended a job.", epilog="Example: aimux why job_01K...")
@click.argument("job", metavar="JOB|SESSION")
@json_option
def why(job: str, *, as_json: bool) -> None:
    """Say which rule ended JOB, and what each rule decided before, attempt by attempt.

    Rules: route, slot, silence, deadline, limit, breaker, class (of the failure), retry (the table
    of what follows), validator (of the answer), contract (its schema), hook, cancel, restart,
    strategy. Of a session it is the latest job.
    """

    async def work(client: McpClient) -> int:
        own = await job_of(client, job)
        body: Json = json.loads(await client.read(f"aimux://jobs/{own}/why"))
        if as_json:
            say_json(body)
            return DONE
        rows = [
            (
                f"{_seconds(step.get('offset_s')):.1f}s",
                " ".join(as_text(each) for each in (step.get("turn"), step.get("seat")) if each),
                step.get("attempt") or "",
                step.get("rule"),
                step.get("said"),
            )
            for step in rows_of(body, "steps")
        ]
        table(STEPS, rows)
        if body.get("is_open"):
            note(f"{body.get('said')}: nothing has ended it yet")
        else:
            say(f"{body.get('status')} by rule {body.get('rule')}: {body.get('said')}")
        return DONE

    with_server(work)


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
