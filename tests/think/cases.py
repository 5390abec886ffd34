"""For each pattern a call with every field, and for each field a value that must matter.

A key names a field (`options.scores` is one of the first option, `options@1.scores` of the second).
`before` are the steps of the session that come first. `of` replaces the base for one field.
"""

from typing import Any

GONE: Any = object()  # the field is left out
Json = dict[str, Any]

CASES: dict[str, Json] = {
    "think": {"base": {"thought": "fix the crash"}, "changes": {"thought": "choose an option"}},
    "critical_thinking": {
        "base": {
            "issue": "We should migrate the database to shards because reads are slow",
            "assumptions": ["reads will always grow", "shards make reads fast"],
            "alternatives": ["read replicas for slow reads"],
            "evidence": ["shards made reads fast in the test"],
            "conclusion": "migrate the database to shards",
        },
        "changes": {
            "issue": "It obviously helps, everyone uses shards",
            "assumptions": ["the vendor stays"],
            "alternatives": ["shards for fast reads"],
            "evidence": ["replicas cured slow reads at home"],
            "conclusion": "shards are fast",
        },
    },
    "sequential_thinking": {
        "before": [{"thought": "The cache is slow"}, {"thought": "Users complain about mail"}],
        "base": {"thought": "The cache is cold", "totalThoughts": 9},
        "changes": {
            "thought": "The cache is not slow",
            "thoughtNumber": 8,
            "step_number": 8,
            "totalThoughts": 3,
            "nextThoughtNeeded": False,
            "isRevision": True,
            "revisesThought": 1,
            "branchFromThought": 1,
            "branchId": "b",
        },
    },
    "scientific_method": {
        "before": [
            {"observation": "it is slow"},
            {"hypothesis": "the cache is cold"},
            {"hypothesis": "the disk is full"},
            {"entry_type": "prediction", "entry_text": "warm is fast", "link_to": "E-2"},
            {"experiment": "warm it"},
        ],
        "base": {"entry_type": "result", "entry_text": "it got fast", "outcome": "supports"},
        "changes": {
            "stage": "iteration",
            "observation": "another",
            "question": "why",
            "hypothesis": "a third",
            "experiment": "another",
            "analysis": "so",
            "conclusion": "done",
            "entry_type": "analysis",
            "entry_text": "",
            "link_to": "E-1",
            "outcome": "refutes",
            "entry": {"type": "question", "text": "why?"},
            "step_number": 17,
            "next_step_needed": True,
            "entry.type": "hypothesis",
            "entry.text": "",
            "entry.linkedTo": "E-99",
            "entry.outcome": "refutes",
        },
        "of": {
            "entry.type": {"entry": {"type": "prediction", "text": "x"}},
            "entry.text": {"entry": {"type": "prediction", "text": "x"}},
            "entry.linkedTo": {"entry": {"type": "prediction", "text": "x"}},
            "entry.outcome": {"entry": {"type": "result", "text": "x", "outcome": "supports"}},
        },
    },
    "decision_framework": {
        "base": {
            "decision": "Lisp or Perl",
            "criteria": [{"name": "speed", "weight": 2}, {"name": "price", "weight": 1}],
            "options": [
                {"name": "Lisp", "scores": {"speed": 9, "price": 3}},
                {"name": "Perl", "scores": {"speed": 5, "price": 6}},
            ],
            "normalize": False,
        },
        "changes": {
            "decision": "which language",
            "criteria": ["speed"],
            "criteria.name": "pace",
            "criteria.weight": 9,
            "criteria.direction": "min",
            "options": ["Lisp"],
            "options.name": "Perl",
            "options.scores": {"speed": 1},
            "normalize": True,
        },
    },
    "problem_decomposition": {
        "base": {
            "problem": "ship the login page",
            "methodology": "mece",
            "subProblems": [
                {"id": "login page", "description": "the form"},
                {"id": "store", "description": "keeps users"},
                {"id": "mail", "description": "sends letters"},
            ],
            "dependencies": [
                {"from": "login page", "to": "store", "reason": "users"},
                {"from": "store", "to": "mail", "reason": ""},
            ],
            "risks": [{"text": "store is down", "severity": "low"}],
            "stakeholders": [{"name": "legal", "concerns": []}],
        },
        "changes": {
            "problem": "paint the house",
            "methodology": "risk_first",
            "subProblems": ["store"],
            "subProblems.id": "form",
            "subProblems.description": "ship it",
            "dependencies": [],
            "dependencies.from": "mail",
            "dependencies.to": "mail",
            "dependencies.reason": "",
            "risks": [],
            "risks.text": "weather",
            "risks.affects": ["mail", "login page"],
            "risks.severity": "high",
            "stakeholders": [],
            "stakeholders.name": "users",
            "stakeholders.concerns": ["mail"],
        },
    },
    "debugging_approach": {
        "before": [
            {"issue": "crash", "hypothesis_text": "null pointer", "approachName": "trace"},
            {"hypothesis_text": "race in the pool", "approachName": "trace"},
        ],
        "base": {"findings_text": "only with two threads", "supports": ["H-2"]},
        "changes": {
            "issue": "slow latency of the network",
            "approachName": "bisect",
            "hypothesis_text": "a third cause",
            "confidence": 0.95,
            "hypothesis_action": "confirm",
            "target_id": "H-1",
            "findings_text": GONE,
            "supports": ["H-1"],
            "contradicts": ["H-1"],
            "hypothesis": {"text": "a fourth"},
            "hypothesis.text": "null pointer",
            "hypothesis.id": "H-1",
            "hypothesis.confidence": 0.9,
            "hypothesisUpdate": {"id": "H-1", "status": "refuted"},
            "hypothesisUpdate.id": "H-2",
            "hypothesisUpdate.status": "confirmed",
            "resolution_text": "a lock",
            "step_number": 17,
            "next_step_needed": True,
        },
        "of": {
            "confidence": {"hypothesis_text": "a third cause"},
            "target_id": {"hypothesis_action": "confirm", "target_id": "H-2"},
            "hypothesis.text": {"hypothesis": {"text": "a fourth"}},
            "hypothesis.id": {"hypothesis": {"text": "a fourth", "id": "H-9"}},
            "hypothesis.confidence": {"hypothesis": {"text": "a fourth"}},
            "hypothesisUpdate.id": {"hypothesisUpdate": {"id": "H-1", "status": "refuted"}},
            "hypothesisUpdate.status": {"hypothesisUpdate": {"id": "H-1", "status": "refuted"}},
        },
    },
    "mental_model": {
        "base": {
            "problem": "how to avoid mistakes in the release",
            "modelName": "inversion",
            "worksheet": {"goal": ["no mistakes"]},
            "steps": ["look at mistakes"],
            "reasoning": "mistakes come from haste",
            "conclusion": "go slow",
        },
        "changes": {
            "problem": "most effort goes into few tasks",
            "modelName": "pareto",
            "worksheet": {"goal": ["a"], "failures": ["haste"]},
            "steps": [],
            "reasoning": "",
            "conclusion": "haste brings mistakes",
        },
    },
    "metacognitive_monitoring": {
        "base": {
            "task": "estimate the release date",
            "confidence": 0.9,
            "claims": [{"text": "the date is fixed", "evidence": "mail"}],
            "biases": [],
            "uncertainties": [],
            "cognitiveProcesses": ["recall"],
            "knowledgeAssessment": "good",
        },
        "changes": {
            "task": "paint",
            "confidence": 0.5,
            "claims": [],
            "claims.text": "the release goes well",
            "claims.evidence": "",
            "biases": ["anchoring"],
            "uncertainties": ["weather"],
            "cognitiveProcesses": ["checking"],
            "knowledgeAssessment": "a rough guess",
        },
    },
    "structured_argumentation": {
        "before": [{"topic": "tabs", "argument_type": "claim", "argument_text": "tabs are better"}],
        "base": {
            "argument_type": "evidence", "argument_text": "a study", "supports_claim_id": "A-1"
        },
        "changes": {
            "topic": "spaces",
            "argument_type": "rebuttal",
            "argument_text": "",
            "supports_claim_id": "",
            "quality": 0.5,
            "argument": {"type": "claim", "text": "tabs are old"},
            "argument.type": "rebuttal",
            "argument.text": "of tabs",
            "argument.supports_claim_id": "A-1",
            "argument.quality": 0.1,
            "arguments": [{"type": "claim", "text": "spaces are fine"}],
            "arguments.type": "rebuttal",
            "arguments.text": "on tabs",
            "arguments.supports_claim_id": "A-1",
            "arguments.quality": 0.1,
        },
        "of": {
            "quality": {
                "argument_type": "evidence", "argument_text": "x", "supports_claim_id": "A-1",
                "argument": {"type": "rebuttal", "text": "y", "supports_claim_id": "A-1"},
            },
            **{
                f"argument.{name}": {"argument": {"type": "claim", "text": "of cats"}}
                for name in ("type", "text")
            },
            "argument.supports_claim_id": {"argument": {"type": "evidence", "text": "x"}},
            "argument.quality": {
                "argument_type": "evidence", "argument_text": "x", "supports_claim_id": "A-1",
                "argument": {"type": "rebuttal", "text": "y", "supports_claim_id": "A-1"},
            },
            **{
                f"arguments.{name}": {"arguments": [{"type": "claim", "text": "on cats"}]}
                for name in ("type", "text")
            },
            "arguments.supports_claim_id": {"arguments": [{"type": "rebuttal", "text": "x"}]},
            "arguments.quality": {
                "argument_type": "evidence", "argument_text": "x", "supports_claim_id": "A-1",
                "arguments": [{"type": "rebuttal", "text": "y", "supports_claim_id": "A-1"}],
            },
        },
    },
    "collaborative_reasoning": {
        "before": [{"topic": "the roof", "personas": ["ann", "bob"]}],
        "base": {"contribution_text": "the roof leaks", "persona_id": "ann"},
        "changes": {
            "topic": "the garden",
            "stage": "critique",
            "personas": ["cyd"],
            "contribution_type": "synthesis",
            "contribution_text": "",
            "persona_id": "bob",
            "contribution_confidence": 0.5,
            "contribution": {"text": "more", "persona": "bob"},
            "contribution.type": "synthesis",
            "contribution.text": "the garden",
            "contribution.persona": "ann",
            "contribution.confidence": 0.5,
        },
        "of": {
            f"contribution.{name}": {"contribution": {"text": "the roof", "persona": "bob"}}
            for name in ("type", "text", "persona", "confidence")
        },
    },
    "recursive_thinking": {
        "base": {
            "problem": "sort the list",
            "baseCase": "one item",
            "recursiveCase": "sort each half of it",
            "convergenceCheck": "length",
            "currentDepth": 1,
            "maxDepth": 5,
            "branching": 2,
            "nodes": [
                {"id": "a", "size": 8},
                {"id": "b", "parent": "a", "problem": "half", "size": 4, "result": "ok"},
                {"id": "c", "parent": "a", "problem": "half", "size": 4},
            ],
        },
        "changes": {
            "problem": "walk the tree",
            "baseCase": "",
            "recursiveCase": "sort the list",
            "convergenceCheck": "",
            "currentDepth": 2,
            "maxDepth": 2_000,
            "branching": 3,
            "nodes": [],
            "nodes.id": "z",
            "nodes@1.parent": "c",
            "nodes.problem": "half",
            "nodes@1.size": 9,
            "nodes@1.result": "",
        },
    },
    "domain_modeling": {
        "base": {
            "domainName": "Shop",
            "description": "A Customer places an Order",
            "entities": [
                {"name": "Customer", "attributes": ["mail"], "identity": "mail", "aggregate": "x"},
                {"name": "Order", "attributes": ["no"], "identity": "no", "aggregate": "x"},
            ],
            "relationships": [
                {"from": "Customer", "to": "Order", "label": "places", "cardinality": "1:n"}
            ],
            "rules": [{"text": "nobody pays twice", "entities": ["Order"]}],
            "constraints": [{"text": "mail is unique", "entities": ["Customer"]}],
        },
        "changes": {
            "domainName": "Order book",
            "description": "A Clerk ships it",
            "entities": [],
            "entities.name": "Buyer",
            "entities.attributes": [],
            "entities.identity": "",
            "entities.aggregate": "y",
            "relationships": [],
            "relationships.from": "Clerk",
            "relationships.to": "Clerk",
            "relationships.label": "",
            "relationships.cardinality": "n:1",
            "rules": [],
            "rules.text": "a Customer pays once",
            "rules.entities": [],
            "constraints": [],
            "constraints.text": "an Order is unique",
            "constraints.entities": [],
        },
        "of": {
            "rules.text": {"entities": ["Customer"], "rules": ["nobody"]},
            "constraints.text": {"entities": ["Order"], "constraints": ["nothing"]},
        },
    },
    "architecture_analysis": {
        "base": {
            "description": "The Gateway calls the Store",
            "components": [
                {"name": "Gateway", "description": "in", "dependencies": ["Store"], "layer": 0,
                 "abstractness": 0.1},
                {"name": "Store", "description": "keeps", "layer": 1},
            ],
            "scenarios": [
                {"attribute": "load", "stimulus": "a peak", "response": "queue",
                 "components": ["Store"]}
            ],
        },
        "changes": {
            "description": "The Mailer sends",
            "components": [],
            "components.name": "Door",
            "components.description": "",
            "components.dependencies": [],
            "components.layer": 2,
            "components.abstractness": 0.9,
            "scenarios": [],
            "scenarios.attribute": "security",
            "scenarios.stimulus": "",
            "scenarios.response": "",
            "scenarios.components": ["Gateway"],
        },
        "of": {
            "scenarios.attribute": {"components": ["A", "B"], "scenarios": [{"attribute": "x"}]}
        },
    },
}  # fmt: skip
