"""What a reader writes down while it reads: the events to hand out, and the output so far.

How events add up: `Text` pieces belong to the message being written; the `Message` behind them
closes it and repeats it whole. Pieces that no `Message` closes are the plain text of a CLI that has
no messages, or the beginning of one that was cut. `Usage` is the turn's sum so far, the last one
counts.
"""

import re
from typing import Final

import orjson

from aimux.model import (
    Ended,
    FileChange,
    Message,
    NativeSession,
    Noise,
    Reasoning,
    Said,
    Stream,
    Text,
    ToolUse,
    Usage,
    Warned,
)

from ._base import TurnOutput
from ._shapes import Record, text_at

# Beyond it an answer is cut, with a warning. Twice the longest message a model writes (128k tokens
# of some four characters). A result carries it twice, as text and as JSON: at four bytes each that
# is within the 16 MiB that our own ends read. What is cut off is in the turn's raw output.
MAX_ANSWER_CHARS: Final = 2**20
MAX_VALUE_CHARS: Final = 2 * MAX_ANSWER_CHARS  # of a JSON value over many lines, escapes included
MAX_PIECES: Final = 1_000  # held apart; small strings cost more than what is in them
MAX_ERROR_CHARS: Final = 16_000  # tail kept of what explains a failure
MAX_NOISE_CHARS: Final = 2_000
MAX_NOISE_LINES: Final = 1_000  # per turn; gptme offline prints 500
MAX_SUMMARY_CHARS: Final = 500
MAX_OPEN_TOOLS: Final = 1_000  # begun and not ended; the oldest are forgotten

_EDITS: Final = {
    "write": "update",
    "write_file": "update",
    "create": "add",
    "edit": "update",
    "multiedit": "update",
    "notebookedit": "update",
    "notebook_edit": "update",
    "replace": "update",
    "editor": "update",
    "save": "update",
    "append": "update",
    "patch": "update",
    "text_editor": "update",
}
_PATHS: Final = (
    "file_path",
    "filePath",
    "path",
    "filepath",
    "notebook_path",
    "absolute_path",
)
_REFUSED: Final = re.compile(
    r"(?:requires?|needs?) (?:\w+ )?approval|permissions? to (?:use|write|read|edit)"
    r"|permission (?:was|has been) (?:denied|declined)|haven't granted|rejected permission"
    r"|prevents you from using|not permitted in this|blocked in plan mode|spec mode is active"
    r"|not available for execution|auto mode is unavailable|access denied: plan path"
    r"|insufficient permission to proceed|tool call was (?:declined|denied)",
    re.IGNORECASE,
)
# One of them is in whatever `_REFUSED` finds: it is slow, and most of what tools print is long.
_STEMS: Final = (
    "approval",
    "permission",
    "granted",
    "prevents you",
    "not permitted",
    "plan mode",
    "spec mode",
    "not available for",
    "auto mode",
    "plan path",
    "tool call was",
)
_MAX_REFUSAL_CHARS: Final = 2**18  # of what a tool printed, the end
_STATUS: Final = re.compile(
    r"(?:status|code|error|HTTP)\W{0,4}(?:code\W{0,3})?([45]\d\d)\b|\(([45]\d\d)\)|^([45]\d\d) ",
    re.IGNORECASE,
)


def status_in(message: str) -> str:
    """The HTTP status an error text names, else an empty string."""
    found = _STATUS.search(message)
    return next((each for each in found.groups() if each), "") if found else ""


def was_refused(message: str) -> bool:
    """True if the text of a failed tool call says that the CLI's mode did not allow it."""
    ended = message[-_MAX_REFUSAL_CHARS:].lower()
    return any(each in ended for each in _STEMS) and _REFUSED.search(ended) is not None


