"""Expressions over values, for workflows: parsed once, evaluated on values, never on text.

    expr     = or
    or       = and {"or" and}            and = not {"and" not}         not = ["not"] compare
    compare  = operand [("==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "in") operand]
    operand  = literal | call | path | "(" expr ")"
    literal  = number | 'text' | "text" | true | false | null
    call     = ("length" | "lower" | "trim" | "default" | "json" | "first") "(" expr {"," expr} ")"
    path     = name {"." name | "[" whole number "]"}

A template is text with `{{ expr }}` in it. One that is nothing but an expression gives its value,
of whatever kind; else the values are put into the text in one pass: what comes out is never read
again, so no output can become an expression. `{{ }}` in a condition are brackets.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import PeerFault

MAX_CHARS: Final = 4_000  # of one expression
MAX_LEVELS: Final = 32  # brackets and calls inside each other
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>==|!=|<=|>=|\{\{|\}\}|[<>().,\[\]]))"""
)
_SPAN: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_COMPARING: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "contains", "in"})
_CALLS: Final = {"length": 1, "lower": 1, "trim": 1, "default": 2, "json": 1, "first": 2}
_WORDS: Final = {"true": True, "false": False, "null": None}
_KEYWORDS: Final = frozenset({"and", "or", "not", "contains", "in"})


class ExpressionFault(PeerFault):
    """A text is no expression, or has no value here; the message says where and what is wanted."""

    default_code = "expression_invalid"


@attrs.frozen
class Literal:
    """A value that stands for itself."""

    value: object


