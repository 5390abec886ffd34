"""What of a turn's text is the answer.

A CLI says its text in pieces, in whole messages, and once more in its closing record; not every CLI
says it in all three. The answer is what the stream said as a whole: pieces that no message closes
are a message, texts of one message belong together, and a closing record adds to that and takes
nothing away. Text behind a closing record stands behind its answer, until the next one.
"""

from typing import Final

# Beyond it an answer is cut, with a warning. Twice the longest message a model writes (128k tokens
# of some four characters). A result carries it twice, as text and as JSON: at four bytes each that
# is within the 16 MiB that our own ends read. What is cut off is in the turn's raw output.
MAX_ANSWER_CHARS: Final = 2**20
MAX_PIECES: Final = 1_000  # held apart; small strings cost more than what is in them
BREAK: Final = "\n\n"
# A text of one message that begins with all of the one before it repeats it; a shorter one may be
# a piece of JSON that happens to come twice.
_REPEAT_CHARS: Final = 20


class _Message:
    """Text of one message; `of` is the message's own id, where it has one."""

    def __init__(self, text: str, of: str = "", *, is_cut: bool = False) -> None:
        self.of = of
        self.is_cut = is_cut
        self._parts = [text]
        self._chars = len(text)

    @property
    def text(self) -> str:
        """All of it; its parts are put together when somebody looks, there may be very many."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]

    def add(self, text: str, *, is_apart: bool) -> None:
        """Add the next text of the same message: one that is apart, or what follows at once, or
        the same text grown longer.
        """
        if is_apart:
            text = f"{BREAK}{text}"
        elif len(text) >= self._chars >= _REPEAT_CHARS and text.startswith(self.text):
            text = text[self._chars :]
        text, is_cut = fitted(text, MAX_ANSWER_CHARS - self._chars)
        self.is_cut = self.is_cut or is_cut
        self._parts.append(text)
        self._chars += len(text)


class AnswerState:
    """The answer of one turn so far. `joins` says that it is all messages, not the last one."""

    def __init__(self, *, joins: bool) -> None:
        self._joins = joins
        self._closed: _Message | None = None  # what the last closing record left
        self._messages: list[_Message] = []  # since then
        self._kept_chars = 0  # of both, where they share the limit
        self._open: list[str] = []
        self._open_chars = 0
        self._open_of = ""
        self._is_open_apart = False
        self._is_open_cut = False
        self._offered = ""
        self.is_full = False  # no text that follows could become part of the answer

    # ------------------------------------------------------------------------------- what is said

    def piece(self, text: str, *, of: str = "", is_apart: bool = False) -> str:
        """Add a piece of the message being written; what was kept of it."""
        room = MAX_ANSWER_CHARS - self._kept_chars - self._open_chars
        kept = text
        if len(text) > room:  # the usual piece takes the short way
            kept, is_cut = fitted(text, room)
            self._is_open_cut = self._is_open_cut or is_cut
            self.is_full = self.is_full or (self._joins and is_cut)
        if kept:
            if not self._open:
                self._open_of, self._is_open_apart = of, is_apart
            self._open.append(kept)
            self._open_chars += len(kept)
            if len(self._open) > MAX_PIECES:
                self._open = [self.open_text]
        return kept

    def message(self, text: str | None = None, *, of: str = "", is_apart: bool = False) -> str:
        """The message being written is whole, `text` where the CLI repeats it; what was kept of it.

        Messages `of` the same id are one, `is_apart` with an empty line between.
        """
        is_cut = self._is_open_cut and text is None
        if text is None:
            text, of = self.open_text, of or self._open_of
            is_apart = is_apart or self._is_open_apart
        if self._open:
            self._drop_open()
        if not text or text.isspace():
            return ""
        text, is_over = fitted(text, MAX_ANSWER_CHARS - self._kept_chars)
        is_cut = is_cut or is_over
        last = self._messages[-1] if self._messages else None
        if of and last is not None and last.of == of:
            last.add(text, is_apart=is_apart)
            last.is_cut = last.is_cut or is_cut
        else:
            if not self._joins:
                self._messages.clear()
            self._messages.append(_Message(text, of, is_cut=is_cut))
        if self._joins:
            self._kept_chars += len(text)
            self.is_full = self.is_full or is_cut
        return text

    def close(self, told: str) -> str:
        """A closing record came that says that `told` is the answer, or says no text at all.

        Where the stream has said all of `told` and more, that stands. Returns the text of the
        message that this closes, an empty one if all of them are closed.
        """
        being = self.open_text
        since = self._since()
        said = BREAK.join(each.text for each in since)
        told, is_cut = fitted(told, MAX_ANSWER_CHARS)
        if told.strip() and told.strip() not in said:
            being = told
            self._closed = _Message(told, is_cut=is_cut)
        elif since:
            before = [self._closed] if self._joins and self._closed is not None else []
            parts = [*before, *since]
            whole = BREAK.join(each.text for each in parts)
            self._closed = _Message(whole, is_cut=any(each.is_cut for each in parts))
        self._messages.clear()
        self._drop_open()
        if self._joins and self._closed is not None:
            self._kept_chars = len(self._closed.text)
        return being if being.strip() else ""

    def offer(self, text: str) -> None:
        """Text that is the answer if no other comes: a plan or a report given to a tool."""
        if text.strip():
            self._offered = fitted(text, MAX_ANSWER_CHARS)[0]

    def retract(self, text: str) -> None:
        """The last message was no answer but the text of an error."""
        if self._messages and self._messages[-1].text == text:
            self._messages.pop()
            if self._joins:
                self._kept_chars -= len(text)

    # ------------------------------------------------------------------------------- what it makes

    @property
    def open_text(self) -> str:
        """The pieces since the last message."""
        return "".join(self._open)

    @property
    def is_writing(self) -> bool:
        """True if a piece was seen since the last message."""
        return bool(self._open)

    @property
    def whole(self) -> tuple[str, bool]:
        """The answer so far, and whether more was said than is kept of it."""
        parts = self._since()
        if self._closed is not None and [each.text for each in parts] != [self._closed.text]:
            parts.insert(0, self._closed)
        text = BREAK.join(each.text.strip("\n") for each in parts)
        text, is_over = fitted(text, MAX_ANSWER_CHARS + len(BREAK))
        is_cut = is_over or any(each.is_cut for each in parts)
        return (text if text.strip() else self._offered).strip("\n").rstrip(), is_cut

    def _since(self) -> list[_Message]:
        """What was said since the last closing record and is not replaced by what came later."""
        text = self.open_text
        if not text.strip():
            return list(self._messages)
        being = _Message(text, self._open_of, is_cut=self._is_open_cut)
        last = self._messages[-1] if self._messages else None
        if being.of and last is not None and last.of == being.of:
            both = _Message(last.text, last.of, is_cut=last.is_cut or being.is_cut)
            both.add(text, is_apart=self._is_open_apart)
            return [*self._messages[:-1], both]
        return [*self._messages, being] if self._joins else [being]

    def _drop_open(self) -> None:
        self._open.clear()
        self._open_chars = 0
        self._open_of = ""
        self._is_open_apart = False
        self._is_open_cut = False


def fitted(text: str, room: int) -> tuple[str, bool]:
    """As much of `text` as there is room for, and whether more than blanks was cut off."""
    room = max(0, room)
    if len(text) <= room:
        return text, False
    return text[:room], bool(text[room:].strip())
