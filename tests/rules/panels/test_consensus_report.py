"""A consensus as it is read: golden reports, and the record behind them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from aimux.model import JobStatus, Report, TurnResult, Verified
from aimux.rules.panels import ConsensusRecord, Seated, SynthesisRecord, report_consensus, tally

from .seats import claim, member, seated

GOLDEN = Path(__file__).parents[2] / "golden" / "consensus"
PROVEN = claim("the loop ends", Verified.QUOTE)
DOUBTED = claim("nothing\nends it", Verified.NO, Verified.LINE_EXISTS)
YES = seated("A", "claude", "yes", "Yes, it ends.", PROVEN)
ALSO = seated("C", "codex", "yes", "Yes.", PROVEN)
NO = seated("B", "gemini", "no", "No: # it\n\x1b[31mdoes **not**.", DOUBTED)
LOST = attrs.evolve(seated("B", "gemini"), reason="quota", told="the plan's limit is reached")
LATE = attrs.evolve(seated("B", "gemini"), is_late=True)
SYNTHESIS = SynthesisRecord(
    seat="synthesis", cli="qwen", is_self=False,
    content="It ends.\n\nWhat *B* says is not in the file.", open_questions=["for how long?"],
)  # fmt: skip


def record(*seats: Seated, **more: Any) -> ConsensusRecord:
    """A blind round of these."""
    choices: Sequence[str] = more.pop("choices", ())
    ballots = [each.position.ballot for each in seats if each.position is not None]
    plain: dict[str, Any] = {
        "question": "Does the loop in\na.py end?", "mode": "consensus", "is_blinded": True,
        "seed": 7, "rounds": 1, "phases": [], "seats": seats, "found": tally(ballots, choices),
        "quorum": 2,
    }  # fmt: skip
    return ConsensusRecord(**plain | more)


def report(*seats: Seated, **more: Any) -> tuple[Report, Any]:
    found = report_consensus(record(*seats, **more))
    return found, found.data


CASES = {
    "agreed": record(YES, ALSO),
    "majority": record(YES, NO, ALSO, synthesis=SYNTHESIS),
    "split": record(YES, NO),
    "lost": record(YES, LOST, ALSO, unseated=[("nope", "unknown cli 'nope'")]),
    "late": record(YES, LATE, ALSO),
    "vetoed": record(YES, NO, ALSO, veto=["B"]),
    "no_quorum": record(YES, LOST, attrs.evolve(LOST, seat="C"), quorum=2),
    "nobody": record(LOST, attrs.evolve(LOST, seat="C")),
    "one_vendor": record(
        YES, attrs.evolve(ALSO, member=member("claude", "claude")), question="Why? " * 90
    ),
    "no_evidence": record(
        seated("A", "claude", "yes", "Yes."), seated("B", "codex", "yes", "Yes.")
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_report_is_as_it_was_read(name: str, update_golden: bool) -> None:
    """A person has read these; they change with --update-golden only."""
    path = GOLDEN / f"{name}.md"
    said = report_consensus(CASES[name]).content + "\n"
    if update_golden:
        path.write_text(said, encoding="utf-8")

    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("agreed", JobStatus.COMPLETED, ""),
        ("split", JobStatus.COMPLETED, ""),
        ("vetoed", JobStatus.COMPLETED, ""),
        ("late", JobStatus.COMPLETED, ""),
        ("lost", JobStatus.PARTIAL, "seat_lost"),
        ("no_quorum", JobStatus.FAILED, "no_quorum"),
        ("nobody", JobStatus.FAILED, "no_quorum"),
    ],
)
def test_status_says_who_is_missing(name: str, status: JobStatus, code: str) -> None:
    """Late is not lost; disagreement is a result."""
    found = report_consensus(CASES[name])

    assert found.status is status
    assert (found.failure.code if found.failure else "") == code


def test_the_record_has_every_number() -> None:
    """Two of three, three quotes of four looked up... of which two were found."""
    _, data = report(YES, NO, ALSO)

    assert data["tally"] == {
        "method": "choice",
        "groups": [{"position": "yes", "seats": ["A", "C"]}, {"position": "no", "seats": ["B"]}],
        "agreement": 0.667,
        "winner": "yes",
    }
    assert data["confidence"] == {
        "value": 0.5,
        "from": {"agreement": 0.667, "verified_evidence": 0.5},
    }
    assert data["quorum"] == {"needed": 2, "got": 3, "late": [], "lost": []}
    assert data["diversity"] == {"vendors": ["claude", "codex", "gemini"], "shared_vendor": False}
    assert data["synthesis"] is None
    assert {"question", "blinded", "seed", "rounds", "seats", "minority", "only_one_said",
            "open_questions", "warnings"} <= data.keys()  # fmt: skip
    assert data["seats"][1]["claims"][0]["evidence"] == [
        {"path": "a.py", "line": 1, "end_line": None, "quote": "for x in y:", "verified": False,
         "why": ""},
        {"path": "a.py", "line": 2, "end_line": None, "quote": "for x in y:",
         "verified": "line_exists", "why": ""},
    ]  # fmt: skip


def test_a_seat_is_answered_lost_or_late() -> None:
    """With the reason of the lost only; the model is the one that answered."""
    result = TurnResult(turn=1, status=JobStatus.COMPLETED, model="opus-9", data={})
    _, data = report(
        attrs.evolve(YES, result=result), LOST, attrs.evolve(LATE, seat="C"),
        attrs.evolve(LOST, seat="D", told=""), quorum=1,
    )  # fmt: skip
    seats = [(each["status"], each["error"], each["model"]) for each in data["seats"]]

    assert seats == [
        ("answered", None, "opus-9"),
        ("lost", "the plan's limit is reached", None),
        ("late", None, None),
        ("lost", "quota", None),
    ]
    assert data["quorum"]["late"] == ["C"]
    assert data["seats"][1]["position"] is None
    assert data["seats"][1]["answer"] is None
    assert data["seats"][0]["answer"] == "yes"


def test_prose_is_told_as_a_warning() -> None:
    """Its text is kept; JSON needs none."""
    prose = TurnResult(turn=1, status=JobStatus.FAILED, content="Yes.")
    found, data = report(attrs.evolve(YES, result=prose), ALSO)

    assert [each.code for each in found.warnings] == ["answered_in_prose"]
    assert data["warnings"][0]["code"] == "answered_in_prose"


def test_a_synthesis_says_whose_it_is_and_if_it_can_be_trusted() -> None:
    """A member's own, and one that changed with the order."""
    own = attrs.evolve(SYNTHESIS, is_self=True, is_order_sensitive=True)
    found, data = report(YES, ALSO, synthesis=own)

    assert [each.code for each in found.warnings] == ["self_synthesis", "order_sensitive"]
    assert "By qwen, a member of the panel." in found.content
    assert data["synthesis"]["self_synthesis"] is True
    assert data["synthesis"]["order_sensitive"] is True
    assert data["open_questions"] == ["for how long?"]


