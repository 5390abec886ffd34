"""Tokens of a text in a language that we do not parse, in their brackets and functions.

Comments are kept apart, and what stands in a string, a template, a regular expression or a here
document is one token: a pattern never matches in them. Code inside of them, `${…}` and `$(…)`, is a
stream of its own.
"""

import bisect
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import attrs

MAX_STATEMENT: Final = 400  # tokens that one statement or header is looked through for
OPENERS: Final[Mapping[str, str]] = {"(": ")", "[": "]", "{": "}"}
SHELL_OPENERS: Final[Mapping[str, str]] = {"(": ")", "{": "}", "do": "done", "then": "fi"}
_BEFORE_COMMAND: Final = frozenset({
    ";", "&&", "||", "|", "&", "(", ")", "{", "do", "then", "else", "!",
})  # fmt: skip
_NO_FUNCTION: Final = frozenset({
    "if", "for", "while", "switch", "catch", "with", "else", "do", "try", "finally", "class",
    "interface", "enum", "namespace", "return", "case", "select", "struct",
})  # fmt: skip
_CONTROL: Final = frozenset({"if", "for", "while", "with"})
_ENDS: Final = frozenset({";", "{", "}"})


class Kind(enum.Enum):
    """What a token is."""

    WORD = enum.auto()
    NUMBER = enum.auto()
    STRING = enum.auto()  # a template too
    REGEX = enum.auto()
    OPERATOR = enum.auto()  # statements end in `;`, written or not


class Token(NamedTuple):
    """One token; `has_values`: what runs puts something in, `is_bare`: and a shell splits it."""

    kind: Kind
    text: str
    line: int
    end_line: int
    has_values: bool = False
    is_bare: bool = False


class Comment(NamedTuple):
    """A comment with its marks."""

    line: int
    text: str


@attrs.frozen
class Lexed:
    """A text in tokens: the streams, outermost first, and the comments."""

    streams: Sequence[Sequence[Token]]
    comments: Sequence[Comment]


class Stream:
    """Tokens that follow each other, and where their brackets, statements and functions are."""

    def __init__(self, tokens: Sequence[Token], language: str, *, is_value: bool = False) -> None:
        self.tokens = tokens
        self.is_value = is_value  # of a template: an expression, not statements
        self.language = language
        openers = SHELL_OPENERS if language == "shell" else OPENERS
        closers = {close: begin for begin, close in openers.items()}
        self.partner: dict[int, int] = {}  # both ways
        self.outer: list[int] = []  # the bracket around each token, -1 for none
        self._where: dict[str, list[int]] = {}
        self._functions: dict[int, bool] = {}
        waiting: list[int] = []
        is_command = True  # whether a command of a shell may begin here
        for index, token in enumerate(tokens):
            text = token.text
            self._where.setdefault(text, []).append(index)
            is_code = token.kind is Kind.OPERATOR or (is_command and language == "shell")
            if is_code and text in closers:
                self._close(waiting, closers[text], index)
            self.outer.append(waiting[-1] if waiting else -1)
            if is_code and text in openers:
                waiting.append(index)
            is_command = text in _BEFORE_COMMAND and is_code

    def _close(self, waiting: list[int], begin: str, index: int) -> None:
        for back in range(len(waiting) - 1, max(-1, len(waiting) - 20), -1):
            if self.tokens[waiting[back]].text == begin:
                self.partner[waiting[back]] = index
                self.partner[index] = waiting[back]
                del waiting[back:]
                return

    def where(self, text: str, start: int, end: int) -> Sequence[int]:
        """Indexes from `start` to before `end` of tokens that read so."""
        found = self._where.get(text, [])
        return found[bisect.bisect_left(found, start) : bisect.bisect_left(found, end)]

    def is_statement_start(self, index: int) -> bool:
        """Whether a statement begins here."""
        if not index:
            return not self.is_value
        before = self.tokens[index - 1]
        if before.text in {";", "{", "}", "else", "do", "then", "&&", "||", "|", "&", "!"}:
            is_shell = self.language == "shell"
            return is_shell or before.text in {";", "{", "}", "else", "do"}
        begin = self.partner.get(index - 1, 0) if before.text == ")" else 0
        return bool(begin) and self.tokens[begin - 1].text in _CONTROL

    def is_statement_end(self, index: int) -> bool:
        """Whether the statement before this index is over."""
        ends = {";", "}", ")", "&"} if self.language == "shell" else {";", "}"}
        return index >= len(self.tokens) or self.tokens[index].text in ends

    def statement(self, index: int) -> tuple[int, int]:
        """From where to before where the whole statement around a token goes."""
        while (outer := self.outer[index]) >= 0 and self.tokens[outer].text in {"(", "["}:
            index = outer
        start = index
        while start > 0 and index - start < MAX_STATEMENT and not self._ends(start - 1):
            start = min(self.partner.get(start - 1, start - 1), start - 1)
        end, stop = index, min(len(self.tokens), index + MAX_STATEMENT)
        while end < stop and self.tokens[end].text not in {";", "}"}:
            end = max(end, self.partner.get(end, end)) + 1
        return start, max(end, index + 1)

    def _ends(self, index: int) -> bool:
        return self.tokens[index].text in _ENDS

    def header(self, brace: int) -> tuple[int, int]:
        """What stands before a `{`: from where, up to it."""
        is_inner = self.outer[brace] >= 0 and self.tokens[self.outer[brace]].text in {"(", "["}
        start = brace
        while start > 0 and brace - start < MAX_STATEMENT:
            before = start - 1
            text = self.tokens[before].text
            if text == ";" and self.language == "go" and self._is_written(before):
                start = before  # `for i := 0; i < n; i++ {`
                continue
            if text in _ENDS or before == self.outer[brace] or (is_inner and text == ","):
                break
            start = min(self.partner.get(before, before), before)
        return start, brace

    def _is_written(self, index: int) -> bool:
        """Whether a `;` stands in the source: what follows is on its line."""
        after = index + 1
        return after < len(self.tokens) and self.tokens[after].line == self.tokens[index].line

    def is_function(self, brace: int) -> bool:
        """Whether a `{` begins the body of a function."""
        if brace not in self._functions:
            self._functions[brace] = self._is_function(brace)
        return self._functions[brace]

    def _is_function(self, brace: int) -> bool:
        if self.tokens[brace].text != "{" or not brace:
            return False
        before = self.tokens[brace - 1].text
        if self.language == "shell":
            return before == ")"
        start, end = self.header(brace)
        texts = [each.text for each in self.tokens[start:end]]
        if self.language == "go":
            return "func" in texts
        if before == "=>" or "function" in texts:
            return True
        return bool(texts) and "(" in texts and "=" not in texts and texts[0] not in _NO_FUNCTION

    def blocks(self, index: int) -> Iterator[int]:
        """The brackets around a token inside its function, the nearest first."""
        at = self.outer[index]
        while at >= 0 and not self.is_function(at):
            yield at
            at = self.outer[at]

    def function(self, index: int) -> int:
        """The `{` of the nearest function around a token, -1 for none."""
        at = self.outer[index]
        while at >= 0 and not self.is_function(at):
            at = self.outer[at]
        return at

    def end_of(self, opener: int) -> int:
        """The index of what closes a bracket; the end where nothing does, or for -1."""
        return self.partner.get(opener, len(self.tokens))
