"""The engine as its users see it: prepare a wish, start it, look at jobs and sessions.

Preparing decides everything that can be decided without starting anything (configuration, session,
route, mode, directory, plans), so that a refused call leaves no rows and no processes behind.
"""

import datetime
import logging
import os
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import attrs
import trio

from aimux.config import ClientContext, Loader, Snapshot
from aimux.drivers import choose_driver, open_watchdog
from aimux.errors import AimuxError, InvalidArguments, PeerFault, Refusal
from aimux.logs import set_log_level
from aimux.model import (
    RANDOM_BYTES,
    TERMINAL,
    BreakerSettings,
    Entry,
    Job,
    JobFinished,
    JobId,
    Mode,
    Plan,
    Role,
    ServerSettings,
    Session,
    SessionId,
    Settings,
    ulid,
)
from aimux.rules import (
    DEFAULT_ROLE,
    Admission,
    BreakerRule,
    RouteRequest,
    Routes,
    check_schema,
    choose,
    enter_job,
    excerpt,
    lineage,
    nested_limit_s,
    redact,
)
from aimux.store import Store

from ._attempts import ChooseDriver, TurnResources, TurnSpec, planned, run_attempts
from ._clis import CliRegistry
from ._guard import Guard
from ._jobs import JobHandle, JobSupervisor, open_supervisor
from ._log import utc_now
from ._metrics import Metrics
from ._retelling import PastTurn, past_turns

PREVIEW_CHARS: Final = 200
VERIFY_PROMPT: Final = "Answer with the single word: ready"
VERIFY_S: Final = 60.0  # a CLI that retries a refused key silently is not logged in either
VERIFIED_AT_ONCE: Final = 3  # real CLIs take up to half a gigabyte each
KEPT_ROOTS: Final = 1_000  # jobs whose nested jobs are counted
SHELVED_JOBS: Final = 64  # ended jobs read from the store, for callers that ask again
SHELVED_CHARS: Final = 100_000  # of prompt and answer of one
RELOAD_EVERY_S: Final = 1.0  # a look is a `stat` per file; calls later than this see what was saved

log = logging.getLogger("aimux.engine")


