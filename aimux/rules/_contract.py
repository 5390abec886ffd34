"""An answer that must be JSON of the caller's schema: finding it, checking it, asking again.

CLIs wrap JSON in talk and fences. Tried, in this order: the whole text, fenced blocks from the
last, then values in the text from the last; the first that fits is the answer. Nothing is repaired
by guessing: what does not fit is reported as it is.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import PeerFault

from ._arguments import json_equal, problems

MAX_CANDIDATES: Final = 20
MAX_PROBLEMS: Final = 20
MAX_SCHEMA_LEVELS: Final = 64  # a check of ours takes about ten calls for each
_MAX_STARTS: Final = 2_000  # positions where a value might begin; text can be hostile
_WINDOW_CHARS: Final = 1_000_000
_SEARCHED_CHARS: Final = 400_000  # for values without a fence
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_START: Final = re.compile(r"[{\[]")

Schema = Mapping[str, object] | bool
ANY_JSON: Final[Mapping[str, object]] = {}  # fits every JSON value


@attrs.frozen(kw_only=True)
class Contract:
    """What became of an answer contract: `data` fits if there are no `problems`."""

    data: object = None
    problems: Sequence[str] = ()


def repair_prompt(contract: Contract) -> str:
    """The prompt that asks once more in the same conversation, telling what was wrong.

    The schema is not repeated: whoever asks for a fitting answer adds it.
    """
    faults = "\n".join(f"- {each}" for each in contract.problems)
    return f"The previous answer does not fit the JSON Schema it had to fit:\n{faults}"


def ask_for(schema: Schema) -> str:
    """The words that ask for an answer of this schema, to stand after a prompt."""
    if schema == ANY_JSON:
        return (
            "Answer with exactly one JSON value and nothing else: no introduction, no code fence."
        )
    shown = json.dumps(schema, ensure_ascii=False, indent=1)
    return (
        "Answer with exactly one JSON value that fits this JSON Schema, and nothing else: no "
        f"introduction, no code fence.\n\n{shown}"
    )


def check_schema(schema: object) -> Schema:
    """The schema itself, if answers can be checked against it.

    Raises:
        PeerFault: it is no JSON Schema (2020-12), refers to something outside itself, or is nested
            too deeply.
    """
    import jsonschema

    if not isinstance(schema, Mapping | bool):
        raise PeerFault("the schema is not an object", code="schema_invalid")
    if not _is_within(schema, MAX_SCHEMA_LEVELS):
        msg = (
            f"the schema is nested too deeply (over {MAX_SCHEMA_LEVELS} levels): "
            "name its parts under $defs"
        )
        raise PeerFault(msg, code="schema_invalid")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = ".".join(map(str, error.absolute_path)) or "schema"
        msg = f"the schema is not valid at {where}: {error.message[:200]}"
        raise PeerFault(msg, code="schema_invalid") from error
    for reference in _references(schema):
        if not reference.startswith("#"):
            msg = f"the schema refers to {reference!r}: write it out under $defs"
            raise PeerFault(msg, code="schema_invalid")
    return schema


def _is_within(value: object, levels: int) -> bool:
    """Whether a value is nested no deeper than that."""
    layer = [value]
    for _ in range(levels + 1):
        if not layer:
            return True
        within = [each for each in layer if isinstance(each, Mapping | list)]
        layer = [
            part
            for each in within
            for part in (each.values() if isinstance(each, Mapping) else each)
        ]
    return not layer


def check_answer(text: str, schema: Schema) -> Contract:
    """What `text` answers under `schema`: the first value in it that fits, else what is wrong.

    Raises:
        PeerFault: the schema cannot be used.
    """
    best: list[str] | None = None
    for value in candidates(text):
        found = _faults(schema, value)
        if not found:
            return Contract(data=value)
        if best is None or len(found) < len(best):
            best = found
    if best is None:
        best = ["there is no JSON value in the answer"]
    return Contract(problems=best[:MAX_PROBLEMS])


def candidates(text: str) -> list[object]:
    """The JSON values of `text` in the order in which they are likely to be the answer."""
    text = text[-_WINDOW_CHARS:].strip().removeprefix("\ufeff")
    found: list[object] = []
    for value in _values(text):
        if not any(json_equal(value, each) for each in found):
            found.append(value)
        if len(found) == MAX_CANDIDATES:
            break
    return found


def _values(text: str) -> Iterator[object]:
    whole = _parsed(text)
    if whole is not _NOTHING:
        yield whole
        return
    for block in reversed(_fenced(text)):
        value = _parsed(block)
        if value is not _NOTHING:
            yield value
    yield from reversed(list(_embedded(text)))


def _fenced(text: str) -> list[str]:
    """The contents of code fences in order; one that is not closed ends with the text."""
    blocks: list[list[str]] = []
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if not fence:
            if found is not None:
                fence = found[1]
                blocks.append([])
        elif found is not None and found[1].startswith(fence) and found[1] == line.strip():
            fence = ""
        else:
            blocks[-1].append(line)
    return ["\n".join(block).strip() for block in blocks]


def _embedded(text: str) -> Iterator[object]:
    """Complete objects and lists, outermost, in order."""
    text = text[-_SEARCHED_CHARS:]
    starts = [found.start() for found in _START.finditer(text)]
    place = 0
    for start in starts[-_MAX_STARTS:]:
        if start < place:
            continue
        try:
            value, place = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield value


class _Nothing:
    """No value: None is one."""


_NOTHING: Final = _Nothing()


def _parsed(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _NOTHING


def _no_constant(name: str) -> object:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def _faults(schema: Schema, value: object) -> list[str]:
    from referencing.exceptions import Unresolvable

    try:
        found = problems(schema, value)
    except RecursionError:
        return ["the answer: nested too deeply to be checked"]
    except Unresolvable as error:
        msg = f"the schema refers to something that is not there: {error}"
        raise PeerFault(msg, code="schema_invalid") from error
    return [f"{_where(each['path'])}: expected {each['expected']}" for each in found]


def _where(path: object) -> str:
    return "the answer" if path == "arguments" else str(path)


def _references(schema: object) -> Iterator[str]:
    match schema:
        case Mapping():
            for key, value in schema.items():
                if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                    yield value
                else:
                    yield from _references(value)
        case list():
            for each in schema:
                yield from _references(each)
        case _:
            pass
