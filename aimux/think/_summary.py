"""A result as people read it: the summary, then what was computed, as short Markdown."""

import functools
from collections.abc import Mapping
from typing import Final

from ._fields import Json

ROWS: Final = 12  # of one list
CHARS: Final = 300  # of one value
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_BLANK: Final[tuple[object, ...]] = (None, "", [])
_NESTED: Final = (dict, list)
_SKIPPED: Final = frozenset({"mermaid"})  # shown by its own fence


def render(shown: Mapping[str, object]) -> str:
    """The text of an answer: summary, figures, lists, warnings, what is missing."""
    lines = [f"**{shown['technique'] or shown['pattern']}**: {shown['summary']}"]
    data = shown["data"]
    assert isinstance(data, dict)
    inner = data.get("technique")
    lines += _section(inner if isinstance(inner, dict) else data)
    gate = shown["gate"]
    assert isinstance(gate, dict)
    if gate["status"] == "incomplete":
        lines += ["", "Still open:", *(f"- {_text(each)}" for each in gate["missing"])]
    warnings = shown["warnings"]
    if isinstance(warnings, list) and warnings:
        lines += ["", "Mind:", *(f"- {_text(each)}" for each in warnings)]
    consensus = shown.get("consensus")
    if isinstance(consensus, dict):
        lines += _consensus(consensus)
    return "\n".join(lines)


def _consensus(consensus: Mapping[str, object]) -> list[str]:
    """Who was asked, what they agree on, dispute or say alone, and what was said in prose."""
    lines = ["", f"Asked ({consensus['status']}):"]
    lines += [f"- {_text(_participant(each))}" for each in _rows(consensus["participants"])]
    for name, title in (("agreed", "Agreed"), ("disputed", "Disputed"), ("unique", "Said by one")):
        rows = _rows(consensus[name])
        lines += ["", f"{title}:"] if rows else []
        lines += [f"- {_text(_said(each))}" for each in rows[:ROWS]]
        lines += [f"- … {len(rows) - ROWS} more"] if len(rows) > ROWS else []
    for each in _rows(consensus["opinions"]):
        lines += ["", f"{each['cli']}, in prose: {_text(str(each['text']))}"]
    return lines


def _participant(row: Json) -> str:
    verdict = f", {row['verdict']}" if row.get("verdict") else ""
    why = f": {row['error']}" if row.get("error") else ""
    role = f" as {row['role']}" if row.get("role") else ""
    return f"{row['cli']}{role}: {row['status']}{verdict}{why}"


def _said(row: Json) -> str:
    positions = _rows(row.get("positions"))
    if positions:
        return f"{row['field']}, {row['why']}: " + " / ".join(_said(each) for each in positions)
    ratings = row.get("ratings")
    apart = [
        f"{_title(name)} {each['spread']} apart"
        for name, each in (ratings.items() if isinstance(ratings, Mapping) else ())
    ]
    support = row.get("support")
    who = ", ".join(map(str, support)) if isinstance(support, list) else ""
    return f"{row['text']} ({'; '.join([who, *apart])})"


def _rows(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _section(data: Json) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        if key == "mermaid" and value:
            lines += ["", "```mermaid", str(value), "```"]
        if key in _SKIPPED or (not value and value in _EMPTY):
            continue
        if isinstance(value, list) and any(isinstance(each, _NESTED) for each in value):
            lines += ["", f"{_title(key)}:"]
            lines += [f"- {_row(each)}" for each in value[:ROWS]]
            if len(value) > ROWS:
                lines.append(f"- … {len(value) - ROWS} more")
        else:
            lines.append(f"- {_title(key)}: {_row(value)}")
    return lines


def _row(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        rest = {key: each for key, each in value.items() if each or each not in _BLANK}
        head = rest.pop("text", None)
        parts = ", ".join([f"{_title(str(key))} {_row(each)}" for key, each in rest.items()])
        if head is None:
            return _text(parts)
        return _text(f"{head} ({parts})" if parts else str(head))
    if isinstance(value, list):
        return _text(", ".join([_row(each) for each in value[:ROWS]]))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@functools.lru_cache(1_024)
def _title(key: str) -> str:
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in key)
    return spaced.replace("_", " ").strip()


def _text(text: str) -> str:
    """One line without control characters."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(each for each in line if each.isprintable())
    return line if len(line) <= CHARS else line[: CHARS - 1] + "…"
