"""Ways to fail, rated by hand: exposure is likelihood by impact, and what is seen late is worse."""

from typing import Any

import pytest

from aimux.think._base import Following

from ..helpers import Json, data, steps

TEN = [
    *("technical", "data", "integration", "security", "performance"),
    *("operations", "people", "schedule", "cost", "external"),
]


def mode(cause: str, likelihood: int = 1, impact: int = 1, **more: object) -> Json:
    return {"cause": cause, "likelihood": likelihood, "impact": impact, **more}


def row(cause: str, category: str, *rated: int | None, **more: object) -> Json:
    likelihood, impact, detectability, exposure, rpn = rated
    return {
        "cause": cause, "category": category, "likelihood": likelihood, "impact": impact,
        "detectability": detectability, "exposure": exposure, "rpn": rpn, "early_signal": "",
        "mitigation": "", "owner": "", "source": "caller", **more,
    }  # fmt: skip


def test_a_plan_is_told_as_if_it_had_failed() -> None:
    """Ranked by how bad and how late it is seen; the unrated come last."""
    result = steps(
        "premortem",
        {
            "problem": "Move billing",
            "failure_modes": [
                {"cause": "budget runs out", "likelihood": 2},
                mode("vendor goes", 3, 4, detectability=4),
                mode("team burnout", 2, 4, category="Skills "),
                mode("data loss in migration", 3, 5, mitigation="backups", early_signal="noise"),
                mode("it rains", 1, 1, mitigation="roof", owner="ann", detectability=5),
            ],
            "assumptions": ["the vendor stays", "users wait"],
        },
    ).result

    assert result.data["technique"] == {
        "horizon": "12 months",
        "scenario": "it is 12 months later and it has failed: Move billing",
        "failure_modes": [
            row("data loss in migration", "data", 3, 5, 3, 15, 45, mitigation="backups",
                early_signal="noise"),
            row("vendor goes", "external", 3, 4, 4, 12, 24),
            row("team burnout", "people", 2, 4, 3, 8, 24),
            row("it rains", "", 1, 1, 5, 1, 1, mitigation="roof", owner="ann"),
            row("budget runs out", "cost", 2, None, 3, None, None),
        ],
        "vital_few": ["data loss in migration", "vendor goes", "team burnout"],
        "unmitigated": ["vendor goes"],
        "unowned": ["data loss in migration"],
        "blind_spots": ["technical", "integration", "security", "performance", "operations",
                        "schedule"],
        "coverage": 0.4,
        "early_signals": [{"cause": "data loss in migration", "signal": "noise"}],
        "untested_assumptions": ["users wait"],
        "seeds": [],
        "verdict": "go_with_mitigations",
        "verdict_reasons": ["vendor goes: exposure 12, no answer",
                            "only 40 % of the categories were thought of"],
    }  # fmt: skip
    assert result.warnings == ["not rated, so not ranked: budget runs out"]
    assert result.gate == ["a mitigation for vendor goes"]
    assert result.missing == []
    assert result.summary == ("go_with_mitigations: 5 failure modes, first: data loss in migration")
    assert result.following == Following(
        pattern="decision_framework",
        reason="decide with the risks on the table",
        fields={"decision": "Move billing"},
    )


@pytest.mark.parametrize(
    ("graves", "named", "verdict"),
    [
        ([(5, 4, "")], 10, "rethink"),
        ([(5, 5, "answer")], 10, "go"),
        ([(4, 4, "")], 10, "go_with_mitigations"),
        ([(4, 3, "")], 10, "go_with_mitigations"),
        ([(5, 2, "")], 10, "go"),
        ([(1, 1, "")], 5, "go"),
        ([(1, 1, "")], 4, "go_with_mitigations"),
        ([], 0, "insufficient_input"),
    ],
)
def test_the_verdict_is_of_exposure_and_coverage(
    graves: list[tuple[int, int, str]], named: int, verdict: str
) -> None:
    """Twelve asks for an answer, twenty without one to think again; half of ten is enough."""
    modes = [mode(f"x {at}", *two, mitigation=said) for at, (*two, said) in enumerate(graves)]
    others = [mode("y", category=each, mitigation="m") for each in TEN[:named]]
    found = data("premortem", problem="p", failure_modes=[*modes, *others])

    assert (found["verdict"], found["coverage"]) == (verdict, named / 10)


@pytest.mark.parametrize(
    ("exposures", "few"),
    [([(4, 2), (1, 2), (1, 1)], "ab"), ([(4, 2), (1, 2)], "a"), ([(5, 5), (1, 1)], "a")],
)
def test_the_vital_few_make_four_fifths(exposures: list[tuple[int, int]], few: str) -> None:
    """8 of 11 is less, 8 of 10 is just that."""
    modes = [mode(name, *two) for name, two in zip("abc", exposures, strict=False)]

    assert data("premortem", problem="p", failure_modes=modes)["vital_few"] == list(few)


@pytest.mark.parametrize(
    ("cause", "category", "expected"),
    [
        ("x", "COST", "cost"),
        ("x", "people/skills", "people"),
        ("x", "Scope", "schedule"),
        ("x", "external dependency", "external"),
        ("x", "migrations", "data"),
        ("the api of a partner breaks the budget", "", "integration"),
        ("design and price", "", "technical"),
        ("it rains", "weather", ""),
    ],
)
def test_a_cause_has_the_category_it_reads_like(cause: str, category: str, expected: str) -> None:
    """What was given and is known goes first; of two alike the first of the ten."""
    found = data("premortem", problem="p", failure_modes=[mode(cause, category=category)])

    assert found["failure_modes"][0]["category"] == expected


@pytest.mark.parametrize(
    ("horizon", "problem", "warnings"),
    [
        ("12 months", "in 12 months", []),
        (
            "12 months",
            "in 13 months",
            ["the plan names a longer time than the horizon of 12 months"],
        ),
        ("soon", "in 3 years", ["the horizon soon names no length of time"]),
        ("2 years", "no time", []),
    ],
)  # fmt: skip
def test_the_horizon_is_a_time_that_holds_the_plan(
    horizon: str, problem: str, warnings: list[str]
) -> None:
    """As long is long enough."""
    given = {"problem": problem, "horizon": horizon, "failure_modes": [mode("x")]}

    assert steps("premortem", given).result.warnings == warnings


def test_a_plan_without_ratings_gets_questions() -> None:
    """One a category about what the plan names, what it denies, asks and takes for granted."""
    result = steps(
        "premortem",
        {
            "problem": "Move Billing to Azure without downtime. Who pays?",
            "assumptions": ["it fits"],
        },
    ).result
    block: Any = result.data["technique"]
    seeds = block["seeds"]

    assert [each["category"] for each in seeds[:10]] == TEN
    assert {each["source"] for each in seeds[:10]} == {"template"}
    assert all(each["text"].endswith(")") for each in seeds[:10])
    assert [each["source"] for each in seeds[10:]] == ["prompt"] * 3
    assert seeds[-1]["text"] == "what if it does not hold: it fits?"
    assert block["verdict_reasons"] == ["no failure mode is rated"]
    assert (result.missing, result.gate) == (["failure_modes"], [])
    assert result.summary == "insufficient_input: 0 failure modes"


def test_a_way_to_fail_needs_no_plan() -> None:
    """Nothing at all is asked for."""
    nothing = steps("premortem", {"horizon": "a year"}).result

    assert (nothing.missing, nothing.data) == (["problem", "failure_modes"], {})
    assert data("premortem", failure_modes=["x"])["verdict"] == "insufficient_input"
