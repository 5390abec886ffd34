"""droid: stream-json, or one result object.

Answer: `finalText` of `completion`, `result` of the object. End: `completion`, the object, or an
`error` whose source is the program itself; the reason stands in the error of the agent loop before
it.
"""

import re

from aimux.model import Stream, Usage

from ._shapes import Record, figure_at, map_at, plain, text_at
from ._turn_state import TurnState


class Droid:
    """The family of droid."""

    joins = False
    harmless: re.Pattern[str] | None = None

    def __init__(self) -> None:
        self._trouble = ""

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event, or the one object."""
        if stream is Stream.STDERR:
            return False
        match record.get("type"):
            case "system":
                turn.model = text_at(record, "model")
            case "message":
                if record.get("role") == "assistant":
                    turn.message(text_at(record, "text"))
            case "reasoning" | "thinking":
                turn.reasoning(text_at(record, "text"))
            case "tool_call":
                name = text_at(record, "toolName", "toolId")
                turn.tool_started(text_at(record, "id"), name, map_at(record, "parameters"))
            case "tool_result":
                failed = record.get("isError") is True
                error = text_at(map_at(record, "error"), "message")
                summary = error or plain(record.get("value"))
                turn.tool_ended(text_at(record, "id"), failed=failed, summary=summary)
            case "error":
                self._error(turn, record)
            case "completion":
                turn.usage(_usage(record))
                turn.answer(text_at(record, "finalText"))
                turn.end(reason="completion")
            case "result":
                self._result(turn, record)
            case _:
                return False
        turn.native(text_at(record, "session_id"))
        return True

    def _error(self, turn: TurnState, record: Record) -> None:
        message = text_at(record, "message")
        if record.get("source") != "cli":
            self._trouble = message
            turn.error(message)
            return
        turn.retract(message)
        turn.error(message)
        turn.end(is_error=True, reason="error", message=self._trouble or message)

    def _result(self, turn: TurnState, record: Record) -> None:
        turn.usage(_usage(record))
        reason = text_at(record, "subtype")
        if record.get("is_error") is True:
            turn.end(is_error=True, reason=reason, message=text_at(record, "result"))
        else:
            turn.answer(text_at(record, "result"))
            turn.end(reason=reason)

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """No line has a meaning of its own."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record the output was cut; signals exit 0 like that."""


def _usage(record: Record) -> Usage:
    usage = map_at(record, "usage")
    return Usage(
        input_tokens=figure_at(usage, "input_tokens"),
        output_tokens=figure_at(usage, "output_tokens"),
        cached_tokens=figure_at(usage, "cache_read_input_tokens"),
    )
