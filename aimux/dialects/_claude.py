"""claude and qwen: stream-json, one result object, or an array of all events.

Answer: `result` of the `type=result` record, where the messages before it do not say more: it may
be empty, or hold one of the texts of the last message only. A message may come as several records
with its id. End: that record, the last one where helpers were still at work behind the first;
`is_error` decides, not `subtype`, which is `success` for API errors. Text of a call that failed
(`[API Error: ...]`, model `<synthetic>`) is error text, never answer. claude counts cached input
apart from `input_tokens`; here it is part of it.
"""

import re
from collections.abc import Sequence
from typing import Final

from aimux.model import Stream, Usage

from ._answer import BREAK
from ._shapes import (
    Record,
    amount_at,
    count_at,
    figure_at,
    list_at,
    map_at,
    maps_at,
    plain,
    shown,
    text_at,
    total,
)
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
        self._unnamed = 0  # messages without an id so far
        self._streamed = ""  # id of the message that comes in pieces
        self._is_apart = False  # something else stands between the texts of a message
        self._results = 0

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
                self._tool_results(turn, record)
            case "stream_event":
                if record.get("parent_tool_use_id") is None:
                    self._stream(turn, map_at(record, "event"))
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
        is_led = self._is_apart
        for block in maps_at(message, "content"):
            kind = block.get("type")
            if kind == "tool_use":
                name = text_at(block, "name")
                turn.tool_started(text_at(block, "id"), name, map_at(block, "input"))
            if not own:
                continue
            if kind != "text":
                if kind == "thinking" and not self._thought:
                    turn.reasoning(text_at(block, "thinking"))
                self._is_apart = True
            elif text := text_at(block, "text"):
                if not texts:
                    is_led = self._is_apart
                elif self._is_apart:
                    texts.append(BREAK)
                texts.append(text)
                self._is_apart = False
        if own:
            self._say(turn, record, message, "".join(texts), is_apart=is_led)

    def _say(
        self, turn: TurnState, record: Record, message: Record, text: str, *, is_apart: bool
    ) -> None:
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
            name = text_at(message, "id")
            # without an id, neighbours are one message: between two there are results of tools
            turn.message(text, of=name or f"#{self._unnamed}", is_apart=is_apart or not name)

    def _tool_results(self, turn: TurnState, record: Record) -> None:
        self._unnamed += 1
        for block in maps_at(map_at(record, "message"), "content"):
            if block.get("type") == "tool_result":
                call_id = text_at(block, "tool_use_id")
                failed = block.get("is_error") is True
                denied = True if failed and call_id in self._refused else None
                summary = plain(block.get("content"))
                turn.tool_ended(call_id, failed=failed, summary=summary, denied=denied)

    def _stream(self, turn: TurnState, event: Record) -> None:
        match event.get("type"):
            case "message_start":
                turn.message()  # one that no record has closed
                self._streamed = text_at(map_at(event, "message"), "id")
            case "content_block_start":
                if map_at(event, "content_block").get("type") != "text":
                    self._is_apart = True
            case "content_block_delta":
                self._piece(turn, map_at(event, "delta"))
            case _:
                pass

    def _piece(self, turn: TurnState, delta: Record) -> None:
        match delta.get("type"):
            case "text_delta":
                is_apart = self._is_apart and not turn.is_writing
                turn.text(text_at(delta, "text"), of=self._streamed, is_apart=is_apart)
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
        self._results += 1
        self._unnamed += 1
        turn.usage(self._usage(record))
        reason = text_at(record, "terminal_reason", "subtype")
        text = text_at(record, "result")
        if not _is_error(record, text):
            structured = record.get("structured_output")
            turn.offer("" if structured is None else shown(structured))
            turn.answer(text)
            turn.end(reason=reason)
            return
        status = count_at(record, "api_error_status")
        message = text or text_at(map_at(record, "error"), "message")
        message = message or "\n".join(plain(each) for each in list_at(record, "errors"))
        turn.error(message, "" if status is None else str(status))
        turn.end(is_error=True, reason=reason, message=message or reason)

    def _usage(self, record: Record) -> Usage:
        models = [each for each in map_at(record, "modelUsage").values() if isinstance(each, dict)]
        cost = amount_at(record, "total_cost_usd")
        if self._results > 1 and models:  # its `usage` is that of the last part only
            return _sum(models, cost)
        usage = map_at(record, "usage")
        cached = figure_at(usage, "cache_read_input_tokens")
        fresh = figure_at(usage, "input_tokens")
        if self.cached_apart:
            fresh = total(fresh, cached, figure_at(usage, "cache_creation_input_tokens"))
        return Usage(
            input_tokens=fresh,
            output_tokens=figure_at(usage, "output_tokens"),
            cached_tokens=cached,
            reasoning_tokens=figure_at(map_at(usage, "output_tokens_details"), "thinking_tokens"),
            cost_usd=cost,
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
    """The family of qwen, whose shapes imitate claude's.

    Its `input_tokens` hold the cached ones.
    """

    harmless = re.compile(r"^Ripgrep not available|^Warning: running headless with --yolo")
    cached_apart = False


def _is_error(record: Record, text: str) -> bool:
    """Old versions do not flag a turn that ran out of turns."""
    flag = record.get("is_error")
    return flag is True or (not text and text_at(record, "subtype").startswith("error_"))


def _sum(models: Sequence[Record], cost: float | None) -> Usage:
    def of_all(*keys: str) -> int | None:
        return total(*(figure_at(each, key) for each in models for key in keys))

    return Usage(
        input_tokens=of_all("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"),
        output_tokens=of_all("outputTokens"),
        cached_tokens=of_all("cacheReadInputTokens"),
        reasoning_tokens=of_all("thinkingTokens"),
        cost_usd=cost,
    )
