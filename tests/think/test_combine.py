"""The merge rule that is special to each pattern, by figures made by hand."""

from typing import Any

import orjson
import pytest

from aimux.rules import compile_schema
from aimux.think import PATTERNS, TECHNIQUES, choose
from aimux.think.panel import contract_for, contract_of
from aimux.think.panel._across import kendalls_w
from emulators._brain import instance

from .helpers import steps
from .panels import consensus, data, findings, join

Json = dict[str, Any]
PROMPTS = {"source_comparison": {"topic": "x", "sources": ["a", "b"]}}
ASKING = [name for name in (*PATTERNS, *TECHNIQUES) if name != "tree_of_thought"]


def fields_for(name: str) -> Json:
    """The least that a pattern takes."""
    return PROMPTS.get(name, {choose(name).primary: "Should we move billing to the cloud?"})


@pytest.mark.requirement("think:panel_merge")
@pytest.mark.parametrize("name", ASKING)
def test_every_pattern_has_a_contract_and_takes_what_fits_it(name: str) -> None:
    """Any answer that fits is merged into JSON, and the second role is another one."""
    contract = contract_of(steps(name, fields_for(name)))
    assert contract is not None
    said = instance(contract.schema)
    assert compile_schema(contract.schema)(said)
    assert isinstance(said, dict)
    made = join(name, fields_for(name), said, said)

    assert orjson.dumps(made)
    assert made["consensus"]["status"] == "ok"
    assert len(set(contract.roles)) == 2


def test_a_tree_is_grown_by_its_caller_alone() -> None:
    """tree_of_thought asks nobody: nobody may score what they propose."""
    assert contract_for(choose("tree_of_thought")) is None


def test_decision_weights_are_normalised_and_rankings_compared() -> None:
    """Weights 3:1 and 30:10 are the same; opposite rankings have a W of 0."""
    one = {
        "criteria": [{"name": "speed", "weight": 3}, {"name": "price", "weight": 1}],
        "options": [
            {"name": "A", "scores": {"speed": 8, "price": 2}},
            {"name": "B", "scores": {"speed": 4, "price": 6}},
        ],
        "choice": "A",
    }
    other = {
        "criteria": [{"name": "speed", "weight": 30}, {"name": "price", "weight": 10}],
        "options": [
            {"name": "A", "scores": {"speed": 2, "price": 2}},
            {"name": "B", "scores": {"speed": 4, "price": 6}},
        ],
        "choice": "B",
    }
    block = consensus("decision_framework", {"decision": "which"}, one, other)

    assert [row["weight"] for row in block["merged"]["criteria"]] == [0.75, 0.25]
    assert block["merged"]["options"][0]["scores"] == {"speed": 5.0, "price": 2.0}
    assert block["findings"]["kendalls_w"] == 0.0
    assert block["findings"]["first_by_seat"] == {"A": "A", "B": "B"}
    assert block["findings"]["votes"] == {"A": 1, "B": 1}


def test_kendalls_w_by_hand() -> None:
    """Same rankings 1, three judges of three things 7/9, ties corrected, too few None."""
    assert kendalls_w([[3, 2, 1], [3, 2, 1]]) == 1.0
    assert kendalls_w([[3, 2, 1], [3, 2, 1], [3, 1, 2]]) == 0.7778
    assert kendalls_w([[2, 2, 1], [2, 2, 1]]) == 1.0
    assert kendalls_w([[1, 2]]) is None
    assert kendalls_w([[1], [2]]) is None
    assert kendalls_w([[1, 1], [1, 1]]) is None


def test_review_severity_needs_two() -> None:
    """P0 from one is P1 with a note; P0 and P2 are P2; two P1 stay P1."""
    given = {"artifact": "def f(): return 1"}
    one = {
        "objections": [
            {"text": "no input validation", "severity": "P0"},
            {"text": "race on the counter", "severity": "P0"},
            {"text": "missing tests", "severity": "P1"},
        ]
    }
    two = {
        "objections": [
            {"text": "counter race", "severity": "P2"},
            {"text": "tests missing", "severity": "P1"},
        ]
    }
    rows = findings("peer_review", given, one, two)["severities"]

    assert [(row["counted"], row["note"]) for row in rows] == [
        ("P1", "needs second opinion"),
        ("P2", None),
        ("P1", None),
    ]


