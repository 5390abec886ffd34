"""What an auditor's words amount to: nothing is confirmed by silence, or by what is not there."""

from typing import Any

import attrs
import pytest

from aimux.model import (
    Evidence,
    Finding,
    FindingSeverity,
    FindingState,
    JobStatus,
    Priority,
    Report,
    SourcePlace,
    Verified,
    Warned,
)
from aimux.rules.audit import (
    AuditPhase,
    AuditRecord,
    code_around,
    investigation_prompt,
    parts_of_focus,
    place_of,
    read_findings,
    read_verdicts,
    report_audit,
    scanner_prompt,
    share_categories,
    validator_prompt,
    with_evidence_of,
    with_verdict,
)
from aimux.rules.audit._audit import FindingVerdict

from ...golden import pinned, record_of

CONFIRMED, REFUTED, UNREFUTED, UNVERIFIED, SUPPRESSED = FindingState
FOUND = Evidence(path="src/a.py", line=4, quote="eval(text)", verified=Verified.QUOTE)
LINE = attrs.evolve(FOUND, verified=Verified.LINE_EXISTS)
LOST = Evidence(path="a.py", line=3, why="the quote is not in the file")
RAW = {
    "rule": " eval ", "category": "Security.", "severity": "critical", "path": " a.py ",
    "line": 3, "end_line": 5, "quote": " eval(text) ", "title": " runs text ", "scenario": " s ",
    "fix": " f ",
}  # fmt: skip
FINDING = Finding(
    rule="eval", category="security", severity=FindingSeverity.CRITICAL, path="a.py", line=3,
    end_line=5, quote=" eval(text) ", title="runs text", scenario="s", fix="f",
    scanners=("scan-1",),
)  # fmt: skip


def finding(**more: Any) -> Finding:
    return attrs.evolve(FINDING, **more)


# ------------------------------------------------------------------------------- scanners


def test_a_finding_is_read_as_it_was_written() -> None:
    """White space around words is none; a quote is copied."""
    assert read_findings("scan-1", {"findings": [RAW], "files_read": ["a.py", 7]}) == (
        [FINDING],
        ["a.py", "7"],
    )


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"severity": "terrible"}, {"severity": FindingSeverity.MEDIUM}),
        ({"category": "style"}, {"category": "correctness"}),
        ({"category": "style", "rule": ""}, {"category": "correctness", "rule": "style"}),
        ({"category": "", "rule": None}, {"category": "correctness", "rule": "model"}),
        ({"line": 0}, {"line": 1}),
        ({"line": "3"}, {"line": 1}),
        ({"line": 1, "end_line": 1}, {"line": 1, "end_line": 1}),
        ({"end_line": 2}, {"end_line": 3}),
        ({"end_line": 3}, {"end_line": 3}),
        ({"end_line": None}, {"end_line": 3}),
    ],
)
def test_a_word_that_is_none_is_taken_for_the_usual_one(
    said: dict[str, object], read: dict[str, object]
) -> None:
    """A line that counts none is the first; a range does not run backwards."""
    (found,), _ = read_findings("scan-1", {"findings": [RAW | said]})

    assert found == finding(**read)


def test_a_finding_of_nothing_is_one_still() -> None:
    """Its place is looked up afterwards, and not found."""
    (found,), files = read_findings("s", {"findings": [{}, "prose"]})

    assert files == []
    assert found == Finding(
        rule="model", category="correctness", severity=FindingSeverity.MEDIUM, path="", line=1,
        end_line=1, title="", scanners=("s",),
    )  # fmt: skip


@pytest.mark.parametrize(
    "data", [None, [], "prose", {}, {"findings": {}}, {"findings": None, "files_read": "a.py"}]
)
def test_an_answer_without_findings_has_none(data: object) -> None:
    assert read_findings("s", data) == ([], [])


def test_sixty_findings_of_one_answer_are_taken() -> None:
    found, _ = read_findings("s", {"findings": [RAW] * 61})

    assert len(found) == 60


# ----------------------------------------------------------------------------- validators


def test_verdicts_are_by_the_number_that_was_told() -> None:
    """The first on each counts; a word that is none, or on nothing, is left out."""
    place = {"path": "a.py", "line": 3, "quote": "q"}
    said = [
        {"finding": 1, "state": "refuted", "why": " it is constant ", "evidence": [place]},
        {"finding": 1, "state": "stands", "why": "late"},
        {"finding": 3, "state": "stands", "why": "so", "evidence": ["prose", {"line": "3"}]},
        {"finding": 2, "state": "perhaps", "why": "so"},
        {"finding": 0, "state": "stands", "why": "so"},
        {"finding": 4, "state": "stands", "why": "so"},
        {"finding": "2", "state": "stands", "why": "so"},
        "prose",
    ]

    assert read_verdicts({"verdicts": said}, 3) == {
        0: FindingVerdict(
            is_refuted=True,
            why="it is constant",
            places=[SourcePlace(path="a.py", line=3, quote="q")],
        ),
        2: FindingVerdict(is_refuted=False, why="so", places=[SourcePlace(path="")]),
    }


