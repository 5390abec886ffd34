"""A dialog as its caller gets it: the record for programs, the same for people."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, Failure, FailureClass, JobStatus, Report, Verified, Warned, plural
from aimux.rules import harmless, on_one_line, share_out
from aimux.rules.panels import evidence_json

from ._dialog import Critique, Draft, Point, Said, StoppedBy, last_draft, open_points
from ._dialog_prompts import Task

DRAFTS_CHARS: Final = 60_000  # of all drafts in `data`, besides the last, which is whole in `final`


@attrs.frozen(kw_only=True)
class Partner:
    """One of the two. `reason` says why it is lost; empty if it is not."""

    seat: str
    role: str  # at the end
    cli: str
    model: str = ""
    vendor: str = ""
    native_session: str = ""
    reason: str = ""


@attrs.frozen(kw_only=True)
class DialogRecord:
    """Everything a dialog came to.

    `earlier` was said in earlier jobs of its session, `said` in this one. `turns` are those that
    were taken, repairs included.
    """

    task: Task
    said: Sequence[Said]
    partners: Sequence[Partner]
    stopped_by: StoppedBy
    max_turns: int
    turns: int
    phases: Sequence[Mapping[str, object]]
    earlier: Sequence[Said] = ()
    why: str = ""  # more of why it ended: a lost seat's own words

    @property
    def all_said(self) -> list[Said]:
        """What was said in this job and before it."""
        return [*self.earlier, *self.said]


def report_dialog(record: DialogRecord) -> Report:
    """The report of a dialog: completed where it ended by itself or by its turns, else partial.

    Without a draft it has failed.
    """
    draft = last_draft(record.all_said)
    points, is_reviewed = open_points(record.all_said)
    failure = _failure(record, draft)
    status = JobStatus.COMPLETED if failure is None else JobStatus.PARTIAL
    if last_draft(record.said) is None:
        status = JobStatus.FAILED
    warnings = _warnings(record, points, is_reviewed=is_reviewed)
    data = {
        "drafts": _drafts_json(record.said),
        "critiques": [_critique_json(each) for each in record.said if isinstance(each, Critique)],
        "final": draft.text if draft is not None else "",
        "objections": draft.objections if draft is not None else "",
        "open_points": [_point_json(each) for each in points],
        "reviewed": is_reviewed,
        "stopped_by": str(record.stopped_by),
        "seats": [
            {
                "seat": each.seat,
                "role": each.role,
                "cli": each.cli,
                "vendor": each.vendor,
                "model": each.model or None,
                "native_session": each.native_session or None,
                "error": each.reason or None,
            }
            for each in record.partners
        ],
        "max_turns": record.max_turns,
        "turns_taken": record.turns,
        "phases": list(record.phases),
        "warnings": [attrs.asdict(each) for each in warnings],
    }
    return Report(
        status=status,
        content=harmless(_content(record, draft, points, is_reviewed=is_reviewed)),
        data=data,
        failure=failure,
        warnings=warnings,
    )


def _failure(record: DialogRecord, draft: Draft | None) -> Failure | None:
    """Why it is not whole; None if it is."""
    goes_on = "send dialog again with the session_id: it goes on from the last draft"
    lost = next((each for each in record.partners if each.reason), None)
    match record.stopped_by:
        case StoppedBy.SEAT_LOST:
            who = f"{lost.seat} ({lost.cli}): {lost.reason}" if lost is not None else record.why
            return _unwhole(
                "seat_lost", who, goes_on if draft is not None else "name other CLIs, or try again"
            )
        case StoppedBy.DEADLINE:
            return _unwhole("timed_out", record.why or "the time was over", goes_on)
        case StoppedBy.BUDGET:
            return _unwhole("budget_spent", record.why or "the budget was spent", goes_on)
        case StoppedBy.MAX_TURNS if last_draft(record.said) is None:
            return _unwhole("no_draft", "the turns were over before there was a draft", goes_on)
        case _:
            return None


def _unwhole(code: str, message: str, hint: str) -> Failure:
    return Failure(
        failure_class=FailureClass.UNKNOWN, code=code, message=message, hint=hint, retryable=True
    )


def _warnings(record: DialogRecord, points: Sequence[Point], *, is_reviewed: bool) -> list[Warned]:
    warnings = [
        Warned(
            code="answered_in_prose",
            message=f"{each.seat} gave no JSON in turn {each.turn}: its text counts as blocking",
        )
        for each in record.said
        if isinstance(each, Critique) and each.is_prose
    ]
    if points:
        said = f"{plural(len(points), 'point')} {'is' if len(points) == 1 else 'are'} open"
        warnings.append(Warned(code="open_points", message=said))
    if not is_reviewed and last_draft(record.said) is not None:
        said = "no critic has seen the last draft"
        warnings.append(Warned(code="not_reviewed", message=said))
    return warnings


def _drafts_json(said: Sequence[Said]) -> list[dict[str, object]]:
    """The drafts within a common budget; the last is whole in `final`, the turns have the rest."""
    drafts = [each for each in said if isinstance(each, Draft)]
    texts = share_out([each.text for each in drafts], DRAFTS_CHARS) if drafts else []
    return [_draft_json(each, text, said) for each, text in zip(drafts, texts, strict=True)]


def _draft_json(draft: Draft, text: str, said: Sequence[Said]) -> dict[str, object]:
    """A draft with what was said of it."""
    at = next(at for at, each in enumerate(said) if each is draft)
    after = said[at + 1] if at + 1 < len(said) else None
    critique = after if isinstance(after, Critique) else None
    return {
        "turn": draft.turn,
        "seat": draft.seat,
        "text": text,
        "length": len(draft.text),
        "objections": draft.objections,
        "reviewed_in": critique.turn if critique is not None else None,
        "blocking": [_point_json(each) for each in critique.blocking] if critique else [],
        "notes": list(critique.notes) if critique else [],
    }


def _critique_json(critique: Critique) -> dict[str, object]:
    return {
        "turn": critique.turn,
        "seat": critique.seat,
        "blocking": [_point_json(each) for each in critique.blocking],
        "notes": list(critique.notes),
        "prose": critique.is_prose,
    }


def _point_json(point: Point) -> dict[str, object]:
    return {"point": point.text, "evidence": [evidence_json(each) for each in point.evidence]}


_ENDINGS: Mapping[StoppedBy, str] = {
    StoppedBy.NO_BLOCKING_POINTS: "**Nothing blocks it.** The critic found nothing more to settle",
    StoppedBy.FIXED_POINT: "**It has settled.** The last two drafts are nearly the same",
    StoppedBy.MAX_TURNS: "**The turns are over.**",
    StoppedBy.BUDGET: "**The budget is spent.**",
    StoppedBy.DEADLINE: "**The time is over.**",
    StoppedBy.SEAT_LOST: "**A seat was lost.**",
}


def _content(
    record: DialogRecord, draft: Draft | None, points: Sequence[Point], *, is_reviewed: bool
) -> str:
    parts = [f"# {on_one_line(record.task.prompt)}", _summary(record, draft, points, is_reviewed)]
    if draft is not None:
        parts += ["---", draft.text, "---"]
    if points:
        title = "## Open" if is_reviewed else "## Raised against the draft before"
        parts.append("\n".join([title, "", *(_point_line(each) for each in points)]))
    if draft is not None and draft.objections:
        parts.append(f"## Not followed, says the proposer\n\n{draft.objections}")
    notes = [note for each in record.said[-1:] if isinstance(each, Critique) for note in each.notes]
    if notes:
        parts.append("\n".join(["## Notes", "", *(f"- {on_one_line(each)}" for each in notes)]))
    if record.said:
        parts.append("\n".join(["## How it came about", "", *_steps(record)]))
    return "\n\n".join(parts)


def _summary(
    record: DialogRecord, draft: Draft | None, points: Sequence[Point], is_reviewed: bool
) -> str:
    ended = _ENDINGS[record.stopped_by].rstrip(".")
    words = [ended if ended.endswith("**") else f"{ended}."]
    if draft is None:
        words.append("There is no draft.")
    elif not is_reviewed:
        words.append("No critic has seen this draft.")
    elif points:
        blocks = "blocks" if len(points) == 1 else "block"
        words.append(f"{_count(len(points), 'point')} still {blocks} it.")
    if record.why:
        words.append(f"{record.why[:1].upper()}{record.why[1:]}.")
    who = "; ".join(f"{each.role} {each.cli}" for each in record.partners)
    words.append(f"{_count(record.turns, 'turn')}: {who}.")
    return " ".join(words)


def _steps(record: DialogRecord) -> list[str]:
    clis = {each.seat: each.cli for each in record.partners}
    lines = []
    for each in record.said:
        who = f"- Turn {each.turn}: {each.seat} ({clis.get(each.seat, '?')})"
        if isinstance(each, Draft):
            words = len(each.text.split())
            lines.append(f"{who} wrote a draft of {_count(words, 'word')}")
        elif each.is_prose:
            lines.append(f"{who} answered in prose, which approves of nothing")
        elif each.blocking:
            lines.append(f"{who} raised {_count(len(each.blocking), 'blocking point')}")
        else:
            lines.append(f"{who} found nothing that blocks")
    return lines


def _point_line(point: Point) -> str:
    cited = [_cited(each) for each in point.evidence]
    return f"- {on_one_line(point.text)}" + (f" ({'; '.join(cited)})" if cited else "")


def _cited(found: Evidence) -> str:
    place = f"{found.path}:{found.line}" if found.line else found.path
    told = {Verified.QUOTE: "quote found", Verified.LINE_EXISTS: "line exists"}
    why = f": {found.why}" if found.why else ""
    return f"`{place}`, {told.get(found.verified) or 'not found' + why}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
