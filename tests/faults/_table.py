"""What is expected of every cell, and the judgement of what was found. Pure: text in, words out.

A line of `expected.txt` is one row: a fault, the families and ways that it stands for, the time
limit that the call is given, the ends that are right, the longest time to the end, and what may be
left over. A cell is one fault, one family, one way; exactly one row stands for it.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import attrs

# one CLI for each family of dialects: its records end a turn, or one JSON does, or nothing does
FAMILIES: Final = (
    *("aider", "claude", "cline", "codex", "continue", "crush"),
    *("droid", "gemini", "goose", "gptme", "opencode"),
)
WAYS: Final = ("sync", "async", "cancel", "kill", "daemon")
MIX: Final = " + "  # between the ends of several calls in one step
NOTHING: Final = "nothing"
COLUMNS: Final = 7


class Trouble(enum.StrEnum):
    """What can be wrong with a cell."""

    HANG = "hang"
    LEAK = "leak"
    LOSS = "loss"
    WRONG_SUCCESS = "wrong success"
    WRONG_END = "wrong end"
    SLOW = "slow"
    BUG = "bug"  # a traceback in the log, or a test's own
    NO_ROW = "no row"
    NOT_RUN = "not run"


@attrs.frozen(order=True)
class Cell:
    """One run. The family and the way are those of the table, or a machine's step."""

    fault: str
    family: str
    way: str

    def __str__(self) -> str:
        return f"{self.fault} / {self.family} / {self.way}"


@attrs.frozen(kw_only=True)
class Row:
    """What is expected of some cells."""

    fault: str
    families: tuple[str, ...]
    ways: tuple[str, ...]
    limit_s: float
    ends: tuple[str, ...]
    within_s: float
    left: str

    def stands_for(self, cell: Cell) -> bool:
        """Whether the cell is one of this row's."""
        is_named = cell.family in self.families and cell.way in self.ways
        return is_named and cell.fault == self.fault


@attrs.frozen(kw_only=True)
class Found:
    """What a run came to: its end in the words of the table, the time it took, the rest."""

    end: str
    took_s: float = 0.0
    left: tuple[str, ...] = ()
    lost: str = ""  # what was acknowledged and is not there
    bug: str = ""


@attrs.frozen(kw_only=True)
class Table:
    """All rows."""

    rows: Sequence[Row]

    def row(self, cell: Cell) -> Row | None:
        """The row of a cell; None where none or more than one stands for it."""
        found = [row for row in self.rows if row.stands_for(cell)]
        return found[0] if len(found) == 1 else None

    def cells(self) -> Iterator[Cell]:
        """Every cell that a row stands for."""
        for row in self.rows:
            for family in row.families:
                for way in row.ways:
                    yield Cell(row.fault, family, way)


def read_table(path: Path) -> Table:
    """The table of a file.

    Raises:
        ValueError: a line is none.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            rows.append(parse_row(line))
        except ValueError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from error
    return Table(rows=rows)


def parse_row(line: str) -> Row:
    """The row of a line.

    Raises:
        ValueError: it has too few columns, or a number is none.
    """
    columns = [" ".join(each.split()) for each in line.split("|")]
    if len(columns) != COLUMNS:
        raise ValueError(f"{len(columns)} columns instead of {COLUMNS}")
    fault, families, ways, limit_s, ends, within_s, left = columns
    return Row(
        fault=fault,
        families=_families(families),
        ways=tuple(ways.split()),
        limit_s=float(limit_s),
        ends=tuple(each.strip() for each in ends.split(" or ")),
        within_s=float(within_s),
        left=left,
    )


def _families(text: str) -> tuple[str, ...]:
    words = text.split()
    if words[:1] == ["all"]:
        return tuple(each for each in FAMILIES if each not in words[2:])
    return tuple(words)


def is_chosen(cell: Cell, patterns: Sequence[str]) -> bool:
    """Whether a pattern of the command line, `FAULT/FAMILY/WAY` or a part of it, names the cell."""
    named = f"{cell.fault}/{cell.family}/{cell.way}"
    return not patterns or any(
        fnmatchcase(named, pattern) or fnmatchcase(named, f"*{pattern}*") for pattern in patterns
    )


def judge(row: Row | None, found: Found) -> Mapping[Trouble, str]:
    """What is wrong with what was found; nothing where all is as the row says."""
    if row is None:
        return {Trouble.NO_ROW: found.end}
    troubles: dict[Trouble, str] = {}
    if found.end == "hang":
        troubles[Trouble.HANG] = f"no end within {found.took_s:.0f} s"
    elif not _is_right(found.end, row.ends):
        is_success = found.end.split()[0] == "completed"
        kind = Trouble.WRONG_SUCCESS if is_success else Trouble.WRONG_END
        troubles[kind] = f"{found.end}, not {' or '.join(row.ends)}"
    if found.took_s > row.within_s and found.end != "hang":
        troubles[Trouble.SLOW] = f"{found.took_s:.1f} s, not {row.within_s:.0f}"
    left = [each for each in found.left if row.left == NOTHING or not _may_stay(each, row.left)]
    if left:
        troubles[Trouble.LEAK] = "; ".join(left)
    if found.lost:
        troubles[Trouble.LOSS] = found.lost
    if found.bug:
        troubles[Trouble.BUG] = found.bug
    return troubles


def _is_right(end: str, ends: Sequence[str]) -> bool:
    """Whether a row allows an end; of several at once, `A + B`, one of its ends has each."""
    parts = set(end.split(MIX))
    return any(parts <= set(each.split(MIX)) for each in ends)


def _may_stay(left: str, allowed: str) -> bool:
    return any(fnmatchcase(left, each.strip()) for each in allowed.split(" or "))
