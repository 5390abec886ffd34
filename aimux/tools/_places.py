"""Places that a claim names, looked up in the tree it is about."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import trio

from aimux.files.tree import TreeReader
from aimux.investigate import CheckedPlace
from aimux.model import Evidence, SourcePlace
from aimux.rules import check_places, find_places

MAX_LOOKED_UP: Final = 12  # of one claim


def named_places(given: Mapping[str, object]) -> list[SourcePlace]:
    """The places of a finding as it was sent: its evidence, and those that its source names.

    Those in its description count only where there are no others.
    """
    places: dict[SourcePlace, None] = {}
    evidence = given.get("evidence")
    for each in evidence if isinstance(evidence, list) else ():
        if isinstance(each, Mapping):
            places[_source_place(each)] = None
    cited = {(place.path, place.line) for place in places}
    for place in find_places(str(given.get("source") or "")):
        if (place.path, place.line) not in cited:  # there already, and with its quote
            places[place] = None
    if not places:
        places |= dict.fromkeys(find_places(str(given.get("description") or "")))
    return list(places)[:MAX_LOOKED_UP]


def _source_place(given: Mapping[str, object]) -> SourcePlace:
    line, end_line = given.get("line"), given.get("end_line")
    return SourcePlace(
        path=str(given.get("path") or ""),
        line=line if isinstance(line, int) else None,
        end_line=end_line if isinstance(end_line, int) else None,
        quote=str(given.get("quote") or ""),
    )


async def look_up(root: str, claims: Sequence[Mapping[str, object]]) -> list[list[CheckedPlace]]:
    """What the places of each claim came to in the tree below `root`.

    Cancelled or not, the files under way are read to their end.
    """
    named = [named_places(each) for each in claims]
    if not root or not any(named):
        await trio.lowlevel.checkpoint()
        return [[] for _ in named]
    return await trio.to_thread.run_sync(partial(_look_up, root, named))


def _look_up(root: str, named: Sequence[Sequence[SourcePlace]]) -> list[list[CheckedPlace]]:
    reader = TreeReader(root)
    return [
        [_checked(each) for each in check_places(places, reader.read_lines)] for places in named
    ]


def _checked(evidence: Evidence) -> CheckedPlace:
    return CheckedPlace(
        path=evidence.path,
        line=evidence.line,
        end_line=evidence.end_line,
        quote=evidence.quote,
        verified=str(evidence.verified.value) if evidence.verified else "",
        why=evidence.why,
    )
