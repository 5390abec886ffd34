"""Spans over OTLP/HTTP, by the real SDK to a collector on loopback."""

import datetime
import logging
import os
import warnings

import attrs
import pytest
import trio

from aimux import __version__
from aimux.engine._tracer import Exporter, open_otlp
from aimux.model import JobTrace, TraceContext
from aimux.rules.traces import Span, SpanKind, TracedJob, span_id

from ..collector import attributes, open_collector
from .house import BIRTH, make_job

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = TraceContext(trace_id=TRACE, span_id="b7ad6b7169203331", flags=1, state="v=1,w=2")
JOB = make_job(1, trace=JobTrace(above=ABOVE, has_spans=True))


def make_span(**more: object) -> Span:
    made = Span(
        name="job exec",
        kind=SpanKind.SERVER,
        span_id=span_id("job_1"),
        parent_id=ABOVE.span_id,
        is_parent_remote=True,
        start_at=BIRTH,
        end_at=BIRTH + datetime.timedelta(seconds=1.5),
        attributes={"aimux.job.id": "job_1", "aimux.turns": 2, "aimux.cost_usd": 0.5},
    )
    return attrs.evolve(made, **more)


async def opened(monkeypatch: pytest.MonkeyPatch, url: str, **variables: str) -> Exporter:
    """The exporter as an environment with these variables makes it."""
    for name in [each for each in os.environ if each.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_{name}", value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the SDK thinks of itself
        return await trio.to_thread.run_sync(open_otlp)


async def sent(exporter: Exporter, *spans: Span) -> str:
    """Why these spans were not taken, if they were not."""
    return await trio.to_thread.run_sync(exporter.export, [TracedJob(job=JOB, spans=spans)])


@pytest.mark.slow
@pytest.mark.requirement("traces:export")
async def test_a_span_arrives_as_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, parent, state, times, attributes, error, service; headers are the environment's."""
    failed = make_span(span_id="c" * 16, parent_id="", kind=SpanKind.CLIENT, error="quota")
    with trio.fail_after(30):
        async with open_collector() as collector:
            exporter = await opened(
                monkeypatch,
                collector.url,
                EXPORTER_OTLP_HEADERS="authorization=Bearer%20me",
                RESOURCE_ATTRIBUTES="deployment.environment.name=test",
            )
            why = await sent(exporter, make_span(), failed)
            await trio.to_thread.run_sync(exporter.close)

    assert why == ""
    first, second = collector.spans
    assert first.trace_id.hex() == second.trace_id.hex() == TRACE
    assert (first.span_id.hex(), first.parent_span_id.hex()) == (span_id("job_1"), ABOVE.span_id)
    assert first.trace_state == "v=1,w=2"
    assert first.name == "job exec"
    assert first.end_time_unix_nano - first.start_time_unix_nano == 1_500_000_000
    assert first.start_time_unix_nano == int(BIRTH.timestamp()) * 1_000_000_000
    assert attributes(first) == {
        "aimux.job.id": "job_1",
        "aimux.turns": 2,
        "aimux.cost_usd": 0.5,
    }
    assert (first.kind, second.kind) == (2, 3)  # SERVER and CLIENT on the wire
    assert (first.status.code, second.status.code, second.status.message) == (0, 2, "quota")
    assert second.parent_span_id == b""
    (resource,) = collector.resources
    assert resource["service.name"] == "aimux"
    assert resource["service.version"] == __version__
    assert resource["deployment.environment.name"] == "test"
    assert collector.heads[0]["path"] == "/v1/traces"
    assert collector.heads[0]["authorization"] == "Bearer me"


@pytest.mark.requirement("traces:export")
async def test_a_service_has_the_name_its_user_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for any other program."""
    with trio.fail_after(30):
        async with open_collector() as collector:
            exporter = await opened(monkeypatch, collector.url, SERVICE_NAME="mine")
            await sent(exporter, make_span())
            await trio.to_thread.run_sync(exporter.close)

    assert collector.resources[0]["service.name"] == "mine"


@pytest.mark.requirement("traces:bounded")
async def test_closing_ends_the_wait_for_a_collector_that_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be asked again for ten minutes."""
    whys: list[str] = []
    with trio.fail_after(60):
        async with open_collector() as collector, trio.open_nursery() as nursery:
            collector.status = 503
            exporter = await opened(monkeypatch, collector.url, EXPORTER_OTLP_TIMEOUT="600")

            async def send() -> None:
                whys.append(await sent(exporter, make_span()))

            nursery.start_soon(send)
            while not collector.heads:
                await collector.wait_request()
            exporter.close()

    assert len(whys) == 1
    assert whys[0]
    assert collector.spans == []


@pytest.mark.requirement("traces:export")
async def test_a_refusal_is_told_in_its_words_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By whoever asked for it: the SDK's own log goes nowhere, and is as before afterwards."""
    logger = logging.getLogger("opentelemetry")
    with trio.fail_after(30):
        async with open_collector() as collector:
            collector.status = 400
            exporter = await opened(monkeypatch, collector.url)
            why = await sent(exporter, make_span())
            collector.status = 200
            again = await sent(exporter, make_span())
            await trio.to_thread.run_sync(exporter.close)

    assert "400" in why
    assert again == ""
    assert capfd.readouterr() == ("", "")
    assert logger.handlers == []
    assert logger.propagate
