"""Both task protocols, as shapes and rules."""

from datetime import UTC, datetime

import attrs
import pytest

from aimux.protocol import (
    MODERN,
    REVISIONS,
    Called,
    CallId,
    Client,
    Fault,
    Task,
    TaskStatus,
    TaskSupport,
    judge_cancel,
    judge_task,
    render_cancelled,
    render_created,
    render_notice,
    render_result,
    render_state,
    render_task,
    unknown_task,
)
from aimux.protocol._tasks import NEXT_STATUS

CORE, EXTENSION = REVISIONS["2025-11-25"], REVISIONS[MODERN]
AT = datetime(2026, 7, 28, 12, tzinfo=UTC)
STAMP = "2026-07-28T12:00:00.000Z"
WORKING = Task(
    task_id="job_1",
    status=TaskStatus.WORKING,
    created_at=AT,
    updated_at=AT,
    ttl_ms=60_000,
    poll_ms=500,
    message="reading",
)
TOOL_ERROR = attrs.evolve(
    WORKING, status=TaskStatus.COMPLETED, result={"content": [], "isError": True}
)
FAILED = attrs.evolve(WORKING, status=TaskStatus.FAILED, error=Fault(-32603, "broken"))
CANCELLED = attrs.evolve(WORKING, status=TaskStatus.CANCELLED)
ASKING = attrs.evolve(
    WORKING,
    status=TaskStatus.INPUT_REQUIRED,
    input_requests={"a": {"method": "elicitation/create"}, "b": {"method": "roots/list"}},
)
TASKS = {"extensions": {"io.modelcontextprotocol/tasks": {}}}


def test_creation_is_nested_in_one_era_and_flat_in_the_other() -> None:
    core = {
        "taskId": "job_1",
        "status": "working",
        "createdAt": STAMP,
        "lastUpdatedAt": STAMP,
        "ttl": 60_000,
        "pollInterval": 500,
        "statusMessage": "reading",
    }
    modern = {
        "resultType": "task",
        "taskId": "job_1",
        "status": "working",
        "createdAt": STAMP,
        "lastUpdatedAt": STAMP,
        "ttlMs": 60_000,
        "pollIntervalMs": 500,
        "statusMessage": "reading",
    }

    assert render_created(WORKING, CORE) == {"task": core}
    assert render_created(WORKING, EXTENSION) == modern
    assert render_state(WORKING, CORE) == core
    assert render_state(WORKING, EXTENSION) == modern | {"resultType": "complete"}


def test_optional_fields_are_left_out() -> None:
    bare = attrs.evolve(WORKING, poll_ms=None, message=None, ttl_ms=None)

    assert render_task(bare, EXTENSION) == {
        "taskId": "job_1",
        "status": "working",
        "createdAt": STAMP,
        "lastUpdatedAt": STAMP,
        "ttlMs": None,
    }


def test_tool_error_is_failed_in_core_and_completed_in_the_extension() -> None:
    assert render_state(TOOL_ERROR, CORE)["status"] == "failed"
    state = render_state(TOOL_ERROR, EXTENSION)
    assert state["status"] == "completed"
    assert state["result"] == {"resultType": "complete", "content": [], "isError": True}


def test_extension_inlines_result_error_and_requests() -> None:
    done = attrs.evolve(WORKING, status=TaskStatus.COMPLETED)

    assert render_state(done, EXTENSION)["result"] == {"resultType": "complete", "content": []}
    assert render_state(FAILED, EXTENSION)["error"] == {"code": -32603, "message": "broken"}
    assert render_state(ASKING, EXTENSION)["inputRequests"] == ASKING.input_requests
    assert not {"result", "error", "inputRequests"} & render_state(CANCELLED, EXTENSION).keys()


