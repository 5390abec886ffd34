"""Whether to go on with a pattern or to change it: three results alike lead nowhere."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ._fields import Json
from ._words import SAME, jaccard, stems

KEPT: Final = 3  # summaries
MAX_SWITCHES: Final = 3  # advised in one session
_K1: Final = 1.2  # how fast repeated words saturate (BM25)
_B: Final = 0.75  # how much long descriptions are discounted


def advise(
    summaries: Sequence[str],
    switches: int,
    own: str,
    text: str,
    descriptions: Mapping[str, str],
) -> Json:
    """`{action: continue|switch, target, reason}` for a session's last results."""
    if len(summaries) < KEPT:
        return _go_on("no repetition so far")
    if any(jaccard(one, two) < SAME for one, two in itertools.combinations(summaries, 2)):
        return _go_on("the last results differ")
    if switches >= MAX_SWITCHES:
        return _go_on(f"{MAX_SWITCHES} switches were advised already: come to a conclusion")
    target = best_match(text, {name: said for name, said in descriptions.items() if name != own})
    return {
        "action": "switch",
        "target": target,
        "reason": f"the last {KEPT} results say the same",
    }


def _go_on(reason: str) -> Json:
    return {"action": "continue", "target": None, "reason": reason}


def best_match(text: str, descriptions: Mapping[str, str]) -> str:
    """The name whose description fits a text best (BM25); the first of equals."""
    documents = {
        name: stems(f"{name.replace('_', ' ')} {said}") for name, said in descriptions.items()
    }
    usual = sum(map(len, documents.values())) / len(documents)
    wanted = stems(text)
    return max(documents, key=lambda name: _bm25(wanted, documents[name], documents, usual))


def _bm25(
    wanted: Collection[str],
    document: Collection[str],
    documents: Mapping[str, Collection[str]],
    usual: float,
) -> float:
    total = 0.0
    for term in sorted(set(wanted) & set(document)):
        having = sum(term in each for each in documents.values())
        rarity = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        total += rarity * (_K1 + 1) / (1 + _K1 * (1 - _B + _B * len(document) / usual))
    return total
