"""goose: stream-json, or one pretty-printed object that holds the whole conversation.

Answer: all assistant texts since the last prompt, with a break where a tool call stood between.
End: `complete` or `error`, `metadata.status` in the object. For most errors of the model goose
exits 0 and says `completed`, with an assistant text that no model wrote (no `inference` in its
metadata, no tokens): those texts are errors, not answers.
"""

import re
from typing import Final

from aimux.model import Stream, Usage

from ._shapes import Record, figure_at, map_at, maps_at, plain, text_at
from ._text import end_by_exit
from ._turn_state import TurnState

_TOLD: Final = (  # how such a text begins -> the reason
    ("Ran into this error", "model_error"),
    ("The model returned an empty response", "empty_response"),
    ("I've reached the maximum number of actions", "max_turns"),
)
_SKIPPED: Final = "Let the user know the tool call was skipped"
_BANNER: Final = re.compile(r"^ {2,}(?:__\( O\)>|L L  )")
_SESSION: Final = re.compile(r"^ {2,}\\____\) +(\d{8}_\d+) · ")


class Goose:
    """The family of goose."""

    joins = True
    harmless: re.Pattern[str] | None = None

    def __init__(self) -> None:
        self._message = ""  # id of the message being written
        self._suspect = ("", "")  # reason and text that may be an error told as an answer
        self._failure = ("", "")

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one event, or the one object."""
        if stream is Stream.STDERR:
            return False
        match record.get("type"):
            case "message":
                self._say(turn, map_at(record, "message"))
            case "error":
                reason, message = self._failure
                message = text_at(record, "error") or message
                turn.end(is_error=True, reason=reason or "error", message=message)
            case "complete":
                self._close(turn, record, text_at(record, "status"))
            case "notification":
                pass
            case None if "messages" in record and "metadata" in record:
                self._conversation(turn, record)
            case _:
                return False
        return True

    def _conversation(self, turn: TurnState, record: Record) -> None:
        messages = maps_at(record, "messages")
        prompts = [at for at, each in enumerate(messages) if _is_prompt(each)]
        for each in messages[prompts[-1] + 1 if prompts else 0 :]:
            self._say(turn, each)
        metadata = map_at(record, "metadata")
        self._close(turn, metadata, text_at(metadata, "status"))

    def _say(self, turn: TurnState, message: Record) -> None:
        own = message.get("role") == "assistant"
        if own:
            self._begin(turn, message)
        metadata = map_at(message, "metadata", "inference")
        turn.model = text_at(metadata, "requestedModel") or turn.model
        for block in maps_at(message, "content"):
            match block.get("type"):
                case "text" if own:
                    self._text(turn, text_at(block, "text"), from_model=bool(metadata))
                case "thinking" | "reasoning" if own:
                    turn.reasoning(text_at(block, "thinking", "text"))
                case "toolRequest":
                    turn.message()
                    call = map_at(block, "toolCall", "value")
                    name = text_at(call, "name")
                    turn.tool_started(text_at(block, "id"), name, map_at(call, "arguments"))
                case "toolResponse":
                    self._tool_result(turn, block)
                case "error":
                    self._failure = (text_at(block, "kind"), text_at(block, "message"))
                    turn.error(self._failure[1])
                case _:
                    pass

    def _begin(self, turn: TurnState, message: Record) -> None:
        name = text_at(message, "id")
        if name != self._message:
            turn.message()
            self._message = name

    def _text(self, turn: TurnState, text: str, *, from_model: bool) -> None:
        for beginning, reason in _TOLD:
            if text.startswith(beginning) and not turn.is_writing:
                if from_model:
                    break
                self._suspect = (reason, text)
                return
        turn.text(text)

    def _tool_result(self, turn: TurnState, block: Record) -> None:
        result = map_at(block, "toolResult")
        value = map_at(result, "value")
        summary = plain(value.get("content")) or text_at(result, "error")
        failed = result.get("status") != "success" or value.get("isError") is True
        denied = True if summary.startswith(_SKIPPED) else None
        turn.tool_ended(text_at(block, "id"), failed=failed, summary=summary, denied=denied)

    def _close(self, turn: TurnState, figures: Record, status: str) -> None:
        turn.message()
        turn.usage(
            Usage(
                input_tokens=figure_at(figures, "input_tokens"),
                output_tokens=figure_at(figures, "output_tokens"),
                cached_tokens=figure_at(figures, "cache_read_input_tokens"),
            )
        )
        reason, message = self._suspect
        if not reason and status == "error":
            reason, message = self._failure
            reason = reason or "error"
        if reason:
            turn.end(is_error=True, reason=reason, message=message)
        else:
            turn.end(reason=status or "complete")

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """The banner holds the session's name; the rest of it is a picture."""
        session = _SESSION.match(line)
        if session is not None:
            turn.native(session[1])
        return session is not None or _BANNER.match(line) is not None

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """Without a closing record only a failing exit code says something."""
        if self._suspect[0]:
            turn.error(self._suspect[1])
        if exit_code:
            end_by_exit(turn, exit_code)


def _is_prompt(message: Record) -> bool:
    """A user's message with text; tool responses are the user's too."""
    blocks = maps_at(message, "content")
    return message.get("role") == "user" and any(each.get("type") == "text" for each in blocks)