def test_a_lost_synthesis_makes_it_partial() -> None:
    """The count stands; what would change minds is open."""
    lost = attrs.evolve(SYNTHESIS, content="", reason="quota", open_questions=[])
    changing = attrs.evolve(
        YES, position=attrs.evolve(YES.position, would_change=["a test", "a test"])
    )
    found, data = report(changing, ALSO, synthesis=lost)

    assert found.status is JobStatus.PARTIAL
    assert found.failure is not None
    assert found.failure.code == "synthesis_lost"
    assert "## Synthesis" not in found.content
    assert data["open_questions"] == ["a test"]
    assert "**2 of 2 hold:** yes" in found.content


def test_what_a_synthesiser_joins_is_counted_as_one() -> None:
    """Free text only."""
    free = [
        seated("A", "claude", "", "Use MongoDB."),
        seated("B", "codex", "", "A document store."),
    ]
    joined = attrs.evolve(SYNTHESIS, same=[["A", "B"]])
    _, apart = report(*free)
    _, data = report(*free, synthesis=joined)

    assert apart["tally"]["winner"] is None
    assert (data["tally"]["method"], data["tally"]["agreement"]) == ("labels", 1.0)


def test_nothing_of_a_report_rules_a_terminal() -> None:
    """Nor can a position open a heading or a line of its own."""
    found, _ = report(YES, NO, ALSO)

    assert "\x1b" not in found.content
    assert not [line for line in found.content.splitlines() if line.startswith("# it")]
