"""Numbers of changes: what somebody who was away is told, and when to begin anew."""

import pytest

from aimux.dashboard import _changes
from aimux.dashboard._changes import JobChanges


def row(name: str, **more: object) -> dict[str, object]:
    return {"id": name, **more}


def test_each_job_is_told_once_with_its_newest_row() -> None:
    """In the order of their last changes; a row that says the same is no change."""
    changes = JobChanges("i")
    for each in (row("a"), row("b"), row("a", status="running"), row("a", status="running")):
        changes.put(each)

    assert changes.number == 3
    assert changes.since(0) == [row("b"), row("a", status="running")]
    assert changes.since(2) == [row("a", status="running")]
    assert changes.since(3) == []
    assert repr(changes) == "<JobChanges: 3, 0 jobs watched>"


def test_what_was_forgotten_cannot_be_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a number of the future, of another process, or none at all."""
    monkeypatch.setattr(_changes, "KEPT_ROWS", 2)
    changes = JobChanges("i")
    for name in "abcd":
        changes.put(row(name))

    assert changes.since(1) is None
    assert changes.since(2) == [row("c"), row("d")]
    assert changes.since(5) is None
    assert [changes.resumable(each) for each in ("i-1", "i-2", "i-4", "j-4", "i-x", "", "i-")] == [
        None, 2, 4, None, None, None, None,
    ]  # fmt: skip
