"""Prompts, reports and faults of pairs, whole: each golden text was read by a person."""

import attrs

from aimux.model import Evidence, Failure, FailureClass, SourcePlace, Verified as Found, Warned
from aimux.rules.pair import (
    DiffFault,
    Feedback,
    Left,
    PairRecord,
    PairRound,
    PairState,
    Phase,
    UnitReview,
    Verdict,
    Verified,
    again_prompt,
    driver_prompt,
    left_prompt,
    missing_prompt,
    parse_diff,
    report_pair,
    review_prompt,
    unit_text,
)

from ...golden import pinned, record_of
from .test_diff import BINARY, DOS, MODE, NEW, RENAMED, TWO

LINK = NEW.replace("100755", "120000").replace("new.txt", "link")
GONE = "diff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n"
SWAP = (
    "diff --git a/s b/s\ndeleted file mode 100644\n--- a/s\n+++ /dev/null\n@@ -1 +0,0 @@\n-s\n"
    "diff --git a/s b/s\nnew file mode 120000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+t\n"
    "\\ No newline at end of file\n"
)
ALL = "".join((TWO, NEW, LINK, GONE, BINARY, RENAMED, MODE, DOS, SWAP))
RUNS = [
    Verified(command="make test", exit_code=1, tail="\n1 failed\n\n", duration_ms=1_560),
    Verified(command="make lint", exit_code=0, tail="", duration_ms=40),
    Verified(command="make `slow`", exit_code=None, tail="…", duration_ms=9, why="stopped"),
]
EVIDENCE = Evidence(path="a.py", line=2, quote="two = 2", verified=Found.QUOTE)
REVIEWS = [
    UnitReview(
        hunk=0, path="a.py", kind="text", verdict=Verdict.CHANGES_REQUESTED, rule="off-by-one",
        category="correctness", comment="it\nis `wrong`", evidence=[EVIDENCE],
        places=[SourcePlace(path="a.py", line=2)], contested="no it is not",
    ),
    UnitReview(
        hunk=1, path="a.py", kind="text", verdict=Verdict.MODIFIED, comment="shorter",
        replacement="+one",
    ),
    UnitReview(hunk=2, path="new.txt", kind="new", verdict=Verdict.APPROVED),
    UnitReview(hunk=3, path="link", kind="new", verdict=Verdict.UNREVIEWED, comment="not said"),
]  # fmt: skip
ROUND = PairRound(
    round=1, seat="driver", cli="codex", diff=TWO, applies=True, verified=RUNS, reviews=REVIEWS,
    reviewer="claude",
)  # fmt: skip
SECOND = PairRound(round=1, seat="driver-2", cli="qwen", diff=NEW, applies=True)
BROKEN = PairRound(round=2, seat="driver", cli="", problem="Your diff does not apply: `x`")
RECORD = PairRecord(
    state=PairState.MAX_ROUNDS, rounds=[ROUND, BROKEN], diff=TWO, files=["a.py", "b\udcff.py"],
    counts=(3, 2), why="not approved\nin time", code="", copy_path="/copies/1/tree", base="abc",
    kept_why="removed", driver="codex", reviewer="claude",
    lost=[("reviewer-2", "qwen", "quota\nis used up")],
    warnings=[Warned(code="not_verified", message="no command")], answer="Done.",
    phases=[Phase(name="driver", round=1, limit_s=33.33333, took_s=1.23456)], chosen="driver",
)  # fmt: skip
LATE = Failure(failure_class=FailureClass.TIMEOUT, code="timed_out", message="too late")
RECORDS = {
    "rounds": RECORD,
    "landed": attrs.evolve(
        RECORD, is_landed=True, state=PairState.APPROVED_WITH_MODIFICATIONS, rounds=[ROUND]
    ),
    "several": attrs.evolve(
        RECORD, rounds=[attrs.evolve(ROUND, verified=()), SECOND], lost=(), code="contested",
        files=["a.py"], is_kept=True, kept_why="it lies there",
    ),
    "late": attrs.evolve(
        RECORD, rounds=[BROKEN], diff="", failure=LATE, driver="", reviewer="", files=(),
        counts=(0, 0), state=PairState.NEEDS_HUMAN,
    ),
    "nothing": attrs.evolve(RECORD, rounds=(), diff="", why="", lost=(), warnings=()),
    "binary": attrs.evolve(RECORD, rounds=(), diff=BINARY + MODE, lost=(), phases=()),
}  # fmt: skip
HEAD = "--- a/a.py\n+++ b/a.py\n"
FAULTS = [
    "", "prose\n", TWO + "prose\n", f"{HEAD}@@ ten @@\n", f"{HEAD}@@ -1 +1 @@\n a\n", HEAD,
    TWO.replace("-10,2 +11,2", "-10,9 +11,9"), TWO.replace("-1,3 +1,4", "-1,3 +1,2"),
    f"{HEAD}@@ -1,2 +1 @@\n-a\n", f"{HEAD}@@ -1 +1 @@\n*a\n",
    NEW.replace("100755", "160000"), NEW.replace("100755", "100600"),
    "diff --git a/x b/y\ncopy from x\ncopy to y\n", "diff --git a/x b/x\nindex 1..2 100644\n",
    "diff --git a/x b/x\nBinary files a/x and b/x differ\n",
    "diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 1\n",
    "--- /dev/null\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "--- a/a.py\nprose\n",
    "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n@@ -0,0 +1 @@\n+y\n",
    TWO.replace("+++ b/a.py", "+++ b/b.py"), TWO + NEW.replace("new.txt", "../x"),
]  # fmt: skip


