"""The one place where what a command prints leaves.

Answers go to stdout; everything about them (progress, notes, faults) goes to stderr, so that a pipe
carries what was asked for and nothing else. A terminal obeys what it reads, and much of what is
printed was said by a CLI or by whoever wrote what the CLI read: there, sequences are taken out and
control characters are spelled out. A pipe gets the text as it is, except for what is not text: NUL,
and halves of characters that no encoding has.
"""

import contextlib
import errno
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TextIO

import click
import orjson

from aimux.errors import SetupFault
from aimux.rules import harmless, harmless_json

from ._table import Column, lay_out

NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
REPLACED: Final = "\ufffd"
# Windows has no error of its own for a pipe without a reader
_GONE: Final = {errno.EPIPE, errno.ESHUTDOWN, *([errno.EINVAL] if sys.platform == "win32" else [])}


Rows = Sequence[Sequence[str]]


class NobodyReads(Exception):
    """Whoever read our output has left: `aimux ps | head -1`."""


def is_gone(error: OSError) -> bool:
    """Whether a write failed because nobody reads."""
    return error.errno in _GONE


def prepare_streams() -> None:
    """Have any character printed. A code page lacks most (Windows, for files and pipes)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


def abandon_output() -> None:
    """Send what stdout still holds to nowhere.

    It could not be written, and the end of the process would try again.
    """
    _abandon(sys.stdout, 1)


def _abandon(stream: TextIO | None, descriptor: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is shown by a terminal."""
    # while progress is drawn rich stands in for the stream, and some versions of it are no terminal
    stream = getattr(stream, "rich_proxied_file", stream)
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def is_coloured(stream: TextIO | None) -> bool:
    """Whether colours are welcome there (no-color.org)."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal(stream) and not is_plain


def width() -> int | None:
    """The columns of the terminal that shows stdout; None where it is none."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def shown(text: str, stream: TextIO | None) -> str:
    """A text as a stream may have it."""
    return harmless(text) if is_terminal(stream) else NO_TEXT.sub(REPLACED, text)


# ------------------------------------------------------------------------------------ what is said


def say(text: str = "", *, nl: bool = True) -> None:
    """A text on stdout, which is what was asked for.

    Raises:
        NobodyReads: the pipe has no reader any more.
        SetupFault: it cannot be written.
    """
    _write_out(shown(text, sys.stdout) + ("\n" if nl else ""))


def note(text: str) -> None:
    """A text about the answer, on stderr. Where that cannot be written nothing is lost."""
    _write_err(shown(text, sys.stderr) + "\n")


def say_json(value: object, *, is_line: bool = False) -> None:
    """A value on stdout as JSON: indented, or as one line."""
    text = _json(value, is_line=is_line)
    _write_out((harmless_json(text) if is_terminal(sys.stdout) else text) + "\n")


def say_marked(mark: str, colour: str, text: str) -> None:
    """A line on stdout that begins with a word of ours, in a colour where that is welcome."""
    head = click.style(mark, fg=colour) if is_coloured(sys.stdout) else mark
    _write_out(f"{head}{shown(text, sys.stdout)}\n")


