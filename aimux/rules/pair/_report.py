"""A change made by a driver and judged by a reviewer, as its caller gets it."""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, Failure, FailureClass, JobStatus, Report, Warned
from aimux.rules import fenced, harmless, shorten

from ._prompts import visible
from ._proof import Verified
from ._verdicts import UnitReview, Verdict

SHOWN_DIFF_CHARS: Final = 12_000  # in `content`; all of it is in `data.diff`
TAIL_CHARS: Final = 2_000  # of the output of one command, in `data`
SHOWN_TAIL_CHARS: Final = 600


class PairState(enum.StrEnum):
    """What a change came to."""

    APPROVED = "approved"
    APPROVED_WITH_MODIFICATIONS = "approved_with_modifications"
    NEEDS_HUMAN = "needs_human"
    REJECTED = "rejected"
    MAX_ROUNDS = "max_rounds"


@attrs.frozen(kw_only=True)
class PairRound:
    """One turn of a driver and what followed it. `problem` says why its diff went no further."""

    round: int
    seat: str
    cli: str
    diff: str = ""
    applies: bool = False
    problem: str = ""
    verified: Sequence[Verified] = ()
    reviews: Sequence[UnitReview] = ()
    reviewer: str = ""  # the CLI

    @property
    def has_passed(self) -> bool:
        """Whether every command passed that was run."""
        return all(each.has_passed for each in self.verified)


@attrs.frozen(kw_only=True)
class Phase:
    """What a phase of a round took, and what it was given of the job's time."""

    name: str
    round: int
    limit_s: float
    took_s: float


@attrs.frozen(kw_only=True)
class PairRecord:
    """Everything that a pair came to.

    `diff` is what landed or would have; `why` says why it did not land; `lost` has seat, CLI and
    reason of who fell out. `answer` is the last thing that the driver said.
    """

    state: PairState
    rounds: Sequence[PairRound]
    is_landed: bool = False
    diff: str = ""
    files: Sequence[str] = ()
    counts: tuple[int, int] = (0, 0)
    why: str = ""
    code: str = ""
    copy_path: str = ""
    base: str = ""
    is_kept: bool = False
    kept_why: str = ""
    driver: str = ""
    reviewer: str = ""
    lost: Sequence[tuple[str, str, str]] = ()
    warnings: Sequence[Warned] = ()
    answer: str = ""
    failure: Failure | None = None  # of the driver's turn, where that is why there is no diff
    phases: Sequence[Phase] = ()
    chosen: str = ""  # the seat whose first draft went on

    @property
    def firsts(self) -> list[PairRound]:
        """The first drafts, where there were several."""
        found = [each for each in self.rounds if each.round == 1]
        return found if len(found) > 1 else []


def _changed(diff: str) -> set[str]:
    """The changed lines of a diff, wherever they are."""
    lines = diff.split("\n")
    return {each for each in lines if each[:1] in ("+", "-") and each[:4] not in ("+++ ", "--- ")}


def _size(diff: str) -> int:
    lines = diff.split("\n")
    return sum(each[:1] in ("+", "-") and each[:4] not in ("+++ ", "--- ") for each in lines)


def most_unlike(diff: str, others: Sequence[str]) -> int | None:
    """Which of the others has the least lines in common with a diff; None if there is none."""
    own = _changed(diff)
    shares = [
        (len(own & _changed(other)) / max(1, len(own | _changed(other))), at)
        for at, other in enumerate(others)
        if other and other != diff
    ]
    return min(shares)[1] if shares else None


def report_pair(record: PairRecord) -> Report:
    """Completed if it landed, partial if there is a diff that did not, failed without one."""
    has_diff = bool(record.diff) or any(each.diff for each in record.rounds)
    if record.is_landed:
        status = JobStatus.COMPLETED
    elif has_diff:
        status = JobStatus.PARTIAL
    else:
        is_late = record.failure is not None and record.failure.code == "timed_out"
        status = JobStatus.TIMED_OUT if is_late else JobStatus.FAILED
    return Report(
        status=status,
        content=harmless(_content(record)),
        data=_data(record),
        failure=None if record.is_landed else _failure(record, has_diff=has_diff),
        warnings=list(record.warnings),
    )


