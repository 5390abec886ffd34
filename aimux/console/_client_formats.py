"""Our entry in a client's file: put in, taken out, and everything else left as it stands.

Each edit is made on the text, for comments, order and layout to stay, and then judged on what the
text means: an edit that would change anything else is refused.
"""

import tomllib
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import orjson

from ._jsonc import parse, with_value, without_value

Json = dict[str, object]


@attrs.frozen(kw_only=True)
class Format:
    """One way to write a file: what it means, and the two edits. All raise ValueError."""

    meaning: Callable[[str], Json]
    put: Callable[[str, Sequence[str], Json], str]
    take: Callable[[str, Sequence[str]], str]


def with_entry(kind: str, text: str, path: Sequence[str], entry: Json) -> str:
    """The text with `entry` under these keys; what else was in an older entry stays.

    Raises:
        ValueError: it cannot be read, or is written in a way that is not understood.
    """
    chosen = FORMATS[kind]
    tree = chosen.meaning(text)
    known = entry_of(tree, path)
    wanted: object = {**known, **entry} if isinstance(known, dict) else entry
    if known == wanted:
        return text
    after = chosen.put(text, path, entry)
    _check(path, _replaced(tree, path, wanted), partial(chosen.meaning, after))
    return after


def without_entry(kind: str, text: str, path: Sequence[str]) -> str:
    """The text without what stands under these keys.

    Raises:
        ValueError: it cannot be read, or is written in a way that is not understood.
    """
    chosen = FORMATS[kind]
    tree = chosen.meaning(text)
    if entry_of(tree, path) is None:
        return text
    after = chosen.take(text, path)
    _check(path, _pruned(tree, path), lambda: _pruned(chosen.meaning(after), path))
    return after


def _check(path: Sequence[str], wanted: Json, meaning: Callable[[], Json]) -> None:
    """Refuse an edit that says anything else than it should, or nothing at all."""
    try:
        is_right = meaning() == wanted
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError(f"{'.'.join(path)} is written in a way that is not understood")


def is_same_without(kind: str, one: str, other: str, path: Sequence[str]) -> bool:
    """Whether two texts mean the same but for what stands under these keys."""
    meaning = FORMATS[kind].meaning
    return _pruned(meaning(one), path) == _pruned(meaning(other), path)


def entry_of(tree: Json, path: Sequence[str]) -> object:
    """What stands under these keys; None if nothing does.

    Raises:
        ValueError: something on the way is no object.
    """
    found: object = tree
    for number, key in enumerate(path):
        if not isinstance(found, dict):
            raise ValueError(f"{'.'.join(path[:number]) or 'the whole'} is not an object")  # noqa: TRY004  # of the file's text
        found = found.get(key)
        if found is None:
            return None
    return found


def _replaced(tree: Json, path: Sequence[str], value: object) -> Json:
    first, *rest = path
    inner = tree.get(first)
    below = inner if isinstance(inner, dict) else {}
    return {**tree, first: _replaced(below, rest, value) if rest else value}


def _pruned(tree: Json, path: Sequence[str]) -> Json:
    """The tree without that entry, nor an object on the way that holds nothing else."""
    first, *rest = path
    inner = tree.get(first)
    kept = {key: value for key, value in tree.items() if key != first}
    if rest and isinstance(inner, dict):
        left = _pruned(inner, rest)
        return {**kept, first: left} if left else kept
    return kept


# ------------------------------------------------------------------------------------------ JSON


def _json_meaning(text: str) -> Json:
    found = parse(text).value
    if not isinstance(found, dict):
        raise ValueError("the whole is not an object")  # noqa: TRY004  # of the file's text
    return found


def _json_put(text: str, path: Sequence[str], entry: Json) -> str:
    if not isinstance(entry_of(_json_meaning(text), path), dict):
        return with_value(text, path, entry)
    for key, value in entry.items():
        text = with_value(text, [*path, key], value)
    return text


# ------------------------------------------------------------------------------------------ TOML


def _toml_put(text: str, path: Sequence[str], entry: Json) -> str:
    lines = [f"{name} = {_toml_value(value)}" for name, value in entry.items()]
    return _with_table(text, f"[{'.'.join(path)}]", lines, dropped=entry)


