"""`aimux clis`: which CLIs there are, what would make the others usable, and asking one again."""

from typing import Final

import click

from ._client import McpClient
from ._output import note, one_line, say, say_json, table
from ._resting import way_back, why_resting
from ._screen import DONE, FAILED, json_option, rows_of, with_server
from ._table import Column

COLUMNS: Final = (
    "CLI",
    "state",
    Column("version", drop=4),
    Column("read", drop=2),
    Column("resume", drop=1),
    Column("why", flex=16, drop=3),
)


@click.command(epilog="Example: aimux clis --refresh")
@click.option("--refresh", is_flag=True, help="Look for them again and ask for their versions.")
@click.option("--reset", "reset", metavar="CLI",
              help="Ask it again at once: close its breaker, end its cooldowns.")  # fmt: skip
@json_option
def clis(*, refresh: bool, reset: str | None, as_json: bool) -> None:
    """List the AI coding CLIs and what they need.

    read: how hard their read-only mode is. sandbox: the system refuses to write; policy: the CLI
    refuses; soft, none: aimux runs read work in a throw-away copy. resume: native sessions are the
    CLI's own; retold ones send the earlier turns along.

    Exit code 1 if none is ready.
    """

    async def work(client: McpClient) -> int:
        if reset is not None:
            return await _reset(client, reset, as_json=as_json)
        body = await client.call("sessions", {"action": "health", "refresh": refresh})
        states = rows_of(body, "clis")
        if as_json:
            say_json(states)
        else:
            table(
                COLUMNS,
                [
                    (
                        each["name"],
                        each["state"],
                        each.get("version"),
                        each.get("read_strength"),
                        "native" if each.get("resumable") else "retold",
                        each.get("reason") or why_resting(body, str(each["name"])),
                    )
                    for each in states
                ],
            )
            wanting = [each for each in states if each.get("remedy")]
            if wanting:
                say()
            for each in wanting:  # lines of their own: a command that is cut is none
                say(f"{each['name']}: {one_line(str(each['remedy']))}")
            for each in states:
                if each.get("is_ready") and why_resting(body, str(each["name"])):
                    note(f"asks it again at once: {way_back(body, str(each['name']))}")
                if each.get("profile_fault") and each.get("state") != "broken":
                    note(f"{each['name']}: your profile is left out: {each['profile_fault']}")
        if any(each.get("is_ready") for each in states):
            return DONE
        note("no CLI is ready: see the remedies above, aimux doctor names the places looked at")
        return FAILED

    with_server(work)


async def _reset(client: McpClient, cli: str, *, as_json: bool) -> int:
    body = await client.call("sessions", {"action": "reset", "cli": cli})
    if as_json:
        say_json(body)
        return DONE
    cooled = body.get("cooldowns_ended")
    pairs = cooled if isinstance(cooled, list) else []
    models = [str(each or "its default model") for each in pairs]
    said = [
        f"its breaker was {body['breaker_was']}, failures forgotten: {body['failures_forgotten']}",
        *([f"cooldowns ended: {', '.join(models)}"] if models else []),
        *(["a refused login forgotten"] if body.get("login_was_refused") else []),
    ]
    say(f"{body['cli']} is asked again: {'; '.join(said)}")
    return DONE
