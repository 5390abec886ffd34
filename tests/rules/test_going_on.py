"""Which conversations a tool goes on with."""

import datetime

import pytest

from aimux.errors import NotFound, PeerFault
from aimux.model import Session, SessionId
from aimux.rules import check_session_id, check_session_kind, way_to

AT = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def session(kind: str) -> Session:
    return Session(id=SessionId("ses_1"), cli="codex", kind=kind, created_at=AT, last_active_at=AT)


@pytest.mark.parametrize("tool", ["exec", "background", "agents"])
@pytest.mark.parametrize("kind", ["exec", "background", "agents"])
def test_a_conversation_with_one_cli_goes_on_by_each_tool_for_one(tool: str, kind: str) -> None:
    check_session_kind(session(kind), tool)


def test_a_dialog_goes_on_by_itself() -> None:
    check_session_kind(session("dialog"), "dialog")


@pytest.mark.parametrize(
    ("kind", "tool", "way"),
    [
        ("dialog", "exec", "by dialog(session_id"),
        ("dialog", "background", "by dialog(session_id"),
        ("exec", "dialog", "by exec(session_id"),
        ("agents", "dialog", "by exec(session_id"),
    ],
)
def test_a_session_of_another_tool_is_refused_with_the_way_on(
    kind: str, tool: str, way: str
) -> None:
    with pytest.raises(PeerFault, match=f"is of {kind}, not of {tool}") as caught:
        check_session_kind(session(kind), tool)

    assert caught.value.code == "session_kind_mismatch"
    assert way in str(caught.value.hint)
    assert "leave session_id out" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("given", "way"), [("thk_1", "think("), ("inv_1", "investigate("), ("job_1", "status(")]
)
def test_an_id_of_something_else_is_refused_with_the_way_to_it(given: str, way: str) -> None:
    with pytest.raises(NotFound, match="not a session") as caught:
        check_session_id(given)

    assert caught.value.code == "session_not_found"
    assert way in str(caught.value.hint)


@pytest.mark.parametrize("given", ["ses_1", "", "whatever"])
def test_other_ids_are_looked_for(given: str) -> None:
    check_session_id(given)


@pytest.mark.parametrize(
    ("wanted", "given", "way"),
    [
        ("job_", "ses_1", "id of a session: sessions(action=info"),
        ("job_", "thk_1", "id of steps of thinking: go on with think("),
        ("ses_", "job_1", "id of a job: status("),
        ("job_", "job_1", "sessions(action=list"),
        ("ses_", "", "sessions(action=list"),
        ("ses_", "x" * 9, "sessions(action=list"),
    ],
)
def test_what_is_not_found_leads_on(wanted: str, given: str, way: str) -> None:
    """To what the id is of, else to what there is."""
    assert way in way_to(wanted, given)
