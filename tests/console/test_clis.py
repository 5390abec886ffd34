"""`aimux clis`: what is there, and a CLI that is asked again."""

import json
from pathlib import Path

import pytest

from aimux.console._resting import way_back, why_resting

from .conftest import make_machine

pytestmark = pytest.mark.slow


def test_a_cli_whose_breaker_is_open_is_asked_again_after_a_reset(tmp_path: Path) -> None:
    """The refusal names the command that ends it."""
    machine = make_machine(tmp_path, ["codex"])
    env = machine.env(AIMUX_DAEMON="on", AIMUX_CIRCUIT_BREAKER_FAILURE_THRESHOLD="1")
    try:
        failed = machine.aimux("run", "-q", "-c", "codex", "[[fault crash_mid_json]]", env=env)
        refused = machine.aimux("run", "-q", "-c", "codex", "hello", env=env)
        shown = machine.aimux("clis", env=env)
        checked = machine.aimux("doctor", "--json", env=env)
        reset = machine.aimux("clis", "--reset", "codex", env=env)
        answered = machine.aimux("run", "-q", "-c", "codex", "hello", env=env)
        again = machine.aimux("clis", "--reset", "codex", "--json", env=env)
        unknown = machine.aimux("clis", "--reset", "codecs", env=env)
    finally:
        machine.aimux("daemon", "stop", env=env)

    assert failed.code == 1
    assert refused.code != 0
    assert "aimux clis --reset codex" in refused.err
    assert "its breaker is open, " in shown.out
    assert "asks it again at once: aimux clis --reset codex" in shown.err
    (codex,) = [each for each in json.loads(checked.out) if each["what"] == "codex"]
    assert (codex["verdict"], codex["remedy"]) == ("warn", "aimux clis --reset codex")
    assert "its breaker is open, " in codex["said"]
    assert reset.code == 0, reset.err
    assert reset.out == "codex is asked again: its breaker was open, failures forgotten: 1\n"
    assert answered.code == 0, answered.err
    assert json.loads(again.out)["breaker_was"] == "closed"
    assert unknown.code == 2
    assert "did you mean codex?" in unknown.err


@pytest.mark.parametrize(
    ("health", "why", "way"),
    [
        ({}, "", "aimux clis --reset codex"),
        ({"breakers": {"codex": {"state": "closed"}}}, "", "aimux clis --reset codex"),
        (
            {"breakers": {"codex": {"state": "half_open"}}},
            "its breaker lets one turn try it",
            "aimux clis --reset codex",
        ),
        (
            {
                "cooldowns": [
                    {"cli": "codex", "model": None, "code": "quota_exhausted", "seconds_left": 9.6},
                    {"cli": "other", "model": "m", "code": "x", "seconds_left": 1},
                ]
            },
            "its default model rests 10 s more (quota_exhausted)",
            "aimux clis --reset codex",
        ),
        (
            {"clis": [{"name": "codex", "verified": "not_authenticated"}, {"name": "other"}]},
            "its login was refused (not_authenticated)",
            "log in to it in a terminal, then aimux clis --reset codex",
        ),
        ({"clis": [{"name": "codex", "verified": "ok"}]}, "", "aimux clis --reset codex"),
    ],
)
def test_who_is_ready_and_rests_is_told_with_the_way_back(
    health: dict[str, object], why: str, way: str
) -> None:
    """Breakers, cooldowns and refused logins; of that CLI alone."""
    assert (why_resting(health, "codex"), way_back(health, "codex")) == (why, way)
