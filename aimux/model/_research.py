"""Research at a vendor, as it is begun, followed and kept."""

import datetime
import enum
from collections.abc import Sequence

import attrs

from ._ids import JobId


class RemoteStatus(enum.StrEnum):
    """States of an interaction, in the vendor's words; one that is not known here is `unknown`."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    REQUIRES_ACTION = "requires_action"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    BUDGET_EXCEEDED = "budget_exceeded"
    IDLE = "idle"
    REQUIRES_CONTINUATION = "requires_continuation"
    UNKNOWN = "unknown"


class ResearchProvider(enum.StrEnum):
    """Who answered."""

    GEMINI = "gemini"
    FALLBACK = "fallback"  # a CLI, of what it knows


@attrs.frozen(kw_only=True)
class ResearchSource:
    """A page that the report cites; `cited_at` are the `(start, end)` of what it stands behind."""

    title: str
    url: str
    cited_at: Sequence[Sequence[int]] = ()


@attrs.frozen(kw_only=True)
class AttachedFile:
    """A file that went along, without its content."""

    path: str
    mime_type: str
    size_bytes: int
    sha256: str


@attrs.frozen(kw_only=True)
class Research:
    """What a research came to, as it is kept."""

    provider: ResearchProvider
    model: str
    report: str
    made_at: datetime.datetime
    sources: Sequence[ResearchSource] = ()
    queries: Sequence[str] = ()
    files: Sequence[AttachedFile] = ()
    interaction_id: str = ""
    fallback_cli: str = ""


@attrs.frozen(kw_only=True)
class ResearchTask:
    """What is asked of the vendor for one job: all it takes to follow it, the key left out.

    `interaction_id` is empty until the vendor gave one.
    """

    job_id: JobId
    base_url: str
    model: str
    output_format: str
    cache_key: str
    limit_s: float
    poll_s: float
    request_limit_s: float
    files: Sequence[AttachedFile] = ()
    interaction_id: str = ""
