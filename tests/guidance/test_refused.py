"""What a refused call is guided to: the call that was meant, or who knows what was named."""

from typing import Any

import pytest

from aimux.guidance import guide_job, guide_refusal

LISTING = {"action": "list"}


def following(code: str, tool: str, given: dict[str, object], **more: object) -> list[Any]:
    error = {"code": code, "class": "peer", "retryable": False, **more}
    found = guide_refusal(error, tool, given)["next"]
    assert isinstance(found, list)
    return [(each["tool"], each["arguments"]) for each in found]


@pytest.mark.parametrize(
    ("meant", "offered"),
    [
        ({"prompt": "hi"}, [("exec", {"prompt": "hi"})]),
        ({"prompt": "x" * 5_000}, []),
        (None, []),
    ],
)
def test_the_call_that_was_meant_is_offered(
    meant: dict[str, object] | None, offered: object
) -> None:
    """Where it is certain, and not too long to be said once more."""
    error = {"code": "invalid_arguments", "class": "peer", "retryable": False}

    found: Any = guide_refusal(error, "exec", {"promt": "hi"}, meant)["next"]

    assert [(each["tool"], each["arguments"]) for each in found] == offered


@pytest.mark.parametrize(
    ("code", "tool", "given", "hint", "offered"),
    [
        ("cli_unknown", "exec", {"cli": "coudex"}, "did you mean codex?", {"cli": "codex"}),
        ("role_unknown", "exec", {"role": "reviw"}, "did you mean review?", {"role": "review"}),
        (
            "workflow_unknown",
            "workflow",
            {"steps": "example:secnd"},
            "did you mean second?",
            {"steps": "example:second"},
        ),
        ("role_unknown", "exec", {"role": "zz"}, None, None),
        ("role_unknown", "exec", {"role": "plan"}, "did you mean planning?", None),
        ("agent_unknown", "agents", {"agent_id": "x"}, "agents(action=find) says who fits", None),
        ("cli_unknown", "consensus", {"clis": ["coudex"]}, "did you mean codex?", None),
    ],
)
def test_a_name_that_is_nearly_right_is_offered_first(
    code: str, tool: str, given: dict[str, object], hint: str | None, offered: object
) -> None:
    """In the same call; where nothing is near, nothing is made up."""
    found = following(code, tool, given, hint=hint)

    assert [arguments for name, arguments in found if name == tool and arguments != LISTING] == (
        [] if offered is None else [offered]
    )
    assert offered is None or found[0] == (tool, offered)


@pytest.mark.parametrize(
    ("tool", "given", "step"),
    [
        ("status", {}, ("sessions", {"action": "list"})),
        ("sessions", {}, ("sessions", {"action": "list"})),
        ("sessions", {"action": "cancel"}, ("sessions", {"action": "list", "status": "active"})),
        ("agents", {}, ("agents", {"action": "list"})),
        ("investigate", {"action": "finding"}, ("investigate", {"action": "list"})),
    ],
)
def test_who_does_not_know_what_to_name_is_shown_what_there_is(
    tool: str, given: dict[str, object], step: object
) -> None:
    """A call without its id or action leads to the list of what it may be."""
    assert following("invalid_arguments", tool, given, problems=[]) == [step]


@pytest.mark.parametrize(
    ("code", "tool", "given", "step"),
    [
        (
            "job_not_found",
            "status",
            {"job_id": "ses_1"},
            ("sessions", {"action": "info", "session_id": "ses_1"}),
        ),
        ("session_not_found", "exec", {"session_id": "job_1"}, ("status", {"job_id": "job_1"})),
        (
            "session_not_found",
            "exec",
            {"session_id": "thk_1"},
            ("think", {"action": "get", "session_id": "thk_1"}),
        ),
        (
            "session_not_found",
            "think",
            {"session_id": "inv_1"},
            ("investigate", {"action": "status", "session_id": "inv_1"}),
        ),
        ("session_not_found", "think", {"session_id": "thk_x"}, ("think", {"action": "list"})),
        ("job_not_found", "status", {"job_id": "job_x"}, ("sessions", {"action": "list"})),
        ("job_not_found", "sessions", {"job_id": "job_x"}, ("sessions", {"action": "list"})),
        (
            "investigation_not_found",
            "investigate",
            {"session_id": "inv_x"},
            ("investigate", {"action": "list"}),
        ),
    ],
)
def test_an_id_leads_to_the_tool_that_knows_it(
    code: str, tool: str, given: dict[str, object], step: object
) -> None:
    """One of another tool's; of the right kind but unknown, to the list."""
    assert following(code, tool, given) == [step]


def test_danger_refused_leads_to_writing_not_to_who_is_ready() -> None:
    """The hint says so, and the call is there."""
    given: dict[str, object] = {"prompt": "hi", "mode": "danger"}
    error = {"code": "mode_refused", "class": "refusal", "retryable": False}

    found = guide_refusal(error, "exec", given)["next"]

    assert isinstance(found, list)
    assert [each["arguments"] for each in found] == [{"prompt": "hi", "mode": "write"}]


@pytest.mark.parametrize(
    ("error", "first"),
    [
        ({"class": "quota", "retryable": True}, {"action": "health"}),
        ({"class": "transient", "retryable": True}, {"action": "retry", "job_id": "job_1"}),
    ],
)
def test_what_meets_the_same_again_is_not_tried_first(error: Any, first: object) -> None:
    """A spent quota is no better a second later; a fault that passes is worth a second try."""
    payload = {
        "job_id": "job_1",
        "session_id": "ses_1",
        "status": "failed",
        "error": error,
        "content": "",
    }

    found: Any = guide_job(payload)["next"]

    assert found[0]["arguments"] == first
