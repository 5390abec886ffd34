"""What a client sees of the difference between two configurations."""

import pathlib
from typing import Any

import attrs
import pytest

from aimux.model import Problem, Role, ServerSettings, Settings, Severity
from aimux.tools._changes import Changed
from aimux.tools._config_changes import compare_snapshots

from ..engine.house import ALPHA, BETA, ROLES, make_snapshot

HEALTH = "aimux://health"
BAD = Problem(severity=Severity.ERROR, where="f.yaml:1", message="bad")


@pytest.mark.parametrize(
    ("more", "lists", "uris"),
    [
        ({}, set(), set()),
        ({"fingerprint": "two"}, set(), set()),
        ({"roles": {**ROLES, "new": Role(name="new")}}, {"resources"}, {"aimux://roles/new"}),
        ({"roles": {**ROLES, "review": Role(name="review")}}, set(), {"aimux://roles/review"}),
        ({"profiles": {"alpha": ALPHA}}, {"resources"}, {"aimux://clis/beta"}),
        ({"settings": Settings(server=ServerSettings(max_chars=9))}, set(), set()),
        ({"problems": [BAD]}, set(), set()),
    ],
)
def test_what_differs_is_named(
    tmp_path: pathlib.Path, more: dict[str, Any], lists: set[str], uris: set[str]
) -> None:
    """Roles and CLIs by their resource; health with whatever counts."""
    before = make_snapshot(tmp_path, [ALPHA, BETA], Settings())
    after = attrs.evolve(before, **more)
    counts = more.keys() - {"fingerprint"}

    assert compare_snapshots(before, after) == Changed(
        lists=frozenset(lists), uris=frozenset(uris | ({HEALTH} if counts else set()))
    )
