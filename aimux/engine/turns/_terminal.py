"""The conversation with a child on a terminal: it asks, somebody answers, the answer is typed.

Theory of operation. A child that has written a question and then nothing for `QUESTION_S` asks. A
question for a secret is never put to anybody, and one that was refused is not put again; of both
the log says that the child waits. An open question ends with its answer, when it is refused, or
when the child goes on by itself.
"""

from collections.abc import Callable
from typing import Final

import attrs
import trio

from aimux.engine.log import End, Question, TurnLog, find_question, is_secret
from aimux.model import Noted, Warned
from aimux.rules import excerpt

QUESTION_S: Final = 2.0  # a child that asks is quiet for so long
QUESTION_CHARS: Final = 300
KEPT_LINE_CHARS: Final = 2_000
REDRAW_S: Final = 0.2  # some draw their question again, in pieces


@attrs.define(eq=False, kw_only=True)
class Conversation:
    """What one child says on its terminal and what is typed there."""

    cli: str
    log: TurnLog
    last_byte: float  # loop clock; an answer counts as one
    answered: Callable[[], None]  # told right before an answer is typed
    _heard: trio.Event = attrs.field(factory=trio.Event)
    _last_line: str = ""  # where questions stand

    def hear(self, data: bytes, now: float) -> None:
        """Bytes of the terminal, in order."""
        self.last_byte = now
        self._heard.set()
        text = self._last_line + data.decode(errors="replace")
        self._last_line = text[-KEPT_LINE_CHARS:]

    async def run(self, keyboard: trio.MemorySendChannel[bytes]) -> None:
        """Put what the child asks to whoever can answer, and type the answer; until cancelled.

        Cancelling it ends the question that is open and leaves it without an answer.
        """
        left = ""  # what nobody will answer
        while True:
            since = self.last_byte
            await trio.sleep_until(since + QUESTION_S)
            if self.last_byte != since:
                continue
            text = find_question(self._last_line)
            if not text or text == left:
                await self._wait_byte()
                continue
            left = ""
            if is_secret(text):
                left = text
                self._tell_waiting(excerpt(text, QUESTION_CHARS))
                continue
            question = await self._put(text)
            if question.end is End.REFUSED:
                left = text
            elif question.end is End.ANSWERED:
                self._last_line = ""  # the same words again are another question
                self.last_byte = trio.current_time()
                self.answered()
                await keyboard.send(question.answer.encode() + b"\n")

    async def _put(self, text: str) -> Question:
        """A question from its opening to its end; that it got no answer is told once."""
        questions = self.log.questions
        cli, shown = self.cli, excerpt(text, QUESTION_CHARS)
        question = questions.open(cli, shown, turn=self.log.turn)
        self.log.question = shown
        has_audience = questions.has_audience
        if has_audience:
            self.log.add(Noted(text=f"{cli} asks: {shown}"))
        else:
            self._tell_waiting(shown)
        try:
            async with trio.open_nursery() as asking:
                asking.start_soon(self._close_when_drawn_over, question, text)
                await question.closed.wait()
                asking.cancel_scope.cancel(reason="the question has ended")
        finally:
            questions.close(question)
            self.log.question = ""
            if question.end is End.ANSWERED:
                self.log.add(Noted(text=f"{cli} was answered"))
            elif has_audience and question.end is End.REFUSED:
                self._tell_waiting(shown)
            elif has_audience:
                message = f"{cli} got no answer to: {shown}"
                self.log.add(Warned(code="question_unanswered", message=message))
        return question

    async def _close_when_drawn_over(self, question: Question, text: str) -> None:
        """End a question when its child goes on by itself."""
        while find_question(self._last_line) == text:
            await self._wait_byte()
            await trio.sleep(REDRAW_S)
        self.log.questions.close(question)

    def _tell_waiting(self, shown: str) -> None:
        message = f"{self.cli} waits for an answer: {shown}"
        self.log.add(Warned(code="waiting_for_input", message=message))

    async def _wait_byte(self) -> None:
        self._heard = trio.Event()
        await self._heard.wait()
