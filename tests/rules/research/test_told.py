"""Reports of research, whole: every field, every line that a person reads."""

import datetime
import hashlib

import attrs
import pytest

from aimux.model import (
    AttachedFile,
    Failure,
    FailureClass,
    JobStatus,
    RemoteStatus,
    Report,
    Research,
    ResearchProvider,
    ResearchSource,
    TurnResult,
    Warned,
)
from aimux.rules.research import (
    judge_attachment,
    judge_remote,
    report_research,
    research_key,
    research_prompt,
)

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
WARNED = [Warned(code="w", message="m")]
FILE = AttachedFile(path="a/x.md", mime_type="text/plain", size_bytes=7, sha256="1")
WHOLE = Research(
    provider=ResearchProvider.GEMINI, model="m", report="so it is\n", made_at=NOW,
    sources=[
        ResearchSource(title="A [b]", url="https://a.example", cited_at=((0, 2), (4, 8))),
        ResearchSource(title="", url="https://b.example"),
    ],
    queries=["why"], files=[FILE], interaction_id="i1",
)  # fmt: skip
DATA = {
    "report": "so it is\n",
    "sources": [
        {"title": "A [b]", "url": "https://a.example", "cited_at": [[0, 2], [4, 8]]},
        {"title": "", "url": "https://b.example", "cited_at": []},
    ],
    "queries": ["why"],
    "grounded": True,
    "cached": False,
    "cache_key": "k",
    "provider": "gemini",
    "model": "m",
    "files": [{"path": "a/x.md", "mime": "text/plain", "bytes": 7, "sha256": "1"}],
    "interaction_id": "i1",
    "made_at": "2026-03-01T12:00:00.000Z",
    "age_seconds": 0,
}
LINKS = "## Sources\n\n1. [A (b)](https://a.example)\n2. [https://b.example](https://b.example)"


def told(
    research: Research,
    *,
    turn: TurnResult | None = None,
    output_format: str = "report",
    age_s: float = 0,
    is_cached: bool = False,
) -> Report:
    return report_research(
        research,
        turn=turn,
        cache_key="k",
        output_format=output_format,
        now=NOW + datetime.timedelta(seconds=age_s),
        is_cached=is_cached,
        warnings=WARNED,
    )


def test_a_report_holds_all_that_is_known() -> None:
    """With the turn that made it; warnings that were there stay."""
    turn = TurnResult(turn=2, status=JobStatus.COMPLETED)

    assert told(WHOLE, turn=turn) == Report(
        status=JobStatus.COMPLETED,
        content=f"so it is\n\n{LINKS}",
        data=DATA,
        failure=None,
        warnings=WARNED,
        turn=2,
    )


def test_a_kept_report_has_no_turn() -> None:
    """Its age is told, rounded, and never less than nothing."""
    kept = told(WHOLE, is_cached=True, age_s=59.6)

    assert kept.turn is None
    assert kept.data == {**DATA, "cached": True, "age_seconds": 60}
    assert kept.content == (
        f"so it is\n\n{LINKS}\n\n*Kept from 2026-03-01T12:00:00.000Z, 1 min ago.*"
    )
    assert told(WHOLE, age_s=-5).data == DATA


