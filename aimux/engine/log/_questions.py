"""What a child on a terminal asks a person, and how each question ends.

Theory of operation. The turn opens a question when its child has fallen silent on a line that reads
like one; a turn has at most one open at a time, and numbers never come again within a job. It
ends once, by whatever comes first: it is answered (the words are typed), refused (the person does
not want to), or over (the child went on by itself, or is gone). Whoever comes after that is told
so. Who can put questions to a person while they wait for the job says so (`audience`): a child that
asks when nobody can is a warning at once.
"""

import enum
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio

from aimux.rules import harmless
from aimux.waiting import Broadcast

_QUESTION: Final = re.compile(
    r"(?:\?|:|>|\[y/n\]|\(y/n\)|\(yes/no\)|press enter.*|passphrase.*|password.*)\s*$",
    re.IGNORECASE,
)
_YES_NO: Final = re.compile(r"[(\[]y(?:es)?/no?[)\]]\W*$", re.IGNORECASE)
# what no form of a client may ask for (mcp.md X-5)
_SECRET: Final = re.compile(
    r"pass(?:word|phrase|code)|secret|\btoken\b|api[ _-]?key|\bpin\b|one[- ]time|verification code",
    re.IGNORECASE,
)


def find_question(text: str) -> str:
    """The last line of what a terminal shows, if it looks like a question; empty if not."""
    last = text.replace("\r\n", "\n").rsplit("\n", 1)[-1]
    drawn = [each for each in last.split("\r") if each.strip()]  # one over the other
    line = harmless(drawn[-1]).strip() if drawn else ""
    return line if _QUESTION.search(line) else ""


def is_secret(question: str) -> bool:
    """Whether the answer would be something that must not travel through a client."""
    return _SECRET.search(question) is not None and _YES_NO.search(question) is None


class End(enum.StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    OVER = "over"  # nobody was in time


@attrs.define(eq=False)
class Question:
    """One question of a child; `number` counts those of its job, from 1."""

    number: int
    turn: int
    cli: str
    text: str
    answer: str = ""
    end: End | None = None
    closed: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Questions:
    """The questions of one job. Each of its turns has at most one open at a time."""

    _open: dict[int, Question] = attrs.field(factory=dict)  # by number, oldest first
    _count: int = 0
    _listeners: int = 0
    _opened: Broadcast = attrs.field(factory=Broadcast)
    tell: Callable[[Question], None] | None = None  # called with each that is opened

    def __repr__(self) -> str:
        texts = ", ".join(each.text for each in self._open.values()) or "none"
        return f"<Questions: {self._count} so far, open: {texts}>"

    @property
    def open_ones(self) -> list[Question]:
        """The open questions, oldest first."""
        return list(self._open.values())

    @property
    def has_audience(self) -> bool:
        """Somebody can put a question to a person."""
        return self._listeners > 0

    @contextmanager
    def audience(self) -> Iterator[None]:
        """While in it, somebody can put a question to a person."""
        self._listeners += 1
        try:
            yield
        finally:
            self._listeners -= 1

    def expect(self) -> None:
        """From now on somebody looks for questions again and again, until the job ends."""
        self._listeners += 1

    def open(self, cli: str, text: str, *, turn: int = 1) -> Question:
        """Open a question of a turn; the one that it had open is over."""
        for question in self.open_ones:
            if question.turn == turn:
                self.close(question)
        self._count += 1
        question = self._open[self._count] = Question(self._count, turn, cli, text)
        self._opened.notify()
        if self.tell is not None:
            self.tell(question)
        return question

    def answer(self, number: int, said: str) -> bool:
        """Have something typed; False if the question is over."""
        question = self._open.get(number)
        if question is None:
            return False
        question.answer = said
        self._end(question, End.ANSWERED)
        return True

    def refuse(self, number: int) -> bool:
        """Leave the child waiting; False if the question is over."""
        question = self._open.get(number)
        if question is None:
            return False
        self._end(question, End.REFUSED)
        return True

    def close(self, question: Question) -> None:
        """It needs no answer any more. Nothing to do if it has ended."""
        if question.end is None:
            self._end(question, End.OVER)

    async def wait_after(self, number: int) -> Question:
        """The oldest open question with a higher number, once there is one. A checkpoint.

        Cancelling it ends the wait.
        """
        await trio.lowlevel.checkpoint()
        while True:
            for question in self._open.values():
                if question.number > number:
                    return question
            await self._opened.wait()

    def _end(self, question: Question, end: End) -> None:
        question.end = end
        self._open.pop(question.number, None)
        question.closed.set()
