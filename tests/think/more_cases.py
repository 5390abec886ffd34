"""The second half of `cases`."""

from typing import Any

from .cases import GONE, Json

OUTCOMES = [
    {"name": "rain", "probability": 0.5, "value": 10},
    {"name": "sun", "probability": 0.5, "value": 20},
]
ARMS = [{"name": "a", "pulls": 10, "reward": 7}, {"name": "b", "pulls": 10, "reward": 5}]
MOVES = [
    {"state": "s", "action": "go", "next": "t", "probability": 0.5, "reward": 4},
    {"state": "s", "action": "go", "next": "s", "probability": 0.5, "reward": 0},
    {"state": "s", "action": "stay", "next": "s", "reward": 1},
]
BELIEFS = {
    "priors": {"ill": 0.01, "well": 0.99},
    "likelihoods": {"ill": {"pos": 0.9, "neg": 0.1}, "well": {"pos": 0.05, "neg": 0.95}},
    "evidence": ["pos"],
}
HIDDEN = {
    "start": {"hot": 0.8, "cold": 0.2},
    "moves": {"hot": {"hot": 0.7, "cold": 0.3}, "cold": {"hot": 0.4, "cold": 0.6}},
    "emissions": {"hot": {"1": 0.2, "3": 0.8}, "cold": {"1": 0.5, "3": 0.5}},
    "observations": ["3", "1"],
}
TREE = [
    {"id": "r", "trials": 10},
    {"id": "x", "parent": "r", "trials": 6, "value": 3},
    {"id": "y", "parent": "r", "trials": 4, "value": 3},
]


def chance(**parameters: Any) -> Json:
    """A call with these figures."""
    return {"parameters": parameters}


def of(prefix: str, base: Json, *names: str) -> dict[str, Json]:
    """The same base for several fields."""
    return {f"{prefix}{name}": base for name in names}


