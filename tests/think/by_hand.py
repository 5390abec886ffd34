"""Cases computed by hand: pattern, steps, what the last one must give (`a.0.b` leads inside)."""

from typing import Any

Json = dict[str, Any]
Case = tuple[str, list[Json], Json]


def rows(*pairs: tuple[str, float]) -> list[Json]:
    """Events of a name and a time."""
    return [{"name": name, "time": time} for name, time in pairs]


def scored(**scores: list[float]) -> Json:
    """Options scored by criteria x and y, weights 2 and 1."""
    return {
        "criteria": [{"name": "x", "weight": 2}, "y"],
        "options": [
            {"name": name, "scores": dict(zip("xy", row, strict=False))}
            for name, row in scores.items()
        ],
    }


def parts(*edges: str, **more: Any) -> Json:
    """A problem of parts a to d; an edge `ab` says that a needs b."""
    return {
        "subProblems": list("abcd"),
        "dependencies": [{"from": one, "to": two} for one, two in edges],
        **more,
    }


def using(**uses: str) -> Json:
    """Components named by a letter, with the letters they use."""
    return {"components": [{"name": n, "dependencies": list(u)} for n, u in uses.items()]}


def tied(*pairs: str, **more: Any) -> Json:
    """A picture or a domain of a, b, c with these lines."""
    return {
        "elements": list("abc"),
        "relationships": [{"from": one, "to": two} for one, two in pairs],
        **more,
    }


def measured(*metrics: float, **more: Any) -> list[Json]:
    """Rounds of an experiment."""
    return [{"hypothesis": f"number {at}", "metric": m, **more} for at, m in enumerate(metrics)]


def claimed(*claims: str) -> Json:
    """Sources with a claim each."""
    return {"topic": "t", "sources": [{"name": f"s{i}", "claim": c} for i, c in enumerate(claims)]}


CLAIM = {"argument_type": "claim", "argument_text": "it is so"}
H = {"hypothesis": "h"}
P = {"entry_type": "prediction", "entry_text": "p"}
E = {"experiment": "e"}
YES = {"entry_type": "result", "entry_text": "r", "outcome": "supports"}
NO = {"entry_type": "result", "entry_text": "r", "outcome": "refutes"}
SLEEP, NOT = "tea harms deep sleep", "tea does not harm deep sleep"

