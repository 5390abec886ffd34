"""How commands end when the world around them does: without a traceback, with a code that tells."""

import os
import subprocess
from pathlib import Path

import pytest

from aimux.console import _main
from aimux.console._client import encoded
from aimux.console._connect import socket_url
from aimux.errors import PeerFault, SetupFault, first_leaf

from .. import needs
from ..extent import some
from .conftest import LIMIT_S, Machine

pytestmark = pytest.mark.slow

COMMANDS = (
    "run -q -c codex hello",
    "demo --emulated",
    "doctor",
    "config show",
    "clis",
    "setup gemini",
    "--help",
    "ps --json",
    "run -c codex --dry-run hello",
)


def ended(
    machine: Machine, words: str, *, out: int | None = None, err: int | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """One command with streams of the test's choice; none of it is a traceback."""
    done = subprocess.run(
        machine.argv(*words.split()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if out is None else out,
        stderr=subprocess.PIPE if err is None else err,
        encoding="utf-8",
        cwd=machine.project,
        env=machine.env(**env),
        timeout=LIMIT_S,
        check=False,
    )
    for said in (done.stdout, done.stderr):
        assert "Traceback" not in (said or "")
        assert "Exception" not in (said or "")
    return done


@needs.posix
@pytest.mark.parametrize("words", some(COMMANDS, each=3))
def test_a_reader_that_left_ends_a_command_as_the_shell_expects(
    machine: Machine, tmp_path: Path, words: str
) -> None:
    """`| head -1` and `| true`: 128 + SIGPIPE, and not a word."""
    read, write = os.pipe()
    os.close(read)
    done = ended(machine, words, out=write, TMPDIR=str(tmp_path))
    os.close(write)

    assert done.returncode == 141
    assert done.stderr in ("", "… codex started (read only)\n")
    assert list(tmp_path.iterdir()) == []  # a demo keeps nothing that nobody was told of


@needs.posix
@pytest.mark.parametrize("words", some(COMMANDS[::3], each=2))
def test_a_full_disk_is_one_line(machine: Machine, words: str) -> None:
    """And exit code 2."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = ended(machine, words, out=full.fileno())
    *_, last = done.stderr.splitlines()

    assert done.returncode == 2
    assert last.startswith("aimux: ")
    assert last.endswith("No space left on device")


@needs.posix
def test_an_answer_counts_where_nothing_can_be_said_about_it(machine: Machine) -> None:
    """`2> /dev/full`, `2>&-`."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = ended(machine, "run -c codex hello", err=full.fileno())

    assert done.returncode == 0
    assert "hello" in done.stdout


@needs.posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(machine: Machine, closed: str) -> None:
    """Nothing is written where there is nothing."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *machine.argv("ps", "-a")],
        capture_output=True,
        cwd=machine.project,
        env=machine.env(),
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr


@needs.posix
def test_a_prompt_from_a_closed_stdin_is_empty(machine: Machine) -> None:
    """A usage error."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *machine.argv("run", "-")],
        capture_output=True,
        encoding="utf-8",
        cwd=machine.project,
        env=machine.env(),
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 2
    assert "the prompt is empty" in done.stderr


NOT_UTF8 = "caf\udce9"
NAMED = (
    (["run", "-c", "codex", "-C", NOT_UTF8, "hello"], "cwd is not UTF-8"),
    (["run", "-c", "codex", NOT_UTF8], "prompt is not UTF-8"),
    (["run", "-c", NOT_UTF8, "hello"], "cli is not UTF-8"),
    (["setup", "gemini", "--file", f"{NOT_UTF8}/x/y"], ""),
    (["run", "-s", NOT_UTF8, "hello"], "session_id is not UTF-8"),
    (["show", NOT_UTF8], "job_id is not UTF-8"),
    (["logs", "--raw", NOT_UTF8], "uri is not UTF-8"),
    (["kill", NOT_UTF8], "session_id is not UTF-8"),
    (["config", "show", NOT_UTF8], "no key"),
    ([NOT_UTF8], "No such command"),
    (["profile", "test", NOT_UTF8], "no profile"),
)


@needs.posix
@pytest.mark.parametrize(("words", "said"), some(NAMED, each=3))
def test_what_is_not_utf8_is_named(machine: Machine, words: list[str], said: str) -> None:
    """A file system and a command line hold any bytes, MCP does not."""
    (machine.project / NOT_UTF8).mkdir(exist_ok=True)
    done = machine.aimux(*words)

    assert done.code == (2 if said else 0)
    assert said in done.err
    assert "internal" not in done.err


@needs.posix
def test_a_directory_that_is_not_utf8_can_be_worked_in(machine: Machine) -> None:
    """It is not an argument then."""
    place = machine.project / NOT_UTF8
    place.mkdir(exist_ok=True)
    for words in (
        ["run", "-q", "-c", "codex", "hello"],
        ["sessions"],
        ["config", "path", "--json"],
    ):
        done = subprocess.run(
            machine.argv(*words), capture_output=True, cwd=place, env=machine.env(), check=False
        )

        assert done.returncode == 0, done.stderr
        done.stdout.decode("utf-8")


@needs.posix
@pytest.mark.parametrize(
    "words",
    some([["config", "check"], ["config", "path"], ["doctor"], ["setup", "gemini"]], each=2),
)
def test_a_directory_that_is_gone_can_be_stood_in(machine: Machine, words: list[str]) -> None:
    """Nothing is read from it."""
    place = machine.root / "gone"
    place.mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *machine.argv(*words)],
        capture_output=True,
        encoding="utf-8",
        cwd=place,
        env=machine.env(),
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr


BEYOND = (
    ["gc", "--older-than", "1e12"],
    ["gc", "--older-than", "1e400"],
    ["run", "--timeout", "nan", "hello"],
    ["gc", "--older-than", "nan"],
    ["run", "-C", "a" * 5000, "hello"],
    ["run", "--schema", "a" * 5000, "hello"],
    ["ps", "-n", "9" * 5000],
)


@pytest.mark.parametrize("words", some(BEYOND, each=2))
def test_numbers_and_paths_beyond_reason_are_usage_errors(
    machine: Machine, words: list[str]
) -> None:
    """And what is quoted is not longer than a screen."""
    done = machine.aimux(*words)

    assert done.code == 2
    assert "internal" not in done.err
    assert len(done.err) < 3000


@pytest.mark.parametrize("depth", some([40, 500], each=2))
def test_a_schema_too_deep_is_a_usage_error(machine: Machine, tmp_path: Path, depth: int) -> None:
    """Nothing is started for it."""
    schema = tmp_path / "schema.json"
    text = '{"properties":{"a":' * depth + "{}" + "}}" * depth
    schema.write_text(text, encoding="utf-8")
    done = machine.aimux("run", "-c", "codex", "--schema", str(schema), "hello")

    assert done.code == 2
    assert "nested too deeply" in done.err


def test_a_message_is_a_line_or_a_fault() -> None:
    """Deep ones are sent, the server judges them."""
    deep: object = 1
    for _ in range(400):
        deep = {"a": deep}
    endless: object = 1
    for _ in range(100_000):
        endless = [endless]

    assert encoded({"params": {"arguments": {"schema": deep}}}).endswith(b"}\n")
    with pytest.raises(PeerFault, match="nested too deeply"):
        encoded({"params": {"arguments": {"schema": endless}}})


@pytest.mark.parametrize("url", ["http://\udcff/", "http://a..b/", "http://[::1", "x", "ws://:1"])
def test_a_url_that_is_none_is_a_fault(url: str) -> None:
    """Before anything is opened."""
    with pytest.raises(SetupFault, match="is not a URL"):
        socket_url(url)


@pytest.mark.parametrize("url", ["http://[::1]:80/mcp", "ws://b\u00fccher.example/ws"])
def test_a_url_of_any_host_is_one(url: str) -> None:
    """By address or by name."""
    assert socket_url(url).startswith("ws://")


def told(error: BaseException) -> int:
    """What becomes of it at the edge of the process."""
    return _main._explained(first_leaf(error) if isinstance(error, BaseExceptionGroup) else error)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130, "interrupted"),
        (ExceptionGroup("", [ExceptionGroup("", [SetupFault("it is so")])]), 2, "aimux: it is so"),
        (PermissionError(13, "Permission denied", "/a"), 2, "aimux: /a: Permission denied"),
        (TypeError("of ours"), 2, "aimux: internal fault: TypeError: of ours"),
    ],
)
def test_each_way_to_end_has_a_code_and_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    """A fault of ours is shown in full only to who asks for it."""
    monkeypatch.setattr(_main, "abandon_output", lambda: None)
    monkeypatch.delenv("AIMUX_LOG_LEVEL", raising=False)

    assert told(error) == code
    assert capsys.readouterr().err.splitlines()[0] == said

    monkeypatch.setenv("AIMUX_LOG_LEVEL", "debug")
    told(error)

    assert ("Error: " in capsys.readouterr().err.split("\n", 1)[1]) == isinstance(
        error, TypeError | OSError
    )
