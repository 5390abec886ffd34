"""Where what a command prints leaves: a terminal obeys what it is sent, a pipe does not."""

import ast
import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimux.console import _main, _output
from aimux.console._output import NobodyReads, as_text, note, say, say_json, say_marked, say_panel
from aimux.errors import SetupFault

# a title, a cleared screen, a clipboard, a link, a carriage return, a backspace, a C1 sequence and
# controls of direction
HOSTILE = "\x1b]0;owned\x07A\x1b[2JB\x1b]52;c;ZXZpbA==\x07C\rD\x08E\x9b31mF\u202eG\u2066H\u061cI"
HARMLESS = "ABC\\rD\\x08E\\x9b31mF\\u202eG\\u2066H\\u061cI"


class Terminal(io.StringIO):
    """A stream that a terminal shows."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def printing_to(stream: io.StringIO) -> Iterator[io.StringIO]:
    """Have both streams there while the body runs."""
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield stream


def test_a_terminal_gets_text_without_a_command_in_it() -> None:
    """On either stream."""
    with printing_to(Terminal()) as terminal:
        say(HOSTILE)
        note(HOSTILE)

    assert terminal.getvalue() == f"{HARMLESS}\n{HARMLESS}\n"


def test_a_terminal_behind_drawn_progress_is_one() -> None:
    """Rich puts something of its own there meanwhile; its older versions say that it is none."""

    class Proxy(io.StringIO):
        rich_proxied_file = Terminal()

    with printing_to(Proxy()) as proxied:
        note(HOSTILE)

    assert proxied.getvalue() == f"{HARMLESS}\n"


def test_a_pipe_gets_what_was_said() -> None:
    """But for what no text holds."""
    with printing_to(io.StringIO()) as pipe:
        say(HOSTILE)
        note("a\0b\ud800c\ud83d\ude00")

    assert pipe.getvalue() == f"{HOSTILE}\na\ufffdb\ufffdc\ufffd\ufffd\n"


def test_json_at_a_terminal_means_the_same() -> None:
    """It is spelled otherwise."""
    with printing_to(Terminal()) as terminal:
        say_json({"said": HOSTILE})
    said = terminal.getvalue()

    assert json.loads(said) == {"said": HOSTILE}
    assert all(each.isprintable() or each == "\n" for each in said)


def test_json_holds_names_that_are_no_text() -> None:
    """A directory may be called anything."""
    with printing_to(io.StringIO()) as pipe:
        say_json({"path": "caf\udce9"}, is_line=True)

    assert json.loads(pipe.getvalue()) == {"path": "caf\ufffd"}


def test_json_without_end_is_a_fault() -> None:
    """Not a traceback."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with (
        printing_to(io.StringIO()) as pipe,
        pytest.raises(SetupFault, match="nested too deeply"),
    ):
        say_json(deep)

    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("name", "value", "is_plain"),
    [("NO_COLOR", "1", True), ("NO_COLOR", "", False), ("TERM", "dumb", True)],
)
def test_colours_are_for_who_wants_them(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, is_plain: bool
) -> None:
    """The word stands there either way."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    with printing_to(Terminal()) as terminal:
        say_marked("bad ", "red", f" it {HOSTILE}")
    said = terminal.getvalue()

    assert said.endswith(f" it {HARMLESS}\n")
    assert said.startswith("bad ") == is_plain


def test_a_panel_has_no_links_of_its_own() -> None:
    """They could lead elsewhere than they say."""
    with printing_to(Terminal()) as terminal:
        say_panel(HOSTILE, f"{HOSTILE} [here](http://example.org)")
    said = terminal.getvalue()

    assert "\x1b]" not in said
    assert "http://example.org" in said
    assert "\r" not in said


class Broken(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        raise OSError(self.number, os.strerror(self.number))


def test_a_reader_that_left_is_told_from_a_full_disk() -> None:
    """The first is how pipes end."""
    with contextlib.redirect_stdout(Broken(errno.EPIPE)), pytest.raises(NobodyReads):
        say("a")
    with (
        contextlib.redirect_stdout(Broken(errno.ENOSPC)),
        pytest.raises(SetupFault, match="cannot be written: No space left"),
    ):
        say("a")


def test_a_stream_that_is_closed_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """`>&-` is no fault."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("a")
    note("b")

    assert not _output.is_terminal(None)
    assert _output.width() is None


def test_an_answer_may_hold_what_the_code_page_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and pipes get UTF-8; with the code page of a Windows system it would be a traceback."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    _output.prepare_streams()
    say("snow \u2603, half \udc80")

    raw = out.buffer
    assert isinstance(raw, io.BytesIO)
    assert raw.getvalue().decode("utf-8") == "snow \u2603, half \ufffd\n"


def test_values_are_as_a_person_reads_them() -> None:
    """Nothing for nothing."""
    values = [None, True, False, 1.50, ["a", 2], "x"]

    assert [as_text(each) for each in values] == ["", "yes", "no", "1.5", "a, 2", "x"]


FORBIDDEN = {"print", "echo", "secho", "style", "Console"}
STREAMS = {"stdout", "stderr"}


@pytest.mark.parametrize(
    "path",
    sorted(Path(_main.__file__).parent.glob("_*.py")),
    ids=lambda path: path.stem,
)
def test_nothing_leaves_elsewhere(path: Path) -> None:
    """Every module of the console prints through one."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            whose = getattr(node.value, "id", "")
            is_ours = whose == "sys" and node.attr in STREAMS
            found += [node.attr] if is_ours or (whose == "click" and node.attr in FORBIDDEN) else []
        elif isinstance(node, ast.Name):
            found += [node.id] if node.id in FORBIDDEN else []

    assert path.stem == "_output" or found == []
