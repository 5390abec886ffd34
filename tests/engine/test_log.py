"""What a job's log keeps, and when pieces of text become an entry."""

import math

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from aimux.engine import JobLog
from aimux.engine.log._entries import KEPT_ENTRIES, KEPT_ENTRY_CHARS, UNSTORED_ENTRIES
from aimux.engine.log._log import COALESCE_S
from aimux.engine.log._turn_log import (
    COALESCE_CHARS,
    EXCERPT_CHARS,
    KEPT_NOISE,
    KEPT_PIECES,
    KEPT_REASONING_CHARS,
    KEPT_TEXT_CHARS,
    KEPT_WARNINGS,
    LOGGED_CHARS,
)
from aimux.model import (
    Entry,
    Event,
    JobQueued,
    JobStarted,
    JobStatus,
    Message,
    NativeSession,
    Noise,
    Noted,
    Outcome,
    Reasoning,
    Stream,
    Text,
    ToolUse,
    TurnStarted,
    Usage,
    Warned,
)

from .house import BIRTH, make_job


def make_log(*, stored: bool = False) -> JobLog:
    log = JobLog(make_job(), born=trio.current_time(), wall=lambda: BIRTH)
    if stored:
        log.stored(math.inf)  # type: ignore[arg-type]  # all that will ever come
    return log


def kinds(entries: list[Entry]) -> list[str]:
    return [entry.event.kind for entry in entries]


async def test_pieces_of_text_become_one_entry(autojump_clock: trio.testing.MockClock) -> None:
    """What a CLI prints word by word is one entry, made by whoever flushes."""
    log = make_log()
    turn = log.open_turn()
    for word in ("one ", "two ", "three"):
        turn.add(Text(text=word))
        await trio.sleep(COALESCE_S / 4)

    assert log.entries.last_seq == 0
    log.flush()
    assert [entry.event for entry in log.entries.since(0)] == [Text(text="one two three")]


async def test_much_text_does_not_wait() -> None:
    """At `COALESCE_CHARS` there is an entry at once."""
    log = make_log()
    turn = log.open_turn()
    turn.add(Text(text="x" * (COALESCE_CHARS - 1)))
    assert log.entries.last_seq == 0

    turn.add(Text(text="y"))

    assert log.entries.last_seq == 1


async def test_text_stands_before_what_follows_it() -> None:
    """Any other event flushes: the order of what was said is kept."""
    log = make_log()
    turn = log.open_turn()
    turn.add(Text(text="before"))
    turn.add(ToolUse(name="ls"))
    turn.add(Text(text="after"))
    turn.add(Reasoning(text="hm"))

    assert kinds(log.entries.since(0)) == ["text", "tool_use", "text", "reasoning"]


async def test_a_flush_of_nothing_is_nothing() -> None:
    """No empty entries."""
    log = make_log()
    log.flush()

    assert log.entries.last_seq == 0


async def test_a_whole_message_repeats_its_pieces() -> None:
    """Deltas and then the message they made are one text; two messages are two paragraphs."""
    log = make_log()
    turn = log.open_turn()
    turn.add(Text(text="Hel"))
    turn.add(Text(text="lo"))
    turn.add(Message(text="Hello"))
    turn.add(Message(text="World"))

    assert log.text_so_far == "Hello\n\nWorld"
    assert log.text_chars == len("Hello\n\nWorld")


async def test_pieces_after_a_message_begin_a_new_one() -> None:
    """A message that came whole is closed."""
    log = make_log()
    turn = log.open_turn()
    turn.add(Message(text="first"))
    turn.add(Text(text="sec"))
    turn.add(Text(text="ond"))

    assert log.text_so_far == "first\n\nsecond"


async def test_a_new_attempt_begins_with_an_empty_text() -> None:
    """What the last attempt said is not part of what this one says."""
    log = make_log()
    turn = log.open_turn()
    turn.add(TurnStarted(turn=1, cli="alpha"))
    turn.add(Message(text="first try"))
    turn.add(TurnStarted(turn=1, cli="alpha", attempt=2))
    turn.add(Text(text="second"))

    assert log.text_so_far == "second"
    assert [entry.turn for entry in log.entries.since(0)] == [1, 1, 1]


