"""The vectors of the specification, and what every pattern must hold whatever it is given."""

import math
from typing import Any

import pytest

from aimux.errors import NotFound
from aimux.think import PATTERNS, TECHNIQUES, answer, choices, choose, recommended, render, score
from aimux.think._domains import domain_of
from aimux.think._graph import cycle_path, graph, topological
from aimux.think._words import jaccard
from aimux.think.patterns._collaborative_reasoning import balance_of
from aimux.think.patterns._problem_decomposition import dag
from aimux.think.patterns._sequential_thinking import stage_of

from .helpers import data, steps

BIAS = {name: entry.bias for name, entry in PATTERNS.items()}


@pytest.mark.parametrize(
    ("pattern", "fields", "parts", "total"),
    [
        (
            "decision_framework",
            {"decision": "x" * 1000, "options": ["o"] * 10, "criteria": ["c"] * 3},
            (100, 100, 25, 30),
            71,
        ),
        ("critical_thinking", {"issue": "x" * 10}, (2, 0, 0, 10), 3),
        ("think", {}, (0, 0, 0, -50), 0),
        ("think", {"a": {"b": {"c": 1}}}, (0, 0, 50, -50), 0),
        (
            "visual_reasoning",
            {"problem": "x" * 500, "elements": [{"id": "a"}] * 10},
            (100, 100, 50, -50),
            60,
        ),
        ("decision_framework", {"decision": "x" * 5000}, (100, 0, 0, 30), 36),
    ],
)
def test_the_complexity_of_an_input(
    pattern: str, fields: dict[str, Any], parts: tuple[int, ...], total: int
) -> None:
    """As the reference scores it: text, items, depth, bias."""
    found = score(fields, BIAS[pattern])

    assert found["total"] == total
    assert tuple(found["components"].values()) == parts  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pattern", "fields", "mode"),
    [
        ("decision_framework", {"decision": "x" * 1000, "options": ["o"] * 10}, "consensus"),
        ("critical_thinking", {"issue": "x" * 10}, "solo"),
        ("visual_reasoning", {"problem": "x" * 500, "elements": [{"id": "a"}] * 10}, "solo"),
        ("problem_decomposition", {"problem": "migrate the monolith"}, "consensus"),
        ("critical_thinking", {"issue": "One. Two. Three. Four. Five. Six. Seven."}, "consensus"),
        ("peer_review", {"artifact": "irreversible"}, "solo"),
    ],
)
def test_consensus_is_recommended_only_where_it_can_run(
    pattern: str, fields: dict[str, Any], mode: str
) -> None:
    """High stakes and complex texts ask for it; a pattern without a profile never does."""
    total = int(str(score(fields, BIAS[pattern])["total"]))

    assert recommended(fields, BIAS[pattern], total)[0] == mode


def test_a_denied_sentence_is_a_repetition_and_a_contradiction() -> None:
    """Jaccard 0.8."""
    one, two = "The cache is the bottleneck", "The cache is not the bottleneck"
    found = data("sequential_thinking", {"thought": one}, thought=two)

    assert jaccard(one, two) == 0.8
    assert found["contradictsWith"] == 1
    assert "80 %" in found["duplicateWarning"]


@pytest.mark.parametrize(
    ("number", "total", "stage"),
    [
        (1, 1, "final"),
        (1, 5, "initial"),
        (2, 2, "final"),
        (3, 9, "middle"),
        (6, 9, "middle"),
        (7, 9, "final"),
    ],
)
def test_the_stage_of_a_thought(number: int, total: int, stage: str) -> None:
    """By its share of the whole."""
    assert stage_of(number, total) == stage


def test_a_tie_is_a_tie() -> None:
    """Weights 2 and 1, scores 9, 3 and 6, 9."""
    found = data(
        "decision_framework",
        decision="d",
        criteria=[{"name": "x", "weight": 2}, {"name": "y", "weight": 1}],
        options=[
            {"name": "A", "scores": {"x": 9, "y": 3}},
            {"name": "B", "scores": {"x": 6, "y": 9}},
        ],
    )

    assert [row["totalScore"] for row in found["rankedOptions"]] == [7.0, 7.0]
    assert (found["hasTies"], found["winner"]) == (True, None)


def test_a_cycle_is_named() -> None:
    """A, B, C, A: no order."""
    whole = graph("ABC", [("A", "B"), ("B", "C"), ("C", "A")])

    assert cycle_path(whole) == ["A", "B", "C", "A"]
    assert topological(whole) is None


def test_the_order_of_the_auth_template() -> None:
    """As the reference has it, and in the order in which it can be done."""
    auth = domain_of("login with oauth")
    assert auth is not None
    found = dag(graph(auth.parts, auth.edges), auth.parts)

    assert found["topologicalOrder"] == [
        "role-based-access-control",
        "session-handling",
        "token-management",
        "login-flow",
        "user-registration",
    ]
    assert found["executionOrder"][0] == "user-registration"  # type: ignore[index]


def test_the_instability_of_components() -> None:
    """X uses Y and nothing else."""
    found = data("architecture_analysis", components=[{"name": "X", "dependencies": ["Y"]}, "Y"])

    assert found["componentMetrics"] == [
        {"component": "X", "ca": 0, "ce": 1, "instability": 1.0},
        {"component": "Y", "ca": 1, "ce": 0, "instability": 0.0},
    ]


