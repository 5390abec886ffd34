"""Where jobs and their children stand in a trace: ids, sampling, what is passed on.

Ids are computed from the job's id, so that a child can be told its parent before there is a span,
and the spans made at the end agree with it, in another process too (docs/design/0026).
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import attrs

from aimux.model import SAMPLED, JobTrace, TraceContext

from ._context import context_env

ALWAYS: Final = "parentbased_always_on"  # what the SDK takes where nothing sound is named
SAMPLERS: Final = (
    "always_on",
    "always_off",
    "traceidratio",
    ALWAYS,
    "parentbased_always_off",
    "parentbased_traceidratio",
)
_PARENT_BASED: Final = "parentbased_"
_LOW_64: Final = 2**64


@attrs.frozen(kw_only=True)
class Sampling:
    """Which traces are kept, as `OTEL_TRACES_SAMPLER` and its argument say."""

    sampler: str = ALWAYS
    ratio: float = 1.0

    def keeps(self, trace_id: str, above: TraceContext | None) -> bool:
        """Whether a trace is kept; `above` is what a client said of it."""
        sampler = self.sampler
        if sampler.startswith(_PARENT_BASED):
            if above is not None:
                return above.is_sampled
            sampler = sampler.removeprefix(_PARENT_BASED)
        if sampler == "traceidratio":
            return int(trace_id, 16) % _LOW_64 < round(self.ratio * _LOW_64)
        return sampler == "always_on"


def trace_id(job_id: str) -> str:
    """The id of a trace that begins with a job."""
    return _digest("trace", job_id)[:32]


def span_id(job_id: str, turn: int = 0, attempt: int = 0, what: str = "") -> str:
    """The id of a job's span, or that of one of its turns, attempts or children."""
    return _digest("span", job_id, str(turn), str(attempt), what)[:16]


def child_span_id(job_id: str, turn: int, attempt: int) -> str:
    """The id of the span of the child that an attempt starts."""
    return span_id(job_id, turn, attempt, "child")


def place_job(
    job_id: str,
    above: TraceContext | None,
    sampling: Sampling | None,
    *,
    parent_id: str = "",
    parent: JobTrace | None = None,
) -> JobTrace | None:
    """Where a job stands; None if nothing is to be said of it.

    `above` is what the client sent, `sampling` None if no spans are made. A step of another job
    stands below that one, whatever the client says and whatever was set since.
    """
    if parent_id:
        if parent is None or not parent.has_spans:
            return parent
        return attrs.evolve(parent, above=attrs.evolve(parent.above, span_id=span_id(parent_id)))
    if sampling is None:
        return None if above is None else JobTrace(above=above)
    known = trace_id(job_id) if above is None else above.trace_id
    is_kept = sampling.keeps(known, above)
    began = above or TraceContext(trace_id=known, span_id="")
    flags = began.flags & ~SAMPLED | (SAMPLED if is_kept else 0)
    return JobTrace(above=attrs.evolve(began, flags=flags), has_spans=True)


def trace_env(
    trace: JobTrace | None, job_id: str, turn: int = 1, attempt: int = 1
) -> Mapping[str, str]:
    """The variables for the child of an attempt; none where nothing is to be said."""
    return _env(trace, child_span_id(job_id, turn, attempt))


def turn_env(trace: JobTrace | None, job_id: str, turn: int) -> Mapping[str, str]:
    """The variables for a command that is run around a turn, whose child may never come."""
    return _env(trace, span_id(job_id, turn, 0, "turn"))


def job_env(trace: JobTrace | None, job_id: str) -> Mapping[str, str]:
    """The variables for a command that is run because of a job."""
    return _env(trace, span_id(job_id))


def _env(trace: JobTrace | None, below: str) -> Mapping[str, str]:
    if trace is None:
        return {}
    if not trace.has_spans:
        return context_env(trace.above)
    return context_env(attrs.evolve(trace.above, span_id=below))


def _digest(*parts: str) -> str:
    text = "\0".join(("aimux", *parts))
    return hashlib.sha256(text.encode()).hexdigest()