def test_one_finding_needs_no_number() -> None:
    """Two do."""
    said = {"state": "stands"}

    assert read_verdicts(said, 1) == {0: FindingVerdict(is_refuted=False, why="", places=[])}
    assert read_verdicts({**said, "finding": 7}, 1) == read_verdicts(said, 1)
    assert read_verdicts(said, 2) == {}


@pytest.mark.parametrize("data", [None, [], "refuted", {"verdicts": {}}, {"state": 1}])
def test_what_is_not_said_is_no_verdict(data: object) -> None:
    assert read_verdicts(data, 1) == {}


# ------------------------------------------------------------------------------- evidence


def test_a_quote_that_was_found_leaves_the_state_and_mends_the_place() -> None:
    """The line is the true one, the range ends where it was found to."""
    found = with_evidence_of(finding(evidence=(LOST,)), FOUND)

    assert found == finding(path="src/a.py", line=4, end_line=4, evidence=(LOST, FOUND))
    assert with_evidence_of(FINDING, attrs.evolve(FOUND, end_line=9)).end_line == 9


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (LOST, "the quote is not in the file"),
        (attrs.evolve(LOST, why=""), "its quote was not found"),
        (LINE, "its quote was not found"),
    ],
)
def test_a_finding_whose_quote_is_not_there_is_unverified(evidence: Evidence, reason: str) -> None:
    """That its line exists is not enough."""
    found = with_evidence_of(finding(state=CONFIRMED), evidence)

    assert (found.state, found.reason) == (UNVERIFIED, reason)
    assert found.evidence == (evidence,)


def test_a_place_without_lines_leaves_those_of_the_finding() -> None:
    """A file that cannot be read has none."""
    found = with_evidence_of(FINDING, Evidence(path="a.py", why="no such file"))

    assert (found.line, found.end_line) == (3, 5)


def test_what_a_comment_suppresses_is_not_looked_up() -> None:
    one = finding(state=SUPPRESSED, reason="a constant")

    assert with_evidence_of(one, FOUND) is one


STANDS = FindingVerdict(is_refuted=False, why="so it is")
KILLED = FindingVerdict(is_refuted=True, why="it is a constant")
QUOTING = attrs.evolve(KILLED, places=[SourcePlace(path="a.py")])


@pytest.mark.parametrize(
    ("verdict", "own", "found", "more"),
    [
        (STANDS, (FOUND,), [], {"state": CONFIRMED, "validators": ("v", "w")}),
        (STANDS, (LOST, FOUND), [], {"state": CONFIRMED, "validators": ("v", "w")}),
        (STANDS, (LINE,), [], {"validators": ("v", "w")}),
        (STANDS, (), [FOUND], {"validators": ("v", "w")}),
        (KILLED, (FOUND,), [], {"state": REFUTED, "reason": "it is a constant",
                                "validators": ("v", "w")}),
        (QUOTING, (FOUND,), [LOST, LINE], {"state": REFUTED, "reason": "it is a constant",
                                           "validators": ("v", "w"),
                                           "evidence": (FOUND, LOST, LINE)}),
        (QUOTING, (FOUND,), [LOST],
         {"reason": "a refutation quotes what is not there: it is a constant"}),
    ],
)  # fmt: skip
def test_a_verdict_counts_by_what_is_there(
    verdict: FindingVerdict, own: tuple[Evidence, ...], found: list[Evidence], more: dict[str, Any]
) -> None:
    """Confirmed by a quote that was found and somebody who could not refute it; a refutation that
    quotes what is not there changes nothing.
    """
    one = finding(evidence=own, validators=("v",))

    assert with_verdict(one, "w", verdict, found) == attrs.evolve(one, **more)


def test_the_place_of_a_finding_is_what_it_says() -> None:
    assert place_of(FINDING) == SourcePlace(path="a.py", line=3, end_line=5, quote=" eval(text) ")


# ------------------------------------------------------------------------------- prompts


@pytest.mark.parametrize(
    ("focus", "parts"),
    [
        ("", ([], [], [])),
        ("security, Errors;", (["security", "errors"], [], [])),
        ("src/ *.py a? a.b [ab]", ([], ["src/", "*.py", "a?", "a.b", "[ab]"], [])),
        ("security src/ nonsense", (["security"], ["src/"], ["nonsense"])),
    ],
)
def test_a_focus_is_categories_and_patterns(
    focus: str, parts: tuple[list[str], list[str], list[str]]
) -> None:
    """A word that is neither is told."""
    assert parts_of_focus(focus) == parts


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        (0, [["a", "b", "c"]]),
        (1, [["a", "b", "c"]]),
        (2, [["a", "c"], ["b"]]),
        (3, [["a"], ["b"], ["c"]]),
        (4, [["a"], ["b"], ["c"]]),
    ],
)
def test_categories_are_spread_and_none_is_lost(count: int, shares: list[list[str]]) -> None:
    """No scanner is without one."""
    assert share_categories(["a", "b", "c"], count) == shares


