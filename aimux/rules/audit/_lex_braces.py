"""JavaScript, TypeScript and Go in tokens.

Both have C's comments and brackets, and end statements at the ends of lines. What begins like a
string and does not end on its line is no string: an apostrophe in the text of a page is not.
"""

import re
from collections.abc import Iterator
from typing import Final

from ._tokens import Comment, Kind, Lexed, Token

MAX_NESTED: Final = 6  # templates in templates that are still read as code
_BLANK: Final = r"(?P<blank>[ \t\r\f\v\u00a0\ufeff]+)|(?P<newline>\n)"
_COMMENT: Final = r"(?P<comment>//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))"
_STRING: Final = (
    r"(?P<string>\"(?:[^\"\\\n]|\\(?:\r\n|[\s\S]))*\"|'(?:[^'\\\n]|\\(?:\r\n|[\s\S]))*')"
)
_NUMBER: Final = r"(?P<number>\.?\d(?:[eEpP][+-]\d|[\w.])*)"
_WORD: Final = r"(?P<word>[#@]?(?:[^\W\d]|\$)[\w$]*)"
_OPERATOR: Final = (
    r"(?P<operator>>>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|&\^=|=>|==|!=|<=|>=|:=|<-"
    r"|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|\*\*|[\s\S])"
)
_TOKEN: Final = re.compile("|".join((_BLANK, _COMMENT, _STRING, _NUMBER, _WORD, _OPERATOR)))
_REGEX: Final = re.compile(
    r"/(?![*/])(?:[^\\/\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+/[a-z]*", re.ASCII
)
_IN_TEMPLATE: Final = re.compile(r"\\[\s\S]|`|\$\{")
_IN_VALUE: Final = re.compile(
    r"\"(?:[^\"\\\n]|\\[\s\S])*\"|'(?:[^'\\\n]|\\[\s\S])*'|/\*[\s\S]*?(?:\*/|\Z)|[`{}]"
)
_BEFORE_REGEX: Final = frozenset({
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do",
    "instanceof", "yield", "await",
})  # fmt: skip
_GO_ENDS: Final = frozenset({"break", "continue", "fallthrough", "return"})
_GO_WORDS: Final = frozenset({
    "case", "chan", "const", "default", "defer", "else", "for", "func", "go", "goto", "if",
    "import", "interface", "map", "package", "range", "select", "struct", "switch", "type", "var",
})  # fmt: skip
_GOES_ON: Final = frozenset({
    ".", "?.", "(", "[", "+", "-", "*", "/", "%", ",", "?", ":", "&&", "||", "??", "=", "==",
    "===", "!=", "!==", "<", ">", "<=", ">=", "=>", "{", "instanceof", "in", "of", "&", "|", "^",
    "+=", "-=", "as", ")", "]", ";", "**",
})  # fmt: skip
_LEADS_ON: Final = _BEFORE_REGEX | {"const", "let", "var", "export", "import", "default", "async"}


def lex_braces(text: str, language: str) -> Lexed:
    """A text of `javascript` or `go` in tokens. It takes time in proportion to its length."""
    lexer = _Lexer(language)
    lexer.run(text, 1, 0)
    return Lexed(lexer.streams, lexer.comments)


