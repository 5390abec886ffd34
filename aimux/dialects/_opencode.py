"""opencode: JSON lines of `opencode run --format json`.

Answer: the texts of the last message that has any. There is no closing record: the end is the exit
of the process with a last step whose reason is `stop`. Exit 0 after a step with another reason
means that a permission was refused (`tool-calls`) or the stream was cut (`unknown`), and is a
failure.
"""

import re

from aimux.model import Stream, Usage

from ._shapes import Record, amount_at, count_at, figure_at, map_at, text_at, total
from ._turn_state import TurnState


class Opencode:
    """The family of opencode."""

    joins = False
    harmless: re.Pattern[str] | None = re.compile(r"^> \w+ · ")

    def __init__(self) -> None:
        self._reason = ""  # of the last step
        self._failure = ("", "")
        self._usage = Usage()

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event."""
        if stream is Stream.STDERR:
            return False
        part = map_at(record, "part")
        match record.get("type"):
            case "step_start":
                self._reason = ""
            case "text":
                self._text(turn, part)
            case "reasoning":
                turn.reasoning(text_at(part, "text"))
            case "tool_use":
                self._tool(turn, part)
            case "step_finish":
                self._step(turn, part)
            case "error":
                self._error(turn, map_at(record, "error"))
            case _:
                return False
        turn.native(text_at(record, "sessionID"))
        return True

    def _text(self, turn: TurnState, part: Record) -> None:
        turn.message(text_at(part, "text"), of=text_at(part, "messageID"), is_apart=True)

    def _tool(self, turn: TurnState, part: Record) -> None:
        state = map_at(part, "state")
        call_id = text_at(part, "callID")
        turn.tool_started(call_id, text_at(part, "tool"), map_at(state, "input"))
        failed = state.get("status") == "error"
        turn.tool_ended(call_id, failed=failed, summary=text_at(state, "error", "output"))

    def _step(self, turn: TurnState, part: Record) -> None:
        self._reason = text_at(part, "reason")
        if self._reason == "stop":
            self._failure = ("", "")
        tokens = map_at(part, "tokens")
        cache = map_at(tokens, "cache")
        read = figure_at(cache, "read")
        spent = total(figure_at(tokens, "input"), read, figure_at(cache, "write"))
        cost = amount_at(part, "cost")
        so_far = self._usage
        self._usage = Usage(
            input_tokens=total(so_far.input_tokens, spent),
            output_tokens=total(so_far.output_tokens, figure_at(tokens, "output")),
            cached_tokens=total(so_far.cached_tokens, read),
            reasoning_tokens=total(so_far.reasoning_tokens, figure_at(tokens, "reasoning")),
            cost_usd=so_far.cost_usd if cost is None else (so_far.cost_usd or 0.0) + cost,
        )
        turn.usage(self._usage)

    def _error(self, turn: TurnState, error: Record) -> None:
        data = map_at(error, "data")
        status = count_at(data, "statusCode")
        name = text_at(error, "name")
        message = text_at(data, "message") or name
        self._failure = (name, message)
        # the name says what the message may not: ContextOverflowError, ProviderAuthError
        turn.error(f"{name}: {message}", "" if status is None else str(status))

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """No line has a meaning of its own."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Success is exit 0 after a last step that stopped by itself."""
        if exit_code is None:
            return
        name, message = self._failure
        if exit_code == 0 and self._reason == "tool-calls":  # a permission was refused
            turn.denials = max(turn.denials, 1)
        if exit_code == 0 and self._reason == "stop":
            turn.conclude(reason="stop")
        elif name:
            turn.conclude(is_error=True, reason=name, message=message)
        else:
            reason = self._reason or ("no_answer" if exit_code == 0 else f"exit_{exit_code}")
            message = turn.told or turn.error_text or f"ended after a step with reason {reason}"
            turn.conclude(is_error=True, reason=reason, message=message)
