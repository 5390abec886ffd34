"""A workflow read as a whole: every fault with its message, waves, and what it comes to."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from aimux.model import JobStatus
from aimux.rules.workflow import StepEnd, Workflow, read_workflow, report_workflow

TOOLS = ["exec", "think", "consensus"]


def check(tool: str, known: Mapping[str, object], names: Collection[str]) -> list[str]:
    """`exec` wants a text as its prompt."""
    if tool == "exec" and "prompt" not in names and not isinstance(known.get("prompt"), str):
        return ["prompt: expected string"]
    return []


def read(*steps: Any) -> Workflow | list[str]:
    found = read_workflow(list(steps), TOOLS, check)
    if isinstance(found, Workflow):
        return found
    return [f"{fault.path}: {fault.message}" for fault in found]


def step(id_: str, prompt: Any = "x", **more: Any) -> dict[str, Any]:
    return {"id": id_, "tool": "exec", "arguments": {"prompt": prompt}, **more}


def waves(*steps: Any) -> list[list[str]]:
    found = read(*steps)
    assert isinstance(found, Workflow), found
    return [list(wave) for wave in found.waves]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([step("a", needs=["b"]), step("b", needs=["a"])], "steps: a cycle: a -> b -> a"),
        ([step("a", needs=["a"])], "steps: a cycle: a -> a"),
        ([step("a", needs=["bb"]), step("b")], "steps[0].needs: there is no step bb, did you mean"),
        ([{"id": "a", "tool": "exce"}], "steps[0].tool: unknown tool 'exce': did you mean exec?"),
        ([{"id": "a"}], "steps[0].tool: unknown tool None"),
        ([step("a")] * 2, "steps[1].id: a is the id of steps[0] too"),
        ([step("a b")], "steps[0].id: a name of letters"),
        ([step("input")], "steps[0].id: input has a meaning of its own"),
        (
            [*[step(f"s{n}") for n in range(6)], step("s7", 3)],
            "steps[6].arguments: prompt: exp",
        ),
        ([step("a", "{{ b")], "steps[0].arguments: {{ is not closed by }}"),
        ([step("a", "{{b.content}}")], "steps[0]: nothing is called b"),
        ([step("a", "{{a.content}}")], "steps[0]: a reads itself"),
        ([step("a"), step("b", "{{steps.zz.content}}")], "steps[1]: nothing is called zz"),
        (
            [step("a"), step("b"), step("c", "{{b.content}}", needs=["a"])],
            "steps[2]: c reads b, which is not among what it needs",
        ),
        ([step("a", when="b ==")], "steps[0].when: 'b ==': a value was expected"),
        ([step("a", when=3)], "steps[0].when: an expression is wanted"),
        ([step("a", "{{item}}")], "steps[0]: item is known only in a step with foreach"),
        ([step("a", foreach=3)], "steps[0].foreach: a list"),
        ([step("a", foreach=[0] * 501)], "steps[0].foreach: 501 items, the limit is 500"),
        ([step("a", on_error="explode")], "steps[0].on_error: one of stop, skip, continue"),
        ([step("a", retry=-1)], "steps[0].retry: a number of at least 0"),
        ([step("a", retry=99)], "steps[0].retry: at most 10"),
        ([step("a", timeout_seconds="soon")], "steps[0].timeout_seconds: a number"),
        ([step("a", arguments=[1])], "steps[0].arguments: an object is wanted"),
        ([step("a", argments={})], "steps[0].argments: unknown field, did you mean arguments?"),
        ([step("a", arguments={"prompt": "x", "async": True})], "steps[0].arguments.async: a step"),
        ([step("a", needs=3)], "steps[0].needs: a list of step ids"),
        (["exec"], "steps[0]: a step is an object"),
        ([step(f"s{n}") for n in range(5_000)], "steps: 5000 steps, the limit is 500"),
        ([], "steps: a list of at least one step"),
    ],
)
def test_a_fault_has_its_message(steps: list[Any], told: str) -> None:
    found = read(*steps)

    assert isinstance(found, list)
    assert any(each.startswith(told) for each in found), found


def test_all_faults_are_told_at_once() -> None:
    found = read({"id": "a", "tool": "x"}, step("b", 3), step("c", needs=["d"]))

    assert isinstance(found, list)
    assert len(found) == 3


def test_a_step_with_a_fault_is_still_a_step_for_the_others() -> None:
    """Who needs it is not told that it is missing, places are those of the text, all is told."""
    broken = {"id": "a", "tool": "exce", "needs": ["zz"], "retry": -1}

    found = read("no step", broken, step("c", needs=["a", "d"]))

    assert isinstance(found, list)
    assert [each.partition(":")[0] for each in found] == [
        *("steps[0]", "steps[1].tool", "steps[1].retry"),
        *("steps[1].needs", "steps[2].needs"),
    ]
    assert "there is no step d" in found[-1]


def test_without_needs_steps_follow_each_other() -> None:
    assert waves(step("a"), step("b"), step("c", "{{a.content}}")) == [["a"], ["b"], ["c"]]


def test_with_needs_they_wait_for_those_only() -> None:
    steps = [step("a"), step("b"), step("c", needs=["a", "b"]), step("d", needs="a")]

    assert waves(*steps) == [["a", "b"], ["c", "d"]]


def test_what_a_need_needs_may_be_read_too() -> None:
    steps = [step("a"), step("b", needs=["a"]), step("c", "{{a.content}}", needs=["b"])]

    assert waves(*steps) == [["a"], ["b"], ["c"]]


def test_older_names_are_understood() -> None:
    """`params`, `condition`, `skip`, and `on_error: retry` for one more try."""
    found = read(
        {"id": "a", "tool": "exec", "params": {"prompt": "x"}, "on_error": "retry"},
        {"id": "b", "tool": "exec", "params": {"prompt": "x"}, "condition": "{{a.status}} == 'ok'"},
        {"tool": "exec", "params": {"prompt": "x"}, "skip": True},
    )

    assert isinstance(found, Workflow)
    assert (found.steps[0].retry, found.steps[0].on_error) == (1, "stop")
    assert found.steps[1].when is not None
    assert found.steps[2].id == "step3"


def report(ends: list[StepEnd], *steps: Any) -> Any:
    found = read(*steps)
    assert isinstance(found, Workflow)
    return report_workflow("flow", found, ends)


def end(id_: str, status: str = "completed", **more: Any) -> StepEnd:
    return StepEnd(id=id_, tool="exec", status=status, **more)


@pytest.mark.parametrize(
    ("ends", "policy", "status"),
    [
        ([end("a"), end("b")], "stop", JobStatus.COMPLETED),
        ([end("a"), end("b", "skipped", goes_on=True)], "stop", JobStatus.COMPLETED),
        ([end("a", "failed"), end("b", "skipped")], "stop", JobStatus.FAILED),
        ([end("a", "failed"), end("b")], "skip", JobStatus.PARTIAL),
        ([end("a", "failed", goes_on=True), end("b")], "continue", JobStatus.PARTIAL),
        ([end("a", "partial"), end("b")], "stop", JobStatus.PARTIAL),
        ([end("a", "failed"), end("b", "failed")], "skip", JobStatus.FAILED),
    ],
)
def test_a_workflow_is_what_its_steps_came_to(
    ends: list[StepEnd], policy: str, status: JobStatus
) -> None:
    found = report(ends, step("a", on_error=policy), step("b", on_error=policy))

    assert found.status is status
    assert (found.failure is None) == all(e.status in ("completed", "partial") or (e.goes_on and
                                          e.status == "skipped") for e in ends)  # fmt: skip


def test_a_record_is_whole_only_if_nothing_is_cut() -> None:
    """What a job keeps is not kept twice; long content of no job cannot be reused from a note."""
    assert end("a", content="x").is_whole
    assert not end("a", content="x" * 20_000).is_whole
    assert not end("a", job_id="job_1").is_whole
    assert end("a", content="x" * 30_000, data=[1]).record()["data"] is None
    assert len(str(end("a", content="x" * 30_000).record()["content"])) == 20_000
