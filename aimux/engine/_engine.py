"""The engine as its users see it: prepare a request, start it, look at jobs and sessions."""

import datetime
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import trio

from aimux.config import ClientContext, Loader, Snapshot
from aimux.drivers import choose_driver, open_watchdog
from aimux.errors import NotFound
from aimux.logs import set_log_level
from aimux.model import (
    TERMINAL,
    BreakerSettings,
    Entry,
    Job,
    JobId,
    Problem,
    Report,
    Seat,
    Settings,
    TurnResult,
    Work,
)
from aimux.rules import BreakerRule, lineage
from aimux.store import Store
from aimux.times import utc_now

from ._ask import Asker
from ._clis import CliRegistry
from ._cwd import find_directory
from ._guard import Guard
from ._handle import JobHandle
from ._job_request import Client, JobRequest, PreparedJob, Survey
from ._jobs import JobStart, JobSupervisor, open_supervisor, slot_limits
from ._metrics import Metrics
from ._notify import Notifier, open_notifier
from ._prepare import Preparer
from ._recovery import clear_leftovers, open_temporary
from ._research_work import ResearchKeys, ResearchWork
from ._specs import ChooseDriver, TurnResources, TurnSpec
from ._work_copy import work_copies

CACHED_JOBS: Final = 64  # ended jobs read from the store, for callers that ask again
CACHED_CHARS: Final = 100_000  # of prompt and answer of one
TYPE_CHECKING = False  # what is read later is named here
if TYPE_CHECKING:
    from aimux.library.agents import AgentLibrary
    from aimux.library.audit import AuditRules
    from aimux.library.domains import DomainLibrary
    from aimux.library.skills import SkillLibrary

RELOAD_EVERY_S: Final = 1.0  # a reload is a `stat` per file; later calls see what was saved

log = logging.getLogger("aimux.engine")


