"""What deepresearch asks, under which key an answer is kept, and how it is told."""

import datetime
from typing import Any

import attrs
import pytest

from aimux.model import (
    AttachedFile,
    FailureClass,
    JobStatus,
    RemoteStatus,
    Report,
    Research,
    ResearchProvider,
    ResearchSource,
    TurnResult,
)
from aimux.rules.research import (
    LIVE,
    judge_attachment,
    judge_remote,
    key_of,
    report_research,
    research_key,
    research_prompt,
)

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
GEMINI, FALLBACK = ResearchProvider.GEMINI, ResearchProvider.FALLBACK


def file(path: str, sha256: str) -> AttachedFile:
    return AttachedFile(path=path, mime_type="text/plain", size_bytes=1, sha256=sha256)


def research(**more: Any) -> Research:
    source = ResearchSource(title="A [b]", url="https://a.example", cited_at=((0, 2),))
    made = Research(provider=GEMINI, model="m", report="so it is\n", made_at=NOW, sources=[source])
    return attrs.evolve(made, **more)


def report(value: Research, age_s: float = 0, **more: Any) -> Report:
    given: dict[str, Any] = {"turn": None, "cache_key": "k", "output_format": "report"} | more
    return report_research(value, now=NOW + datetime.timedelta(seconds=age_s), **given)


def test_a_key_is_found_under_either_name() -> None:
    """The first that says something."""
    assert key_of({"GEMINI_API_KEY": " a ", "GOOGLE_API_KEY": "b"}) == "a"
    assert key_of({"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": "b"}) == "b"
    assert key_of({"PATH": "x"}) == ""


def test_a_form_is_a_name_or_words() -> None:
    """Known names stand for instructions."""
    assert "architecture decision record" in research_prompt("why?", "adr")
    assert research_prompt(" why? ", "a haiku").startswith("why?\n\n")
    assert research_prompt("why?", "a haiku").endswith("Answer as a haiku.")


def test_the_key_of_an_answer_is_what_makes_it() -> None:
    """Not white space, order or directory; nothing else is left out, and no two run together."""
    files = [file("a/x.md", "1"), file("y.md", "2")]
    key = research_key(GEMINI, "why  so?", "report", "m", files)

    assert key == research_key(GEMINI, " why so?\n", "report", "m", [files[1], file("x.md", "1")])
    others = [
        research_key(FALLBACK, "why so?", "report", "m", files),
        research_key(GEMINI, "why?", "report", "m", files),
        research_key(GEMINI, "why so?", "table", "m", files),
        research_key(GEMINI, "why so?", "report", "n", files),
        research_key(GEMINI, "why so?", "report", "m", files[:1]),
        research_key(GEMINI, "why so?", "report", "m", [files[0], file("y.md", "3")]),
        research_key(GEMINI, "why so?report", "", "m", files),
    ]
    assert len({key, *others}) == 8


@pytest.mark.parametrize("status", sorted(set(RemoteStatus) - LIVE))
@pytest.mark.parametrize("text", ["", "half"])
def test_every_end_is_judged(status: RemoteStatus, text: str) -> None:
    """Only completed with a report is whole; some report is partial, never lost."""
    end, failure = judge_remote(status, text, "the reason")

    if status is RemoteStatus.COMPLETED and text:
        assert (end, failure) == (JobStatus.COMPLETED, None)
        return
    assert failure is not None
    assert failure.message.endswith(": the reason")
    assert failure.code == ("empty_answer" if status is RemoteStatus.COMPLETED else status)
    if text:
        assert end is JobStatus.PARTIAL
    elif status is RemoteStatus.CANCELLED:
        assert end is JobStatus.CANCELLED
    else:
        assert end is JobStatus.FAILED


