"""Every program can be started as its text says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from emulators.install import install

from .. import needs
from ..surroundings import kept

TESTS = Path(__file__).resolve().parents[1]


def start(
    program: str, *words: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, from its own checkout."""
    return subprocess.run(
        [sys.executable, str(TESTS / program), *words],
        cwd=TESTS.parent,
        env=env,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "bench/run.py",
        "browser/run.py",
        "clients/run.py",
        "conformance/run.py",
        "faults/run.py",
        "faults/steady.py",
        "realclis/direct.py",
        "realclis/install.py",
        "realclis/run.py",
    ],
)
def test_a_program_says_how_it_is_used(program: str) -> None:
    """What it imports is where it looks for it."""
    ran = start(program, "--help")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: ")


def test_mutation_names_the_rooms_it_can_mutate() -> None:
    """A room that has a loop has no mutants here."""
    ran = start("mutation/run.py", "engine")

    assert (ran.returncode, ran.stdout) == (
        2,
        "engine: rooms are rules, protocol, dialects, think, investigate, guidance, model\n",
    )


def test_a_check_of_no_wheel_is_a_fault_of_use() -> None:
    """It wants a path."""
    ran = start("packaging/check_wheel.py")

    assert (ran.returncode, ran.stderr) == (2, "usage: check_wheel.py WHEEL\n")


@pytest.mark.slow
@needs.posix
def test_the_probe_of_spawns_runs_a_turn_in_each_way(tmp_path: Path) -> None:
    """Bare, by the driver and by the engine, whose values it makes itself."""
    program = install(tmp_path / "bin", ["codex"])["codex"]
    env = {
        **kept(),
        "PATH": os.pathsep.join([str(program.parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path),
        "AIMUX_STATE_DIR": str(tmp_path / "state"),
    }
    ran = start("bench/spawn_probe.py", "/bin/cat", "codex", "1", "0", "1", env=env)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(json.loads(ran.stdout)["alone"]) == ["bare", "driver", "engine"]
