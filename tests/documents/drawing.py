"""Diagrams as SVG: boxes in a column, an arrow for each line of the diagram.

It reads the Mermaid that the reference has (`a --> b: what moves it`, `[*]` for begin and end), so
that the site needs no program and no script to show it. A thick frame is a state that ends.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Final

_EDGE: Final = re.compile(
    r"^(\[\*\]|[\w-]+)(?:\[([^\]]*)\])? --> (\[\*\]|[\w-]+)(?:\[([^\]]*)\])?(?:: (.*))?$"
)
_BOX: Final = re.compile(r"^([\w-]+)\[([^\]]*)\]$")
ROW: Final = 56  # from box to box, in pixels
HEIGHT: Final = 30
LETTER: Final = 7.6  # how wide one is


def drawn(lines: Sequence[str]) -> str:
    """The picture of a diagram.

    Raises:
        ValueError: a line is not understood.
    """
    names: dict[str, str] = {}
    edges: list[tuple[str, str, str]] = []
    ends: set[str] = set()
    for line in map(str.strip, lines[1:]):
        if box := _BOX.match(line):
            names.setdefault(box[1], box[2])
        elif edge := _EDGE.match(line):
            first, said, then, said_too, by = edge.groups()
            names.setdefault(first, said or first)
            if then == "[*]":
                ends.add(first)
                continue
            names.setdefault(then, said_too or then)
            edges.append((first, then, by or ""))
        elif line:
            raise ValueError(f"not understood in a diagram: {line}")
    return _svg(names, edges, ends)


def _svg(names: dict[str, str], edges: list[tuple[str, str, str]], ends: set[str]) -> str:
    rows = {name: at for at, name in enumerate(names)}
    box = max(60.0, max(len(label) for label in names.values()) * LETTER + 24)
    spans = [abs(rows[then] - rows[first]) for first, then, _ in edges]
    labels = max((len(by) for _, _, by in edges), default=0) * LETTER
    side = 40 + 12 * max(spans, default=0) + labels
    width, height = box + 2 * side, len(rows) * ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'style="max-width: {width:.0f}px; width: 100%; font: 13px monospace">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker>'
        "</defs>"
    )
    parts = [head]
    parts += [_arrow(rows[first], rows[then], by, width / 2, box / 2) for first, then, by in edges]
    for name, at in rows.items():
        y = at * ROW + (ROW - HEIGHT) / 2
        if name == "[*]":
            parts.append(
                f'<circle cx="{width / 2:.0f}" cy="{y + HEIGHT / 2:.0f}" r="7" '
                'fill="currentColor"/>'
            )
        else:
            parts.append(
                f'<rect x="{(width - box) / 2:.0f}" y="{y:.0f}" width="{box:.0f}" '
                f'height="{HEIGHT}" rx="6" fill="none" stroke="currentColor" '
                f'stroke-width="{3 if name in ends else 1}"/>'
                f'<text x="{width / 2:.0f}" y="{y + 20:.0f}" text-anchor="middle" '
                f'fill="currentColor">{escape(names[name])}</text>'
            )
    return "".join(parts) + "</svg>"


def _arrow(first: int, then: int, by: str, middle: float, half: float) -> str:
    """Straight to the next row; to later ones round the right side, back round the left."""
    y1, y2 = first * ROW + ROW / 2, then * ROW + ROW / 2
    if then == first + 1:
        path = f"M{middle:.0f} {y1 + HEIGHT / 2:.0f}V{y2 - HEIGHT / 2 - 1:.0f}"
        x, anchor = middle + 8, "start"
    else:
        sign = 1 if then > first else -1
        edge, out = middle + sign * half, middle + sign * (half + 20 + 12 * abs(then - first))
        path = f"M{edge:.0f} {y1:.0f}C{out:.0f} {y1:.0f} {out:.0f} {y2:.0f} {edge:.0f} {y2:.0f}"
        x, anchor = middle + sign * (half + 18 + 9 * abs(then - first)), "start"
        if sign < 0:
            anchor = "end"
    text = (
        f'<text x="{x:.0f}" y="{(y1 + y2) / 2 + 4:.0f}" text-anchor="{anchor}" '
        f'fill="currentColor" font-size="12">{escape(by)}</text>'
    )
    line = f'<path d="{path}" fill="none" stroke="currentColor" marker-end="url(#tip)"/>'
    return line + (text if by else "")