def test_reasoning_is_compared_by_conclusion_and_first_parting_step() -> None:
    """The second step parts, the conclusions deny each other."""
    found = findings(
        "sequential_thinking",
        {"thought": "is the cache slow?"},
        {"steps": ["measure the cache", "it hits the disk"], "conclusion": "the cache is slow"},
        {"steps": ["measure the cache", "locks wait"], "conclusion": "the cache is not slow"},
    )

    assert found["pairs"] == [{"seats": ["A", "B"], "same_conclusion": False, "diverge_at_step": 2}]


def test_predictions_that_tell_hypotheses_apart_are_listed() -> None:
    """One predicts what the other denies; both become entries of a copy of the notebook."""
    given = {"observation": "requests are slow"}
    one = {"hypotheses": [{"text": "disk is full", "prediction": "latency falls after cleanup"}]}
    two = {
        "hypotheses": [
            {"text": "network jitter", "prediction": "latency never falls after cleanup"}
        ]
    }
    made = join("scientific_method", given, one, two)

    (pair,) = made["consensus"]["findings"]["discriminating_predictions"]
    assert pair["hypotheses"] == ["disk is full", "network jitter"]
    assert made["data"]["hypothesesCount"] == 2
    assert made["solo"]["data"]["hypothesesCount"] == 0


def test_causes_rank_by_confidence_and_support_and_cheap_tests_come_first() -> None:
    """0.5 by two beats 0.9 by one; the test that costs 1 comes before that which costs 4."""
    shared = {"text": "connection pool exhausted", "confidence": 0.5, "test": "count connections",
              "test_cost": 4}  # fmt: skip
    single = {"text": "clock skew", "confidence": 0.9, "test": "compare clocks", "test_cost": 1}
    found = findings(
        "debugging_approach",
        {"issue": "timeouts"},
        {"hypotheses": [single, shared]},
        {"hypotheses": [shared]},
    )

    assert [row["text"] for row in found["ranked"]] == ["connection pool exhausted", "clock skew"]
    assert [row["test"] for row in found["tests"]] == ["compare clocks", "count connections"]


def test_arguments_of_several_become_one_map() -> None:
    """Ids of two seats that are the same word mean different things; a dangling one is left out."""
    one = {
        "arguments": [
            {"id": "2", "type": "rebuttal", "text": "it loses writes", "supports_claim_id": "1"},
            {"id": "1", "type": "claim", "text": "use the queue"},
        ]
    }
    two = {
        "arguments": [
            {"id": "1", "type": "claim", "text": "keep the database"},
            {"id": "2", "type": "evidence", "text": "measured at 5 ms", "supports_claim_id": "1"},
            {"id": "3", "type": "evidence", "text": "hearsay", "supports_claim_id": "9"},
        ]
    }
    found = data("structured_argumentation", {"topic": "queue or database"}, one, two)

    arguments = [(each["id"], each["text"], each.get("supports_claim_id"))
                 for each in found["arguments"]]  # fmt: skip
    assert arguments == [
        ("A-1", "use the queue", None),
        ("A-2", "keep the database", None),
        ("A-3", "it loses writes", "A-1"),
        ("A-4", "measured at 5 ms", "A-2"),
    ]
    assert found["status"]["A-1"] != found["status"]["A-2"]


def test_confidence_is_averaged_and_its_spread_told() -> None:
    """0.9 and 0.5: mean 0.7, spread 0.4; calibration runs on the mean."""
    one = {"claims": ["it scales"], "confidence": 0.9}
    two = {"claims": ["it scales"], "confidence": 0.5}
    made = join("metacognitive_monitoring", {"task": "predict load"}, one, two)

    found = made["consensus"]["findings"]["confidence"]
    assert (found["mean"], found["spread"]) == (0.7, 0.4)
    assert made["data"] != made["solo"]["data"]


