"""`aimux ps --tree`: jobs below the jobs that started them."""

from aimux.console._jobs import _tree


def row(name: str, parent: str | None = None, status: str = "completed") -> dict[str, object]:
    """A row as a server lists it."""
    return {"id": name, "parent_id": parent, "status": status}


NEWEST_FIRST = [
    row("late"),
    row("deep", "second"),
    row("second", "debate", "running"),
    row("first", "debate"),
    row("debate", None, "running"),
    row("orphan", "forgotten", "queued"),
    row("old"),
]


def shown(limit: int = 20, *, is_all: bool = False) -> list[tuple[object, object]]:
    return [(each["depth"], each["id"]) for each in _tree(NEWEST_FIRST, limit, is_all=is_all)]


def test_what_ended_is_shown_below_what_has_not() -> None:
    """A parent comes before its children, which are in the order they were started in."""
    tree = [(0, "debate"), (1, "first"), (1, "second"), (2, "deep"), (0, "orphan")]

    assert shown() == tree
    assert shown(is_all=True) == [(0, "late"), *tree, (0, "old")]


def test_the_limit_counts_those_at_the_top() -> None:
    """No tree is cut."""
    assert len(shown(1)) == 4
    assert len(shown(2, is_all=True)) == 5


def test_jobs_that_start_each_other_do_not_hang_it() -> None:
    """No server says so; if one does, they are left out."""
    assert _tree([row("a", "b"), row("b", "a")], 20, is_all=True) == []
