"""A child on a pseudo-terminal."""

import json
import time
from pathlib import Path
from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import MARK, ProcessSpec, choose_driver, run_piped
from aimux.errors import BinaryMissing, PeerFault
from aimux.model import Stream
from aimux.testing import MakeSpec, Output, children_of

from .. import needs
from .conftest import OF_THE_SYSTEM

pytestmark = [needs.posix, needs.terminals]

run_in_terminal = choose_driver(is_terminal=True)


def test_terminals_only_when_asked_for() -> None:
    """Pipes are the rule, whatever the system."""
    assert choose_driver(is_terminal=False) is run_piped
    assert run_in_terminal is not run_piped


async def test_child_has_a_terminal_of_its_own(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output, tmp_path: Path
) -> None:
    """All three streams are a terminal, the session is the child's own, the spec is kept."""
    await run_in_terminal(make_spec("facts", "a b", env={"TERM": "dumb"}), output)

    seen = json.loads(output.text())
    assert seen["tty"] == [True, True, True]
    assert seen["sid"] == seen["pid"]
    assert seen["argv"] == ["a b"]
    assert seen["cwd"] == str(tmp_path)
    assert set(seen["env"]) - OF_THE_SYSTEM == {"PATH", "PYTHONUTF8", "TERM", MARK}
    assert [fd for fd in seen["fds"] if fd > 3] == []


async def test_terminal_is_raw_silent_and_wide(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """No echo, no line editing, no carriage returns, and the size of the spec."""
    spec = make_spec("cat")
    script = "stty size; stty -a; echo err >&2"
    await run_in_terminal(
        ProcessSpec(argv=["sh", "-c", script], cwd=spec.cwd, env=spec.env), output
    )

    text = output.text().decode()
    assert text.startswith("50 4096\n")
    assert {"-echo", "-icanon", "-isig", "-opost"} <= set(text.replace(";", " ").split())
    assert text.endswith("err\n")
    assert output.text(Stream.STDERR) == b""
    assert "\r" not in text


async def test_long_lines_are_not_cut(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A terminal in line mode cuts at 4,096 bytes; control characters would act on it."""
    sent = b"\x03\x04\x1a" + b"y" * 200_000 + b"\r\n\x7f"

    await run_in_terminal(make_spec("parrot", len(sent), stdin=sent), output)

    assert output.text() == sent


async def test_spawned_children_have_default_signals(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """Python ignores SIGPIPE; a child that inherits that would never die of a closed pipe."""
    spec = make_spec("cat")
    for name in ("PIPE", "XFSZ"):
        argv = ["sh", "-c", f"kill -{name} $$; echo it is ignored"]
        for driver in (run_in_terminal, run_piped):
            exit_ = await driver(ProcessSpec(argv=argv, cwd=spec.cwd, env=spec.env), output)

            assert exit_.signal == f"SIG{name}"
    assert output.text() == b""


@pytest.mark.parametrize(
    ("argv", "env", "cwd", "fault", "says"),
    [
        (["no-such-cli"], {"PATH": "/bin"}, "/", BinaryMissing, "not found; searched here"),
        (["./no-such"], {}, "/", BinaryMissing, "not found"),
        (["/etc/passwd"], {}, "/", BinaryMissing, "is not executable"),
        (["/etc"], {}, "/", BinaryMissing, "is a directory"),
        (["/bin/cat"], {}, "/no/dir", PeerFault, "does not exist"),
        (["/bin/cat"], {}, "/etc/passwd", PeerFault, "is not a directory"),
        (["/bin/cat"], {}, f"/{'a' * 5000}", PeerFault, "does not exist"),
        ([f"/{'a' * 5000}"], {}, "/", BinaryMissing, "not found"),
        (["/bin/cat", "a\0b"], {}, "/", PeerFault, "null byte"),
        (["/bin/cat"], {"a=b": "c"}, "/", PeerFault, "illegal environment variable"),
        (["/bin/cat", "x" * 2_000_000], {}, "/", PeerFault, "too long"),
    ],
)
async def test_start_faults_are_those_of_pipes(
    mock_clock: MockClock,
    output: Output,
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    fault: type[Exception],
    says: str,
) -> None:
    """Whatever is wrong is found before the fork, or told by exec; no copy of us runs on."""
    spec = ProcessSpec(argv=argv, cwd=cwd, env=env, places=["here"])

    for driver in (run_in_terminal, run_piped):
        with pytest.raises(fault, match=says):
            await driver(spec, output)

    assert children_of() == set()


async def test_missing_interpreter_is_told(
    mock_clock: MockClock, output: Output, tmp_path: Path
) -> None:
    """Only exec can know this; its answer comes back through the fork."""
    tool = tmp_path / "my tool"
    tool.write_text("#!/no/interpreter\n", encoding="ascii")
    tool.chmod(0o755)

    with pytest.raises(BinaryMissing, match="its interpreter"):
        await run_in_terminal(ProcessSpec(argv=[str(tool)], cwd="/", env={}), output)

    assert children_of() == set()


async def test_blanks_in_a_lonely_command_do_not_split_it(
    mock_clock: MockClock, output: Output, tmp_path: Path
) -> None:
    """pexpect splits a command without arguments like a shell would."""
    tool = tmp_path / "my 'odd\" \\tool"
    tool.write_text("#!/bin/sh\necho here\n", encoding="ascii")
    tool.chmod(0o755)

    await run_in_terminal(ProcessSpec(argv=[str(tool)], cwd="/", env={}), output)

    assert output.text() == b"here\n"


async def test_pexpects_own_waits_are_never_used(
    mock_clock: MockClock,
    make_spec: MakeSpec,
    output: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sleep or a blocking wait of pexpect would stop the loop for everybody."""

    def forbidden(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the loop would have stood still")

    monkeypatch.setattr(time, "sleep", forbidden)
    for name in ("isalive", "wait", "terminate", "close", "read", "flush"):
        monkeypatch.setattr(f"ptyprocess.PtyProcess.{name}", forbidden)

    with trio.fail_after(100):
        exit_ = await run_in_terminal(make_spec("parrot", 3, stdin=b"abc"), output)

    assert exit_.exit_code == 0
    assert output.text() == b"abc"


async def test_usage_of_a_terminal_child_is_told(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """As for pipes."""
    exit_ = await run_in_terminal(make_spec("burn"), output)

    assert exit_.max_rss_bytes > 115_000_000
