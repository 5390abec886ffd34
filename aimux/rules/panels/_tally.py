"""Counting what members answered, without a model where answers can be counted.

Theory of operation. Answers are compared in the firmest way that all of them allow: as one of the
caller's choices, as words of judgement (yes, approve, …), as numbers, else as positions in free
text that are alike (`_alike`). The groups that come of it are counted; agreement is the share of
the largest. Nobody has won who is not alone at the top.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

import attrs

from ._alike import group_alike

CHOICE, NUMBER, SIMILARITY, LABELS = "choice", "number", "similarity", "labels"
_WORDS: Final = {
    "yes": "yes", "y": "yes", "true": "yes", "no": "no", "n": "no", "false": "no",
    "approve": "approve", "approved": "approve", "accept": "approve", "accepted": "approve",
    "reject": "reject", "rejected": "reject", "correct": "correct", "incorrect": "incorrect",
    "safe": "safe", "unsafe": "unsafe", "agree": "agree", "disagree": "disagree",
    "pass": "pass", "fail": "fail", "none": "none", "neither": "neither", "both": "both",
    "valid": "valid", "invalid": "invalid", "secure": "secure", "vulnerable": "vulnerable",
    "merge": "merge", "block": "block", "unknown": "unknown", "unsure": "unsure",
}  # fmt: skip
_NUMBER: Final = re.compile(r"[-+]?\d[\d_,]*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_UNIT: Final = re.compile(r"\s*([a-zµ%°/]{0,12})\.?\s*", re.IGNORECASE)
_EDGES: Final = " \t\r\n\"'`*_.,;:!()[]"


@attrs.frozen(kw_only=True)
class Ballot:
    """What one seat answered: the short `answer` if it gave one, and its position."""

    seat: str
    answer: str = ""
    position: str = ""


@attrs.frozen(kw_only=True)
class Group:
    """Seats that hold one position."""

    position: str
    seats: Sequence[str]


@attrs.frozen(kw_only=True)
class Tally:
    """The groups, the largest first; `winner` is None where nobody is alone at the top."""

    method: str
    groups: Sequence[Group]
    agreement: float
    winner: str | None


def tally(ballots: Sequence[Ballot], choices: Sequence[str] = ()) -> Tally:
    """The groups of these answers. With `choices` an answer that names none of them is its own."""
    for method, keys in (
        (CHOICE, _chosen(ballots, choices)),
        (CHOICE, None if choices else _words(ballots)),
        (NUMBER, None if choices else _numbers(ballots)),
    ):
        if keys is not None:
            return _counted(method, ballots, keys)
    texts = [ballot.position or ballot.answer for ballot in ballots]
    groups = [
        Group(position=_shortest([texts[each] for each in group]), seats=_seats(ballots, group))
        for group in group_alike(texts)
    ]
    return count_groups(SIMILARITY, groups)


def is_decided(found: Tally, waiting: int) -> bool:
    """Whether members that have not answered yet cannot change who wins any more."""
    sizes = [len(group.seats) for group in found.groups]
    if not sizes or found.winner is None:
        return False
    second = sizes[1] if len(sizes) > 1 else 0
    return sizes[0] - second > waiting


def apply_veto(found: Tally, veto: Sequence[str]) -> tuple[Tally, list[str]]:
    """The tally without a winner that a seat of `veto` does not hold, and which seats those are.

    A seat that has not answered objects to nothing.
    """
    if found.winner is None:
        return found, []
    others = {seat for group in found.groups[1:] for seat in group.seats}
    objecting = sorted(others.intersection(veto))
    return (attrs.evolve(found, winner=None), objecting) if objecting else (found, [])


def confidence(agreement: float, claimed: int, verified: int, vendors: int) -> float:
    """How far the result may be trusted.

    That is the agreement, weighed by the share of the claimed evidence that was verified; at most
    0.5 where all members are of one vendor.
    """
    share = verified / claimed if claimed else 0.0
    value = agreement * (0.5 + 0.5 * share)
    return round(min(value, 0.5) if vendors < 2 else value, 3)


def plain_answer(text: str) -> str:
    """An answer without what surrounds it: quotes, emphasis, a full stop."""
    return " ".join(text.split()).strip(_EDGES).casefold()


def named_choice(text: str, choices: Sequence[str]) -> str | None:
    """The one choice that an answer is or names; None if it names none, or several."""
    plain = plain_answer(text)
    for choice in choices:
        if plain == plain_answer(choice):
            return choice
    found = [
        choice
        for choice in choices
        if re.search(rf"(?<!\w){re.escape(plain_answer(choice))}(?!\w)", plain)
    ]
    longest = [each for each in found if not any(_is_part(each, other) for other in found)]
    return longest[0] if len(longest) == 1 else None


def _is_part(choice: str, other: str) -> bool:
    return choice != other and plain_answer(choice) in plain_answer(other)


def _chosen(ballots: Sequence[Ballot], choices: Sequence[str]) -> list[str] | None:
    if not choices:
        return None
    keys = []
    for ballot in ballots:
        found = named_choice(ballot.answer, choices) or named_choice(ballot.position, choices)
        keys.append(found or ballot.answer or ballot.position)
    return keys


def _words(ballots: Sequence[Ballot]) -> list[str] | None:
    """The words of judgement that all answers open with or are; None if one does not."""
    keys = []
    for ballot in ballots:
        plain = plain_answer(ballot.answer)
        first = re.split(r"[\s,.;:]", plain, maxsplit=1)[0]
        word = _WORDS.get(plain) or (_WORDS.get(first) if len(plain.split()) <= 4 else None)
        if word is None:
            return None
        keys.append(word)
    return keys


def _numbers(ballots: Sequence[Ballot]) -> list[str] | None:
    keys = []
    for ballot in ballots:
        plain = plain_answer(ballot.answer)
        found = _NUMBER.match(plain)
        unit = _UNIT.fullmatch(plain, found.end()) if found is not None else None
        if found is None or unit is None:
            return None
        value = float(found[0].replace(",", "").replace("_", ""))
        if not math.isfinite(value):
            return None
        keys.append(f"{value:.6g} {unit[1]}".strip())
    return keys


def _counted(method: str, ballots: Sequence[Ballot], keys: Sequence[str]) -> Tally:
    found: dict[str, list[int]] = {}
    shown: dict[str, str] = {}
    for index, key in enumerate(keys):
        plain = plain_answer(key)
        found.setdefault(plain, []).append(index)
        shown.setdefault(plain, key)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[1][0]))
    groups = [Group(position=shown[key], seats=_seats(ballots, group)) for key, group in ordered]
    return count_groups(method, groups)


def count_groups(method: str, groups: Sequence[Group]) -> Tally:
    """The tally of these groups, the largest first."""
    groups = sorted(groups, key=lambda group: -len(group.seats))
    sizes = [len(group.seats) for group in groups]
    is_alone = bool(sizes) and (len(sizes) == 1 or sizes[0] > sizes[1])
    return Tally(
        method=method,
        groups=groups,
        agreement=round(sizes[0] / sum(sizes), 3) if sizes else 0.0,
        winner=groups[0].position if is_alone else None,
    )


def _seats(ballots: Sequence[Ballot], group: Sequence[int]) -> list[str]:
    return sorted(ballots[each].seat for each in group)


def _shortest(texts: Sequence[str]) -> str:
    """The text that stands for its group: the shortest that says something."""
    return min(texts, key=lambda text: (not text.strip(), len(text)))