@pytest.mark.parametrize(
    ("age_s", "age"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (172_800, "2 d"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(age_s: int, age: str) -> None:
    assert told(WHOLE, is_cached=True, age_s=age_s).content.endswith(f", {age} ago.*")


def test_what_is_not_known_is_null() -> None:
    """An answer of a CLI names it, and that nothing was looked up."""
    bare = Research(
        provider=ResearchProvider.FALLBACK, model="", report="x", made_at=NOW, fallback_cli=""
    )
    named = attrs.evolve(bare, fallback_cli="codex")
    known = {"model": None, "interaction_id": None, "fallback_cli": None}

    assert isinstance(told(bare).data, dict)
    assert {key: told(bare).data[key] for key in known} == known  # type: ignore[index]
    assert told(named).content == ("x\n\n*Answered by codex, without sources that were looked up.*")
    assert told(named).warnings == WARNED
    assert told(attrs.evolve(named, report="")).content == ""


def test_a_report_without_sources_is_warned_of() -> None:
    """An empty one cites nothing and claims nothing."""
    bare = attrs.evolve(WHOLE, sources=())

    assert told(bare).warnings == [
        *WARNED,
        Warned(code="not_grounded", message="the report cites no source"),
    ]
    assert told(attrs.evolve(bare, report="")).warnings == WARNED
    assert told(attrs.evolve(WHOLE, report=" \n")).content == LINKS


@pytest.mark.parametrize(
    ("report", "value"),
    [
        ("[1]", [1]),
        ("```\n[1,\n2]\n```", [1, 2]),
        ("```json\n[1]\n``` \n", [1]),
        ("```\n```", None),
        ("[1]\n```", None),
        ("```\n[1]", None),
    ],
)
def test_a_fence_around_everything_is_no_part_of_json(report: str, value: object) -> None:
    """Half a fence is no fence; only where JSON was wanted it is parsed."""
    found = told(attrs.evolve(WHOLE, report=report), output_format="json")
    other = told(attrs.evolve(WHOLE, report=report))
    codes = [each.code for each in found.warnings]

    assert isinstance(found.data, dict)
    assert isinstance(other.data, dict)
    assert found.data.get("json") == value
    assert codes == (["w"] if value else ["w", "not_json"])
    assert "json" not in other.data
    assert (other.status, other.warnings) == (JobStatus.COMPLETED, WARNED)


def test_a_failed_turn_lends_status_and_failure() -> None:
    failure = Failure(failure_class=FailureClass.QUOTA, code="q", message="m")
    turn = TurnResult(turn=1, status=JobStatus.FAILED, failure=failure)

    assert (told(WHOLE, turn=turn).status, told(WHOLE, turn=turn).failure) == (
        JobStatus.FAILED,
        failure,
    )


def test_an_answer_is_kept_under_the_same_key_for_ever() -> None:
    """A key that changes loses what was paid for."""
    files = [attrs.evolve(FILE, path="y.md", sha256="2"), FILE]
    made = '[1, "gemini", "gr\u00fc\u00dfe so?", "adr", "m", [["x.md", "1"], ["y.md", "2"]]]'
    key = research_key(ResearchProvider.GEMINI, " gr\u00fc\u00dfe\n so?", "adr", "m", files)

    assert key == hashlib.sha256(made.encode()).hexdigest()


def test_a_question_asks_for_sources() -> None:
    assert research_prompt(" why?\n", "table") == (
        "why?\n\nCite the source of every statement. Answer as one Markdown table of the findings, "
        "and below it what does not fit in one."
    )


@pytest.mark.parametrize(
    ("status", "report", "end", "failure"),
    [
        (RemoteStatus.COMPLETED, " ", JobStatus.FAILED,
         Failure(failure_class=FailureClass.UNKNOWN, code="empty_answer", message="no report: why",
                 retryable=True)),
        (RemoteStatus.CANCELLED, "half", JobStatus.PARTIAL,
         Failure(failure_class=FailureClass.CANCELLED, code="cancelled",
                 message="it was cancelled at the vendor: why", retryable=False)),
        (RemoteStatus.IDLE, " ", JobStatus.FAILED,
         Failure(failure_class=FailureClass.FATAL, code="idle",
                 message="it waits for input that nobody here can give: why", retryable=False)),
        (RemoteStatus.INCOMPLETE, "half", JobStatus.PARTIAL,
         Failure(failure_class=FailureClass.UNKNOWN, code="incomplete",
                 message="it ended before it was done: why", retryable=True)),
    ],
)  # fmt: skip
def test_an_end_is_told_whole(
    status: RemoteStatus, report: str, end: JobStatus, failure: Failure
) -> None:
    assert judge_remote(status, report, "why") == (end, failure)


@pytest.mark.parametrize(
    ("name", "data", "judged"),
    [
        ("a.webp", b"RIFFxxxx", ("image/webp", "")),
        ("x.tar.png", b"\x89PNG\r\n\x1a\n", ("image/png", "")),
        ("A.CSV", b"a", ("text/csv", "")),
        ("csv", b"a", ("text/csv", "")),
        ("pdf.txt", b"%PDF-", ("text/plain", "")),
        ("a.docx", b"PK\3\4", (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "")),
        ("A.Docx", b"PK", ("", "its content is not that of a docx file")),
        ("a", b"\0", ("", "neither text nor a kind of document that the vendor takes")),
        ("a", b"\xff", ("", "neither UTF-8 text nor a kind of document that the vendor takes")),
    ],
)  # fmt: skip
def test_an_ending_says_what_the_beginning_must_be(
    name: str, data: bytes, judged: tuple[str, str]
) -> None:
    """The last one; what has none of the known ones is text or nothing."""
    assert judge_attachment(name, data) == judged
