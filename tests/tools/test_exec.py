"""`exec`: its answer, how long it waits, what its caller sees meanwhile, a plan."""

import json
import pathlib
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from aimux.model import JobStatus, Mode, ModelRule, ModeRule
from aimux.testing import Say, Turn

from ..engine.house import ALPHA, BETA, Heard, answers, fails, open_house, record
from .calls import HANG, Clock, ask, check, fault


async def test_a_cost_has_no_noise_of_its_sum(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """0.1 and 0.2 are 0.3 to whoever pays."""

    def costly(cost: float, **more: object) -> Turn:
        return Turn(says=[Say(record(answer="x" * 40, cost=cost, **more)), Say(record(type="end"))])

    hiccup = Turn(
        says=[Say(record(cost=0.1)), Say(record(type="error", message="server hiccup"))],
        exit_code=1,
    )
    async with open_house(tmp_path, [hiccup, costly(0.2)]) as house:
        body = await ask(house, "exec", prompt="what is it?")

    assert len(body["attempts"]) == 2
    assert body["usage"]["cost_usd"] == 0.3


async def test_exec_answers(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The shape of a result: ids, route, content, figures, attempts, what to do next."""
    async with open_house(tmp_path, [answers("forty-two, of course", native="n")]) as house:
        body = await ask(house, "exec", prompt="what is it?", role="review")

    assert body["status"] == "completed"
    assert body["content"] == "forty-two, of course"
    assert (body["cli"], body["role"], body["mode"]) == ("alpha", "review", "read")
    assert body["content_length"] == 20
    assert body["usage"]["input_tokens"] == 10
    assert body["attempts"] == [{"cli": "alpha", "outcome": "completed", "duration_ms": 0}]
    assert (body["error"], body["truncated"], body["next_offset"]) == (None, False, None)
    assert body["guidance"]["next"] == [
        {
            "tool": "exec",
            "arguments": {"session_id": body["session_id"], "prompt": "Continue."},
            "when": "the conversation shall go on",
        },
        {
            "tool": "status",
            "arguments": {"job_id": body["job_id"], "events_after": 0},
            "when": "it is to be seen what it did",
        },
    ]


async def test_a_failed_run_is_an_answer_that_is_an_error(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Typed, with partial text and what to change."""
    async with open_house(tmp_path, [fails("log in first")] * 3) as house:
        payload = await house.call("exec", prompt="x")
        check("exec", payload.body)

        assert payload.is_error
        body: Any = payload.body
        assert (body["status"], body["error"]["class"]) == ("failed", "auth")
        assert len(body["attempts"]) == 3
        assert "logged in" in body["guidance"]["do_not"][0]
        assert [each["arguments"] for each in body["guidance"]["next"]] == [
            {"action": "health"},
            {"job_id": body["job_id"], "events_after": 0},
            {"action": "retry", "job_id": body["job_id"]},
        ]


async def test_a_long_run_is_handed_over(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """After the configured wait: running, the text so far, and the exact next call."""
    async with open_house(tmp_path, [HANG]) as house:
        began = trio.current_time()
        body = await ask(house, "exec", prompt="x")

        assert trio.current_time() - began == 45.0
        assert (body["status"], body["content"], body["duration_ms"]) == ("running", "so far", None)
        assert body["last_event"] == "message"
        assert body["last_event_age_ms"] == 45_000
        step = body["guidance"]["next"][0]
        assert step == {
            "tool": "status",
            "arguments": {"job_id": body["job_id"], "wait_seconds": 45},
            "when": "its end is waited for",
        }
        again = await ask(house, **{"tool": step["tool"], **step["arguments"]})
        assert again["status"] == "running"
        assert trio.current_time() - began == 90.0


@pytest.mark.parametrize(
    ("arguments", "default_async", "waited_s"),
    [
        ({"wait_seconds": 7}, False, 7.0),
        ({"wait_seconds": 0}, False, 0.0),
        ({"async": True}, False, 0.0),
        ({"async": True, "wait_seconds": 0}, False, 0.0),
        ({}, True, 0.0),
        ({"async": False}, True, 45.0),
        ({"wait_seconds": 7}, True, 7.0),
    ],
)
async def test_how_long_exec_waits(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    arguments: dict[str, Any],
    default_async: bool,
    waited_s: float,
) -> None:
    """The call's word, else the configured one; the job goes on in every case."""
    async with open_house(tmp_path, [HANG]) as house:
        house.configure(default_async=default_async)
        began = trio.current_time()
        body = await ask(house, "exec", prompt="x", **arguments)

        assert trio.current_time() - began == waited_s
        assert body["status"] == "running"
        assert house.engine.supervisor.statistics().running == 1


async def test_contradictory_waits_are_refused(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`async` and a wait exclude each other; nothing is started."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, "exec", prompt="x", **{"async": True, "wait_seconds": 3})
        assert house.engine.supervisor.open_handles() == []

    assert refused.code == "contradictory_arguments"


@pytest.mark.parametrize(("name", "waited_s"), [("codex-mcp-client", 270.0), ("other", 400.0)])
async def test_who_gets_progress_waits_as_long_as_it_wants(
    tmp_path: pathlib.Path, autojump_clock: Clock, name: str, waited_s: float
) -> None:
    """Unless it is known to give up anyway; then it gets the job a little before."""
    slow = Turn(says=[Say(record(answer="at long last") + record(type="end"), after_s=400)])
    async with open_house(tmp_path, [slow]) as house:
        house.client = attrs.evolve(house.client, name=name)
        caller = Heard(wants_progress=True)
        began = trio.current_time()
        await house.call("exec", caller, prompt="x")

        assert trio.current_time() - began == waited_s
        assert caller.lines[0] == "alpha started (read only)"
        assert "at work for 10 s; last event 10 s ago" in caller.lines
        assert len(caller.lines) > 20


async def test_progress_is_thinned_and_ends_with_the_call(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A burst is one line, the newest; after a handover nothing more is said."""
    says = [Say(record(answer=f"line {n}"), after_s=0.01) for n in range(200)]
    async with open_house(tmp_path, [Turn(says=says, hangs=True)]) as house:
        caller = Heard(wants_progress=True)
        await house.call("exec", caller, prompt="x", wait_seconds=3)
        said = len(caller.lines)
        assert 5 <= said <= 16
        assert caller.lines[-1] == "line 199"
        await trio.sleep(60)

        assert len(caller.lines) == said


async def test_cancelling_a_waiting_call_ends_its_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The client's cancellation reaches the child; a job that was handed over goes on."""
    async with open_house(tmp_path, [HANG, HANG]) as house:
        kept = await house.ask("exec", prompt="x", wait_seconds=1)
        with trio.move_on_after(5):
            await house.call("exec", prompt="y")
        await trio.testing.wait_all_tasks_blocked()
        open_ids = [handle.id for handle in house.engine.supervisor.open_handles()]
        await trio.sleep(5)

        assert kept["job_id"] in open_ids
        assert house.engine.supervisor.statistics().running == 1
        page = await house.store.jobs()
        assert [job.status for job in page.jobs] == [JobStatus.CANCELLED, JobStatus.RUNNING]


async def test_a_plan_starts_nothing(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """`dry_run` shows argv, names of variables, deadlines, and what was passed over."""
    profiles = [ALPHA, attrs.evolve(BETA, modes={Mode.READ: ModeRule()})]
    async with open_house(tmp_path, profiles=profiles) as house:
        body = await ask(
            house, "exec", prompt="secret prompt", dry_run=True, mode="write", timeout_seconds=30
        )
        tally = await house.store.tally()
        assert (house.driver.specs, dict(tally.jobs), dict(tally.sessions)) == ([], {}, {})

    plan = body["plan"]
    assert (body["status"], body["job_id"], body["session_id"]) == ("planned", None, None)
    assert plan["candidates"][0]["argv"][1:] == ["run", "--write"]
    assert body["content"].endswith(", mode write, at most 30 s; if it fails, alpha:a2, alpha:a3")
    assert "PATH" in plan["candidates"][0]["env_names"]
    assert plan["deadline_seconds"] == 30
    assert plan["skipped"] == [{"cli": "beta", "reason": "offers no write mode"}]
    assert "secret" not in json.dumps(body)


async def test_a_plan_tells_which_candidate_could_not_run(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """An error stands in place of a plan; a continued session is named."""
    bad = attrs.evolve(BETA, model=ModelRule(flag="--model", default="--oops"))
    async with open_house(tmp_path, [answers(native="n")], profiles=[ALPHA, bad]) as house:
        body = await ask(house, "exec", prompt="x", dry_run=True)
        assert "error" in body["plan"]["candidates"][-1]

        job = await house.run()
        body = await ask(house, "exec", prompt="x", dry_run=True, session_id=job.session_id)
        assert body["session_id"] == job.session_id
        assert "--resume" in body["plan"]["candidates"][0]["argv"]


async def test_a_schema_gives_data(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The parsed answer stands beside the text."""
    async with open_house(tmp_path, [answers('{"n": 1}  ok?')]) as house:
        schema = {"type": "object", "required": ["n"]}
        body = await ask(house, "exec", prompt="x", schema=schema, cwd=str(house.work))

    assert body["data"] == {"n": 1}
