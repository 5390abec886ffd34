"""Which agent fits a task: words that both have, told with the score. No model, no chance.

Theory of operation. A task and what is said of each candidate become stems; a few families of
words count as one ("crash", "traceback" and "bug" say the same of a task). A stem that few
candidates have says more than one that many have; one in a name more than one in a description.
Long descriptions do not win by their length. Equal scores go to the candidate whose id comes first,
so the order of discovery changes nothing. Below `ENOUGH` nobody fits, and a candidate for
everything is taken.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

import attrs

from ._words import FAMILY, SILENT

ENOUGH: Final = 3.0  # one word of a description alone is an accident
MAX_TASK_CHARS: Final = 4_000  # what a task is about stands at its beginning
AGENTS_SHOWN: Final = 5  # candidates that are told
GENERALIST: Final = "generalist"
_NAME, _WHEN, _DESCRIPTION, _ROLE = 3.0, 2.0, 1.0, 1.5
_USUAL_STEMS: Final = 25  # of a description: longer ones are damped
_WORD: Final = re.compile(r"[^\W_]+(?:[+#]+)?")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ers", "er", "ed", "ies", "es", "s", "ly")


@attrs.frozen(kw_only=True)
class Candidate:
    """Whom a task may be given to, as far as choosing goes."""

    id: str
    name: str = ""
    description: str = ""
    when: str = ""
    role: str = ""


@attrs.frozen(kw_only=True)
class Scored:
    """A candidate for a task, and the words of the task that speak for it."""

    id: str
    score: float
    words: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Selection:
    """Who is chosen and why; `ranked` has the best first, whoever they are."""

    id: str
    why: str
    is_fallback: bool
    ranked: Sequence[Scored]

    @property
    def runner_up(self) -> Scored | None:
        """The next best after the chosen one, of those that have something in common with it."""
        others = (each for each in self.ranked if each.id != self.id and each.score)
        return next(others, None)


def rank_candidates(task: str, candidates: Sequence[Candidate]) -> list[Scored]:
    """All candidates, best first; whoever has nothing in common with the task has 0."""
    wanted = _stems(task[:MAX_TASK_CHARS])
    fields = {each.id: _weights(each) for each in candidates}
    many = len(candidates)
    scored = []
    for id_ in sorted(fields):
        weights = fields[id_]
        score, words = 0.0, []
        for stem, word in wanted.items():
            if stem not in weights:
                continue
            having = sum(stem in other for other in fields.values())
            score += weights[stem] * math.log(1 + many / having)
            words.append(word)
        scored.append(Scored(id=id_, score=round(score, 2), words=tuple(words)))
    return sorted(scored, key=lambda each: (-each.score, each.id))


def select_candidate(task: str, candidates: Sequence[Candidate]) -> Selection | None:
    """Who gets a task; None if nobody fits and there is nobody for everything."""
    ranked = rank_candidates(task, candidates)
    best = ranked[0] if ranked else None
    if best is not None and best.score >= ENOUGH and best.id != GENERALIST:
        said = ", ".join(best.words)
        why = f"{best.id} fits best, by: {said}"
        return Selection(id=best.id, why=why, is_fallback=False, ranked=ranked)
    if any(each.id == GENERALIST for each in candidates):
        why = f"nobody reaches {ENOUGH:g}, so it goes to the one for everything"
        return Selection(id=GENERALIST, why=why, is_fallback=True, ranked=ranked)
    return None


def _weights(candidate: Candidate) -> dict[str, float]:
    """What each stem of a candidate counts."""
    described = _stems(candidate.description)
    damped = _DESCRIPTION / max(1.0, math.sqrt(len(described) / _USUAL_STEMS))
    found = dict.fromkeys(described, damped)
    for text, weight in (
        (candidate.role, _ROLE),
        (candidate.when, _WHEN),
        (f"{candidate.id} {candidate.name}", _NAME),
    ):
        stems = _stems(text)
        if weight == _NAME:  # a name of two words says half as much by each
            weight /= math.sqrt(max(1, len(stems)))
        for stem in stems:
            found[stem] = max(weight, found.get(stem, 0.0))
    return found


def _stems(text: str) -> dict[str, str]:
    """Stems of a text, each with the word that brought it."""
    found: dict[str, str] = {}
    for match in _WORD.finditer(text.casefold()):
        word = match[0]
        if word not in SILENT and (len(word) > 2 or word in FAMILY):
            found.setdefault(_stem(word), word)
    return found


def _stem(word: str) -> str:
    if word in FAMILY:
        return FAMILY[word]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            break
    word = word.rstrip("e") or word
    return FAMILY.get(word, word)