CASES: list[Case] = [
    ("think", [{"thought": "the test has a crash and an error"}],
     {"suggestedPattern": "debugging_approach", "candidates.0.score": 0.6667}),
    ("think", [{"thought": "hello world"}],
     {"suggestedPattern": "sequential_thinking", "candidates": [], "thoughtLength": 11}),
    ("think", [{"thought": "choose a design"}],  # one each: the table decides
     {"suggestedPattern": "architecture_analysis", "candidates.1.pattern": "decision_framework"}),
    ("think", [{"thought": "measuring the metrics of an experiment"}],
     {"suggestedPattern": "experimental_loop", "candidates.0.score": 1.0}),
    ("think", [{"thought": "the and of"}],
     {"keywords": [], "suggestedPattern": "sequential_thinking"}),

    ("critical_thinking", [{"issue": "Everyone uses it, obviously"}],
     {"biasCount": 2, "detectedBiases.0.bias": "bandwagon", "detectedBiases.1.spans": [[18, 27]]}),
    ("critical_thinking", [{"issue": "The foreverything note is unobvious"}],
     {"biasCount": 0, "detectedBiases": []}),
    ("critical_thinking",
     [{"issue": "x", "assumptions": ["disks are cheap now", "users love blue"],
       "evidence": ["cheap disks were bought"]}],
     {"unsupportedAssumptions": ["users love blue"], "evidenceCount": 1}),
    ("critical_thinking",
     [{"issue": "the cache server may crash",
       "assumptions": ["the cache server will never crash"]}],
     {"contradictedAssumptions": ["the cache server will never crash"]}),
    ("critical_thinking",
     [{"issue": "x", "conclusion": "replace the old disk", "evidence": ["the old disk is slow"]}],
     {"conclusionSupport": ["the old disk is slow"]}),

    ("sequential_thinking", [{"thought": "a b"}], {"stage": "final", "totalInSession": 1}),
    ("sequential_thinking",
     [{"thought": "one two", "totalThoughts": 4}, {"thought": "three four", "totalThoughts": 4}],
     {"thoughtEntry.number": 2, "stage": "middle", "similarity": 0.0}),
    ("sequential_thinking",
     [{"thought": "a b c d"}, {"thought": "a b c e", "revisesThought": 1}],
     {"revisionDelta": 0.4, "weakRevision": False}),
    ("sequential_thinking",
     [{"thought": "a"}, {"thought": "b", "branchFromThought": 1, "branchId": "x"},
      {"thought": "c", "branchFromThought": 1, "branchId": "y"}],
     {"branchCount": 2, "branches": {"x": [2], "y": [3]}, "chain.currentPath": [1, 3]}),
    ("sequential_thinking",
     [{"thought": "tea is hot"}, {"thought": "tea is not hot"}, {"thought": "tea cools",
       "revisesThought": 2}],
     {"chain.unresolvedContradictions": [], "totalInSession": 3}),

    ("scientific_method", [H], {"untestedHypotheses": ["[E-1] h"], "stage": "hypothesis"}),
    ("scientific_method", [H, P, E, YES],
     {"hypothesisSurvivalRate": 1.0, "survivedHypotheses": ["E-1"], "incompleteExperiments": []}),
    ("scientific_method", [H, P, E, NO], {"hypothesisSurvivalRate": 0.0,
                                          "hypotheses.0.status": "refuted"}),
    ("scientific_method", [H, P, E, YES, NO], {"hypotheses.0.status": "disputed",
                                               "entryCount.result": 2}),
    ("scientific_method", [H, P, E], {"incompleteExperiments": ["[E-3] e"],
                                      "entry.linkedTo": "E-2", "hypothesisSurvivalRate": None}),

    ("decision_framework", [{"decision": "d", **scored(A=[9, 3], B=[5, 6])}],
     {"winner": "A", "margin": 1.6667, "rankedOptions.0.totalScore": 7.0,
      "rankedOptions.1.contributions": {"x": 3.3333, "y": 2.0}}),
    ("decision_framework", [{"decision": "d", **scored(A=[9, 3], B=[5, 6])}],
     {"sensitivity": {"criterion": "x", "from": 2.0, "to": 0.75, "change": 1.25,
                      "new_leader": "B"}}),
    ("decision_framework", [{"decision": "d", **scored(A=[9, 6], B=[5, 3])}],
     {"dominatedOptions": [{"option": "B", "by": "A"}], "sensitivity": None}),
    ("decision_framework", [{"decision": "d", **scored(A=[9], B=[5, 3])}],
     {"missingScores": [{"option": "A", "criterion": "y"}], "rankedOptions.0.totalScore": 7.0}),
    ("decision_framework",
     [{"decision": "d", "criteria": [{"name": "cost", "direction": "min"}],
       "options": [{"name": "A", "scores": {"cost": 10}}, {"name": "B", "scores": {"cost": 4}}]}],
     {"winner": "B", "rankedOptions.0.totalScore": 10.0, "margin": 6.0}),

    ("problem_decomposition", [parts("ab", "bc")],
     {"dag.executionOrder": ["c", "b", "a", "d"], "dag.levels": [["c", "d"], ["b"], ["a"]],
      "dag.criticalPath": ["a", "b", "c"], "dag.orphanSubProblems": ["d"]}),
    ("problem_decomposition", [parts("ab", "ba")],
     {"dag.hasCycle": True, "dag.cyclePath": ["a", "b", "a"], "dag.executionOrder": None}),
    ("problem_decomposition", [parts("ab", "ba", "cd", "dc")],
     {"dag.cycles": [["a", "b"], ["c", "d"]], "totalComponents": 8}),
    ("problem_decomposition",
     [parts("ab", risks=[{"text": "r", "affects": ["b"]}, {"text": "s", "affects": ["d"]}])],
     {"highRiskCriticalNodes": ["b"], "riskCount": 2}),
    ("problem_decomposition", [parts("ab", "bc", methodology="critical path")],
     {"slack": {"a": 0, "b": 0, "c": 0, "d": 2}}),

    ("debugging_approach", [{"issue": "i", "hypothesis_text": "h"}],
     {"reflection.directive": "STOP", "hypotheses.0.posterior": 0.5}),
    ("debugging_approach",
     [{"issue": "i", "hypothesis_text": "h"}, {"findings_text": "f", "supports": ["H-1"]}],
     {"hypotheses.0.posterior": 0.6667, "findingCount": 1, "steps": 2}),
    ("debugging_approach",
     [{"issue": "i", "hypothesis_text": "h", "approachName": "trace"},
      {"hypothesis_action": "refute"}, {"hypothesis_text": "g", "approachName": "trace"},
      {"hypothesis_action": "confirm"}],
     {"methodEfficiency": {"trace": 0.5}, "hypotheses.0.id": "H-2", "refutedCount": 1}),
    ("debugging_approach",
     [{"issue": "i", "hypothesis_text": "h"}, {"hypothesis_text": "H"}],
     {"duplicateDetected": ["H-1"], "hypothesisCount": 1}),
    ("debugging_approach", [{"issue": "it worked before the upgrade, a regression"}],
     {"recommendedMethods": ["bisect"], "reflection": None}),

    ("mental_model", [{"problem": "avoid the worst mistake", "modelName": "Inversion"}],
     {"alignmentScore": 0.4286, "modelFit": "strong", "worksheetScore": 0.0}),
    ("mental_model", [{"problem": "p", "modelName": "Occam's Razor",
                       "worksheet": {"explanations": ["a"], "assumptions": ["b"]}}],
     {"emptySlots": ["choice"], "worksheetScore": 0.6667}),
    ("mental_model", [{"problem": "p", "modelName": "astrology"}],
     {"known": False, "worksheetScore": 0.0}),
    ("mental_model", [{"problem": "feedback loops in the system"}],
     {"modelName": "systems_thinking", "alignmentScore": 0.4286}),
    ("mental_model", [{"problem": "p", "modelName": "inversion", "steps": ["haste breaks things"],
                       "conclusion": "avoid haste"}], {"conclusionGrounded": True}),

    ("metacognitive_monitoring", [{"task": "t", "confidence": "very high", "claims": ["a"] * 3}],
     {"confidence": 0.85, "calibratedConfidence": 0.85, "overconfident": False}),
    ("metacognitive_monitoring", [{"task": "t", "confidence": 0.7, "biases": ["b"],
                                   "uncertainties": ["u", "v"]}],
     {"calibratedConfidence": 0.5, "adjustmentReason": "uncertainties -0.10, biases -0.10"}),
    ("metacognitive_monitoring", [{"task": "t", "claims": ["c"]}],
     {"calibratedConfidence": None, "overconfident": None}),
    ("metacognitive_monitoring", [{"task": "cook rice", "confidence": "80%",
                                   "claims": ["rice is dry"]}],
     {"confidence": 0.8, "uncoveredTerms": ["cook"], "unsupportedClaims": ["rice is dry"]}),
    ("metacognitive_monitoring", [{"task": "t", "confidence": 0.2, "biases": ["b"] * 3}],
     {"calibratedConfidence": 0.0, "biasPenalty": 0.3}),

    ("structured_argumentation", [CLAIM],
     {"unsupportedClaims.0.id": "A-1", "claimStrengths.A-1": 0}),
    ("structured_argumentation",
     [CLAIM, {"argument_type": "evidence", "argument_text": "e", "supports_claim_id": "A-1"},
      {"argument_type": "rebuttal", "argument_text": "r", "supports_claim_id": "A-1"}],
     {"claimStrengths.A-1": 0.5, "status.A-1": "defeated", "unsupportedClaims": []}),
    ("structured_argumentation",
     [CLAIM, {"argument_type": "rebuttal", "argument_text": "r", "supports_claim_id": "A-1"},
      {"argument_type": "rebuttal", "argument_text": "q", "supports_claim_id": "A-2"}],
     {"status": {"A-1": "accepted", "A-2": "defeated", "A-3": "accepted"}}),
    ("structured_argumentation",
     [CLAIM, {"argument_type": "evidence", "argument_text": "e", "supports_claim_id": "A-1",
              "quality": 0.5},
      {"argument_type": "rebuttal", "argument_text": "r", "supports_claim_id": "A-1"}],
     {"claimStrengths.A-1": 0.3333}),
    ("structured_argumentation", [{"arguments": [{"type": "claim", "text": "a"},
                                                 {"type": "warrant", "text": "w",
                                                  "supports_claim_id": "A-1"}]}],
     {"missingSlots.A-1": ["evidence", "backing", "qualifier", "rebuttal"]}),

    ("collaborative_reasoning", [{"topic": "t", "personas": ["a", "b"]}],
     {"silentPersonas": ["a", "b"], "participationBalance": 1.0, "nextPersona": "a"}),
    ("collaborative_reasoning",
     [{"topic": "t", "personas": ["a", "b"]}, {"contribution_text": "x", "persona_id": "a"}],
     {"participationBalance": 0.5, "normalizedBalance": 0.0, "nextPersona": "b"}),
    ("collaborative_reasoning",
     [{"topic": "t", "contribution_text": "x"}, {"contribution_text": "y",
                                                 "contribution_type": "concern"}],
     {"stageTypeEntropy": {"problem-definition": 1.0}, "lowDiversityStages": []}),
    ("collaborative_reasoning", [{"topic": "t", "stage": "critique", "contribution_text": "x"}],
     {"skippedStages": ["problem-definition", "ideation"], "stageProgress": {"critique": 1}}),
    ("collaborative_reasoning",
     [{"topic": "t", "contribution_text": "x", "contribution_confidence": 0.4},
      {"contribution_text": "y", "contribution_confidence": 0.8}], {"meanConfidence": 0.6}),

    ("recursive_thinking", [{"problem": "walk a tree", "branching": 3, "maxDepth": 4}],
     {"estimatedCallTreeNodes": 81, "recursiveStructureDetected": True, "stackRisk": "none"}),
    ("recursive_thinking", [{"problem": "p", "currentDepth": 3, "maxDepth": 8}],
     {"depthRemaining": 5, "depthPercentage": 37.5, "isBaseCase": False}),
    ("recursive_thinking", [{"problem": "p", "currentDepth": 5, "maxDepth": 5}],
     {"isBaseCase": True, "estimatedCallTreeNodes": 1}),
    ("recursive_thinking", [{"problem": "sort it", "recursiveCase": "sort it", "maxDepth": 200}],
     {"stackRisk": "warn", "estimatedCallTreeNodes": 10**15}),
    ("recursive_thinking",
     [{"problem": "p", "nodes": [{"id": "a", "size": 4}, {"id": "b", "parent": "a", "size": 4},
                                 {"id": "c", "parent": "b", "size": 1, "result": "1"}]}],
     {"tree.maxDepthReached": 2, "tree.notShrinking": ["b"], "tree.readyToCombine": ["b"]}),

    ("domain_modeling", [{"domainName": "d", "entities": ["A", "B", "C"],
                          "relationships": [{"from": "A", "to": "B"}]}],
     {"orphanEntities": ["C"], "density": 0.1667, "consistent": False, "maxDegree": 1}),
    ("domain_modeling", [{"domainName": "d", "entities": ["A"],
                          "relationships": [{"source": "A", "target": "X"}]}],
     {"danglingRelationships": [{"from": "A", "to": "X", "reason": "no entity X"}]}),
    ("domain_modeling", [{"domainName": "d", "entities": ["A", "B", "C"],
                          "relationships": [{"from": "A", "to": "B"}, {"from": "A", "to": "C"}]}],
     {"hubEntities": ["A"], "consistent": True, "totalComponents": 5}),
    ("domain_modeling",
     [{"domainName": "d", "entities": [{"name": "A", "aggregate": "x"},
                                       {"name": "B", "aggregate": "y"}],
       "relationships": [{"from": "A", "to": "B"}]}],
     {"aggregates": {"x": ["A"], "y": ["B"]}, "crossingRelationships": [{"from": "A", "to": "B"}]}),
    ("domain_modeling", [{"domainName": "a Buyer sends an Order to the Shop"}],
     {"suggestedEntities.0": {"text": "Buyer", "source": "prompt"}, "entityCount": 0}),
    ("domain_modeling", [{"domainName": "d", "entities": ["Order"], "rules": ["an order is paid",
                                                                             "cats purr"]}],
     {"rulesWithoutEntity": ["cats purr"]}),

    ("architecture_analysis", [using(A="BC", B="C", C="")],
     {"blastRadius": {"A": [], "B": ["A"], "C": ["A", "B"]}, "mostDepended": "C",
      "layers": [["C"], ["B"], ["A"]], "highlyCoupled": [{"component": "C", "dependents": 2}]}),
    ("architecture_analysis", [using(A="B", B="A")], {"cycles": [["A", "B"]], "layers": []}),
    ("architecture_analysis", [using(A="AX")],
     {"unknownDependencies": [{"component": "A", "dependency": "X"}],
      "componentMetrics.0.ce": 1}),
    ("architecture_analysis", [using(A="B", B="CD", C="", D="")],
     {"componentMetrics.1.instability": 0.6667, "stableDependencyViolations": []}),
    ("architecture_analysis",
     [{"components": [{"name": "A", "dependencies": ["B"], "layer": 1, "abstractness": 0.0},
                      {"name": "B", "layer": 0, "abstractness": 0.2}]}],
     {"layerViolations.0.layers": [1, 0], "mainSequence.0.distance": 0.0,
      "mainSequence.1.zone": "pain"}),

    ("stochastic_algorithm",
     [{"parameters": {"priors": {"ill": 0.01, "well": 0.99}, "evidence": ["pos"],
                      "likelihoods": {"ill": {"pos": 0.9}, "well": {"pos": 0.05}}}}],
     {"posterior": {"ill": 0.153846, "well": 0.846154}, "mostLikely": "well"}),
    ("stochastic_algorithm",
     [{"parameters": {"arms": [{"name": "a", "pulls": 9, "reward": 6}, {"name": "b"}]}}],
     {"nextArm": "b", "untriedArms": ["b"], "bestMean": "a", "arms.0.mean": 0.6667}),
    ("stochastic_algorithm",
     [{"parameters": {"gamma": 0.5, "transitions": [
         {"state": "s", "action": "wait", "next": "s", "reward": 1},
         {"state": "s", "action": "go", "next": "t", "reward": 1.5}]}}],
     {"values": {"s": 2.0, "t": 0.0}, "policy": {"s": "wait"}, "terminalStates": ["t"]}),
    ("stochastic_algorithm",
     [{"parameters": {"start": {"h": 0.8, "c": 0.2}, "observations": ["3", "1"],
                      "moves": {"h": {"h": 0.7, "c": 0.3}, "c": {"h": 0.4, "c": 0.6}},
                      "emissions": {"h": {"1": 0.2, "3": 0.4}, "c": {"1": 0.5, "3": 0.1}}}}],
     {"likelihood": 0.1004, "path": ["h", "c"]}),  # .32 .02, then .0464 .054; .048 beats .0448
    ("stochastic_algorithm",
     [{"parameters": {"nodes": [{"id": "r", "trials": 10},
                                {"id": "x", "parent": "r", "trials": 9, "value": 9},
                                {"id": "y", "parent": "r", "trials": 1, "value": 0}],
                      "exploration": 1}}],
     {"uct": {"x": 1.5058, "y": 1.5174}, "selectedPath": ["r", "y"], "bestChild": "x"}),

    ("temporal_thinking", [{"timeFrame": "t", "events": rows(("c", 9), ("a", 0), ("b", 3))}],
     {"totalTimespan": 9, "longestGap": {"start": "b", "end": "c", "duration": 6},
      "averageGap": 4.5, "paceDistribution": [1, 1, 1]}),
    ("temporal_thinking",
     [{"timeFrame": "2 days", "events": [{"name": "a", "time": "2024-03-01"},
                                         {"name": "b", "time": "2024-03-02"}]}],
     {"totalTimespan": 86400.0, "usedShareOfFrame": 0.5}),
    ("temporal_thinking", [{"timeFrame": "t", "events": [{"name": "a", "time": "soon"}, "b"]}],
     {"unparsedEvents": ["a", "b"], "totalTimespan": None}),
    ("temporal_thinking",
     [{"timeFrame": "t", "events": rows(("a", 0), ("b", 5)),
       "constraints": [{"type": "before", "first": "b", "second": "a"},
                       {"type": "max_gap", "first": "a", "second": "b", "limit": 5}]}],
     {"constraintViolations": [{"constraint": "b before a", "gap": -5}]}),
    ("temporal_thinking",
     [{"timeFrame": "t", "states": ["new", "old", "lost"], "events": ["x"],
       "transitions": [{"from": "new", "to": "old"}]}],
     {"unreachableStates": ["lost"], "deadEnds": ["lost", "old"]}),

    ("visual_reasoning", [tied("ab", operation="o")],
     {"density": 0.3333, "isolatedElements": ["c"], "parts": [["a", "b"], ["c"]]}),
    ("visual_reasoning", [tied("ab", "ac", "bc", operation="o")], {"density": 1.0, "cycles": []}),
    ("visual_reasoning", [tied("ab", "ac", operation="o")],
     {"degreeMap": {"a": 2, "b": 1, "c": 1}, "highDegreeElements": ["a"]}),
    ("visual_reasoning",
     [tied("ab", "bc", operation="o",
           transformations=[{"op": "merge", "element": "b", "to": "a"}])],
     {"after.elements": ["a", "c"], "after.degreeMap": {"a": 1, "c": 1}}),
    ("visual_reasoning", [tied("ax", "ba", operation="o")],
     {"unknownElements": ["x"], "mermaid": "flowchart LR\n  a\n  b\n  c\n  a --> x\n  b --> a"}),

    ("source_comparison", [claimed(SLEEP, SLEEP)],
     {"overallConsensus": 100.0, "comparisonMatrix.0.agreement": "agree"}),
    ("source_comparison", [claimed(SLEEP, NOT)],
     {"overallConsensus": 0.0, "comparisonMatrix.0.why": "one denies what the other says"}),
    ("source_comparison", [claimed(SLEEP, "cats purr")],
     {"overallConsensus": None, "comparisonMatrix.0.agreement": "uncertain"}),
    ("source_comparison", [claimed("sleep lasts 8 hours", "sleep lasts 6 hours")],
     {"comparisonMatrix.0.why": "they give different numbers"}),
    ("source_comparison", [claimed(SLEEP, SLEEP, NOT)],
     {"sourceAgreementScores": {"s0": 0.5, "s1": 0.5, "s2": 0.0}, "outlierSources": ["s2"],
      "overallConsensus": 33.3333}),

    ("literature_review", [{"topic": "bird song", "papers": ["bird song now", "fish"]}],
     {"coverage": {"bird": 1, "song": 1}, "topicCoverage": 1.0, "uncoveredTerms": []}),
    ("literature_review", [{"topic": "t", "timeFrame": "2015-2020",
                            "papers": [{"title": "a", "year": 2014},
                                       {"title": "b", "year": 2016}]}],
     {"includedCount": 1, "excluded": [{"title": "a", "reason": "2014 is before 2015"}]}),
    ("literature_review", [{"topic": "t", "criteria": ["birds", "not fish"],
                            "papers": ["birds", "fish and birds", "cats"]}],
     {"includedCount": 1, "excluded.0.reason": "names fish",
      "excluded.1.reason": "does not name birds"}),
    ("literature_review", [{"topic": "t", "papers": ["deep neural nets", "deep neural tests"]}],
     {"themes": [{"theme": "deep neural", "count": 2,
                  "papers": ["deep neural nets", "deep neural tests"]}]}),
    ("literature_review", [{"topic": "moon", "papers": ["sun", "sea"]}],
     {"uncoveredTerms": ["moon"], "identifiedGaps": [
         {"term": "moon", "reason": "no paper names it"}]}),

    ("peer_review", [{"artifact": "x", "kind": "plan"}],
     {"reviewVerdict": "major_revision", "objectionCounts": {"P0": 0, "P1": 2, "P2": 2, "P3": 0}}),
    ("peer_review", [{"artifact": "Team A ships in week 3, rollback by flag, success metric 99"}],
     {"kind": "plan", "reviewVerdict": "accept", "objections": []}),
    ("peer_review", [{"artifact": "x", "kind": "code", "objections": [
        {"text": "wrong", "severity": "P0"}]}], {"reviewVerdict": "reject"}),
    ("peer_review", [{"artifact": "def f():\n    return 1\nimport os  # x"}],
     {"kind": "code", "objectionCounts.P1": 1, "reviewVerdict": "minor_revision"}),
    ("peer_review", [{"artifact": "the login takes a password; errors are tested, alternatives "
                      "were rejected, rollout in versions", "kind": "design"}],
     {"objections.0.category": "security", "reviewVerdict": "minor_revision"}),

    ("replication_analysis", [{"claim": "c", "effect_size": 0.5}], {"samplesPerGroup": 63}),
    ("replication_analysis", [{"claim": "c", "originalMethod": "m", "resources": ["r"]}],
     {"riskScore": 0.0, "replicationFeasibility": "feasible", "estimatedEffort": "low"}),
    ("replication_analysis",
     [{"claim": "c", "originalMethod": "m", "resources": ["r"],
       "constraints": [{"text": "a", "critical": True}, {"text": "b"}]}],
     {"riskScore": 0.5, "replicationFeasibility": "partial"}),
    ("replication_analysis",
     [{"claim": "c", "constraints": [{"text": "a", "critical": True}, {"text": "b",
                                                                       "critical": True}]}],
     {"riskScore": 0.9, "replicationFeasibility": "infeasible", "estimatedEffort": "high"}),
    ("replication_analysis",
     [{"claim": "c", "resources": ["a big disk"], "requirements": ["a disk", "a laser"]}],
     {"resourceCoverageRatio": 0.5, "requirements.0.metBy": ["a big disk"]}),

    ("experimental_loop", measured(1), {"baseline": 1, "isImprovement": False,
                                        "suggestedAction": "continue"}),
    ("experimental_loop", measured(1, 2, 3),
     {"bestMetric": 3, "metricTrendSlope": 1.0, "trendDirection": "better", "gain": 2}),
    ("experimental_loop", measured(5, 4, 4, 4), {"suggestedAction": "pivot",
                                                 "streakWithoutImprovement": 3}),
    ("experimental_loop", measured(9, 7, 5, direction="min", target=6),
     {"suggestedAction": "stop", "targetReached": True, "bestMetric": 5}),
    ("experimental_loop", measured(5, 5.4, noise=0.5), {"isImprovement": False, "bestMetric": 5.4}),

    ("research_synthesis", [{"topic": "t", "findings": [SLEEP]}],
     {"synthesizedClaims.0.confidenceLevel": "low", "overallConclusion": "limited"}),
    ("research_synthesis",
     [{"topic": "t", "findings": [{"text": SLEEP, "source": s} for s in "abc"]}],
     {"synthesizedClaims.0.independentSources": 3, "overallConclusion": "strong"}),
    ("research_synthesis",
     [{"topic": "t", "findings": [{"text": SLEEP, "source": "a"}] * 3}],
     {"synthesizedClaims.0.independentSources": 1, "overallConclusion": "limited"}),
    ("research_synthesis", [{"topic": "tea", "findings": [SLEEP, NOT, "cats purr"]}],
     {"contradictoryPairs": [{"a": SLEEP, "b": NOT, "why": "one denies what the other says"}],
      "unmatchedFindings": ["cats purr"], "disputedClaims": [SLEEP]}),
    ("research_synthesis",
     [{"topic": "t", "findings": [{"text": SLEEP, "stance": "supports"},
                                  {"text": "cats purr", "stance": "supports"},
                                  {"text": "dogs bark", "stance": "opposes"}]}],
     {"stance": {"supports": 2, "opposes": 1, "balance": 0.3333}}),

    ("premortem", [{"problem": "p"}], {"verdict": "insufficient_input", "coverage": 0.0}),
    ("premortem",
     [{"problem": "p", "failure_modes": [
         {"cause": "a", "category": "data", "likelihood": 4, "impact": 3},
         {"cause": "b", "category": "cost", "likelihood": 1, "impact": 2, "detectability": 1}]}],
     {"verdict": "go_with_mitigations", "vital_few": ["a"], "coverage": 0.2,
      "failure_modes.0.rpn": 36, "failure_modes.1.rpn": 10, "unmitigated": ["a"]}),
    ("tree_of_thought",
     [{"problem": "p", "nodes": [{"id": "a", "score": 8}, {"id": "b", "parent": "a", "score": 4},
                                 {"id": "c", "parent": "a", "score": 9}, {"id": "d", "score": 2}],
       "beam": 1}],
     {"values": {"a": 8, "b": 5, "c": 8.75, "d": 2}, "frontier": [{"id": "c", "thought": ""}],
      "pruned": ["b", "d"], "best_path": ["a", "c"]}),
    ("devils_advocate",
     [{"issue": "We must move", "objections": [
         {"text": "why", "severity": "P1", "status": "answered", "answer": "rent"},
         {"text": "when", "severity": "P2"}]}],
     {"robustness": 0.6667, "verdict": "survived", "open": ["O-2"]}),
    ("devils_advocate",
     [{"issue": "We must move", "objections": [{"text": "no", "severity": "P0"}]},
      {"objections": [{"id": "O-1", "text": "no", "severity": "P0", "status": "conceded"}]}],
     {"verdict": "withdrawn", "robustness": 0.0}),
    ("chain_of_thought", [{"thought": "Tea is hot. Hot tea burns. Cats purr. So tea burns."}],
     {"issues": [{"step": 3, "issue": "jump", "why": "stands on no earlier step"}],
      "conclusion": "So tea burns"}),
    ("first_principles",
     [{"problem": "p", "assumptions": [{"text": "a", "status": "convention"}, "b"],
       "truths": [{"text": "t", "evidence": "e"}], "rebuilt_options": ["free"]}],
     {"conventionShare": 0.5, "ungroundedOptions": ["free"], "unusedTruths": ["T-1"]}),

    # where a figure turns
    ("decision_framework", [{"decision": "d", **scored(A=[6, 6], B=[6, 6], C=[3, 3])}],
     {"rankedOptions.0.rank": 1, "rankedOptions.1.rank": 1, "rankedOptions.2.rank": 3,
      "hasTies": True}),
    ("decision_framework", [{"decision": "Tea or coffee?", "criteria": ["x"]}],
     {"suggestedCriteria": [], "criteriaCount": 1, "optionTemplate.scores": {"x": 0}}),
    ("architecture_analysis", [using(X="A", Y="A", A="B", B="CDE", C="", D="", E="")],
     {"stableDependencyViolations": [{"from": "A", "to": "B", "by": 0.4167}]}),  # 3/4 - 1/3
    ("architecture_analysis",
     [{"components": [{"name": "A", "dependencies": ["B"], "abstractness": 0.8},
                      {"name": "B", "abstractness": 0.5}, {"name": "C", "abstractness": 0.6}]}],
     {"mainSequence": [{"component": "A", "distance": 0.8, "zone": "uselessness"},
                       {"component": "B", "distance": 0.5, "zone": "pain"},
                       {"component": "C", "distance": 0.4, "zone": "balanced"}]}),
    ("experimental_loop", measured(3, 2, 1), {"trendDirection": "worse", "metricTrendSlope": -1.0}),
    ("experimental_loop", measured(3, 2, 1, direction="min"), {"trendDirection": "better"}),
    ("experimental_loop", measured(2, 2, 2), {"trendDirection": "flat"}),
    ("literature_review", [{"topic": "t", "timeFrame": "2012, 2015 or 2020",
                            "papers": [{"title": "a", "year": 2018}]}], {"includedCount": 1}),
    ("literature_review", [{"topic": "t", "timeFrame": "since 2015",
                            "papers": [{"title": "a", "year": 2015},
                                       {"title": "b", "year": 2014}]}],
     {"includedCount": 1, "excluded": [{"title": "b", "reason": "2014 is before 2015"}]}),
    ("literature_review", [{"topic": "t", "timeFrame": "until 2015",
                            "papers": [{"title": "a", "year": 2015},
                                       {"title": "b", "year": 2016}]}],
     {"includedCount": 1, "excluded": [{"title": "b", "reason": "2016 is after 2015"}]}),
    ("problem_decomposition",
     [parts("ab", risks=[{"text": "r", "affects": ["c"]}], methodology="risk first")],
     {"riskFirst": ["c", "a", "b", "d"]}),
    ("temporal_thinking", [{"timeFrame": "t", "events": [
        {"name": "b", "time": "2024-03-01T12:30"}, {"name": "a", "time": "2024-03-01"}]}],
     {"mermaid": "timeline\n  2024-03-01 : a\n  2024-03-01T12.30 : b"}),
    ("domain_modeling", [{"domainName": "d", "entities": [
        {"name": "a b", "attributes": ["x", "y"]}, "c"]}],
     {"mermaid": "erDiagram\n  a_b { string x string y }\n  c"}),
]  # fmt: skip
