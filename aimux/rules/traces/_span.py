"""A span as a value, and what may stand in one."""

import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Failure, Job, Usage
from aimux.rules import mask_between

MAX_CHARS: Final = 256  # of one attribute

Value = str | int | float | bool


class SpanKind(enum.StrEnum):
    """What a span stands for, in OpenTelemetry's words."""

    SERVER = "server"
    INTERNAL = "internal"
    CLIENT = "client"


@attrs.frozen(kw_only=True)
class Span:
    """One span. `error` is the stable code of what went wrong, empty if nothing did.

    `parent_id` is empty for the first of a trace; `is_parent_remote` says that another process
    made it.
    """

    name: str
    kind: SpanKind = SpanKind.INTERNAL
    span_id: str
    parent_id: str = ""
    is_parent_remote: bool = False
    start_at: datetime.datetime
    end_at: datetime.datetime
    error: str = ""
    attributes: Mapping[str, Value] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class TracedJob:
    """A job with its spans. It has a trace."""

    job: Job
    spans: Sequence[Span]


def make_span(
    job: Job,
    name: str,
    what: str,
    kind: SpanKind,
    own_id: str,
    parent_id: str,
    between_s: tuple[float, float],
    error: str,
    told: Mapping[str, Value | None],
    *,
    is_parent_remote: bool = False,
) -> Span:
    """A span of a job; `between_s` is since its birth, and what of `told` is empty is left out."""
    start_s, end_s = between_s
    start_at = job.created_at + datetime.timedelta(seconds=start_s)
    attributes: dict[str, Value] = {"aimux.span": what, "aimux.job.id": job.id}
    for key, value in told.items():
        if value is not None and value != "":
            attributes[key] = _shown(value) if isinstance(value, str) else value
    error = _shown(error)
    if error:
        attributes["error.type"] = error
    return Span(
        name=_shown(name),
        kind=kind,
        span_id=own_id,
        parent_id=parent_id,
        is_parent_remote=is_parent_remote,
        start_at=start_at,
        end_at=job.created_at + datetime.timedelta(seconds=max(start_s, end_s)),
        error=error,
        attributes=attributes,
    )


def _shown(text: str) -> str:
    return mask_between(text)[:MAX_CHARS]


def code_of(failure: Failure) -> str:
    """The stable word for a failure."""
    return failure.code or str(failure.failure_class)


def usage_of(usage: Usage | None) -> dict[str, Value | None]:
    """Tokens and cost as attributes."""
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "aimux.cost_usd": usage.cost_usd,
    }
