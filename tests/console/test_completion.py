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
    return said(machine, "bash", "--norc", "-c", script)


def in_zsh(machine: Machine, line: str) -> list[str]:
    """What the function adds in zsh; its own widgets would need a terminal."""
    words = line.split(" ")
    told = " ".join(map(shlex.quote, words))
    script = (
        "compdef() { : }; compadd() { print -l -- ${(P)@[-1]} }; _files() { print a-file }\n"
        f"{SCRIPTS['zsh']}\nwords=({told}); CURRENT={len(words)}\n_aimux"
    )
    return said(machine, "zsh", "-f", "-c", script)


def in_fish(machine: Machine, line: str) -> list[str]:
    """What fish offers at the end of a line."""
    asked = f"complete -C {shlex.quote(line)}"
    return said(machine, "fish", "--no-config", "-c", f"{SCRIPTS['fish']}\n{asked}")


def in_powershell(machine: Machine, line: str) -> list[str]:
    """What PowerShell offers at the end of a line."""
    asked = f"TabExpansion2 -inputScript '{line}' -cursorColumn {len(line)}"
    script = f"{SCRIPTS['powershell']}\n({asked}).CompletionMatches.CompletionText"
    return said(machine, "pwsh", "-NoProfile", "-NonInteractive", "-Command", script)


def said(machine: Machine, *words: str) -> list[str]:
    """What a shell prints where `aimux` is on its PATH."""
    aimux = machine.root / "bin" / "aimux"
    aimux.write_text(f'#!/bin/sh\nexec {shlex.join(machine.argv())} "$@"\n', encoding="utf-8")
    aimux.chmod(0o755)
    done = subprocess.run(
        words, env=machine.env(), cwd=machine.project, capture_output=True, encoding="utf-8",
        timeout=LIMIT_S, check=True,
    )  # fmt: skip
    return done.stdout.split()


SHELLS = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish, "pwsh": in_powershell}


@pytest.mark.slow
@needs.posix
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_live_names(served: Machine, shell: str) -> None:
    """Of the daemon that runs: jobs, sessions, CLIs. Only shells that are installed are asked."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    job = served.aimux("run", "--async", "-c", "claude", "hello").out.strip()
    offered = SHELLS[shell]

    assert offered(served, "aimux sho") == ["show"]
    assert "--after" in offered(served, "aimux attach --")
    assert job in offered(served, "aimux show job_")
    assert "claude" in offered(served, "aimux run -c c")


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
