"""Every event that the code logs, read from its text: logger, level, words, fields."""

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error",
          "exception": "error", "critical": "critical"}  # fmt: skip


@attrs.frozen(order=True)
class LogEvent:
    """One call of a logger."""

    logger: str
    event: str
    level: str
    fields: tuple[str, ...]


def log_events() -> list[LogEvent]:
    """All of them, without repeats, by logger and words."""
    return sorted({each for path in (ROOT / "aimux").rglob("*.py") for each in _events(path)})


def _events(path: Path) -> Iterator[LogEvent]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    logger = ""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id="log")], value=ast.Call(args=[ast.Constant(value=str(name))])
            ):
                logger = name
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=attr),
                args=[ast.Constant(value=str(event)), *_],
            ) if attr in LEVELS:
                yield LogEvent(logger, event, LEVELS[attr], _fields(node))


def _fields(call: ast.Call) -> tuple[str, ...]:
    for keyword in call.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            keys = keyword.value.keys
            return tuple(str(each.value) for each in keys if isinstance(each, ast.Constant))
    return ()


def row(event: LogEvent) -> str:
    """The event as a line of the table in the guide."""
    fields = ", ".join(f"`{each}`" for each in event.fields)
    return f"| `{event.logger}` | {event.level} | `{event.event}` | {fields} |"
