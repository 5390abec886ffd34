"""Jobs as MCP tasks: same id, same life, same retention."""

from collections.abc import Mapping
from typing import Final

import orjson

from aimux.protocol import Task, TaskStatus, TaskSupport
from aimux.tools import TOOLS, JobView, Payload

POLL_MS: Final = 2_000
_STATUS: Final[Mapping[str, TaskStatus]] = {
    "queued": TaskStatus.WORKING,
    "running": TaskStatus.WORKING,
    "cancelled": TaskStatus.CANCELLED,
}
_SUPPORT: Final = {name: TaskSupport(tool.task_support) for name, tool in TOOLS.items()}


def support_of(tool: str) -> TaskSupport:
    """Whether a tool can run as a task: those that make jobs can."""
    return _SUPPORT[tool]


def takes_async(tool: str) -> bool:
    """Whether a call of the tool says that it does not wait; one that never waits need not."""
    properties = TOOLS[tool].input_schema["properties"]
    return isinstance(properties, dict) and "async" in properties


def task_of(view: JobView, *, can_ask: bool = False) -> Task:
    """A job as a task.

    One that failed is a completed task whose result says so. One that asks something is at work for
    a client that cannot be asked.
    """
    status = _STATUS.get(view.status, TaskStatus.COMPLETED)
    requests = view.requests if can_ask else {}
    if status is TaskStatus.WORKING and requests:
        status = TaskStatus.INPUT_REQUIRED
    result = tool_result(view.payload) if status is TaskStatus.COMPLETED else None
    return Task(
        task_id=view.job_id,
        status=status,
        created_at=view.created_at,
        updated_at=view.updated_at,
        ttl_ms=view.ttl_ms,
        poll_ms=POLL_MS,
        message=view.line or None,
        result=result,
        input_requests=requests,
    )


def tool_result(payload: Payload) -> dict[str, object]:
    """The `CallToolResult` of a payload: the text block is the same JSON as the structured part."""
    body = payload.rendered
    if not body:
        data = _serialised(payload.body)
        body["content"] = [{"type": "text", "text": data.decode()}, *payload.links]
        body["structuredContent"] = orjson.Fragment(data)
        if payload.is_error:
            body["isError"] = True
    return body


def _serialised(body: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # a path need not be UTF-8
        from aimux.model import dump_bytes  # a tenth of a second, on nobody's way to a first answer

        return dump_bytes(body)
