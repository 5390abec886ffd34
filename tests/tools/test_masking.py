"""What CLIs said leaves a log with its secrets masked; answers are left alone."""

import pathlib

import pytest

from aimux.model import Noted, Stream, Text, ToolUse, Warned
from aimux.store._spool import Piece
from aimux.testing import Say, Turn
from aimux.tools._resources import RAW_BYTES

from ..engine.house import House, answers, open_house, record, speaking
from .calls import Clock

SECRET = "sk-ant-api03-" + "aB3-" * 8
MASK = "[REDACTED:anthropic]"


async def read(house: House, uri: str) -> str:
    resources = (await house.app.ready()).resources
    return str((await resources.read(house.client, uri))["text"])


def keep_raw(house: House, printed: bytes) -> None:
    """Have the store know what the first turn printed: the fake keeps none."""
    pieces: dict[Stream, bytes] = {Stream.STDOUT: printed, Stream.STDERR: b""}

    async def attempts(*_: object) -> list[tuple[int, int]]:
        return [(1, 1)]

    async def raw(
        _job: str, _turn: int, stream: Stream, offset: int, wanted: int, *, attempt: int
    ) -> Piece:
        del attempt
        data = pieces[stream][offset : offset + min(wanted, 50_000)]
        return Piece(offset=offset, data=data, total=len(pieces[stream]))

    house.store.raw_attempts = attempts  # type: ignore[method-assign]  # see above
    house.store.raw_output = raw  # type: ignore[method-assign,assignment]  # see above


@pytest.mark.requirement("stored:redacted")
async def test_answers_and_retold_prompts_keep_what_they_say_and_events_do_not(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The answer is what was asked for; the log is for looking on."""
    async with open_house(tmp_path, [answers(f"use {SECRET}")]) as house:
        job = await house.run(f"is {SECRET} right?")
        events = await read(house, f"aimux://jobs/{job.id}/events")
        output = await read(house, f"aimux://jobs/{job.id}/output")
        shown = await house.ask("status", job_id=job.id, events_after=0)
        info = await house.ask("sessions", action="info", session_id=job.session_id)

    assert SECRET not in events
    assert f"use {MASK}" in events
    assert SECRET not in str(shown["events_list"])
    assert SECRET not in str(info)
    assert (shown["content"], output) == (f"use {SECRET}", f"use {SECRET}")
    assert job.prompt == f"is {SECRET} right?"
    assert MASK in job.prompt_preview


@pytest.mark.parametrize("cut", [4, 12, 25])
async def test_a_secret_in_two_entries_is_masked_in_both(
    tmp_path: pathlib.Path, autojump_clock: Clock, cut: int
) -> None:
    """However it came, and from wherever the log is read."""

    async with open_house(tmp_path, [Turn(says=[], hangs=True)]) as house:
        handle = await house.start()
        with speaking(handle) as turn:
            turn.add(Text(text=f"key {SECRET[:cut]}"))
            turn.flush()
            turn.add(Text(text=f"{SECRET[cut:]} it is"))
            turn.flush()
            last = handle.log.entries.last_seq
            everything = await read(house, f"aimux://jobs/{handle.id}/events")
            late = await house.ask("status", job_id=handle.id, events_after=last - 1)
        handle.cancel("seen")
        await handle.done.wait()

    assert "aB3-" not in everything
    assert late["events_list"][0]["line"].endswith("it is")
    assert "aB3-" not in str(late["events_list"])


async def test_warnings_notes_and_tool_names_are_masked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    async with open_house(tmp_path, [Turn(says=[], hangs=True)]) as house:
        handle = await house.start()
        for event in (
            Noted(text=f"saw {SECRET}"),
            Warned(code="w", message=f"saw {SECRET}"),
            ToolUse(name=f"see {SECRET}", status="started"),
        ):
            handle.log.add(event)
        events = await read(house, f"aimux://jobs/{handle.id}/events")
        handle.cancel("seen")
        await handle.done.wait()

    assert SECRET not in events
    assert events.count(MASK) == 3


@pytest.mark.slow
@pytest.mark.parametrize("shift", [-40, -20, -6, 0])
async def test_raw_output_shows_no_secret_wherever_it_is_cut(
    tmp_path: pathlib.Path, autojump_clock: Clock, shift: int
) -> None:
    """Whole, at the end of the beginning, and at the beginning of the end."""
    filler = b"x\n" * (RAW_BYTES // 2)
    begin = filler[: RAW_BYTES + shift] + SECRET.encode() + b"\n"
    end = SECRET.encode() + b"\n" + filler[: RAW_BYTES + shift]
    printed = b"key " + SECRET.encode() + b"\n" + begin + filler + end
    said = [Say(printed), Say(record(answer="done")), Say(record(type="end"))]
    async with open_house(tmp_path, [Turn(says=said)]) as house:
        keep_raw(house, printed)
        job = await house.run()
        text = await read(house, f"aimux://jobs/{job.id}/raw")

    assert "aB3-" not in text
    assert f"key {MASK}" in text
    assert "bytes are left out here" in text


async def test_raw_output_shows_no_secret_that_a_sequence_cuts(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A terminal leaves the sequence out, so what it shows is looked at."""
    cut = f"\x1b[1m{SECRET[:20]}\x1b[0m{SECRET[20:]}"
    said = [Say(f"key {cut}\n".encode()), Say(record(answer="done")), Say(record(type="end"))]
    async with open_house(tmp_path, [Turn(says=said)]) as house:
        keep_raw(house, f"key {cut}\n".encode())
        job = await house.run()
        text = await read(house, f"aimux://jobs/{job.id}/raw")

    assert text == f"--- turn 1, stdout: {len(cut) + 5} bytes\nkey {MASK}\n"
