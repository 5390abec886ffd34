"""The interactions API as values: requests, answers, refusals."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from aimux.model import AttachedFile, RemoteStatus, Usage
from aimux.research import Attachment, Interaction, _interactions, request_body
from aimux.research._interactions import read_interaction, refusal


def attached(path: str, mime_type: str, data: bytes) -> Attachment:
    file = AttachedFile(path=path, mime_type=mime_type, size_bytes=len(data), sha256="s")
    return Attachment(file=file, data=data)


def read(**body: Any) -> Interaction:
    found = read_interaction(json.dumps({"id": "v1_1", "status": "completed", **body}).encode())
    assert found is not None
    return found


def output(text: str, *notes: Any) -> dict[str, Any]:
    content = {"type": "text", "text": text, "annotations": list(notes)}
    return {"type": "model_output", "content": [content]}


def cites(url: str, start: int, end: int, title: object = "t") -> dict[str, Any]:
    return {
        "type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end,
    }  # fmt: skip


def test_an_agent_and_a_model_are_asked_in_their_own_ways() -> None:
    """Both in the background; a model is given the web."""
    agent = request_body("deep-research-preview-04-2026", "why?", [])
    model = request_body("gemini-3-flash", "why?", [])

    assert agent["agent"] == "deep-research-preview-04-2026"
    assert "model" not in agent
    assert "tools" not in agent
    assert model["model"] == "gemini-3-flash"
    assert model["tools"] == [{"type": "google_search"}, {"type": "url_context"}]
    for body in (agent, model):
        assert body["background"] is body["store"] is True
        assert body["input"] == [
            {"type": "user_input", "content": [{"type": "text", "text": "why?"}]}
        ]


def test_files_are_parts_of_the_input() -> None:
    """Text as text under its name, the rest as its kind, whole."""
    files = [
        attached("a.md", "text/plain", "Größe".encode()),
        attached("b.png", "image/png", b"\x89PNG"),
        attached("c.pdf", "application/pdf", b"%PDF-"),
    ]
    step: Any = request_body("m", "why?", files)["input"]
    parts = step[0]["content"]

    assert parts[1] == {"type": "text", "text": "Attached file a.md:\n\nGröße"}
    assert [each["type"] for each in parts] == ["text", "text", "image", "document"]
    assert base64.b64decode(parts[3]["data"]) == b"%PDF-"
    assert parts[3]["mime_type"] == "application/pdf"


@pytest.mark.parametrize("status", list(RemoteStatus))
def test_every_status_is_read(status: RemoteStatus) -> None:
    """A word of a later service is unknown, and kept as it is."""
    assert read(status=str(status)).status is status
    assert read(status="pondering").status is RemoteStatus.UNKNOWN
    assert read(status="pondering").status_text == "pondering"


def test_places_in_bytes_become_places_in_characters() -> None:
    """Of the whole report, whose contents are put together; a page that is cited twice is one."""
    first = {"type": "text", "text": "Ä ö. ", "annotations": [cites("https://a.example", 3, 6)]}
    second = {
        "type": "text",
        "text": "Üb.",
        "annotations": [cites("https://a.example", 0, 2), cites("https://b.example", 2, 3)],
    }
    found = read(steps=[{"type": "model_output", "content": [first, second]}])

    assert found.report == "Ä ö. Üb."
    assert [(each.url, [list(at) for at in each.cited_at]) for each in found.sources] == [
        ("https://a.example", [[2, 4], [5, 6]]),
        ("https://b.example", [[6, 7]]),
    ]


def test_the_last_output_that_says_something_is_the_report() -> None:
    """Thoughts, searches and earlier outputs are none; queries come once each."""
    search = {"type": "google_search_call", "arguments": {"queries": ["q", "q", "r", 1, ""]}}
    found = read(steps=[output("draft"), search, output("whole"), output("  ")])

    assert found.report == "whole"
    assert found.queries == ["q", "r"]


def test_the_outputs_of_the_revision_before_are_read() -> None:
    """The last text of a flat list."""
    notes = [cites("https://a.example", 0, 1)]
    found = read(outputs=[{"type": "text", "text": "x"},
                          {"type": "text", "text": "y", "annotations": notes}])  # fmt: skip

    assert found.report == "y"
    assert [each.url for each in found.sources] == ["https://a.example"]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a)", 7, "https://\x1b"],
)
def test_what_is_no_plain_address_is_no_source(url: object) -> None:
    """It becomes a link for people."""
    assert read(steps=[output("x", cites(url, 0, 1))]).sources == []  # type: ignore[arg-type]


def test_titles_are_harmless_and_figures_are_figures() -> None:
    """No control characters; what is no number is none."""
    usage = {"total_input_tokens": 3, "total_output_tokens": "many", "total_thought_tokens": 1}
    found = read(steps=[output("x", cites("https://a", 9, -1, "a\x1b[31m\nb"))], usage=usage)

    assert "\x1b" not in found.sources[0].title
    assert "\n" not in found.sources[0].title
    assert found.sources[0].cited_at == []
    assert found.usage == Usage(input_tokens=3, reasoning_tokens=1)


def test_a_reason_is_found_wherever_it_is() -> None:
    """Of the interaction, or of a step; secrets are masked."""
    assert read(errors=[{"message": "gave up"}]).said == "gave up"
    assert read(error={"message": "gave up"}).said == "gave up"
    assert read(steps=[{"type": "model_output", "error": {"message": "no"}}]).said == "no"
    assert "AIzaSy" not in read(error={"message": f"key AIzaSy{'B3x' * 11}"}).said


def test_a_report_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that it is cut."""
    monkeypatch.setattr(_interactions, "MAX_REPORT_CHARS", 3)

    assert (read(steps=[output("abcd")]).report, read(steps=[output("abcd")]).is_cut) == (
        "abc", True,
    )  # fmt: skip
    assert read(steps=[output("abc")]).is_cut is False


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'{"id":"x"}', b'{"id":"","status":"completed"}', b"\xff"],
)
def test_what_is_no_interaction_is_none(data: bytes) -> None:
    """Whatever it is."""
    assert read_interaction(data) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "text", "content", "annotations", "url", "start_index", "error",
                         "message", "arguments", "queries", "model_output", "text"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(steps=JSON, outputs=JSON, usage=JSON, errors=JSON)
