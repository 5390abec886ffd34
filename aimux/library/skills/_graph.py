"""What templates are made of: which parts each includes, and what is wrong with that.

It is read off the text, so that a library can be judged without the library of templates.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from aimux.rules import nearest

from ._files import Part, Skill

MAX_PARTS: Final = 60  # of one template, those of its parts counted
_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
_INCLUDE: Final = re.compile(
    r"\{%[-+]?\s*include\s+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<other>[^%]*?))\s*[-+]?%\}"
)
_TAG: Final = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_WORD: Final = re.compile(r"[a-z_]+")
_OWN: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\.\s*[a-z_]+")


class Include(NamedTuple):
    """A part that a text wants, and the line of its file where it does; None is a computed name."""

    part: str | None
    line: int


class GraphFault(NamedTuple):
    """What is wrong with the parts of a template, and where."""

    where: str
    what: str


def includes_of(text: Skill | Part) -> Iterator[Include]:
    """The parts that a text names, in order."""
    plain = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text.text)
    for found in _INCLUDE.finditer(plain):
        line = text.first_line + plain.count("\n", 0, found.start())
        named = found["double"] if found["double"] is not None else found["single"]
        yield Include(named, line)


def fault_in(skill: Skill, parts: Mapping[str, Part]) -> GraphFault | None:
    """The first fault of what a skill is made of: a part missing, twice, in a circle, too many."""
    if not skill.is_template:
        return None
    first: dict[str, str] = {}  # part -> where it is included

    def walk(text: Skill | Part, above: tuple[str, ...]) -> GraphFault | None:
        for part, line in includes_of(text):
            where = f"{text.origin}:{line}"
            if part is None:
                return GraphFault(where, 'include wants a name in quotes: {% include "name" %}')
            if part in above:
                circle = " -> ".join((*above[above.index(part) :], part))
                return GraphFault(where, f"parts in a circle: {circle}")
            if part in first:
                return GraphFault(where, f"part {part} is included twice, first @ {first[part]}")
            if part not in parts:
                close = nearest(part, parts)
                meant = f" (did you mean {close}?)" if close else ""
                return GraphFault(where, f"there is no part {part}{meant}")
            first[part] = where
            if len(first) > MAX_PARTS:
                return GraphFault(where, f"over {MAX_PARTS} parts")
            fault = walk(parts[part], (*above, part))
            if fault is not None:
                return fault
        return None

    return walk(skill, ())


def names_in(skill: Skill, parts: Mapping[str, Part]) -> frozenset[str]:
    """The words that a template and its parts use, so that only what they need is looked up.

    There may be more of them than it means, never less.
    """
    if not skill.is_template:
        return frozenset()
    found: set[str] = set()
    todo: list[Skill | Part] = [skill]
    seen: set[str] = set()
    while todo:
        text = todo.pop()
        for tag in _TAG.findall(text.text):
            found.update(_WORD.findall(_OWN.sub(" ", tag)))
        for part, _ in includes_of(text):
            if part is not None and part in parts and part not in seen:
                seen.add(part)
                todo.append(parts[part])
    return frozenset(found)
