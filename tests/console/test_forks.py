"""What forks for commands is no different from an interpreter that was started for each."""

import subprocess
import sys

import pytest

from .. import needs
from ..forks import PIPE_BYTES, can_fork, forks
from ..surroundings import kept
from .conftest import LIMIT_S, Machine, Said

NOT_UTF8 = "caf\udce9"


@pytest.mark.slow
@needs.posix
@pytest.mark.skipif("COVERAGE_PROCESS_CONFIG" in kept(), reason="starts are followed, forks not")
@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["config", "path", "--json"], ""),  # directory and environment
        (["run", "-q", "-c", "codex", "--dry-run", "-"], "ünï"),
        (["show", NOT_UTF8], ""),  # a fault, with an exit code of its own
    ],
)
def test_a_fork_says_what_a_start_says(machine: Machine, words: list[str], stdin: str) -> None:
    """On both streams, and in its exit code."""
    started = subprocess.run(
        [sys.executable, "-m", "aimux", *words], input=stdin, capture_output=True,
        encoding="utf-8", cwd=machine.project, env=machine.env(), timeout=LIMIT_S, check=False,
    )  # fmt: skip
    forked = forks().run(
        words, stdin=stdin, cwd=machine.project, env=machine.env(), limit_s=LIMIT_S
    )

    assert Said(*forked) == Said(started.returncode, started.stdout, started.stderr)
    assert forked[1] + forked[2]


@pytest.mark.parametrize("name", ["PYTHONPATH", "COVERAGE_PROCESS_CONFIG", "LC_ALL", "LANG"])
def test_what_counts_at_a_start_is_started(name: str) -> None:
    """A fork is past that; and nobody would read what does not fit into its pipe."""
    assert not can_fork({"HOME": "/h", name: "x"})
    assert not can_fork({"HOME": "/h"}, "x" * (PIPE_BYTES + 1))
