"""What a reader writes down while it reads: the events to hand out, and the output so far.

How events add up: `Text` pieces belong to the message being written; the `Message` behind them
closes it and repeats it whole. Pieces that no `Message` closes are the plain text of a CLI that has
no messages, or the beginning of one that was cut. `Usage` is the turn's sum so far, the last one
counts.
"""

import re
from typing import Final

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

from ._answer import MAX_ANSWER_CHARS as MAX_ANSWER_CHARS, AnswerState
from ._base import TurnOutput
from ._explanations import Explanations
from ._shapes import Record, plausible
from ._tools import answer_of, change_of, path_of, summary_of, was_refused

MAX_VALUE_CHARS: Final = 2 * MAX_ANSWER_CHARS  # of a JSON value over many lines, escapes included
MAX_NOISE_CHARS: Final = 2_000
MAX_NOISE_LINES: Final = 1_000  # per turn; gptme offline prints 500
MAX_SUMMARY_CHARS: Final = 500
MAX_OPEN_TOOLS: Final = 1_000  # begun and not ended; the oldest are forgotten

_INTERRUPTED: Final = re.compile(r"\b(?:abort|interrupt|cancel)", re.IGNORECASE)


class TurnState:
    """The state of one turn. `joins` says that the answer is all messages, not the last one.

    Long, because it has one short method for each thing that a CLI can say.
    """

    def __init__(self, *, joins: bool = False) -> None:
        self._said: list[Said] = []
        self._answer = AnswerState(joins=joins)
        self._explained = Explanations()
        self._noise_lines = 0
        self._tools: dict[str, tuple[str, str]] = {}  # call id -> name, path it would change
        self._native = ""
        self._usage: Usage | None = None
        self._warned: set[str] = set()  # codes of what is told once
        self._is_record_lost = False
        self._is_closed = False
        self.ended: Ended | None = None
        self._is_news = False  # something was said since the last closing record
        self.has_spoken = False  # text of the model, or work of a tool
        self.denials = 0
        self.steps = 0
        self.model = ""

    # ---------------------------------------------------------------------------- the answer

    @property
    def open_text(self) -> str:
        """The pieces since the last message."""
        return self._answer.open_text

    @property
    def is_writing(self) -> bool:
        """True if a piece was seen since the last message."""
        return self._answer.is_writing

    @property
    def is_full(self) -> bool:
        """True if no text that follows could become part of the answer."""
        return self._answer.is_full

    def text(self, piece: str, *, of: str = "", is_apart: bool = False) -> None:
        """A piece of the message being written."""
        kept = self._answer.piece(piece, of=of, is_apart=is_apart)
        if kept:
            self._said.append(Text(text=kept))
            if not self._is_news and not kept.isspace():
                self.has_spoken = self._is_news = True
        if self._answer.is_full:
            self._cut()

    def message(self, text: str | None = None, *, of: str = "", is_apart: bool = False) -> None:
        """The message being written is whole; `text` is its text where the CLI repeats it.

        Messages `of` the same id are one, `is_apart` with an empty line between.
        """
        self._say(self._answer.message(text, of=of, is_apart=is_apart))

    def answer(self, text: str) -> None:
        """What the CLI's closing record says is the answer.

        It becomes a `Message` if it was not said before. Where the stream has said more, that
        stands.
        """
        self._say(self._answer.close(text))
        self._is_news = self._is_news or bool(text.strip())

    def offer(self, text: str) -> None:
        """Text that is the answer if no other comes: a plan or a report given to a tool."""
        self._answer.offer(text)

    def retract(self, text: str) -> None:
        """The last message was no answer but the text of an error."""
        self._answer.retract(text)

    def reasoning(self, text: str) -> None:
        """Thinking, kept apart from the answer."""
        if text:
            self._said.append(Reasoning(text=text))

    def _say(self, text: str) -> None:
        if text:
            self._said.append(Message(text=text))
            self.has_spoken = self._is_news = True
        if self._answer.is_full:
            self._cut()

    def _cut(self) -> None:
        """Part of the answer is not kept; told as soon as nothing can take it back."""
        said = f"answer is longer than {MAX_ANSWER_CHARS} characters"
        self.warn("answer_truncated", said, once=True)

    # ----------------------------------------------------------------------------- the work

    def tool_started(self, call_id: str, name: str, arguments: Record) -> None:
        """The CLI began a tool call."""
        self.steps += 1
        self.has_spoken = self._is_news = True
        if len(self._tools) >= MAX_OPEN_TOOLS:
            del self._tools[next(iter(self._tools))]
        self._tools[call_id] = (name, path_of(name, arguments))
        self.offer(answer_of(name, arguments))
        self._tool(name, call_id, "started", summary_of(arguments))

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
            self.file_change(path, change_of(name))

    def file_change(self, path: str, change: str) -> None:
        """The CLI says it changed a file."""
        self.has_spoken = True
        self._said.append(FileChange(path=path, change=change))

    def _tool(self, name: str, call_id: str, status: str, summary: str) -> None:
        self._said.append(
            ToolUse(name=name, call_id=call_id, status=status, summary=summary[:MAX_SUMMARY_CHARS])
        )

    # ---------------------------------------------------------------------------- the facts

    def usage(self, usage: Usage) -> None:
        """The turn's tokens so far; figures that can be none are left out, and told."""
        usage, dropped = plausible(usage)
        if dropped:
            said = f"its usage has figures that can be none: {', '.join(dropped)}"
            self.warn("usage_dropped", said, once=True)
        if usage not in (self._usage, Usage()):
            self._usage = usage
            self._said.append(usage)

    def native(self, native_id: str) -> None:
        """The CLI's own session id; said once, and again if it changes."""
        if native_id and native_id != self._native:
            self._native = native_id
            self._said.append(NativeSession(native_id=native_id))

    def warn(self, code: str, message: str, *, once: bool = False) -> None:
        """Something worth knowing that is no failure."""
        if not once or code not in self._warned:
            self._warned.add(code)
            self._said.append(Warned(code=code, message=message[:MAX_NOISE_CHARS]))

    def lose_record(self, code: str, message: str) -> None:
        """A record was too long to be read; what it held is in the raw output only."""
        self._is_record_lost = True
        self.warn(code, message)

    def retry(self, message: str, code: str = "") -> None:
        """The CLI announced another try; should the turn be ended, this is why."""
        self.warn("retrying", message)
        self.error(message, code)

    @property
    def told(self) -> str:
        """The last error that was named as one."""
        return self._explained.told

    @property
    def error_text(self) -> str:
        """Whatever explains a failure, newest last."""
        return self._explained.text

    def error(self, message: str, code: str = "") -> None:
        """Something that explains a failure, should there be one."""
        self._explained.error(message, code, max_told_chars=MAX_NOISE_CHARS)

    def noise(self, stream: Stream, line: str, *, explains: bool = True) -> None:
        """A line no dialect understands; `explains` adds it to the error text."""
        line = line.rstrip()
        if not line:
            return
        if explains:
            self._explained.add(line.strip()[:MAX_NOISE_CHARS])
        self._noise_lines += 1
        if self._noise_lines <= MAX_NOISE_LINES:
            self._said.append(Noise(stream=stream, line=line[:MAX_NOISE_CHARS]))
        elif self._noise_lines == MAX_NOISE_LINES + 1:
            self.warn("noise_dropped", f"more than {MAX_NOISE_LINES} lines were not understood")

    def forget_noise(self) -> None:
        """What was taken for lines that may explain a failure was the answer."""
        self._explained.forget()

    # ------------------------------------------------------------------------------ the end

    def end(self, *, is_error: bool = False, reason: str = "", message: str = "") -> None:
        """The CLI's own closing record.

        It may come again, from a CLI whose helpers were still at work: the last one counts, unless
        it only tells that a turn that was over was interrupted, or has nothing to show for an error
        it takes back.
        """
        before = self.ended
        if is_error:
            self.error(message)
            is_late = before is not None and not before.is_error
            if is_late and _INTERRUPTED.search(f"{reason} {message}"):
                return
        elif before is not None and before.is_error and not self._is_news:
            return
        else:
            self._say(self._answer.close(""))
        self._is_closed = True
        self._end(is_error=is_error, reason=reason, message=message)

    def conclude(self, *, is_error: bool = False, reason: str = "", message: str = "") -> None:
        """What something else than a record says of the end; it counts where no record did."""
        if is_error:
            self.error(message)
        if self.ended is None:
            self._end(is_error=is_error, reason=reason, message=message)

    def _end(self, *, is_error: bool, reason: str, message: str) -> None:
        self._is_news = False
        self.ended = Ended(is_error=is_error, reason=reason, message=message.strip())
        self._said.append(self.ended)

    def close(self) -> None:
        """Nothing more comes: what could still have been taken back is told."""
        if self._answer.whole[1]:
            self._cut()

    def drain(self) -> list[Said]:
        """The events since the last call."""
        said = self._said
        self._said = []
        return said

    @property
    def output(self) -> TurnOutput:
        """What the turn amounts to so far."""
        answer, is_cut = self._answer.whole
        return TurnOutput(
            answer=answer,
            is_cut=is_cut,
            native_id=self._native,
            usage=self._usage,
            ended=self.ended,
            error_text=self.error_text,
            error_code=self._explained.code,
            denials=self.denials,
            steps=self.steps,
            model=self.model,
            has_spoken=self.has_spoken,
            is_closed=self._is_closed,
            is_record_lost=self._is_record_lost,
        )
