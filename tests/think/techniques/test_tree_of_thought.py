"""A tree of thoughts, its values computed by hand."""

import pytest

from aimux.think._base import Following

from ..helpers import data, steps

GAME = {
    "problem": "win the game",
    "nodes": [
        {"id": "a", "thought": "win by attack", "score": 8},
        {"id": "b", "parent": "a", "thought": "attack with rook", "score": 6},
        {"id": "c", "parent": "a", "thought": "attack with rook"},
        {"id": "d", "parent": "b", "thought": "give mate", "score": 9, "state": "solved"},
        {"id": "e", "thought": "defend", "score": 2, "state": "dead"},
        {"id": "f", "thought": "wait", "score": 2},
        {"id": "g", "thought": "castle", "score": 5},
    ],
}


def test_a_tree_that_has_a_solution() -> None:
    """A thought's own score, averaged with the mean of its path; one without counts as 5."""
    result = steps("tree_of_thought", GAME).result

    assert result.data["technique"] == {
        "values": {"a": 8.0, "b": 6.5, "c": 5.75, "d": 8.3333, "e": 2.0, "f": 2.0, "g": 5.0},
        "frontier": [{"id": "c", "thought": "attack with rook"}, {"id": "g", "thought": "castle"}],
        "pruned": ["f"],  # under 0.4 of 5.75
        "tooDeep": [],
        "best_path": ["a", "b", "d"],
        "solved": ["d"],
        "depth": 3,
        "breadth": 4,
        "unexplored": ["c"],
        "beside_problem": ["b", "c", "d", "e", "f", "g"],
        "duplicates": [["b", "c"]],
    }
    assert (result.gate, result.warnings, result.missing) == ([], [], ())
    assert result.following is None
    assert result.summary == "7 thoughts, go on with c, g; best: a > b > d"


def test_a_tree_without_a_solution_goes_on() -> None:
    """A second step adds and rewrites; ends of the same value stand in the order of their names."""
    more = {
        "nodes": [
            {"id": "d", "parent": "b", "thought": "give mate", "score": 9},
            {"id": "x", "thought": "castle long", "score": 5},
        ],
        "max_depth": 3,
        "beam": 2,
    }
    result = steps("tree_of_thought", GAME, more).result
    block = result.data["technique"]

    assert isinstance(block, dict)
    assert block["tooDeep"] == ["d"]
    assert [each["id"] for each in block["frontier"]] == ["c", "g"]
    assert block["pruned"] == ["x", "f"]  # x is as good as g, and beyond the beam
    assert (block["solved"], block["best_path"]) == ([], ["a", "b", "d"])
    assert result.gate == ["a thought that solves it: state solved"]
    assert result.following == Following(
        pattern="decision_framework",
        reason="decide between the ends",
        fields={
            "decision": "win the game",
            "options": ["give mate", "attack with rook", "castle"],
        },
    )


@pytest.mark.parametrize(("score", "kept"), [(4, True), (3.9, False)])
def test_a_leaf_is_kept_from_two_fifths_of_the_best(score: float, kept: bool) -> None:
    """That value included."""
    nodes = [{"id": "a", "score": 10}, {"id": "b", "score": score}]
    found = data("tree_of_thought", problem="p", nodes=nodes)

    assert (found["pruned"] == []) is kept


def test_all_thoughts_dead_leave_nothing_to_go_on_with() -> None:
    """The best end is told all the same."""
    nodes = [{"id": "a", "score": 3, "state": "dead"}, {"id": "b", "score": 4, "state": "dead"}]
    result = steps("tree_of_thought", {"problem": "p", "nodes": nodes}).result

    assert result.summary == "2 thoughts, go on with none; best: b"
    assert result.data["technique"]["frontier"] == []  # type: ignore[index]


def test_two_solutions_are_decided_between() -> None:
    """The better one is the best path."""
    nodes = [{"id": each, "score": at, "state": "solved"} for at, each in enumerate("abc", 5)]
    result = steps("tree_of_thought", {"problem": "p", "nodes": nodes}).result

    assert result.data["technique"]["best_path"] == ["c"]  # type: ignore[index]
    assert result.following is not None


@pytest.mark.parametrize(
    ("given", "code", "message", "fields"),
    [
        (
            {"nodes": [{"id": "b", "parent": "z"}, {"id": "a"}]},
            "unknown_node",
            "there is no thought z",
            {"known": ["a", "b"]},
        ),
        (
            {"nodes": [{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}, {"id": "c"}]},
            "cycle",
            "thoughts stand on themselves: a, b",
            {},
        ),
        (
            {"nodes": [{"id": str(at)} for at in range(501)]},
            "session_full",
            "a tree holds 500 thoughts: begin another",
            {},
        ),
    ],
)
def test_what_is_no_tree_is_refused(
    given: dict[str, object], code: str, message: str, fields: dict[str, object]
) -> None:
    """With what would be taken; the session stays as it was."""
    result = steps("tree_of_thought", {"problem": "p", **given}).result

    assert result.blocked is not None
    assert (result.blocked.code, result.blocked.message) == (code, message)
    assert result.blocked.fields == fields
    assert result.state is None


def test_five_hundred_thoughts_are_a_tree() -> None:
    """And not one less."""
    nodes = [{"id": str(at)} for at in range(500)]

    assert steps("tree_of_thought", {"problem": "p", "nodes": nodes}).result.blocked is None


def test_a_tree_begins_with_a_problem() -> None:
    """Then with thoughts that have a name."""
    nothing = steps("tree_of_thought", {}).result
    bare = steps("tree_of_thought", {"problem": "p"}).result
    unnamed = steps("tree_of_thought", {"problem": "p", "nodes": [{"id": ""}, {"id": "a"}]}).result

    assert (nothing.missing, nothing.data) == (["problem"], {})
    assert (bare.missing, bare.data) == (["nodes"], {"technique": {"frontier": [], "depth": 0}})
    assert bare.state is not None
    assert unnamed.warnings == ["thoughts without an id are left out"]
    assert unnamed.data["technique"]["values"] == {"a": 5.0}  # type: ignore[index]