def _failure(record: PairRecord, *, has_diff: bool) -> Failure:
    if not has_diff and record.failure is not None:
        return record.failure
    lost = "; ".join(f"{seat} ({cli}): {why}" for seat, cli, why in record.lost)
    return Failure(
        failure_class=FailureClass.UNKNOWN,
        code=record.code or (f"pair_{record.state}" if has_diff else "no_diff"),
        message="; ".join(part for part in (record.why, lost) if part),
        hint=(
            "nothing was changed: the diff is in data.diff, `git apply` takes it"
            if has_diff
            else "nothing was changed: what the driver said is in content"
        ),
    )


def _data(record: PairRecord) -> dict[str, object]:
    return {
        "state": str(record.state),
        "rounds": [_round_json(each) for each in record.rounds],
        "landed": record.is_landed,
        "diff": plain(record.diff),
        "files": [plain(name) for name in record.files],
        "copy": {
            "path": record.copy_path,
            "base": record.base,
            "kept": record.is_kept,
            "why": record.kept_why,
        },
        "phases": [
            {
                "name": each.name,
                "round": each.round,
                "limit_seconds": round(each.limit_s, 3),
                "took_seconds": round(each.took_s, 3),
            }
            for each in record.phases
        ],
        "driver": record.driver or None,
        "reviewer": record.reviewer or None,
        "why": record.why or None,
        "lost": [{"seat": seat, "cli": cli, "reason": why} for seat, cli, why in record.lost],
        "candidates": [
            {
                "seat": each.seat,
                "cli": each.cli or None,
                "lines": _size(each.diff),
                "verified": bool(each.verified) and each.has_passed,
                "chosen": each.seat == record.chosen,
            }
            for each in record.firsts
        ],
    }


