"""chain_of_thought: a line of reasoning taken apart into steps, each held against those before."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result
from aimux.think._fields import Json
from aimux.think._words import SAME, conflict, first_words, jaccard, sentences, shared

STEPS: Final = 120
_NUMBERED: Final = re.compile(r"(?m)^\s*(?:\d+[.)]|[-*])\s+(.+)$")
_REFERENCE: Final = re.compile(r"\b(?:step|point|line)\s+(\d{1,4})\b", re.IGNORECASE)
_END: Final = re.compile(r"\b(?:therefore|so|thus|hence|in conclusion|it follows)\b", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Input:
    """A line of reasoning, as prose or as steps."""

    thought: Annotated[str, "the reasoning; a numbered list or sentences"] = ""
    steps: Annotated[Sequence[str], "the same, taken apart already"] = ()
    conclusion: Annotated[str, "by default the last step that says therefore"] = ""


def think(given: Input) -> Result:
    """Steps with repetitions, contradictions, jumps and references that lead nowhere."""
    steps = list(filter(None, given.steps))
    if not steps:
        steps = _NUMBERED.findall(given.thought) or sentences(given.thought)
    if not steps:
        return Result(missing=["thought"], summary="a line of reasoning is needed")
    steps = steps[:STEPS]
    conclusion = given.conclusion or next(
        (each for each in reversed(steps) if _END.search(each)), steps[-1]
    )
    issues = [issue for at in range(len(steps)) for issue in _issues(at, steps)]
    before = [each for each in steps if each != conclusion]
    if before and not any(shared(each, conclusion) for each in before):
        issues.append({"step": None, "issue": "jump", "why": "no step leads to the conclusion"})
    technique: Json = {
        "steps": [{"n": at, "text": each} for at, each in enumerate(steps, 1)],
        "issues": issues,
        "conclusion": conclusion,
    }
    return Result(
        data={"technique": technique},
        summary=f"{plural(len(steps), 'step')}, {plural(len(issues), 'issue')}: "
        f"{first_words(conclusion)}",
        gate=[f"step {each['step'] or 'conclusion'}: {each['why']}" for each in issues],
        following=Following(
            pattern="critical_thinking", reason="test where it leads", fields={"issue": conclusion}
        ),
    )


def _issues(at: int, steps: Sequence[str]) -> list[Json]:
    found: list[Json] = []
    text, before = steps[at], steps[:at]
    for number, each in enumerate(before, 1):
        if why := conflict(each, text):
            found.append(
                {
                    "step": at + 1,
                    "issue": "contradiction",
                    "why": f"against step {number}: {why}",
                }
            )
        elif jaccard(each, text) >= SAME:
            found.append({"step": at + 1, "issue": "duplicate", "why": f"repeats step {number}"})
    if before and not any(shared(each, text) for each in before):
        found.append({"step": at + 1, "issue": "jump", "why": "stands on no earlier step"})
    found += [
        {"step": at + 1, "issue": "reference", "why": f"there is no step {name} before it"}
        for name in _REFERENCE.findall(text)
        if not 1 <= int(name) <= at
    ]
    return found


PATTERN: Final = Pattern(name="chain_of_thought", input=Input, think=think)
