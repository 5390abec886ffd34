"""The interactions API as values: what is sent, and what an answer says. No I/O.

Shapes are those of the vendor's Python library 3.6. Answers of the revision before it (`outputs` in
the place of `steps`) are read too.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import AttachedFile, Failure, FailureClass, RemoteStatus, ResearchSource, Usage
from aimux.rules import harmless, redact

AGENT_PREFIX: Final = "deep-research"  # of the vendor's research agents; everything else is a model
MAX_SOURCES: Final = 200
MAX_QUERIES: Final = 200
MAX_TITLE_CHARS: Final = 300
MAX_URL_CHARS: Final = 2_000
MAX_SAID_CHARS: Final = 300
MAX_REPORT_CHARS: Final = 1_048_576  # as of any answer

Json = Mapping[str, object]


@attrs.frozen(kw_only=True)
class Attachment:
    """A file with its content."""

    file: AttachedFile
    data: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Interaction:
    """What the vendor says of a research now; `said` is its reason where it failed."""

    id: str
    status: RemoteStatus
    status_text: str  # the vendor's word
    report: str = ""
    is_cut: bool = False
    sources: Sequence[ResearchSource] = ()
    queries: Sequence[str] = ()
    usage: Usage | None = None
    said: str = ""


@attrs.frozen(kw_only=True)
class Refused:
    """No interaction in an answer, and why; `retry_after_s` is what the vendor asks for."""

    failure: Failure
    retry_after_s: float | None = None
    was_turned_away: bool = False  # nothing has begun: it may be sent again


def request_body(model: str, prompt: str, attachments: Sequence[Attachment]) -> Json:
    """What begins a research in the background."""
    parts: list[Json] = [{"type": "text", "text": prompt}]
    parts += map(_part, attachments)
    said = [{"type": "user_input", "content": parts}]  # as the vendor's library sends it
    body: dict[str, object] = {"input": said, "background": True, "store": True}
    if model.startswith(AGENT_PREFIX):
        config = {"type": "deep-research", "thinking_summaries": "auto"}
        return body | {"agent": model, "agent_config": config}
    return body | {"model": model, "tools": [{"type": "google_search"}, {"type": "url_context"}]}


def _part(attachment: Attachment) -> Json:
    file = attachment.file
    if file.mime_type == "text/plain":
        text = attachment.data.decode()
        return {"type": "text", "text": f"Attached file {file.path}:\n\n{text}"}
    kind = "image" if file.mime_type.startswith("image/") else "document"
    data = base64.b64encode(attachment.data).decode("ascii")
    return {"type": kind, "mime_type": file.mime_type, "data": data}


def read_interaction(data: bytes) -> Interaction | None:
    """The interaction of an answer's body; None if there is none in it."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    match body:
        case {"id": str(name), "status": str(word)} if name and word:
            pass
        case _:
            return None
    status = next((each for each in RemoteStatus if each == word), RemoteStatus.UNKNOWN)
    steps = _objects(body.get("steps"))
    report, sources = _report(steps or _objects(body.get("outputs")))
    return Interaction(
        id=name,
        status=status,
        status_text=harmless(word, is_line=True)[:MAX_SAID_CHARS],
        report=report[:MAX_REPORT_CHARS],
        is_cut=len(report) > MAX_REPORT_CHARS,
        sources=sources,
        queries=_queries(steps),
        usage=_usage(body.get("usage")),
        said=_reason(body),
    )


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _report(steps: Sequence[Json]) -> tuple[str, list[ResearchSource]]:
    """The text of the last output that has any, and what it cites."""
    for step in reversed(steps):
        contents = [step] if step.get("type") == "text" else []
        if step.get("type") == "model_output":
            contents = _objects(step.get("content"))
        texts = [each for each in contents if isinstance(each.get("text"), str)]
        if any(str(each["text"]).strip() for each in texts):
            return _joined(texts)
    return "", []


def _joined(contents: Sequence[Json]) -> tuple[str, list[ResearchSource]]:
    report = ""
    found: dict[str, tuple[str, list[tuple[int, int]]]] = {}
    for content in contents:
        text = str(content["text"])
        for url, title, start, end in _citations(content, text):
            if len(found) == MAX_SOURCES and url not in found:
                continue
            _, places = found.setdefault(url, (title, []))
            place = (len(report) + start, len(report) + end)
            if start < end and place not in places:
                places.append(place)
        report += text
    sources = [
        ResearchSource(title=title, url=url, cited_at=places)
        for url, (title, places) in found.items()
    ]
    return report, sources


