"""Decisions about distributed traces: context, sampling, ids, and spans made from a job's log."""

from ._context import (
    PARENT_VARIABLE as PARENT_VARIABLE,
    STATE_VARIABLE as STATE_VARIABLE,
    context_env as context_env,
    context_of_env as context_of_env,
    context_of_meta as context_of_meta,
    read_context as read_context,
    traceparent as traceparent,
)
from ._places import (
    SAMPLERS as SAMPLERS,
    Sampling as Sampling,
    child_span_id as child_span_id,
    job_env as job_env,
    place_job as place_job,
    span_id as span_id,
    trace_env as trace_env,
    trace_id as trace_id,
    turn_env as turn_env,
)
from ._span import (
    MAX_CHARS as MAX_CHARS,
    Span as Span,
    SpanKind as SpanKind,
    TracedJob as TracedJob,
)
from ._spans import (
    MARK_KINDS as MARK_KINDS,
    MARKS as MARKS,
    has_exported_spans as has_exported_spans,
    spans_of as spans_of,
)
from ._standing import (
    ENDPOINTS as ENDPOINTS,
    INSTALL as INSTALL,
    TraceStanding as TraceStanding,
    judge_traces as judge_traces,
)