class Engine:
    """Jobs, turns and CLIs, as tools see them. Made by `open_engine`.

    Long, because each use of a tool has one short method here.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        supervisor: JobSupervisor,
        guard: Guard,
        resources: TurnResources,
        registry: CliRegistry,
        loader: Loader,
        own: ClientContext,
        owner: str,
        state_dir: Path,
        notifier: Notifier,
    ) -> None:
        self.settings = settings
        self.store = store
        self.supervisor = supervisor
        self.guard = guard
        self.registry = registry
        self.metrics = resources.metrics
        self.copies = work_copies(state_dir, resources.choose)
        self.keys = ResearchKeys(own.env)
        self.started_at = utc_now()
        self._resources = resources
        self._loader = loader
        self._own = own
        self._last_snapshot: Snapshot | None = None
        self._next_reload = trio.current_time() + RELOAD_EVERY_S
        self._owner = owner
        self._state_dir = state_dir
        self._notifier = notifier
        self._cache: OrderedDict[str, Job] = OrderedDict()
        self._preparer = Preparer(
            loader=loader,
            registry=registry,
            guard=guard,
            store=store,
            supervisor=supervisor,
            resources=resources,
            own=settings.server,
        )

    def __repr__(self) -> str:
        return f"<Engine: {self.supervisor!r}, {self.store!r}>"

    # ------------------------------------------------------------------ own settings

    def apply(self, settings: Settings) -> None:
        """Take other limits from now on; what runs goes on."""
        self.settings = settings
        self.supervisor.resize(settings.server)
        self.guard.apply(_rule(settings.circuit_breaker))
        self._preparer.own = settings.server
        self._notifier.wanted = settings.notifications
        set_log_level(settings.server.log_level)

    def is_reload_due(self) -> bool:
        """Whether our own files may say something else than `settings`: then `reload` first."""
        return trio.current_time() >= self._next_reload

    async def reload(self) -> None:
        """Go by what our own configuration says now, if that was not asked a moment ago.

        A change with errors is logged once and otherwise ignored. Cancelled or not, a reload that
        has begun reads to its end.
        """
        if not self.is_reload_due():
            await trio.lowlevel.checkpoint()
            return
        self._next_reload = trio.current_time() + RELOAD_EVERY_S
        snapshot = await trio.to_thread.run_sync(self._loader.load, self._own)
        if snapshot is self._last_snapshot:
            return
        self._last_snapshot = snapshot
        if snapshot.accepted is not None:
            problems = [str(each) for each in snapshot.errors]
            log.warning("changed configuration refused", extra={"problems": problems})
        if snapshot.settings != self.settings:
            self.apply(snapshot.settings)
            log.info("configuration changed")

    # ------------------------------------------------------------------ preparing, starting

    async def snapshot(self, client: Client) -> Snapshot:
        """The client's own configuration as it is now. Cancelled or not, it reads to its end."""
        context = ClientContext(cwd=client.cwd, env=client.env)
        return await trio.to_thread.run_sync(self._loader.load, context)

    async def audit_rules(self, snapshot: Snapshot) -> "AuditRules":
        """The audit rules of a configuration. Cancelled or not, it reads to its end."""
        return await trio.to_thread.run_sync(self._loader.audit_rules, snapshot.paths)

    async def survey(self, request: JobRequest) -> Survey:
        """What there is to choose among for a request, before its seats are known.

        Cancelled or not, it reads files to their end.
        """
        return await self._preparer.survey(request)

    async def domains(self, client: Client) -> "DomainLibrary":
        """The domains of investigations that the client has.

        Cancelled or not, it reads to its end.
        """
        context = ClientContext(cwd=client.cwd, env=client.env)
        return await trio.to_thread.run_sync(self._loader.domains, context)

    async def skills(self, client: Client) -> "SkillLibrary":
        """The skills that the client has. Cancelled or not, it reads to its end."""
        context = ClientContext(cwd=client.cwd, env=client.env)
        return await trio.to_thread.run_sync(self._loader.skills, context)

    async def library_problems(self, client: Client) -> list[Problem]:
        """What is wrong with the client's skills, agents, domains and audit rules.

        Cancelled or not, it reads to its end.
        """
        context = ClientContext(cwd=client.cwd, env=client.env)
        return await trio.to_thread.run_sync(self._loader.library_problems, context)

    async def agents(self, client: Client, named: str, roots: Sequence[str]) -> "AgentLibrary":
        """The agents in the directory of a call that says `named`, of a client with `roots`.

        Cancelled or not, it reads to its end.

        Raises:
            InvalidArguments: there is no such directory.
        """

        def read() -> "AgentLibrary":
            directory = find_directory(named, roots, client.cwd, client.env)
            context = ClientContext(cwd=Path(directory.path), env=client.env)
            return self._loader.agents(context)

        return await trio.to_thread.run_sync(read)

    async def prepare(self, request: JobRequest) -> PreparedJob:
        """Decide everything about a request; nothing is started or written.

        Cancelling it leaves nothing.

        Raises:
            AimuxError: whatever would make it fail before a child runs; says the way out.
        """
        return await self._preparer.prepare(request)

    async def start(self, prepared: PreparedJob, work: Work | ResearchWork) -> JobHandle:
        """Admit and start a prepared job. It outlives this call; its row is committed.

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
        if isinstance(work, ResearchWork):
            run = partial(self._research, work)
        else:
            run = partial(self._work, prepared, work)
        handle = await self.supervisor.open_job(job, start, run)
        self._preparer.count_begun(request.client.env)
        return handle

    async def go_on(self) -> int:
        """Go on with what died servers left to vendors; how many jobs.

        Cancelled before the store has answered, they stay left.
        """
        left = await self.store.research.take_over(self._owner)
        await self.store.abort_orphans(self._owner, utc_now())  # what could not be read
        for job, task in left:
            work = ResearchWork(task=task, key="")
            start = JobStart(client_key=job.client, limit_s=task.limit_s)
            age_s = (utc_now() - (job.started_at or job.created_at)).total_seconds()
            run = partial(self._research, work)
            self.supervisor.adopt_job(job, start, run, age_s=max(0.0, age_s))
            log.info("goes on with a research", extra={"job": job.id})
        return len(left)

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

    # ------------------------------------------------------------------ looking

    async def job(self, job_id: str) -> tuple[Job, JobHandle | None]:
        """A job's row, and the hold on it while it is open or recent.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job.
        """
        handle = self.supervisor.find(job_id)
        if handle is not None:
            await trio.lowlevel.checkpoint()
            return handle.job, handle
        job = await self.store.job(JobId(job_id))
        self._keep(job)
        return job, None

    def job_nowait(self, job_id: str) -> tuple[Job, JobHandle | None] | None:
        """What `job` returns, if it is known without waiting: open, recent and lately read jobs."""
        handle = self.supervisor.find(job_id)
        if handle is not None:
            return handle.job, handle
        job = self._cache.get(job_id)
        return None if job is None else (job, None)

    def _keep(self, job: Job) -> None:
        """Keep an ended job for whoever asks again; it cannot change any more."""
        size = len(job.prompt) + (len(job.outcome.content) if job.outcome is not None else 0)
        if job.status in TERMINAL and size <= CACHED_CHARS:
            self._cache[job.id] = job
            while len(self._cache) > CACHED_JOBS:
                self._cache.popitem(last=False)

    async def turn(self, job_id: str, number: int) -> TurnResult:
        """What one turn of a job came to, or has come to so far.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job, or it has no such turn.
        """
        handle = self.supervisor.find(job_id)
        if handle is not None:
            found = handle.log.find_turn(number)
            if found is not None:
                await trio.lowlevel.checkpoint()
                return found
        result = await self.store.turn(JobId(job_id), number)
        if result is None:
            raise NotFound(
                f"job {job_id} has no turn {number}",
                code="turn_not_found",
                hint="status without turn lists them",
            )
        return result

    async def entries(self, job_id: JobId, after_seq: int) -> list[Entry]:
        """A job's log after a sequence number, from memory where that is enough.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job.
        """
        handle = self.supervisor.find(job_id)
        if handle is not None and after_seq + 1 >= handle.log.first_seq:
            await trio.lowlevel.checkpoint()
            return handle.log.since(after_seq)
        return await self.store.entries(job_id, after_seq)

    async def collect(self, older_than_h: float, *, dry_run: bool) -> Mapping[str, int]:
        """Remove jobs and sessions that ended longer ago than that, and return how many of each.

        Sessions of thinking that were not used since go too, and temporary files
        of servers that have died.

        Cancelling it leaves what was removed.
        """
        left = 0 if dry_run else await self.clear_leftovers()
        before = utc_now() - datetime.timedelta(hours=older_than_h)
        jobs = sessions = thoughts = 0
        while True:
            found = await self.store.collect(before, dry_run=dry_run)
            jobs += len(found.job_ids)
            sessions += len(found.session_ids)
            thoughts += found.thoughts
            if not dry_run:
                self.supervisor.drop_recent(found.job_ids)
                self._cache.clear()
            if dry_run or not found.has_more:
                return {
                    "jobs": jobs,
                    "sessions": sessions,
                    "thoughts": thoughts,
                    "leftovers": left,
                }

    async def clear_leftovers(self) -> int:
        """Remove temporary files of servers that were killed, and return how many servers.

        Processes that use them are ended first. Cancelled or not, what has begun is removed.
        """
        return await clear_leftovers(self._state_dir)


def _rule(settings: BreakerSettings) -> BreakerRule:
    return BreakerRule(
        threshold=settings.failure_threshold,
        cooldown_s=settings.cooldown_seconds,
        probes=settings.half_open_max_calls,
    )


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

        def tell_end(job: Job) -> None:
            metrics.job(job)
            notifier.job_ended(job)

        async with (
            open_watchdog(),
            open_notifier(
                settings.notifications, choose_driver(is_terminal=False), own.env, state_dir
            ) as notifier,
            open_supervisor(store, limits, strict=strict, tell_end=tell_end) as supervisor,
        ):
            yield Engine(
                settings=settings,
                store=store,
                supervisor=supervisor,
                guard=guard,
                resources=resources,
                registry=CliRegistry(state_dir / "versions.json", choose_driver(is_terminal=False)),
                loader=loader,
                own=own,
                owner=owner,
                state_dir=state_dir,
                notifier=notifier,
            )