def test_result_of_a_core_task_is_what_the_call_would_have_said() -> None:
    result = render_result(attrs.evolve(TOOL_ERROR, result={"_meta": {"a/b": 1}}), CORE)

    assert result == {
        "content": [],
        "_meta": {"a/b": 1, "io.modelcontextprotocol/related-task": {"taskId": "job_1"}},
    }
    assert render_result(FAILED, CORE) == Fault(-32603, "broken")
    assert render_result(attrs.evolve(FAILED, error=None), CORE) == Fault(-32603, "reading")
    cancelled = render_result(CANCELLED, CORE)
    assert isinstance(cancelled, Fault)
    assert "cancelled" in cancelled.message
    with pytest.raises(ValueError, match="working"):
        render_result(WORKING, CORE)


def test_old_revision_gets_its_content_cut() -> None:
    """The adapter of tools/call works on task results too."""
    done = attrs.evolve(
        TOOL_ERROR, result={"content": [{"type": "resource_link", "uri": "a://b", "name": "n"}]}
    )

    result = render_result(done, REVISIONS["2025-03-26"])

    assert isinstance(result, dict)
    assert result["content"] == [{"type": "text", "text": "n: a://b"}]


def test_cancel_of_a_finished_task_is_refused_in_core_only() -> None:
    assert judge_cancel(WORKING, CORE) is True
    assert judge_cancel(WORKING, EXTENSION) is True
    refused = judge_cancel(CANCELLED, CORE)
    assert isinstance(refused, Fault)
    assert refused.code == -32602
    assert judge_cancel(CANCELLED, EXTENSION) is False
    assert render_cancelled(CANCELLED, CORE)["status"] == "cancelled"
    assert render_cancelled(CANCELLED, EXTENSION) == {}


def called(
    version: str, task: object = None, capabilities: dict[str, object] | None = None
) -> Called:
    params = {"name": "x"} if task is None else {"name": "x", "task": task}
    client = Client(capabilities or {}, {})
    return Called(CallId(1), 1, "tools/call", params, {}, REVISIONS[version], client)


@pytest.mark.parametrize(
    ("call", "support", "verdict"),
    [
        (called("2025-11-25"), TaskSupport.OPTIONAL, False),
        (called("2025-11-25", {}), TaskSupport.OPTIONAL, True),
        (called("2025-11-25", {}), TaskSupport.REQUIRED, True),
        (called("2025-11-25", {}), TaskSupport.FORBIDDEN, -32601),
        (called("2025-11-25"), TaskSupport.REQUIRED, -32601),
        (called("2025-06-18", {}), TaskSupport.OPTIONAL, False),
        (called("2025-06-18", {}), TaskSupport.REQUIRED, -32602),
        (called(MODERN, {}), TaskSupport.OPTIONAL, False),
        (called(MODERN, None, TASKS), TaskSupport.OPTIONAL, True),
        (called(MODERN, None, TASKS), TaskSupport.FORBIDDEN, False),
        (called(MODERN), TaskSupport.REQUIRED, -32021),
    ],
)
def test_who_gets_a_task(call: Called, support: TaskSupport, verdict: object) -> None:
    judged = judge_task(call, support)

    assert (judged.code if isinstance(judged, Fault) else judged) == verdict


def test_notices_name_the_task_in_the_words_of_each_era() -> None:
    method, params = render_notice(WORKING, is_modern=False)
    assert (method, params["ttl"]) == ("notifications/tasks/status", 60_000)
    method, params = render_notice(FAILED, is_modern=True)
    assert method == "notifications/tasks"
    assert params["error"] == {"code": -32603, "message": "broken"}
    assert "resultType" not in params


def test_terminal_states_never_change() -> None:
    for status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED):
        assert NEXT_STATUS[status] == frozenset()
        assert attrs.evolve(WORKING, status=status).is_terminal
    assert TaskStatus.WORKING in NEXT_STATUS[TaskStatus.INPUT_REQUIRED]
    assert not ASKING.is_terminal


def test_times_are_aware_and_told_in_utc() -> None:
    with pytest.raises(ValueError, match="created_at must be aware"):
        attrs.evolve(WORKING, created_at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert unknown_task("t").body()["code"] == -32602
