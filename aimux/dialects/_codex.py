"""codex: JSON lines of `codex exec --json`.

Answer: the last `agent_message`. End: `turn.completed` or `turn.failed`; a top-level `error`
announces another try and an item of type `error` is a notice, neither is a failure. Usage is
cumulative over a resumed thread.
"""

import re
from typing import Final

from aimux.model import Stream, Usage

from ._shapes import Record, figure_at, map_at, maps_at, plain, text_at
from ._tools import was_refused
from ._turn_state import TurnState

_RETRY: Final = re.compile(r"^(?:Reconnecting|Retrying)\b|\b\d+/\d+\b")
_TOOLS: Final = ("command_execution", "mcp_tool_call", "web_search", "file_change", "tool_call")
_QUIET: Final = ("turn.started", "thread.resumed")
_CHANGES: Final = ("add", "update", "delete")


class Codex:
    """The family of codex."""

    joins = False
    harmless: Final = re.compile(
        r"^Reading (?:additional input|prompt) from stdin|Codex could not find bubblewrap"
    )

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event."""
        if stream is Stream.STDERR:
            return False
        match record.get("type"):
            case "thread.started":
                turn.native(text_at(record, "thread_id"))
            case "item.started":
                return self._item(turn, map_at(record, "item"), over=False)
            case "item.updated":
                item = map_at(record, "item")
                if item.get("type") == "agent_message":
                    self._so_far(turn, text_at(item, "text"))
            case "item.completed":
                return self._item(turn, map_at(record, "item"), over=True)
            case "error":
                message = text_at(record, "message")
                (turn.retry if _RETRY.search(message) else turn.error)(message)
            case "turn.completed":
                turn.usage(_usage(map_at(record, "usage")))
                turn.end(reason="turn.completed")
            case "turn.failed":
                message = text_at(map_at(record, "error"), "message")
                turn.end(is_error=True, reason="turn.failed", message=message)
            case kind:
                return kind in _QUIET
        return True

    def _item(self, turn: TurnState, item: Record, *, over: bool) -> bool:
        kind = text_at(item, "type", "item_type")
        if kind in _TOOLS:
            self._tool(turn, kind, item, over=over)
        elif kind == "agent_message":
            if over:
                turn.message(text_at(item, "text"))
        elif kind == "reasoning":
            if over:
                turn.reasoning(text_at(item, "text"))
        elif kind == "error":
            turn.warn("notice", text_at(item, "message"))
        else:
            return kind == "todo_list"
        return True

    def _so_far(self, turn: TurnState, text: str) -> None:
        """A message that grows; what is new of it."""
        being = turn.open_text
        if text.startswith(being):
            turn.text(text[len(being) :])

    def _tool(self, turn: TurnState, kind: str, item: Record, *, over: bool) -> None:
        call_id = text_at(item, "id")
        if call_id not in self._begun:
            self._begun.add(call_id)
            turn.tool_started(call_id, text_at(item, "tool") or kind, item)
        if not over:
            return
        self._begun.discard(call_id)
        output = text_at(item, "aggregated_output") or text_at(map_at(item, "error"), "message")
        output = output or plain(map_at(item, "result").get("content"))
        failed = item.get("status") in ("failed", "declined") or item.get("exit_code") not in (
            None,
            0,
        )
        denied = item.get("status") == "declined" or _was_stopped(output)
        turn.tool_ended(call_id, failed=failed, summary=output, denied=denied)
        if kind == "file_change" and not failed:
            for change in maps_at(item, "changes"):
                word = text_at(change, "kind")
                turn.file_change(text_at(change, "path"), word if word in _CHANGES else "unknown")

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """No line of codex says anything beside its records."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record the output was cut."""


def _was_stopped(output: str) -> bool:
    """The sandbox refuses inside the command, whose exit code may still be 0."""
    return "Read-only file system" in output or was_refused(output)


def _usage(usage: Record) -> Usage:
    return Usage(
        input_tokens=figure_at(usage, "input_tokens"),
        output_tokens=figure_at(usage, "output_tokens"),
        cached_tokens=figure_at(usage, "cached_input_tokens"),
        reasoning_tokens=figure_at(usage, "reasoning_output_tokens"),
    )
