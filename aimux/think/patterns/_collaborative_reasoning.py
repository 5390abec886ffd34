"""collaborative_reasoning: who contributed what at which stage, and who did not."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, blocked, full, rounded
from aimux.think._fields import Json, Share
from aimux.think._words import shared

Stage = Literal[
    "problem-definition", "ideation", "critique", "integration", "decision", "reflection"
]
Kind = Literal[
    "observation", "question", "insight", "concern", "suggestion", "challenge", "synthesis"
]
STAGES: Final = ("problem-definition", "ideation", "critique", "integration", "decision",
                 "reflection")  # fmt: skip
DIVERSE: Final = 0.5  # bits; below it a stage has one kind of contribution
NEEDED: Final = 2
NEXT: Final[Mapping[str, tuple[str, str]]] = {
    "problem-definition": ("problem_decomposition", "split what was defined"),
    "ideation": ("critical_thinking", "test the ideas"),
    "critique": ("structured_argumentation", "map objections and answers"),
    "integration": ("decision_framework", "choose between what was put together"),
    "decision": ("metacognitive_monitoring", "say how sure the group is"),
    "reflection": ("research_synthesis", "put the lessons together"),
}


@attrs.frozen(kw_only=True)
class Contribution:
    """What one persona said."""

    id: str
    type: str
    text: str
    stage: str
    persona: str = ""
    confidence: float | None = None


@attrs.frozen(kw_only=True)
class State:
    """The talk so far."""

    topic: str = ""
    personas: Sequence[str] = ()
    stage: str = "problem-definition"
    contributions: Sequence[Contribution] = ()


@attrs.frozen(kw_only=True)
class NewContribution:
    """A contribution in one piece."""

    type: Kind = "observation"
    text: str
    persona: str = ""
    confidence: Annotated[Share | None, "0 to 1"] = None


@attrs.frozen(kw_only=True)
class Input:
    """The topic, and a contribution."""

    topic: Annotated[str, "what is talked about"] = ""
    stage: Annotated[Stage | None, "it stays until another is given"] = None
    personas: Annotated[Sequence[str], "who takes part; remembered"] = ()
    contribution_type: Annotated[Kind, "observation if not given"] = "observation"
    contribution_text: Annotated[str, "what is said"] = ""
    persona_id: Annotated[str, "who says it"] = ""
    contribution_confidence: Annotated[Share | None, "0 to 1"] = None
    contribution: Annotated[NewContribution | None, "the same in one piece"] = None


def think(given: Input, state: State) -> Result:
    """Balance of voices, diversity of kinds by stage, who is silent; synthesis waits for all."""
    topic = given.topic or state.topic
    stage = given.stage or state.stage
    new = _new(given)
    if not topic and not new:
        return Result(missing=["topic"], summary="a topic is needed")
    personas = list(dict.fromkeys([*state.personas, *given.personas]))
    said = _taken(new, personas, state.contributions, stage)
    if isinstance(said, Result):
        return said
    names = list(dict.fromkeys([*personas, *(each.persona for each in said if each.persona)]))
    counts = {name: sum(each.persona == name for each in said) for name in names}
    progress = {
        name: count for name in STAGES if (count := sum(each.stage == name for each in said))
    }
    entropy = {
        name: _entropy([each.type for each in said if each.stage == name]) for name in progress
    }
    at = STAGES.index(stage)
    skipped = [name for name in STAGES[:at] if name not in progress]
    balance = balance_of(list(counts.values()))
    silent = _silent(personas, said)
    data: Json = {
        "currentStage": stage,
        "contributions": said,
        "contributionCount": len(said),
        "stageProgress": progress,
        "skippedStages": skipped,
        "contributionsPerPersona": counts,
        "personaCount": len(names),
        "silentPersonas": silent,
        "nextPersona": min(counts, key=lambda name: (counts[name], names.index(name)))
        if counts
        else None,
        "participationBalance": balance,
        "normalizedBalance": _normal(balance, len(names)),
        "stageTypeEntropy": entropy,
        "lowDiversityStages": [
            name for name, bits in entropy.items() if bits < DIVERSE and progress[name] > 1
        ],
        "meanConfidence": _mean(said),
        "besideTopic": [each.id for each in said if topic and not shared(topic, each.text)],
    }
    gate = [f"a contribution of {name}" for name in silent]
    if len(said) < NEEDED:
        gate.append(f"{NEEDED} contributions, {len(said)} so far")
    if not any(each.type == "synthesis" for each in said):
        gate.append("a synthesis")
    pattern, reason = NEXT[stage]
    return Result(
        data=data,
        summary=f"{stage}: {plural(len(said), 'contribution')} of {plural(len(names), 'persona')}, "
        f"balance {balance:g}",
        gate=gate,
        following=Following(pattern=pattern, reason=reason, fields={"prompt": topic}),
        state=State(topic=topic, personas=personas, stage=stage, contributions=said),
    )


def _new(given: Input) -> list[NewContribution]:
    found = [given.contribution] if given.contribution else []
    if given.contribution_text:
        found.append(
            NewContribution(
                type=given.contribution_type,
                text=given.contribution_text,
                persona=given.persona_id,
                confidence=given.contribution_confidence,
            )
        )
    return found


def _taken(
    new: Sequence[NewContribution],
    personas: Sequence[str],
    before: Sequence[Contribution],
    stage: str,
) -> list[Contribution] | Result:
    """What was said with what is added; a synthesis waits until every persona was heard."""
    said = list(before)
    for each in new:
        if refusal := full(said):
            return refusal
        silent = _silent(personas, said)
        if each.type == "synthesis" and personas and set(silent) - {each.persona}:
            return blocked(
                "silent_personas",
                f"a synthesis waits for {', '.join(silent)}",
                persona_id=silent[0],
            )
        said.append(
            Contribution(
                id=f"C-{len(said) + 1}",
                type=each.type,
                text=each.text,
                stage=stage,
                persona=each.persona,
                confidence=each.confidence,
            )
        )
    return said


def _silent(personas: Sequence[str], said: Sequence[Contribution]) -> list[str]:
    heard = {each.persona for each in said}
    return [name for name in personas if name not in heard]


def balance_of(counts: Sequence[int]) -> float:
    """How evenly contributions are spread; 1 for all alike, or for nobody."""
    total = sum(counts)
    if not total or len(counts) < 2:
        return 1.0
    mean = total / len(counts)
    return rounded(1 - sum(abs(each - mean) for each in counts) / (2 * total))


def _normal(balance: float, count: int) -> float:
    """The balance between 0 (one speaks) and 1."""
    if count < 2:
        return 1.0
    return rounded((balance - 1 / count) / (1 - 1 / count))


def _entropy(kinds: Sequence[str]) -> float:
    parts = [kinds.count(kind) / len(kinds) for kind in sorted(set(kinds))]
    return rounded(abs(sum(part * math.log2(part) for part in parts)))


def _mean(said: Sequence[Contribution]) -> float | None:
    known = [each.confidence for each in said if each.confidence is not None]
    return rounded(sum(known) / len(known)) if known else None


PATTERN: Final = Pattern(name="collaborative_reasoning", input=Input, think=think, state=State)
