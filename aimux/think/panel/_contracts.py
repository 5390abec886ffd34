"""What each pattern asks a CLI for, as a JSON contract made of the pattern's own fields.

A list that is one of the pattern's fields takes the schema of its items; what a pattern has no
field for (an objection's defence, somebody else's reading) has one of its own here. An answer may
have more than the contract names: that is passed over.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.think._fields import Schema, schema_of
from aimux.think._registry import PATTERNS, Choice, code_of

from ._opinions import MAX_ITEMS, MAX_TEXT, Items

TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
RATING: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 5}
LEVELS: Final[Schema] = {"type": "string", "enum": ["low", "medium", "high"]}
NAMES: Final[Schema] = {"type": "array", "items": TEXT}


def _object(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


@attrs.frozen(kw_only=True)
class Contract:
    """What is asked for: a sentence, lists, single texts or words, the verdicts to choose from.

    `needs` are the lists it must have, by default the first. `roles` are taken in turn.
    """

    task: str
    lists: Sequence[Items] = ()
    single: Mapping[str, Schema] = attrs.field(factory=dict)
    verdicts: Sequence[str] = ()
    roles: Sequence[str]
    needs: Sequence[str] = ()

    @property
    def schema(self) -> Schema:
        """The JSON Schema of an answer."""
        properties: Schema = {
            each.name: {
                "type": "array",
                "items": each.schema,
                "description": f"at most {MAX_ITEMS}",
            }
            for each in self.lists
        }
        properties |= self.single
        if self.verdicts:
            properties["verdict"] = {"type": "string", "enum": list(self.verdicts)}
        properties.setdefault("confidence", SHARE)
        needed = [each.name for each in self.lists if each.name in self.needs] or [
            self.lists[0].name if self.lists else next(iter(self.single))
        ]
        return {"type": "object", "properties": properties, "required": needed}


@attrs.frozen(kw_only=True)
class _Plan:
    """A contract before the fields of its pattern are looked up.

    `without` are fields of items that a CLI is not asked for.
    """

    task: str
    lists: Sequence[Items]
    single: Mapping[str, Schema] = attrs.field(factory=dict)
    verdicts: Sequence[str] = ()
    roles: Sequence[str]
    without: Sequence[str] = ()
    needs: Sequence[str] = ()


def _own(name: str, key: str = "", **more: object) -> Items:
    """A list that is a field of the pattern."""
    return Items(name=name, schema={}, key=key, **more)  # type: ignore[arg-type]  # by name


def _new(name: str, schema: Schema, key: str = "", **more: object) -> Items:
    """A list that the pattern has no field for."""
    return Items(name=name, schema=schema, key=key, **more)  # type: ignore[arg-type]  # by name


_EDGE: Final = ("from", "to")
_PLANS: Final[Mapping[str, _Plan]] = {
    "think": _Plan(
        task="Say what you notice about this thought, and which pattern of thinking it needs.",
        lists=[_new("observations", _object("text", text=TEXT, confidence=SHARE), "text")],
        single={"next_pattern": {"type": "string", "enum": list(PATTERNS)}},
        roles=("Thinker", "Challenger"),
    ),
    "critical_thinking": _Plan(
        task="Find what this takes for granted, what else could explain it, what speaks against it "
        "(evidence) and which biases it shows, each with a quote.",
        lists=[
            _new("biases", _object("type", "quote", type=TEXT, quote=TEXT, severity=LEVELS),
                 "quote", same="type"),
            _own("assumptions"), _own("alternatives"), _own("evidence"),
        ],
        roles=("Analyst", "Devil's Advocate"),
    ),
    "sequential_thinking": _Plan(
        task="Reason about this step by step, in order, and draw the conclusion.",
        lists=[_new("steps", TEXT)],
        single={"conclusion": TEXT},
        roles=("Thinker", "Challenger"),
    ),
    "scientific_method": _Plan(
        task="Give hypotheses that explain this observation; for each a prediction that would be "
        "false if it were, and the experiment that tests it.",
        lists=[_new("hypotheses", _object("text", "prediction", text=TEXT, prediction=TEXT,
                                          experiment=TEXT), "text")],
        roles=("Researcher", "Peer Reviewer"),
    ),
    "decision_framework": _Plan(
        task="Weigh this decision: criteria with weights, options with a score from 0 to 10 for "
        "each criterion, and the option you choose. Use the names that are given, where they are.",
        lists=[_own("criteria", "name"), _own("options", "name", refs={"scores": "criteria"})],
        single={"choice": TEXT},
        roles=("Decision Analyst", "Risk Assessor"),
        without=("direction",),
        needs=("criteria", "options"),
    ),
    "problem_decomposition": _Plan(
        task="Take this problem apart: parts, which part needs which to be done first, risks.",
        lists=[
            _own("subProblems", "id"),
            _own("dependencies", ends=_EDGE, refs=dict.fromkeys(_EDGE, "subProblems")),
            _own("risks", "text", refs={"affects": "subProblems"}),
        ],
        roles=("Architect", "Integration Specialist"),
    ),
    "debugging_approach": _Plan(
        task="Give possible causes of this symptom, how sure you are of each, the test that would "
        "tell, what it would show, and what the test costs (1 is cheap).",
        lists=[_new("hypotheses", _object("text", text=TEXT, confidence=SHARE, test=TEXT,
                                          predicted_observation=TEXT, test_cost=RATING), "text")],
        roles=("Debugger", "Systems Engineer"),
    ),
    "metacognitive_monitoring": _Plan(
        task="Say how sure one may be of this: what is claimed, what is not known, which biases "
        "may be at work.",
        lists=[_own("claims", "text"), _own("uncertainties"), _own("biases")],
        roles=("Cognitive Scientist", "Domain Expert"),
    ),
    "structured_argumentation": _Plan(
        task="Map the arguments: claims, and evidence or rebuttals that name the id of what they "
        "support or attack.",
        lists=[_own("arguments", "text", id="id", same="type")],
        roles=("Proponent", "Opponent"),
    ),
    "collaborative_reasoning": _Plan(
        task="Contribute what your role sees: observations, questions, proposals, objections.",
        lists=[_new("contributions", _object("text", text=TEXT, confidence=SHARE), "text")],
        roles=("Lead Analyst", "Critical Reviewer"),
    ),
    "recursive_thinking": _Plan(
        task="State when this recursion ends, how it gets smaller, and the measure that shrinks.",
        lists=[],
        single={"baseCase": TEXT, "recursiveCase": TEXT, "convergenceCheck": TEXT},
        roles=("Algorithm Designer", "Sceptic"),
    ),
    "domain_modeling": _Plan(
        task="Model this domain: entities, relationships, rules and constraints.",
        lists=[
            _own("entities", "name"),
            _own("relationships", ends=_EDGE, refs=dict.fromkeys(_EDGE, "entities")),
            _own("rules", "text", refs={"entities": "entities"}),
            _own("constraints", "text", refs={"entities": "entities"}),
        ],
        roles=("Domain Expert", "Software Architect"),
    ),
    "architecture_analysis": _Plan(
        task="Name the components and what each uses, and what concerns you about which quality.",
        lists=[
            _own("components", "name", refs={"dependencies": "components"}),
            _new("concerns", _object("text", attribute=TEXT, severity=LEVELS, text=TEXT), "text"),
        ],
        roles=("Solutions Architect", "Risk Analyst"),
        without=("abstractness",),
    ),
    "stochastic_algorithm": _Plan(
        task="Estimate the outcomes: a name, its probability and its value; and the figures you "
        "used, each with its reason.",
        lists=[
            _new("outcomes", _object("name", "probability", "value", name=TEXT, probability=SHARE,
                                     value={"type": "number"}), "name"),
            _new("figures", _object("name", "value", name=TEXT, value={"type": "number"},
                                    rationale=TEXT), "name"),
        ],
        roles=("Estimator", "Sceptic"),
    ),
    "temporal_thinking": _Plan(
        task="Put in time what has to happen: events, each with a date or a number; and risks.",
        lists=[_own("events", "name"), _new("risks", TEXT)],
        roles=("Systems Analyst", "Historian"),
    ),
    "visual_reasoning": _Plan(
        task="Say which elements the picture has and what ties them.",
        lists=[
            _own("elements", "id"),
            _own("relationships", ends=_EDGE, refs=dict.fromkeys(_EDGE, "elements")),
        ],
        roles=("Draughtsman", "Reader"),
    ),
    "source_comparison": _Plan(
        task="Say of each pair of the sources whether they agree, and why.",
        lists=[_new("pairs", _object("a", "b", "relation", a=TEXT, b=TEXT, why=TEXT, relation={
            "type": "string", "enum": ["agree", "disagree", "unrelated"]}),
            ends=("a", "b"), is_directed=False)],
        roles=("Historian", "Fact Checker"),
    ),
    "literature_review": _Plan(
        task="Name themes, gaps, and sources worth looking up. Sources from memory are not "
        "counted: say why each would matter.",
        lists=[_new("themes", TEXT), _new("gaps", TEXT),
               _new("candidate_sources", _object("title", title=TEXT, why=TEXT), "title")],
        roles=("Surveyor", "Gap Hunter"),
    ),
    "peer_review": _Plan(
        task="Review this: objections with severity (P0 is the worst), and its strengths.",
        lists=[_own("objections", "text"), _new("strengths", TEXT)],
        roles=("Author", "Hostile Reviewer"),
    ),
    "replication_analysis": _Plan(
        task="Say what repeating this takes and what stands in the way; critical is what alone may "
        "make it impossible.",
        lists=[_own("requirements", "text"), _own("constraints", "text")],
        verdicts=("feasible", "partial", "infeasible"),
        roles=("Experimenter", "Statistician"),
    ),
    "experimental_loop": _Plan(
        task="Propose the next experiments: the change, the gain you expect (1 to 5) and its cost "
        "(1 to 5).",
        lists=[_new("next_experiments", _object("change", "expected", "cost", change=TEXT,
                                                expected=RATING, cost=RATING), "change")],
        roles=("Experimenter", "Statistician"),
    ),
    "research_synthesis": _Plan(
        task="State the claims the findings allow, with what supports and what opposes each.",
        lists=[_new("claims", _object("text", text=TEXT, supporting=NAMES, opposing=NAMES,
                                      confidence=SHARE), "text")],
        roles=("Synthesist", "Sceptic"),
    ),
    "premortem": _Plan(
        task="It is the end of the horizon and the plan has failed. Give 5 to 12 ways in which it "
        "failed: cause, category, likelihood, impact and detectability from 1 to 5 (5 is noticed "
        "easily), how it shows early, and what would be done about it.",
        lists=[_own("failure_modes", "cause")],
        verdicts=("go", "go_with_mitigations", "rethink"),
        roles=("Advocate of Failure", "Systems Engineer"),
        without=("owner",),
    ),
    "swot": _Plan(
        task="Give strengths, weaknesses, opportunities and threats, each with a weight from 1 to "
        "5; of those outside also how likely they are, 0 to 1.",
        lists=[_own(each, "text")
               for each in ("strengths", "weaknesses", "opportunities", "threats")],
        roles=("Strategist", "Competitor"),
    ),
    "devils_advocate": _Plan(
        task="Object to this as strongly as you honestly can. `targets` names the claim (C-n).",
        lists=[_own("objections", "text")],
        roles=("Devil's Advocate", "Hostile Reviewer"),
        without=("status", "answer", "id"),
    ),
    "first_principles": _Plan(
        task="Take this apart: assumptions and whether each is fact or convention, truths that "
        "hold regardless, and options rebuilt from the truths alone.",
        lists=[_own("assumptions", "text"), _own("truths", "text", id="id", numbered="T-{}"),
               _own("rebuilt_options", "text", refs={"uses_truths": "truths"})],
        roles=("First Thinker", "Sceptic"),
    ),
}  # fmt: skip

_SHARED: Final[Mapping[str, str]] = {"chain_of_thought": "sequential_thinking"}


def contract_for(choice: Choice, slots: Sequence[str] = ()) -> Contract | None:
    """The contract of a pattern or technique; None of one that only the caller can work with.

    `slots` are those of a model's worksheet.
    """
    if choice.name == "mental_model":
        return Contract(
            task="Fill the worksheet of this model, slot by slot: a list of answers for each.",
            lists=[Items(name=slot, schema=TEXT) for slot in slots or ("answers",)],
            roles=("Model Advocate", "Sceptic"),
        )
    plan = _PLANS.get(_SHARED.get(choice.name, choice.name))
    if plan is None:
        return None
    properties = schema_of(code_of(choice.name).input)["properties"]
    assert isinstance(properties, Mapping)
    return Contract(
        task=plan.task,
        lists=[_with_schema(each, properties, plan.without) for each in plan.lists],
        single=plan.single,
        verdicts=plan.verdicts,
        roles=plan.roles,
        needs=plan.needs,
    )


def _with_schema(items: Items, properties: Mapping[str, object], without: Sequence[str]) -> Items:
    """The list with the schema of its field's items, as open as an answer may be."""
    if items.schema:
        return items
    field = properties[items.name]
    assert isinstance(field, Mapping)
    schema = dict(field["items"])
    if "properties" in schema:
        kept = {name: each for name, each in schema["properties"].items() if name not in without}
        if items.id:
            kept = {items.id: TEXT, **kept}
        schema["properties"] = kept
        schema["required"] = [each for each in schema["required"] if each in kept]
        del schema["additionalProperties"]
    return attrs.evolve(items, schema=schema)
