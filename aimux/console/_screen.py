"""What commands share: one road to the server, and what goes to which stream.

Answers go to stdout; everything about them (progress, notes, faults) goes to stderr, so that a pipe
carries what was asked for and nothing else.
"""

import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import click
import orjson
import trio
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._client import Json, McpClient, open_client

DONE: Final = 0
FAILED: Final = 1  # the job, or what was checked
INTERRUPTED: Final = 130  # as a shell has it
PIPE_COLUMNS: Final = 240  # a pipe has no width, and a folded path is no path

Work = Callable[[McpClient], Awaitable[int]]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def with_server(work: Work) -> None:
    """Run `work` on a connected client and leave the process with the code it returns.

    The first SIGINT or SIGTERM cancels it: calls that are open are cancelled at the server too.

    Raises:
        AimuxError: what `work` raised, or the server cannot be reached.
    """
    sys.exit(trio.run(_with_server, work))


async def _with_server(work: Work) -> int:
    code = INTERRUPTED
    failure: Exception | None = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                async for _ in signals:
                    nursery.cancel_scope.cancel(reason="interrupted")

            nursery.start_soon(listen)
            try:
                async with open_client() as client:
                    code = await work(client)
            except Exception as error:  # noqa: BLE001  # raised below: bare, not in a group
                failure = error
            nursery.cancel_scope.cancel(reason="done")
    if failure is not None:
        raise failure
    if code == INTERRUPTED:
        note("interrupted: what was asked for is cancelled")
    return code


def note(text: str) -> None:
    """One line about the answer, on stderr."""
    click.echo(text, err=True)


def print_json(value: object) -> None:
    """A value on stdout, indented."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under headings on stdout, folded to the terminal where there is one."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*[Text(as_text(each)) for each in row])  # brackets are no markup
    console.print(grid)


def as_text(value: object) -> str:
    """A value as a person reads it; nothing for what is not there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(as_text(each) for each in value)
        case _:
            return str(value)


def rows_of(body: Mapping[str, object], key: str) -> list[Json]:
    """The list of objects under a key; empty if there is none."""
    found = body.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def part_of(body: Mapping[str, object], key: str) -> Json:
    """The object under a key; empty if there is none."""
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def say_error(body: Mapping[str, object]) -> None:
    """A job's error and hint on stderr; nothing if it has none."""
    error = part_of(body, "error")
    if error:
        note(f"{error.get('code')}: {error.get('message')}")
        if error.get("hint"):
            note(f"  {error['hint']}")


def exit_code(body: Mapping[str, object]) -> int:
    """0 for a job that completed or is still at work, 1 for one that did not make it."""
    return DONE if body.get("status") in {"completed", "queued", "running"} else FAILED
