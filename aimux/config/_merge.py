"""Layers of settings laid over each other: maps merge, everything else replaces, null resets."""

from collections.abc import Iterator, Mapping

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


def merge(low: Mapping[str, object], high: Mapping[str, object]) -> dict[str, object]:
    """`high` over `low`. A null stays in the tree as the mark of a reset key."""
    merged = dict(low)
    for key, value in high.items():
        under = merged.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = merge(under, value)
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