@pytest.mark.parametrize(
    ("confidence", "uncertainties", "biases", "calibrated", "over"),
    [(0.95, 1, 0, 0.9, True), (0.9, 10, 10, 0.3, False)],
)
def test_confidence_is_calibrated(
    confidence: float, uncertainties: int, biases: int, calibrated: float, over: bool
) -> None:
    """0.05 an uncertainty, 0.1 a bias, each 0.3 at most."""
    found = data(
        "metacognitive_monitoring",
        task="t",
        confidence=confidence,
        uncertainties=["u"] * uncertainties,
        biases=["b"] * biases,
    )

    assert found["calibratedConfidence"] == calibrated
    assert found["overconfident"] is over


def test_expectation_and_spread() -> None:
    """(0.5, 10) (0.3, 25) (0.2, 5)."""
    rows = [(0.5, 10), (0.3, 25), (0.2, 5)]
    found = data(
        "stochastic_algorithm",
        parameters={"outcomes": [{"probability": p, "value": v} for p, v in rows]},
    )

    assert (found["expectedValue"], found["variance"]) == (13.5, 60.25)
    assert found["standardDeviation"] == 7.762087
    assert found["dominantOutcome"]["probability"] == 0.3
    assert found["dominantOutcome"]["value"] == 25


@pytest.mark.parametrize(
    ("counts", "balance"),
    [([3, 1], 0.75), ([4, 0], 0.5), ([4, 0, 0], 0.3333), ([2, 2], 1.0), ([], 1.0)],
)
def test_the_balance_of_voices(counts: list[int], balance: float) -> None:
    """1 for all alike."""
    assert balance_of(counts) == balance


def test_how_much_was_written_is_no_score_of_quality() -> None:
    """100 characters and three steps of 60: the reference's figures, under `verbosity`."""
    found = data("mental_model", problem="x" * 100, steps=["y" * 20] * 3)

    assert found["verbosity"] == {
        "completenessScore": 0.16,
        "clarityScore": 0.3,
        "coherenceScore": 0.23,
        "complexity": "low",
    }


def test_a_grave_failure_mode_without_an_answer() -> None:
    """Likelihood 5, impact 4, detectability 2: rethink."""
    mode = {"cause": "c", "likelihood": 5, "impact": 4, "detectability": 2}
    found = data("premortem", problem="p", failure_modes=[mode])

    row = found["failure_modes"][0]
    assert (row["exposure"], row["rpn"], found["verdict"]) == (20, 80, "rethink")


def test_the_posture_of_four_lists() -> None:
    """Internal +4, external -1."""
    found = data(
        "swot",
        strengths=["a", "b"],
        weaknesses=[{"text": "c", "weight": 2}],
        opportunities=[{"text": "d", "weight": 5, "likelihood": 0.6}],
        threats=[{"text": "e", "weight": 4, "likelihood": 1}],
    )

    assert (found["internal"], found["external"], found["posture"]) == (4, -1, "diversify")


def test_every_name_leads_to_one_pattern() -> None:
    """Canonical names, techniques, aliases of both, spelled as people do."""
    assert len(PATTERNS) == 23
    for name, choice in choices().items():
        assert choose(name.replace("_", " ").title()) == choice
    for said, pattern, technique in (
        ("Devil's Advocate", "critical_thinking", "devils_advocate"),
        ("pre-mortem", "problem_decomposition", "premortem"),
        ("tree-of-thought", "sequential_thinking", "tree_of_thought"),
        ("SWOT", "decision_framework", "swot"),
        ("chain-of-thought", "sequential_thinking", "chain_of_thought"),
        ("First Principles", "mental_model", "first_principles"),
        ("scientific method", "scientific_method", None),
        ("critic", "critical_thinking", "devils_advocate"),
        ("inversion", "mental_model", None),
        ("five whys", "debugging_approach", None),
    ):
        found = choose(said)
        assert (found.pattern.name, found.technique and found.technique.name) == (
            pattern,
            technique,
        )


def test_an_unknown_name_comes_with_the_nearest() -> None:
    """Three of them, and the whole list as a hint."""
    with pytest.raises(NotFound) as refused:
        choose("premotem")

    assert refused.value.code == "unknown_pattern"
    assert refused.value.data["nearest"][0] == "premortem"  # type: ignore[index]
    assert len(refused.value.data["nearest"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*PATTERNS, *TECHNIQUES])
def test_a_prompt_alone_gives_no_findings(name: str) -> None:
    """Either the text itself is computed on, or fields are asked for; seeds say what they are."""
    step = steps(name, {choose(name).primary: "Should we migrate Billing to the cloud?"})
    shown = answer(step)
    again = answer(steps(name, {choose(name).primary: "Should we migrate Billing to the cloud?"}))

    assert shown == again
    assert render(shown)
    if step.status == "needs_input":
        assert shown["needs"]["fields"]  # type: ignore[index]
    for key, value in step.result.data.items():
        if key.startswith("suggested") and isinstance(value, list):
            assert all(row["source"] in ("template", "prompt") for row in value)


@pytest.mark.parametrize("name", [*PATTERNS, *TECHNIQUES])
def test_nothing_at_all_is_told_what_is_needed(name: str) -> None:
    """No error, no result: the fields that are missing, with what they take."""
    shown = answer(steps(name, {}))

    assert shown["status"] == "needs_input"
    assert shown["needs"]["fields"]  # type: ignore[index]
    assert math.isfinite(shown["complexity"]["total"])  # type: ignore[index]
