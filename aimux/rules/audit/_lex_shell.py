"""Shell scripts in tokens: words as they are written, operators, ends of statements.

A word that a value is put into is told, and whether the shell splits it there, without quotes.
What runs in `$(…)` and backquotes is a stream of its own; here documents are gone over.
"""

import re
from typing import Final

from ._tokens import Comment, Kind, Lexed, Token

MAX_NESTED: Final = 6  # commands in commands that are still read
_BLANK: Final = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_OPERATOR: Final = re.compile(
    r";;&?|;|&&|\|\||\|&?|\d*(?:<<<|<<-?|<&|>>|>&|>\||<>|&>>?|<\(|>\(|[<>])|[&()]"
)
_SIMPLE: Final = re.compile(r"[^\s;&|()<>\\'\"`$#]+(?=[\s;&|()]|\Z)")
_PLAIN: Final = re.compile(r"[^\s;&|()<>\\'\"`$]+")
_NAME: Final = re.compile(r"\$(?:\w+|[@*])")
_HERE: Final = re.compile(r"[ \t]*(\\?)(['\"]?)([\w.+-]+)\2")
_IN_DOUBLE: Final = re.compile(r"[^\"\\`$]+|\\[\s\S]")
_IN_BRACE: Final = re.compile(r"\\[\s\S]|\$\{|\}")
_BODY: Final = re.compile(r"[()]|\\[\s\S]|'[^']*'|\"(?:[^\"\\]|\\[\s\S])*\"|`[^`]*`")


def lex_shell(text: str) -> Lexed:
    """A shell script in tokens. It takes time in proportion to its length."""
    lexer = _Lexer()
    lexer.run(text, 1, 0)
    return Lexed(lexer.streams, lexer.comments)


class _Word:
    """A word on its way."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.has_values = False
        self.is_bare = False
        self.commands: list[tuple[int, int]] = []  # from where to where inner commands go


class _Lexer:
    def __init__(self) -> None:
        self.streams: list[list[Token]] = []
        self.comments: list[Comment] = []

    def run(self, text: str, line: int, depth: int) -> None:
        tokens: list[Token] = []
        self.streams.append(tokens)
        here: list[tuple[str, bool]] = []
        at, end = 0, len(text)
        while at < end:
            blank = _BLANK.match(text, at)
            if blank is not None:
                line, at = line + blank.group().count("\n"), blank.end()
            elif text[at] == "\n":
                at, skipped = _after_here(text, at + 1, here)
                here = []
                if tokens and tokens[-1].text != ";":
                    tokens.append(Token(Kind.OPERATOR, ";", line, line))
                line += 1 + skipped
            elif text[at] == "#":
                stop = text.find("\n", at)
                stop = end if stop < 0 else stop
                self.comments.append(Comment(line, text[at:stop]))
                at = stop
            elif (operator := _OPERATOR.match(text, at)) is not None:
                mark = operator.group()
                tokens.append(Token(Kind.OPERATOR, ";" if mark == ";;" else mark, line, line))
                at = operator.end()
                if mark.lstrip("0123456789") in {"<<", "<<-"}:
                    named = _HERE.match(text, at)
                    if named is not None:
                        here.append((named[3], mark.endswith("-")))
                        at = named.end()
            else:
                token, at = self._word(text, at, line, depth)
                tokens.append(token)
                line = token.end_line

    def _word(self, text: str, at: int, line: int, depth: int) -> tuple[Token, int]:
        simple = _SIMPLE.match(text, at)
        if simple is not None:
            return Token(Kind.WORD, simple.group(), line, line), simple.end()
        word = _Word(at)
        end = len(text)
        while at < end:
            plain = _PLAIN.match(text, at)
            if plain is not None:
                at = plain.end()
                continue
            mark = text[at]
            if mark.isspace() or mark in ";&|()<>":
                break
            if mark == "\\":
                at = min(end, at + 2)
            elif mark == "'":
                at = _past(text, "'", at + 1)
            elif mark == '"':
                at = _double(text, at + 1, word)
            else:
                at = _value(text, at, word, is_bare=True)
        piece = text[word.at : at]
        if depth < MAX_NESTED:
            for start, stop in word.commands:
                inner = line + text.count("\n", word.at, start)
                self.run(text[start:stop], inner, depth + 1)
        last = line + piece.count("\n")
        kind = Kind.STRING if piece[0] in "'\"" and piece[-1] == piece[0] else Kind.WORD
        return Token(kind, piece, line, last, word.has_values, word.is_bare), at


def _past(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + 1


def _double(text: str, at: int, word: _Word) -> int:
    """Past the end of a double-quoted part."""
    end = len(text)
    while at < end:
        plain = _IN_DOUBLE.match(text, at)
        if plain is not None:
            at = plain.end()
        elif text[at] == '"':
            return at + 1
        else:
            at = _value(text, at, word, is_bare=False)
    return end


def _value(text: str, at: int, word: _Word, *, is_bare: bool) -> int:
    """Past a `$…` or a backquote; what does not begin a value is one character."""
    if text[at] == "`":
        stop = _past(text, "`", at + 1)
        word.commands.append((at + 1, stop - 1))
    elif text.startswith("$((", at):
        stop = text.find("))", at)
        return len(text) if stop < 0 else stop + 2  # a number
    elif text.startswith("$(", at):
        stop = _past_bracket(text, at + 2)
        word.commands.append((at + 2, stop - 1))
    elif text.startswith("${", at):
        stop = _past_brace(text, at + 2)
        if text.startswith("${#", at):
            return stop  # a number
    elif text.startswith("$'", at):
        return _past(text, "'", at + 2)
    else:
        name = _NAME.match(text, at)
        if name is None:
            return at + 1
        stop = name.end()
    word.has_values = True
    word.is_bare = word.is_bare or is_bare
    return stop


def _past_bracket(text: str, at: int) -> int:
    """Past the `)` that closes a command; quotes in it are gone over."""
    depth = 1
    for match in _BODY.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if not depth:
            return match.end()
    return len(text)


def _past_brace(text: str, at: int) -> int:
    """Past the `}` that closes a value; values inside of it are gone over."""
    depth = 1
    for match in _IN_BRACE.finditer(text, at):
        depth += {"${": 1, "}": -1}.get(match.group(), 0)
        if not depth:
            return match.end()
    return len(text)


def _after_here(text: str, at: int, here: list[tuple[str, bool]]) -> tuple[int, int]:
    """Past the here documents that begin on this line, and how many lines they have."""
    lines = 0
    for mark, is_indented in here:
        while at < len(text):
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            said = text[at:stop].rstrip("\r")
            at, lines = min(len(text), stop + 1), lines + 1
            if (said.lstrip("\t") if is_indented else said) == mark:
                break
    return at, lines