class Client(Protocol):
    """Who asks, with its own directory and environment. `key` is what fairness goes by."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def cwd(self) -> Path: ...
    @property
    def env(self) -> Mapping[str, str]: ...


@attrs.frozen(kw_only=True)
class JobRequest:
    """One prompt as a caller wants it run. Empty and None mean: decide for me."""

    tool: str
    prompt: str
    route: RouteRequest
    client: Client
    mode: Mode | None = None
    cwd: str = ""
    session_id: str = ""
    timeout_s: float | None = None
    wants_terminal: bool = False
    schema: Mapping[str, object] | None = None


@attrs.frozen(kw_only=True)
class Prepared:
    """A wish with everything decided; `plans` has one entry per candidate of `spec.routes`."""

    request: JobRequest
    spec: TurnSpec
    role: Role | None
    session: Session
    is_new_session: bool
    limit_s: float
    settings: ServerSettings
    plans: Sequence[Plan | AimuxError]


def new_id(prefix: str) -> str:
    """A fresh id such as `job_01K…`."""
    return f"{prefix}_{ulid(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES))}"


class Engine:
    """Made by `open_engine`."""

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
    ) -> None:
        self.settings = settings
        self.store = store
        self.supervisor = supervisor
        self.guard = guard
        self.registry = registry
        self.metrics = resources.metrics
        self.started_at = utc_now()
        self._resources = resources
        self._loader = loader
        self._own = own
        self._last_snapshot: Snapshot | None = None
        self._next_reload = trio.current_time() + RELOAD_EVERY_S
        self._owner = owner
        self._shelf: OrderedDict[str, Job] = OrderedDict()
        self._descendants: Counter[str] = Counter()  # jobs begun below a root job

    def __repr__(self) -> str:
        return f"<Engine: {self.supervisor!r}, {self.store!r}>"

    # ------------------------------------------------------------------ own settings

    def apply(self, settings: Settings) -> None:
        """Take other limits from now on; what runs goes on."""
        self.settings = settings
        self.supervisor.resize(settings.server)
        self.guard.resize(_rule(settings.circuit_breaker), settings.server.max_jobs_per_cli)
        set_log_level(settings.server.log_level)

    def is_reload_due(self) -> bool:
        """Whether our own files may say something else than `settings`: then `reload` first."""
        return trio.current_time() >= self._next_reload

    async def reload(self) -> None:
        """Go by what our own configuration says now, if that was not asked a moment ago.

        A change with errors is logged once and otherwise ignored. Cancelled or not, a look that
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

    # ------------------------------------------------------------------ preparing

    async def snapshot(self, client: Client) -> Snapshot:
        """The client's own configuration as it is now."""
        context = ClientContext(cwd=client.cwd, env=client.env)
        return await trio.to_thread.run_sync(self._loader.load, context)

    async def prepare(self, request: JobRequest) -> Prepared:
        """Decide everything about a wish; nothing is started or written.

        Raises:
            AimuxError: whatever would make it fail before a child runs; says the way out.
        """
        session = await self._session(request.session_id) if request.session_id else None
        snapshot, cwd = await trio.to_thread.run_sync(self._see, request, session)
        _check_prompt(request.prompt, snapshot.settings.server)
        route = request.route if session is None else _continued(request.route, session)
        role = _role(route, snapshot)
        mode = _mode(request, role, session, self.settings.server)
        if isinstance(cwd, AimuxError):
            raise cwd
        clis = await self.registry.ready(snapshot, request.client.env)
        routes = choose(
            route,
            snapshot.roles,
            snapshot.overrides,
            snapshot.profiles,
            clis.keys(),
            self.guard.health(),
            mode,
            cooled=self.guard.cooled_pairs(),
            order=snapshot.settings.server.cli_priority,
            fallback_max=snapshot.settings.server.fallback_max,
        )
        now = time.time()
        primary = clis[routes.candidates[0].cli].profile
        env = request.client.env
        limit_s = nested_limit_s(
            env, request.timeout_s or snapshot.settings.server.default_timeout_seconds
        )
        root = lineage(env)[0].root
        job_id = new_id("job")
        is_new = session is None
        told = [] if session is None else await self._told(session)
        is_resume = session is not None and bool(session.native_id and primary.resume.flags)
        if session is None:
            session = _new_session(request, routes, mode, cwd, route.role)
        spec = TurnSpec(
            job_id=job_id,
            prompt=request.prompt,
            instructions=role.text if role is not None else "",
            mode=mode,
            cwd=cwd,
            env=env,
            extra_env=enter_job(
                env,
                job_id,
                deadline=now + limit_s,
                now=now,
                descendants=self._descendants[root] if root else 0,
            ),
            routes=routes,
            clis=clis,
            settings=snapshot.settings.server,
            native_id=session.native_id if is_resume else "",
            is_resume=is_resume,
            told=told,
            new_native_id=session.id.replace("_", "-").lower(),
            wants_terminal=request.wants_terminal,
            is_effort_wanted=bool(request.route.effort),
            turn_limit_s=request.timeout_s,
            hooks=snapshot.settings.hooks,
            schema=None if request.schema is None else check_schema(request.schema),
        )
        plans = planned(spec, self._resources)
        if all(isinstance(plan, AimuxError) for plan in plans):
            raise plans[0]  # type: ignore[misc]  # the line above says what they are
        return Prepared(
            request=request,
            spec=spec,
            role=role,
            session=session,
            is_new_session=is_new,
            limit_s=limit_s,
            settings=snapshot.settings.server,
            plans=plans,
        )

    def _see(
        self, request: JobRequest, session: Session | None
    ) -> tuple[Snapshot, str | AimuxError]:
        """All that is asked of the disk, in one visit to a thread."""
        context = ClientContext(cwd=request.client.cwd, env=request.client.env)
        return self._loader.load(context), _directory(request, session)

    async def _session(self, session_id: str) -> Session:
        busy = self.supervisor.of_session(session_id)
        return busy.session if busy else await self.store.session(SessionId(session_id))

    async def _told(self, session: Session) -> list[PastTurn]:
        """Earlier turns of a session; what it takes to continue it without the CLI's help.

        Raises:
            Refusal: nothing was answered in it, so there is nothing to continue.
        """
        page = await self.store.jobs(session_id=session.id)
        told = past_turns(page.jobs)
        if not told and not session.native_id:
            raise Refusal(
                f"session {session.id} has no answered turn to continue from",
                code="session_not_resumable",
                hint="start a new one: leave session_id out",
                retryable=False,
            )
        return told

    # ------------------------------------------------------------------ starting

    async def start(self, prepared: Prepared) -> JobHandle:
        """Admit and start a prepared wish. The job outlives this call; its row is committed.

        Raises:
            TooManyJobs, Refusal, StoreUnavailable: nothing was started.
        """
        request, spec = prepared.request, prepared.spec
        route = spec.routes.candidates[0]
        job = Job(
            id=JobId(spec.job_id),
            session_id=prepared.session.id,
            tool=request.tool,
            role=prepared.role.name if prepared.role is not None else "",
            cli=route.cli,
            model=route.model,
            effort=route.effort,
            mode=spec.mode,
            cwd=spec.cwd,
            client=request.client.name,
            owner=self._owner,
            prompt_preview=excerpt(request.prompt, PREVIEW_CHARS),
            prompt=redact(request.prompt),
            created_at=utc_now(),
        )
        handle = await self.supervisor.open_job(
            job,
            prepared.session,
            partial(self._work, prepared),
            is_new_session=prepared.is_new_session,
            client_key=request.client.key,
            limit_s=prepared.limit_s,
        )
        root = lineage(spec.env)[0].root
        if root:  # a refused job has begun nothing
            self._descendants[root] += 1
            while len(self._descendants) > KEPT_ROOTS:  # the oldest have ended long ago
                del self._descendants[next(iter(self._descendants))]
        return handle

    async def _work(self, prepared: Prepared, handle: JobHandle) -> JobFinished:
        return await run_attempts(prepared.spec, prepared.plans, handle, self._resources)

    async def verify(self, client: Client, *, only: str = "") -> None:
        """Run one tiny prompt on each installed CLI (or on one), so that its login is known.

        What they answer is in `guard.verified`; a CLI that cannot be run says nothing. At most
        `VERIFIED_AT_ONCE` run together, each for at most `VERIFY_S`. Cancelling it ends them.
        """
        snapshot = await self.snapshot(client)
        clis = await self.registry.ready(snapshot, client.env, refresh=True)
        places = trio.CapacityLimiter(VERIFIED_AT_ONCE)

        async def ask(cli: str) -> None:
            request = JobRequest(
                tool="verify",
                prompt=VERIFY_PROMPT,
                route=RouteRequest(cli=cli, fallback=False),
                client=client,
                mode=Mode.READ,
                timeout_s=VERIFY_S,
            )
            async with places:
                try:
                    handle = await self.start(await self.prepare(request))
                except AimuxError as error:
                    log.info("not verified", extra={"cli": cli, "error": error.message})
                    return
                try:
                    await handle.done.wait()
                finally:
                    handle.cancel("verification given up")

        async with trio.open_nursery() as asking:
            for cli in clis:
                if not only or cli == only:
                    asking.start_soon(ask, cli)

    # ------------------------------------------------------------------ looking

    async def job(self, job_id: str) -> tuple[Job, JobHandle | None]:
        """A job's row, and the hold on it while it is open or recent.

        Raises:
            NotFound: no such job.
        """
        handle = self.supervisor.find(job_id)
        if handle is not None:
            await trio.lowlevel.checkpoint()
            return handle.job, handle
        job = await self.store.job(JobId(job_id))
        self._shelve(job)
        return job, None

    def job_nowait(self, job_id: str) -> tuple[Job, JobHandle | None] | None:
        """The same without waiting: open, recent and lately read jobs; None for any other."""
        handle = self.supervisor.find(job_id)
        if handle is not None:
            return handle.job, handle
        job = self._shelf.get(job_id)
        return None if job is None else (job, None)

    def _shelve(self, job: Job) -> None:
        """Keep an ended job for whoever asks again; it cannot change any more."""
        size = len(job.prompt) + (len(job.outcome.content) if job.outcome is not None else 0)
        if job.status in TERMINAL and size <= SHELVED_CHARS:
            self._shelf[job.id] = job
            while len(self._shelf) > SHELVED_JOBS:
                self._shelf.popitem(last=False)

    async def entries(self, job_id: JobId, after_seq: int) -> list[Entry]:
        """A job's log after a sequence number, from memory where that is enough.

        Raises:
            NotFound: no such job.
        """
        handle = self.supervisor.find(job_id)
        if handle is not None and after_seq + 1 >= handle.log.first_seq:
            await trio.lowlevel.checkpoint()
            return handle.log.since(after_seq)
        return await self.store.entries(job_id, after_seq)

    async def collect(self, older_than_h: float, *, dry_run: bool) -> Mapping[str, int]:
        """Remove jobs and sessions that ended longer ago than that; how many of each."""
        before = utc_now() - datetime.timedelta(hours=older_than_h)
        jobs = sessions = 0
        while True:
            found = await self.store.collect(before, dry_run=dry_run)
            jobs += len(found.job_ids)
            sessions += len(found.session_ids)
            if not dry_run:
                self.supervisor.drop_recent(found.job_ids)
                self._shelf.clear()
            if dry_run or not found.has_more:
                return {"jobs": jobs, "sessions": sessions}


