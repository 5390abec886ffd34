"""cline (version 3): JSON lines of `cline --json`.

Answer: `text` of `run_result`. End: `run_result`; its `finishReason` decides. cline prints no
session id that a run could resume. Its own errors come as a record on stderr.
"""

import re
from typing import Final

from aimux.model import Stream, Usage

from ._shapes import Record, amount_at, figure_at, map_at, plain, text_at
from ._turn_state import TurnState

_DENIALS_ARE_TOLD: Final = re.compile(r"requires approval in a TTY|blocked in plan mode")


class Cline:
    """The family of cline."""

    joins = False
    harmless: Final = re.compile(r"AI SDK Warning|^\s+at |^Warning: ")

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event."""
        match record.get("type"):
            case "error":
                turn.error(text_at(record, "message"))
            case "hook_event":
                pass
            case "agent_event" if stream is Stream.STDOUT:
                return self._event(turn, map_at(record, "event"))
            case "run_result" if stream is Stream.STDOUT:
                self._result(turn, record)
            case _:
                return False
        return True

    def _event(self, turn: TurnState, event: Record) -> bool:
        match event.get("type"):
            case "content_start":
                self._begin(turn, event)
            case "content_end":
                self._end(turn, event)
            case "usage":
                turn.usage(
                    Usage(
                        input_tokens=figure_at(event, "totalInputTokens"),
                        output_tokens=figure_at(event, "totalOutputTokens"),
                        cost_usd=amount_at(event, "totalCost"),
                    )
                )
            case "error":
                turn.error(text_at(map_at(event, "error"), "message"))
            case "notice":
                detail = text_at(map_at(event, "metadata"), "providerError")
                turn.warn("notice", text_at(event, "message"))
                turn.error(detail)
            case "done":
                turn.offer(text_at(event, "text"))
            case "iteration_start" | "iteration_end" | "content_update":
                pass
            case _:
                return False
        return True

    def _begin(self, turn: TurnState, event: Record) -> None:
        match event.get("contentType"):
            case "text":
                turn.text(text_at(event, "text"))
            case "reasoning" | "thinking":
                turn.reasoning(text_at(event, "text", "reasoning"))
            case "tool":
                call_id = text_at(event, "toolCallId")
                turn.tool_started(call_id, text_at(event, "toolName"), map_at(event, "input"))
            case _:
                pass

    def _end(self, turn: TurnState, event: Record) -> None:
        match event.get("contentType"):
            case "text":
                turn.message(text_at(event, "text"))
            case "tool":
                output = event.get("output")
                error = text_at(event, "error")
                shown = map_at(event, "output")
                summary = text_at(shown, "error", "result") or error or plain(output)
                denied = True if _DENIALS_ARE_TOLD.search(error) else None
                call_id = text_at(event, "toolCallId")
                turn.tool_ended(call_id, failed=bool(error), summary=summary, denied=denied)
            case _:
                pass

    def _result(self, turn: TurnState, record: Record) -> None:
        usage = map_at(record, "usage")
        turn.model = text_at(map_at(record, "model"), "id")
        turn.usage(
            Usage(
                input_tokens=figure_at(usage, "inputTokens"),
                output_tokens=figure_at(usage, "outputTokens"),
                cached_tokens=figure_at(usage, "cacheReadTokens"),
                cost_usd=amount_at(usage, "totalCost"),
            )
        )
        reason = text_at(record, "finishReason")
        text = text_at(record, "text")
        if reason == "completed":
            turn.answer(text)
            turn.end(reason=reason)
        else:
            turn.end(is_error=True, reason=reason, message=text)

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """No line has a meaning of its own."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record the output was cut; an interrupt exits 0 like that."""