async def test_an_interrupted_turn_keeps_what_the_attempt_said_that_said_most() -> None:
    """One that had only begun takes nothing away; one that said more counts."""
    turn = make_log().open_turn()
    turn.add(TurnStarted(turn=1, cli="alpha"))
    turn.add(Text(text="half of a long answer"))
    turn.add(TurnStarted(turn=1, cli="beta", attempt=2))
    at_once = turn.interrupted(JobStatus.CANCELLED, "enough")
    turn.add(Text(text="half"))
    begun = turn.interrupted(JobStatus.TIMED_OUT, "late")
    turn.add(Text(text=" of another answer, which is longer"))
    later = turn.interrupted(JobStatus.CANCELLED, "enough")

    assert at_once.content == begun.content == "half of a long answer"
    assert (at_once.cli, begun.failure and begun.failure.code) == ("beta", "timed_out")
    assert later.content == "half of another answer, which is longer"
    assert not later.is_cut


async def test_what_was_cut_of_an_earlier_attempt_is_said_so() -> None:
    turn = make_log(stored=True).open_turn()
    turn.add(TurnStarted(turn=1, cli="alpha"))
    turn.add(Text(text="x" * (KEPT_TEXT_CHARS + 1)))
    turn.add(TurnStarted(turn=1, cli="beta", attempt=2))

    assert turn.interrupted(JobStatus.CANCELLED, "enough").is_cut
    assert not turn.is_text_cut


