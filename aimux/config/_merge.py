"""Layers of settings laid over each other: maps merge, everything else replaces, null resets.

A list may be changed instead of replaced: `{add: [...], remove: [...]}` where it would stand.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Source


@attrs.frozen(kw_only=True)
class Origin:
    """Where a value stands: `where` is a file or variable, `line` 0 where there is none."""

    source: Source
    where: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.where}:{self.line}" if self.line else self.where


@attrs.frozen(kw_only=True)
class ListChange:
    """What a layer changes about the list below it. What is added stands at the end, once."""

    add: Sequence[object] = ()
    remove: Sequence[object] = ()

    def applied(self, low: Sequence[object]) -> list[object]:
        """The list that comes of `low`."""
        kept = [each for each in low if each not in self.remove and each not in self.add]
        return [*kept, *self.add]

    def after(self, low: "ListChange") -> "ListChange":
        """Both changes as one, this one later."""
        add = [each for each in low.add if each not in self.remove and each not in self.add]
        remove = [each for each in low.remove if each not in self.add]
        return ListChange(add=(*add, *self.add), remove=(*remove, *self.remove))


CHANGE_KEYS: Final = frozenset(attrs.fields_dict(ListChange))


def merge(low: Mapping[str, object], high: Mapping[str, object]) -> dict[str, object]:
    """`high` over `low`. A null stays in the tree as the mark of a reset key."""
    merged = dict(low)
    for key, value in high.items():
        under = merged.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = merge(under, value)
        elif isinstance(value, ListChange) and isinstance(under, ListChange):
            merged[key] = value.after(under)
        elif isinstance(value, ListChange) and isinstance(under, list | tuple):
            merged[key] = value.applied(under)
        else:
            merged[key] = value
    return merged


def without_nulls(tree: Mapping[str, object]) -> dict[str, object]:
    """The tree without its reset keys: what is left takes effect."""
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if value is not None
    }


def paths(tree: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Dotted paths of everything in the tree that is not a map, empty maps included."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
