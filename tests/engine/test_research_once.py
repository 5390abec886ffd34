"""The same research asked for at once: one makes it, the others wait for its answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from aimux.engine import Engine, JobHandle, JobLog, JobRequest, ResearchWork, SameResearch
from aimux.engine._research_once import OpenResearch
from aimux.engine.jobs import Slots
from aimux.errors import StoreUnavailable
from aimux.model import JobId, JobStatus, Mode, Report, ResearchTask
from aimux.research import request_body
from aimux.rules import SlotLimits, SlotRequest
from aimux.rules.research import report_research
from aimux.testing import FakeStore
from aimux.times import utc_now
from aimux.tools import Client
from emulators.model_server import ModelServer, serve_model

from .house import make_job
from .test_research import KEY, asked, opened, until


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    with serve_model(key=KEY) as server:
        yield server


async def begin(
    engine: Engine, vendor: ModelServer, root: Path, topic: str, limit_s: float = 60
) -> JobHandle:
    """A research of that topic, whose answer is kept under it, begun."""

    async def find() -> Report | None:
        now = utc_now()
        since = now.replace(year=2000)
        kept = await engine.store.research.find(topic, since=since, now=now)
        if kept is None:
            return None
        return report_research(
            kept, turn=None, cache_key=topic, output_format="report", now=now, is_cached=True
        )

    request = JobRequest(
        tool="deepresearch",
        prompt=topic,
        client=Client(key="me", name="tester", cwd=root, env={}),
        mode=Mode.READ,
        has_seats=False,
        keeps_session=False,
        timeout_s=limit_s,
    )
    prepared = await engine.prepare(request)
    task = ResearchTask(
        job_id=JobId(prepared.job_id),
        base_url=vendor.url,
        model="deep-research-x",
        output_format="report",
        cache_key=topic,
        limit_s=prepared.limit_s,
        poll_s=0.02,
        request_limit_s=5,
    )
    work = ResearchWork(task=task, key=KEY, body=request_body("deep-research-x", topic, []))
    return await engine.start(prepared, work, SameResearch(key=topic, find=find))


def told(handle: JobHandle) -> tuple[JobStatus, object, int]:
    """How a job ended, whether its answer was a kept one, and how many turns it took."""
    outcome = handle.job.outcome
    assert outcome is not None
    data = outcome.data
    return (
        handle.job.status,
        data.get("cached") if isinstance(data, dict) else None,
        len(outcome.turns),
    )


async def test_who_asks_for_the_same_gets_the_answer_that_is_being_made(
    tmp_path: Path, vendor: ModelServer
) -> None:
    """However many ask; what differs is researched beside it."""
    with trio.fail_after(20):
        async with opened(tmp_path, FakeStore(), "one") as engine:
            handles = [await begin(engine, vendor, tmp_path, "[[polls 5]]") for _ in range(4)]
            other = await begin(engine, vendor, tmp_path, "[[polls 1]]")
            await until(handles[3], f"waits for {handles[0].id}")
            for each in (*handles, other):
                await each.done.wait()

    assert [told(each) for each in handles] == [
        (JobStatus.COMPLETED, False, 1),
        *[(JobStatus.COMPLETED, True, 0)] * 3,
    ]
    assert told(other) == (JobStatus.COMPLETED, False, 1)
    assert asked(vendor, "begin") == 2


async def test_who_waits_can_be_cancelled_alone(tmp_path: Path, vendor: ModelServer) -> None:
    """The one that is waited for goes on, at the vendor too."""
    with trio.fail_after(20):
        async with opened(tmp_path, FakeStore(), "one") as engine:
            first = await begin(engine, vendor, tmp_path, "[[polls 8]]")
            second = await begin(engine, vendor, tmp_path, "[[polls 8]]")
            await until(second, "waits for")
            second.cancel("enough")
            await second.done.wait()
            is_over = first.is_over
            await first.done.wait()

    assert not is_over
    assert (second.job.status, first.job.status) == (JobStatus.CANCELLED, JobStatus.COMPLETED)
    assert (asked(vendor, "begin"), asked(vendor, "cancel")) == (1, 0)


async def test_when_the_first_is_cancelled_the_next_one_researches(
    tmp_path: Path, vendor: ModelServer
) -> None:
    """Once: the third waits for the second."""
    with trio.fail_after(20):
        async with opened(tmp_path, FakeStore(), "one") as engine:
            handles = [await begin(engine, vendor, tmp_path, "[[polls 8]]") for _ in range(3)]
            await until(handles[0], "in_progress")
            await until(handles[2], "waits for")
            handles[0].cancel("enough")
            for each in handles:
                await each.done.wait()

    assert handles[0].job.status is JobStatus.CANCELLED
    assert sorted(told(each)[1:] for each in handles[1:]) == [(False, 1), (True, 0)]
    assert (asked(vendor, "begin"), asked(vendor, "cancel")) == (2, 1)


async def test_who_waits_has_a_deadline_of_its_own(tmp_path: Path, vendor: ModelServer) -> None:
    """And it ends nobody else's."""
    with trio.fail_after(20):
        async with opened(tmp_path, FakeStore(), "one") as engine:
            first = await begin(engine, vendor, tmp_path, "[[polls never]]")
            second = await begin(engine, vendor, tmp_path, "[[polls never]]", limit_s=0.2)
            await second.done.wait()
            is_over = first.is_over
            first.cancel("enough")
            await first.done.wait()

    assert not is_over
    assert second.job.status is JobStatus.TIMED_OUT
    assert second.job.outcome is not None
    assert second.job.outcome.error is not None
    assert first.id in second.job.outcome.error.message
    assert asked(vendor, "begin") == 1


async def test_who_waits_gives_its_slot_back(autojump_clock: trio.testing.MockClock) -> None:
    """A slot is for who works; what is kept is not researched, nor what a full store may hold."""
    slots = Slots(SlotLimits(turns=1))
    research = OpenResearch(slots)
    reports: list[Report] = []

    async def work(_: JobHandle) -> Report:
        await trio.sleep(5)
        return Report(status=JobStatus.COMPLETED, content="made")

    async def find() -> Report | None:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable("full", code="store_full")

    async def run(handle: JobHandle) -> None:
        reports.append(await research.run(handle, SameResearch(key="k", find=find), work))

    first, second = (
        JobHandle(log=JobLog(make_job(id=JobId(name)), born=0), client_key="me")
        for name in ("job_1", "job_2")
    )
    second.first_slot = slots.request(
        SlotRequest(key="job_2/0", cli="codex", client="me", root="job_2")
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, first)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(run, second)
        await trio.testing.wait_all_tasks_blocked()
        granted = slots.request(SlotRequest(key="job_3/0", cli="codex", client="me", root="job_3"))

    assert second.first_slot is None
    assert granted is not None
    assert granted.position == 0
    assert [each.content for each in reports] == ["made", "made"]
    assert trio.current_time() == 10
