"""Every tool through the app, on an engine without processes."""

import importlib
import inspect
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import attrs
import jsonschema
import pytest
import trio
import trio.testing

from aimux.dialects import MAX_ANSWER_CHARS
from aimux.drivers import ProcessSpec
from aimux.errors import AimuxError, InvalidArguments, NotFound, PeerFault, Refusal
from aimux.model import (
    BreakerSettings,
    Failure,
    FailureClass,
    JobId,
    JobStatus,
    Mode,
    ModeRule,
    Problem,
    ServerSettings,
    SessionId,
    Severity,
)
from aimux.testing import Say, Turn
from aimux.tools import TOOLS, Payload, ToolCall
from aimux.tools._catalog import listed, templates
from aimux.tools._context import CACHED_PAYLOADS, ToolModule

from ..engine.house import ALPHA, BETA, Heard, House, answers, fails, open_house, record

Clock = trio.testing.MockClock
QUOTA = Failure(failure_class=FailureClass.QUOTA, code="rate_limited", message="m")
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)


def check(tool: str, body: Mapping[str, Any]) -> None:
    """An answer holds its output schema, and what it says to do next can be sent as it stands."""
    shown = json.loads(json.dumps(body))
    jsonschema.Draft202012Validator(TOOLS[tool].output_schema).validate(shown)
    for step in shown["guidance"]["next"]:
        jsonschema.Draft202012Validator(TOOLS[step["tool"]].input_schema).validate(
            step["arguments"]
        )


async def ask(house: House, tool: str, **arguments: Any) -> dict[str, Any]:
    """The body of an answer that holds its schemas."""
    body = await house.ask(tool, **arguments)
    check(tool, body)
    return body


async def fault(house: House, tool: str, **arguments: Any) -> AimuxError:
    """The error of a call that is refused; what is made of it holds the tool's schema too."""
    with pytest.raises(AimuxError) as refused:
        await house.call(tool, **arguments)
    payload = house.app.failure(refused.value)
    assert payload.is_error
    check(tool, payload.body)
    return refused.value


# ------------------------------------------------------------------------------------ the catalogue


def test_the_list_is_what_the_catalogue_says() -> None:
    """Names, schemas, annotations; schemas are valid and within what hosts take."""
    for tool in listed():
        assert tool["name"] in TOOLS
        for key in ("inputSchema", "outputSchema"):
            jsonschema.Draft202012Validator.check_schema(tool[key])  # type: ignore[arg-type]
            text = json.dumps(tool[key])
            assert not any(word in text for word in ("$ref", "oneOf", "anyOf", "allOf"))
        schema = tool["inputSchema"]
        assert schema["additionalProperties"] is False  # type: ignore[index]
        assert tool["annotations"]["title"] == tool["title"]  # type: ignore[index]
    assert templates()[0]["uriTemplate"] == "aimux://jobs/{id}"


def test_aliases_lead_to_parameters_and_hide_none() -> None:
    """An alias is no parameter of its own and means one that exists."""
    for tool in TOOLS.values():
        properties = tool.input_schema["properties"]
        assert isinstance(properties, dict)
        assert set(tool.aliases.values()) <= properties.keys()
        assert properties.keys().isdisjoint(tool.aliases)


def test_every_tool_has_a_module_that_states_both_ways_to_answer() -> None:
    """`answer` waits; `answer_nowait` does not, and is None where a tool always waits."""
    for tool in TOOLS.values():
        module = importlib.import_module(tool.module)
        assert isinstance(module, ToolModule)
        both = [each for each in (module.answer, module.answer_nowait) if each is not None]

        assert inspect.iscoroutinefunction(module.answer)
        assert not inspect.iscoroutinefunction(module.answer_nowait)
        assert all(list(inspect.signature(each).parameters) == ["context", "call"] for each in both)


class Read(dict[str, object]):
    """Arguments that remember which of them were looked at."""

    def __init__(self, given: Mapping[str, object]) -> None:
        super().__init__(given)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> Any:
        self.read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)