def test_a_budget_is_a_quota_and_an_action_is_nobodys() -> None:
    """What may pass may be tried again."""
    _, spent = judge_remote(RemoteStatus.BUDGET_EXCEEDED, "", "")
    _, action = judge_remote(RemoteStatus.REQUIRES_ACTION, "", "")
    _, failed = judge_remote(RemoteStatus.FAILED, "", "")

    assert spent is not None
    assert action is not None
    assert failed is not None
    assert spent.failure_class is FailureClass.QUOTA
    assert (spent.retryable, action.retryable, failed.retryable) == (False, False, True)
    assert action.message == "it wants an action that nobody here can take"


def test_a_report_shows_its_sources() -> None:
    """Numbered links below it; what would break a link is taken out."""
    found = report(research())

    assert found.status is JobStatus.COMPLETED
    assert found.content == "so it is\n\n## Sources\n\n1. [A (b)](https://a.example)"
    assert found.data["grounded"] is True  # type: ignore[index]
    assert "fallback_cli" not in found.data  # type: ignore[operator]


@pytest.mark.parametrize(
    ("age_s", "told"), [(5, "5 s"), (150, "2 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_a_kept_answer_says_how_old_it_is(age_s: int, told: str) -> None:
    """For people, and in seconds."""
    found = report(research(), age_s, is_cached=True)

    assert found.content.endswith(f"*Kept from 2026-03-01T12:00:00.000Z, {told} ago.*")
    assert found.data["age_seconds"] == age_s  # type: ignore[index]
    assert found.data["cached"] is True  # type: ignore[index]


def test_what_cites_nothing_says_so() -> None:
    """A vendor's by a warning, a CLI's by its last line."""
    bare = report(research(sources=()))
    by_cli = report(research(sources=(), provider=FALLBACK, fallback_cli="codex"))

    assert [each.code for each in bare.warnings] == ["not_grounded"]
    assert bare.data["grounded"] is False  # type: ignore[index]
    assert by_cli.warnings == []
    assert by_cli.content.endswith("*Answered by codex, without sources that were looked up.*")
    assert by_cli.data["fallback_cli"] == "codex"  # type: ignore[index]


@pytest.mark.parametrize("text", ['{"a": 1}', '```json\n{"a": 1}\n```', ' ```\n{"a": 1}\n``` \n'])
def test_json_is_parsed(text: str) -> None:
    """Fenced or not."""
    found = report(research(report=text), output_format="json")

    assert found.data["json"] == {"a": 1}  # type: ignore[index]
    assert found.status is JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "told"),
    [(JobStatus.COMPLETED, JobStatus.PARTIAL), (JobStatus.FAILED, JobStatus.FAILED)],
)
def test_json_that_is_none_is_partial_at_best(status: JobStatus, told: JobStatus) -> None:
    """The report stands all the same; an empty one is not parsed."""
    turn = TurnResult(turn=1, status=status, content="prose")
    found = report(research(report="prose"), turn=turn, output_format="json")
    empty = report(research(report=""), turn=turn, output_format="json")

    assert found.status is told
    assert "not_json" in {each.code for each in found.warnings}
    assert found.content.startswith("prose")
    assert found.turn == 1
    assert empty.status is status


@pytest.mark.parametrize(
    ("name", "data", "mime_type"),
    [
        ("a.PDF", b"%PDF-1.7", "application/pdf"),
        ("a.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.gif", b"GIF89a..", "image/gif"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "application/vnd.ms-excel"),
        ("a.csv", b"a,b", "text/csv"),
        ("Makefile", b"all:", "text/plain"),
        ("a.rs", "größe".encode(), "text/plain"),
    ],
)
def test_a_file_is_what_its_name_and_content_say(name: str, data: bytes, mime_type: str) -> None:
    """Whatever the case of the name."""
    assert judge_attachment(name, data) == (mime_type, "")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.txt", b"", "it is empty"),
        ("a.pdf", b"MZ", "its content is not that of a pdf file"),
        ("a.bin", b"a\0b", "neither text"),
        ("a.txt", b"\xff\xfe", "neither UTF-8 text"),
    ],
)
def test_other_files_do_not_go_along(name: str, data: bytes, why: str) -> None:
    """It is said why."""
    mime_type, told = judge_attachment(name, data)

    assert mime_type == ""
    assert told.startswith(why)
