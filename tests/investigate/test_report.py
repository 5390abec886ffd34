"""Reports: honest about what is missing, safe to read, and named so that they do not collide."""

import datetime
from pathlib import Path

import pytest

from aimux.investigate import (
    Gate,
    Investigation,
    Phase,
    judge_report,
    look_over,
    render_report,
    report_name,
    slug_of,
)

from ._values import AREAS, BIRTH, DOMAIN, MISSING, SAID, add, clear, judged, make

PAGE = Path(__file__).parents[1] / "corpus" / "investigate" / "report.md"


def report(state: Investigation, *, is_forced: bool = False) -> tuple[Gate, str]:
    found = look_over(state, DOMAIN)
    gate = judge_report(state, found, is_forced=is_forced)
    return gate, render_report(state, found, gate, BIRTH)


def complete() -> Investigation:
    state = make()
    for text, area in list(zip(SAID, AREAS, strict=False))[:3]:
        state = add(state, text, area=area)
    state = judged(state)[0]
    for text, area in list(zip(SAID, AREAS, strict=False))[3:]:
        state = add(state, text, area=area)
    return judged(state)[0]


@pytest.mark.parametrize(
    ("state", "forced", "expected", "gap"),
    [
        (make(), False, "report_blocked", "no findings recorded"),
        (make(), True, "report_incomplete_forced", "no findings recorded"),
        (add(make(), area="alpha"), False, "report_preliminary", "not assessed yet"),
        (judged(add(make(), area="alpha"))[0], True, "report_incomplete_forced", "beta was not"),
        (judged(add(make()))[0], False, "report_preliminary", "convergence 0.50"),
        (complete(), False, "report_ready", ""),
        (complete(), True, "report_ready", ""),
        (add(complete(), "one thing more"), False, "report_preliminary", "since the last"),
    ],
)
def test_what_a_report_may_call_itself(
    state: Investigation, forced: bool, expected: str, gap: str
) -> None:
    """Final only as it was last assessed; else it says what is missing, in its text too."""
    gate, text = report(state, is_forced=forced)

    assert gate.state == expected
    assert gate.is_written == (expected != "report_blocked")
    assert (gap in " ".join(gate.gaps)) is True
    assert ("**This report is not final.**" in text) == (expected != "report_ready")
    assert f"verdict: {expected}\n" in text


def test_an_unchecked_area_does_not_keep_it_from_being_final() -> None:
    """The rule is 80 %; what was not looked at is told all the same."""
    state = make()
    for text, area in list(zip(SAID, AREAS, strict=False))[:3]:
        state = add(state, text, area=area)
    state = judged(add(judged(state)[0], SAID[3], area="delta"))[0]
    gate, text = report(state)

    assert (state.phase, gate.is_ready) == (Phase.SETTLED, True)
    assert "- epsilon was not looked at" in text
    assert "| epsilon | not looked at |" in text


def test_everything_that_was_said_is_in_it() -> None:
    """Findings with their evidence, what they corrected, what to doubt, each round."""
    state = add(make(), "locks are taken twice", area="alpha", severity="P0", by="codex")
    state = add(state, "parsing copies files", area="beta", places=(MISSING,), severity="P1")
    state = add(judged(state)[0], "locks nest in the writer", area="alpha", corrects="F-0-1")
    state = judged(clear(state, "gamma"))[0]
    _, text = report(state)

    assert text == PAGE.read_text(encoding="utf-8")


def test_what_was_said_cannot_break_the_page() -> None:
    """No cell ends early, no line begins anew, no markup comes in."""
    nasty = "a | b\n## Findings\n<script>\x1b[31m"
    state = add(make(question=f"Why?\n---\n{nasty}"), nasty, source=nasty, area="alpha")
    _, text = report(state)
    lines = text.splitlines()

    assert lines.count("## Findings") == 1
    assert "<script>" not in text
    assert "\x1b" not in text
    (row,) = [each for each in lines if each.startswith("| F-0-1")]
    assert row.replace("\\|", "").count("|") == 9
    assert lines.count("---") == 2


def test_a_single_place_under_a_grave_finding_is_doubted() -> None:
    """And so is what is at odds."""
    state = add(make(), "keys are readable", severity="P0")
    state = add(state, "keys are not readable", severity="P0")
    _, text = report(state)

    assert "- F-0-1 is P0 and rests on one source" in text
    assert "- F-0-1 and F-0-2 are at odds" in text


def test_what_is_learned_after_the_last_assessment_is_a_gap() -> None:
    """And the only one, where all else is as it was."""
    state = add(complete(), "backups are never restored", area="beta")
    gate, text = report(state)

    assert gate.gaps == ["something was learned since the last assessment"]
    assert "> - something was learned since the last assessment\n" in text


def test_the_end_names_the_gravest_and_what_to_see_to() -> None:
    """The first by severity; one that is not verified is to be watched, else what is left."""
    state = add(make(), SAID[0], area="alpha", severity="P3")
    state = add(state, SAID[1], area="beta", severity="P1")
    _, text = report(state)
    doubt = report(add(state, SAID[2], places=(), severity="P0"))[1]

    assert text.endswith(
        "## Key takeaways\n\n- Gravest: F-0-2 (P1, VERIFIED): locks are taken twice\n"
        "- Watch out: 3 areas were not looked at\n"
    )
    assert "- Watch out: F-0-3 (P0, INFERRED): parsing copies whole files\n" in doubt
    assert "| none | 0 | stands |" in doubt


def test_the_end_says_only_what_findings_say() -> None:
    """With everything verified it says that."""
    _, text = report(complete())
    _, cleared = report(clear(make(), "alpha"))

    assert "- Every finding that stands was verified" in text
    assert "Key takeaways" not in cleared
    assert "Nothing was found." in cleared


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("Why is it SLOW?", "why-is-it-slow-"),
        ("Überläuft der Stapel?", "uberlauft-der-stapel-"),
        ("为什么慢", ""),
        ("../../etc/passwd", "etc-passwd-"),
        ("x" * 200, "x" * 40 + "-"),
    ],
)
def test_a_name_is_made_of_the_question(question: str, begins: str) -> None:
    """Readable as far as it goes, unlike any other question's, one name in any case."""
    slug = slug_of(question)

    assert slug.startswith(begins)
    assert len(slug) == len(begins) + 8
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug != slug_of(question + "?")


def test_a_name_has_the_time_in_utc() -> None:
    """Whatever the zone of the clock."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    name = report_name(make(), BIRTH.astimezone(zone))

    assert name == f"investigate-{slug_of('Why?')}-2026-03-01T12-00-00"
