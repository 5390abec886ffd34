"""`aimux` without a command: a client's server, or a person at a keyboard."""

import json
import os
import subprocess

import pytest
from click.testing import CliRunner

from aimux import __version__
from aimux.console._main import commands
from aimux.protocol import VERSIONS

from .. import needs
from ._terminal import at_terminal
from .conftest import LIMIT_S, Machine

pytestmark = [
    pytest.mark.slow,
    needs.terminals,
]

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


def test_at_a_terminal_it_says_what_could_be_typed(bare: Machine) -> None:
    """It is no server there, and leaves."""
    code, said = at_terminal(bare)

    assert code == 2
    assert "aimux serves MCP" in said
    for command in ("demo", "clis", "run", "setup CLIENT", "--help", "--stdio"):
        assert f"aimux {command}" in said
    assert not bare.root.joinpath("state").exists()


def test_in_a_pipe_it_serves(bare: Machine) -> None:
    """As every client starts it."""
    done = subprocess.run(
        bare.argv(), input=PING, capture_output=True, env=bare.env(), timeout=LIMIT_S, check=True
    )

    assert json.loads(done.stdout)["id"] == 1
    assert done.stderr == b""


@pytest.mark.parametrize("words", [["--stdio"], ["--in-process"], ["--stdio", "--in-process"]])
def test_at_a_terminal_it_serves_who_asks_for_it(bare: Machine, words: list[str]) -> None:
    """By a flag."""
    ours, its = os.openpty()
    with subprocess.Popen(
        bare.argv(*words), stdin=its, stdout=subprocess.PIPE, env=bare.env(), start_new_session=True
    ) as process:
        os.close(its)
        os.write(ours, PING)
        assert process.stdout is not None
        answer = process.stdout.readline()
        os.write(ours, b"\x04")  # the end, as it is typed
        code = process.wait(LIMIT_S)
    os.close(ours)

    assert json.loads(answer)["id"] == 1
    assert code == 0


def test_a_bridge_is_not_for_a_terminal_either(bare: Machine) -> None:
    """Unless it is asked for; then it tries."""
    code, said = at_terminal(bare, "connect", "ws://127.0.0.1:1/ws")
    asked, tried = at_terminal(bare, "connect", "--stdio", "ws://127.0.0.1:1/ws")

    assert code == asked == 2
    assert "this is a terminal" in said
    assert "does not answer: " in tried


def test_help_tells_both(bare: Machine) -> None:
    """With the exit codes."""
    said = bare.aimux("--help")

    assert said.code == 0
    for word in ("--stdio", "--in-process", "130 interrupted", "141"):
        assert word in said.out


def test_the_version_names_build_and_revisions() -> None:
    """What a report of a fault needs, and what a client can speak."""
    said = CliRunner().invoke(commands, ["--version"])

    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        f"aimux, version {__version__}",
        "build: not a release",
        f"MCP revisions: {', '.join(VERSIONS)}",
    ]