def table(columns: Sequence[Column | str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under headings on stdout, fitted to the terminal where there is one; see `lay_out`."""
    whole = [each if isinstance(each, Column) else Column(each) for each in columns]
    cells = [[one_line(shown(as_text(each), sys.stdout)) for each in row] for row in rows]
    for line in lay_out(whole, cells, width()):
        _write_out(line + "\n")


def say_panel(title: str, markdown: str) -> None:
    """A text in Markdown on stdout, in a box."""
    _draw(markdown, title)


def say_markdown(markdown: str) -> None:
    """A text in Markdown on stdout: drawn at a terminal, as it stands in a pipe."""
    if is_terminal(sys.stdout):
        _draw(markdown)
    else:
        say(markdown, nl=bool(markdown) and not markdown.endswith("\n"))


def _draw(markdown: str, title: str | None = None) -> None:
    from rich.console import Console  # few commands draw
    from rich.markdown import Markdown
    from rich.panel import Panel
    from rich.text import Text

    drawn = io.StringIO()
    is_colour = is_coloured(sys.stdout)
    console = Console(
        file=drawn, width=width() or 80, force_terminal=is_colour, no_color=not is_colour
    )
    # a link of its own could lead elsewhere than it says
    body = Markdown(shown(markdown, sys.stdout), hyperlinks=False)
    if title is None:
        console.print(body)
    else:
        console.print(Panel(body, title=Text(one_line(shown(title, sys.stdout)))))
    _write_out(drawn.getvalue())


def is_drawn() -> bool:
    """Whether progress is a picture that changes."""
    return is_terminal(sys.stderr)


@contextlib.contextmanager
def open_seats(*, is_quiet: bool) -> Iterator[Callable[[Rows, Sequence[str]], None]]:
    """Where the seats of a job are shown: rows that change in a terminal, else its new lines.

    What is yielded takes the rows (seat, CLI, status, seconds, newest line) and the new lines.
    """
    if is_quiet:
        yield lambda _rows, _lines: None
    elif is_terminal(sys.stderr):
        from rich.console import Console  # of no use in a pipe
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        newest = ["asking"]

        def drawn(rows: Rows) -> Table:
            grid = Table.grid(padding=(0, 2, 0, 0), expand=False)
            for row in rows or [newest]:
                cells = [one_line(shown(each, sys.stderr)) for each in row]
                grid.add_row(*(Text(each, no_wrap=True, overflow="ellipsis") for each in cells))
            return grid

        console = Console(stderr=True)
        with Live(drawn([]), console=console, transient=True, auto_refresh=False) as live:

            def show(rows: Rows, lines: Sequence[str]) -> None:
                newest[:] = lines[-1:] or newest
                live.update(drawn(rows), refresh=True)

            yield show
    else:

        def told(_rows: Rows, lines: Sequence[str]) -> None:
            for line in lines:
                note(f"… {one_line(line)}")

        yield told


@contextlib.contextmanager
def open_drawing() -> Iterator[Callable[[Sequence[str]], None]]:
    """Where lines are drawn over those before them, on a terminal's stderr; gone at the end."""
    from rich.console import Console  # of no use in a pipe
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def draw(lines: Sequence[str]) -> None:
            clean = "\n".join(one_line(shown(line, sys.stderr)) for line in lines)
            live.update(Text(clean, no_wrap=True, overflow="ellipsis"), refresh=True)

        yield draw


@contextlib.contextmanager
def open_progress(*, is_quiet: bool) -> Iterator[Callable[[str], None]]:
    """Where progress lines go: one line that changes in a terminal, else one after the other."""
    if is_quiet:
        yield lambda _: None
    elif is_terminal(sys.stderr):
        from rich.console import Console  # of no use in a pipe
        from rich.text import Text

        def drawn(line: str) -> Text:
            clean = one_line(shown(line, sys.stderr))
            return Text(clean, style="dim", no_wrap=True, overflow="ellipsis")

        with Console(stderr=True).status("asking", spinner="dots") as status:
            yield lambda line: status.update(drawn(line))
    else:
        yield lambda line: note(f"… {line}")


# ------------------------------------------------------------------------------------------- texts


def one_line(text: str) -> str:
    """A text with every break and tab made a blank: a cell, a title."""
    return re.sub(r"[\n\r\t\v\f]+", " ", text)


def as_text(value: object) -> str:
    """A value as a person reads it; nothing for what is not there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(as_text(each) for each in value)
        case _:
            return str(value)


def _json(value: object, *, is_line: bool) -> str:
    indented = 0 if is_line else orjson.OPT_INDENT_2
    try:
        return orjson.dumps(value, option=indented | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a name of the disk that is not UTF-8, or deeper than it goes
        with contextlib.suppress(RecursionError):
            text = json.dumps(value, ensure_ascii=False, indent=None if is_line else 2, default=str)
            return NO_TEXT.sub(REPLACED, text)
    raise SetupFault("the answer is nested too deeply to be printed", code="output_too_deep")


def _write_out(text: str) -> None:
    try:
        _write(sys.stdout, text)
    except OSError as error:
        if is_gone(error):
            raise NobodyReads from error
        raise SetupFault(
            f"the output cannot be written: {error.strerror}", code="output_unwritable"
        ) from error


def _write_err(text: str) -> None:
    try:
        _write(sys.stderr, text)
    except OSError:
        _abandon(sys.stderr, 2)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # it was closed when we were started
        stream.write(text)
        stream.flush()
