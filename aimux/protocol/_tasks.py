"""Both task protocols: the shapes of 2025-11-25 and of the 2026-07-28 extension, and their rules.

Theory of operation. ``Task`` is what a server knows of a job that a client may poll. Its status
follows ``NEXT_STATUS``; terminal states never change. The render functions give the answer of each
task method in the revision at hand. A tool result with ``isError`` is a failed task in 2025-11-25
and a completed one in the extension, so ``status`` says how the *work* ended and ``shown_status``
what a revision calls that.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from aimux.protocol._errors import Code, Fault, missing_capability
from aimux.protocol._events import Called
from aimux.protocol._methods import TASKS_EXTENSION
from aimux.protocol._revisions import REVISIONS, Revision
from aimux.protocol._shapes import RELATED_TASK_KEY, Json, adapter_for
from aimux.times import utc_stamp


class TaskStatus(enum.StrEnum):
    """Where a task is."""

    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"  # there is a result, perhaps one with isError
    FAILED = "failed"  # there is a JSON-RPC error
    CANCELLED = "cancelled"


NEXT_STATUS: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = {
    TaskStatus.WORKING: frozenset(TaskStatus) - {TaskStatus.WORKING},
    TaskStatus.INPUT_REQUIRED: frozenset(TaskStatus) - {TaskStatus.INPUT_REQUIRED},
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


def _is_aware(_: object, attribute: "attrs.Attribute[datetime]", at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"{attribute.name} must be aware")


@attrs.frozen(kw_only=True)
class Task:
    """A job as the task protocols see it."""

    task_id: str
    status: TaskStatus
    created_at: datetime = attrs.field(validator=_is_aware)
    updated_at: datetime = attrs.field(validator=_is_aware)
    ttl_ms: int | None = None  # None: kept without limit
    poll_ms: int | None = None
    message: str | None = None
    result: Mapping[str, object] | None = None
    error: Fault | None = None
    input_requests: Mapping[str, Mapping[str, object]] = attrs.field(factory=dict)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will change any more."""
        return not NEXT_STATUS[self.status]


class TaskSupport(enum.StrEnum):
    """What a tool says about being run as a task (``execution.taskSupport``)."""

    FORBIDDEN = "forbidden"
    OPTIONAL = "optional"
    REQUIRED = "required"


def judge_task(called: Called, support: TaskSupport) -> bool | Fault:
    """Tell whether a ``tools/call`` becomes a task, or why it is refused.

    In 2025-11-25 the client asks by a ``task`` parameter; in the extension it declares that it can
    read tasks and the server decides. Everywhere else a call is a call.
    """
    if support is TaskSupport.FORBIDDEN and "task" not in called.params:
        return False
    revision = called.revision
    if revision.has("tasks.core"):
        is_asked = called.task is not None
        if is_asked and support is TaskSupport.FORBIDDEN:
            return Fault(Code.METHOD_NOT_FOUND, "this tool cannot run as a task")
        if not is_asked and support is TaskSupport.REQUIRED:
            return Fault(Code.METHOD_NOT_FOUND, "this tool runs only as a task")
        return is_asked
    if revision.has("tasks.extension"):
        if called.client.has_extension(TASKS_EXTENSION):
            return support is not TaskSupport.FORBIDDEN
        if support is TaskSupport.REQUIRED:
            return missing_capability({"extensions": {TASKS_EXTENSION: {}}})
        return False
    if support is TaskSupport.REQUIRED:
        return Fault(Code.INVALID_PARAMS, "this tool runs only as a task, which needs 2025-11-25")
    return False


def shown_status(task: Task, revision: Revision) -> TaskStatus:
    """Return the status that ``revision`` has for how the work stands."""
    is_tool_error = task.result is not None and task.result.get("isError") is True
    if task.status is TaskStatus.COMPLETED and is_tool_error and revision.has("tasks.core"):
        return TaskStatus.FAILED
    return task.status


