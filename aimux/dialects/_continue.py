"""continue (`cn -p`, with or without `--format json`).

Answer: `response` of its object. A model's text that is JSON itself is printed as it is, and then
that is the answer. Errors are an object on stderr. Exit 0 with nothing on stdout is a silent
failure: the model called a tool that the mode does not offer, or said nothing.
"""

import re

from ._records import load, values
from ._shapes import Record, plain, text_at
from ._text import end_by_exit
from ._turn_state import MAX_VALUE_CHARS, TurnState


class Continue:
    """The family of continue; it prints all at once, so it is read at the end."""

    joins = False
    harmless: re.Pattern[str] | None = None

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def wants(self, turn: TurnState) -> bool:
        """Only so much is read."""
        return self._size <= MAX_VALUE_CHARS

    def block(self, turn: TurnState, text: str) -> None:
        """Keep it."""
        self._parts.append(text[: MAX_VALUE_CHARS + 1 - self._size])
        self._size += len(self._parts[-1])

    def remark(self, turn: TurnState, line: str) -> bool:
        """An error is one object on one line."""
        try:
            value = load(line)
        except ValueError:
            return False
        return isinstance(value, dict) and _is_error(turn, value)

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """The object, the model's own JSON, or plain text; nothing is a failure."""
        text = "".join(self._parts).strip()
        self._parts.clear()
        if self._size > MAX_VALUE_CHARS and text.startswith("{"):
            said = f"of the output only the first {MAX_VALUE_CHARS} characters are read"
            turn.lose_record("output_truncated", said)
            text = ""
        answered = bool(text) and self._answer(turn, text)
        if exit_code == 0 and not answered:
            message = turn.told or turn.error_text or "exit code 0 and nothing on stdout"
            turn.conclude(is_error=True, reason="silent_failure", message=message)
        else:
            end_by_exit(turn, exit_code)

    def _answer(self, turn: TurnState, text: str) -> bool:
        """Write the answer down; False if the text was an error."""
        found = [each for each in values(text) if isinstance(each, dict)]
        for each in reversed(found):
            if "response" in each and "status" in each:
                turn.message(plain(each["response"]))
                return True
            if _is_error(turn, each):
                return False
        turn.message(text)
        return True


def _is_error(turn: TurnState, record: Record) -> bool:
    if record.get("status") != "error" or "message" not in record:
        return False
    turn.error(text_at(record, "message"))
    return True
