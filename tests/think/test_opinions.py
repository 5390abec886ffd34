"""Items of several answers: what is one item, what it comes to, agreed, disputed, said by one."""

from typing import Any

import pytest

from .panels import consensus, data, join

PLAN = {"problem": "Should we migrate this monolith to microservices?"}
Json = dict[str, Any]


def mode(cause: str, likelihood: int = 3, impact: int = 3, **more: object) -> Json:
    """A way to fail."""
    return {"cause": cause, "likelihood": likelihood, "impact": impact, **more}


def modes(*given: Json | str) -> Json:
    """An answer with these ways to fail."""
    return {"failure_modes": list(given)}


def texts(rows: list[Json]) -> list[str]:
    """What rows say."""
    return [row["text"] for row in rows]


def test_alike_causes_are_one_and_their_ratings_averaged() -> None:
    """The first wording stands; means are rounded half up; both support it."""
    found = data(
        "premortem",
        PLAN,
        modes(mode("data loss in the migration", 5, 4)),
        modes(mode("migration data loss", 2, 4)),
    )

    (row,) = found["failure_modes"]
    assert (row["cause"], row["likelihood"], row["impact"]) == ("data loss in the migration", 4, 4)
    assert (row["support"], row["source"]) == (["codex", "gemini"], "cli:codex,gemini")


def test_who_denies_what_another_says_is_not_merged_but_disputed() -> None:
    """Nearly the same words with a negation are two positions."""
    block = consensus(
        "critical_thinking",
        {"issue": "caching"},
        {"biases": [], "assumptions": ["the cache is the bottleneck"]},
        {"biases": [], "assumptions": ["the cache is not the bottleneck"]},
    )

    assert len(block["merged"]["assumptions"]) == 2
    (row,) = block["disputed"]
    assert row["why"] == "one denies what the other says"
    assert [each["support"] for each in row["positions"]] == [["codex"], ["gemini"]]


def test_ratings_two_apart_are_disputed_and_one_apart_are_not() -> None:
    """The spread is told with its mean."""
    wide = consensus("premortem", PLAN, modes(mode("x y", 5)), modes(mode("x y", 3)))
    close = consensus("premortem", PLAN, modes(mode("x y", 4)), modes(mode("x y", 3)))

    assert wide["disputed"][0]["ratings"]["likelihood"] == {
        "mean": 4.0,
        "spread": 2.0,
        "disputed": True,
    }
    assert close["disputed"] == []


def test_agreed_takes_two_thirds_and_at_least_two() -> None:
    """Two of three are enough, one of one is not."""
    three = consensus(
        "premortem",
        PLAN,
        modes(mode("data loss"), mode("cost grows")),
        modes(mode("data loss")),
        modes(mode("team leaves")),
    )
    alone = consensus("premortem", PLAN, modes(mode("data loss")))

    assert texts(three["agreed"]) == ["data loss"]
    assert texts(three["unique"]) == ["cost grows", "team leaves"]
    assert (alone["agreed"], alone["unique"], alone["agreement"]) == ([], [], None)


def test_agreement_is_the_mean_of_pairs() -> None:
    """By hand: A-B 1 of 2, A-C 0 of 3, B-C 0 of 2."""
    block = consensus(
        "premortem",
        PLAN,
        modes(mode("data loss"), mode("cost grows")),
        modes(mode("data loss")),
        modes(mode("team leaves")),
    )

    assert block["agreement"] == pytest.approx((1 / 2 + 0 + 0) / 3, abs=1e-4)


def test_two_items_of_one_answer_stay_two() -> None:
    """Who says two things that sound alike means two things."""
    block = consensus(
        "premortem", PLAN, modes(mode("data loss in migration"), mode("data leak in migration"))
    )

    assert len(block["merged"]["failure_modes"]) == 2


