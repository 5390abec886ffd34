"""A pair's report: its status, what people read, what programs get."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from aimux.model import Failure, FailureClass, JobStatus
from aimux.rules.pair import (
    PairRecord,
    PairRound,
    PairState,
    UnitReview,
    Verdict,
    Verified,
    report_pair,
)
from aimux.rules.pair._report import most_unlike

from .test_diff import BINARY, NEW, TWO

ROUND = PairRound(
    round=1,
    seat="driver",
    cli="codex",
    diff=TWO,
    applies=True,
    verified=[Verified(command="make test", exit_code=1, tail="1 failed\n", duration_ms=1500)],
    reviews=[
        UnitReview(
            hunk=0,
            path="a.py",
            kind="text",
            verdict=Verdict.CHANGES_REQUESTED,
            category="security",
            comment="it\nis `wrong`",
        )
    ],
    reviewer="claude",
)
RECORD = PairRecord(
    state=PairState.MAX_ROUNDS,
    rounds=[ROUND],
    diff=TWO,
    files=["a.py"],
    counts=(3, 2),
    why="not approved",
    driver="codex",
    reviewer="claude",
)
FIXED = {"state", "rounds", "landed", "diff", "files", "copy"}
FIXED_ROUND = {"round", "seat", "diff", "applies", "verify", "hunks"}
FIXED_HUNK = {
    *("hunk", "path", "verdict", "rule", "category", "comment", "evidence", "replacement"),
    "contested",
}


def data_of(record: PairRecord) -> Mapping[str, Any]:
    data = report_pair(record).data
    assert isinstance(data, Mapping)
    return data


def test_no_field_is_missing() -> None:
    """The names that programs rely on."""
    data = data_of(RECORD)

    assert data.keys() >= FIXED
    assert data["copy"].keys() == {"path", "base", "kept", "why"}
    assert data["rounds"][0].keys() >= FIXED_ROUND
    assert data["rounds"][0]["hunks"][0].keys() >= FIXED_HUNK
    assert data["rounds"][0]["verify"][0].keys() >= {"command", "exit_code", "tail", "duration_ms"}


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"is_landed": True}, JobStatus.COMPLETED, None),
        ({}, JobStatus.PARTIAL, "pair_max_rounds"),
        ({"code": "tree_changed"}, JobStatus.PARTIAL, "tree_changed"),
        ({"diff": "", "rounds": []}, JobStatus.FAILED, "no_diff"),
        ({"diff": ""}, JobStatus.PARTIAL, "pair_max_rounds"),
    ],
)
def test_landed_is_completed_a_diff_is_partial_none_is_failed(
    more: dict[str, Any], status: JobStatus, code: str | None
) -> None:
    """A diff of an earlier round is one."""
    report = report_pair(attrs.evolve(RECORD, **more))

    assert report.status is status
    assert (report.failure.code if report.failure is not None else None) == code


@pytest.mark.parametrize(
    ("code", "status"), [("auth", JobStatus.FAILED), ("timed_out", JobStatus.TIMED_OUT)]
)
def test_without_a_diff_the_drivers_failure_is_the_jobs(code: str, status: JobStatus) -> None:
    """Its class tells what to do."""
    failure = Failure(failure_class=FailureClass.AUTH, code=code, message="log in")
    report = report_pair(attrs.evolve(RECORD, diff="", rounds=[], failure=failure))

    assert report.failure is failure
    assert report.status is status


def test_what_did_not_land_says_so_first_and_why() -> None:
    """Then what failed, what was said, what it would have been."""
    content = report_pair(RECORD).content

    assert content.startswith("# Not landed: your files are as they were\n\n**Why:** not approved")
    order = ["- `make test`: exit code 1 (1.5 s)", "1 failed", "is 'wrong'", "+TWO"]
    assert [content.index(each) for each in order] == sorted(map(content.index, order))
    assert "hunk 0, `a.py`: **changes requested** (security): it is 'wrong'" in content
    assert "```diff\ndiff --git a/a.py b/a.py\n---" in content


def test_binary_data_and_hidden_characters_are_not_shown() -> None:
    """All of it is in `data.diff`."""
    text = BINARY + NEW.replace("hello", "a\u202eb ```` c")
    report = report_pair(attrs.evolve(RECORD, diff=text))
    data = report.data
    assert isinstance(data, Mapping)

    assert "(binary data)" in report.content
    assert "KcmZQ" not in report.content
    assert "a\\u202eb" in report.content
    assert "`````" in report.content
    assert data["diff"] == text


def test_bytes_that_are_no_text_do_not_break_json() -> None:
    """They become replacement signs."""
    data = data_of(attrs.evolve(RECORD, diff=TWO.replace("TWO", "\udcff")))

    assert "+\ufffd\n" in data["diff"]


def test_the_most_unlike_shares_the_least() -> None:
    """One that is the same, or none, is not another way."""
    assert most_unlike(TWO, [TWO, "", TWO.replace("+ELEVEN", "+11"), NEW]) == 3
    assert most_unlike(TWO, [TWO, ""]) is None
