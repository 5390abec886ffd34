"""Editing JSON in place, as editors keep it: comments, a comma too many, anybody's layout.

A text is read into nodes that know where they stand; an edit touches the one place it is about.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

INDENT: Final = "  "  # where a file shows none
_DECODER: Final = json.JSONDecoder()
_GAP: Final = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_LINE_COMMENT: Final = re.compile(r"//[^\r\n]*\Z")
_SCALAR: Final = re.compile(r"[^\s,\]}/]+")


@attrs.frozen
class Node:
    """A value and where it stands. `members` are those of an object, the last of each name."""

    start: int
    end: int
    value: object
    members: Mapping[str, "Node"] | None = None
    keys: Mapping[str, int] = attrs.field(factory=dict)  # where each name stands
    has_comma: bool = False  # behind the last member


def parse(text: str) -> Node:
    """The value that a text holds; an empty object where it holds nothing but comments.

    Raises:
        ValueError: it is no JSON, with or without comments.
    """
    start = _skipped(text, 0)
    if start == len(text):
        return Node(start, start, {}, {})
    try:
        root = _value(text, start)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    end = _skipped(text, root.end)
    if end < len(text):
        raise _fault(text, end, "something follows the end")
    return root


def with_value(text: str, path: Sequence[str], value: object) -> str:
    """The text with `value` under these keys; objects on the way are made. All else stays.

    Raises:
        ValueError: it is no JSON, or something on the way is no object.
    """
    root = node = parse(text)
    for at, key in enumerate(path):
        if node.members is None:
            raise ValueError(f"{'.'.join(path[:at]) or 'the whole'} is not an object")
        if key not in node.members:
            for missing in reversed(path[at + 1 :]):
                value = {missing: value}
            return _inserted(text, root, node, key, value)
        node = node.members[key]
    if node.value == value and type(node.value) is type(value):
        return text
    shown = _shown(text, root, value, _indent_at(text, node.start))
    return text[: node.start] + shown + text[node.end :]


def without_value(text: str, path: Sequence[str]) -> str:
    """The text without the member under these keys. All else stays, comments beside it too.

    Raises:
        ValueError: it is no JSON, or there is no such member.
    """
    into = parse(text)
    for key in path[:-1]:
        into = _member(into, key)
    name = path[-1]
    node, start = _member(into, name), into.keys[name]
    end, has_comma = node.end, False
    at = _skipped(text, node.end)
    if text[at : at + 1] == ",":
        end, has_comma = at + 1, True
    line = text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*(?:\r?\n)?").match(text, end)
    assert rest is not None
    if not text[line:start].strip() and rest[0].endswith("\n"):  # it has its lines to itself
        head, tail = text[:line], text[rest.end() :]
    else:
        head, tail = text[:start].rstrip(" \t"), text[end:].lstrip(" \t")
    assert into.members is not None
    before = [each.end for key, each in into.members.items() if into.keys[key] < start]
    is_last = all(at <= start for at in into.keys.values())
    if before and is_last and not has_comma:  # nobody needs the comma before it
        comma = _skipped(text, max(before))
        head = head[:comma] + head[comma + 1 :]
    return head + tail


def _member(node: Node, key: str) -> Node:
    if node.members is None or key not in node.members:
        raise ValueError(f"there is no {key}")
    return node.members[key]


# --------------------------------------------------------------------------------------- reading


def _fault(text: str, at: int, what: str) -> ValueError:
    line = text.count("\n", 0, at) + 1
    return ValueError(f"{what}: line {line} column {at - text.rfind(chr(10), 0, at)}")


def _skipped(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    assert found is not None
    return found.end()


def _value(text: str, at: int) -> Node:
    match text[at : at + 1]:
        case "{":
            return _object(text, at)
        case "[":
            return _list(text, at)
        case '"':
            value, end = _string(text, at)
            return Node(at, end, value)
        case _:
            found = _SCALAR.match(text, at)
            word = found[0] if found is not None else ""
            try:
                return Node(at, at + len(word), json.loads(word))
            except ValueError as error:
                raise _fault(text, at, "a value is missing") from error


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except ValueError as error:
        raise _fault(text, at, "no string") from error
    return str(value), end


def _object(text: str, start: int) -> Node:
    members: dict[str, Node] = {}
    keys: dict[str, int] = {}
    at, has_comma = _skipped(text, start + 1), False
    while text[at : at + 1] != "}":
        if members and not has_comma:
            raise _fault(text, at, "a comma is missing")
        if text[at : at + 1] != '"':
            raise _fault(text, at, "a name is missing")
        key, end = _string(text, at)
        colon = _skipped(text, end)
        if text[colon : colon + 1] != ":":
            raise _fault(text, colon, "a colon is missing")
        members.pop(key, None)  # the last of a name counts, and stands last
        members[key] = _value(text, _skipped(text, colon + 1))
        keys[key] = at
        at, has_comma = _behind_comma(text, members[key].end)
    value = {key: node.value for key, node in members.items()}
    return Node(start, at + 1, value, members, keys, has_comma)


def _list(text: str, start: int) -> Node:
    values: list[object] = []
    at, has_comma = _skipped(text, start + 1), False
    while text[at : at + 1] != "]":
        if values and not has_comma:
            raise _fault(text, at, "a comma is missing")
        node = _value(text, at)
        values.append(node.value)
        at, has_comma = _behind_comma(text, node.end)
    return Node(start, at + 1, values)


def _behind_comma(text: str, end: int) -> tuple[int, bool]:
    at = _skipped(text, end)
    has_comma = text[at : at + 1] == ","
    return (_skipped(text, at + 1) if has_comma else at), has_comma


# --------------------------------------------------------------------------------------- writing


def _break_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent_at(text: str, at: int) -> str:
    """The blanks that begin the line."""
    begin = text.rfind("\n", 0, at) + 1
    found = re.match(r"[ \t]*", text[begin:at])
    assert found is not None
    return found[0]


def _unit(text: str, root: Node) -> str:
    """One level of this file's layout."""
    for at in root.keys.values():
        indent = _indent_at(text, at)
        if indent and text[text.rfind("\n", 0, at) + 1 : at] == indent:
            return indent
    return INDENT


