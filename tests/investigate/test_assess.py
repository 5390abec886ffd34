"""Assessments: whole histories with the verdicts that a reader expects, and what is advised."""

import json
from pathlib import Path
from typing import Any

import pytest

from aimux.investigate import (
    Angle,
    Domain,
    Indicator,
    Investigation,
    Phase,
    Severity,
    Verdict,
    look_over,
)

from ._values import AREAS, DOMAIN, FOUND, MISSING, SAID, add, clear, judged, make

HISTORIES = json.loads(
    (Path(__file__).parents[1] / "corpus" / "investigate" / "histories.json").read_text(
        encoding="utf-8"
    )
)


def played(state: Investigation, step: str) -> Investigation:
    """One step: `assess xN`, `find AREA [missing|none] [P0]`, `clear [AREA]`, `say TEXT|…`."""
    verb, _, rest = step.partition(" ")
    match verb:
        case "assess":
            return judged(state, int(rest.removeprefix("x") or 1))[0]
        case "clear":
            return clear(state, rest)
        case "find":
            area, *words = rest.split()
            places = {"missing": (MISSING,), "none": ()}
            found = next((places[word] for word in words if word in places), (FOUND,))
            severity = next((word for word in words if word in list(Severity)), "P2")
            number = AREAS.index(area) + (len(AREAS) if "P0" in words and "missing" in words else 0)
            return add(state, SAID[number], area=area, places=found, severity=severity)
        case _:
            said, _, corrected = rest.partition(" corrects ")
            text, severity, area, confidence = (*said.split("|"), "", "", "")[:4]
            return add(
                state,
                text,
                severity=severity or "P2",
                area=area,
                confidence=confidence or "VERIFIED",
                corrects=corrected,
            )


@pytest.mark.parametrize("history", HISTORIES, ids=lambda each: each["name"])
def test_a_history_comes_to_what_a_reader_expects(history: dict[str, Any]) -> None:
    """Verdict, scores and what holds it back, of the last assessment."""
    state = make()
    for step in history["steps"][:-1]:
        state = played(state, step)
    times = history["steps"][-1].removeprefix("assess").strip().removeprefix("x")
    state, found = judged(state, int(times or 1))

    assert str(found.verdict) == history["verdict"]
    assert found.assessed.convergence == history["convergence"]
    assert found.assessed.coverage == history["coverage"]
    idle = history.get("idle", 0)
    assert ("Nothing was found or noted" in found.message) is (idle > 0)
    assert (f"({idle} times in a row)" in found.message) is (idle > 1)
    if "held" in history:
        assert len(found.held_back) == len(history["held"])
        for told, wanted in zip(found.held_back, history["held"], strict=True):
            assert wanted in told
    expected = {
        "CONTINUE": Phase.OPEN,
        "MAY_STOP": Phase.SETTLED,
        "COMPLETE": Phase.COMPLETE,
    }
    assert state.phase is expected[history["verdict"]]
    assert state.iteration == len(state.history)


def test_there_are_histories_enough() -> None:
    """At least twenty, of each verdict some."""
    assert len(HISTORIES) >= 20
    assert {each["verdict"] for each in HISTORIES} == {str(each) for each in Verdict}


RICH = Domain(
    name="rich",
    areas={"alpha": "Read alpha.", "beta": ""},
    indicators=[
        Indicator(text="swallowed error in an empty handler", severity=Severity.P1, fix="name it"),
        Indicator(text="embedded secret in source", severity=Severity.P0),
    ],
    anti_patterns=["one", "two", "three"],
    angles=[Angle(name="first", pattern="think"), Angle(name="second", pattern="mental_model")],
)


def test_what_is_advised_follows_the_iteration() -> None:
    """Angles and warnings go round; two warnings at first, one later."""
    seen = [look_over(make(iteration=number), RICH) for number in range(4)]

    assert [each.angle and each.angle.name for each in seen] == ["first", "second"] * 2
    assert [list(each.warnings) for each in seen] == [
        ["one", "two"],
        ["two", "three"],
        ["three", "one"],
        ["one"],
    ]


def test_the_next_area_is_one_that_nobody_looked_at() -> None:
    """Then one in dispute, then one that rests on a single finding; with the method for it."""
    areas = ("alpha", "beta")
    fresh = look_over(make(areas=areas), RICH)
    one = add(make(areas=areas), "locks are taken twice", area="beta")
    both = add(one, "parsing copies files", area="alpha")
    disputed = add(both, "locks are not taken twice", area="beta")

    assert (fresh.next_area, fresh.method) == ("alpha", "Read alpha.")
    assert look_over(one, RICH).next_area == "alpha"
    assert look_over(disputed, RICH).next_area == "beta"
    assert "beta" in look_over(disputed, RICH).method
    assert look_over(both, RICH).next_area == "alpha"
    assert look_over(make(areas=()), RICH).next_area == ""


def test_what_is_often_found_is_told_until_it_is_named() -> None:
    """By half of its words."""
    state = add(make(), "an empty handler swallowed the error")

    assert [each.text for each in look_over(make(), RICH).hints] == [
        each.text for each in RICH.indicators
    ]
    assert [each.severity for each in look_over(state, RICH).hints] == [Severity.P0]


def test_a_grave_finding_is_doubted_before_the_end() -> None:
    """Only when it could stop."""
    state = add(make(areas=("alpha", "beta")), "keys are readable", area="alpha", severity="P0")
    state, early = judged(state)
    for text, area in [("locks are taken twice", "beta"), ("parsing copies files", "beta")]:
        state = add(state, text, area=area)
    _, late = judged(state)

    assert early.adversarial_prompt == ""
    assert late.may_stop
    assert "F-0-1: keys are readable" in late.adversarial_prompt


def test_a_domain_that_is_gone_costs_only_its_advice() -> None:
    """Its areas are the investigation's own."""
    found = look_over(add(make(), area="alpha"), None)

    assert (found.angle, found.method, list(found.warnings), list(found.hints)) == (
        None,
        "",
        [],
        [],
    )
    assert found.coverage.score == 0.2


def test_research_needs_no_file() -> None:
    """Where the domain says so."""
    state = make(areas=("alpha",), min_verified=0)
    state = add(state, "the paper has no baseline", area="alpha", places=(), confidence="INFERRED")
    state = clear(judged(state)[0])

    assert judged(state)[1].verdict is Verdict.COMPLETE


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "Nothing was found or noted"),
        (["find alpha"], "Too early"),
        (["find alpha", "assess", "find beta"], "Held back: 2 of 3"),
        (["find alpha", "find beta", "assess", "find gamma"], "only 60%"),
        (["find alpha", "assess", "say now otherwise|P2|alpha corrects F-0-1"], "still moves"),
        (["find alpha", "find beta", "find gamma", "assess", "find delta"], "may stop at 80%"),
        (["assess x3"], "(4 times in a row)"),
    ],
)
def test_an_assessment_says_why(steps: list[str], said: str) -> None:
    """In one line."""
    state = make()
    for step in steps:
        state = played(state, step)

    assert said in look_over(state, DOMAIN).message