class TurnState:
    """The state of one turn. `joins` says that the answer is all messages, not the last one."""

    def __init__(self, *, joins: bool = False) -> None:
        self._joins = joins
        self._said: list[Said] = []
        self._messages: list[str] = []
        self._open: list[str] = []
        self._kept = 0  # characters held in messages and open pieces
        self._answer: str | None = None
        self._errors: list[str] = []
        self._error_chars = 0
        self._noise_lines = 0
        self._tools: dict[str, tuple[str, str]] = {}  # call id -> name, path it would change
        self._native = ""
        self._usage: Usage | None = None
        self.is_cut = False  # the answer so far is longer than what is kept of it
        self._has_warned = False
        self.ended: Ended | None = None
        self.error_code = ""
        self.told = ""  # the last error that was named as one
        self.denials = 0
        self.steps = 0
        self.model = ""

    # ---------------------------------------------------------------------------- the answer

    @property
    def open_text(self) -> str:
        """The pieces since the last message."""
        return "".join(self._open)

    @property
    def is_writing(self) -> bool:
        """True if a piece was seen since the last message."""
        return bool(self._open)

    def text(self, piece: str) -> None:
        """A piece of the message being written."""
        kept = self._kept + len(piece)
        if kept > MAX_ANSWER_CHARS:
            piece = self._fitted(piece)
            kept = MAX_ANSWER_CHARS
        if piece:
            self._said.append(Text(text=piece))
            self._open.append(piece)
            self._kept = kept
            if len(self._open) > MAX_PIECES:
                self._open = [self.open_text]

    def message(self, text: str | None = None) -> None:
        """The message being written is whole; `text` is its text where the CLI repeats it."""
        is_repeated = text is not None
        if text is None:
            text = self.open_text
        self._kept -= sum(map(len, self._open))
        self._open.clear()
        if not text.strip():
            return
        self._answer = None
        if not self._joins:
            self._messages.clear()
            self._kept = 0
            self.is_cut = self.is_cut and not is_repeated  # the answer is this one alone
        text = self._fitted(text)
        self._said.append(Message(text=text))
        self._messages.append(text)
        self._kept += len(text)

    def answer(self, text: str, *, quietly: bool = False) -> None:
        """What the CLI's closing record says is the answer, whatever was said before.

        It becomes a `Message` if the last one was not the same; `quietly` never.
        """
        self._kept = 0
        self.is_cut = False
        self._answer = self._fitted(text)
        if not quietly and self._answer.strip() and self._messages[-1:] != [self._answer]:
            self._said.append(Message(text=self._answer))
        self._messages.clear()
        self._open.clear()

    def retract(self, text: str) -> None:
        """The last message was no answer but the text of an error."""
        if self._messages[-1:] == [text]:
            self._kept -= len(self._messages.pop())

    def reasoning(self, text: str) -> None:
        """Thinking, kept apart from the answer."""
        if text:
            self._said.append(Reasoning(text=text))

    def _fitted(self, text: str) -> str:
        room = max(0, MAX_ANSWER_CHARS - self._kept)
        if len(text) > room:
            self.cut()
        return text[:room]

    def cut(self) -> None:
        """Part of the answer is not kept; told once."""
        self.is_cut = True
        if not self._has_warned:
            self._has_warned = True
            self.warn("answer_truncated", f"answer is longer than {MAX_ANSWER_CHARS} characters")

    # ----------------------------------------------------------------------------- the work

    def tool_started(self, call_id: str, name: str, arguments: Record) -> None:
        """The CLI began a tool call."""
        path = text_at(arguments, *_PATHS)
        self.steps += 1
        if len(self._tools) >= MAX_OPEN_TOOLS:
            del self._tools[next(iter(self._tools))]
        self._tools[call_id] = (name, path if name.lower() in _EDITS else "")
        shown = text_at(arguments, "command", "cmd") or path
        if not shown and arguments:
            shown = orjson.dumps(arguments, default=str).decode(errors="replace")
        self._tool(name, call_id, "started", shown)

    def tool_ended(
        self, call_id: str, *, failed: bool, summary: str = "", denied: bool | None = None
    ) -> None:
        """A tool call is over. `denied` None: the text of a failed one tells."""
        name, path = self._tools.pop(call_id, ("", ""))
        if denied is None:
            denied = failed and was_refused(summary)
        if denied:
            self.denials += 1
        status = "denied" if denied else "failed" if failed else "completed"
        self._tool(name, call_id, status, summary)
        if status == "completed" and path:
            self.file_change(path, _EDITS[name.lower()])

    def file_change(self, path: str, change: str) -> None:
        """The CLI says it changed a file."""
        self._said.append(FileChange(path=path, change=change))

    def _tool(self, name: str, call_id: str, status: str, summary: str) -> None:
        self._said.append(
            ToolUse(name=name, call_id=call_id, status=status, summary=summary[:MAX_SUMMARY_CHARS])
        )

    # ---------------------------------------------------------------------------- the facts

    def usage(self, usage: Usage) -> None:
        """The turn's tokens so far."""
        if usage not in (self._usage, Usage()):
            self._usage = usage
            self._said.append(usage)

    def native(self, native_id: str) -> None:
        """The CLI's own session id; said once, and again if it changes."""
        if native_id and native_id != self._native:
            self._native = native_id
            self._said.append(NativeSession(native_id=native_id))

    def warn(self, code: str, message: str) -> None:
        """Something worth knowing that is no failure."""
        self._said.append(Warned(code=code, message=message[:MAX_NOISE_CHARS]))

    def retry(self, message: str, code: str = "") -> None:
        """The CLI announced another try; should the turn be ended, this is why."""
        self.warn("retrying", message)
        self.error(message, code)

    def error(self, message: str, code: str = "") -> None:
        """Something that explains a failure, should there be one."""
        message = message.strip()
        if not message:
            return
        self.error_code = code or status_in(message) or self.error_code
        self.told = message[-MAX_NOISE_CHARS:]
        self._explain(message)

    def _explain(self, message: str) -> None:
        if self._errors and message in self._errors[-1]:
            return
        self._errors.append(message[-MAX_ERROR_CHARS:])
        self._error_chars += len(self._errors[-1])
        while self._error_chars > MAX_ERROR_CHARS and len(self._errors) > 1:
            self._error_chars -= len(self._errors.pop(0))

    def noise(self, stream: Stream, line: str, *, explains: bool = True) -> None:
        """A line no dialect understands; `explains` adds it to the error text."""
        line = line.rstrip()
        if not line:
            return
        if explains:
            self._explain(line.strip()[:MAX_NOISE_CHARS])
        self._noise_lines += 1
        if self._noise_lines <= MAX_NOISE_LINES:
            self._said.append(Noise(stream=stream, line=line[:MAX_NOISE_CHARS]))
        elif self._noise_lines == MAX_NOISE_LINES + 1:
            self.warn("noise_dropped", f"more than {MAX_NOISE_LINES} lines were not understood")

    def end(self, *, is_error: bool = False, reason: str = "", message: str = "") -> None:
        """The CLI's closing record; only the first one counts."""
        if is_error:
            self.error(message)
        if self.ended is None:
            self.ended = Ended(is_error=is_error, reason=reason, message=message.strip())
            self._said.append(self.ended)

    # --------------------------------------------------------------------------- handing out

    def drain(self) -> list[Said]:
        """The events since the last call."""
        said = self._said
        self._said = []
        return said

    @property
    def error_text(self) -> str:
        """Whatever explains a failure, newest last."""
        return "\n".join(self._errors)

    @property
    def output(self) -> TurnOutput:
        """What the turn amounts to so far."""
        if self._answer is not None and not self._open:
            answer = self._answer
        else:
            parts = self._messages
            if self._open:  # cut in the middle of a message: the last one is this
                parts = [*parts, self.open_text] if self._joins else [self.open_text]
            answer = "\n\n".join(each.strip("\n") for each in parts)
        return TurnOutput(
            answer=answer.strip("\n").rstrip(),
            is_cut=self.is_cut,
            native_id=self._native,
            usage=self._usage,
            ended=self.ended,
            error_text=self.error_text,
            error_code=self.error_code,
            denials=self.denials,
            steps=self.steps,
            model=self.model,
        )
