"""The nearest valid name for a mistyped one."""

from collections.abc import Iterable
from typing import Final

_ALIKE: Final = 0.6  # difflib's ratio; below it a suggestion confuses more than it helps
_MISSPELT: Final = 0.8  # from here on it is that name with a slip in it: `wait` is not `timeout`
_MAX_CHARS: Final = 64  # the comparison is quadratic and names come from the client


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name` (case does not matter), or an empty string."""
    import difflib  # only mistakes pay for it

    if len(name) > _MAX_CHARS:
        return ""
    by_fold = {each.casefold(): each for each in sorted(known, reverse=True)}
    found = difflib.get_close_matches(name.casefold(), sorted(by_fold), n=1, cutoff=_ALIKE)
    return by_fold[found[0]] if found else ""


def is_misspelt(name: str, meant: str) -> bool:
    """Whether a name is that of `meant` with a slip, so that it may be put in its place."""
    import difflib

    if max(len(name), len(meant)) > _MAX_CHARS:
        return False
    matcher = difflib.SequenceMatcher(None, name.casefold(), meant.casefold())
    return matcher.ratio() >= _MISSPELT


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint to the known name most like `name`; None where none is like it."""
    found = nearest(name, known)
    return f"did you mean {found}?" if found else None