# ---------------------------------------------------------------------- what prepare decides


def _check_prompt(prompt: str, settings: ServerSettings) -> None:
    size = len(prompt.encode(errors="surrogatepass"))
    if size > settings.max_prompt_bytes:
        raise PeerFault(
            f"prompt of {size} bytes is larger than server.max_prompt_bytes "
            f"({settings.max_prompt_bytes})",
            code="prompt_too_large",
            hint="put the material into a file in cwd and name it in the prompt",
        )
    if not prompt.strip():
        raise InvalidArguments(
            "prompt is blank",
            problems=[{"path": "prompt", "value": prompt, "expected": "some text"}],
        )


def _continued(route: RouteRequest, session: Session) -> RouteRequest:
    if route.cli and route.cli != session.cli:
        raise PeerFault(
            f"session {session.id} belongs to {session.cli}, not {route.cli}",
            code="session_cli_mismatch",
            hint="leave cli out, or start a new session",
        )
    return attrs.evolve(
        route,
        cli=session.cli,
        role=route.role or session.role,
        model=route.model or session.model,
        fallback=False,
    )


def _role(route: RouteRequest, snapshot: Snapshot) -> Role | None:
    name = route.role or ("" if route.cli else DEFAULT_ROLE)
    return snapshot.roles.get(name) if name else None


