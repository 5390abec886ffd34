"""What a caller wants done, and the same with everything decided: values of `Preparer`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from aimux.config import Snapshot
from aimux.errors import AimuxError
from aimux.model import (
    Budget,
    Mode,
    Plan,
    Role,
    RouteRequest,
    Seat,
    ServerSettings,
    Session,
    Warned,
)
from aimux.rules import Lineage, RoutingFacts

from ._clis import Cli
from ._cwd import WorkingDirectory
from ._handle import JobHandle
from ._specs import TurnSpec


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


@attrs.frozen(kw_only=True)
class JobRequest:
    """What a caller wants done. Empty and None mean: decide for me.

    `prompt` is what is asked of the first seat; a strategy makes its own of it. `seats` empty is
    one seat on `route`. `roots` are the directories the client works in: the first that exists
    counts where neither `cwd` nor a session says more. `warnings` go with the answer.
    """

    tool: str
    prompt: str
    client: Client
    route: RouteRequest = attrs.field(factory=RouteRequest)
    seats: Sequence[Seat] = ()
    mode: Mode | None = None
    cwd: str = ""
    roots: Sequence[str] = ()
    warnings: Sequence[Warned] = ()
    session_id: str = ""
    keeps_session: bool = True
    timeout_s: float | None = None
    budget: Budget = attrs.field(factory=Budget)
    parent: JobHandle | None = None
    wants_terminal: bool = False
    schema: Mapping[str, object] | None = None


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
        """What is decided about the first seat."""
        return next(iter(self.seats.values()))
