"""Commands and servers of an installation that has lost its data, or a module."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aimux

from .conftest import LIMIT_S, Machine, Said

pytestmark = pytest.mark.slow

COMMANDS = (
    "clis", "doctor", "config show", "run hello", "sessions", "gc", "show job_1", "demo",
    "profile test codex",
)  # fmt: skip
INFO = {"name": "t", "version": "1"}
OPENING = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}
MESSAGES: tuple[dict[str, object], ...] = (
    {"id": 1, "method": "initialize", "params": OPENING},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list"},
    {"id": 3, "method": "tools/call", "params": {"name": "exec", "arguments": {"prompt": "x"}}},
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a copy of the package is, without data."""
    place = tmp_path_factory.mktemp("site")
    odd = shutil.ignore_patterns("__pycache__", "_data")
    shutil.copytree(Path(aimux.__file__).parent, place / "aimux", ignore=odd)
    return place


def argv(*words: str) -> list[str]:
    """The command line of `aimux WORDS`, from wherever PYTHONPATH leads."""
    return [sys.executable, "-P", "-m", "aimux", *words]


def said_by(machine: Machine, copy: Path, *words: str) -> Said:
    """What the copy's `aimux WORDS` says."""
    done = subprocess.run(
        argv(*words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=machine.project,
        env=machine.env(PYTHONPATH=str(copy)),
        timeout=LIMIT_S,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_without_shipped_data_names_the_remedy(
    bare: Machine, copy: Path, words: str
) -> None:
    """No traceback, no talk of a fault of ours."""
    said = said_by(bare, copy, *words.split())

    told = said.out if words == "doctor" else said.err  # one that looks at everything goes on

    assert said.code == (1 if words == "doctor" else 2)
    assert f"_data/{'emulators' if words == 'demo' else 'profiles'} is not there" in told
    assert "install aimux-mcp again" in told
    assert "Traceback" not in said.err
    assert "report it" not in said.err


def test_a_server_without_shipped_data_answers_each_call_with_the_remedy(
    bare: Machine, copy: Path
) -> None:
    """It starts, lists its tools, and goes on to the end of its input."""
    answers: dict[object, dict[str, Any]] = {}
    with subprocess.Popen(
        argv("--in-process"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=bare.project,
        env=bare.env(PYTHONPATH=str(copy)),
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for each in MESSAGES:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **each}) + "\n")
        server.stdin.flush()
        while 3 not in answers:
            answer = json.loads(server.stdout.readline())
            answers[answer.get("id")] = answer
        server.stdin.close()
        code = server.wait(LIMIT_S)

    assert code == 0
    assert answers[2]["result"]["tools"]
    error = answers[3]["result"]["structuredContent"]["error"]
    assert error["code"] == "installation_broken"
    assert "install aimux-mcp again" in error["hint"]


@pytest.mark.parametrize("gone", ["console/_jobs.py", "console/__init__.py"])
def test_a_module_that_is_gone_is_told_as_that(
    bare: Machine, copy: Path, tmp_path: Path, gone: str
) -> None:
    """Whichever it is that an upgrade has not brought."""
    half = tmp_path / "half"
    shutil.copytree(copy, half)
    (half / "aimux" / gone).unlink()
    said = said_by(bare, half, "ps")

    assert said.code == 2
    assert said.err.startswith("aimux: the module ")
    assert "install aimux-mcp again" in said.err
    assert "Traceback" not in said.err
