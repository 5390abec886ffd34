"""A row of the table, and the arithmetic behind it."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MILLI: Final = 1e3
MICRO: Final = 1e6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One figure: ours beside what it is measured against, in the same run."""

    what: str
    ours: str = ""
    other: str = ""
    ratio: float | None = None
    target: str = ""
    holds: bool | None = None  # None: no target, or not measured
    why: str = ""  # not measured

    @property
    def verdict(self) -> str:
        """The last column."""
        if self.why:
            return f"not measured: {self.why}"
        return {True: "yes", False: "NO", None: "-"}[self.holds]


def unmeasured(what: str, why: object) -> Row:
    """A row that there is no figure for."""
    return Row(what=what, why=str(why) or type(why).__name__)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], part: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[round(part * (len(ordered) - 1))]


def ms(seconds: float) -> str:
    """As milliseconds."""
    return f"{seconds * MILLI:.1f} ms" if abs(seconds) >= 0.001 else f"{seconds * MICRO:.0f} us"


def mib(size_bytes: float) -> str:
    """As mebibytes."""
    return f"{size_bytes / 2**20:.1f} MiB"


def show(rows: Sequence[Row]) -> str:
    """The table as Markdown, which is also what `docs/design/figures.md` holds."""
    head = ("what", "ours", "floor or peer", "ratio", "target", "holds")
    cells = [
        (
            row.what,
            row.ours,
            row.other,
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.target,
            row.verdict,
        )
        for row in rows
    ]
    lines = [head, *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def save(rows: Sequence[Row], path: Path) -> None:
    """The same for programs."""
    told = [dataclasses.asdict(row) | {"verdict": row.verdict} for row in rows]
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
