"""mental_model: a model's worksheet, filled slot by slot."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, rounded, seed, share
from aimux.think._fields import Json
from aimux.think._words import nearest, shared, stem, stems

STRONG: Final = 0.3
WEAK: Final = 0.1
DEFAULT: Final = "first_principles"


@attrs.frozen(kw_only=True)
class Model:
    """A model: what it is, the words that ask for it, the slots of its worksheet."""

    description: str
    triggers: Sequence[str]
    slots: Mapping[str, str]


def _model(description: str, triggers: str, **slots: str) -> Model:
    return Model(description=description, triggers=triggers.split(), slots=slots)


MODELS: Final[Mapping[str, Model]] = {
    "first_principles": _model(
        "rebuild from what is true whatever one is used to",
        "fundamental assume basic scratch rebuild why must cost",
        assumptions="what is taken for granted?", truths="what is true without them?",
        rebuilt="what can be built from the truths alone?",
    ),
    "inversion": _model(
        "ask what would guarantee failure, and avoid that",
        "fail avoid risk wrong prevent mistake worst",
        goal="what is wanted?", failures="what would surely prevent it?",
        avoidance="how is each of these avoided?",
    ),
    "second_order_thinking": _model(
        "ask what follows from what follows",
        "consequence then effect long later incentive policy",
        first_order="what happens at once?", second_order="and what comes of that?",
        third_order="and in a year?",
    ),
    "occams_razor": _model(
        "prefer the explanation that assumes least",
        "explain simple cause complex explanation why",
        explanations="what would explain it?", assumptions="what does each need to be true?",
        choice="which needs least?",
    ),
    "pareto_principle": _model(
        "find the few causes of most of the effect",
        "most few priority effort impact percent important",
        causes="what contributes?", shares="how much does each?", vital_few="which make up 80 %?",
    ),
    "circle_of_competence": _model(
        "know what you know, and who knows the rest",
        "know expert skill learn experience team",
        inside="what is known well?", edge="what is half known?", outside="who knows the rest?",
    ),
    "opportunity_cost": _model(
        "weigh a choice by what it gives up",
        "instead choose cost alternative spend invest time",
        choice="what is chosen?", alternatives="what else could be done with it?",
        given_up="what is the best of these worth?",
    ),
    "systems_thinking": _model(
        "see stocks, flows and loops instead of events",
        "system feedback loop interaction grow balance delay",
        elements="what is in it?", loops="what feeds back on what?", delays="where does it lag?",
    ),
    "hanlons_razor": _model(
        "do not assume malice where neglect explains it",
        "blame intent malice deliberate people ignore",
        behaviour="what was done?", neglect="how could it be an oversight?",
        malice="what would only malice explain?",
    ),
    "map_is_not_territory": _model(
        "ask what a description leaves out",
        "model document diagram metric report assume plan",
        map="what describes it?", left_out="what does it leave out?", check="where can one look?",
    ),
    "jobs_to_be_done": _model(
        "ask for what progress something is hired",
        "user customer feature product need buy",
        situation="when does it come up?", progress="what do they want to get done?",
        hired="what do they use now?",
    ),
    "via_negativa": _model(
        "improve by taking away",
        "remove simplify less delete reduce complex",
        present="what is there?", removable="what could go?", effect="what would be missed?",
    ),
    "leverage_points": _model(
        "find where a small change does much",
        "change system rule goal bottleneck improve influence",
        points="where can one act?", effort="what does each take?", effect="what does each move?",
    ),
    "probabilistic_thinking": _model(
        "think in odds and update them",
        "likely probability chance uncertain odds risk estimate",
        base_rate="how often in cases like this?", evidence="what shifts it?", odds="and now?",
    ),
    "margin_of_safety": _model(
        "leave space for being wrong",
        "capacity limit buffer safe load deadline estimate",
        estimate="what is expected?", error="how wrong may that be?", margin="what is kept free?",
    ),
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Input:
    """A problem seen through a model."""

    problem: Annotated[str, "the problem"] = ""
    model_name: Annotated[str, "such as inversion; the best fit if not given"] = ""
    worksheet: Annotated[
        Mapping[str, Sequence[str]], "slot -> answers; the slots are in the result"
    ] = attrs.field(factory=dict)
    steps: Annotated[Sequence[str], "how you reason, step by step"] = ()
    reasoning: Annotated[str, "the same as prose"] = ""
    conclusion: Annotated[str, "what follows"] = ""


def think(given: Input) -> Result:
    """The worksheet with what is filled and what is open, and how well the model fits."""
    if not given.problem:
        return Result(missing=["problem"], summary="a problem is needed")
    warnings: list[str] = []
    fits = {name: _fit(given.problem, model) for name, model in MODELS.items()}
    name = re.sub(r"[\s-]+", "_", given.model_name.lower().replace("'", "").replace("\u2019", ""))
    if not name:
        name = max(MODELS, key=lambda each: (fits[each], each == DEFAULT))
    model = MODELS.get(name)
    if model is None:
        close = nearest(name, MODELS)
        warnings.append(f"model {given.model_name} is not known; nearest: {', '.join(close)}")
        slots: Mapping[str, str] = dict.fromkeys(given.worksheet, "")
    else:
        slots = model.slots
        strange = [each for each in given.worksheet if each not in slots]
        if strange:
            warnings.append(f"{name} has no slot {', '.join(strange)}: {', '.join(slots)}")
    filled = {slot: list(filter(None, given.worksheet.get(slot, ()))) for slot in slots}
    empty = [slot for slot, answers in filled.items() if not answers]
    fit = fits.get(name, 0.0)
    grounds = " ".join([*given.steps, given.reasoning, *itertools.chain(*filled.values())])
    data: Json = {
        "modelName": name,
        "known": model is not None,
        "description": model.description if model else "custom model",
        "slots": {slot: len(answers) for slot, answers in filled.items()},
        "emptySlots": empty,
        "questions": [
            seed(question, slot=slot) for slot, question in slots.items() if slot in empty
        ],
        "worksheetScore": share(len(slots) - len(empty), len(slots)),
        "stepCount": len(given.steps),
        "verbosity": _verbosity(given),
        "alignmentScore": fit,
        "modelFit": "strong" if fit >= STRONG else "weak" if fit >= WEAK else "mismatch",
        "betterModels": [
            each for each in sorted(fits, key=lambda each: -fits[each])[:3] if fits[each] > fit
        ],
        "conclusionGrounded": bool(shared(given.conclusion, grounds)) if given.conclusion else None,
        "unreasonedSlots": [
            slot
            for slot, answers in filled.items()
            if answers and given.reasoning and not shared(given.reasoning, " ".join(answers))
        ],
    }
    gate = [f"{slot}: {slots[slot]}" for slot in empty] if model else []
    if given.conclusion and not data["conclusionGrounded"]:
        gate.append("a conclusion that the worksheet or the steps lead to")
    done = len(slots) - len(empty)
    return Result(
        data=data,
        summary=f"{name}: {done} of {plural(len(slots), 'slot')} filled, fit {data['modelFit']}",
        warnings=warnings,
        gate=gate,
        following=Following(
            pattern="critical_thinking",
            reason="test what it led to",
            fields={"issue": given.conclusion or given.problem},
        ),
    )


def _fit(problem: str, model: Model) -> float:
    said = stems(problem)
    return share(sum(stem(each) in said for each in model.triggers), len(model.triggers))


def _verbosity(given: Input) -> Json:
    """The figures of the reference: they measure how much was written, and nothing else."""
    chars = len(given.problem) + len(given.reasoning) + len(given.conclusion)
    chars += sum(map(len, given.steps))
    completeness, clarity = min(chars / 1000, 1.0), min(len(given.steps) / 10, 1.0)
    load = len(given.steps) + chars / 100
    return {
        "completenessScore": rounded(completeness),
        "clarityScore": rounded(clarity),
        "coherenceScore": rounded((completeness + clarity) / 2),
        "complexity": "high" if load > 10 else "medium" if load > 5 else "low",
    }


PATTERN: Final = Pattern(name="mental_model", input=Input, think=think)