def _shown(text: str, root: Node, value: object, indent: str) -> str:
    made = json.dumps(value, indent=_unit(text, root), ensure_ascii=False)
    return made.replace("\n", _break_of(text) + indent)


def _inserted(text: str, root: Node, into: Node, key: str, value: object) -> str:
    name = json.dumps(key, ensure_ascii=False)
    assert into.members is not None
    if into.start == into.end:  # a file of comments, or of nothing
        made = _shown(text, root, {key: value}, "")
        gap = _break_of(text) if text and not text.endswith("\n") else ""
        return f"{text}{gap}{made}{_break_of(text)}"
    close = into.end - 1
    last = max((node.end for node in into.members.values()), default=into.start + 1)
    head = text[:close].rstrip(" \t\r\n")
    tail = text[len(head) : close]
    if into.members and not into.has_comma:
        head = f"{head[:last]},{head[last:]}"
    is_commented = _LINE_COMMENT.search(text[last:close].rstrip(" \t\r\n")) is not None
    if into.members and "\n" not in tail and not is_commented:  # all on one line
        return f"{head} {name}: {json.dumps(value, ensure_ascii=False)}{tail}{text[close:]}"
    base = _indent_at(text, into.start)
    own = [_indent_at(text, at) for at in into.keys.values() if _is_first(text, at)]
    indent = own[0] if own else base + _unit(text, root)
    end = tail if "\n" in tail else _break_of(text) + base
    made = f"{_break_of(text)}{indent}{name}: {_shown(text, root, value, indent)}"
    return f"{head}{made}{end}{text[close:]}"


def _is_first(text: str, at: int) -> bool:
    """Whether nothing but blanks stands before it on its line."""
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()