@attrs.frozen
class Path:
    """A value to be looked up: a name, then fields and positions."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        first, *rest = self.parts
        return str(first) + "".join(
            f"[{each}]" if isinstance(each, int) else f".{each}" for each in rest
        )


@attrs.frozen
class Call:
    """A function or an operator with its operands."""

    name: str
    operands: "tuple[Expression, ...]"


Expression = Literal | Path | Call


@attrs.frozen
class Template:
    """Text and expressions in turns."""

    parts: tuple["str | Expression", ...]

    @property
    def expressions(self) -> list[Expression]:
        """The expressions in it."""
        return [each for each in self.parts if not isinstance(each, str)]


def parse_expression(text: str) -> Expression:
    """The expression that a text is.

    Raises:
        ExpressionFault: it is none.
    """
    if len(text) > MAX_CHARS:
        raise ExpressionFault(f"an expression of {len(text)} characters: the limit is {MAX_CHARS}")
    parser = _Parser(list(_tokens(text)), text)
    found = parser.either(0)
    if parser.left:
        raise parser.wrong("nothing more")
    return found


def parse_template(text: str) -> Template:
    """The template that a text is; one without `{{ }}` is a template too.

    Raises:
        ExpressionFault: what stands between `{{` and `}}` is no expression, or is not closed.
    """
    parts: list[str | Expression] = []
    at = 0
    for span in _SPAN.finditer(text):
        if span.start() > at:
            parts.append(text[at : span.start()])
        parts.append(parse_expression(span[1]))
        at = span.end()
    rest = text[at:]
    if "{{" in rest:
        raise ExpressionFault("{{ is not closed by }}")
    if rest or not parts:
        parts.append(rest)
    return Template(tuple(parts))


def paths_in(expression: Expression) -> Iterator[Path]:
    """Every path that an expression looks up."""
    match expression:
        case Path():
            yield expression
        case Call(operands=operands):
            for each in operands:
                yield from paths_in(each)
        case Literal():
            pass


def evaluate(expression: Expression, values: Mapping[str, object]) -> object:
    """The value of an expression.

    Raises:
        ExpressionFault: a path leads to nothing, or values cannot be compared.
    """
    match expression:
        case Literal(value):
            return value
        case Path():
            return _looked_up(expression, values)
        case Call("and", (left, right)):
            return _is_true(evaluate(left, values)) and _is_true(evaluate(right, values))
        case Call("or", (left, right)):
            return _is_true(evaluate(left, values)) or _is_true(evaluate(right, values))
        case Call("not", (only,)):
            return not _is_true(evaluate(only, values))
        case Call("default", (wanted, instead)):
            try:
                found = evaluate(wanted, values)
            except ExpressionFault:
                found = None
            return evaluate(instead, values) if found is None else found
        case Call(name, operands):
            return _applied(name, [evaluate(each, values) for each in operands])


def render(template: Template, values: Mapping[str, object]) -> object:
    """What a template comes to: a value if it is one expression, else text.

    Raises:
        ExpressionFault: a path leads to nothing, or values cannot be compared.
    """
    if len(template.parts) == 1:
        only = template.parts[0]
        return only if isinstance(only, str) else evaluate(only, values)
    return "".join(
        each if isinstance(each, str) else _text(evaluate(each, values)) for each in template.parts
    )


def is_true(expression: Expression, values: Mapping[str, object]) -> bool:
    """Whether a condition holds: anything but false, null, 0 and what is empty.

    Raises:
        ExpressionFault: a path leads to nothing, or values cannot be compared.
    """
    return _is_true(evaluate(expression, values))


# ------------------------------------------------------------------------------------------- parts


def _is_true(value: object) -> bool:
    return bool(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _looked_up(path: Path, values: Mapping[str, object]) -> object:
    found: object = values
    for number, part in enumerate(path.parts):
        match found, part:
            case Mapping(), str() if part in found:
                found = found[part]
            case list() | tuple(), int() if part < len(found):
                found = found[part]
            case _:
                shown = Path(path.parts[: number + 1])
                raise ExpressionFault(f"{path}: there is no {shown}", code="value_missing")
    return found


def _applied(name: str, given: Sequence[object]) -> object:
    match name, given:
        case "==", [left, right]:
            return _equal(left, right)
        case "!=", [left, right]:
            return not _equal(left, right)
        case "<" | "<=" | ">" | ">=", [left, right]:
            return _ordered(name, left, right)
        case "contains", [whole, part]:
            return _holds(whole, part)
        case "in", [part, whole]:
            return _holds(whole, part)
        case "length", [str() | list() | tuple() | dict() as value]:
            return len(value)
        case "lower", [str() as value]:
            return value.lower()
        case "trim", [str() as value]:
            return value.strip()
        case "json", [value]:
            return json.dumps(value, ensure_ascii=False)
        case "first", [str() | list() | tuple() as value, int() as count]:
            return value[:count]
    kinds = ", ".join(_kind(each) for each in given)
    raise ExpressionFault(f"{name} cannot be used with {kinds}", code="value_wrong")


def _equal(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def _ordered(name: str, left: object, right: object) -> bool:
    both = (left, right)
    if not (_all(both, int | float) or _all(both, str)) or any(isinstance(e, bool) for e in both):
        raise ExpressionFault(
            f"{name} cannot compare {_kind(left)} with {_kind(right)}", code="value_wrong"
        )
    less = bool(left < right)  # type: ignore[operator]  # of one kind, as checked
    is_equal = left == right
    return {"<": less, "<=": less or is_equal, ">": not (less or is_equal), ">=": not less}[name]


def _all(values: Sequence[object], kind: object) -> bool:
    return all(isinstance(each, kind) for each in values)  # type: ignore[arg-type]  # a kind


def _holds(whole: object, part: object) -> bool:
    match whole:
        case str():
            return _text(part) in whole
        case list() | tuple():
            return any(_equal(each, part) for each in whole)
        case Mapping():
            return part in whole
    raise ExpressionFault(f"{_kind(whole)} contains nothing", code="value_wrong")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
    return "an object"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ExpressionFault(f"{text.strip()!r}: {text[at:].strip()[:20]!r} is no part of it")
        word = found[found.lastgroup]
        if word in ("{{", "}}"):
            word = "(" if word == "{{" else ")"
        yield found.lastgroup, word
        at = found.end()


@attrs.define(eq=False)
class _Parser:
    """Goes through the tokens once; `left` is what has not been read."""

    left: list[tuple[str, str]]
    text: str

    def __attrs_post_init__(self) -> None:
        self.left.reverse()

    def wrong(self, wanted: str) -> ExpressionFault:
        found = repr(self.left[-1][1]) if self.left else "its end"
        return ExpressionFault(f"{self.text.strip()!r}: {wanted} was expected, not {found}")

    def _is(self, *words: str) -> bool:
        return bool(self.left) and self.left[-1][0] != "text" and self.left[-1][1] in words

    def _take(self, word: str) -> None:
        if not self._is(word):
            raise self.wrong(repr(word))
        self.left.pop()

    def either(self, level: int) -> Expression:
        if level > MAX_LEVELS:
            raise ExpressionFault(f"over {MAX_LEVELS} brackets inside each other")
        found = self._both(level)
        while self._is("or"):
            self.left.pop()
            found = Call("or", (found, self._both(level)))
        return found

    def _both(self, level: int) -> Expression:
        found = self._denied(level)
        while self._is("and"):
            self.left.pop()
            found = Call("and", (found, self._denied(level)))
        return found

    def _denied(self, level: int) -> Expression:
        count = 0
        while self._is("not"):
            self.left.pop()
            count += 1
        found = self._compared(level)
        return Call("not", (found,)) if count % 2 else found

    def _compared(self, level: int) -> Expression:
        left = self._operand(level)
        if not self._is(*_COMPARING):
            return left
        name = self.left.pop()[1]
        return Call(name, (left, self._operand(level)))

    def _operand(self, level: int) -> Expression:
        if not self.left:
            raise self.wrong("a value")
        kind, word = self.left[-1]
        if kind == "sign" and word == "(":
            self.left.pop()
            found = self.either(level + 1)
            self._take(")")
            return found
        if kind == "number":
            self.left.pop()
            return Literal(float(word) if "." in word else int(word))
        if kind == "text":
            self.left.pop()
            return Literal(re.sub(r"\\(.)", r"\1", word[1:-1]))
        if kind == "name" and word not in _KEYWORDS:
            self.left.pop()
            if self._is("("):
                return self._call(word, level)
            return Literal(_WORDS[word]) if word in _WORDS else self._path(word)
        raise self.wrong("a value")

    def _call(self, name: str, level: int) -> Expression:
        if name not in _CALLS:
            known = ", ".join(sorted(_CALLS))
            raise ExpressionFault(f"{name} is no function: there are {known}")
        self.left.pop()
        operands = [self.either(level + 1)]
        while self._is(","):
            self.left.pop()
            operands.append(self.either(level + 1))
        self._take(")")
        if len(operands) != _CALLS[name]:
            raise ExpressionFault(f"{name} takes {_CALLS[name]} values, not {len(operands)}")
        return Call(name, tuple(operands))

    def _path(self, first: str) -> Path:
        parts: list[str | int] = [first]
        while self._is(".", "["):
            sign = self.left.pop()[1]
            kind, word = self.left.pop() if self.left else ("", "")
            if sign == "." and kind == "name":
                parts.append(word)
            elif sign == "[" and kind == "number" and word.isdigit():
                parts.append(int(word))
                self._take("]")
            else:
                self.left.append((kind, word))
                raise self.wrong("a name or a position")
        return Path(tuple(parts))