def _toml_value(value: object) -> str:
    """On one line: but for tables, JSON is the same."""
    if isinstance(value, dict):
        members = (f"{orjson.dumps(k).decode()} = {_toml_value(v)}" for k, v in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    return orjson.dumps(value).decode()


def _with_table(text: str, head: str, lines: Sequence[str], *, dropped: Container[str]) -> str:
    """The text with `lines` first in the table of that head, and without its `dropped` keys."""
    ends, before = _lines_of(text)
    if head not in before:
        return ends.join([*before, *([""] if before else []), head, *lines, ""])
    start = before.index(head) + 1
    rest = before[start:]
    end = next((n for n, line in enumerate(rest) if line.lstrip().startswith("[")), len(rest))
    kept = [line for line in rest[:end] if line.partition("=")[0].strip() not in dropped]
    return ends.join([*before[:start], *lines, *kept, *rest[end:], ""])


def _toml_take(text: str, path: Sequence[str]) -> str:
    ends, before = _lines_of(text)
    head = ".".join(path)
    kept: list[str] = []
    is_ours = False
    for line in before:
        bare = line.strip()
        if bare.startswith("["):
            is_ours = bare == f"[{head}]" or bare.startswith(f"[{head}.")
            if is_ours and kept and not kept[-1].strip():
                kept.pop()  # the blank line that we put before our table
        if not is_ours:
            kept.append(line)
    return ends.join([*kept, ""]) if kept else ""


def _lines_of(text: str) -> tuple[str, list[str]]:
    ends = "\r\n" if "\r\n" in text else "\n"
    return ends, text.removesuffix(ends).split(ends) if text else []


# ------------------------------------------------------------------------------------------ YAML


def _yaml_meaning(text: str) -> Json:
    from ruamel.yaml import YAML  # only one client writes it
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("the whole is not an object")  # noqa: TRY004  # of the file's text
    return {str(key): value for key, value in found.items()}


def _yaml_put(text: str, path: Sequence[str], entry: Json) -> str:
    ends, lines = _lines_of(text)
    top, name = path
    start = _key_line(lines, top, 0, len(lines), 0)
    if start is None:
        made = [f"{top}:", f"  {name}:", *_yaml_lines(entry, 4)]
        return ends.join([*lines, *made, ""])
    end = _block_end(lines, start, 0)
    if lines[start].partition(":")[2].partition("#")[0].strip() in {"{}", "null", "~"}:
        lines[start] = f"{top}:"
    inner = next((_indent(each) for each in lines[start + 1 : end] if _says(each)), 2)
    own = _key_line(lines, name, start + 1, end, inner)
    if own is None:
        made = [f"{' ' * inner}{name}:", *_yaml_lines(entry, inner + 2)]
        return ends.join([*lines[: start + 1], *made, *lines[start + 1 :], ""])
    for key, value in entry.items():
        last = _block_end(lines, own, inner)
        deep = next((_indent(each) for each in lines[own + 1 : last] if _says(each)), inner + 2)
        at = _key_line(lines, key, own + 1, last, deep)
        made = _yaml_lines({key: value}, deep)
        if at is None:
            lines[last:last] = made
        elif _yaml_meaning("\n".join(lines[at : _block_end(lines, at, deep)])) != {key: value}:
            lines[at : _block_end(lines, at, deep)] = made
    return ends.join([*lines, ""])


def _yaml_take(text: str, path: Sequence[str]) -> str:
    ends, lines = _lines_of(text)
    top, name = path
    start = _key_line(lines, top, 0, len(lines), 0)
    if start is None:
        return text
    end = _block_end(lines, start, 0)
    inner = next((_indent(each) for each in lines[start + 1 : end] if _says(each)), 2)
    own = _key_line(lines, name, start + 1, end, inner)
    if own is None:
        return text
    del lines[own : _block_end(lines, own, inner)]
    if not any(map(_says, lines[start + 1 : _block_end(lines, start, 0)])):
        lines[start] = f"{top}: {{}}"  # nothing is null there, which is no object
    return ends.join([*lines, ""])


def _yaml_lines(entry: Mapping[str, object], indent: int) -> list[str]:
    """One line a key: JSON is YAML."""
    return [f"{' ' * indent}{key}: {orjson.dumps(value).decode()}" for key, value in entry.items()]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _says(line: str) -> bool:
    """Whether there is more than a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _key_line(lines: Sequence[str], key: str, start: int, end: int, indent: int) -> int | None:
    heads = tuple(f"{' ' * indent}{each}:" for each in (key, f'"{key}"', f"'{key}'"))
    return next((n for n in range(start, end) if lines[n].startswith(heads)), None)


def _block_end(lines: Sequence[str], start: int, indent: int) -> int:
    """Behind the last line of the value that begins at `start`; comments after it are not its."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        line = lines[number]
        is_item = _indent(line) == indent and line.lstrip().startswith("- ")
        if _says(line) and _indent(line) <= indent and not is_item:
            break
        if _says(line):
            end = number + 1
    return end


FORMATS: Final[Mapping[str, Format]] = {
    "json": Format(meaning=_json_meaning, put=_json_put, take=without_value),
    "toml": Format(meaning=tomllib.loads, put=_toml_put, take=_toml_take),
    "yaml": Format(meaning=_yaml_meaning, put=_yaml_put, take=_yaml_take),
}
