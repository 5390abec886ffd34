"""`aimux demo`, and what the guide says it prints."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from click import Context, Group

from aimux.console._demo import run_demo
from aimux.console._main import commands
from aimux.errors import SetupFault

from ..playbook import GUIDE, commands_of
from .conftest import LIMIT_S, Machine

PAGE = "getting-started.md"


pytestmark = pytest.mark.slow


def steady(text: str) -> list[str]:
    """The lines without what differs from run to run: ids, times, paths, progress."""
    text = re.sub(r"/tmp/\S*?aimux-demo-\w+|\S*aimux-demo-\w+", "DIR", text)
    text = re.sub(r"\b(job|ses)_[0-9A-Z]{26}", r"\1_ID", text)
    lines = [re.sub(r"\d+ ms", "MS", re.sub(r"[─━╭╮]+", "─", line)) for line in text.splitlines()]
    squeezed = [re.sub(r" +", " ", line).strip() for line in lines]
    return [line for line in squeezed if not line.startswith("…")]


@pytest.mark.skipif(not GUIDE.is_dir(), reason="the checkout is not here")
def test_the_demo_prints_what_the_guide_says(bare: Machine) -> None:
    """With no CLI installed the emulated ones stand in."""
    aimux = bare.root / "bin" / "aimux"
    aimux.parent.mkdir(exist_ok=True)
    aimux.write_text("#!/bin/sh\n", encoding="utf-8")
    aimux.chmod(0o755)
    said = bare.aimux("demo", "--emulated")
    (shown,) = [each.shown for each in commands_of(PAGE) if each.line.startswith("aimux demo")]

    assert said.code == 0
    assert steady(said.out) == steady(shown)


def test_what_the_demo_kept_is_where_it_says(bare: Machine) -> None:
    """The line that it prints shows the job as it stands, also where PATH has no aimux; the other
    throws everything away.
    """
    said = bare.aimux("demo", "--emulated", env=bare.env(TMPDIR=str(bare.root)))
    told = dict(line.split(": ", 1) for line in said.out.splitlines() if ": " in line)
    kept = re.search(r"^kept in (.*)$", said.out, re.MULTILINE)
    again = subprocess.run(
        told["look at it"], shell=True, cwd=bare.project, env=bare.env(),
        capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=True,
    )  # fmt: skip
    *_, directory = told["throw it away"].split()

    assert kept is not None
    assert Path(kept.group(1)).is_file()
    assert "orders.py:5" in again.stdout
    assert [each.name for each in bare.root.glob("aimux-demo-*")] == [Path(directory).name]


def test_the_demo_works_where_nothing_can_be_kept(bare: Machine) -> None:
    """It says why, what to do about it, and who stands in."""
    env = bare.env()
    del env["AIMUX_STATE_DIR"], env["AIMUX_CONFIG_DIR"]
    said = bare.aimux("demo", env={**env, "HOME": "/dev/null/home"})

    assert said.code == 0
    assert "For now the emulated CLIs stand in." in said.out
    assert "/dev/null/home" in said.out.splitlines()[0]
    assert "AIMUX_STATE_DIR" in said.out.splitlines()[0]
    assert "codex · completed" in said.out


async def test_the_demo_without_a_temporary_directory_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It needs a project that can be thrown away."""
    monkeypatch.setattr(tempfile, "tempdir", os.devnull)
    with pytest.raises(SetupFault) as refused:
        await run_demo(emulated=True)

    assert refused.value.hint == "name a writable directory in TMPDIR"


def test_the_demo_without_a_cli_says_who_stands_in(bare: Machine) -> None:
    """And leaves nothing in the user's own state."""
    said = bare.aimux("demo")

    assert said.code == 0
    assert "the emulated ones stand in" in said.out
    assert "completed" in said.out


@pytest.mark.parametrize("name", commands.list_commands(Context(commands)))
def test_each_command_says_what_it_does(name: str) -> None:
    """And so does each command of a group."""
    found = commands.get_command(Context(commands), name)
    every = list(found.commands.values()) if isinstance(found, Group) else [found]

    for command in every:
        assert command is not None
        assert command.help
        assert command.get_short_help_str()


def test_an_unknown_command_is_a_usage_error(bare: Machine) -> None:
    """Exit code 2."""
    assert bare.aimux("rnu").code == 2
