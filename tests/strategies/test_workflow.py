"""Steps over calls that are played: order, failures, retries, items, reuse."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trio
import trio.testing

from aimux.errors import Refusal
from aimux.model import JobStatus, Report
from aimux.rules.workflow import StepEnd, Workflow, read_workflow
from aimux.strategies.seats import WorkflowRequest, workflow
from aimux.testing import FakeAsk

Clock = trio.testing.MockClock
Play = Callable[[Mapping[str, Any]], Any]


class Tools:
    """A tool that answers as `play` says: a text, a body, seconds to wait, or an error to raise."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.called: list[str] = []
        self.running = self.most = 0

    async def __call__(self, tool: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        del tool
        prompt = str(arguments["prompt"])
        self.called.append(prompt)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            said = self.play(arguments)
            if isinstance(said, float):
                await trio.sleep(said)
                said = prompt
            await trio.lowlevel.checkpoint()
        finally:
            self.running -= 1
        if isinstance(said, Exception):
            raise said
        if isinstance(said, dict):
            return said
        return {"status": "completed", "content": said, "job_id": None}


FAILED = {"status": "failed", "content": "", "error": {"code": "auth", "message": "log in"}}


def step(id_: str, prompt: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id_, "tool": "exec", "arguments": {"prompt": prompt or id_}, **more}


async def run(tools: Tools, *steps: Any, **more: Any) -> tuple[Report, Any]:
    found = read_workflow(list(steps), ["exec"], lambda *_: [])
    assert isinstance(found, Workflow), found
    request = WorkflowRequest(name="flow", workflow=found, call=tools, **more)
    asking = FakeAsk(lambda seat, prompt: f"{seat}{prompt}")
    report = await workflow(request)(asking.ask, asking.note)
    assert tools.running == 0
    return report, {each["id"]: each for each in report.data["steps"]}  # type: ignore[index,call-overload]


async def test_what_needs_nothing_runs_at_once(autojump_clock: Clock) -> None:
    """Two of 5 s and one that needs both: 10 s."""
    tools = Tools(lambda _: 5.0)
    await run(tools, step("a"), step("b"), step("c", needs=["a", "b"]))

    assert trio.current_time() == 10
    assert tools.called[2] == "c"


async def test_at_most_so_many_run_at_once(autojump_clock: Clock) -> None:
    """A fan-out of 200 ends, four at a time."""
    tools = Tools(lambda _: 1.0)
    report, ends = await run(tools, step("a", "{{item}}", foreach=list(range(200))))

    assert report.status is JobStatus.COMPLETED
    assert tools.most == 4
    assert trio.current_time() == 50
    assert len(ends["a"]["output"]["data"]) == 200


async def test_items_keep_their_order(autojump_clock: Clock) -> None:
    """Whoever is done first."""
    tools = Tools(lambda given: 9.0 if given["prompt"] == "0:x" else 1.0)
    _, ends = await run(tools, step("a", "{{index}}:{{item}}", foreach="input"), input=["x", "y"])

    assert ends["a"]["output"]["content"] == "0:x\n\n1:y"


async def test_a_retry_waits_and_is_counted(autojump_clock: Clock) -> None:
    """The second try succeeds after its delay."""
    said = iter([FAILED, "fine"])
    tools = Tools(lambda _: next(said))
    report, ends = await run(tools, step("a", retry=2, retry_delay_ms=3_000))

    assert report.status is JobStatus.COMPLETED
    assert ends["a"]["attempts"] == 2
    assert trio.current_time() == 3


async def test_a_fallback_stands_in(autojump_clock: Clock) -> None:
    """Later steps read it; the step is partial and says why."""
    tools = Tools(lambda given: FAILED if given["prompt"] == "a" else str(given["prompt"]))
    report, ends = await run(tools, step("a", fallback="nothing"), step("b", "got {{a.content}}"))

    assert report.status is JobStatus.PARTIAL
    assert ends["b"]["output"]["content"] == "got nothing"
    assert ends["a"]["why"] == "its fallback stands in: log in"


async def test_a_step_out_of_time_has_failed(autojump_clock: Clock) -> None:
    """With its limit in the reason."""
    _, ends = await run(Tools(lambda _: 99.0), step("a", timeout_seconds=7))

    assert trio.current_time() == 7
    assert ends["a"]["why"] == "not finished after 7 s"


async def test_a_refused_call_is_a_failed_step(autojump_clock: Clock) -> None:
    """Errors of ours are ends of steps."""
    _, ends = await run(Tools(lambda _: Refusal("busy")), step("a"))

    assert (ends["a"]["status"], ends["a"]["why"]) == ("failed", "busy")


@pytest.mark.parametrize(
    ("policy", "expected", "status"),
    [
        ("stop", ["failed", "skipped", "skipped"], JobStatus.FAILED),
        ("skip", ["failed", "skipped", "completed"], JobStatus.PARTIAL),
        ("continue", ["failed", "completed", "completed"], JobStatus.PARTIAL),
    ],
)
async def test_what_a_failure_does_is_the_steps_to_say(
    autojump_clock: Clock, policy: str, expected: list[str], status: JobStatus
) -> None:
    """b needs a, c needs nothing and comes later."""
    tools = Tools(lambda given: FAILED if given["prompt"] == "a" else 1.0)
    steps = [step("a", on_error=policy), step("b", needs=["a"]), step("c", needs=["wait"]),
             step("wait")]  # fmt: skip
    report, ends = await run(tools, *steps)

    assert [ends[name]["status"] for name in "abc"] == expected
    assert report.status is status
    if policy == "skip":
        assert ends["b"]["why"] == "it needs a, which was failed: log in"


async def test_a_condition_leaves_out_without_harm(autojump_clock: Clock) -> None:
    """A step that is not wanted is no failure, and what needs it still runs."""
    tools = Tools(lambda given: str(given["prompt"]))
    report, ends = await run(
        tools, step("a"), step("b", when="a.content == 'z'", needs=["a"]), step("c", needs=["b"])
    )

    assert report.status is JobStatus.COMPLETED
    assert [ends[name]["status"] for name in "abc"] == ["completed", "skipped", "completed"]


async def test_a_value_that_is_not_there_fails_the_step(autojump_clock: Clock) -> None:
    """It is known only at run time, and told with its path."""
    tools = Tools(lambda given: str(given["prompt"]))
    _, ends = await run(tools, step("a"), step("b", "{{a.data.n}}"))

    assert ends["b"]["why"] == "a.data.n: there is no a.data.n"


@pytest.mark.requirement("workflow:resume")
async def test_only_the_same_call_is_reused(autojump_clock: Clock) -> None:
    """By what would be called now, not by name."""
    tools = Tools(lambda given: str(given["prompt"]))
    notes: dict[str, StepEnd] = {}
    found = read_workflow([step("a"), step("b", "{{a.content}}!")], ["exec"], lambda *_: [])
    assert isinstance(found, Workflow)
    request = WorkflowRequest(name="flow", workflow=found, call=tools)
    asking = FakeAsk(lambda seat, prompt: f"{seat}{prompt}")
    await workflow(request)(asking.ask, asking.note)
    for _, data in asking.notes:
        kept = StepEnd(**data["step"])  # type: ignore[arg-type]  # plain JSON
        notes[kept.id] = kept

    _, same = await run(tools, step("a"), step("b", "{{a.content}}!"), reuse=notes)
    _, other = await run(tools, step("a", "new"), step("b", "{{a.content}}!"), reuse=notes)

    assert [same[name]["reused"] for name in "ab"] == [True, True]
    assert [other[name]["reused"] for name in "ab"] == [False, False]
    assert tools.called == ["a", "a!", "new", "new!"]