async def reads(house: House, tool: str, **arguments: object) -> set[str]:
    """The arguments that a tool's own code looked at."""
    context = (await house.app.ready()).context
    given = Read(arguments)
    call = ToolCall(name=tool, arguments=given, client=house.client, caller=Heard())
    module = importlib.import_module(TOOLS[tool].module)
    assert isinstance(module, ToolModule)
    try:
        if module.answer_nowait is not None:
            module.answer_nowait(context, call)
        await module.answer(context, call)
    except AimuxError:
        pass
    return given.read


async def test_every_declared_parameter_is_read_and_no_other(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The schemas and the code behind them name the same parameters."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        job = await house.run()
        seen = {
            "exec": await reads(house, "exec", prompt="p"),
            "status": await reads(house, "status", job_id=job.id),
            "sessions": set[str](),
        }
        for action in ("list", "info", "cancel", "kill", "gc", "health"):
            seen["sessions"] |= await reads(house, "sessions", action=action)
        seen["sessions"] |= await reads(house, "sessions", action="info", session_id=job.session_id)

    for name, tool in TOOLS.items():
        properties = tool.input_schema["properties"]
        assert isinstance(properties, dict)
        assert seen[name] == properties.keys(), name


# ------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("tool", "arguments", "paths"),
    [
        ("exec", {}, ["prompt"]),
        ("exec", {"prompt": ""}, ["prompt"]),
        ("exec", {"prompt": 3, "async": "yes", "promt": "x"}, ["prompt", "async", "promt"]),
        ("exec", {"prompt": "x", "mode": "rwx"}, ["mode"]),
        ("exec", {"prompt": "x", "read_only": "yes"}, ["read_only"]),
        ("exec", {"prompt": "x", "timeout_seconds": 0}, ["timeout_seconds"]),
        ("status", {"job_id": "j", "tail": 0}, ["tail"]),
        ("sessions", {"action": "dance"}, ["action"]),
        ("sessions", {"action": "list", "limit": 101}, ["limit"]),
    ],
)
async def test_wrong_arguments_are_told_all_at_once(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    tool: str,
    arguments: dict[str, Any],
    paths: list[str],
) -> None:
    """One error with a stable code lists each problem; nothing is started."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, tool, **arguments)
        assert house.driver.specs == []

    assert isinstance(refused, InvalidArguments)
    assert refused.code == "invalid_arguments"
    assert {problem["path"] for problem in refused.problems} == set(paths)


async def test_a_near_miss_is_suggested(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A typo in a name is met with the name."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, "exec", prompt="x", promtp="y")

    assert "did you mean prompt?" in refused.message


async def test_a_client_may_not_call_without_measure(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Above its rate a client is refused with a time to wait; status is free."""
    server = ServerSettings(rate_limit_rps=1, rate_limit_burst=2)
    async with open_house(tmp_path, lambda _: answers(), server=server) as house:
        first = await house.ask("exec", prompt="one")
        await house.ask("exec", prompt="two")
        refused = await fault(house, "exec", prompt="three")
        assert (refused.code, refused.retryable) == ("rate_limited", True)
        assert refused.data == {"retry_after_ms": 1_000}
        for _ in range(10):
            await house.ask("status", job_id=first["job_id"])
        await trio.sleep(1)

        assert (await house.ask("exec", prompt="four"))["status"] == "completed"


# --------------------------------------------------------------------------------------------- exec


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
        {"tool": "exec", "arguments": {"session_id": body["session_id"], "prompt": "Continue."}}
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
        assert "log in" in body["guidance"]["do_not"][0]
        assert body["guidance"]["next"] == [{"tool": "sessions", "arguments": {"action": "health"}}]


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
    assert "PATH" in plan["candidates"][0]["env_names"]
    assert plan["deadline_seconds"] == 30
    assert plan["skipped"] == [{"cli": "beta", "reason": "offers no write mode"}]
    assert "secret" not in json.dumps(body)


