"""What `deepresearch` asks, under which key its answer is kept, and how it is told."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from aimux.model import (
    AttachedFile,
    Failure,
    FailureClass,
    JobStatus,
    RemoteStatus,
    Report,
    Research,
    ResearchProvider,
    TurnResult,
    Warned,
)
from aimux.times import utc_stamp

KEY_NAMES: Final = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
KEY_VERSION: Final = 1  # of what a cache key is made of
FORMATS: Final[Mapping[str, str]] = {
    "report": "a report in Markdown with headings, the answer first",
    "executive_summary": "an executive summary of at most one page, the decision it supports first",
    "bullet_points": "bullet points only, one finding each, the weightiest first",
    "table": "one Markdown table of the findings, and below it what does not fit in one",
    "json": "one JSON value alone, without prose or fences",
    "adr": "an architecture decision record: context, options, decision, consequences",
}
DEFAULT_FORMAT: Final = "report"
# what stays open is asked for again; everything else is the end of it
LIVE: Final = frozenset({RemoteStatus.QUEUED, RemoteStatus.IN_PROGRESS, RemoteStatus.UNKNOWN})
_ENDS: Final[Mapping[RemoteStatus, tuple[JobStatus, FailureClass, str]]] = {
    RemoteStatus.REQUIRES_ACTION: (
        JobStatus.FAILED, FailureClass.FATAL, "it wants an action that nobody here can take",
    ),
    RemoteStatus.IDLE: (
        JobStatus.FAILED, FailureClass.FATAL, "it waits for input that nobody here can give",
    ),
    RemoteStatus.FAILED: (JobStatus.FAILED, FailureClass.UNKNOWN, "the vendor says it failed"),
    RemoteStatus.CANCELLED: (
        JobStatus.CANCELLED, FailureClass.CANCELLED, "it was cancelled at the vendor",
    ),
    RemoteStatus.INCOMPLETE: (
        JobStatus.FAILED, FailureClass.UNKNOWN, "it ended before it was done",
    ),
    RemoteStatus.REQUIRES_CONTINUATION: (
        JobStatus.FAILED, FailureClass.UNKNOWN, "it ended before it was done",
    ),
    RemoteStatus.BUDGET_EXCEEDED: (
        JobStatus.FAILED, FailureClass.QUOTA, "the vendor's budget for it is used up",
    ),
}  # fmt: skip


def key_of(env: Mapping[str, str]) -> str:
    """The vendor's key in an environment; empty without one."""
    return next((env[name].strip() for name in KEY_NAMES if env.get(name, "").strip()), "")


def research_prompt(topic: str, output_format: str) -> str:
    """What is asked: the topic, and the form of the answer."""
    form = FORMATS.get(output_format, output_format)
    return f"{topic.strip()}\n\nCite the source of every statement. Answer as {form}."


def research_key(
    provider: ResearchProvider,
    topic: str,
    output_format: str,
    model: str,
    files: Sequence[AttachedFile],
) -> str:
    """Under what an answer is kept: who answers, words, form, model, and the files' content.

    White space in the topic does not count, nor the order of the files or where they are.
    """
    named = sorted((file.path.rpartition("/")[2], file.sha256) for file in files)
    whole = [KEY_VERSION, provider, " ".join(topic.split()), output_format, model, named]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()


def judge_remote(status: RemoteStatus, report: str, said: str) -> tuple[JobStatus, Failure | None]:
    """What a status that is an end means; `said` is the vendor's own reason.

    What there is of a report stands, but is partial where the vendor did not complete it.
    """
    if status is RemoteStatus.COMPLETED:
        if report.strip():
            return JobStatus.COMPLETED, None
        end, kind, why, code = JobStatus.FAILED, FailureClass.UNKNOWN, "no report", "empty_answer"
    else:
        end, kind, why = _ENDS[status]
        code = str(status)
    if report.strip():
        end = JobStatus.PARTIAL
    failure = Failure(
        failure_class=kind,
        code=code,
        message=f"{why}: {said}" if said else why,
        retryable=kind is FailureClass.UNKNOWN,
    )
    return end, failure


def report_research(
    research: Research,
    *,
    turn: TurnResult | None,
    cache_key: str,
    output_format: str,
    now: datetime.datetime,
    is_cached: bool = False,
    warnings: Sequence[Warned] = (),
) -> Report:
    """The report of a job that came to `research`, by `turn` or from what was kept."""
    status = turn.status if turn is not None else JobStatus.COMPLETED
    told = list(warnings)
    data: dict[str, object] = {
        "report": research.report,
        "sources": [
            {"title": each.title, "url": each.url, "cited_at": [list(at) for at in each.cited_at]}
            for each in research.sources
        ],
        "queries": list(research.queries),
        "grounded": bool(research.sources),
        "cached": is_cached,
        "cache_key": cache_key,
        "provider": str(research.provider),
        "model": research.model or None,
        "files": [
            {"path": each.path, "mime": each.mime_type, "bytes": each.size_bytes,
             "sha256": each.sha256}
            for each in research.files
        ],
        "interaction_id": research.interaction_id or None,
        "made_at": utc_stamp(research.made_at),
        "age_seconds": max(0, round((now - research.made_at).total_seconds())),
    }  # fmt: skip
    if research.provider is ResearchProvider.FALLBACK:
        data["fallback_cli"] = research.fallback_cli or None
    elif research.report and not research.sources:
        told.append(Warned(code="not_grounded", message="the report cites no source"))
    if output_format == "json" and research.report:
        try:
            data["json"] = json.loads(_unfenced(research.report))
        except ValueError as error:
            told.append(Warned(code="not_json", message=f"the report is not JSON: {error}"))
            status = JobStatus.PARTIAL if status is JobStatus.COMPLETED else status
    return Report(
        status=status,
        content=_shown(research, is_cached=is_cached, age_s=int(str(data["age_seconds"]))),
        data=data,
        failure=turn.failure if turn is not None else None,
        warnings=told,
        turn=turn.turn if turn is not None else None,
    )


def _shown(research: Research, *, is_cached: bool, age_s: int) -> str:
    """The report as people read it, its sources below."""
    parts = [research.report.rstrip()] if research.report.strip() else []
    if research.sources:
        rows = [
            f"{number}. [{_label(each.title or each.url)}]({each.url})"
            for number, each in enumerate(research.sources, start=1)
        ]
        parts.append("\n".join(["## Sources", "", *rows]))
    if research.provider is ResearchProvider.FALLBACK and research.report:
        parts.append(f"*Answered by {research.fallback_cli}, without sources that were looked up.*")
    if is_cached:
        parts.append(f"*Kept from {utc_stamp(research.made_at)}, {_age(age_s)} ago.*")
    return "\n\n".join(parts)


def _label(title: str) -> str:
    return title.replace("[", "(").replace("]", ")")


def _age(seconds: int) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def _unfenced(text: str) -> str:
    """The inside of a fence that is around everything."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].startswith("```"):
        return "\n".join(lines[1:-1])
    return text
