"""`status`: a job's end, its log, and long answers in pages."""

import pathlib
from typing import Any

import trio
import trio.testing

from aimux.dialects import MAX_ANSWER_CHARS
from aimux.model import JobId, JobStatus
from aimux.testing import Say, Turn
from aimux.tools._context import CACHED_PAYLOADS

from ..engine.house import Heard, answers, fails, open_house, record
from .calls import HANG, Clock, ask, check, fault


async def test_an_answer_beyond_the_limit_stays_truncated(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What is kept of it can be read to its end, where it still says that there was more."""
    text = "0123456789abcdef" * (MAX_ANSWER_CHARS // 16) + "lost"
    async with open_house(tmp_path, [answers(text)]) as house:
        body = await ask(house, "exec", prompt="x", cwd=str(house.work))
        offset = body["next_offset"]
        assert (body["status"], body["truncated"]) == ("completed", True)
        assert body["content_length"] == MAX_ANSWER_CHARS
        assert [each["code"] for each in body["warnings"]] == ["answer_truncated"]

        pages = [body["content"]]
        while offset is not None:
            page = await ask(house, "status", job_id=body["job_id"], offset=offset, max_chars=2**18)
            pages.append(page["content"])
            offset = page["next_offset"]
        whole = await ask(house, "status", job_id=body["job_id"], include_content=True)

    assert "".join(pages) == text[:MAX_ANSWER_CHARS] == whole["content"]
    assert page["truncated"]
    assert whole["truncated"]
    assert "more was said" in whole["hint"]


async def test_a_long_answer_is_paged(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The budget cuts, offset and tail page, include_content gives all, a link leads to it."""
    text = "".join(f"line {n}\n" for n in range(5_000)).strip()
    async with open_house(tmp_path, [answers(text)]) as house:
        payload = await house.call("exec", prompt="x", max_chars=100)
        body: Any = payload.body
        check("exec", body)
        assert (body["truncated"], body["content_length"]) == (True, len(text))
        assert len(body["content"]) <= 100
        assert payload.links[0]["uri"] == f"aimux://jobs/{body['job_id']}/output"
        assert body["hint"]

        joined, step = body["content"], body["guidance"]["next"][0]
        for _ in range(3):
            page = await ask(house, step["tool"], **step["arguments"])
            assert page["offset"] == len(joined)
            joined += page["content"]
            step = page["guidance"]["next"][0]
        assert text.startswith(joined)

        tail = await ask(house, "status", job_id=body["job_id"], tail=50)
        assert text.endswith(tail["content"])
        assert len(tail["content"]) <= 50
        whole = await ask(house, "status", job_id=body["job_id"], include_content=True)
        assert (whole["content"], whole["truncated"]) == (text, False)
        listed_too = await house.call("status", job_id=body["job_id"], events_after=0)
        assert listed_too.links == payload.links
        while step["tool"] == "status":
            page = await ask(house, step["tool"], **step["arguments"])
            joined += page["content"]
            step = page["guidance"]["next"][0]
        assert joined == text


async def test_status_waits_for_the_end(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """No polling: it returns with the end, or when its time is up; progress flows meanwhile."""
    slow = Turn(says=[Say(record(answer="at long last") + record(type="end"), after_s=30)])
    async with open_house(tmp_path, [slow]) as house:
        job_id = (await house.ask("exec", prompt="x", **{"async": True}))["job_id"]
        caller = Heard(wants_progress=True)
        early: Any = (await house.call("status", caller, job_id=job_id, wait_seconds=10)).body
        assert early["status"] == "running"
        assert trio.current_time() == 10
        assert caller.lines
        late = await ask(house, "status", job_id=job_id, wait_seconds=3_600)
        assert (late["status"], trio.current_time()) == ("completed", 30)
        again = await ask(house, "status", job_id=job_id, wait_seconds=3_600)
        assert again == late


async def test_asking_for_a_failed_job_is_no_failed_call(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`status` of a failed job is not itself an error."""
    async with open_house(tmp_path, [fails("context overflow")]) as house:
        job = await house.run()
        payload = await house.call("status", job_id=job.id)
        check("status", payload.body)

        assert payload.body["status"] == "failed"
        assert not payload.is_error
        unknown = await fault(house, "status", job_id="job_nobody")
        assert unknown.code == "job_not_found"


async def test_the_log_is_listed_from_a_number_on(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`events_after` lists; with a wait it returns at the next event."""
    talking = Turn(says=[Say(record(answer=f"word {n}"), after_s=5) for n in range(4)], hangs=True)
    async with open_house(tmp_path, [talking]) as house:
        job_id = (await house.ask("exec", prompt="x", wait_seconds=1))["job_id"]
        first = await ask(house, "status", job_id=job_id, events_after=0)
        assert [each["kind"] for each in first["events_list"]] == [
            "job_started",
            "turn_started",
            "child_started",
        ]
        seen = first["events_list"][-1]["seq"]
        following = await ask(house, "status", job_id=job_id, events_after=seen, wait_seconds=60)
        assert trio.current_time() == 5
        assert [each["line"] for each in following["events_list"]] == ["word 0"]
        at_once = await ask(house, "status", job_id=job_id, events_after=seen, wait_seconds=60)
        assert trio.current_time() == 5
        assert at_once["events_list"] == following["events_list"]


async def test_an_end_is_told_when_it_is_stored(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Between the end of the work and its commit a job is not called completed."""
    async with open_house(tmp_path, [HANG]) as house:
        job_id = (await house.ask("exec", prompt="x", wait_seconds=1))["job_id"]
        handle = house.engine.supervisor.find(job_id)
        assert handle is not None
        gate = trio.Event()
        finish = house.store.finish

        async def slow(*args: Any) -> Any:
            await gate.wait()
            return await finish(*args)

        house.store.finish = slow  # type: ignore[method-assign]
        handle.cancel("enough")
        await trio.testing.wait_all_tasks_blocked()
        assert handle.job.status is JobStatus.CANCELLED
        assert handle.is_ending
        bodies: list[Any] = []
        async with trio.open_nursery() as nursery:

            async def ask_status() -> None:
                bodies.append(await house.ask("status", job_id=job_id))

            nursery.start_soon(ask_status)
            await trio.testing.wait_all_tasks_blocked()
            assert bodies == []
            gate.set()

        assert bodies[0]["status"] == "cancelled"
        assert (await house.store.job(JobId(job_id))).status is JobStatus.CANCELLED


async def test_answers_that_cannot_change_are_cached(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The same call about an ended job gives the same payload, up to a number of them."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        first = await house.call("status", job_id=job.id)
        assert await house.call("status", job_id=job.id) is first
        for number in range(CACHED_PAYLOADS):
            await house.call("status", job_id=job.id, max_chars=number + 1)

        again = await house.call("status", job_id=job.id)
        assert again is not first
        assert again.body == first.body