def plain(text: str) -> str:
    """The text as JSON can hold it: bytes that are no UTF-8 become replacement signs."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _round_json(each: PairRound) -> dict[str, object]:
    return {
        "round": each.round,
        "seat": each.seat,
        "cli": each.cli or None,
        "diff": plain(each.diff),
        "applies": each.applies,
        "problem": plain(each.problem) or None,
        "verify": [
            {
                "command": run.command,
                "exit_code": run.exit_code,
                "tail": plain(run.tail)[-TAIL_CHARS:],
                "duration_ms": run.duration_ms,
                "why": run.why or None,
            }
            for run in each.verified
        ],
        "reviewer": each.reviewer or None,
        "hunks": [_hunk_json(review) for review in each.reviews],
    }


def _hunk_json(review: UnitReview) -> dict[str, object]:
    return {
        "hunk": review.hunk,
        "path": plain(review.path),
        "kind": review.kind,
        "verdict": str(review.verdict),
        "rule": review.rule or None,
        "category": review.category or None,
        "comment": review.comment,
        "evidence": [_evidence_json(each) for each in review.evidence],
        "replacement": review.replacement or None,
        "contested": review.contested or None,
    }


def _evidence_json(each: Evidence) -> dict[str, object]:
    return {**attrs.asdict(each), "verified": each.verified.value}


# ------------------------------------------------------------------------------------- for people


def _content(record: PairRecord) -> str:
    parts = [_head(record)]
    last = next((each for each in reversed(record.rounds) if each.verified), None)
    if last is not None:
        parts.append("\n".join(["## Verified", "", *map(_command_line, last.verified)]))
        parts += [
            f"`{_line(run.command)}` ended with:\n\n{fenced(_tail(run))}"
            for run in last.verified
            if not run.has_passed and run.tail.strip()
        ]
    parts += _reviews(record.rounds)
    if record.lost:
        lost = [f"- {seat} ({cli}): {_line(why)}" for seat, cli, why in record.lost]
        parts.append("\n".join(["## Lost", "", *lost]))
    shown = record.diff or next((each.diff for each in reversed(record.rounds) if each.diff), "")
    if shown:
        title = "## What changed" if record.is_landed else "## What would have changed"
        text = visible(plain(_readable(shown))).rstrip("\n")
        parts.append(f"{title}\n\n{_as_diff(shorten(text, SHOWN_DIFF_CHARS))}")
        parts += _another_way(record)
    elif record.answer:
        parts.append(
            f"## What the driver said\n\n{fenced(shorten(record.answer, SHOWN_DIFF_CHARS))}"
        )
    return "\n\n".join(parts)


def _another_way(record: PairRecord) -> list[str]:
    """The candidate most unlike the chosen one, where no command told them apart."""
    firsts = record.firsts
    own = next((each for each in firsts if each.seat == record.chosen), None)
    if own is None or own.verified:
        return []
    others = [each for each in firsts if each is not own]
    at = most_unlike(own.diff, [each.diff for each in others])
    if at is None:
        return []
    text = shorten(visible(plain(_readable(others[at].diff))).rstrip("\n"), SHOWN_DIFF_CHARS)
    return [
        (
            f"## Another way, by {others[at].cli} ({others[at].seat})\n\nNo command told the "
            f"candidates apart; this one is most unlike the one above.\n\n{_as_diff(text)}"
        )
    ]


def _readable(diff: str) -> str:
    """A diff without what only git reads: names of blobs, the data of binary files."""
    lines: list[str] = []
    is_data = False
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            is_data = False
        if is_data or line.startswith("index "):  # lines of a hunk have a sign before them
            continue
        is_data = line == "GIT binary patch"
        lines.append("(binary data)" if is_data else line)
    return "\n".join(lines)


def _head(record: PairRecord) -> str:
    added, removed = record.counts
    count = len(record.files)
    files = f"{count} file{'s' if count != 1 else ''}, +{added} -{removed}"
    who = f"{record.driver or 'nobody'} wrote it"
    if record.reviewer:
        who += f", {record.reviewer} reviewed it"
    rounds = max((each.round for each in record.rounds), default=0)
    who += f", {rounds} round{'s' if rounds != 1 else ''}."
    if record.is_landed:
        how = (
            " with the reviewer's changes"
            if record.state is PairState.APPROVED_WITH_MODIFICATIONS
            else ""
        )
        named = "\n".join(f"- `{_line(plain(name))}`" for name in record.files)
        return f"# Landed{how}: {files}\n\n{who} Nothing is committed.\n\n{named}"
    told = f"**Why:** {_line(record.why) or 'it was not approved'} (state `{record.state}`)"
    return f"# Not landed: your files are as they were\n\n{told}\n\n{who}"


def _command_line(run: Verified) -> str:
    ended = "passed" if run.has_passed else run.why or f"exit code {run.exit_code}"
    return f"- `{_line(run.command)}`: {ended} ({run.duration_ms / 1000:.1f} s)"


def _tail(run: Verified) -> str:
    return plain(run.tail).strip("\n")[-SHOWN_TAIL_CHARS:]


def _reviews(rounds: Sequence[PairRound]) -> list[str]:
    shown = []
    for each in rounds:
        lines = [_review_line(review) for review in each.reviews]
        if each.problem:
            lines.insert(0, f"- {_line(plain(each.problem))}")
        if lines:
            title = f"## Round {each.round}" + (f", {each.seat}" if each.seat != "driver" else "")
            shown.append("\n".join([title, "", *lines]))
    return shown


_WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.APPROVED: "approved",
    Verdict.MODIFIED: "approved with another text",
    Verdict.CHANGES_REQUESTED: "changes requested",
    Verdict.UNREVIEWED: "not reviewed",
}


def _review_line(review: UnitReview) -> str:
    about = f" ({_line(review.category)})" if review.category else ""
    said = f": {_line(review.comment)}" if review.comment else ""
    against = f" The driver contests it: {_line(review.contested)}" if review.contested else ""
    name = _line(plain(review.path))
    return f"- hunk {review.hunk}, `{name}`: **{_WORDS[review.verdict]}**{about}{said}{against}"


def _as_diff(text: str) -> str:
    return (
        fenced(text).replace("```", "```diff", 1)
        if fenced(text).startswith("```\n")
        else fenced(text)
    )


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split()).replace("`", "'")
