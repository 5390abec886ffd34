"""`think` as clients see it: the patterns with their fields, which are checked by the pattern."""

from typing import Final

from ._about import describe
from ._schemas import RESULT, Schema, choice, flag, open_schema, string
from ._tool import Tool

MODES: Final = ("solo", "consensus", "auto")
ACTIONS: Final = ("run", "start", "step", "finalize", "list", "get", "delete")

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

# as for every job: the other tools say what they mean, here they only have their limits
_RUNNING: Final[dict[str, Schema]] = {
    "cwd": {"type": "string"},
    "async": {"type": "boolean"},
    "wait_seconds": {"type": "number", "minimum": 0},
    "timeout_seconds": {"type": "number", "minimum": 0.1},
    "max_tokens": {"type": "integer", "minimum": 1},
    "max_chars": {"type": "integer", "minimum": 1},
    "dry_run": {"type": "boolean"},
}

_SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        "pattern": string(
            f"pattern, technique or a usual name of one (* keeps a session): {_PATTERNS}"
        ),
        "prompt": string("the matter in plain words; fills the first field of the pattern"),
        "input": open_schema("the pattern's fields; may stand beside pattern too"),
        "session_id": string("thk_…: go on with these steps"),
        "action": choice(
            "run (default), or reason under watch: start(task, context_summary), "
            "step(session_id, chosen_move, work_product, evidence), "
            "finalize(session_id, proposed_answer); list sessions, get or delete one",
            ACTIONS,
        ),
        "clis": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": 12,
            "description": "ask these CLIs too, apart, as a job",
        },
        "consensus": flag("true: ask CLIs"),
        "mode": choice("auto: CLIs if it is complex", MODES),
        **_RUNNING,
    },
    "required": [],
    "additionalProperties": True,  # the fields of the pattern; what it does not know is refused
}

THINK: Final = Tool(
    name="think",
    title="Think by a pattern",
    description=describe("think"),
    input_schema=_SCHEMA,
    output_schema=RESULT,
    annotations={
        "title": "Think by a pattern",
        "readOnlyHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._think",
    task_support="optional",
)
