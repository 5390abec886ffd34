"""`aimux clis`: what is there, and a CLI that is asked again."""

import json
from pathlib import Path

import pytest

from .conftest import make_machine

pytestmark = pytest.mark.slow


def test_a_cli_whose_breaker_is_open_is_asked_again_after_a_reset(tmp_path: Path) -> None:
    """The refusal names the command that ends it."""
    machine = make_machine(tmp_path, ["codex"])
    env = machine.env(AIMUX_DAEMON="on", AIMUX_CIRCUIT_BREAKER_FAILURE_THRESHOLD="1")
    try:
        failed = machine.aimux("run", "-q", "-c", "codex", "[[fault crash_mid_json]]", env=env)
        refused = machine.aimux("run", "-q", "-c", "codex", "hello", env=env)
        reset = machine.aimux("clis", "--reset", "codex", env=env)
        answered = machine.aimux("run", "-q", "-c", "codex", "hello", env=env)
        again = machine.aimux("clis", "--reset", "codex", "--json", env=env)
        unknown = machine.aimux("clis", "--reset", "codecs", env=env)
    finally:
        machine.aimux("daemon", "stop", env=env)

    assert failed.code == 1
    assert refused.code != 0
    assert "aimux clis --reset codex" in refused.err
    assert reset.code == 0, reset.err
    assert reset.out == "codex is asked again: its breaker was open, failures forgotten: 1\n"
    assert answered.code == 0, answered.err
    assert json.loads(again.out)["breaker_was"] == "closed"
    assert unknown.code == 2
    assert "did you mean codex?" in unknown.err
