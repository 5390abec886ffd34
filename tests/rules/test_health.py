"""How a server is, by what is wrong with it."""

from typing import Any

import pytest

from aimux.rules import judge_health

WELL: dict[str, Any] = {
    "is_store_failing": False,
    "unstored": 0,
    "clis": ["codex", "claude"],
    "ready": ["codex"],
    "breakers": {"codex": "closed"},
    "errors": [],
}


def test_a_server_with_a_cli_that_works_is_well() -> None:
    """Not every CLI has to be there."""
    standing = judge_health(**WELL)

    assert (standing.status, standing.reasons) == ("ok", [])


@pytest.mark.parametrize(
    ("facts", "status", "reasons"),
    [
        ({"ready": []}, "degraded", ["clis: none of 2 is ready"]),
        ({"breakers": {"codex": "open"}}, "degraded", ["breakers: codex is open"]),
        ({"breakers": {"codex": "half_open"}}, "degraded", ["breakers: codex is half_open"]),
        ({"errors": ["bad @ f:3"]}, "degraded", ["configuration: bad @ f:3"]),
        ({"unstored": 1}, "degraded", ["store: the end of 1 job is not stored yet"]),
        ({"unstored": 2}, "degraded", ["store: the ends of 2 jobs are not stored yet"]),
        (
            {"is_store_failing": True, "ready": []},
            "failing",
            ["store: what jobs do cannot be written", "clis: none of 2 is ready"],
        ),
    ],
)
def test_what_is_wrong_is_told(facts: dict[str, Any], status: str, reasons: list[str]) -> None:
    """Each by what it concerns; what is not kept is the gravest."""
    standing = judge_health(**{**WELL, **facts})

    assert (standing.status, standing.reasons) == (status, reasons)
