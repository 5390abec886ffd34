"""think: note a thought, and say which pattern its words ask for."""

from typing import Annotated, Final

import attrs

from aimux.think._base import Following, Pattern, Result, share
from aimux.think._fields import Json
from aimux.think._words import keywords, stem, stems

_SIGNALS: Final = (  # pattern, words that ask for it; the first of equals wins
    ("debugging_approach", "bug error crash fail broken exception panic nil undefined"),
    ("architecture_analysis", "design architecture system structure service layer pattern module"),
    (
        "decision_framework",
        "choose choice decide decision option compare tradeoff versus vs pick select",
    ),
    ("literature_review", "research paper study literature evidence survey review"),
    ("experimental_loop", "hypothesis experiment test measure metric data result"),
    ("problem_decomposition", "recursive decompose break sub-problem nested tree hierarchy"),
)
FALLBACK: Final = "sequential_thinking"


@attrs.frozen(kw_only=True)
class Input:
    """A thought."""

    thought: Annotated[str, "the thought"] = ""


def think(given: Input) -> Result:
    """The patterns a thought asks for, with the words that say so, best first."""
    if not given.thought:
        return Result(missing=["thought"], summary="a thought is needed")
    own, words = stems(given.thought), keywords(given.thought)
    hits = {
        name: [word for word in signals.split() if stem(word) in own] for name, signals in _SIGNALS
    }
    ranked = sorted((name for name in hits if hits[name]), key=lambda name: -len(hits[name]))
    suggested = ranked[0] if ranked else FALLBACK
    reason = "no word asks for another pattern"
    if ranked:
        reason = f"the thought says {', '.join(hits[suggested])}"
    candidates: list[Json] = [
        {"pattern": name, "score": share(len(hits[name]), len(words)), "signals": hits[name]}
        for name in ranked
    ]
    return Result(
        data={
            "thoughtLength": len(given.thought),
            "keywords": words,
            "candidates": candidates,
            "suggestedPattern": suggested,
        },
        summary=f"{suggested} fits: {reason}",
        following=Following(pattern=suggested, reason=reason, fields={"prompt": given.thought}),
    )


PATTERN: Final = Pattern(name="think", input=Input, think=think)
