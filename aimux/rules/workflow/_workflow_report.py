"""How steps ended, and a workflow as its caller gets it."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, JobStatus, Report
from aimux.rules import harmless

from ._expressions import parse_template, render
from ._workflow import Workflow

KEPT_CHARS: Final = 20_000  # of a step's content in the record; the rest is had from its job
SHOWN_CHARS: Final = 2_000  # of a step's content in the report
_FINE: Final = frozenset({"completed", "partial"})


@attrs.frozen(kw_only=True)
class StepEnd:
    """How a step ended, and what it left.

    `goes_on` says that others may use it although it failed; `fingerprint` is of what was called.
    """

    id: str
    tool: str
    status: str
    why: str = ""
    code: str = ""
    job_id: str = ""
    content: str = ""
    data: object = None
    attempts: int = 0
    duration_ms: int = 0
    fingerprint: str = ""
    goes_on: bool = False
    is_reused: bool = False
    is_many: bool = False

    def record(self) -> dict[str, object]:
        """What is noted of it, enough to reuse it; what its job keeps is not kept twice."""
        kept = attrs.asdict(self) | {"content": self.content[:KEPT_CHARS]}
        if self.job_id or len(self.content) > KEPT_CHARS:
            kept["data"] = None
        return kept

    @property
    def is_whole(self) -> bool:
        """Whether a record of it holds all that it left."""
        return not self.job_id and len(self.content) < KEPT_CHARS

    @property
    def is_usable(self) -> bool:
        """Whether a step that needs this one may run."""
        return self.status in _FINE or self.goes_on

    @property
    def value(self) -> dict[str, object]:
        """What later steps may read of it."""
        return {
            "status": self.status,
            "content": self.content,
            "data": self.data,
            "error": self.why or None,
            "job_id": self.job_id or None,
        }


def render_value(value: object, values: Mapping[str, object]) -> object:
    """A value with every template in it rendered, once.

    Raises:
        ExpressionFault: an expression has no value.
    """
    match value:
        case str() if "{{" in value:
            return render(parse_template(value), values)
        case Mapping():
            return {str(name): render_value(each, values) for name, each in value.items()}
        case list() | tuple():
            return [render_value(each, values) for each in value]
    return value


def report_workflow(name: str, workflow: Workflow, ends: Sequence[StepEnd]) -> Report:
    """The report of a workflow.

    It is completed if every step is or was left out by its own condition, failed if one that
    failed stopped it or nothing came of it, else partial.
    """
    needs = {step.id: list(step.needs) for step in workflow.steps}
    steps = {step.id: step for step in workflow.steps}
    bad = [end for end in ends if end.status not in _FINE and not _is_chosen(end)]
    failed = [end for end in bad if end.status != "skipped"]
    stopping = [end for end in failed if steps[end.id].on_error == "stop"]
    status = JobStatus.COMPLETED
    if stopping or not any(end.status in _FINE or _is_chosen(end) for end in ends):
        status = JobStatus.FAILED
    elif bad or any(end.status == "partial" for end in ends):
        status = JobStatus.PARTIAL
    last = next((end for end in reversed(ends) if end.status in _FINE), None)
    data: dict[str, object] = {
        "name": name,
        "steps": [_step_json(end, needs[end.id]) for end in ends],
        "plan": [list(wave) for wave in workflow.waves],
        "output": None if last is None else last.content[:KEPT_CHARS],
        "resumable_from": next((end.id for end in ends if end in bad), None),
    }
    return Report(
        status=status,
        content=harmless(_content(name, ends)),
        data=data,
        failure=_failure(stopping, bad),
    )


def _is_chosen(end: StepEnd) -> bool:
    return end.status == "skipped" and end.goes_on


def _failure(stopping: Sequence[StepEnd], bad: Sequence[StepEnd]) -> Failure | None:
    if not bad:
        return None
    told = "; ".join(f"{end.id} ({end.tool}): {end.status}, {end.why}" for end in bad[:5])
    return Failure(
        failure_class=FailureClass.UNKNOWN,
        code="step_failed" if stopping else "step_lost",
        message=told,
        hint="send the workflow again with resume_from: what did not change is not run again",
        retryable=True,
    )


def _step_json(end: StepEnd, needs: Sequence[str]) -> dict[str, object]:
    is_cut = len(end.content) > KEPT_CHARS
    return {
        "id": end.id,
        "tool": end.tool,
        "needs": list(needs),
        "status": end.status,
        "why": end.why or None,
        "attempts": end.attempts,
        "job_id": end.job_id or None,
        "duration_ms": end.duration_ms,
        "reused": end.is_reused,
        "output": {"content": end.content[:KEPT_CHARS], "truncated": is_cut, "data": end.data},
    }


def _content(name: str, ends: Sequence[StepEnd]) -> str:
    lines = [f"# {name}", ""]
    for end in ends:
        how = f"{end.status}, reused" if end.is_reused else end.status
        why = f": {end.why}" if end.why else ""
        lines.append(f"- **{end.id}** ({end.tool}): {how}{why}")
    for end in ends:
        if end.content and end.status in _FINE:
            shown = end.content[:SHOWN_CHARS]
            cut = "\n\n(cut)" if len(end.content) > SHOWN_CHARS else ""
            lines += ["", f"## {end.id}", "", shown + cut]
    return "\n".join(lines)
