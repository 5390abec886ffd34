"""Who makes spans of jobs that have ended, and sends them to a collector.

Theory of operation. A job that ends goes into a bounded queue with the entries of its log that
spans are made from; a log that is longer than what is in memory is read from the store. One worker
makes the spans of what waits and hands them to the exporter in a thread, so a collector that is
slow or away holds up nothing but the queue. What has no room there is counted. When the engine
closes, what is queued has `LAST_SPANS_S`. Why spans are made afterwards: docs/design/0026.
"""

import importlib.util
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import attrs
import trio

from aimux.errors import AimuxError
from aimux.model import Entry, Job, JobId, TelemetrySettings
from aimux.rules import Family, Kind, Sample
from aimux.rules.traces import (
    MARK_KINDS,
    MARKS,
    Sampling,
    TracedJob,
    TraceStanding,
    has_exported_spans,
    judge_traces,
    spans_of,
)
from aimux.store import Store

from .log import JobLog

QUEUED: Final = 256  # jobs that wait for the collector; more are dropped and counted
BATCH: Final = 64  # jobs in one request
LAST_SPANS_S: Final = 2.0
EXTRA: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")

log = logging.getLogger("aimux.traces")


class Exporter(Protocol):
    """Sends spans."""

    def export(self, jobs: Sequence[TracedJob]) -> str:
        """Send the spans of these jobs; why that failed, empty if it did not.

        It blocks, so it is called in a thread, once at a time.
        """

    def close(self) -> None:
        """Let go of what it holds; an `export` that waits to try again gives up."""


OpenExporter = Callable[[], Exporter]


def open_otlp() -> Exporter:
    """The exporter of the otel extra. Blocks: it reads half a hundred modules."""
    from ._otlp import OtlpExporter

    return OtlpExporter()


def has_extra() -> bool:
    """Whether the otel extra is installed; nothing of it is imported."""
    try:
        return all(importlib.util.find_spec(each) is not None for each in EXTRA)
    except ModuleNotFoundError:  # a package above it is missing
        return False


@attrs.frozen(kw_only=True)
class TraceStatistics:
    """What became of the jobs whose spans were to be sent, since the start."""

    exported: int
    failed: int
    dropped: int
    waiting: int


@attrs.frozen
class _Ended:
    job: Job
    entries: Sequence[Entry] | None  # None: they are in the store


class Tracer:
    """Decides which jobs are traced, and takes those that have ended. Made by `open_tracer`."""

    def __init__(
        self,
        send: trio.MemorySendChannel[_Ended],
        store: Store,
        settings: TelemetrySettings,
        env: Mapping[str, str],
        *,
        is_installed: Callable[[], bool] = has_extra,
    ) -> None:
        self._send = send
        self._store = store
        self._env = env
        self._is_installed = is_installed
        self._settings: TelemetrySettings | None = None
        self.standing = TraceStanding()
        self.exported = self.failed = self.dropped = 0
        self.apply(settings)

    def __repr__(self) -> str:
        is_on = "on" if self.sampling is not None else "off"
        return f"<Tracer: {is_on}, {self.exported} exported, {self.dropped} dropped>"

    @property
    def sampling(self) -> Sampling | None:
        """Which traces are kept; None if no spans are made."""
        return self.standing.sampling

    def apply(self, settings: TelemetrySettings) -> None:
        """Go by these settings from now on; what keeps spans from being made is logged once."""
        if settings == self._settings:
            return
        self._settings = settings
        self.standing = judge_traces(settings.traces, self._env, self._is_installed)
        if self.standing.problem:
            log.warning(
                "traces are not made as wanted",
                extra={"problem": self.standing.problem, "remedy": self.standing.remedy},
            )

    def statistics(self) -> TraceStatistics:
        """Counts since the start."""
        waiting = self._send.statistics().current_buffer_used
        return TraceStatistics(
            exported=self.exported, failed=self.failed, dropped=self.dropped, waiting=waiting
        )

    def job_ended(self, job: Job, joblog: JobLog | None = None) -> None:
        """Take a job's end; without its log, or the beginning of that, the store is read."""
        if self.sampling is None or not has_exported_spans(job):
            return
        entries: list[Entry] | None = None
        if joblog is not None and joblog.entries.first_seq == 1:
            entries = [each for each in joblog.entries.since(0) if isinstance(each.event, MARKS)]
        try:
            self._send.send_nowait(_Ended(job, entries))
        except trio.WouldBlock:
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # the first, and then ever more rarely
                log.warning("traces dropped", extra={"jobs": self.dropped})
        except (trio.BrokenResourceError, trio.ClosedResourceError):  # we are closing
            self.dropped += 1

    async def jobs_aborted(self, job_ids: Sequence[JobId]) -> None:
        """Take the ends of jobs that died with their server. Cancelled, the others are left out."""
        await trio.lowlevel.checkpoint()
        if self.sampling is None:
            return
        for job_id in job_ids:
            try:
                self.job_ended(await self._store.job(job_id))
            except AimuxError as error:
                log.warning("no trace of a job", extra={"job": job_id, "error": error.message})

    def families(self) -> list[Family]:
        """Its figures for a scraper."""
        said = self.statistics()
        counts = {"exported": said.exported, "failed": said.failed, "dropped": said.dropped}
        samples = [Sample({"outcome": name}, count) for name, count in counts.items()]
        return [
            Family(
                name="aimux_traced_jobs_total",
                kind=Kind.COUNTER,
                said="Jobs whose spans were to be sent, by what became of them.",
                samples=samples,
            )
        ]


