"""claude and qwen: stream-json, one result object, or an array of all events.

Answer: `result` of the `type=result` record. End: that record; `is_error` decides, not `subtype`,
which is `success` for API errors. Text of a call that failed (`[API Error: ...]`, model
`<synthetic>`) is error text, never answer. claude counts cached input apart from `input_tokens`;
here it is part of it.
"""

import re
from typing import Final

from aimux.model import Stream, Usage

from ._shapes import Record, amount_at, count_at, list_at, map_at, maps_at, plain, text_at, total
from ._turn_state import MAX_OPEN_TOOLS, TurnState

_API_ERROR: Final = re.compile(r"\[API Error: .*\]\s*\Z", re.DOTALL)
_QUIET: Final = ("rate_limit_event", "keep_alive", "tool_progress", "tool_use_summary")
_RETRYING: Final = re.compile(r"^(?:Retrying provider attempt|Retrying in \d)")


class Claude:
    """The family of claude."""

    joins = False
    harmless: re.Pattern[str] | None = re.compile(
        r"unrecognized_model|no stdin data received|Unknown --effort value"
    )
    cached_apart = True  # `input_tokens` leaves the cached ones out

    def __init__(self) -> None:
        self._refused: set[str] = set()
        self._thought = False  # thinking of this message came in pieces

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event."""
        if stream is Stream.STDERR:
            return self._on_stderr(turn, record)
        kind = record.get("type")
        turn.native(text_at(record, "session_id"))
        match kind:
            case "system":
                self._system(turn, record)
            case "assistant":
                self._assistant(turn, record)
            case "user":
                self._results(turn, record)
            case "stream_event":
                if record.get("parent_tool_use_id") is None:
                    self._piece(turn, map_at(record, "event"))
            case "result":
                self._result(turn, record)
            case _:
                return kind in _QUIET
        return True

    def _on_stderr(self, turn: TurnState, record: Record) -> bool:
        """qwen repeats the error of its JSON format on stderr."""
        error = map_at(record, "error")
        if not error:
            return False
        turn.error(text_at(error, "message"))
        return True

    def _system(self, turn: TurnState, record: Record) -> None:
        match record.get("subtype"):
            case "init":
                turn.model = text_at(record, "model")
            case "api_retry":
                status = count_at(record, "error_status")
                code = "" if status is None else str(status)
                attempt, tries = count_at(record, "attempt"), count_at(record, "max_retries")
                cause = " ".join(each for each in (text_at(record, "error"), code) if each)
                turn.retry(f"attempt {attempt} of {tries}: {cause}", code)
            case "retry":
                turn.retry(text_at(map_at(record, "data"), "reason") or "retry")
            case "permission_denied":
                if len(self._refused) < MAX_OPEN_TOOLS:
                    self._refused.add(text_at(record, "tool_use_id"))
            case _:
                pass  # status, compaction, hooks, information for a person

    def _assistant(self, turn: TurnState, record: Record) -> None:
        message = map_at(record, "message")
        own = record.get("parent_tool_use_id") is None  # else a sub-agent speaks
        texts: list[str] = []
        for block in maps_at(message, "content"):
            match block.get("type"):
                case "text":
                    texts.append(text_at(block, "text"))
                case "thinking":
                    if own and not self._thought:
                        turn.reasoning(text_at(block, "thinking"))
                case "tool_use":
                    name = text_at(block, "name")
                    turn.tool_started(text_at(block, "id"), name, map_at(block, "input"))
                case _:
                    pass
        if own:
            self._say(turn, record, message, "".join(texts))

    def _say(self, turn: TurnState, record: Record, message: Record, text: str) -> None:
        self._thought = False
        failed = _API_ERROR.search(text)
        if record.get("is_api_error_message") is True or message.get("model") == "<synthetic>":
            turn.error(text)
            text = ""
        elif failed is not None:
            turn.error(failed[0])
            text = text[: failed.start()]
        else:
            turn.model = text_at(message, "model") or turn.model
        if text:
            turn.message(text)

    def _results(self, turn: TurnState, record: Record) -> None:
        for block in maps_at(map_at(record, "message"), "content"):
            if block.get("type") == "tool_result":
                call_id = text_at(block, "tool_use_id")
                failed = block.get("is_error") is True
                denied = True if failed and call_id in self._refused else None
                summary = plain(block.get("content"))
                turn.tool_ended(call_id, failed=failed, summary=summary, denied=denied)

    def _piece(self, turn: TurnState, event: Record) -> None:
        if event.get("type") != "content_block_delta":
            return
        delta = map_at(event, "delta")
        match delta.get("type"):
            case "text_delta":
                turn.text(text_at(delta, "text"))
            case "thinking_delta":
                self._thought = True
                turn.reasoning(text_at(delta, "thinking"))
            case _:
                pass

    def _result(self, turn: TurnState, record: Record) -> None:
        turn.denials = max(turn.denials, len(list_at(record, "permission_denials")))
        models = map_at(record, "modelUsage")
        if len(models) == 1:
            turn.model = next(iter(models))
        turn.usage(self._usage(record))
        reason = text_at(record, "terminal_reason", "subtype")
        if record.get("is_error") is not True:
            turn.answer(text_at(record, "result"))
            turn.end(reason=reason)
            return
        status = count_at(record, "api_error_status")
        message = text_at(record, "result") or text_at(map_at(record, "error"), "message")
        message = message or "\n".join(plain(each) for each in list_at(record, "errors"))
        turn.error(message, "" if status is None else str(status))
        turn.end(is_error=True, reason=reason, message=message or reason)

    def _usage(self, record: Record) -> Usage:
        usage = map_at(record, "usage")
        cached = count_at(usage, "cache_read_input_tokens")
        fresh = count_at(usage, "input_tokens")
        if self.cached_apart:
            fresh = total(fresh, cached, count_at(usage, "cache_creation_input_tokens"))
        return Usage(
            input_tokens=fresh,
            output_tokens=count_at(usage, "output_tokens"),
            cached_tokens=cached,
            reasoning_tokens=count_at(map_at(usage, "output_tokens_details"), "thinking_tokens"),
            cost_usd=amount_at(record, "total_cost_usd"),
        )

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """Only announced tries are known."""
        if _RETRYING.search(line):
            turn.retry(line)
            return True
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record the output was cut."""


class Qwen(Claude):
    """The family of qwen, whose shapes imitate claude's; its `input_tokens` hold the cached
    ones.
    """

    harmless = re.compile(r"^Ripgrep not available|^Warning: running headless with --yolo")
    cached_apart = False
