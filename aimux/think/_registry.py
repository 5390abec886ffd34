"""Which patterns and techniques there are, under which names, and where their code is.

Names are compared without case, spaces, hyphens, dots and apostrophes. An alias may bring fields of
its own (`first_principles` is `mental_model` with that model); what a caller gives wins over them.
"""

import functools
import importlib
import re
from collections.abc import Mapping
from typing import Final

import attrs

from aimux.errors import NotFound

from ._base import Pattern
from ._words import nearest


@attrs.frozen(kw_only=True)
class Entry:
    """A pattern as far as it is known without its code. `bias` is None without a dialog profile."""

    name: str
    primary: str
    description: str
    bias: int | None = None
    is_stateful: bool = False


def _entry(name: str, primary: str, bias: int | None, description: str) -> Entry:
    return Entry(
        name=name,
        primary=primary,
        description=description,
        bias=bias,
        is_stateful=name in _STATEFUL,
    )


_STATEFUL: Final = frozenset({
    "sequential_thinking", "scientific_method", "debugging_approach", "structured_argumentation",
    "collaborative_reasoning", "experimental_loop",
})  # fmt: skip

PATTERNS: Final[Mapping[str, Entry]] = {
    each.name: each
    for each in (
        _entry("think", "thought", None, "note a thought and find the pattern that fits it"),
        _entry(
            "critical_thinking", "issue", 10,
            "find biases, unsupported assumptions and untested alternatives in an argument",
        ),
        _entry(
            "sequential_thinking", "thought", None,
            "think step by step with revisions and branches; repetition and contradiction are seen",
        ),
        _entry(
            "scientific_method", "observation", 10,
            "hypotheses, predictions, experiments and results, linked, with a verdict for each",
        ),
        _entry(
            "decision_framework", "decision", 30,
            "rank options by weighted criteria, with margin, ties and what would flip the winner",
        ),
        _entry(
            "problem_decomposition", "problem", 10,
            "split a problem into parts with dependencies: order, waves, cycles, critical path",
        ),
        _entry(
            "debugging_approach", "issue", 0,
            "hunt a bug with hypotheses and findings that support or contradict them",
        ),
        _entry(
            "mental_model", "problem", 0,
            "apply a mental model such as inversion or first principles by its worksheet",
        ),
        _entry(
            "metacognitive_monitoring", "task", -10,
            "calibrate confidence against claims, biases and uncertainties",
        ),
        _entry(
            "structured_argumentation", "topic", 20,
            "map claims, evidence and rebuttals; which claims stand and which are defeated",
        ),
        _entry(
            "collaborative_reasoning", "topic", 20,
            "collect contributions of several personas by stage, with balance and diversity",
        ),
        _entry(
            "recursive_thinking", "problem", None,
            "check base case, shrinking, depth and size of a recursion",
        ),
        _entry(
            "domain_modeling", "domainName", 10,
            "check entities, relationships, rules and aggregates of a domain for consistency",
        ),
        _entry(
            "architecture_analysis", "description", 10,
            "measure coupling, instability, cycles, layers and blast radius of components",
        ),
        _entry(
            "stochastic_algorithm", "problemDefinition", None,
            "compute expected values, bandits, Bayes, Markov decisions, hidden states, tree search",
        ),
        _entry(
            "temporal_thinking", "timeFrame", 0,
            "put events in time: gaps, pace, constraints, reachable states",
        ),
        _entry(
            "visual_reasoning", "operation", None,
            "analyse and draw a diagram of elements and relationships, transformed if asked",
        ),
        _entry(
            "source_comparison", "topic", None,
            "compare what sources claim: agreement, conflict, outliers, shared origin",
        ),
        _entry(
            "literature_review", "topic", None,
            "screen papers, find themes, coverage and gaps",
        ),
        _entry(
            "peer_review", "artifact", None,
            "review code, a design, a plan or a paper by the criteria of its kind",
        ),
        _entry(
            "replication_analysis", "claim", None,
            "judge whether a claim can be reproduced: resources, risks, sample size",
        ),
        _entry(
            "experimental_loop", "hypothesis", None,
            "run experiments towards a metric: improvement, trend, when to pivot or stop",
        ),
        _entry(
            "research_synthesis", "topic", None,
            "put findings together: claims, support, contradictions, open questions",
        ),
    )
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Technique:
    """A named way to use a pattern that computes something of its own."""

    name: str
    pattern: str
    primary: str
    description: str
    is_stateful: bool = False


TECHNIQUES: Final[Mapping[str, Technique]] = {
    each.name: each
    for each in (
        Technique(
            name="premortem", pattern="problem_decomposition", primary="problem",
            description="imagine that a plan has failed: rank failure modes, blind spots, verdict",
        ),
        Technique(
            name="swot", pattern="decision_framework", primary="decision",
            description="strengths, weaknesses, opportunities and threats: posture and matrix",
        ),
        Technique(
            name="tree_of_thought", pattern="sequential_thinking", primary="problem",
            description="a tree of scored thoughts: frontier, pruned branches, best path",
            is_stateful=True,
        ),
        Technique(
            name="devils_advocate", pattern="critical_thinking", primary="issue",
            description="objections against every claim, open until answered: robustness, verdict",
            is_stateful=True,
        ),
        Technique(
            name="chain_of_thought", pattern="sequential_thinking", primary="thought",
            description="a line of reasoning step by step: jumps, repetitions, contradictions",
        ),
        Technique(
            name="first_principles", pattern="mental_model", primary="problem",
            description="assumptions, truths and options rebuilt from them: what is convention",
        ),
    )
}  # fmt: skip

ALONE: Final = frozenset({"tree_of_thought"})  # asks no CLIs: none may score what it proposes

MODELS: Final = (
    "inversion", "second_order_thinking", "occams_razor", "pareto_principle",
    "circle_of_competence", "opportunity_cost", "systems_thinking", "hanlons_razor",
    "map_is_not_territory", "jobs_to_be_done", "via_negativa", "leverage_points",
    "probabilistic_thinking", "margin_of_safety",
)  # fmt: skip

SIX_HATS: Final = ("white", "red", "black", "yellow", "green", "blue")

_PLAIN: Final[Mapping[str, str]] = {  # canonical or technique name -> its other names
    "chain_of_thought": "cot step_by_step",
    "tree_of_thought": "tree_of_thoughts tot",
    "devils_advocate": "red_team steelman_opposition critic",
    "swot": "swot_analysis tows",
    "premortem": "pre_mortem",
    "scientific_method": "scientific",
    "first_principles": "first_principle",
    "debugging_approach": "root_cause debug debugging",
    "sequential_thinking": "sequential reasoning_chain",
    "decision_framework": "decision_matrix weighted_scoring pros_cons cost_benefit mcda decision",
    "structured_argumentation": "argument_map toulmin steelman argument",
    "collaborative_reasoning": "brainstorm roundtable",
    "problem_decomposition": "decompose work_breakdown issue_tree",
    "metacognitive_monitoring": "metacognition calibration confidence_check",
    "critical_thinking": "bias_check assumptions_check fallacy_check",
    "domain_modeling": "ddd entity_model domain_modelling",
    "architecture_analysis": "atam coupling_analysis architecture",
    "temporal_thinking": "timeline",
    "visual_reasoning": "diagram spatial",
    "literature_review": "survey systematic_review",
    "source_comparison": "triangulation",
    "research_synthesis": "synthesis meta_synthesis",
    "peer_review": "code_critique design_review critique review",
    "replication_analysis": "reproduce replication",
    "experimental_loop": "ab_test pdca",
    "recursive_thinking": "recursion self_similar",
    "think": "reflect scratchpad auto",
}
_PRESETS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    **{model: ("mental_model", {"modelName": model}) for model in MODELS},
    "second_order": ("mental_model", {"modelName": "second_order_thinking"}),
    "occam": ("mental_model", {"modelName": "occams_razor"}),
    "pareto": ("mental_model", {"modelName": "pareto_principle"}),
    "systems": ("mental_model", {"modelName": "systems_thinking"}),
    "five_whys": ("debugging_approach", {"approachName": "five_whys"}),
    "rubber_duck": ("debugging_approach", {"approachName": "rubber_duck"}),
    "binary_search_debug": ("debugging_approach", {"approachName": "binary_search"}),
    "bisect_debug": ("debugging_approach", {"approachName": "bisect"}),
    "mece": ("problem_decomposition", {"methodology": "mece"}),
    "six_thinking_hats": ("collaborative_reasoning", {"personas": list(SIX_HATS)}),
    "six_hats": ("collaborative_reasoning", {"personas": list(SIX_HATS)}),
    "expected_value": ("stochastic_algorithm", {"algorithmType": "bandit"}),
    "bayes": ("stochastic_algorithm", {"algorithmType": "bayesian"}),
}