def test_outcomes_give_an_interval_and_the_pattern_their_mean() -> None:
    """Expected values 5 and 10."""
    one = {"outcomes": [{"name": "win", "probability": 0.5, "value": 10}]}
    two = {"outcomes": [{"name": "win", "probability": 0.5, "value": 20}]}
    made = join("stochastic_algorithm", {"problemDefinition": "bet"}, one, two)

    found = made["consensus"]["findings"]["expected_value"]
    assert (found["low"], found["high"]) == (5.0, 10.0)
    assert made["consensus"]["merged"]["outcomes"][0]["value"] == 15.0


def test_events_in_opposite_order_are_told() -> None:
    """One puts the freeze before the move, the other after it."""
    one = {"events": [{"name": "freeze", "time": 1}, {"name": "move", "time": 2}]}
    two = {
        "events": [
            {"name": "freeze", "time": "2026-02-02"},
            {"name": "move", "time": "2026-01-01"},
        ]
    }
    found = findings("temporal_thinking", {"timeFrame": "6 weeks"}, one, two)

    assert found["order_conflicts"] == [
        {"events": ["freeze", "move"], "in_this_order": ["A"], "reversed": ["B"]}
    ]


def test_named_sources_are_never_papers() -> None:
    """They are listed as unverified, the review counts none."""
    said = {"themes": ["latency"], "candidate_sources": [{"title": "A Study", "why": "cited"}]}
    made = join("literature_review", {"topic": "caching"}, said)

    (source,) = made["consensus"]["findings"]["candidate_sources"]
    assert (source["title"], source["verified"]) == ("A Study", False)
    assert made["data"] == made["solo"]["data"]


def test_experiments_rank_by_gain_for_cost() -> None:
    """5/4 comes after 3/1."""
    said = {
        "next_experiments": [
            {"change": "rewrite it", "expected": 5, "cost": 4},
            {"change": "add an index", "expected": 3, "cost": 1},
        ]
    }
    rows = findings("experimental_loop", {"hypothesis": "faster"}, said)["next_experiments"]

    assert [(row["change"], row["value"]) for row in rows] == [
        ("add an index", 3.0),
        ("rewrite it", 1.25),
    ]


def test_claims_with_both_sides_are_contested_and_pairs_go_by_majority() -> None:
    """Support of one seat and opposition of another meet in one claim; two of three disagree."""
    claims = findings(
        "research_synthesis",
        {"topic": "x"},
        {"claims": [{"text": "caches help reads", "supporting": ["s1"]}]},
        {"claims": [{"text": "caches help reads", "opposing": ["s2"]}]},
    )
    pair = {"a": "one", "b": "two"}
    swapped = {"a": "two", "b": "one"}
    pairs = findings(
        "source_comparison",
        {"topic": "x", "sources": ["one", "two"]},
        {"pairs": [{**pair, "relation": "agree"}]},
        {"pairs": [{**swapped, "relation": "disagree"}]},
        {"pairs": [{**pair, "relation": "disagree"}]},
    )

    assert claims == {"contested_claims": ["caches help reads"]}
    assert list(pairs["relations"].values()) == ["disagree"]
    assert len(pairs["split"]) == 1