async def test_text_in_memory_is_bounded() -> None:
    """The text of an attempt is cut at `KEPT_TEXT_CHARS`; the entries still come."""
    log = make_log(stored=True)
    turn = log.open_turn()
    piece = "x" * COALESCE_CHARS
    for _ in range(KEPT_TEXT_CHARS // COALESCE_CHARS + 3):
        turn.add(Text(text=piece))

    assert log.text_chars == KEPT_TEXT_CHARS == len(log.text_so_far)
    assert turn.is_text_cut

    turn.add(TurnStarted(turn=2, cli="alpha"))
    assert not turn.is_text_cut


async def test_many_small_pieces_are_one_text() -> None:
    """Pieces are put together now and then; nothing of them is lost or doubled."""
    log = make_log(stored=True)
    turn = log.open_turn()
    said = [str(number % 10) for number in range(3 * KEPT_PIECES)]
    for each in said:
        turn.add(Text(text=each))

    assert log.text_so_far == "".join(said)
    assert not turn.is_text_cut


async def test_what_one_attempt_says_fills_the_log_only_so_far() -> None:
    """Beyond `LOGGED_CHARS` messages are excerpts and pieces are left out, which is told once; the
    next attempt begins anew.
    """
    log = make_log()
    turn = log.open_turn()
    turn.add(TurnStarted(turn=1, cli="alpha"))
    half = "x" * (LOGGED_CHARS // 2 - 1)
    turn.add(Message(text=half))
    turn.add(Message(text=half))
    turn.add(Text(text="1234"))
    turn.add(Message(text="y" * 2 * EXCERPT_CHARS))
    turn.add(Text(text="z" * COALESCE_CHARS))
    turn.add(Reasoning(text="w" * 2 * EXCERPT_CHARS))
    turn.add(ToolUse(name="look"))
    events = [entry.event for entry in log.entries.since(0)]

    assert [each.kind for each in events] == [
        *("turn_started", "message", "message", "warning", "text", "message", "reasoning"),
        "tool_use",
    ]
    assert [len(each.text) for each in events if isinstance(each, Message | Reasoning)] == [
        *(len(half), len(half), EXCERPT_CHARS, EXCERPT_CHARS)
    ]
    assert [each.code for each in turn.warnings] == ["log_truncated"]

    turn.add(TurnStarted(turn=2, cli="alpha"))
    turn.add(Message(text=half))
    assert log.entries.since(log.entries.last_seq - 1)[0].event == Message(text=half)


async def test_heavy_entries_are_forgotten_once_stored() -> None:
    """A few long messages weigh as much as many short ones; the newest stays for who follows."""
    log = make_log()
    turn = log.open_turn()
    for _ in range(5):
        turn.add(Message(text="x" * (KEPT_ENTRY_CHARS // 2)))
    assert len(log.entries.since(0)) == 5

    log.stored(log.entries.last_seq)
    assert len(log.entries.since(0)) == 2
    assert log.entries.kept_chars == KEPT_ENTRY_CHARS

    turn.add(Message(text="x" * (KEPT_ENTRY_CHARS + 1)))
    log.stored(log.entries.last_seq)
    assert [entry.seq for entry in log.entries.since(0)] == [6]


async def test_warnings_of_the_result_are_bounded() -> None:
    """The first ones and the last ones stay: one tells how it began, the other how it ended."""
    log = make_log()
    turn = log.open_turn()
    for number in range(3 * KEPT_WARNINGS):
        turn.add(Warned(code=str(number), message=""))

    assert len(turn.warnings) == KEPT_WARNINGS
    assert [turn.warnings[at].code for at in (0, -1)] == ["0", str(3 * KEPT_WARNINGS - 1)]


async def test_stored_entries_beyond_the_limit_are_forgotten() -> None:
    """Memory is bounded by what the store has: not stored is never forgotten."""
    log = make_log()
    for number in range(KEPT_ENTRIES + 50):
        log.add(Noted(text=str(number)))
    assert len(log.entries.since(0)) == KEPT_ENTRIES + 50

    log.stored(30)
    assert log.entries.first_seq == 31

    log.stored(log.entries.last_seq)
    assert len(log.entries.since(0)) == KEPT_ENTRIES
    assert log.entries.first_seq == 51
    assert log.entries.unstored() == []
    log.stored(3)  # an older word changes nothing
    assert log.entries.unstored() == []


async def test_gathered_text_is_unstored_too(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever keeps the store up to date waits for text that is no entry yet."""
    log = make_log()
    turn = log.open_turn()
    with trio.move_on_after(1) as nothing:
        await log.entries.wait_unstored()
    turn.add(Text(text="a piece"))
    log.stored(0)  # says nothing about the piece
    with trio.fail_after(1):
        await log.entries.wait_unstored()
    log.flush()
    log.stored(log.entries.last_seq)
    with trio.move_on_after(1) as again:
        await log.entries.wait_unstored()

    assert nothing.cancelled_caught
    assert again.cancelled_caught


async def test_a_crowd_is_many_unstored_entries(autojump_clock: trio.testing.MockClock) -> None:
    """It is one until the store has enough of them."""
    log = make_log()
    for number in range(UNSTORED_ENTRIES):
        log.add(Noted(text=str(number)))
    with trio.fail_after(1):
        await log.entries.wait_crowded()
    log.stored(1)
    with trio.move_on_after(1) as alone:
        await log.entries.wait_crowded()

    assert alone.cancelled_caught


async def test_reading_goes_on_where_it_stopped() -> None:
    """`since` gives exactly what is newer, whatever was forgotten."""
    log = make_log()
    assert log.entries.since(0) == []
    assert log.entries.first_seq == 1
    for number in range(5):
        log.add(Noted(text=str(number)))

    assert [entry.seq for entry in log.entries.since(3)] == [4, 5]
    assert log.entries.since(5) == []
    assert log.entries.since(99) == []


async def test_waiting_for_the_next_entry(autojump_clock: trio.testing.MockClock) -> None:
    """`wait_after` returns with the entry; gathered text alone is not one."""
    log = make_log()
    turn = log.open_turn()
    seen: list[int] = []

    async def wait() -> None:
        await log.entries.wait_after(0)
        seen.append(log.entries.last_seq)

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            turn.add(Text(text="piece"))
            await trio.testing.wait_all_tasks_blocked()
            assert seen == []
            log.flush()

    assert seen == [1]
    await log.entries.wait_after(0)  # already there


async def test_gathered_text_wakes_the_keeper() -> None:
    """The first piece says that a flush will be due."""
    log = make_log()
    turn = log.open_turn()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log.entries.wait_change)
            await trio.testing.wait_all_tasks_blocked()
            turn.add(Text(text="piece"))

    assert log.last_said == "text"


async def test_noise_is_kept_up_to_a_limit() -> None:
    """A CLI that prints rubbish without end fills neither memory nor store."""
    log = make_log()
    turn = log.open_turn()
    for number in range(KEPT_NOISE + 10):
        turn.add(Noise(stream=Stream.STDERR, line=str(number)))

    assert log.entries.last_seq == KEPT_NOISE


async def test_a_long_thought_is_cut() -> None:
    """Reasoning is shown, not archived."""
    log = make_log()
    turn = log.open_turn()
    turn.add(Reasoning(text="x" * (KEPT_REASONING_CHARS + 1)))
    turn.add(Reasoning(text="short"))

    first, second = [entry.event for entry in log.entries.since(0)]
    assert first == Reasoning(text="x" * KEPT_REASONING_CHARS)
    assert second == Reasoning(text="short")


async def test_the_fold_follows_the_entries() -> None:
    """State, queue position, usage, session and warnings come of the events alone."""
    log = make_log()
    turn = log.open_turn()
    log.add(JobQueued(position=3))
    assert (log.job.status, log.queue_position) == (JobStatus.QUEUED, 3)

    log.add(JobStarted())
    turn.add(Usage(input_tokens=3))
    turn.add(NativeSession(native_id="n"))
    turn.add(Warned(code="c", message="m"))
    turn.add(ToolUse(name="ls"))
    turn.add(ToolUse(name="ls", status="completed"))
    assert (log.job.status, log.queue_position) == (JobStatus.RUNNING, 0)
    assert log.job.started_at == BIRTH
    assert (log.usage, turn.native_id) == (Usage(input_tokens=3), "n")
    assert [each.code for each in log.all_warnings] == ["c"]
    assert log.tool_steps == 1

    log.finish(JobStatus.FAILED, "why", Outcome(content="half"))
    assert (log.job.status, log.job.finished_at) == (JobStatus.FAILED, BIRTH)
    assert log.job.outcome == Outcome(content="half")
    assert repr(log) == "<JobLog: 8 entries, 8 not stored>"
    assert repr(log.entries) == "<EntryBuffer: 8 entries, 8 not stored>"


EVENTS = st.one_of(
    st.builds(Text, text=st.text(min_size=1, max_size=40)),
    st.builds(Message, text=st.text(max_size=40)),
    st.builds(Noted, text=st.text(max_size=5)),
    st.just(TurnStarted(turn=1, cli="alpha")),
)


@given(st.lists(EVENTS, max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_sequence_numbers_have_no_gaps(events: list[Event], stored: list[int]) -> None:
    """Whatever is said, entries count from 1 without gaps and hold all text once, in order."""

    async def play() -> None:
        log = make_log()
        turn = log.open_turn()
        for event in events:
            turn.add(event)
        for seq in stored:
            log.stored(min(seq, log.entries.last_seq))
        log.flush()

        entries = log.entries.since(0)
        assert [entry.seq for entry in entries] == list(range(1, log.entries.last_seq + 1))
        said = "".join(each.event.text for each in entries if isinstance(each.event, Text))
        assert said == "".join(each.text for each in events if isinstance(each, Text))
        assert log.text_chars == len(log.text_so_far)

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("seq", [0, 2, 5])
async def test_waiting_is_cancelled_without_a_trace(seq: int) -> None:
    """A watcher that gives up leaves the log as it was."""
    log = make_log()
    with trio.move_on_after(0):
        await log.entries.wait_after(seq)

    assert log.entries.last_seq == 0
