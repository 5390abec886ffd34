"""Conventions, truths, and what stands on them."""

from aimux.think._base import Following

from ..helpers import data, steps

SEEDS = {
    "assumptions": "what is taken for granted here?",
    "truths": "what stays true without that?",
    "rebuilt_options": "what can be built from the truths alone?",
}


def test_a_problem_is_taken_apart() -> None:
    """One convention of four; one option on a proven truth, one on an unproven, one on none."""
    result = steps(
        "first_principles",
        {
            "problem": "battery packs are dear",
            "assumptions": [
                {"text": "packs cost much", "status": "convention"},
                {"text": "metal is traded", "status": "fact"},
                {"text": "cells age", "status": "fact", "evidence": "tests"},
                "demand grows",
            ],
            "truths": [
                {"text": "metal is cheap", "evidence": "prices"},
                {"text": "cells are small", "id": "small"},
                {"text": "heat harms"},
            ],
            "rebuilt_options": [
                {"text": "make cells here", "uses_truths": ["T-1"]},
                {"text": "stack them", "uses_truths": ["T-9", "small", "T-1"]},
                {"text": "packs cost much", "uses_truths": ["T-2"]},
            ],
        },
    ).result

    assert result.data["technique"] == {
        "conventionShare": 0.25,
        "conventions": ["packs cost much"],
        "unknownAssumptions": ["demand grows"],
        "factsWithoutEvidence": ["metal is traded"],
        "truths": [
            {"id": "T-1", "text": "metal is cheap"},
            {"id": "small", "text": "cells are small"},
            {"id": "T-3", "text": "heat harms"},
        ],
        "truthsWithoutEvidence": ["small", "T-3"],
        "unusedTruths": ["T-3"],
        "options": [
            {
                "text": "make cells here",
                "grounded": True,
                "unknownTruths": [],
                "restatesConvention": False,
                "restsOnUnproven": [],
            },
            {
                "text": "stack them",
                "grounded": True,
                "unknownTruths": ["T-9"],
                "restatesConvention": False,
                "restsOnUnproven": ["small"],
            },
            {
                "text": "packs cost much",
                "grounded": False,
                "unknownTruths": ["T-2"],
                "restatesConvention": True,
                "restsOnUnproven": [],
            },
        ],
        "ungroundedOptions": ["packs cost much"],
        "uncoveredTerms": ["battery", "dear"],
        "seeds": [],
    }
    assert result.gate == [
        "evidence for small",
        "evidence for T-3",
        "a truth under: packs cost much",
    ]
    assert result.summary == "1 of 4 assumptions only convention; 2 of 3 options grounded"
    assert result.missing == []
    assert result.following == Following(
        pattern="decision_framework",
        reason="choose between what was rebuilt",
        fields={
            "decision": "battery packs are dear",
            "options": ["make cells here", "stack them", "packs cost much"],
        },
    )


def test_an_option_half_like_a_convention_restates_it() -> None:
    """Two words of four."""
    found = data(
        "first_principles",
        problem="p",
        assumptions=[{"text": "red old shoes", "status": "convention"}],
        rebuilt_options=["red old cars", "red cars"],
    )

    assert [each["restatesConvention"] for each in found["options"]] == [True, False]


def test_what_is_empty_is_asked_for() -> None:
    """A problem alone has three questions; assumptions alone are a beginning too."""
    bare = steps("first_principles", {"problem": "p"}).result
    begun = steps("first_principles", {"assumptions": ["a"]}).result

    assert bare.data["technique"]["seeds"] == [  # type: ignore[index]
        {"text": text, "source": "template", "slot": name} for name, text in SEEDS.items()
    ]
    assert bare.gate == [f"{name}: {text}" for name, text in SEEDS.items()]
    assert (bare.missing, bare.following) == (["assumptions"], None)
    assert (begun.missing, len(begun.gate)) == ([], 2)


def test_nothing_at_all_is_asked_for() -> None:
    nothing = steps("first_principles", {"truths": ["t"]}).result

    assert (nothing.missing, nothing.data) == (["problem", "assumptions"], {})