def test_prompts_are_as_reviewed(update_golden: bool) -> None:
    """Of driver and reviewer, with everything that one may hold."""
    diff = parse_diff(ALL)
    two = parse_diff(TWO)
    shown = [(review, unit_text(two, two.units[review.hunk])) for review in REVIEWS[:2]]
    unread = attrs.evolve(REVIEWS[1], verdict=Verdict.UNREVIEWED, comment="")
    feedback = Feedback(
        problem="Your diff does not apply.", excerpt="@@ -1 @@\n", verified=RUNS,
        rejected=[*shown, (unread, shown[1][1])],
    )  # fmt: skip
    left = Left(why="not approved", diff=NEW)
    texts = [
        driver_prompt("Do it."),
        driver_prompt("Do it.", ["make test", "make lint"], left_prompt(left)),
        left_prompt(left, "new.txt is there"),
        left_prompt(Left(diff=NEW), "new.txt is there"),
        left_prompt(attrs.evolve(left, is_landed=True)),
        left_prompt(Left()),
        again_prompt("Do it.", feedback),
        again_prompt("Do it.", Feedback()),
        review_prompt("Do it.", diff, diff.units, verified=RUNS, contested={0: "no it is not"}),
        review_prompt("Do it.", two, two.units[1:]),
        missing_prompt([2, 3]),
    ]
    text = "\n\n=====\n\n".join(texts) + "\n"

    assert text == pinned("pair/prompts.md", text, update=update_golden)


def test_reports_are_as_reviewed(update_golden: bool) -> None:
    """What people read and what programs get, however it ended."""
    for name, record in RECORDS.items():
        report = report_pair(record)
        content = f"{report.content}\n"

        assert content == pinned(f"pair/{name}.md", content, update=update_golden)
        assert record_of(report) == pinned(
            f"pair/{name}.json", record_of(report), update=update_golden
        )


def test_faults_are_as_reviewed(update_golden: bool) -> None:
    """Each names the line and quotes from there."""
    told = []
    for text in FAULTS:
        try:
            parse_diff(text)
        except DiffFault as fault:
            told.append(f"{fault}\n{fault.excerpt}\n")
    whole = "\n---\n".join(told) + "\n"

    assert len(told) == len(FAULTS)
    assert whole == pinned("pair/faults.txt", whole, update=update_golden)