@pytest.mark.parametrize(
    ("line", "end_line", "numbers"),
    [
        (10, 10, range(2, 19)),
        (10, 12, range(2, 21)),
        (9, 3, range(1, 18)),
        (1, 1, range(1, 10)),
        (30, 30, range(22, 31)),
        (29, 40, range(21, 31)),
        (99, 99, range(0)),
    ],
)
def test_code_is_shown_with_eight_lines_around(line: int, end_line: int, numbers: range) -> None:
    """As far as there are any, with their numbers."""
    lines = [f"l{number}" for number in range(1, 31)]

    assert code_around(lines, line, end_line) == "\n".join(f"{at:>5} l{at}" for at in numbers)
    assert len(code_around(["x" * 9_000], 1, 1)) < 3_100


def test_prompts_are_as_reviewed(update_golden: bool) -> None:
    """Of scanner, validator and investigator."""
    long = finding(scenario="x" * 9_000, title="long")
    files = [f"f{number}.py" for number in range(403)]
    whole = scanner_prompt(["errors"], files, total=405, is_exhaustive=False)
    texts = [
        scanner_prompt(["security", "errors"], ["a.py", "b.py"], total=2, is_exhaustive=True),
        whole.replace("\n".join(files[3:397]), "(394 files)"),
        validator_prompt([FINDING, long], ["1 code", "```\n2 code"]).replace("x" * 900, "x"),
        investigation_prompt(FINDING, "3 eval(text)"),
        investigation_prompt(long, "3 eval(text)", "And more.").replace("x" * 900, "x"),
    ]
    text = "\n\n=====\n\n".join(texts) + "\n"

    assert text == pinned("audit/prompts.md", text, update=update_golden)
    with pytest.raises(ValueError, match="shorter"):
        validator_prompt([FINDING, FINDING], ["code"])
    assert "and 0 more" not in scanner_prompt(
        ["errors"], files[:400], total=400, is_exhaustive=False
    )


# ------------------------------------------------------------------------------- reports

DONE = AuditPhase(name="rules", status="completed", turns=0, took_seconds=0.5)
HALF = AuditPhase(name="scan", status="partial", turns=2, reason="codex is lost", limit_seconds=9.0)
DEAD = AuditPhase(name="validate", status="failed", turns=1, reason="nobody answered")
IDLE = AuditPhase(name="deepen", status="skipped", turns=0, reason="quick")
RECORD = AuditRecord(
    scope={"path": "."}, findings=(), phases=[DONE, IDLE], files_seen=2, files_read={"scan-1": 1}
)


@pytest.mark.parametrize(
    ("phases", "status", "code"),
    [
        ([DONE, IDLE], JobStatus.COMPLETED, None),
        ([IDLE], JobStatus.COMPLETED, None),
        ([DONE, HALF], JobStatus.PARTIAL, "phase_lost"),
        ([HALF], JobStatus.PARTIAL, "phase_lost"),
        ([DONE, DEAD], JobStatus.PARTIAL, "phase_lost"),
        ([DEAD, IDLE], JobStatus.FAILED, "nothing_ran"),
    ],
)
def test_an_audit_is_as_whole_as_its_phases(
    phases: list[AuditPhase], status: JobStatus, code: str | None
) -> None:
    """What was left out on purpose is no loss; if nothing ran, it has failed."""
    report = report_audit(attrs.evolve(RECORD, phases=phases))

    assert report.status is status
    assert (report.failure.code if report.failure else None) == code


def whole_report() -> Report:
    return report_audit(
        attrs.evolve(
            RECORD,
            phases=[DONE, HALF, DEAD, IDLE],
            findings=[
                finding(id="f1", state=CONFIRMED, priority=Priority.P0, validators=("val-1",),
                        evidence=(FOUND,), scanners=("scan-1", "rules")),
                finding(id="f2", state=REFUTED, reason="a constant", scanners=("rules",)),
            ],
            skipped=[("big.js", "too large")],
            notes=[Warned(code="suppression_ignored", message="a.py:3 has no reason")],
            investigations={"f1": "It comes from outside.\n", "gone": "Of another one."},
            names={"scan-1": "codex", "val-1": "claude"},
            exports={"sarif": "aimux://x"},
        )
    )  # fmt: skip


def test_a_report_is_as_reviewed(update_golden: bool) -> None:
    """What did not run stands first; seats are told with their CLIs."""
    report = whole_report()

    assert report.content == pinned("audit/report.md", report.content, update=update_golden)
    assert record_of(report) == pinned("audit/report.json", record_of(report), update=update_golden)
    assert report.turn is None