MORE: dict[str, Json] = {
    "stochastic_algorithm": {
        "base": {
            "algorithmType": "bandit",
            "problemDefinition": "which option to try",
            "parameters": {"outcomes": OUTCOMES},
            "iterations": 3,
            "result": "it was 20",
        },
        "changes": {
            "algorithmType": "bayesian",
            "problemDefinition": "hidden sequence of observations",
            "parameters": {"arms": ARMS},
            "iterations": 4,
            "result": "it was 10",
            "parameters.outcomes": [OUTCOMES[0]],
            "parameters.outcomes@1.name": "",
            "parameters.outcomes.probability": 0.1,
            "parameters.outcomes.value": 90,
            "parameters.arms": [],
            "parameters.arms@1.name": "a",
            "parameters.arms.pulls": 70,
            "parameters.arms.reward": 1,
            "parameters.epsilon": 0.5,
            "parameters.seed": 3,
            "parameters.priors": {"ill": 0.5, "well": 0.5},
            "parameters.likelihoods": {},
            "parameters.evidence": ["neg"],
            "parameters.transitions": MOVES[2:],
            "parameters.transitions.state": "u",
            "parameters.transitions.action": "run",
            "parameters.transitions.next": "s",
            "parameters.transitions.probability": 0.1,
            "parameters.transitions.reward": 0,
            "parameters.gamma": 0.1,
            "parameters.start": {"hot": 0.1, "cold": 0.9},
            "parameters.moves": {},
            "parameters.emissions": {"hot": {"1": 0.9, "3": 0.1}, "cold": {"1": 0.1, "3": 0.9}},
            "parameters.observations": ["1", "1"],
            "parameters.nodes": TREE[:1],
            "parameters.nodes@1.id": "r",
            "parameters.nodes@2.parent": "x",
            "parameters.nodes@1.trials": 0,
            "parameters.nodes@1.value": 9,
            "parameters.exploration": 0.0,
        },
        "of": {
            "algorithmType": {**chance(outcomes=OUTCOMES), "algorithmType": "bandit"},
            **of("parameters.arms", chance(arms=ARMS), "", "@1.name", ".pulls", ".reward"),
            **of("parameters.", chance(arms=ARMS), "epsilon", "seed"),
            **of("parameters.", chance(**BELIEFS), "priors", "likelihoods", "evidence"),
            **of(
                "parameters.transitions", chance(transitions=MOVES),
                "", ".state", ".action", ".next", ".probability", ".reward",
            ),
            "parameters.gamma": chance(transitions=MOVES),
            **of(
                "parameters.", chance(**HIDDEN), "start", "moves", "emissions", "observations"
            ),
            **of(
                "parameters.nodes", chance(nodes=TREE),
                "", "@1.id", "@2.parent", "@1.trials", "@1.value",
            ),
            "parameters.exploration": chance(nodes=TREE),
        },
    },
    "temporal_thinking": {
        "base": {
            "timeFrame": "2 days",
            "states": ["new", "open"],
            "events": [{"name": "birth", "time": 0}, {"name": "death", "time": 80000}],
            "transitions": [{"from": "new", "to": "open", "event": "birth"}],
            "constraints": [
                {"text": "", "type": "max_gap", "first": "birth", "second": "death", "limit": 90000}
            ],
            "analysis": "birth and death",
        },
        "changes": {
            "timeFrame": "1 hour",
            "states": ["new", "open", "gone"],
            "events": [],
            "events.name": "start",
            "events.time": "soon",
            "transitions": [],
            "transitions.from": "lost",
            "transitions.to": "lost",
            "transitions.event": "storm",
            "constraints": [],
            "constraints.text": "not long",
            "constraints.type": "min_gap",
            "constraints.first": "storm",
            "constraints.second": "storm",
            "constraints.limit": "1 minute",
            "analysis": "nothing",
        },
        "of": {
            "constraints.text": {
                "timeFrame": "x", "events": ["a"], "constraints": [{"first": "a", "second": "b"}]
            }
        },
    },
    "visual_reasoning": {
        "base": {
            "operation": "find the hub",
            "diagramType": "flowchart",
            "description": "The Hub feeds the Spoke",
            "elements": [{"id": "hub", "type": "node"}, {"id": "spoke", "type": "node"}, "rim"],
            "relationships": [{"from": "hub", "to": "spoke", "label": "feeds"}],
            "transformations": [{"op": "rename", "element": "hub", "to": "rim"}],
        },
        "changes": {
            "operation": "count spokes of the rim",
            "diagramType": "sequence",
            "description": "The Tyre is black",
            "elements": ["hub"],
            "elements.id": "tyre",
            "elements.type": "edge",
            "relationships": [],
            "relationships.from": "tyre",
            "relationships.to": "hub",
            "relationships.label": "",
            "transformations": [],
            "transformations.op": "remove",
            "transformations.element": "spoke",
            "transformations.to": "",
        },
    },
    "source_comparison": {
        "base": {
            "topic": "tea and sleep",
            "sources": [
                {"name": "one", "claim": "tea harms sleep at night", "type": "study",
                 "date": "2020-01-01", "reliability": 0.9, "origin": "lab"},
                {"name": "two", "claim": "tea does not harm sleep at night", "type": "blog"},
                {"name": "three", "claim": "tea harms sleep at night", "origin": "wire"},
            ],
        },
        "changes": {
            "topic": "coffee",
            "sources": [],
            "sources.name": "tea",
            "sources.claim": "tea does not harm sleep at night",
            "sources@1.claims": ["sleep is good"],
            "sources.type": "",
            "sources.date": "",
            "sources.reliability": 0.1,
            "sources.origin": "wire",
        },
        "of": {
            "sources@1.claims": {"topic": "tea", "sources": ["a", {"name": "b"}]},
            "sources.name": {"topic": "tea", "sources": ["one", "two"]},
        },
    },
    "literature_review": {
        "base": {
            "topic": "sparse attention speed",
            "papers": [
                {"title": "Sparse attention", "abstract": "speed of attention", "year": 2020,
                 "method": "survey"},
                {"title": "Dense attention", "abstract": "speed", "year": 2018, "method": "proof"},
            ],
            "criteria": ["attention"],
            "timeFrame": "2017-2021",
        },
        "changes": {
            "topic": "cats",
            "papers": [],
            "papers.title": "Nothing",
            "papers.abstract": "",
            "papers.year": 1990,
            "papers.method": "proof",
            "criteria": ["not speed"],
            "timeFrame": "since 2019",
        },
    },
    "peer_review": {
        "base": {
            "artifact": "The abstract says the study has a sample; future work is a caveat",
            "kind": "paper",
            "claims": [{"text": "it is fast", "evidence": "a table"}],
            "methodology": "a sample",
            "novelty": "first of its kind",
            "baselines": ["the old one"],
            "objections": [{"text": "too short", "severity": "P1", "category": "form"}],
            "resolved": [],
            "waived": [],
        },
        "changes": {
            "artifact": "The study",
            "kind": "plan",
            "claims": [],
            "claims.text": "",
            "claims.evidence": "",
            "methodology": "",
            "novelty": "",
            "baselines": [],
            "objections": [],
            "objections.text": "too long",
            "objections.severity": "P0",
            "objections.category": "style",
            "resolved": ["R-form-1"],
            "waived": ["R-form-1"],
        },
        "of": {
            "claims.text": {"artifact": "x", "kind": "paper", "claims": [{"text": "a"}]},
            "objections.text": {"artifact": "x", "kind": "code",
                "objections": [{"text": "errors unhandled"}],
           },
            "objections.category": {
                "artifact": "The study", "kind": "paper", "resolved": ["R-style-5"],
                "objections": [{"text": "a", "category": "form"}],
            },
        },
    },
    "replication_analysis": {
        "base": {
            "claim": "the cache halves latency",
            "originalMethod": "latency under load",
            "resources": ["a load generator"],
            "constraints": [{"text": "one machine", "critical": False}],
            "requirements": [{"text": "a generator of load", "critical": False}],
            "effect_size": 0.5,
            "sample_size": 40,
        },
        "changes": {
            "claim": "users are happy",
            "originalMethod": "",
            "resources": [],
            "constraints": [],
            "constraints.text": "two",
            "constraints.critical": True,
            "requirements": [],
            "requirements.text": "a cluster",
            "requirements.critical": True,
            "effect_size": 0.2,
            "alpha": 0.01,
            "power": 0.9,
            "sample_size": 10,
        },
        "of": {
            "constraints.text": {
                "claim": "x", "constraints": [{"text": "", "critical": True}]
            }
        },
    },
    "experimental_loop": {
        "before": [
            {"hypothesis": "bigger batch", "metric": 10, "result": "ok"},
            {"hypothesis": "smaller batch", "metric": 9, "result": "worse"},
        ],
        "base": {
            "hypothesis": "warm up", "metric": 10.5, "result": "fine", "observation": "",
            "direction": "max",
        },
        "changes": {
            "hypothesis": "bigger batch",
            "observation": "fans are loud",
            "result": "",
            "metric": 8,
            "direction": "min",
            "target": 10,
            "noise": 5,
            "budget": 3,
        },
        "of": {"observation": {"hypothesis": "warm up", "metric": 10.5}},
    },
    "research_synthesis": {
        "base": {
            "topic": "does tea harm sleep",
            "findings": [
                {"text": "tea harms sleep at night", "source": "a", "confidence": 0.9,
                 "date": "2020-01-01"},
                {"text": "tea harms sleep", "source": "b", "stance": "supports"},
            ],
        },
        "changes": {
            "topic": "coffee",
            "findings": [],
            "findings.text": "tea does not harm sleep",
            "findings.source": "b",
            "findings.confidence": 0.1,
            "findings.date": "",
            "findings.stance": "opposes",
        },
    },
    "premortem": {
        "base": {
            "problem": "Move Billing to the cloud",
            "failure_modes": [
                {"cause": "data is lost", "category": "data", "likelihood": 5, "impact": 4,
                 "detectability": 2, "early_signal": "", "mitigation": "backups", "owner": "ann"},
                {"cause": "late", "category": "schedule", "likelihood": 1, "impact": 2},
            ],
            "assumptions": ["the vendor stays"],
        },
        "changes": {
            "problem": "Sell Payroll",
            "horizon": "2 years",
            "failure_modes": [],
            "failure_modes.cause": "the vendor leaves",
            "failure_modes.category": "cost",
            "failure_modes.likelihood": 1,
            "failure_modes.impact": GONE,
            "failure_modes.detectability": 5,
            "failure_modes.early_signal": "slow disks",
            "failure_modes.mitigation": "",
            "failure_modes.owner": "",
            "assumptions": ["data is kept"],
        },
        "of": {
            "problem": {"problem": "Move Billing"},
            "horizon": {"problem": "in 18 months", "failure_modes": ["x"]},
        },
    },
    "swot": {
        "base": {
            "decision": "sell shoes",
            "strengths": [{"text": "brand"}, "staff"],
            "weaknesses": [{"text": "cash"}],
            "opportunities": [{"text": "web", "weight": 5, "likelihood": 0.6}],
            "threats": [{"text": "rivals", "weight": 4, "likelihood": 1}],
            "options": ["use the brand on the web"],
        },
        "changes": {
            "decision": "hats",
            "strengths": [],
            "strengths.text": "web",
            "strengths.weight": 5,
            "weaknesses": [],
            "weaknesses.text": "web",
            "weaknesses.weight": 5,
            "opportunities": [],
            "opportunities.text": "fairs",
            "opportunities.weight": 1,
            "opportunities.likelihood": 0.1,
            "threats": [],
            "threats.text": "web",
            "threats.weight": 1,
            "threats.likelihood": 0.1,
            "options": [],
        },
        "of": {"decision": {"decision": "sell shoes", "strengths": ["shoes"]}},
    },
    "tree_of_thought": {
        "before": [{"problem": "win", "nodes": [{"id": "a", "thought": "attack", "score": 8}]}],
        "base": {
            "nodes": [
                {"id": "b", "parent": "a", "thought": "with a rook", "score": 7},
                {"id": "c", "parent": "a", "thought": "with a pawn", "score": 6, "state": "open"},
                {"id": "d", "thought": "defend", "score": 5},
            ],
            "beam": 2,
        },
        "changes": {
            "problem": "attack",
            "nodes": [],
            "nodes@1.id": "b",
            "nodes@1.parent": "d",
            "nodes@1.thought": "with a rook",
            "nodes@1.score": 9,
            "nodes@1.state": "solved",
            "beam": 1,
            "maxDepth": 1,
        },
    },
    "devils_advocate": {
        "before": [{"issue": "We should obviously rewrite it because it is slow"}],
        "base": {
            "objections": [
                {"text": "it costs a year", "targets": "C-1", "severity": "P1",
                 "status": "answered", "answer": "half of it", "kind": "cost"},
                {"text": "nobody asked for it"},
            ],
        },
        "changes": {
            "issue": "It will never fail",
            "claims": ["it must be fast"],
            "assumptions": ["users wait"],
            "objections": [],
            "objections.text": "nobody asked",
            "objections.targets": "",
            "objections.severity": "P0",
            "objections.status": "conceded",
            "objections.answer": "",
            "objections@1.id": "O-1",
            "objections.kind": "opposite",
        },
    },
    "chain_of_thought": {
        "base": {"thought": "1. tea is hot\n2. hot tea burns\n3. so tea burns"},
        "changes": {
            "thought": "1. tea is hot\n2. cats purr\n3. so tea burns",
            "steps": ["tea is hot", "see step 7"],
            "conclusion": "the moon is full",
        },
    },
    "first_principles": {
        "base": {
            "problem": "batteries are dear",
            "assumptions": [{"text": "batteries cost much", "status": "convention"}],
            "truths": [{"text": "metals are cheap", "id": "T-1", "evidence": "prices"}],
            "rebuilt_options": [{"text": "make cells", "uses_truths": ["T-1"]}],
        },
        "changes": {
            "problem": "cats",
            "assumptions": [],
            "assumptions.text": "prices fall",
            "assumptions.status": "fact",
            "assumptions.evidence": "a chart",
            "truths": [],
            "truths.text": "batteries are dear",
            "truths.id": "X",
            "truths.evidence": "",
            "rebuilt_options": [],
            "rebuilt_options.text": "batteries cost much",
            "rebuilt_options.uses_truths": [],
        },
        "of": {"assumptions.evidence": {"assumptions": [{"text": "a", "status": "fact"}]}},
    },
}  # fmt: skip
