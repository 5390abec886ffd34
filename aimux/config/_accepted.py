"""Whether a change of files is taken: as a whole, or not at all (docs/design/0013)."""

import re
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar, cast

import attrs

from aimux.files.cache import Lru
from aimux.model import Problem, Severity

HELD: Final = Problem(
    severity=Severity.WARNING,
    where="configuration",
    message="changed files have errors: what was in effect before them stays, all of it",
)
_LINE: Final = re.compile(r":\d+$")


class Library(Protocol):
    """What the files of a directory come to, with what is wrong with them; an attrs value."""

    @property
    def problems(self) -> Sequence[Problem]:
        """Each with its place."""
        ...


L = TypeVar("L", bound=Library)


def has_new_errors(before: Sequence[Problem], after: Sequence[Problem]) -> bool:
    """Whether there is an error that was not there before."""
    known = {_fault(each) for each in before if each.severity is Severity.ERROR}
    return any(_fault(each) not in known for each in after if each.severity is Severity.ERROR)


def _fault(problem: Problem) -> tuple[str, str]:
    """A problem wherever in its file it stands: a line added above does not make it a new one."""
    return _LINE.sub("", problem.where), problem.message


class AcceptedLibraries:
    """Libraries as they were last accepted, by key: a kind and where it lies.

    Threads may share one.
    """

    def __init__(self, limit: int) -> None:
        self._kept: Lru[tuple[str, object], Library] = Lru(limit)
        self.kinds: frozenset[str] = frozenset()  # of which there ever was one

    def __repr__(self) -> str:
        return f"<AcceptedLibraries: {len(self._kept)} kept>"

    def use(self, kind: str) -> None:
        """Note that there is one of this kind."""
        self.kinds |= {kind}

    def judge(self, key: tuple[str, object], fresh: L) -> L:
        """What is in effect: `fresh`, or what was before if `fresh` has an error that is new.

        The problems are those of `fresh` in either case.
        """
        self.use(key[0])
        kept = cast("L | None", self._kept.get(key))
        if kept is None or not has_new_errors(kept.problems, fresh.problems):
            self._kept.put(key, fresh)
            return fresh
        held: L = attrs.evolve(kept, problems=(*fresh.problems, HELD))  # type: ignore[misc]
        return held