def _mode(
    request: JobRequest, role: Role | None, session: Session | None, settings: ServerSettings
) -> Mode:
    mode = request.mode
    if mode is None:
        mode = (
            session.mode if session is not None else (role.mode if role is not None else Mode.READ)
        )
    if mode is Mode.DANGER and not settings.allow_danger:
        raise Refusal(
            "mode=danger is not allowed here",
            code="mode_refused",
            hint="set server.allow_danger: true in the user's default.yaml, or use mode=write",
            retryable=False,
        )
    return mode


def _directory(request: JobRequest, session: Session | None) -> str | AimuxError:
    """The working directory, or what is wrong with it. Touches the file system."""
    named = request.cwd or (session.cwd if session is not None else "")
    cwd = Path(named) if named else request.client.cwd
    problem = ""
    if any(ord(char) < 32 for char in str(cwd)):
        problem = "an existing directory without control characters in its name"
    elif not cwd.is_absolute():
        problem = "an absolute path"
    elif not cwd.exists():
        problem = "an existing directory (there is nothing of that name)"
    elif not cwd.is_dir():
        problem = "a directory (this is a file)"
    elif not os.access(cwd, os.R_OK | os.X_OK):
        problem = "a directory that can be read"
    if problem:
        error = InvalidArguments(
            f"cwd {str(cwd)!r}: expected {problem}",
            problems=[{"path": "cwd", "value": str(cwd), "expected": problem}],
        )
        error.code = "cwd_invalid"
        return error
    return str(cwd)


def _new_session(request: JobRequest, routes: Routes, mode: Mode, cwd: str, role: str) -> Session:
    now = utc_now()
    return Session(
        id=SessionId(new_id("ses")),
        cli=routes.candidates[0].cli,
        kind=request.tool,
        model=routes.candidates[0].model,
        mode=mode,
        role=role,
        cwd=cwd,
        client=request.client.name,
        created_at=now,
        last_active_at=now,
    )


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
    """An engine over an open store. Leaving it ends every job, and writes each end, first.

    `settings` are what `own` said at the start; the engine follows what it says later.
    """
    server = settings.server
    guard = Guard(_rule(settings.circuit_breaker), places_per_cli=server.max_jobs_per_cli)
    resources = TurnResources(
        guard=guard,
        store=store,
        temp_dir=state_dir / "tmp",
        scratch_dir=state_dir / "scratch",
        data_dir=state_dir / "data",
        metrics=Metrics(),
        choose=choose_driver,
    )
    admission = Admission(
        capacity=server.max_concurrent_jobs,
        per_client=server.max_jobs_per_client,
        queue=server.max_queued_jobs,
    )
    async with open_watchdog(), open_supervisor(store, admission, strict=strict) as supervisor:
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
        )
