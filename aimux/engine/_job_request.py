"""What a caller wants done, and the same with everything decided: values of `Preparer`."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs

from aimux.config import Snapshot
from aimux.errors import AimuxError
from aimux.model import (
    Budget,
    Job,
    JobId,
    JobTrace,
    Mode,
    Plan,
    Role,
    Route,
    RouteRequest,
    Seat,
    ServerSettings,
    Session,
    SessionId,
    Warned,
)
from aimux.rules import Lineage, RoutingFacts, excerpt
from aimux.times import utc_now

from ._clis import Cli
from ._cwd import WorkingDirectory
from ._specs import TurnSpec
from .jobs import JobHandle

PREVIEW_CHARS: Final = 200


class Client(Protocol):
    """Who asks, with its own directory and environment. `key` is what fairness goes by."""

    @property
    def name(self) -> str:
        """What the client calls itself."""

    @property
    def key(self) -> str:
        """What tells it from other clients."""

    @property
    def cwd(self) -> Path:
        """Its working directory."""

    @property
    def env(self) -> Mapping[str, str]:
        """Its environment."""

    @property
    def trace(self) -> Mapping[str, object]:
        """What its call said of the distributed trace it stands in, as it came."""


@attrs.frozen(kw_only=True)
class JobRequest:
    """What a caller wants done. Empty and None mean: decide for me.

    `prompt` is what is asked of the first seat; a strategy makes its own of it. `seats` empty is
    one seat on `route`; without `has_seats` its work asks nobody itself. `roots` are the
    directories the client works in: the first that exists counts where neither `cwd` nor a session
    says more. `warnings` go with the answer. `style` is the form of the first seat's answer: empty
    is its role's, None is none, for answers that only a strategy reads. `works_on` is the id of
    what no other job may work on meanwhile. `clis` are named in the call, for seats that are chosen
    when it is known which are installed. `asked` is what the job is repeated
    with: the call's arguments.
    """

    tool: str
    prompt: str
    client: Client
    route: RouteRequest = attrs.field(factory=RouteRequest)
    seats: Sequence[Seat] = ()
    has_seats: bool = True
    clis: Collection[str] = ()
    mode: Mode | None = None
    cwd: str = ""
    roots: Sequence[str] = ()
    warnings: Sequence[Warned] = ()
    session_id: str = ""
    keeps_session: bool = True
    session_kind: str = ""  # empty: the tool's name
    works_on: str = ""
    timeout_s: float | None = None
    budget: Budget = attrs.field(factory=Budget)
    parent: JobHandle | None = None
    wants_terminal: bool = False
    schema: Mapping[str, object] | None = None
    style: str | None = None
    asked: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Survey:
    """What a request may choose among: its configuration, and the CLIs as they are now."""

    snapshot: Snapshot
    facts: RoutingFacts


@attrs.frozen(kw_only=True)
class PreparedJob:
    """A request with everything decided. `plans` are those of the first seat's candidates."""

    request: JobRequest
    job_id: str
    snapshot: Snapshot
    clis: Mapping[str, Cli]
    seats: Mapping[str, TurnSpec]  # by name, in the order of the request
    plans: Sequence[Plan | AimuxError]
    role: Role | None  # of the first seat
    session: Session | None
    is_new_session: bool
    conversation_id: str  # the session's id, the job's without one: what CLIs' sessions are called
    directory: WorkingDirectory
    limit_s: float
    lineage: Lineage  # where the job's children stand
    trace: JobTrace | None = None

    @property
    def cwd(self) -> str:
        """Where its turns work, unless their seat says more."""
        return self.directory.path

    @property
    def settings(self) -> ServerSettings:
        """The client's own settings of the server."""
        return self.snapshot.settings.server

    @property
    def first(self) -> TurnSpec:
        """What is decided about the first seat. It has one."""
        return next(iter(self.seats.values()))

    @property
    def mode(self) -> Mode:
        """What the job may do: as its first seat, else as the request says."""
        return self.first.mode if self.seats else self.request.mode or Mode.READ

    @property
    def route(self) -> Route:
        """Where its first turn goes; nowhere if it has no seats."""
        return self.first.routes.candidates[0] if self.seats else Route(cli="")

    def job(self, owner: str) -> Job:
        """The row of the job, as it begins now under this owner."""
        request, route = self.request, self.route
        return Job(
            id=JobId(self.job_id),
            session_id=self.session.id if self.session is not None else SessionId(""),
            parent_id=request.parent.id if request.parent is not None else JobId(""),
            tool=request.tool,
            role=self.first.role if self.seats else "",
            cli=route.cli,
            model=route.model,
            effort=route.effort,
            mode=self.mode,
            cwd=self.first.cwd if self.seats else self.cwd,
            client=request.client.name,
            owner=owner,
            prompt_preview=excerpt(request.prompt, PREVIEW_CHARS),
            prompt=request.prompt,
            asked=request.asked,
            trace=self.trace,
            created_at=utc_now(),
        )
