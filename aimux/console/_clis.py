"""`aimux clis`: which CLIs there are, and what would make the others usable."""

import click

from ._client import McpClient
from ._screen import DONE, FAILED, json_option, note, print_json, rows_of, table, with_server


@click.command(epilog="Example: aimux clis --refresh")
@click.option("--refresh", is_flag=True, help="Look for them again and ask for their versions.")
@json_option
def clis(*, refresh: bool, as_json: bool) -> None:
    """List the AI coding CLIs and what they need.

    read: how hard their read-only mode is. sandbox: the system refuses to write; policy: the CLI
    refuses; soft, none: aimux runs read work in a throw-away copy. resume: native sessions are the
    CLI's own; retold ones send the earlier turns along.

    Exit code 1 if none is ready.
    """

    async def work(client: McpClient) -> int:
        body = await client.call("sessions", {"action": "health", "refresh": refresh})
        states = rows_of(body, "clis")
        if as_json:
            print_json(states)
        else:
            table(
                ("CLI", "state", "version", "read", "resume", "why", "remedy"),
                [
                    (
                        each["name"],
                        each["state"],
                        each.get("version"),
                        each.get("read_strength"),
                        "native" if each.get("resumable") else "retold",
                        each.get("reason"),
                        each.get("remedy"),
                    )
                    for each in states
                ],
            )
        if any(each.get("is_ready") for each in states):
            return DONE
        note("no CLI is ready: see the remedies above, aimux doctor names the places looked at")
        return FAILED

    with_server(work)
