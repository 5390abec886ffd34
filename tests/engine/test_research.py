"""A vendor's research over the end of a server: left, taken over, with a key that comes later."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from aimux.config import ClientContext
from aimux.engine import Engine, JobHandle, JobRequest, ResearchWork, open_engine, recover
from aimux.model import JobId, JobStatus, Mode, ResearchTask, Settings, TurnFailed, TurnFinished
from aimux.research import request_body
from aimux.testing import FakeStore
from aimux.tools import Client
from emulators.model_server import ModelServer, serve_model

from .house import FakeLoader, make_snapshot

KEY = "AIza-engine-test"


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    with serve_model(key=KEY) as server:
        yield server


@asynccontextmanager
async def opened(root: Path, store: FakeStore, owner: str, **env: str) -> AsyncIterator[Engine]:
    """An engine of this owner over the store, whose own environment is `env`."""
    settings = Settings()
    async with open_engine(
        settings=settings,
        store=store,
        state_dir=root / "state",
        loader=FakeLoader(make_snapshot(root, [], settings)),
        own=ClientContext(cwd=root, env=env),
        owner=owner,
        strict=True,
    ) as engine:
        yield engine


async def begin(engine: Engine, vendor: ModelServer, root: Path, topic: str) -> JobHandle:
    """A research of that topic, begun."""
    client = Client(key="me", name="tester", cwd=root, env={})
    request = JobRequest(
        tool="deepresearch",
        prompt=topic,
        client=client,
        mode=Mode.READ,
        has_seats=False,
        keeps_session=False,
    )
    prepared = await engine.prepare(request)
    task = ResearchTask(
        job_id=JobId(prepared.job_id),
        base_url=vendor.url,
        model="deep-research-x",
        output_format="report",
        cache_key="k",
        limit_s=60,
        poll_s=0.02,
        request_limit_s=5,
    )
    work = ResearchWork(task=task, key=KEY, body=request_body("deep-research-x", topic, []))
    return await engine.start(prepared, work)


def asked(vendor: ModelServer, what: str) -> int:
    return sum(each.get("step") == what for each in vendor.requests)


async def until(handle: JobHandle, text: str) -> None:
    """Return once the log of a job says that."""
    while not any(text in str(each.event) for each in handle.log.entries.since(0)):
        await handle.log.entries.wait_change()


@pytest.mark.requirement("deepresearch:restart")
async def test_a_stop_leaves_it_and_the_next_server_goes_on_once_it_has_a_key(
    tmp_path: Path, vendor: ModelServer
) -> None:
    """Running all the while, one turn with one end, no line of the log lost or twice."""
    store = FakeStore()
    with trio.fail_after(20):
        async with opened(tmp_path, store, "one") as engine:
            handle = await begin(engine, vendor, tmp_path, "[[polls 8]]")
            await until(handle, "in_progress")
        left = await store.job(handle.id)
        aborted = await recover(store, "two")
        async with opened(tmp_path, store, "two") as engine:
            count = await engine.go_on()
            again = engine.supervisor.find(handle.id)
            assert again is not None
            await until(again, "waits for a key")
            engine.keys.offer({"PATH": "/bin"})
            assert engine.keys.is_wanted
            engine.keys.offer({"GOOGLE_API_KEY": KEY})
            await again.done.wait()
    job = await store.job(handle.id)
    entries = await store.entries(handle.id, 0)

    assert left.status is JobStatus.RUNNING
    assert (aborted, count) == ([], 1)
    assert job.status is JobStatus.COMPLETED
    assert job.owner == "two"
    assert job.outcome is not None
    assert job.outcome.content.startswith("Größe zählt.")
    assert (asked(vendor, "begin"), asked(vendor, "cancel")) == (1, 0)
    assert [each.seq for each in entries] == list(range(1, len(entries) + 1))
    ends = [each for each in entries if isinstance(each.event, TurnFinished | TurnFailed)]
    assert [each.turn for each in ends] == [1]


async def test_what_was_asked_for_and_then_cancelled_is_cancelled_there(
    tmp_path: Path, vendor: ModelServer
) -> None:
    """Although nobody knew its id when the job was cancelled."""
    with trio.fail_after(20):
        async with opened(tmp_path, FakeStore(), "one") as engine:
            handle = await begin(engine, vendor, tmp_path, "[[slow 0.3]] [[polls never]]")
            while not asked(vendor, "begin"):  # noqa: ASYNC110  # it is in another thread
                await trio.sleep(0.01)
            handle.cancel("enough")
            await handle.done.wait()

    assert handle.job.status is JobStatus.CANCELLED
    assert asked(vendor, "cancel") == 1


async def test_a_store_that_is_full_costs_the_going_on_only(
    tmp_path: Path, vendor: ModelServer
) -> None:
    """The research comes to its end, and it is said what a restart would have lost."""
    store = FakeStore()
    with trio.fail_after(20):
        async with opened(tmp_path, store, "one") as engine:
            handle = await begin(engine, vendor, tmp_path, "[[slow 0.2]]")
            store.is_full = True
            await until(handle, "completed")
            store.is_full = False
            await handle.done.wait()

    assert handle.job.status is JobStatus.COMPLETED
    assert "not_resumable" in {each.code for each in handle.log.all_warnings}
