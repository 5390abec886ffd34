"""A job of several seats at a terminal: who is at work while it runs, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import plural

from ._client import Json, McpClient
from ._output import as_text, is_drawn, note, one_line, open_seats, say_markdown
from ._screen import rows_of, say_error

OPEN: Final = frozenset({"queued", "running"})
DRAWN_S: Final = 1.0  # between two pictures at a terminal, so that seconds go on
LONG_POLL_S: Final = 45.0
GATHER_S: Final = 0.2  # in which events come together into one answer
CANCEL_S: Final = 1.0  # for the word that ends the job to arrive
ANSWERS: Final = frozenset({"text", "message"})  # kinds of events: pieces of JSON, mostly


@attrs.define(eq=False)
class _Seen:
    """What is known of a running job so far."""

    after: int = 0
    said: dict[int, str] = attrs.field(factory=dict)  # newest line of each turn

    def take(self, body: Json) -> list[str]:
        """The lines that are new."""
        fresh = []
        for event in rows_of(body, "events_list"):
            seq, turn, line = event.get("seq"), event.get("turn"), event.get("line")
            self.after = max(self.after, seq) if isinstance(seq, int) else self.after
            if not line:
                continue
            is_answer = event.get("kind") in ANSWERS
            if isinstance(turn, int) and turn:
                self.said[turn] = "answering" if is_answer else str(line)
            if not is_answer:
                fresh.append(str(line))
        return fresh


async def watch(client: McpClient, tool: str, arguments: Json, *, is_quiet: bool) -> Json:
    """Call a tool and show its seats until its job has ended; the whole result.

    Cancelling it cancels the job.

    Raises:
        ServerSaid: no job came of the call.
    """
    body = await client.call(tool, {**arguments, "wait_seconds": 0})
    job_id = body.get("job_id")
    if job_id is None:
        return body
    is_over = False
    try:
        await _follow(client, str(job_id), is_quiet=is_quiet)
        body = await client.call("status", {"job_id": job_id, "include_content": True})
        is_over = True
    finally:
        if not is_over:
            with trio.move_on_after(CANCEL_S, shield=True):
                await client.call("sessions", {"action": "cancel", "job_id": job_id})
    return body


async def _follow(client: McpClient, job_id: str, *, is_quiet: bool) -> None:
    seen = _Seen()
    wait_s = DRAWN_S if is_drawn() and not is_quiet else LONG_POLL_S
    with open_seats(is_quiet=is_quiet) as show:
        while True:
            body = await client.call(
                "status",
                {
                    "job_id": job_id,
                    "events_after": seen.after,
                    "wait_seconds": wait_s,
                    "max_chars": 1,
                },
            )
            lines = seen.take(body)
            show(seat_rows(body, seen.said), lines)
            if body.get("status") not in OPEN:
                return
            await trio.sleep(GATHER_S)


def seat_rows(body: Json, said: Mapping[int, str]) -> list[list[str]]:
    """A row for each seat: its newest turn, and what that said last."""
    newest: dict[str, Json] = {}
    for turn in rows_of(body, "turns"):
        newest[str(turn.get("seat") or turn.get("turn"))] = turn
    rows = []
    for seat, turn in sorted(newest.items()):
        number = turn.get("turn")
        line = said.get(number, "") if isinstance(number, int) else ""
        cells = [turn.get("cli"), turn.get("status"), took(turn.get("duration_ms"))]
        rows.append([seat, *(as_text(each) for each in cells), line.removeprefix(f"{seat}: ")])
    return rows


def took(milliseconds: object) -> str:
    """A length of time in seconds; nothing where there is none."""
    return f"{milliseconds / 1000:.1f}s" if isinstance(milliseconds, int | float) else ""


def turn_lines(body: Mapping[str, object]) -> list[str]:
    """A line for each turn of a job that has seats: number, seat, CLI, how it ended."""
    return [
        " ".join(
            as_text(each)
            for each in (
                turn.get("turn"),
                f"{turn['seat']}:",
                turn.get("cli"),
                turn.get("model"),
                turn.get("status"),
                took(turn.get("duration_ms")),
            )
            if each
        )
        for turn in rows_of(body, "turns")
        if turn.get("seat")
    ]


def say_end(body: Json, *, is_quiet: bool) -> None:
    """What came of a job: its answer on stdout, what weakens it and its facts on stderr."""
    say_markdown(str(body.get("content") or ""))
    say_warnings(rows_of(body, "warnings"))
    say_error(body)
    if is_quiet:
        return
    turns = len(rows_of(body, "turns"))
    facts = [as_text(body.get("status")), plural(turns, "turn") if turns else "",
             took(body.get("duration_ms")), as_text(body.get("job_id"))]  # fmt: skip
    note(" · ".join(each for each in facts if each))
    if turns:
        note(f"one turn's own words: aimux show {body.get('job_id')} --turn 1")


def say_warnings(warnings: Sequence[Json]) -> None:
    """Each on a line of stderr."""
    for warning in warnings:
        note(f"warning: {one_line(str(warning.get('message')))}")
