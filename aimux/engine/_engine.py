"""The engine as its users see it: prepare a request, start it; its parts say what there is."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from aimux.config import ClientContext, Loader
from aimux.drivers import choose_driver, open_watchdog
from aimux.logs import set_log_level
from aimux.model import (
    BreakerSettings,
    Job,
    Report,
    Seat,
    Settings,
    Work,
)
from aimux.rules import BreakerRule, lineage
from aimux.store import Store
from aimux.times import utc_now

from ._clis import CliRegistry
from ._config_reader import ConfigReader
from ._guard import Guard
from ._job_request import JobRequest, PreparedJob, Survey
from ._metrics import Metrics
from ._notify import Notifier, open_notifier
from ._own_settings import OwnSettings
from ._prepare import Preparer
from ._recovery import open_temporary
from ._research_once import OpenResearch, SameResearch
from ._research_work import ResearchKeys, ResearchWork
from ._specs import ChooseDriver, TurnResources, TurnSpec
from ._tracer import OpenExporter, Tracer, open_otlp, open_tracer
from .copies import work_copies
from .jobs import JobHandle, JobReader, JobStart, JobSupervisor, Run, open_supervisor, slot_limits
from .turns import Asker

log = logging.getLogger("aimux.engine")


class Engine:
    """Prepares jobs and starts them; its parts tell the rest. Made by `open_engine`."""

    def __init__(
        self,
        *,
        own: OwnSettings,
        config: ConfigReader,
        store: Store,
        supervisor: JobSupervisor,
        guard: Guard,
        resources: TurnResources,
        registry: CliRegistry,
        preparer: Preparer,
        notifier: Notifier,
        tracer: Tracer,
        keys: ResearchKeys,
        owner: str,
        state_dir: Path,
    ) -> None:
        self.own = own
        self.config = config
        self.store = store
        self.supervisor = supervisor
        self.guard = guard
        self.registry = registry
        self.jobs = JobReader(store, supervisor)
        self.metrics = resources.metrics
        self.copies = work_copies(state_dir, resources.choose)
        self.keys = keys
        self.state_dir = state_dir
        self._open_research = OpenResearch(supervisor.slots)
        self.started_at = utc_now()
        self.tracer = tracer
        self._resources = resources
        self._preparer = preparer
        self._notifier = notifier
        self._owner = owner

    def __repr__(self) -> str:
        return f"<Engine: {self.supervisor!r}, {self.store!r}>"

    async def survey(self, request: JobRequest) -> Survey:
        """What there is to choose among for a request, before its seats are known.

        Cancelled or not, it reads files to their end.
        """
        return await self._preparer.survey(request)

    async def prepare(self, request: JobRequest) -> PreparedJob:
        """Decide everything about a request; nothing is started or written.

        Cancelling it leaves nothing.

        Raises:
            AimuxError: whatever would make it fail before a child runs; says the way out.
        """
        return await self._preparer.prepare(request)

    async def start(
        self, prepared: PreparedJob, work: Work | ResearchWork, same: SameResearch | None = None
    ) -> JobHandle:
        """Admit and start a prepared job. It outlives this call; its row is committed.

        With `same` its work is not done while another job does the same: it waits for that one.

        Cancelling it before the row is committed leaves nothing.

        Raises:
            TooManyJobs, Refusal, StoreUnavailable: nothing was started.
        """
        request = prepared.request
        job = prepared.job(self._owner)
        above, _ = lineage(request.client.env)
        start = JobStart(
            client_key=request.client.key,
            limit_s=prepared.limit_s,
            cli=job.cli,
            session=prepared.session,
            is_new_session=prepared.is_new_session,
            works_on=request.works_on,
            budget=request.budget,
            parent=request.parent,
            above=above.root,
            depth=above.depth,
        )
        run: Run
        if isinstance(work, ResearchWork):
            run = partial(self._research, work)
        else:
            run = partial(self._work, prepared, work)
        if same is not None:
            run = partial(self._open_research.run, same=same, run=run)
        handle = await self.supervisor.open_job(job, start, run)
        self._preparer.count_begun(request.client.env)
        return handle

    async def go_on(self) -> int:
        """Go on with what died servers left to vendors; how many jobs.

        Cancelled before the store has answered, they stay left.
        """
        left = await self.store.research.take_over(self._owner)
        unread = await self.store.abort_orphans(self._owner, utc_now())
        await self.tracer.jobs_aborted([each.job_id for each in unread])
        for job, task in left:
            work = ResearchWork(task=task, key="")
            start = JobStart(client_key=job.client, limit_s=task.limit_s)
            age_s = (utc_now() - (job.started_at or job.created_at)).total_seconds()
            run = partial(self._left_research, work)
            self.supervisor.adopt_job(job, start, run, age_s=max(0.0, age_s))
            log.info("goes on with a research", extra={"job": job.id})
        return len(left)

    async def _left_research(self, work: ResearchWork, handle: JobHandle) -> Report:
        with self._open_research.known(handle, work.task.cache_key):
            return await self._research(work, handle)

    async def _research(self, work: ResearchWork, handle: JobHandle) -> Report:
        from ._research import run_research  # the vendor's side, where it is asked

        return await run_research(
            handle, work, slots=self.supervisor.slots, store=self.store, keys=self.keys
        )

    async def _work(self, prepared: PreparedJob, work: Work, handle: JobHandle) -> Report:
        async def resolve(seat: Seat) -> TurnSpec:
            await trio.lowlevel.checkpoint()
            return self._preparer.seat(prepared, seat)

        handle.log.questions.tell = lambda asked: self._notifier.job_waits(handle.job, asked.text)
        asker = Asker(
            handle,
            prepared.seats,
            plans=prepared.plans,
            slots=self.supervisor.slots,
            resources=self._resources,
            resolve=resolve,
            begun=self._preparer.begun,
        )
        return await work(asker.ask, asker.note)


def _rule(settings: BreakerSettings) -> BreakerRule:
    return BreakerRule(
        threshold=settings.failure_threshold,
        cooldown_s=settings.cooldown_seconds,
        probes=settings.half_open_max_calls,
    )


def _follow(
    supervisor: JobSupervisor,
    guard: Guard,
    preparer: Preparer,
    notifier: Notifier,
    tracer: Tracer,
    settings: Settings,
) -> None:
    supervisor.resize(settings.server)
    guard.apply(_rule(settings.circuit_breaker))
    preparer.own = settings.server
    notifier.wanted = settings.notifications
    tracer.apply(settings.telemetry)
    set_log_level(settings.server.log_level)


def _tell_end(
    supervisor: JobSupervisor, metrics: Metrics, notifier: Notifier, tracer: Tracer, job: Job
) -> None:
    metrics.job(job)
    notifier.job_ended(job)
    handle = supervisor.find(job.id)
    tracer.job_ended(job, handle.log if handle is not None else None)


@asynccontextmanager
async def open_engine(
    *,
    settings: Settings,
    store: Store,
    state_dir: Path,
    loader: Loader,
    own: ClientContext,
    owner: str,
    choose_driver: ChooseDriver = choose_driver,
    open_exporter: OpenExporter = open_otlp,
    strict: bool = False,
) -> AsyncIterator[Engine]:
    """An engine over an open store.

    `settings` are what `own` said at the start; the engine follows what it says later. Leaving it,
    cancelled or not, ends every job and writes each end first.
    """
    async with open_temporary(state_dir, owner) as temporary:
        metrics = Metrics()
        guard = Guard(_rule(settings.circuit_breaker), metrics.breaker_opened)
        resources = TurnResources(
            guard=guard,
            store=store,
            temp_dir=temporary,
            scratch_dir=temporary / "scratch",
            data_dir=state_dir / "data",
            metrics=metrics,
            choose=choose_driver,
        )
        limits = slot_limits(settings.server)
        async with (
            open_watchdog(),
            open_notifier(
                settings.notifications, choose_driver(is_terminal=False), own.env, state_dir
            ) as notifier,
            open_tracer(settings.telemetry, own.env, store, open_exporter=open_exporter) as tracer,
            open_supervisor(store, limits, strict=strict) as supervisor,
        ):
            supervisor.tell_end = partial(_tell_end, supervisor, metrics, notifier, tracer)
            registry = CliRegistry(state_dir / "versions.json", choose_driver(is_terminal=False))
            preparer = Preparer(
                loader=loader,
                registry=registry,
                guard=guard,
                store=store,
                supervisor=supervisor,
                resources=resources,
                tracer=tracer,
                own=settings.server,
            )
            follow = partial(_follow, supervisor, guard, preparer, notifier, tracer)
            yield Engine(
                own=OwnSettings(settings, loader, own, follow),
                config=ConfigReader(loader),
                store=store,
                supervisor=supervisor,
                guard=guard,
                resources=resources,
                registry=registry,
                preparer=preparer,
                notifier=notifier,
                tracer=tracer,
                keys=ResearchKeys(own.env),
                owner=owner,
                state_dir=state_dir,
            )
