"""Spans in OTLP over HTTP, with the SDK of the otel extra.

The SDK's exporter reads where to and how from OpenTelemetry's own variables in the environment of
this process, and tries again what may work a moment later.
"""

import logging
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from aimux import __version__
from aimux.model import Job, TraceContext
from aimux.rules import mask_between
from aimux.rules.traces import Span, SpanKind as Kind, TracedJob

SCOPE: Final = InstrumentationScope("aimux", __version__)
UNNAMED: Final = "unknown_service"  # what the SDK calls a service that nobody named
_KINDS: Final = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.CLIENT: SpanKind.CLIENT,
}


class _Complaints(logging.Handler):
    """The SDK says why something failed in its log and nowhere else."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = mask_between(record.getMessage())


class OtlpExporter:
    """Sends the spans of jobs to the collector that the environment names."""

    def __init__(self) -> None:
        self._complaints = _Complaints(logging.WARNING)
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self._complaints)
        logger.propagate = False  # ours say it
        self._exporter = OTLPSpanExporter()
        named = Resource.create({SERVICE_VERSION: __version__})
        if str(named.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
            named = named.merge(Resource({SERVICE_NAME: "aimux"}))
        self._resource = named

    def export(self, jobs: Sequence[TracedJob]) -> str:
        """Send the spans of these jobs; why that failed, empty if it did not."""
        spans = [self._span(each.job, span) for each in jobs for span in each.spans]
        self._complaints.last = ""
        if self._exporter.export(spans) is SpanExportResult.SUCCESS:
            return ""
        return self._complaints.last or "the collector did not take them"

    def close(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK left it so
        logger = logging.getLogger("opentelemetry")
        logger.removeHandler(self._complaints)
        logger.propagate = True

    def _span(self, job: Job, span: Span) -> ReadableSpan:
        assert job.trace is not None
        above = job.trace.above
        parent = None
        if span.parent_id:
            parent = _context(above, span.parent_id, is_remote=span.is_parent_remote)
        status = Status(StatusCode.ERROR, span.error) if span.error else Status()
        return ReadableSpan(
            name=span.name,
            context=_context(above, span.span_id, is_remote=False),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            status=status,
            start_time=_ns(span.start_at.timestamp()),
            end_time=_ns(span.end_at.timestamp()),
            instrumentation_scope=SCOPE,
        )


def _context(above: TraceContext, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(
        int(above.trace_id, 16),
        int(span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(above.flags),
        trace_state=TraceState.from_header([above.state] if above.state else []),
    )


def _ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1_000  # microseconds are what a float of today can tell
