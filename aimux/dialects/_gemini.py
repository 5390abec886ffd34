"""gemini: stream-json, or one pretty-printed object, whose error form goes to stderr.

Answer: all assistant pieces in order, with a break where a tool call stood between; `response` in
the object. End: the `result` record or the object; an `error` in it is a failure whatever the exit
code (which is the HTTP status modulo 256 for some, and 0 for cut streams).
"""

import re
from typing import Final

import orjson

from aimux.model import Stream, Usage

from ._shapes import Record, count_at, figure_at, map_at, text_at, total
from ._tools import was_refused
from ._turn_state import TurnState

_REFUSALS: Final = ("tool_not_registered", "policy_violation", "permission_denied")
_WRAPPED: Final = re.compile(r"\{.*\}", re.DOTALL)
_RETRY: Final = re.compile(r"^Attempt \d+ failed\b")


class Gemini:
    """The family of gemini."""

    joins = True
    harmless: Final = re.compile(
        r"^Warning: (?:True color|256-color)|^Ripgrep is not available|^\[STARTUP\]"
        r"|^YOLO mode is enabled|^Suggested retry after|^Loaded cached credentials|^    at "
    )

    def __init__(self) -> None:
        self._trouble = ""  # the last error record, which `result` may not repeat

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event, or the one object."""
        kind = record.get("type")
        if kind is None:
            return self._object(turn, record)
        if stream is Stream.STDERR:
            return False
        match kind:
            case "init":
                turn.native(text_at(record, "session_id"))
                self._model(turn, text_at(record, "model"))
            case "message":
                self._message(turn, record)
            case "tool_use":
                turn.message()
                name = text_at(record, "tool_name")
                turn.tool_started(text_at(record, "tool_id"), name, map_at(record, "parameters"))
            case "tool_result":
                self._tool_result(turn, record)
            case "error":
                self._trouble = text_at(record, "message")
                turn.error(self._trouble)
            case "result":
                self._result(turn, record)
            case _:
                return False
        return True

    def _message(self, turn: TurnState, record: Record) -> None:
        if record.get("role") != "assistant":
            return
        content = text_at(record, "content")
        if record.get("delta") is True:
            turn.text(content)
        elif turn.open_text and content.startswith(turn.open_text):  # its pieces, once more
            turn.message(content)
        else:
            turn.text(content)
            turn.message()

    def _tool_result(self, turn: TurnState, record: Record) -> None:
        error = map_at(record, "error")
        failed = record.get("status") != "success"
        summary = text_at(error, "message") or text_at(record, "output")
        denied = failed and (text_at(error, "type") in _REFUSALS or was_refused(summary))
        call_id = text_at(record, "tool_id")
        turn.tool_ended(call_id, failed=failed, summary=summary, denied=denied)

    def _result(self, turn: TurnState, record: Record) -> None:
        turn.message()
        stats = map_at(record, "stats")
        models = map_at(stats, "models")
        if len(models) == 1:
            turn.model = next(iter(models))
        turn.usage(
            Usage(
                input_tokens=figure_at(stats, "input_tokens"),
                output_tokens=figure_at(stats, "output_tokens"),
                cached_tokens=figure_at(stats, "cached"),
            )
        )
        status = text_at(record, "status")
        if status == "success":
            turn.end(reason=status)
        else:
            error = map_at(record, "error")
            message = text_at(error, "message") or self._trouble
            self._fail(turn, text_at(error, "type") or status, message, "")

    def _fail(self, turn: TurnState, reason: str, message: str, code: str) -> None:
        """The API's own error may be wrapped as JSON in brackets; a person wants its message."""
        wrapped = _WRAPPED.search(message)
        if wrapped is not None:
            try:
                told = map_at({"": orjson.loads(wrapped[0])}, "", "error")
            except ValueError:
                told = {}
            status = count_at(told, "code")
            code = code or ("" if status is None else str(status))
            kind = text_at(told, "status")
            message = " ".join(each for each in (kind, text_at(told, "message")) if each) or message
        turn.error(message, code)
        turn.end(is_error=True, reason=reason, message=message)

    def _object(self, turn: TurnState, record: Record) -> bool:
        if "session_id" not in record or not ("response" in record or "error" in record):
            return False
        turn.native(text_at(record, "session_id"))
        self._stats(turn, map_at(record, "stats"))
        error = map_at(record, "error")
        turn.message(text_at(record, "response"))
        if error:
            code = count_at(error, "code")
            shown = "" if code is None else str(code)
            self._fail(turn, text_at(error, "type"), text_at(error, "message"), shown)
        else:
            turn.end(reason="success")
        return True

    def _stats(self, turn: TurnState, stats: Record) -> None:
        models = map_at(stats, "models")
        for name in models:
            if len(models) == 1 or "main" in map_at(models, name, "roles"):
                self._model(turn, name)
        tokens = [map_at(models, name, "tokens") for name in models]
        turn.usage(
            Usage(
                input_tokens=total(*(figure_at(each, "prompt") for each in tokens)),
                output_tokens=total(*(figure_at(each, "candidates") for each in tokens)),
                cached_tokens=total(*(figure_at(each, "cached") for each in tokens)),
                reasoning_tokens=total(*(figure_at(each, "thoughts") for each in tokens)),
            )
        )
        tools = map_at(stats, "tools")
        turn.steps = max(turn.steps, count_at(tools, "totalCalls") or 0)
        rejected = count_at(map_at(tools, "totalDecisions"), "reject") or 0
        turn.denials = max(turn.denials, rejected)

    def _model(self, turn: TurnState, name: str) -> None:
        if name and name != "auto":  # the router's word, not a model
            turn.model = name

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """Only announced tries are known."""
        if _RETRY.search(line):
            turn.retry(line)
            return True
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record the output was cut; exit code 0 does not change that."""