def test_the_callers_items_keep_their_values_and_support_nothing() -> None:
    """A CLI that says the same supports the caller's item; its rating does not change it."""
    fields = {**PLAN, "failure_modes": [mode("data loss", 1, 2), mode("data theft", 2, 2)]}
    found = data("premortem", fields, modes(mode("loss of data", 5, 5)))

    rows = {row["cause"]: row for row in found["failure_modes"]}
    assert set(rows) == {"data loss", "data theft"}
    assert (rows["data loss"]["likelihood"], rows["data loss"]["impact"]) == (1, 2)
    assert (rows["data loss"]["support"], rows["data loss"]["source"]) == (["codex"], "caller")
    assert "support" not in rows["data theft"]


def test_what_only_the_caller_may_give_stays() -> None:
    """An owner is not asked of CLIs; what the caller left out is filled by what they say."""
    fields = {**PLAN, "failure_modes": [{"cause": "data loss", "mitigation": "m", "owner": "ann"}]}
    found = data("premortem", fields, modes(mode("loss of data", 5, 5)))

    (row,) = found["failure_modes"]
    assert (row["owner"], row["mitigation"], row["exposure"]) == ("ann", "m", 25)


def test_an_item_that_says_nothing_is_none() -> None:
    """An empty cause is passed over."""
    block = consensus("premortem", PLAN, modes(mode(""), mode("data loss")))

    assert [row["cause"] for row in block["merged"]["failure_modes"]] == ["data loss"]


def test_names_in_an_answer_follow_their_cluster() -> None:
    """An edge of one seat's own spelling is the same edge."""
    found = data(
        "problem_decomposition",
        {"problem": "ship the login"},
        {
            "subProblems": ["token service", "login page"],
            "dependencies": [{"from": "login page", "to": "token service"}],
        },
        {
            "subProblems": [{"id": "Token-Service"}, {"id": "login"}],
            "dependencies": [{"from": "login", "to": "Token-Service"}],
        },
    )

    assert found["subProblemCount"] == 2
    assert found["dependencyCount"] == 1
    assert found["dag"]["executionOrder"] == ["token service", "login page"]


def test_prose_is_kept_and_merged_into_nothing() -> None:
    """Who answers in prose has answered; the text stands as an opinion."""
    made = join("premortem", PLAN, modes(mode("data loss")), "I would not do it.")

    block = made["consensus"]
    assert [each["parsed"] for each in block["participants"]] == ["json", "prose"]
    assert block["opinions"] == [{"seat": "B", "cli": "gemini", "text": "I would not do it."}]
    assert (block["status"], made["mode"]) == ("ok", "consensus")
    assert len(block["merged"]["failure_modes"]) == 1


def test_who_is_lost_is_named_and_the_rest_degraded() -> None:
    """One of two is degraded, none is failed and leaves the solo answer as it was."""
    one = join("premortem", PLAN, modes(mode("data loss")), "")
    none = join("premortem", PLAN, "", "")

    assert one["consensus"]["status"] == "degraded"
    assert one["consensus"]["participants"][1]["error"] == "timed_out"
    assert (none["consensus"]["status"], none["mode"]) == ("failed", "solo")
    assert none["data"] == none["solo"]["data"]
    assert none["status"] == "needs_input"


def test_verdicts_that_differ_are_disputed() -> None:
    """Each with who holds it."""
    block = consensus(
        "premortem",
        PLAN,
        {**modes(mode("data loss")), "verdict": "go"},
        {**modes(mode("data loss")), "verdict": "rethink"},
    )

    (row,) = [each for each in block["disputed"] if each["field"] == "verdict"]
    assert [(each["text"], each["support"]) for each in row["positions"]] == [
        ("go", ["codex"]),
        ("rethink", ["gemini"]),
    ]


def test_a_long_list_and_a_long_text_are_bounded() -> None:
    """Twelve items of one answer, 2,000 characters of a text."""
    many = modes(*(mode(f"{'abcdefghijklmnop'[at]}lpha" * 9 + f"{at}q") for at in range(15)))
    block = consensus("premortem", PLAN, many)

    assert len(block["merged"]["failure_modes"]) == 12


def test_fields_of_an_answer_that_the_contract_does_not_know_go_nowhere() -> None:
    """Keys that a CLI makes up are no fields of the result."""
    made = join("premortem", PLAN, {**modes(mode("data loss", evil=1)), "status": "hacked"})

    assert "evil" not in str(made)
    assert "hacked" not in str(made)
