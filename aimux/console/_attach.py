"""`aimux attach`: a job as it works, in the terminal, from any event on."""

import shutil
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import click
import trio

from ._client import Json, McpClient
from ._keys import open_keys
from ._output import as_text, is_drawn, note, one_line, open_drawing
from ._screen import DONE, Whole, exit_code, job_of, rows_of, with_server
from ._seats import say_end, seat_rows

OPEN: Final = frozenset({"queued", "running"})
DRAWN_S: Final = 1.0  # between two pictures, so that seconds go on
LONG_POLL_S: Final = 45.0
GATHER_S: Final = 0.2  # in which events come together into one answer
TAIL: Final = 200  # lines that are remembered
SEATS: Final = 20  # rows of a picture; the busiest rooms have fewer
LEFT: Final = "the job goes on"
LEAVE: Final = frozenset("qQ\x04")
CANCEL: Final = "c"


@click.command(
    short_help="Watch a job at work.",
    epilog="Example: aimux attach job_01K...\n\nExit codes: 0 the job completed or was left at "
    "work, 1 it did not complete, 2 there is none, 130 interrupted (the job goes on).",
)
@click.argument("job", metavar="JOB|SESSION")
@click.option(
    "--after", type=Whole(0), default=0, metavar="SEQ",
    help="Show only events after this number; leaving says which that is.",
)  # fmt: skip
def attach(job: str, *, after: int) -> None:
    """Watch JOB at work: its seats, their turns, and what was said last. Of a session the latest.

    Keys: q leaves and the job goes on, c twice cancels it. When it ends, its answer goes to stdout.
    Where stderr is no terminal, each event is a line there.
    """

    async def work(client: McpClient) -> int:
        own = await job_of(client, job)
        return await _Attached(client=client, job_id=own, after=after).run()

    with_server(work, told=LEFT)


@attrs.define(eq=False, kw_only=True)
class _Attached:
    """A job, and what was seen of it."""

    client: McpClient
    job_id: str
    after: int
    body: Json = attrs.field(factory=dict)
    said: dict[int, str] = attrs.field(factory=dict)  # newest line of each turn
    tail: list[str] = attrs.field(factory=list)
    is_to_cancel: bool = False  # c was pressed once
    is_left: bool = False

    async def run(self) -> int:
        """Show the job until it ends or is left; the exit code."""
        if is_drawn():
            async with open_keys() as keys, trio.open_nursery() as nursery:
                with open_drawing() as draw:
                    nursery.start_soon(self._obey, keys, nursery.cancel_scope)
                    await self._follow(lambda: draw(self._picture()), DRAWN_S)
                nursery.cancel_scope.cancel(reason="the job has ended")
        else:
            await self._follow(self._print, LONG_POLL_S)
        if self.is_left:
            note(f"{LEFT}; back to it: aimux attach {self.job_id} --after {self.after}")
            return DONE
        body = await self.client.call("status", {"job_id": self.job_id, "include_content": True})
        say_end(body, is_quiet=False)
        return exit_code(body)

    async def _follow(self, show: Callable[[], None], wait_s: float) -> None:
        while True:
            self.body = await self.client.call(
                "status",
                {
                    "job_id": self.job_id,
                    "events_after": self.after,
                    "wait_seconds": wait_s,
                    "max_chars": 1,
                },
            )
            is_new = self._take()
            show()
            if self.body.get("status") not in OPEN and not is_new:
                return
            await trio.sleep(GATHER_S)

    def _take(self) -> bool:
        """Remember what is new; whether anything is."""
        rows = rows_of(self.body, "events_list")
        for event in rows:
            seq, turn, line = event.get("seq"), event.get("turn"), event.get("line")
            self.after = max(self.after, seq) if isinstance(seq, int) else self.after
            if line:
                self.tail.append(one_line(str(line)))
                if isinstance(turn, int) and turn:
                    self.said[turn] = str(line)
        del self.tail[:-TAIL]
        return bool(rows)

    def _print(self) -> None:
        for line in self.tail:
            note(line)
        self.tail.clear()

    def _picture(self) -> list[str]:
        columns, rows = shutil.get_terminal_size()
        return picture(
            self.body, self.said, self.tail, columns=columns, rows=rows, asks=self.is_to_cancel
        )

    async def _obey(self, keys: trio.MemoryReceiveChannel[str], watching: trio.CancelScope) -> None:
        async for key in keys:
            if key in LEAVE:
                self.is_left = True
                watching.cancel(reason="left")
            elif key == CANCEL and self.is_to_cancel:
                await self.client.call("sessions", {"action": "cancel", "job_id": self.job_id})
            self.is_to_cancel = key == CANCEL and not self.is_to_cancel


def picture(
    body: Json,
    said: dict[int, str],
    tail: Sequence[str],
    *,
    columns: int,
    rows: int,
    asks: bool = False,
) -> list[str]:
    """The lines of a terminal of that size: the job, its seats, what was said last, the keys."""
    elapsed = body.get("elapsed_ms", body.get("duration_ms"))
    facts = [
        as_text(body.get("job_id")), as_text(body.get("status")),
        " ".join(as_text(body.get(each)) for each in ("cli", "model") if body.get(each)),
        f"{elapsed / 1000:.0f}s" if isinstance(elapsed, int | float) else "",
        f"number {body['position']} in the queue" if body.get("position") else "",
    ]  # fmt: skip
    head = [" · ".join(each for each in facts if each)]
    seats = _aligned([row[:4] for row in seat_rows(body, said)[-SEATS:]])
    if body.get("question"):
        seats.append(f"asks: {body['question']} (aimux answer {body.get('job_id')})")
    keys = "c again cancels the job, any other key does not" if asks else "q leave · c cancel"
    room = max(1, rows - len(head) - len(seats) - 4)
    lines = [*head, *seats, "", *tail[-room:], "", keys]
    return [_cut(one_line(line), columns) for line in lines][: max(3, rows - 1)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cut(line: str, columns: int) -> str:
    return line if len(line) < columns else line[: max(1, columns - 2)] + "…"