def test_votes_concerns_measures_and_slots() -> None:
    """Feasibility and the next pattern by vote, concerns by weight, who names no measure, slots."""
    feasible = findings(
        "replication_analysis",
        {"claim": "x"},
        {"requirements": [], "verdict": "partial"},
        {"requirements": [], "verdict": "infeasible"},
        {"requirements": [], "verdict": "infeasible"},
    )
    following = findings(
        "think",
        {"thought": "x"},
        {"observations": [], "next_pattern": "peer_review"},
        {"observations": [], "next_pattern": "peer_review"},
        {"observations": [], "next_pattern": "think"},
    )
    low = {"text": "slow start", "severity": "low"}
    high = {"text": "no backup", "severity": "high"}
    grave = findings(
        "architecture_analysis",
        {"description": "x"},
        {"components": ["api"], "concerns": [low, high]},
        {"components": ["api"], "concerns": [low]},
    )
    measure = join(
        "recursive_thinking",
        {"problem": "sort"},
        {"baseCase": "one item", "convergenceCheck": "length"},
        {"baseCase": "one item"},
    )
    sheet = data(
        "mental_model",
        {"problem": "x", "modelName": "inversion"},
        {slot: ["do nothing"] for slot in _slots("inversion")},
    )
    tied = findings(
        "replication_analysis",
        {"claim": "x"},
        {"requirements": [], "verdict": "partial"},
        {"requirements": [], "verdict": "infeasible"},
    )

    assert feasible["feasibility"] == "infeasible"
    assert tied == {"feasibility": None, "votes": {"partial": 1, "infeasible": 1}}
    assert following["next_pattern"] == "peer_review"
    assert [row["text"] for row in grave["concerns"]] == ["no backup", "slow start"]
    assert measure["consensus"]["findings"] == {"without_measure": ["B"]}
    assert measure["data"] != measure["solo"]["data"]
    assert sheet["worksheetScore"] == 1.0


def _slots(model: str) -> list[str]:
    found = data("mental_model", {"problem": "x", "modelName": model}, "prose")["slots"]
    assert isinstance(found, dict)
    return list(found)


def test_objections_stay_open_and_aim_at_claims_that_are_there() -> None:
    """A made-up target is dropped, an answer of a CLI's own does not close its objection."""
    said = {
        "objections": [
            {"text": "costs will rise", "targets": "C-1", "severity": "P1", "status": "answered",
             "answer": "trust me"},
            {"text": "nobody knows it", "targets": "C-99"},
        ]
    }  # fmt: skip
    found = data("devils_advocate", {"issue": "We should move to the cloud."}, said)

    assert [(each["status"], each["targets"]) for each in found["objections"]] == [
        ("open", "C-1"),
        ("open", ""),
    ]
    assert found["verdict"] == "contested"


def test_truths_of_two_seats_do_not_share_ids() -> None:
    """T-1 of one and T-1 of the other are two truths, and options stand on the right one."""
    one = {
        "assumptions": [],
        "truths": [{"id": "T-1", "text": "energy is finite", "evidence": "physics"}],
        "rebuilt_options": [{"text": "use less", "uses_truths": ["T-1"]}],
    }
    two = {
        "assumptions": [],
        "truths": [{"id": "T-1", "text": "people need sleep", "evidence": "biology"}],
        "rebuilt_options": [{"text": "rest more", "uses_truths": ["T-1"]}],
    }
    block = consensus("first_principles", {"problem": "x"}, one, two)

    assert [row["id"] for row in block["merged"]["truths"]] == ["T-1", "T-2"]
    assert [row["uses_truths"] for row in block["merged"]["rebuilt_options"]] == [["T-1"], ["T-2"]]


def test_contributions_speak_for_their_cli() -> None:
    """Each is a persona of its own, so balance is computed over CLIs."""
    made = data(
        "collaborative_reasoning",
        {"topic": "naming"},
        {"contributions": [{"text": "use short names"}, {"text": "avoid acronyms"}]},
        {"contributions": [{"text": "ask the users"}]},
    )

    assert "codex" in str(made)
    assert "gemini" in str(made)


def test_quadrants_are_merged_one_by_one() -> None:
    """A strength that two name is one, its weight the mean; what is said elsewhere stays there."""
    found = consensus(
        "swot",
        {"decision": "x"},
        {"strengths": [{"text": "fast team", "weight": 5}], "threats": ["new rival"]},
        {"strengths": [{"text": "team is fast", "weight": 3}], "weaknesses": ["fast team burnout"]},
    )

    (row,) = found["merged"]["strengths"]
    assert (row["weight"], row["support"]) == (4, ["codex", "gemini"])
    assert len(found["merged"]["weaknesses"]) == 1
