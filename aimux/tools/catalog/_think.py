"""`think` as clients see it: the patterns with their fields, which are checked by the pattern."""

from typing import Final

from ._schemas import RESULT, Schema, choice, open_schema, string
from ._tool import Tool

ACTIONS: Final = ("run", "start", "step", "finalize")

# the fields that matter, so that a client can call without asking; a call without any is told all
_PATTERNS: Final = """\
think(thought); critical_thinking(issue, assumptions, alternatives, evidence, conclusion); \
sequential_thinking*(thought, thoughtNumber, totalThoughts, revisesThought, branchFromThought, \
branchId); scientific_method*(observation, hypothesis, entry_type, entry_text, link_to, outcome); \
decision_framework(decision, criteria, options); problem_decomposition(problem, subProblems, \
dependencies, risks); debugging_approach*(issue, hypothesis_text, findings_text, \
hypothesis_action, target_id, confidence); mental_model(problem, modelName, worksheet); \
metacognitive_monitoring(task, confidence, claims, biases, uncertainties); \
structured_argumentation*(topic, argument_type, argument_text, supports_claim_id); \
collaborative_reasoning*(topic, personas, persona_id, contribution_type, contribution_text); \
recursive_thinking(problem, baseCase, recursiveCase, nodes); domain_modeling(domainName, \
entities, relationships, rules); architecture_analysis(components); \
stochastic_algorithm(algorithmType, parameters); temporal_thinking(timeFrame, events, \
transitions, constraints); visual_reasoning(operation, elements, relationships); \
source_comparison(topic, sources); literature_review(topic, papers, criteria); \
peer_review(artifact, claims, methodology); replication_analysis(claim, resources, constraints); \
experimental_loop*(hypothesis, metric, direction, target); research_synthesis(topic, findings). \
Techniques: premortem(problem, failure_modes), swot(decision, strengths, weaknesses, \
opportunities, threats), tree_of_thought*(problem, nodes), devils_advocate*(issue, objections), \
chain_of_thought(thought), first_principles(problem, assumptions, truths, rebuilt_options)"""

_SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        "pattern": string(
            f"pattern, technique or a usual name of one (* keeps a session): {_PATTERNS}"
        ),
        "prompt": string("the matter in plain words; fills the first field of the pattern"),
        "input": open_schema("the pattern's fields; they may stand beside pattern as well"),
        "session_id": string("thk_…: go on with these steps"),
        "action": choice(
            "run (default), or reason under watch: start(task, context_summary), "
            "step(session_id, chosen_move, work_product, evidence), "
            "finalize(session_id, proposed_answer)",
            ACTIONS,
        ),
    },
    "required": [],
    "additionalProperties": True,  # the fields of the pattern; what it does not know is refused
}

THINK: Final = Tool(
    name="think",
    title="Think by a pattern",
    description=(
        "Structure your own reasoning and have it computed: rankings, graphs, calibration, "
        "contradictions, verdicts. Nothing is run and no model is asked: what you give is what "
        "is thought about. Call with pattern and prompt alone to be told which fields to fill. "
        "Not for answers you do not have the facts for: use exec."
    ),
    input_schema=_SCHEMA,
    output_schema=RESULT,
    annotations={
        "title": "Think by a pattern",
        "readOnlyHint": True,
        "idempotentHint": False,
        "openWorldHint": False,
    },
    module="aimux.tools._think",
)
