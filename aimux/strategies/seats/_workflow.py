"""Steps that call tools: in waves, each as soon as what it waits for has ended.

Theory of operation. Every step is a task that waits for those before it, decides by its condition
whether it runs, renders its arguments once from what ended, and calls its tool; `foreach` calls it
for every item. What a step gave is a value for later ones and nothing else. A failure stops the
workflow, skips what needs the step, or lets it go on, as the step says. Each end is noted with all
it takes to reuse it: a later run with `reuse` calls only what is not the same any more.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs
import trio

from aimux.errors import AimuxError
from aimux.model import JobStatus
from aimux.rules.workflow import (
    MAX_ITEMS,
    ExpressionFault,
    Step,
    StepEnd,
    Workflow,
    evaluate,
    is_true,
    render_value,
    report_workflow,
)
from aimux.strategies import Ask, Note, Report, Work

AT_ONCE: Final = 4  # steps, and items of one step; turns have their own limits
GOOD: Final = frozenset({"completed", "partial"})


class Call(Protocol):
    """Calls a tool with arguments, as a client would, and returns its result's body."""

    async def __call__(self, tool: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """The body of the result. Cancelling it ends what the call began.

        Raises:
            AimuxError: the call was refused.
        """
        ...


@attrs.frozen(kw_only=True)
class WorkflowRequest:
    """A workflow that fits together, what goes in, and what an earlier run has left to reuse.

    `reuse` is by step, with the fingerprint of what was called.
    """

    name: str
    workflow: Workflow
    call: Call
    input: object = ""
    reuse: Mapping[str, StepEnd] = attrs.field(factory=dict)
    at_once: int = AT_ONCE


def fingerprint(tool: str, arguments: object) -> str:
    """What tells whether a step would call the same again."""
    text = json.dumps([tool, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]


def workflow(request: WorkflowRequest) -> Work:
    """The work of a workflow. Cancelling it ends every call under way."""

    async def work(ask: Ask, note: Note) -> Report:
        del ask  # steps call tools; those ask
        run = _Run(request, note)
        async with trio.open_nursery() as steps:
            for step in request.workflow.steps:
                steps.start_soon(run.step, step)
        ends = [run.ends[step.id] for step in request.workflow.steps]
        return report_workflow(request.name, request.workflow, ends)

    return work


@attrs.define(eq=False)
class _Run:
    """One run: how each step ended, by id."""

    request: WorkflowRequest
    note: Note
    ends: dict[str, StepEnd] = attrs.field(factory=dict)
    stopped_by: str = ""
    _ended: dict[str, trio.Event] = attrs.field(init=False)
    _slots: trio.CapacityLimiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ended = {step.id: trio.Event() for step in self.request.workflow.steps}
        self._slots = trio.CapacityLimiter(self.request.at_once)

    async def step(self, step: Step) -> None:
        """Run a step once those before it have ended."""
        for name in step.waits_for:
            await self._ended[name].wait()
        began = trio.current_time()
        end = self._left_out(step)
        if end is None:
            end = await self._run(step)
        took_ms = round((trio.current_time() - began) * 1000)
        end = attrs.evolve(end, duration_ms=took_ms)
        if end.status not in GOOD and end.status != "skipped" and step.on_error == "stop":
            self.stopped_by = self.stopped_by or step.id
        self.ends[step.id] = end
        self.note(f"step {step.id}: {end.status}", step=end.record())
        self._ended[step.id].set()

    def _left_out(self, step: Step) -> StepEnd | None:
        """Why a step does not run, as its end; None if it does."""
        if self.stopped_by:
            return _skipped(step, f"{self.stopped_by} failed and stops the workflow")
        for name in step.needs:
            need = self.ends[name]
            if not need.is_usable:
                return _skipped(step, f"it needs {name}, which was {need.status}: {need.why}")
        if step.when is None:
            return None
        try:
            is_wanted = is_true(step.when, self._values())
        except ExpressionFault as fault:
            return _failed(step, fault.message)
        return None if is_wanted else _skipped(step, "its condition does not hold", is_chosen=True)

    def _values(self, **more: object) -> dict[str, object]:
        shown = {name: end.value for name, end in self.ends.items()}
        given = self.request.input
        return {**shown, "steps": shown, "input": given, "context": given, **more}

    async def _run(self, step: Step) -> StepEnd:
        try:
            items = self._items(step)
        except ExpressionFault as fault:
            return _failed(step, fault.message)
        if items is None:
            return await self._one(step, self._values())
        ends: list[StepEnd | None] = [None] * len(items)

        async def one(at: int, item: object) -> None:
            ends[at] = await self._one(step, self._values(item=item, index=at))

        async with trio.open_nursery() as calling:
            for at, item in enumerate(items):
                calling.start_soon(one, at, item)
        return _together(step, [end for end in ends if end is not None])

    def _items(self, step: Step) -> Sequence[object] | None:
        if step.foreach is None:
            return None
        items = step.foreach
        if not isinstance(items, Sequence):
            found = evaluate(items, self._values())
            if not isinstance(found, list | tuple):
                raise ExpressionFault("foreach gives no list")
            items = found
        if len(items) > MAX_ITEMS:
            raise ExpressionFault(f"foreach gives {len(items)} items, the limit is {MAX_ITEMS}")
        return items

    async def _one(self, step: Step, values: Mapping[str, object]) -> StepEnd:
        """One call, tried again as the step says."""
        try:
            arguments = render_value(step.arguments, values)
        except ExpressionFault as fault:
            return _failed(step, fault.message)
        assert isinstance(arguments, dict)
        mark = fingerprint(step.tool, arguments)
        known = self.request.reuse.get(step.id)
        if known is not None and known.fingerprint == mark and known.status in GOOD:
            return attrs.evolve(known, is_reused=True)
        end = _failed(step, "")
        for attempt in range(1, step.retry + 2):
            if attempt > 1:
                await trio.sleep(step.retry_delay_ms / 1000)
            async with self._slots:
                end = await self._called(step, arguments)
            end = attrs.evolve(end, attempts=attempt, fingerprint=mark)
            if end.status in GOOD:
                break
        return _with_fallback(step, end)

    async def _called(self, step: Step, arguments: Mapping[str, object]) -> StepEnd:
        limit_s = float("inf") if step.timeout_s is None else step.timeout_s
        body: Mapping[str, object] | None = None
        with trio.move_on_after(limit_s):
            try:
                body = await self.request.call(step.tool, arguments)
            except AimuxError as error:
                return _failed(step, error.message, code=error.code)
        if body is None:
            return _failed(step, f"not finished after {limit_s:g} s", code="timed_out")
        return _ended(step, body)


def _ended(step: Step, body: Mapping[str, object]) -> StepEnd:
    """How a step ended whose tool has answered."""
    status = str(body.get("status", "completed"))
    error = body.get("error")
    why = str(error.get("message", "")) if isinstance(error, Mapping) else ""
    code = str(error.get("code", "")) if isinstance(error, Mapping) else ""
    job_id = body.get("job_id")
    content = body.get("content")
    return StepEnd(
        id=step.id,
        tool=step.tool,
        status=status if status in {each.value for each in JobStatus} else "completed",
        why=why,
        code=code,
        job_id=str(job_id) if job_id else "",
        content=content if isinstance(content, str) else json.dumps(body, default=str),
        data=body.get("data", body.get("result")),
        goes_on=step.on_error == "continue",
    )


def _failed(step: Step, why: str, *, code: str = "step_failed") -> StepEnd:
    return StepEnd(
        id=step.id,
        tool=step.tool,
        status="failed",
        why=why,
        code=code,
        goes_on=step.on_error == "continue",
    )


def _skipped(step: Step, why: str, *, is_chosen: bool = False) -> StepEnd:
    """A step that does not run. One that its own condition leaves out harms nobody."""
    return StepEnd(id=step.id, tool=step.tool, status="skipped", why=why, goes_on=is_chosen)


def _with_fallback(step: Step, end: StepEnd) -> StepEnd:
    if end.status in GOOD or step.fallback is None:
        return end
    said = step.fallback if isinstance(step.fallback, str) else json.dumps(step.fallback)
    why = f"its fallback stands in: {end.why}"
    return attrs.evolve(end, status="partial", content=said, data=step.fallback, why=why)


def _together(step: Step, ends: Sequence[StepEnd]) -> StepEnd:
    """One end for the calls of all items: the worst that happened names it."""
    bad = [each for each in ends if each.status not in GOOD]
    is_partial = bool(bad) or any(each.status == "partial" for each in ends)
    status = "failed" if bad and len(bad) == len(ends) else "partial" if is_partial else "completed"
    told = [f"item {at}: {each.why}" for at, each in enumerate(ends) if each.status not in GOOD]
    return StepEnd(
        id=step.id,
        tool=step.tool,
        status=status,
        why="; ".join(told[:5]),
        code=bad[0].code if bad else "",
        content="\n\n".join(each.content for each in ends),
        data=[{"status": e.status, "content": e.content, "data": e.data} for e in ends],
        attempts=sum(each.attempts for each in ends),
        goes_on=step.on_error == "continue",
        is_many=True,
    )