@asynccontextmanager
async def open_tracer(
    settings: TelemetrySettings,
    env: Mapping[str, str],
    store: Store,
    *,
    open_exporter: OpenExporter = open_otlp,
    is_installed: Callable[[], bool] = has_extra,
) -> AsyncIterator[Tracer]:
    """A tracer whose worker lives while this is open; `env` is the server's own.

    Leaving it, cancelled or not, gives what is queued `LAST_SPANS_S` and drops the rest.
    """
    send, receive = trio.open_memory_channel[_Ended](QUEUED)
    tracer = Tracer(send, store, settings, env, is_installed=is_installed)
    last = trio.CancelScope(shield=True)  # bounded by `LAST_SPANS_S` once we leave

    async def work() -> None:
        with last:
            await _Worker(tracer, store, receive, open_exporter).run()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        try:
            yield tracer
        finally:
            send.close()
            last.deadline = trio.current_time() + LAST_SPANS_S


class _Worker:
    """Sends what has ended, a batch after the other."""

    def __init__(
        self,
        tracer: Tracer,
        store: Store,
        receive: trio.MemoryReceiveChannel[_Ended],
        open_exporter: OpenExporter,
    ) -> None:
        self._tracer = tracer
        self._store = store
        self._receive = receive
        self._open = open_exporter
        self._exporter: Exporter | None = None
        self._limiter = trio.CapacityLimiter(1)
        self._why = ""  # the last batch failed

    async def run(self) -> None:
        try:
            with self._receive:
                async for first in self._receive:
                    ended = [first]
                    while len(ended) < BATCH:
                        try:
                            ended.append(self._receive.receive_nowait())
                        except (trio.WouldBlock, trio.EndOfChannel):
                            break
                    await self._send(ended)
        finally:
            if self._exporter is not None:
                self._exporter.close()

    async def _send(self, ended: Sequence[_Ended]) -> None:
        left = len(ended)
        try:
            jobs = [job for each in ended if (job := await self._traced(each)) is not None]
            why = await self._in_thread(jobs) if jobs else ""
            self._tracer.failed += len(ended) - len(jobs)
            if why:
                self._tracer.failed += len(jobs)
            else:
                self._tracer.exported += len(jobs)
            left = 0
        finally:
            self._tracer.dropped += left  # out of time at the end
        if why != self._why:  # a collector that is away is told of once
            if why:
                log.warning("traces not sent", extra={"error": why})
            else:
                log.info("traces are sent again")
        self._why = why

    async def _traced(self, ended: _Ended) -> TracedJob | None:
        """The job with its spans; None if its log cannot be read."""
        entries = ended.entries
        if entries is None:
            try:
                entries = await self._store.entries_of_kinds(ended.job.id, MARK_KINDS)
            except AimuxError as error:
                log.warning(
                    "no trace of a job", extra={"job": ended.job.id, "error": error.message}
                )
                return None
        return TracedJob(job=ended.job, spans=spans_of(ended.job, entries))

    def _export(self, jobs: Sequence[TracedJob]) -> str:
        try:
            if self._exporter is None:
                self._exporter = self._open()
            return self._exporter.export(jobs)
        except Exception as error:  # noqa: BLE001  # a collector's trouble is no job's
            return f"{type(error).__name__}: {error}"

    async def _in_thread(self, jobs: Sequence[TracedJob]) -> str:
        # abandoned when the time is over: closing and the socket's own limit end the thread then
        return await trio.to_thread.run_sync(
            self._export, jobs, abandon_on_cancel=True, limiter=self._limiter
        )