def test_no_answer_breaks_the_reading(
    steps: object, outputs: object, usage: object, errors: object
) -> None:
    """Every place of a citation lies in the report."""
    found = read(steps=steps, outputs=outputs, usage=usage, errors=errors)

    for source in found.sources:
        for start, end in source.cited_at:
            assert 0 <= start < end <= len(found.report)


@pytest.mark.parametrize(
    ("status", "is_begun", "code", "retryable", "is_away"),
    [
        (400, False, "provider_refused", False, False),
        (401, False, "auth_failed", False, False),
        (403, True, "auth_failed", False, False),
        (404, False, "model_not_found", False, False),
        (404, True, "interaction_gone", False, False),
        (429, False, "rate_limited", True, True),
        (500, False, "provider_error", True, False),
        (503, True, "provider_error", True, True),
    ],
)
def test_refusals_have_a_class(
    status: int, is_begun: bool, code: str, retryable: bool, is_away: bool
) -> None:
    """Only what was turned away has surely not begun."""
    found = refusal(status, b"<html>", "", is_begun=is_begun)

    assert found.failure.code == code
    assert found.failure.retryable is retryable
    assert found.was_turned_away is is_away
    assert found.failure.message == f"HTTP {status}"


def test_a_refusal_says_why_and_when_to_come_again() -> None:
    """By the header, or by the details of the body; a bad key hides behind a 400."""
    details = [{"reason": "API_KEY_INVALID"}, {"retryDelay": "7s"}]
    data = json.dumps({"error": {"message": "no\n\x1b", "details": details}}).encode()

    assert refusal(400, data, "", is_begun=False).failure.code == "auth_failed"
    assert refusal(429, data, "", is_begun=False).retry_after_s == 7
    assert refusal(429, data, "3", is_begun=False).retry_after_s == 3
    assert refusal(429, b"[]", "soon", is_begun=False).retry_after_s is None
    assert "\n" not in refusal(400, data, "", is_begun=False).failure.message
    assert refusal(500, b'{"error": "x"}', "", is_begun=True).failure.message == "HTTP 500"
