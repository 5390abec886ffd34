"""Whether `think` asks CLIs: what the call wants, what it gets, and what contradicts itself."""

from collections.abc import Mapping

import pytest

from aimux.errors import PeerFault
from aimux.think import choose
from aimux.tools._think_panel import decide, requested_mode


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "solo"),
        ({"mode": "solo"}, "solo"),
        ({"consensus": False}, "solo"),
        ({"consensus": True}, "consensus"),
        ({"clis": ["codex"]}, "consensus"),
        ({"mode": "auto"}, "auto"),
        ({"mode": "auto", "clis": ["codex"], "async": True}, "auto"),
        ({"consensus": True, "mode": "consensus", "dry_run": True}, "consensus"),
        ({"async": False, "dry_run": False, "max_chars": 100}, "solo"),
    ],
)
def test_what_a_call_wants(given: Mapping[str, object], wanted: str) -> None:
    """Naming CLIs is wanting them asked; `auto` leaves it open."""
    assert requested_mode(given) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"consensus": True, "mode": "solo"},
        {"consensus": False, "mode": "consensus"},
        {"consensus": True, "mode": "auto"},
        {"consensus": False, "clis": ["codex"]},
        {"mode": "solo", "clis": ["codex"]},
        {"async": True},
        {"dry_run": True},
        {"wait_seconds": 0},
        {"timeout_seconds": 5},
        {"max_tokens": 5},
        {"cwd": "/srv"},
        {"consensus": True, "async": True, "wait_seconds": 5},
    ],
)
def test_what_contradicts_itself_is_refused(given: Mapping[str, object]) -> None:
    """A call that asks nobody has no job to be limited; one that returns at once does not wait."""
    with pytest.raises(PeerFault) as caught:
        requested_mode(given)

    assert caught.value.code == "contradictory_arguments"


def test_auto_goes_by_the_threshold() -> None:
    """The same decision asks at 20 and not at 40; the reason has both figures."""
    choice = choose("decision_framework")
    fields: dict[str, object] = {"decision": "which database", "options": ["a", "b", "c", "d"]}
    low, high = (decide("auto", choice, fields, limit) for limit in (20, 40))

    assert (low.mode, low.reason) == ("consensus", "complexity 24 of 20")
    assert (high.mode, high.reason) == ("solo", "complexity 24 of 40")


def test_a_technique_that_asks_nobody_is_refused_or_left_alone() -> None:
    """Asked for by name it is a fault, by auto it is solo with that reason."""
    fields: dict[str, object] = {"problem": "migrate the production database"}
    with pytest.raises(PeerFault, match="asks no CLIs"):
        decide("consensus", choose("tot"), fields, 60)
    found = decide("auto", choose("tot"), fields, 60)

    assert found.mode == "solo"
