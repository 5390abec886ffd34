"""Retelling, figures, lines of progress, housekeeping and recovery."""

import datetime
import pathlib
import subprocess
import sys

import attrs
import psutil
import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from aimux.engine import JobHandle, JobLog, heartbeat, line_at, recover, serve_housekeeping
from aimux.engine._metrics import Metrics
from aimux.engine._retelling import TOLD_CHARS, PastTurn, past_turns, retell
from aimux.model import (
    AttemptFailed,
    ChildStarted,
    Entry,
    Event,
    Failure,
    FailureClass,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
    Message,
    Mode,
    Noted,
    Outcome,
    Reasoning,
    ServerSettings,
    Text,
    ToolUse,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
    Usage,
    Warned,
)
from aimux.testing import FakeStore

from .house import BIRTH, answers, make_job, make_session, open_house

Clock = trio.testing.MockClock


# ---------------------------------------------------------------------------------------- retelling


def answered(number: int, prompt: str, content: str) -> object:
    at = BIRTH + datetime.timedelta(seconds=number)
    return make_job(number, prompt=prompt, created_at=at, outcome=Outcome(content=content))


def test_earlier_turns_are_told_oldest_first() -> None:
    """Only what was answered; the store's order does not matter."""
    jobs = [
        answered(3, "third", "drei"),
        answered(1, "first", "eins"),
        answered(2, "second", ""),
        make_job(4),
    ]

    assert past_turns(jobs) == [PastTurn("first", "eins"), PastTurn("third", "drei")]  # type: ignore[arg-type]


def test_long_conversations_lose_their_beginning() -> None:
    """The newest turns fit; what does not fit is cut at the oldest end."""
    half = "x" * (TOLD_CHARS // 2 - 10)
    jobs = [answered(number, f"p{number}", half) for number in (1, 2, 3)]

    told = past_turns(jobs)  # type: ignore[arg-type]

    assert [each.prompt for each in told] == ["p2", "p3"]


def test_one_answer_that_is_too_long_is_cut_not_dropped() -> None:
    """A conversation of one long answer can still be continued."""
    jobs = [answered(1, "p1", "old"), answered(2, "p2", "x" * TOLD_CHARS + "the end")]

    told = past_turns(jobs)  # type: ignore[arg-type]

    assert [each.prompt for each in told] == ["p2"]
    assert told[0].answer.endswith("the end")
    assert len(told[0].prompt) + len(told[0].answer) <= TOLD_CHARS


@given(st.lists(st.tuples(st.text("`a\n", max_size=30), st.text("`b\n", max_size=30)), min_size=1))
def test_content_cannot_close_its_fence(pairs: list[tuple[str, str]]) -> None:
    """Whatever was said, the fence around it is longer than any in it."""
    text = retell([PastTurn(*pair) for pair in pairs])

    fence = next(line for line in text.splitlines() if set(line) == {"`"})
    for prompt, answer in pairs:
        assert fence not in prompt
        assert fence not in answer
    assert text.count(f"{fence}\n") >= 4 * len(pairs) - 1


# ------------------------------------------------------------------------------------------ figures


def test_figures_count_turns_and_their_cost() -> None:
    """Totals, per CLI, per role; latencies of completed turns only."""
    metrics = Metrics()
    for seconds in range(1, 101):
        metrics.turn(
            cli="alpha",
            model="m",
            role="",
            outcome="completed",
            duration_s=seconds,
            usage=Usage(input_tokens=2, output_tokens=1, cost_usd=0.01),
        )
    metrics.turn(
        cli="beta", model="", role="review", outcome="quota", duration_s=1_000.0, usage=None
    )
    shown = metrics.shown()
    total, beta = shown["total"], shown["per_cli"]["beta"]  # type: ignore[index]

    assert total["turns"] == 101  # type: ignore[index]
    assert total["latency"] == {  # type: ignore[index]
        "p50_ms": 51_000,
        "p90_ms": 91_000,
        "p95_ms": 96_000,
        "p99_ms": 100_000,
        "mean_ms": 50_500,
    }
    assert (total["input_tokens"], total["output_tokens"], total["cost_usd"]) == (200, 100, 1.0)  # type: ignore[index]
    assert total["outcomes"] == {"completed": 100, "quota": 1}  # type: ignore[index]
    assert (beta["error_rate"], beta["latency"]) == (1.0, {})
    assert list(shown["per_role"]) == ["default", "review"]  # type: ignore[call-overload]
    assert repr(metrics) == "<Metrics: 101 turns, 100 completed>"


def test_figures_of_nothing() -> None:
    """No turn, no division."""
    total = Metrics().shown()["total"]

    assert total["error_rate"] == 0.0  # type: ignore[index]
    assert total["last_at"] is None  # type: ignore[index]


# -------------------------------------------------------------------------------------------- lines

ENDED = TurnResult(turn=1, status=JobStatus.CANCELLED)
FAILED = Failure(failure_class=FailureClass.QUOTA, code="rate_limited", message="secret")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (JobQueued(position=2), "waiting for a slot: number 2"),
        (TurnStarted(turn=1, cli="alpha", model="m"), "alpha m started (read only)"),
        (
            TurnStarted(turn=2, cli="alpha", mode=Mode.WRITE, attempt=2),
            "alpha started (mode write, attempt 2)",
        ),
        (Text(text="one\ntwo \n\n"), "two"),
        (Message(text="x" * 500), "x" * 100),
        (Message(text=" \n"), None),
        (Reasoning(text="private"), "thinking"),
        (ToolUse(name="ls"), "uses ls"),
        (ToolUse(name="ls", status="completed"), None),
        (Warned(code="c", message="careful"), "careful"),
        (TurnQueued(turn=3, seat="B", position=2), "B: waiting for a slot: number 2"),
        (TurnStarted(turn=1, seat="A", cli="alpha"), "A: alpha started (read only)"),
        (AttemptFailed(turn=1, attempt=1, failure=FAILED), "failed: quota (rate_limited)"),
        (TurnFailed(result=attrs.evolve(ENDED, failure=FAILED)), "failed: quota (rate_limited)"),
        (TurnFailed(result=attrs.evolve(ENDED, seat="B")), "B: failed: cancelled"),
        (TurnFinished(result=ENDED), "answered"),
        (ChildStarted(pid=1, started=0.0), None),
        (Noted(text="alpha asks: sure?"), "alpha asks: sure?"),
    ],
)
def test_one_line_for_a_person(event: Event, line: str | None) -> None:
    """What a progress notification says: never a prompt, a path or reasoning."""
    entry = Entry(seq=1, offset_s=0.0, at=BIRTH, turn=1, event=event)

    assert line_at([entry], 0) == line