async def test_a_plan_tells_which_candidate_could_not_run(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """An error stands in place of a plan; a continued session is named."""
    from aimux.model import ModelRule

    bad = attrs.evolve(BETA, model=ModelRule(flag="--model", default="--oops"))
    async with open_house(tmp_path, [answers(native="n")], profiles=[ALPHA, bad]) as house:
        body = await ask(house, "exec", prompt="x", dry_run=True)
        assert "error" in body["plan"]["candidates"][-1]

        job = await house.run()
        body = await ask(house, "exec", prompt="x", dry_run=True, session_id=job.session_id)
        assert body["session_id"] == job.session_id
        assert "--resume" in body["plan"]["candidates"][0]["argv"]


async def test_other_names_of_arguments_are_taken_and_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Names users know work, ours win, and a warning says what ours are."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        body = await ask(
            house, "exec", prompt="x", read_only=False, timeout=30, reasoning_effort="low"
        )
        assert body["mode"] == "write"
        codes = [each["message"] for each in body["warnings"] if each["code"] == "alias"]
        assert codes == [
            "read_only is called mode here",
            "timeout is called timeout_seconds here",
            "reasoning_effort is called effort here",
        ]
        reading = await ask(house, "exec", prompt="x", read_only=True)
        assert reading["mode"] == "read"
        both = await ask(
            house,
            "exec",
            prompt="x",
            read_only=True,
            mode="write",
            timeout=5,
            timeout_seconds=7,
            dry_run=True,
        )
        assert (both["mode"], both["plan"]["deadline_seconds"]) == ("write", 7)