def _citations(content: Json, text: str) -> Iterator[tuple[str, str, int, int]]:
    """URL, title and place in characters of each page that a content cites."""
    coded = text.encode(errors="surrogatepass")
    for note in _objects(content.get("annotations")):
        url = note.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            continue
        if len(url) > MAX_URL_CHARS or not url.isprintable() or set(url) & set(" <>()"):
            continue
        title = note.get("title")
        label = harmless(title, is_line=True)[:MAX_TITLE_CHARS] if isinstance(title, str) else ""
        start, end = (_index(note.get(name), coded) for name in ("start_index", "end_index"))
        yield url, label, start, end


def _index(value: object, coded: bytes) -> int:
    """A place in bytes as one in characters."""
    at = value if isinstance(value, int) else 0
    return len(coded[: max(0, at)].decode(errors="ignore"))


def _queries(steps: Sequence[Json]) -> list[str]:
    found: dict[str, None] = {}
    for step in steps:
        given = step.get("arguments")
        if step.get("type") != "google_search_call" or not isinstance(given, dict):
            continue
        asked = given.get("queries")
        for query in asked if isinstance(asked, list) else []:
            if isinstance(query, str) and query.strip() and len(found) < MAX_QUERIES:
                found[harmless(query, is_line=True)[:MAX_TITLE_CHARS]] = None
    return list(found)


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None

    def figure(name: str) -> int | None:
        number = value.get(f"total_{name}_tokens")
        return number if isinstance(number, int) else None

    return Usage(
        input_tokens=figure("input"),
        output_tokens=figure("output"),
        cached_tokens=figure("cached"),
        reasoning_tokens=figure("thought"),
    )


def _reason(body: Json) -> str:
    """What the vendor says of a failure, wherever it says it."""
    of_steps = (step.get("error") for step in _objects(body.get("steps")))
    errors = [*_objects(body.get("errors")), body.get("error"), *of_steps]
    said = [str(each.get("message", "")) for each in errors if isinstance(each, dict)]
    return next((_line(each) for each in said if each.strip()), "")


def _line(text: str) -> str:
    return harmless(redact(text), is_line=True)[:MAX_SAID_CHARS]


def refusal(status: int, data: bytes, retry_after: str, *, is_begun: bool) -> Refused:
    """What an answer with an HTTP error means; `is_begun` tells whether there was a research."""
    said, reasons, delay = _error(data)
    code, kind, retryable = "provider_refused", FailureClass.FATAL, False
    hint = ""
    if status in {401, 403} or "API_KEY_INVALID" in reasons:
        code, kind = "auth_failed", FailureClass.AUTH
        hint = "check the key in GEMINI_API_KEY or GOOGLE_API_KEY"
    elif status == 404 and is_begun:
        code = "interaction_gone"
    elif status == 404:
        code, kind = "model_not_found", FailureClass.MODEL_UNAVAILABLE
        hint = "name another model, or leave it out"
    elif status == 429:
        code, kind, retryable = "rate_limited", FailureClass.QUOTA, True
    elif status >= 500:
        code, kind, retryable = "provider_error", FailureClass.TRANSIENT, True
    failure = Failure(
        failure_class=kind,
        code=code,
        message=f"HTTP {status}: {said}" if said else f"HTTP {status}",
        retryable=retryable,
        hint=hint,
    )
    return Refused(
        failure=failure,
        retry_after_s=_seconds(retry_after) or delay,
        was_turned_away=status in {429, 503},
    )


def malformed() -> Refused:
    """An answer that is no interaction."""
    message = "the vendor's answer cannot be read"
    return Refused(
        failure=Failure(
            failure_class=FailureClass.TRANSIENT,
            code="malformed_answer",
            message=message,
            retryable=True,
        )
    )


def unreached(why: str) -> Refused:
    """No answer at all."""
    return Refused(
        failure=Failure(
            failure_class=FailureClass.TRANSIENT,
            code="provider_unreachable",
            message=_line(why),
            retryable=True,
        )
    )


def _error(data: bytes) -> tuple[str, set[str], float | None]:
    """Message, reasons and wanted delay of an error body."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return "", set(), None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", set(), None
    details = _objects(error.get("details"))
    delays = [_seconds(str(each.get("retryDelay", "")).removesuffix("s")) for each in details]
    return (
        _line(str(error.get("message", ""))),
        {str(each.get("reason", "")) for each in details},
        next((each for each in delays if each), None),
    )


def _seconds(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < 1e6 else None
