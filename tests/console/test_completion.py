"""Completion in a real shell, with the ids of a running daemon."""

import shlex
import shutil
import subprocess
import sys

import pytest

from aimux.console._completion import SCRIPTS

from .. import needs
from .conftest import LIMIT_S, Machine

HEAVY = {"trio", "click", "attrs", "aimux.console", "aimux.protocol", "asyncio"}


def in_bash(machine: Machine, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    words = line.split(" ")
    told = " ".join(map(shlex.quote, words))
    command = " ".join(map(shlex.quote, machine.argv()))
    script = (
        f'aimux() {{ {command} "$@"; }}\n{SCRIPTS["bash"]}\n'
        f"COMP_WORDS=({told}); COMP_CWORD={len(words) - 1}\n"
        '_aimux; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=machine.env(), cwd=machine.project, capture_output=True, encoding="utf-8",
        timeout=LIMIT_S, check=True,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.slow
@needs.posix
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_live_names(served: Machine) -> None:
    """Of the daemon that runs: jobs, sessions, CLIs."""
    job = served.aimux("run", "--async", "-c", "claude", "hello").out.strip()

    assert in_bash(served, "aimux sho") == ["show"]
    assert "--after" in in_bash(served, "aimux attach --")
    assert in_bash(served, "aimux show job_") == [job]
    assert "claude" in in_bash(served, "aimux run -c c")


@needs.posix
def test_what_a_shell_waits_for_imports_nothing_heavy(served: Machine) -> None:
    """A press of a key is not the time to load a server."""
    served.aimux("_complete", "=", "daemon")  # makes the file
    code = (
        "import sys; sys.argv = ['aimux', '_complete', '=', 'show']\n"
        "import atexit; atexit.register(lambda: print('|', *sys.modules))\n"
        "from aimux.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=served.env(), capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.partition("|")[2].split())

    assert "aimux.shim.names" in loaded
    assert not HEAVY & loaded


def test_every_shell_has_a_script_that_asks_the_same_question() -> None:
    """The word that is typed, then those before it."""
    assert list(SCRIPTS) == ["bash", "zsh", "fish", "powershell"]
    assert all('aimux _complete "=$' in text for text in SCRIPTS.values())