async def test_a_schema_gives_data(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The parsed answer stands beside the text."""
    async with open_house(tmp_path, [answers('{"n": 1}  ok?')]) as house:
        schema = {"type": "object", "required": ["n"]}
        body = await ask(house, "exec", prompt="x", schema=schema, cwd=str(house.work))

    assert body["data"] == {"n": 1}


# --------------------------------------------------------------------------------------- long texts


async def test_an_answer_beyond_the_limit_stays_truncated(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What is kept of it can be read to its end, where it still says that there was more."""
    text = "0123456789abcdef" * (MAX_ANSWER_CHARS // 16) + "lost"
    async with open_house(tmp_path, [answers(text)]) as house:
        body = await ask(house, "exec", prompt="x", cwd=str(house.work))
        place = body["next_offset"]
        assert (body["status"], body["truncated"]) == ("completed", True)
        assert body["content_length"] == MAX_ANSWER_CHARS
        assert [each["code"] for each in body["warnings"]] == ["answer_truncated"]

        pages = [body["content"]]
        while place is not None:
            page = await ask(house, "status", job_id=body["job_id"], offset=place, max_chars=2**18)
            pages.append(page["content"])
            place = page["next_offset"]
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


# ------------------------------------------------------------------------------------------- status


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


async def test_a_failed_job_looked_at_is_no_failed_look(
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

            async def look() -> None:
                bodies.append(await house.ask("status", job_id=job_id))

            nursery.start_soon(look)
            await trio.testing.wait_all_tasks_blocked()
            assert bodies == []
            gate.set()

        assert bodies[0]["status"] == "cancelled"
        assert (await house.store.job(JobId(job_id))).status is JobStatus.CANCELLED


async def test_answers_that_cannot_change_are_cached(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The same look at an ended job is the same payload, up to a number of them."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        first = await house.call("status", job_id=job.id)
        assert await house.call("status", job_id=job.id) is first
        for number in range(CACHED_PAYLOADS):
            await house.call("status", job_id=job.id, max_chars=number + 1)

        again = await house.call("status", job_id=job.id)
        assert again is not first
        assert again.body == first.body


# ----------------------------------------------------------------------------------------- sessions


async def three(house: House) -> list[str]:
    """A completed session, a failed one and one at work, oldest first; their ids."""
    one = await house.run("one", route=route(cli="beta"))
    two = await house.run("two", route=route(cli="alpha"))
    handle = await house.engine.start(await house.engine.prepare(house.request("three")))
    await trio.testing.wait_all_tasks_blocked()
    return [one.session_id, two.session_id, handle.session.id]


def route(**more: Any) -> Any:
    from aimux.rules import RouteRequest

    return RouteRequest(**more)


SCRIPT = [answers(native="n"), fails("context overflow"), HANG]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [2, 1, 0]),
        ({"status": "all"}, [2, 1, 0]),
        ({"status": "active"}, [2]),
        ({"status": "finished"}, [1, 0]),
        ({"status": "completed"}, [0]),
        ({"status": "failed"}, [1]),
        ({"status": "queued"}, []),
        ({"cli": "beta"}, [0]),
        ({"cli": "nobody"}, []),
    ],
)
async def test_sessions_are_listed_and_filtered(
    tmp_path: pathlib.Path, autojump_clock: Clock, filters: dict[str, Any], found: list[int]
) -> None:
    """Latest first, by state and CLI; what runs is shown as running."""
    async with open_house(tmp_path, list(SCRIPT)) as house:
        ids = await three(house)
        body = await ask(house, "sessions", action="list", **filters)

    assert [row["id"] for row in body["sessions"]] == [ids[index] for index in found]
    assert body["count"] == len(found)
    assert [row["status"] for row in body["sessions"] if row["id"] == ids[2]] in (["running"], [])


async def test_pages_follow_with_the_same_filters(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What is to be called next can be sent as it stands and gives the rest, no more."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        mine = [(await house.run(route=route(cli="beta"))).session_id for _ in range(5)]
        for _ in range(2):
            await house.run(route=route(cli="alpha"))
        body = await ask(house, "sessions", action="list", cli="beta", limit=2, status="completed")
        listed_ids = [row["id"] for row in body["sessions"]]
        while body["next_cursor"]:
            step = body["guidance"]["next"][0]
            body = await ask(house, step["tool"], **step["arguments"])
            listed_ids += [row["id"] for row in body["sessions"]]
        wrong = await fault(house, "sessions", action="list", cursor="nonsense")

    assert listed_ids == mine[::-1]
    assert wrong.error_type == "peer"


async def test_a_session_shows_its_jobs(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """By its own id or by a job's; in pages; an unknown one is an error."""
    async with open_house(tmp_path, lambda _: answers(native="n")) as house:
        first = await house.run("first")
        for number in range(3):
            last = await house.run(f"again {number}", session_id=first.session_id)
        body = await ask(house, "sessions", action="info", job_id=last.id, limit=3)
        assert body["session"]["id"] == first.session_id
        assert (body["session"]["turns"], body["session"]["resumable"]) == (4, True)
        assert [row["prompt_preview"] for row in body["jobs"]] == ["again 2", "again 1", "again 0"]
        step = body["guidance"]["next"][0]
        rest = await ask(house, step["tool"], **step["arguments"])
        assert [row["prompt_preview"] for row in rest["jobs"]] == ["first"]

        assert (await fault(house, "sessions", action="info")).code == "invalid_arguments"
        unknown = await fault(house, "sessions", action="info", session_id="ses_nobody")
        assert unknown.code == "session_not_found"
        missing = await fault(house, "sessions", action="info", job_id="job_nobody")
        assert missing.code == "job_not_found"


async def test_a_job_is_cancelled_once(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Politely; it is over when the call answers; again is no error."""
    async with open_house(tmp_path, [HANG]) as house:
        job_id = (await house.ask("exec", prompt="x", wait_seconds=1))["job_id"]
        body = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (body["status"], body["cancelled"], body["already_terminal"]) == (
            "cancelled",
            True,
            False,
        )
        again = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (again["cancelled"], again["already_terminal"]) == (False, True)
        house.engine.supervisor.drop_recent([job_id])
        old = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (old["status"], old["cancelled"]) == ("cancelled", False)

        assert (await fault(house, "sessions", action="cancel")).code == "invalid_arguments"
        unknown = await fault(house, "sessions", action="cancel", job_id="job_nobody")
        assert unknown.code == "job_not_found"


@pytest.mark.parametrize("by", ["session", "job", "session_id_of_job"])
async def test_a_session_is_killed(tmp_path: pathlib.Path, autojump_clock: Clock, by: str) -> None:
    """At once, a stubborn child too; killing a quiet one is no error, an unknown one is."""
    stubborn = Turn(says=[Say(record(delta="x"))], hangs=True, stubborn=True)
    async with open_house(tmp_path, [stubborn]) as house:
        made = await house.ask("exec", prompt="x", wait_seconds=1)
        given = {
            "session": {"session_id": made["session_id"]},
            "job": {"job_id": made["job_id"]},
            "session_id_of_job": {"session_id": made["job_id"]},
        }[by]
        began = trio.current_time()
        body = await ask(house, "sessions", action="kill", **given)
        assert trio.current_time() == began
        assert (body["killed_jobs"], body["count"]) == ([made["job_id"]], 1)
        again = await ask(house, "sessions", action="kill", **given)
        assert (again["killed_jobs"], again["already_terminal"]) == ([], True)
        house.engine.supervisor.drop_recent([made["job_id"]])
        assert (await ask(house, "sessions", action="kill", **given))["count"] == 0

        for unknown in ({"session_id": "ses_nobody"}, {"job_id": "job_nobody"}):
            assert isinstance(await fault(house, "sessions", action="kill", **unknown), NotFound)
        assert (await fault(house, "sessions", action="kill")).code == "invalid_arguments"


async def test_old_work_is_cleared_away(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """`gc` counts or removes; what it removed is not found any more."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        job = await house.run()
        dry = await ask(house, "sessions", action="gc", older_than_hours=0, dry_run=True)
        assert (dry["removed_jobs"], dry["dry_run"]) == (1, True)
        kept = await ask(house, "sessions", action="gc")
        assert (kept["removed_jobs"], kept["older_than_hours"]) == (0, 24.0)
        gone = await ask(house, "sessions", action="gc", older_than_hours=0)
        assert (gone["removed_jobs"], gone["removed_sessions"]) == (1, 1)

        assert (await fault(house, "status", job_id=job.id)).code == "job_not_found"
        with pytest.raises(NotFound):
            await house.store.session(SessionId(job.session_id))


async def test_health_tells_everything(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """CLIs, breakers, cool-downs, jobs, clients, store and what is wrong in the configuration."""
    prompts = {b"quota": fails("out of quota"), b"what": fails("what?"), b"hang": HANG}

    def turns(order: ProcessSpec) -> Turn:
        if order.argv[-1] == "--version":
            return Turn(says=[Say(b"alpha 1.2.3")])
        return prompts[order.stdin or b""]

    problem = Problem(severity=Severity.WARNING, where="default.yaml:3", message="unknown key")
    async with open_house(
        tmp_path,
        turns,
        profiles=[attrs.evolve(ALPHA, model=BETA.model), BETA],
        breaker=BreakerSettings(failure_threshold=1),
        installed=[],
        problems=[problem],
    ) as house:
        empty = await ask(house, "sessions", action="health", refresh=True)
        assert empty["guidance"]["state"] == "no_cli"
        assert empty["guidance"]["do_not"]
        assert (empty["clis_ready"], empty["problems"][0]["where"]) == ([], "default.yaml:3")
        assert [state["name"] for state in empty["clis"]] == ["alpha", "beta"]
        assert all(state["remedy"] for state in empty["clis"])

    async with open_house(
        tmp_path,
        turns,
        profiles=[attrs.evolve(ALPHA, model=BETA.model), BETA],
        breaker=BreakerSettings(failure_threshold=1),
    ) as house:
        await house.run("quota", route=route(cli="beta"))
        await house.run("what", route=route(cli="alpha"))
        house.engine.guard.reset("beta")
        house.engine.guard.cool("alpha", "a1", 60.0, QUOTA)
        await house.ask("exec", prompt="hang", cli="beta", wait_seconds=1)
        with house.app.attached(house.client):
            body = await ask(house, "sessions", action="health")

        assert body["breakers"]["alpha"]["state"] == "open"
        assert body["cooldowns"] == [
            {"cli": "alpha", "model": "a1", "code": "rate_limited", "seconds_left": 59.0}
        ]
        assert [state["version"] for state in body["clis"]] == ["1.2.3", "1.2.3"]
        assert body["clis_ready"] == ["alpha", "beta"]
        assert body["jobs"]["running"] == 1
        assert body["jobs"]["by_status"] == {"failed": 2, "running": 1}
        assert body["clients"] == {"stdio": 1}
        assert body["total_sessions"] == 3
        assert body["uptime_seconds"] >= 0


# ---------------------------------------------------------------------------------------- resources


async def read(house: House, uri: str) -> Any:
    resources = (await house.app.ready()).resources
    content = await resources.read(house.client, uri)
    assert content["uri"] == uri
    text = str(content["text"])
    return text if content["mimeType"] == "text/plain" else json.loads(text)


async def test_resources_are_read(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Each kind of URI gives what it says, of running and of ended jobs."""
    async with open_house(tmp_path, [answers("a fine answer", native="n"), HANG]) as house:
        job = await house.run()
        running = await house.ask("exec", prompt="x", wait_seconds=1)
        house.loader.snapshot = attrs.evolve(
            house.loader.snapshot,
            settings=attrs.evolve(
                house.loader.snapshot.settings,
                server=ServerSettings(disabled_clis=["alpha", "beta", "gamma"]),
            ),
            fingerprint="two",
        )
        assert (await read(house, f"aimux://jobs/{job.id}"))["content"] == "a fine answer"
        assert await read(house, f"aimux://jobs/{job.id}/output") == "a fine answer"
        assert await read(house, f"aimux://jobs/{running['job_id']}/output") == "so far"
        events = await read(house, f"aimux://jobs/{job.id}/events")
        assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
        session = await read(house, f"aimux://sessions/{job.session_id}")
        assert session["session"]["id"] == job.session_id
        assert [row["id"] for row in session["jobs"]] == [job.id]
        assert (await read(house, "aimux://metrics"))["total"]["turns"] == 1
        assert (await read(house, "aimux://health"))["jobs"]["running"] == 1
        assert (await read(house, "aimux://clis/alpha"))["state"] == "disabled"
        assert (await read(house, "aimux://roles/coding"))["mode"] == "write"
        resources = (await house.app.ready()).resources
        uris = [each["uri"] for each in await resources.listed()]
        assert uris == [
            "aimux://health",
            "aimux://metrics",
            f"aimux://jobs/{running['job_id']}",
            f"aimux://jobs/{job.id}",
        ]
        house.engine.supervisor.drop_recent([job.id])
        assert await read(house, f"aimux://jobs/{job.id}/output") == "a fine answer"


@pytest.mark.parametrize(
    "uri",
    [
        "http://health",
        "aimux://",
        "aimux://nothing",
        "aimux://jobs",
        "aimux://jobs/",
        "aimux://jobs/job_nobody",
        "aimux://jobs/job_nobody/output",
        "aimux://jobs/x/nonsense",
        "aimux://health/more",
        "aimux://sessions/ses_nobody",
        "aimux://clis/nobody",
        "aimux://roles/nobody",
        "aimux://jobs/job_1/output/more",
    ],
)
async def test_what_is_not_there_is_not_found(
    tmp_path: pathlib.Path, autojump_clock: Clock, uri: str
) -> None:
    """One code for all of them, and the URI is told."""
    async with open_house(tmp_path, profiles=[]) as house:
        with pytest.raises(NotFound) as missing:
            await read(house, uri)

    assert (missing.value.code, missing.value.data) == ("resource_not_found", {"uri": uri})


async def test_templates_are_completed(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Jobs, sessions, CLIs and roles by what they begin with; nothing for anything else."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        resources = (await house.app.ready()).resources

        async def complete(template: str, value: str) -> list[str]:
            return list(await resources.complete(house.client, template, value))

        assert await complete("aimux://jobs/{id}", "JOB_") == [job.id]
        assert await complete("aimux://jobs/{id}/output", "job_nobody") == []
        assert await complete("aimux://sessions/{id}", "") == [job.session_id]
        assert await complete("aimux://clis/{name}", "B") == ["beta"]
        assert await complete("aimux://roles/{name}", "re") == ["review"]
        assert await complete("aimux://health", "") == []


# ---------------------------------------------------------------------------------------------- app


async def test_the_engine_opens_once_and_on_demand(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Looking does not open it; many calls at once open one; who waits for it is told."""
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    from aimux.errors import StoreUnavailable
    from aimux.tools import open_app

    opened: list[str] = []
    async with open_house(tmp_path) as house:

        @asynccontextmanager
        async def make() -> AsyncIterator[Any]:
            opened.append("try")
            if len(opened) == 1:
                raise StoreUnavailable("locked by another server")
            await trio.sleep(1)
            yield house.engine

        async with open_app(make) as app:
            told: list[str] = []
            app.on_open(lambda: told.append("early"))
            assert (app.engine, opened) == (None, [])
            call = ToolCall(
                name="sessions", arguments={"action": "list"}, client=house.client, caller=Heard()
            )
            assert app.answer_nowait(call) is None
            assert repr(app) == "<App: 0 clients, None>"
            with pytest.raises(StoreUnavailable):
                await app.call(call)
            bodies: list[Payload] = []

            async def ask_it() -> None:
                bodies.append(await app.call(call))

            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask_it)
            assert len(opened) == 2
            assert told == ["early"]
            app.on_open(lambda: told.append("late"))
            assert told == ["early", "late"]
            assert app.engine is house.engine
            assert len(bodies) == 5


async def test_clients_are_counted(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Per transport, while they are connected; who waits for a change is woken."""
    async with open_house(tmp_path) as house:
        moves: list[dict[str, int]] = []

        async def watch() -> None:
            while True:
                await house.app.wait_moved()
                moves.append(house.app.clients())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            with house.app.attached(house.client):
                await trio.testing.wait_all_tasks_blocked()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert moves == [{"stdio": 1}, {}]
        assert house.app.unknown_tool("exec") is None
        assert "tools: exec, status, sessions" in (house.app.unknown_tool("nope") or "")
        assert "exec(prompt" in house.app.instructions(house.client)


def test_failures_say_whether_to_try_again() -> None:
    """A refusal that passes may be repeated, a fault of the caller's may not."""
    from aimux.tools import error_json

    assert error_json(Refusal("full", data={"n": 1})) == {
        "code": "refused",
        "class": "refusal",
        "message": "full",
        "retryable": True,
        "hint": None,
        "n": 1,
    }
    assert error_json(PeerFault("bad"))["retryable"] is False
    assert Mode("read") is Mode.READ


async def test_logins_are_verified_when_asked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """One tiny prompt on each CLI tells whether its login works."""

    def turns(order: ProcessSpec) -> Turn:
        if order.argv[-1] == "--version":
            return Turn(says=[Say(b"1.2.3")])
        return answers() if order.argv[0].endswith("alpha") else fails("log in first")

    async with open_house(tmp_path, turns, profiles=[ALPHA, BETA]) as house:
        before = await ask(house, "sessions", action="health")
        after = await ask(house, "sessions", action="health", verify=True)

        assert [state["verified"] for state in before["clis"]] == [None, None]
        assert [state["verified"] for state in after["clis"]] == ["ok", "not_authenticated"]
        assert house.engine.supervisor.statistics().running == 0
