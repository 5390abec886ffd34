"""From what a caller wants to what is run: everything decided, nothing started.

Configuration, session, route, mode, directory and plans are settled here, so that a refused call
leaves no rows and no processes behind.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.config import ClientContext, Loader, Snapshot
from aimux.errors import AimuxError, InvalidArguments, PeerFault, Refusal
from aimux.model import (
    RANDOM_BYTES,
    JobTrace,
    Mode,
    Role,
    RouteRequest,
    Seat,
    ServerSettings,
    Session,
    SessionId,
    ulid,
)
from aimux.rules import (
    DEFAULT_ROLE,
    RoutingFacts,
    check_schema,
    check_session_id,
    check_session_kind,
    choose,
    enter_job,
    lineage,
    nested_limit_s,
)
from aimux.rules.traces import context_of_env, context_of_meta, place_job
from aimux.store import Store
from aimux.times import utc_now

from ._clis import CliRegistry
from ._cwd import WorkingDirectory, find_directory
from ._guard import Guard
from ._job_request import JobRequest, PreparedJob, Survey
from ._retelling import PastTurn, past_turns
from ._specs import TurnResources, TurnSpec, planned
from ._style import styled
from ._tracer import Tracer
from .jobs import JobSupervisor

KEPT_ROOTS: Final = 1_000  # jobs whose nested jobs are counted
EXEC_SEAT: Final = Seat()


def new_id(prefix: str) -> str:
    """A fresh id such as `job_01K…`."""
    return f"{prefix}_{ulid(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES))}"


class Preparer:
    """Decides requests. One per engine."""

    def __init__(
        self,
        *,
        loader: Loader,
        registry: CliRegistry,
        guard: Guard,
        store: Store,
        supervisor: JobSupervisor,
        resources: TurnResources,
        tracer: Tracer,
        own: ServerSettings,
    ) -> None:
        self._loader = loader
        self._registry = registry
        self._guard = guard
        self._store = store
        self._supervisor = supervisor
        self._resources = resources
        self._tracer = tracer
        self._begun: Counter[str] = Counter()  # jobs begun below a root job
        self.own = own  # the daemon's settings: what may be done here

    def __repr__(self) -> str:
        return f"<Preparer: {len(self._begun)} roots>"

    def begun(self, root: str) -> int:
        """How many jobs were begun below a root job."""
        return self._begun.get(root, 0)

    def count_begun(self, env: Mapping[str, str]) -> None:
        """A job was begun for a client with this environment."""
        root = lineage(env)[0].root
        if root:  # a refused job has begun nothing
            self._begun[root] += 1
            while len(self._begun) > KEPT_ROOTS:  # the oldest have ended long ago
                del self._begun[next(iter(self._begun))]

    async def prepare(self, request: JobRequest) -> PreparedJob:
        """Decide everything about a request; nothing is started or written.

        Cancelling it leaves nothing.

        Raises:
            AimuxError: whatever would make it fail before a child runs; says the way out.
        """
        session = await self._session(request) if request.session_id else None
        snapshot, directory = await trio.to_thread.run_sync(self._load, request, session)
        _check_prompt(request.prompt, snapshot.settings.server)
        if isinstance(directory, AimuxError):
            raise directory
        env = request.client.env
        clis = await self._registry.ready(snapshot, env, wanted=_named(request, session))
        told = [] if session is None else await self._told(session)
        job_id = new_id("job")
        limit_s = request.timeout_s or snapshot.settings.server.default_timeout_seconds
        is_new = session is None and request.keeps_session
        conversation_id = new_id("ses") if is_new else job_id
        if session is not None:
            conversation_id = session.id
        half = PreparedJob(
            request=request,
            job_id=job_id,
            snapshot=snapshot,
            clis=clis,
            seats={},
            plans=(),
            role=None,
            session=session,
            is_new_session=is_new,
            conversation_id=conversation_id,
            directory=directory,
            limit_s=nested_limit_s(env, limit_s),
            lineage=enter_job(env, job_id, descendants=self.begun(lineage(env)[0].root)),
            trace=self._trace(request, job_id),
        )
        if not request.has_seats:
            directory.check(half.mode)
            return half
        wanted = request.seats or (attrs.evolve(EXEC_SEAT, route=request.route),)
        half, style = styled(half, _role(half, wanted[0]))
        request = half.request
        seats = {seat.name: self.seat(half, seat) for seat in wanted}
        if is_new:
            session = _new_session(half, wanted[0], seats[wanted[0].name])
            half = attrs.evolve(half, session=session)
        if session is not None:
            seats = {name: _in_session(spec, session, told) for name, spec in seats.items()}
        first = seats[wanted[0].name] = attrs.evolve(
            seats[wanted[0].name],
            prompt=request.prompt,
            style=style,
            schema=None if request.schema is None else check_schema(request.schema),
        )
        plans = planned(first, self._resources)
        faults = [plan for plan in plans if isinstance(plan, AimuxError)]
        if len(faults) == len(plans):
            raise faults[0]
        return attrs.evolve(half, seats=seats, plans=plans, role=_role(half, wanted[0]))

    async def survey(self, request: JobRequest) -> Survey:
        """What there is to choose among for a request, before its seats are known.

        Cancelled or not, it reads files to their end.
        """
        snapshot, _ = await trio.to_thread.run_sync(self._load, request, None)
        clis = await self._registry.ready(
            snapshot, request.client.env, wanted=_named(request, None)
        )
        server = snapshot.settings.server
        facts = RoutingFacts(
            roles=snapshot.roles,
            overrides=snapshot.overrides,
            profiles=snapshot.profiles,
            ready=clis.keys(),
            health=self._guard.health(),
            cooled=self._guard.cooled_pairs(),
            order=server.cli_priority,
            fallback_max=server.fallback_max,
        )
        return Survey(snapshot=snapshot, facts=facts)

    def seat(self, prepared: PreparedJob, seat: Seat) -> TurnSpec:
        """What is decided about one seat of a job.

        Raises:
            AimuxError: it cannot be seated; says the way out.
        """
        request, snapshot = prepared.request, prepared.snapshot
        session = prepared.session if not prepared.is_new_session else None
        route = seat.route if session is None else _continued(seat, session)
        role = _role(prepared, seat)
        mode = _mode(seat.mode or request.mode, role, session, self.own)
        server = snapshot.settings.server
        routes = choose(
            route,
            snapshot.roles,
            snapshot.overrides,
            snapshot.profiles,
            prepared.clis.keys(),
            self._guard.health(),
            mode,
            cooled=self._guard.cooled_pairs(),
            order=server.cli_priority,
            fallback_max=server.fallback_max,
        )
        directory = prepared.directory
        if seat.cwd:
            directory = find_directory(seat.cwd, (), request.client.cwd, request.client.env)
        directory.check(mode)
        warnings = [*request.warnings, *directory.warnings, *routes.warnings]
        spec = TurnSpec(
            job_id=prepared.job_id,
            seat=seat.name,
            role=role.name if role is not None else "",
            instructions=role.text if role is not None else "",
            mode=mode,
            cwd=directory.path,
            env=request.client.env,
            lineage=prepared.lineage,
            trace=prepared.trace,
            routes=attrs.evolve(routes, warnings=warnings),
            clis=prepared.clis,
            settings=server,
            new_native_id=_native_name(prepared, seat),
            wants_terminal=request.wants_terminal,
            is_effort_wanted=bool(seat.route.effort),
            turn_limit_s=request.timeout_s,
            hooks=snapshot.settings.hooks,
            restates=seat.restates,
        )
        if seat.was_there and session is not None:
            return _in_session(spec, session, ())
        return spec

    def _trace(self, request: JobRequest, job_id: str) -> JobTrace | None:
        """Where a job stands in a trace: below its call, else below what started the client."""
        client = request.client
        parent = request.parent.job if request.parent is not None else None
        return place_job(
            job_id,
            context_of_meta(client.trace) or context_of_env(client.env),
            self._tracer.sampling,
            parent_id=parent.id if parent is not None else "",
            parent=parent.trace if parent is not None else None,
        )

    def _load(
        self, request: JobRequest, session: Session | None
    ) -> tuple[Snapshot, WorkingDirectory | AimuxError]:
        """All that is asked of the disk, in one visit to a thread. The project whose configuration
        counts is the root the job works in, else where the client started.
        """
        client = request.client
        named = request.cwd or (session.cwd if session is not None else "")
        directory: WorkingDirectory | AimuxError
        try:
            directory = find_directory(named, request.roots, client.cwd, client.env)
        except AimuxError as error:
            directory = error
        cwd = client.cwd
        if not named and isinstance(directory, WorkingDirectory):
            cwd = Path(directory.path)
        return self._loader.load(ClientContext(cwd=cwd, env=client.env)), directory

    async def _session(self, request: JobRequest) -> Session:
        check_session_id(request.session_id)
        busy = self._supervisor.of_session(request.session_id)
        found = busy.session if busy is not None else None
        if found is None:
            found = await self._store.session(SessionId(request.session_id))
        check_session_kind(found, request.session_kind or request.tool)
        return found

    async def _told(self, session: Session) -> list[PastTurn]:
        """Earlier turns of a session; what it takes to continue it without the CLI's help.

        Raises:
            Refusal: nothing was answered in it, so there is nothing to continue.
        """
        page = await self._store.jobs(session_id=session.id)
        told = past_turns(page.jobs)
        if not told and not any(seat.native_id for seat in session.seats.values()):
            raise Refusal(
                f"session {session.id} has no answered turn to continue from",
                code="session_not_resumable",
                hint="start a new one: leave session_id out",
                retryable=False,
            )
        return told


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


def _named(request: JobRequest, session: Session | None) -> set[str]:
    """The CLIs that a request will not do without."""
    seats = () if session is None else session.seats.values()
    named = {request.route.cli, *request.clis, *(each.route.cli for each in request.seats)}
    return named | {seat.cli for seat in seats}


def _in_session(spec: TurnSpec, session: Session, told: Sequence[PastTurn]) -> TurnSpec:
    """The spec with what its seat's session knows."""
    seat = session.seat(spec.seat)
    return attrs.evolve(
        spec,
        session_id=session.id,
        native_id=seat.native_id,
        native_cli=seat.cli,
        told=told if not spec.seat else (),
    )


