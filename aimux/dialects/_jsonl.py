"""The general reader of JSON records: a profile's `Fields` say where things are, no code needed."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from aimux.model import Fields, Stream, Usage

from ._shapes import Record, amount, figure, plain
from ._text import end_by_exit
from ._turn_state import TurnState

_GUESSED_ANSWERS: Final = ("result", "response", "finalText", "answer", "content", "text")
_GUESSED_SESSIONS: Final = ("session_id", "sessionId", "sessionID", "thread_id")
_GUESSED_ERRORS: Final = ("error", "message")
_MAX_VALUES: Final = 10_000  # reached by one path


def at(record: object, path: str) -> list[object]:
    """Every value under a dotted path; a key that ends in `[]` walks the list it names."""
    found = [record]
    for key in path.split("."):
        walks = key.endswith("[]")
        name = key.removesuffix("[]")
        found = [each[name] for each in found if isinstance(each, dict) and name in each]
        if walks:
            found = [item for each in found if isinstance(each, list) for item in each]
        found = found[:_MAX_VALUES]
    return found


def text(record: object, path: str) -> str:
    """All text under a path, in order."""
    return "".join(plain(each) for each in at(record, path)) if path else ""


def meets(record: object, conditions: Mapping[str, str]) -> bool:
    """True if every path holds its value among its values, compared as text."""
    return all(
        wanted in [_shown(each) for each in at(record, path)] for path, wanted in conditions.items()
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _figure(record: object, path: str) -> int | None:
    found = [figure(each) for each in at(record, path)] if path else []
    known = [each for each in found if each is not None]
    return known[0] if known else None


def usage(record: object, fields: Fields) -> Usage:
    """The figures a record holds."""
    costs = [amount(each) for each in at(record, fields.cost_usd)] if fields.cost_usd else []
    return Usage(
        input_tokens=_figure(record, fields.input_tokens),
        output_tokens=_figure(record, fields.output_tokens),
        cost_usd=next((each for each in costs if each is not None), None),
    )


def guessed_answer(record: Record) -> str:
    """The answer of a record whose profile names no field: what such records usually call it."""
    if record.get("role") in ("user", "system"):
        return ""
    item = record.get("item")
    if isinstance(item, dict) and item.get("type") == "agent_message":
        return plain(item.get("text"))
    for key in _GUESSED_ANSWERS:
        found = plain(record.get(key))
        if found:
            return found
    message = record.get("message")
    if isinstance(message, dict) and message.get("role") not in ("user", "system"):
        return plain(message.get("content"))
    return ""


def guessed_session(record: Record) -> Iterator[str]:
    """Session ids under their usual names."""
    for key in _GUESSED_SESSIONS:
        value = record.get(key)
        if isinstance(value, str):
            yield value


def guessed_error(record: Record) -> str:
    """The error text under its usual names."""
    for key in _GUESSED_ERRORS:
        value = record.get(key)
        found = plain(value.get("message")) if isinstance(value, dict) else plain(value)
        if found:
            return found
    return ""


class ByFields:
    """The family of any CLI that prints records with nameable fields.

    The last answer record wins; without one the deltas are the answer. `end_when` and `error_when`
    end the turn; a CLI without `end_when` ends with its exit code. Records that hold none of the
    named things are dropped: they are its events, not noise.
    """

    joins = False
    harmless: re.Pattern[str] | None = None

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._guesses = not (fields.answer or fields.delta)
        self._counts = bool(fields.input_tokens or fields.output_tokens or fields.cost_usd)

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Take what the fields name."""
        fields = self._fields
        failed = bool(fields.error_when) and meets(record, fields.error_when)
        if stream is Stream.STDERR and not failed:
            return False
        if fields.session_id:
            turn.native(text(record, fields.session_id))
        else:
            for each in guessed_session(record):
                turn.native(each)
        if self._counts:
            turn.usage(usage(record, fields))
        if failed:
            message = text(record, fields.error) or guessed_error(record)
            turn.end(is_error=True, reason="error", message=message)
            return True
        if fields.delta and meets(record, fields.delta_when):
            turn.text(text(record, fields.delta))
        if fields.answer and meets(record, fields.answer_when):
            self._answer(turn, text(record, fields.answer))
        elif self._guesses:
            self._answer(turn, guessed_answer(record))
        if fields.end_when and meets(record, fields.end_when):
            turn.end(reason="end")
        return True

    def _answer(self, turn: TurnState, found: str) -> None:
        if not found:
            return
        pieces = turn.open_text
        if len(pieces) > len(found) and pieces.startswith(found):  # it holds less than they do
            turn.message()
        else:
            turn.message(found)

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """A line without a record has no field."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """A CLI that names no closing record ends with its exit code."""
        if not self._fields.end_when or exit_code not in (0, None):
            end_by_exit(turn, exit_code)