async def test_a_heartbeat_tells_what_is_known(autojump_clock: Clock) -> None:
    """Position while it waits; time, steps and characters while it works."""
    log = JobLog(make_job(), born=0.0)
    handle = JobHandle(log=log, client_key="me")
    log.add(JobQueued(position=4))
    assert heartbeat(handle, 3.0) == "waiting for a slot: number 4"

    log.add(JobStarted())
    assert heartbeat(handle, 30.0) == "at work for 30 s; last event 30 s ago"
    turn = log.open_turn()
    turn.add(ToolUse(name="ls"))
    turn.add(Message(text="hello"))
    assert heartbeat(handle, 30.0) == (
        "at work for 30 s, 1 tool steps, 5 characters; last event 30 s ago"
    )
    log.open_turn()
    assert heartbeat(handle, 30.0).startswith("at work for 30 s, 2 turns, 1 tool steps")


# ------------------------------------------------------------------------------------- housekeeping


async def test_housekeeping_removes_what_is_old(
    tmp_path: pathlib.Path, autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """At its pace, and only what ended long enough ago; a full disk postpones it."""
    server = ServerSettings(rate_limit_rps=0, gc_interval_seconds=60, session_ttl_hours=1)
    async with open_house(tmp_path, [answers()], server=server) as house:
        old = make_job(1, status=JobStatus.COMPLETED, finished_at=BIRTH)
        end = JobFinished(status=JobStatus.COMPLETED)
        entry = Entry(seq=1, offset_s=0.0, at=BIRTH, turn=0, event=end)
        await house.store.create(make_job(1), make_session(1))
        await house.store.finish(attrs.evolve(old, outcome=Outcome()), make_session(1), [entry])
        young = await house.run()
        caplog.set_level("INFO", "aimux.gc")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_housekeeping, house.engine)
            house.store.is_full = True
            await trio.sleep(61)
            house.store.is_full = False
            await trio.sleep(60)
            nursery.cancel_scope.cancel()

        postponed, done = [record.__dict__ for record in caplog.records]
        assert (postponed["msg"], done["msg"]) == ("housekeeping postponed", "housekeeping")
        assert (done["jobs"], done["sessions"]) == (1, 1)
        assert (await house.store.tally()).jobs == {JobStatus.COMPLETED: 1}
        assert house.engine.supervisor.find(young.id) is not None


# ----------------------------------------------------------------------------------------- recovery


@pytest.mark.slow
async def test_recovery_ends_what_a_dead_server_left(caplog: pytest.LogCaptureFixture) -> None:
    """Its jobs are aborted once, with what they had said, and its child is ended.

    The child is real: that it dies is the point.
    """
    store = FakeStore()
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = await trio.to_thread.run_sync(lambda: subprocess.Popen(command, start_new_session=True))
    try:
        born = psutil.Process(child.pid).create_time()
        events: list[Event] = [
            JobStarted(),
            TurnStarted(turn=1, cli="alpha"),
            ChildStarted(pid=child.pid, started=born),
            Text(text="half"),
        ]
        entries = [
            Entry(seq=seq, offset_s=0.0, at=BIRTH, turn=min(seq - 1, 1), event=event)
            for seq, event in enumerate(events, 1)
        ]
        await store.create(make_job(1, owner="dead"), make_session(1), entries)
        await store.create(make_job(2, owner="me"), make_session(2))
        with trio.fail_after(30):
            assert await recover(store, "me") == ["job_1"]
            assert await recover(store, "me") == []

        assert {record.message for record in caplog.records} == {
            "ended children of a server that died",
            "jobs aborted by the death of their server",
        }
        row = await store.job(make_job(1).id)
        assert row.status is JobStatus.ABORTED
        assert row.outcome is not None
        assert row.outcome.content == "half"
        assert not psutil.pid_exists(child.pid)
        assert (await store.job(make_job(2).id)).status is JobStatus.QUEUED
    finally:
        child.kill()
        child.wait()


async def test_nothing_to_recover_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A clean start says nothing."""
    assert await recover(FakeStore(), "me") == []

    assert caplog.records == []