@attrs.frozen(kw_only=True)
class Choice:
    """What a name means: the pattern, the technique if it is one, the fields it brings."""

    pattern: Entry
    technique: Technique | None = None
    preset: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """The name of the code that runs."""
        return self.technique.name if self.technique else self.pattern.name

    @property
    def primary(self) -> str:
        """The field that carries the caller's text."""
        return self.technique.primary if self.technique else self.pattern.primary

    @property
    def is_stateful(self) -> bool:
        """Whether it keeps a session."""
        return self.technique.is_stateful if self.technique else self.pattern.is_stateful


def normalised(name: str) -> str:
    """A name as it is compared: `Pre-Mortem` and `pre_mortem` are one."""
    return re.sub(r"[\s-]+", "_", re.sub(r"['\u2019.]", "", name.strip().lower()))


@functools.cache
def choices() -> Mapping[str, Choice]:
    """Every accepted name, normalised.

    Raises:
        ValueError: a name means two things.
    """
    found: dict[str, Choice] = {name: Choice(pattern=each) for name, each in PATTERNS.items()}

    def add(name: str, choice: Choice) -> None:
        if name in found:
            raise ValueError(f"{name} means two patterns")
        found[name] = choice

    for technique in TECHNIQUES.values():
        add(technique.name, Choice(pattern=PATTERNS[technique.pattern], technique=technique))
    for meant, names in _PLAIN.items():
        for name in names.split():
            add(name, found[meant])
    for name, (meant, preset) in _PRESETS.items():
        add(name, Choice(pattern=PATTERNS[meant], preset=preset))
    return found


def choose(name: str) -> Choice:
    """What a name means.

    Raises:
        NotFound: no pattern, technique or alias of that name (`unknown_pattern`); it lists the
            nearest three and every pattern.
    """
    known = choices()
    wanted = normalised(name)
    if wanted in known:
        return known[wanted]
    close = nearest(wanted, known.keys())
    raise NotFound(
        f"no pattern {name[:60]!r}: did you mean {', '.join(close[:-1])} or {close[-1]}?",
        code="unknown_pattern",
        hint=f"patterns: {', '.join(PATTERNS)}; techniques: {', '.join(TECHNIQUES)}",
        data={"nearest": close, "patterns": list(PATTERNS), "techniques": list(TECHNIQUES)},
    )


@functools.cache
def code_of(name: str) -> Pattern:
    """The pattern or technique of a canonical name, its module imported."""
    kind = "techniques" if name in TECHNIQUES else "patterns"
    found = importlib.import_module(f"aimux.think.{kind}._{name}").PATTERN
    assert isinstance(found, Pattern)
    return found
