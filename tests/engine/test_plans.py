"""Many jobs at once, drawn by Hypothesis: whatever happens to them, each has one end."""

import pathlib
import tempfile
from typing import Any, Final

import attrs
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings, strategies as st

from aimux.drivers import ProcessSpec
from aimux.engine import JobHandle
from aimux.errors import Refusal, TooManyJobs
from aimux.model import (
    BreakerSettings,
    JobFinished,
    JobStatus,
    ServerSettings,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from aimux.testing import Say, Turn

from ..extent import examples
from .house import House, answers, fails, make_profile, open_house, record

LIMIT_S: Final = 50.0
STATUS_OF: Final = {
    "finish": {"completed"},
    "stall": {"timed_out"},
    "deadline": {"timed_out"},
    "crash": {"failed", "completed"},  # a breaker may have opened meanwhile, or a next CLI answered
    "fault": {"failed", "completed"},
}


@attrs.frozen
class Play:
    """One job: what its CLI does, when it is asked for, and when somebody ends it."""

    does: str
    at_s: float
    ended_at_s: float | None
    is_kill: bool
    client: str


PLAYS = st.builds(
    Play,
    does=st.sampled_from(["finish", "stall", "deadline", "crash", "fault"]),
    at_s=st.sampled_from([0.0, 0.0, 1.0, 5.0]),
    ended_at_s=st.sampled_from([None, None, 0.0, 2.0, 7.0]),
    is_kill=st.booleans(),
    client=st.sampled_from(["one", "two"]),
)


def turn_for(order: ProcessSpec) -> Turn:
    """The turn a prompt asks for."""
    match (order.stdin or b"").decode():
        case "finish":
            return answers("a fine answer", hangs=True)
        case "stall":
            return Turn(says=[Say(record(delta="I am"))], hangs=True, stubborn=True)
        case "deadline":
            return Turn(says=[Say(record(delta="x"), after_s=3.0)] * 100)
        case "crash":
            return Turn(says=[Say(record(delta="oh "), after_s=1.0)], exit_code=-11)
        case _:
            return fails("log in first")


async def play(house: House, play: Play, handles: list[tuple[Play, JobHandle]]) -> None:
    await trio.sleep(play.at_s)
    client = attrs.evolve(house.client, key=play.client)
    request = house.request(play.does, client=client, timeout_s=LIMIT_S)
    try:
        handle = await house.begin(request)
    except (TooManyJobs, Refusal):
        return
    handles.append((play, handle))
    if play.ended_at_s is not None:
        await trio.sleep(play.ended_at_s)
        handle.cancel("the plan says so", is_kill=play.is_kill)


async def act(plays: list[Play], capacity: int, queue: int, closes_at_s: float | None) -> None:
    handles: list[tuple[Play, JobHandle]] = []
    server = ServerSettings(
        max_concurrent_jobs=capacity,
        max_queued_jobs=queue,
        streaming_grace_seconds=1,
        streaming_auto_cancel_seconds=30,
        streaming_hard_stall_seconds=20,
        streaming_soft_warning_seconds=10,
        max_turns_per_cli=3,
    )
    kept: Any = None
    with tempfile.TemporaryDirectory() as root:
        async with open_house(
            pathlib.Path(root),
            turn_for,
            server=server,
            profiles=[make_profile("alpha", priority=1), make_profile("beta", priority=2)],
            breaker=BreakerSettings(failure_threshold=2, cooldown_seconds=5),
        ) as house:
            kept = house
            async with trio.open_nursery() as players:
                for each in plays:
                    players.start_soon(play, house, each, handles)
            if closes_at_s is None:
                with trio.fail_after(1_000):
                    await house.engine.supervisor.wait_empty()
                assert house.engine.supervisor.statistics().running == 0
            else:
                await trio.sleep(closes_at_s)
    await check(kept, handles, is_closed_early=closes_at_s is not None)


async def check(
    house: House, handles: list[tuple[Play, JobHandle]], *, is_closed_early: bool
) -> None:
    assert house.driver.running == 0
    for each, handle in handles:
        assert handle.done.is_set()
        row = await house.store.job(handle.id)
        entries = await house.store.entries(handle.id)
        ends = [entry.event for entry in entries if isinstance(entry.event, JobFinished)]
        assert len(ends) == 1
        assert entries[-1].event is ends[0] or entries[-1].event == ends[0]
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        assert row.status is ends[0].status is handle.job.status
        assert row.outcome == handle.job.outcome
        started = {e.turn for e in entries if isinstance(e.event, TurnStarted)}
        ended = [e.turn for e in entries if isinstance(e.event, TurnFinished | TurnFailed)]
        assert sorted(ended) == sorted(set(ended))
        assert started <= set(ended)
        allowed = {JobStatus(each_) for each_ in STATUS_OF[each.does]}
        if each.does in ("crash", "stall", "deadline", "fault"):
            allowed |= {JobStatus.PARTIAL, JobStatus.FAILED}
        error = row.outcome.error if row.outcome is not None else None
        if error is not None and error.code == "circuit_open":  # others' crashes shut every door
            allowed |= {JobStatus.FAILED}
        if each.ended_at_s is not None:
            allowed |= {JobStatus.CANCELLED}
        if is_closed_early:
            allowed |= {JobStatus.ABORTED}
        assert row.status in allowed, (each, row.status, row.outcome)
        session = await house.store.session(row.session_id)
        assert session.status is row.status
    assert house.engine.supervisor.open_handles() == []
    assert house.engine.supervisor.statistics().queued == 0


@pytest.mark.requirement("job:one_end")
@pytest.mark.slow
@settings(max_examples=examples(15, 40), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(PLAYS, min_size=1, max_size=7),
    st.integers(1, 3),
    st.integers(0, 4),
    st.one_of(st.none(), st.sampled_from([0.0, 3.0, 20.0])),
)
def test_every_job_has_exactly_one_end(
    plays: list[Play], capacity: int, queue: int, closes_at_s: float | None
) -> None:
    """Finishing, stalling, crashing, cancelled, killed, out of time, or the server stops."""
    trio.run(
        act, plays, capacity, queue, closes_at_s, clock=trio.testing.MockClock(autojump_threshold=0)
    )