class _Lexer:
    def __init__(self, language: str) -> None:
        self.is_go = language == "go"
        self.streams: list[list[Token]] = []
        self.comments: list[Comment] = []

    def run(self, text: str, line: int, depth: int) -> None:
        tokens: list[Token] = []
        self.streams.append(tokens)
        brackets: list[str] = []
        at, end, is_new_line = 0, len(text), False
        while at < end:
            found = None
            if text[at] in "`/":
                found = self._quoted(text, at, line, depth, tokens)
            if found is None:
                match = _TOKEN.match(text, at)
                assert match is not None  # the last alternative takes any character
                kind, piece, after = match.lastgroup, match.group(), match.end()
                lines = piece.count("\n") if kind in {"comment", "string", "newline"} else 0
                if kind == "newline" or (kind == "comment" and lines):
                    is_new_line = True
                if kind == "comment":
                    self.comments.append(Comment(line, piece))
                if kind in {"blank", "newline", "comment"}:
                    at, line = after, line + lines
                    continue
                token = Token(_KINDS[kind or "operator"], piece, line, line + lines)
            else:
                token, after = found
            if is_new_line and tokens and self._ends(tokens[-1], token, brackets):
                tokens.append(Token(Kind.OPERATOR, ";", tokens[-1].end_line, tokens[-1].end_line))
            is_new_line = False
            if token.kind is Kind.OPERATOR:
                _keep(brackets, token.text)
            tokens.append(token)
            at, line = after, token.end_line

    def _quoted(
        self, text: str, at: int, line: int, depth: int, tokens: list[Token]
    ) -> tuple[Token, int] | None:
        """A template, a raw string or a regular expression that begins here."""
        first = text[at]
        if first == "`":
            if self.is_go:
                after = text.find("`", at + 1) + 1 or len(text)
                return _quote(text, at, after, line), after
            after, values = _template(text, at + 1)
            if depth < MAX_NESTED:
                for start, stop in values:
                    self.run(text[start:stop], line + text.count("\n", at, start), depth + 1)
            return _quote(text, at, after, line, has_values=bool(values)), after
        if first == "/" and not self.is_go and _may_be_regex(tokens):
            match = _REGEX.match(text, at)
            if match is not None:
                return Token(Kind.REGEX, match.group(), line, line), match.end()
        return None

    def _ends(self, before: Token, after: Token, brackets: list[str]) -> bool:
        """Whether a line that ends between these tokens ends a statement."""
        if before.kind is Kind.OPERATOR:
            if before.text not in {")", "]", "}", "++", "--"}:
                return False
        elif before.kind is Kind.WORD:
            words = _GO_WORDS if self.is_go else _LEADS_ON
            if before.text in words and before.text not in _GO_ENDS:
                return False
        if self.is_go:
            return True
        is_inner = bool(brackets) and brackets[-1] != "{"
        return not is_inner and after.text not in _GOES_ON


_KINDS: Final = {
    "string": Kind.STRING,
    "number": Kind.NUMBER,
    "word": Kind.WORD,
    "operator": Kind.OPERATOR,
}


def _keep(brackets: list[str], text: str) -> None:
    if text in {"(", "[", "{"}:
        brackets.append(text)
    elif text in {")", "]", "}"} and brackets:
        brackets.pop()


def _quote(text: str, at: int, after: int, line: int, *, has_values: bool = False) -> Token:
    piece = text[at:after]
    return Token(Kind.STRING, piece, line, line + piece.count("\n"), has_values=has_values)


def _may_be_regex(tokens: list[Token]) -> bool:
    """Whether a `/` after these begins a pattern; else it divides."""
    if not tokens:
        return True
    last = tokens[-1]
    if last.kind is Kind.WORD:
        return last.text in _BEFORE_REGEX
    return last.kind is Kind.OPERATOR and last.text not in {")", "]", "}", "++", "--"}


def _template(text: str, at: int) -> tuple[int, list[tuple[int, int]]]:
    """Where a template ends that begins before `at`, and from where to where its values go."""
    values: list[tuple[int, int]] = []
    waiting: list[int] = []  # not empty while a value is open
    start = at
    for mark, index, after in _places(text, at, waiting):
        if not waiting:  # in the text of the outermost template
            if mark == "`":
                return after, values
            start = after
            waiting.append(0)
        elif mark == "end":
            values.append((start, index))
    return len(text), values


def _places(text: str, at: int, waiting: list[int]) -> Iterator[tuple[str, int, int]]:
    """Marks of the outermost template: `, ${ and end of a value; nested ones are gone through."""
    nested: list[str] = []  # inside of a value: each template and value that is open in it
    while True:
        in_code = bool(waiting) and (not nested or nested[-1] == "{")
        match = (_IN_VALUE if in_code else _IN_TEMPLATE).search(text, at)
        if match is None:
            return
        mark, at = match.group(), match.end()
        if not waiting:
            if mark in {"`", "${"}:
                yield mark, match.start(), at
        elif in_code:
            if mark == "`":
                nested.append("`")
            elif mark == "{":
                nested.append("{")
            elif mark == "}" and not nested:
                yield "end", match.start(), at
                waiting.pop()
            elif mark == "}":
                nested.pop()
        elif mark == "`":
            nested.pop()
        elif mark == "${":
            nested.append("{")
