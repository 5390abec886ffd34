"""Where a job stands in a distributed trace: the W3C's context, and what was decided about it."""

from typing import Final

import attrs

SAMPLED: Final = 0x01


@attrs.frozen(kw_only=True)
class TraceContext:
    """The trace and the span above, as a `traceparent` names them.

    `trace_id` has 32 hexadecimal digits and `span_id` 16; `state` is a `tracestate`, or empty.
    """

    trace_id: str
    span_id: str
    flags: int = 0
    state: str = ""

    @property
    def is_sampled(self) -> bool:
        """Whether whoever began the trace keeps it."""
        return bool(self.flags & SAMPLED)


@attrs.frozen(kw_only=True)
class JobTrace:
    """What was decided about a job's trace when it was prepared; it holds until its end.

    With `has_spans` the job, its turns, attempts and children are spans of their own below
    `above`; without, `above` is passed on as it came. The span id of a trace that begins with the
    job is empty.
    """

    above: TraceContext
    has_spans: bool = False
