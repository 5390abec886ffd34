"""Terminal output -> the text a person would have read. Works on whole lines.

Lines are the unit because no sequence spans one here: a control string (OSC, DCS, APC, PM, SOS)
that is not ended on its line is broken, and then only its introducer goes, never the text behind
it.
"""

import re
from typing import Final

# The families of ECMA-48, 7-bit and C1 forms. A pattern that begins with one set of characters is
# searched quickly. Strings stop at any other control: a broken one cannot swallow the next, and the
# scan stays linear.
_CSI: Final = r"[0-?]*[ -/]*(?:[@-~]|$)"  # also one that the end of the line cut
_STRING: Final = r"[^\n\x07\x18\x1a\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"  # to BEL or ST
_SEQUENCE: Final = (
    r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # any control but backspace, tab and line ends
    r"(?:(?<=\x1b)(?:"
    rf"\[{_CSI}"
    rf"|[\]PX^_]{_STRING}"  # OSC DCS SOS PM APC
    r"|[ -/]+[0-~]"  # charset selection, DECALN and kin
    r"|[0-~])"  # single-character escapes, introducers of broken strings
    rf"|(?<=\x9b){_CSI}|(?<=[\x90\x98\x9d-\x9f]){_STRING})?"
)
_REMOVED: Final = re.compile(_SEQUENCE, re.MULTILINE)
_MOVES: Final = re.compile(r"[\x1b\x9b](?:(?<=\x9b)|\[)\d*[CDGKX]")
_STRINGS: Final = re.compile(r"\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]")
_TOKEN: Final = re.compile(
    rf"(?P<move>(?:\x1b\[|\x9b)(?P<count>\d*)(?P<final>[CDGKX]))|(?P<gone>{_SEQUENCE})"
    r"|(?P<back>\x08+)|(?P<home>\r+)|(?P<run>[^\x00-\x08\x0b-\x1f\x7f-\x9f]+)"
)
_MAX_COLUMN: Final = 4096  # a forged cursor move must not cost memory; our terminals are this wide
_CONTROLS: Final = bytes(each for each in (*range(32), 127) if each not in b"\t\n")
_C1: Final = re.compile(rb"\xc2[\x80-\x9f]")


def is_plain(data: bytes) -> bool:
    """True if `data` (UTF-8) surely holds nothing that `clean` would change."""
    if len(data.translate(None, _CONTROLS)) != len(data):
        return False
    return not (b"\xc2" in data and _C1.search(data))


def clean_lines(text: str) -> str:
    """`clean` of every line of a text."""
    if "\r" in text or "\b" in text or _MOVES.search(text):
        return "\n".join([clean(line) for line in text.split("\n")])
    return _REMOVED.sub("", text)


def clean(line: str) -> str:
    """`line` (without its newline) as it stands on a terminal at the end.

    Escape families are removed; carriage return, backspace and the cursor moves within a line
    overwrite as a terminal does, so of a spinner or a progress bar the last state is left.
    """
    line = line.rstrip("\r")
    if "\b" in line or _MOVES.search(line):
        return _replay(line)
    if "\r" in line:
        # a string may hold a carriage return: then the line does not fall apart at each of them
        return _replay(line) if _STRINGS.search(line) else _last_state(line)
    return _REMOVED.sub("", line)


def _last_state(line: str) -> str:
    """`_replay` of a line that only ever goes back to its start, as spinners do all day: what a
    state shows beyond the end of the later ones.
    """
    shown = ""
    for state in reversed(line.split("\r")):
        if len(state) > len(shown):  # cleaning makes none longer
            shown += _REMOVED.sub("", state)[len(shown) :]
    return shown.rstrip(" ")


def _replay(line: str) -> str:
    cells: list[str] = []
    column = 0
    for token in _TOKEN.finditer(line):
        match token.lastgroup:
            case "run":
                run = token["run"]
                if column > len(cells):
                    cells.extend(" " * (column - len(cells)))
                cells[column : column + len(run)] = run
                column += len(run)
            case "home":
                column = 0
            case "back":
                column = max(0, column - len(token["back"]))
            case "move":
                column = _move(cells, column, token["final"], int(token["count"][:9] or 0))
            case _:
                pass
    return "".join(cells).rstrip(" ")


def _move(cells: list[str], column: int, final: str, count: int) -> int:
    if final == "K":
        if count == 0:
            del cells[column:]
        else:  # 1 erases up to the cursor, 2 the whole line
            end = len(cells) if count == 2 else min(column + 1, len(cells))
            cells[:end] = " " * end
        return column
    steps = max(count, 1)
    if final == "X":
        end = min(column + steps, len(cells))
        cells[column:end] = " " * max(0, end - column)
        return column
    if final == "D":
        return max(0, column - steps)
    ceiling = max(len(cells), _MAX_COLUMN)
    return min(ceiling, steps - 1 if final == "G" else column + steps)
