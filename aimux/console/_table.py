"""Tables that fit: columns are left out rather than folded, and what is cut says so."""

from collections.abc import Sequence
from typing import Final

import attrs
from rich.cells import cell_len, set_cell_size

GAP: Final = 2  # blanks between columns
ELLIPSIS: Final = "…"
RULE: Final = "─"


@attrs.frozen
class Column:
    """A column and what becomes of it where there is little room.

    As it stands it is shown whole, always: ids. With `flex` its cells may be cut to that many
    columns of the terminal, at their end, or at their start with `keeps_end` (paths). With `drop`
    it may be left out, the lowest first.
    """

    title: str
    flex: int = 0
    drop: int = 0
    keeps_end: bool = False


def lay_out(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> list[str]:
    """The lines of a table, headings and a rule first.

    None is wider than `width`, unless the columns that must be whole are. Without a width nothing
    is left out or cut.
    """
    natural = [
        max([cell_len(column.title), *(cell_len(row[at]) for row in rows)])
        for at, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    if width is not None:
        kept = _kept(columns, rows, natural, width)
        natural = _fitted(columns, natural, kept, width)
    titles = [column.title for column in columns]
    cells = [[_cell(columns[at], row[at], natural[at]) for at in kept] for row in (titles, *rows)]
    head, *body = [(" " * GAP).join(row).rstrip() for row in cells]
    rule = RULE * (sum(natural[at] for at in kept) + GAP * (len(kept) - 1))
    return [head, rule, *body]


def _least(column: Column, natural: int) -> int:
    # never less than its heading
    return min(natural, max(column.flex, cell_len(column.title))) if column.flex else natural


def _kept(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], natural: Sequence[int], width: int
) -> list[int]:
    empty = {at for at in range(len(columns)) if not any(row[at] for row in rows)}
    kept = list(range(len(columns)))
    while sum(_least(columns[at], natural[at]) + GAP for at in kept) - GAP > width:
        droppable = [at for at in kept if columns[at].drop]
        if not droppable:
            break
        # an empty one is no loss
        kept.remove(min(droppable, key=lambda at: (at not in empty, columns[at].drop)))
    return kept


def _fitted(
    columns: Sequence[Column], natural: Sequence[int], kept: Sequence[int], width: int
) -> list[int]:
    """Each column's width: those that may be cut share what the others leave, the first first."""
    fitted = list(natural)
    for at in kept:
        fitted[at] = _least(columns[at], natural[at])
    spare = max(0, width - sum(fitted[at] + GAP for at in kept) + GAP)
    for at in kept:
        more = min(spare, natural[at] - fitted[at])
        fitted[at] += more
        spare -= more
    return fitted


def _cell(column: Column, text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    room = width - cell_len(ELLIPSIS)
    if not column.keeps_end:
        return set_cell_size(text, room) + ELLIPSIS
    end = text[-room:] if room else ""
    while cell_len(end) > room:
        end = end[1:]
    return ELLIPSIS + end + " " * (room - cell_len(end))