def _continued(seat: Seat, session: Session) -> RouteRequest:
    """The route of a seat whose session goes on: it stays with its CLI.

    Another one may step in, told of what was said, if the caller says so (`fallback=true`). A named
    seat is free to begin anew with another CLI: its strategy tells it everything, and one that has
    not spoken belongs to nobody yet.
    """
    known = session.seat(seat.name)
    route = seat.route
    if seat.name and (seat.name not in session.seats or route.cli not in ("", known.cli)):
        return route
    if route.cli and route.cli != known.cli:
        raise PeerFault(
            f"session {session.id} belongs to {known.cli}, not {route.cli}",
            code="session_cli_mismatch",
            hint="leave cli out, or start a new session",
        )
    return attrs.evolve(
        route,
        cli=known.cli,
        role=route.role or session.role,
        model=route.model or known.model,
        fallback=bool(route.fallback),
    )


def _role(prepared: PreparedJob, seat: Seat) -> Role | None:
    route = seat.route
    if prepared.session is not None and not prepared.is_new_session:
        route = _continued(seat, prepared.session)
    name = route.role or ("" if route.cli else DEFAULT_ROLE)
    return prepared.snapshot.roles.get(name) if name else None


def _mode(
    wanted: Mode | None, role: Role | None, session: Session | None, own: ServerSettings
) -> Mode:
    mode = wanted
    if mode is None:
        mode = (
            session.mode if session is not None else (role.mode if role is not None else Mode.READ)
        )
    if mode is Mode.DANGER and not own.allow_danger:
        raise Refusal(
            "mode=danger is not allowed here",
            code="mode_refused",
            hint="set server.allow_danger: true in the user's default.yaml, or use mode=write",
            retryable=False,
        )
    return mode


def _native_name(prepared: PreparedJob, seat: Seat) -> str:
    """What a CLI that lets us name its session is to call this one."""
    known = prepared.conversation_id
    if seat.cwd and not seat.was_there and not prepared.is_new_session:
        known = prepared.job_id  # the session's own name is taken, by what it said elsewhere
    name = f"{known}-{seat.name}" if seat.name else known
    return name.replace("_", "-").lower()


def _new_session(prepared: PreparedJob, seat: Seat, first: TurnSpec) -> Session:
    now = utc_now()
    return Session(
        id=SessionId(prepared.conversation_id),
        cli=first.routes.candidates[0].cli,
        kind=prepared.request.session_kind or prepared.request.tool,
        mode=first.mode,
        role=seat.route.role,
        cwd=prepared.cwd,
        client=prepared.request.client.name,
        created_at=now,
        last_active_at=now,
    )
