"""What a child on a terminal asks a person, and how each question ends.

Theory of operation. The turn opens a question when its child has fallen silent on a line that reads
like one; a job has at most one open at a time, and their numbers never come again within it. It
ends once, by whatever comes first: it is answered (the words are typed), refused (the person does
not want to), or over (the child went on by itself, or is gone). Whoever comes after that is told
so. Who can put questions to a person while they wait for the job says so (`audience`): a child that
asks when nobody can is a warning at once.
"""

import enum
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio

from aimux.rules import harmless

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
    cli: str
    text: str
    answer: str = ""
    end: End | None = None
    closed: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Questions:
    """The questions of one job."""

    current: Question | None = None  # the open one
    _count: int = 0
    _listeners: int = 0
    _opened: trio.Event = attrs.field(factory=trio.Event)

    def __repr__(self) -> str:
        said = "none" if self.current is None else self.current.text
        return f"<Questions: {self._count} so far, open: {said}>"

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

    def open(self, cli: str, text: str) -> Question:
        """A new question; whatever was open is over."""
        if self.current is not None:
            self.close(self.current)
        self._count += 1
        self.current = Question(self._count, cli, text)
        self._opened.set()
        self._opened = trio.Event()
        return self.current

    def answer(self, number: int, said: str) -> bool:
        """Have something typed; False if the question is over."""
        question = self._open(number)
        if question is None:
            return False
        question.answer = said
        self._end(question, End.ANSWERED)
        return True

    def refuse(self, number: int) -> bool:
        """Leave the child waiting; False if the question is over."""
        question = self._open(number)
        if question is None:
            return False
        self._end(question, End.REFUSED)
        return True

    def close(self, question: Question) -> None:
        """It needs no answer any more. Nothing to do if it has ended."""
        if question.end is None:
            self._end(question, End.OVER)

    async def wait_after(self, number: int) -> Question:
        """The open question, once there is one with a higher number."""
        await trio.lowlevel.checkpoint()
        while self.current is None or self.current.number <= number:
            await self._opened.wait()
        return self.current

    def _open(self, number: int) -> Question | None:
        question = self.current
        return question if question is not None and question.number == number else None

    def _end(self, question: Question, end: End) -> None:
        question.end = end
        question.closed.set()
        if self.current is question:
            self.current = None