def render_task(task: Task, revision: Revision) -> Json:
    """Return the fields that every task message has, without result and input requests."""
    is_core = revision.has("tasks.core")
    shape: Json = {
        "taskId": task.task_id,
        "status": str(shown_status(task, revision)),
        "createdAt": utc_stamp(task.created_at),
        "lastUpdatedAt": utc_stamp(task.updated_at),
        "ttl" if is_core else "ttlMs": task.ttl_ms,
    }
    if task.message is not None:
        shape["statusMessage"] = task.message
    if task.poll_ms is not None:
        shape["pollInterval" if is_core else "pollIntervalMs"] = task.poll_ms
    return shape


def render_created(task: Task, revision: Revision) -> Json:
    """Return the answer to a call that became a task. Store the task before it is written."""
    if revision.has("tasks.core"):
        return {"task": render_task(task, revision)}
    return {"resultType": "task", **render_task(task, revision)}


def render_state(task: Task, revision: Revision) -> Json:
    """Return the answer to ``tasks/get``."""
    shape = render_task(task, revision)
    if revision.has("tasks.core"):
        return shape
    shape["resultType"] = "complete"
    return shape | _outcome(task, revision)


def _outcome(task: Task, revision: Revision) -> Json:
    """Return what the extension puts beside the status."""
    match task.status:
        case TaskStatus.COMPLETED:
            result = dict(task.result or {"content": []})
            adapt = adapter_for("tools/call", revision)
            result = adapt(result) if adapt is not None else result
            return {"result": {"resultType": "complete", **result}}
        case TaskStatus.FAILED:
            return {"error": _error_of(task).body()}
        case TaskStatus.INPUT_REQUIRED:
            return {"inputRequests": {key: dict(one) for key, one in task.input_requests.items()}}
        case _:
            return {}


def _error_of(task: Task) -> Fault:
    return task.error or Fault(Code.INTERNAL_ERROR, task.message or "task failed")


def render_result(task: Task, revision: Revision) -> Json | Fault:
    """Return the answer to ``tasks/result`` of a terminal task: what the call would have said.

    Raises:
        ValueError: the task is still running; wait first.
    """
    if not task.is_terminal:
        raise ValueError(f"task {task.task_id} is {task.status}")
    if task.result is None or task.status is not TaskStatus.COMPLETED:
        if task.status is TaskStatus.CANCELLED:
            return Fault(Code.INVALID_REQUEST, f"task {task.task_id} was cancelled")
        return _error_of(task)
    result = dict(task.result)
    adapt = adapter_for("tools/call", revision)
    result = adapt(result) if adapt is not None else result
    meta = result.get("_meta")
    result["_meta"] = {**(meta if isinstance(meta, dict) else {}), **related(task.task_id)}
    return result


def related(task_id: str) -> Json:
    """Return the ``_meta`` that ties a 2025-11-25 message to its task."""
    return {RELATED_TASK_KEY: {"taskId": task_id}}


def judge_cancel(task: Task, revision: Revision) -> bool | Fault:
    """Tell whether ``tasks/cancel`` has something to stop, or why it is refused.

    In 2025-11-25 the answer says ``cancelled`` already, so stop the work first.
    """
    if not task.is_terminal:
        return True
    if revision.has("tasks.core"):
        return Fault(Code.INVALID_PARAMS, f"task {task.task_id} is over: {task.status}")
    return False


def render_cancelled(task: Task, revision: Revision) -> Json:
    """Return the answer to ``tasks/cancel``: the task in 2025-11-25, nothing in the extension."""
    return render_task(task, revision) if revision.has("tasks.core") else {}


def unknown_task(task_id: str) -> Fault:
    """Return the refusal of a task id that is not (or no longer) known."""
    return Fault(Code.INVALID_PARAMS, f"unknown task: {task_id}", {"taskId": task_id})


def render_notice(task: Task, *, is_modern: bool) -> tuple[str, Json]:
    """Return method and parameters of the status notification, for ``Peer.notify``."""
    if is_modern:
        revision = REVISIONS["2026-07-28"]
        return "notifications/tasks", render_task(task, revision) | _outcome(task, revision)
    return "notifications/tasks/status", render_task(task, REVISIONS["2025-11-25"])
