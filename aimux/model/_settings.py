"""What a user may set: sections with defaults and the ranges in which a value makes sense.

The unit stands in the key's name. The names are those of the configuration file, so a path like
`server.transport.port` reads the same here, in YAML and (upper case, `_`) in the environment.
"""

import enum
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from attrs.validators import ge, gt, in_, le

from aimux.times import MAX_AGE_HOURS

_ADDRESS: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]*):(?P<port>\d{1,5})|(?P<bare>\d{1,5})")
LOOPBACK: Final = "127.0.0.1"  # a bare port never opens the machine to its network


class Source(enum.IntEnum):
    """The layer a value or file is from; the higher one wins.

    An installation's is the `config/` beside its executable: for everybody who uses it.
    """

    SHIPPED, INSTALLATION, USER, PROJECT, ENVIRONMENT, FLAG = range(6)


class Severity(enum.StrEnum):
    """How bad a problem of the configuration is."""

    WARNING = "warning"  # the value was used, or had no effect
    ERROR = "error"  # the value or file was left out


@attrs.frozen(kw_only=True)
class Problem:
    """One thing wrong with the configuration; `where` is `file:line`, a variable or a flag."""

    severity: Severity
    where: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        meant = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        return f"{self.message} @ {self.where}{meant}"


class LogLevel(enum.StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class TransportType(enum.StrEnum):
    """How clients reach this server."""

    STDIO = "stdio"
    HTTP = "http"
    SSE = "sse"


def address(text: str) -> tuple[str, int]:
    """Host and port of `8080`, `:8080` or `host:8080`; a missing host is loopback.

    Raises:
        ValueError: it is none of these, or the port is over 65535.
    """
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"] or found["bare"]) if found is not None else -1
    if found is None or port > 65535:
        raise ValueError(f"{text!r} is not a port, :port or host:port")
    return (found["host"] or "").strip("[]") or LOOPBACK, port


def _is_address(_: object, __: object, value: str) -> None:
    address(value)


def _is_path(_: object, __: object, value: str) -> None:
    if not value.startswith("/") or " " in value:
        raise ValueError(f"{value!r} is not a URL path like /mcp")


@attrs.frozen(kw_only=True)
class TransportSettings:
    """How the server is reached. `tls_cert` and `tls_key` are PEM files, both or none."""

    type: TransportType = TransportType.STDIO
    port: str = attrs.field(default=":8080", validator=_is_address)
    endpoint: str = attrs.field(default="/mcp", validator=_is_path)
    tls_cert: str = ""
    tls_key: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to bind."""
        return address(self.port)

    @property
    def reach(self) -> tuple[str, int]:
        """The same where nothing but what it publishes can be reached: no host means every one."""
        host, port = address(self.port)
        found = _ADDRESS.fullmatch(self.port)
        return ("" if found is not None and not found["host"] else host), port


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Limits, times and places of the server. Relative paths stand in the state directory."""

    log_level: LogLevel = LogLevel.INFO
    log_file: str = "aimux.log"
    db_path: str = "sessions.db"
    max_concurrent_jobs: int = attrs.field(default=10, validator=ge(1))  # root jobs
    max_concurrent_turns: int = attrs.field(default=10, validator=ge(1))
    max_turns_per_cli: int = attrs.field(default=6, validator=ge(0))  # 0: no limit of its own
    max_turns_per_client: int = attrs.field(default=0, validator=ge(0))  # 0: no limit of its own
    max_queued_jobs: int = attrs.field(default=100, validator=ge(0))  # 0: refuse when all are busy
    max_prompt_bytes: int = attrs.field(default=1_048_576, validator=ge(1))
    max_chars: int = attrs.field(default=16_384, validator=ge(1))
    session_ttl_hours: float = attrs.field(default=24.0, validator=[gt(0), le(MAX_AGE_HOURS)])
    gc_interval_seconds: float = attrs.field(default=300.0, validator=gt(0))
    progress_interval_seconds: float = attrs.field(default=10.0, validator=gt(0))
    streaming_grace_seconds: float = attrs.field(default=60.0, validator=gt(0))
    streaming_soft_warning_seconds: float = attrs.field(default=120.0, validator=gt(0))
    streaming_hard_stall_seconds: float = attrs.field(default=600.0, validator=gt(0))
    streaming_auto_cancel_seconds: float = attrs.field(default=900.0, validator=gt(0))
    default_async: bool = False
    default_timeout_seconds: float = attrs.field(default=3600.0, validator=gt(0))
    sync_wait_seconds: float = attrs.field(default=45.0, validator=ge(0))
    rate_limit_rps: float = attrs.field(default=10.0, validator=ge(0))  # 0: no limit
    rate_limit_burst: int = attrs.field(default=20, validator=ge(0))  # 0: no limit
    auth_token: str = attrs.field(default="", repr=False)
    transport: TransportSettings = attrs.field(factory=TransportSettings)
    idle_exit_seconds: float = attrs.field(default=900.0, validator=ge(0))  # 0: never
    drain_seconds: float = attrs.field(default=10.0, validator=ge(0))
    allow_danger: bool = False
    cli_priority: Sequence[str] = ()
    fallback_max: int = attrs.field(default=2, validator=ge(0))
    disabled_clis: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class BreakerSettings:
    """When a CLI is left alone for a while."""

    failure_threshold: int = attrs.field(default=3, validator=ge(1))
    cooldown_seconds: float = attrs.field(default=300.0, validator=gt(0))
    half_open_max_calls: int = attrs.field(default=1, validator=ge(1))


@attrs.frozen(kw_only=True)
class RoleSettings:
    """Where work of one role goes. An empty model or effort leaves it to the CLI's own default."""

    cli: str = ""
    model: str = ""
    reasoning_effort: str = ""


@attrs.frozen(kw_only=True)
class PanelSettings:
    """Members of a panel by name: `cli`, `cli:model` or `cli:model:effort`.

    A member of `veto` must hold what wins, else nothing does. An empty `judge` is chosen.
    """

    summary: str = ""
    members: Sequence[str] = ()
    quorum: int = attrs.field(default=2, validator=ge(1))
    veto: Sequence[str] = ()
    judge: str = ""


@attrs.frozen(kw_only=True)
class ConsensusSettings:
    """How a panel is asked where the call does not say."""

    default_blinded: bool = True
    default_synthesize: bool = False
    members: int = attrs.field(default=3, validator=ge(2))
    quorum: int = attrs.field(default=2, validator=ge(1))
    quorum_wait_seconds: float = attrs.field(default=60.0, validator=ge(0))
    max_turns: int = attrs.field(default=16, validator=ge(1))
    timeout_per_turn_seconds: float = attrs.field(default=600.0, validator=gt(0))


@attrs.frozen(kw_only=True)
class ThinkSettings:
    """When CLIs are asked as well, and how many."""

    auto_consensus_threshold: int = attrs.field(default=60, validator=[ge(0), le(100)])
    members: int = attrs.field(default=2, validator=[ge(1), le(12)])


def _are_programs(_: object, __: object, names: Sequence[str]) -> None:
    for name in names:
        if not name or name != name.strip() or "\0" in name:
            raise ValueError(f"{name!r} is no program, like python3")


@attrs.frozen(kw_only=True)
class AuditSettings:
    """Who audits where the call does not say, and how much of a tree is looked at.

    `check_programs` are those that a check of a deep audit may start, in a copy of the tree.
    """

    default_mode: str = attrs.field(
        default="standard", validator=in_(("quick", "standard", "deep"))
    )
    scanner_role: str = "codereview"
    validator_role: str = "analyze"
    parallel_scanners: int = attrs.field(default=3, validator=ge(1))
    scanner_timeout_seconds: float = attrs.field(default=600.0, validator=gt(0))
    validator_timeout_seconds: float = attrs.field(default=300.0, validator=gt(0))
    max_files: int = attrs.field(default=5_000, validator=ge(1))
    ignore: Sequence[str] = ()
    check_programs: Sequence[str] = attrs.field(default=(), validator=_are_programs)
    check_timeout_seconds: float = attrs.field(default=60.0, validator=gt(0))  # of one command


def _is_vendor(_: object, __: object, value: str) -> None:
    """A key goes there: over TLS, or not off this machine."""
    try:
        found = urllib.parse.urlsplit(value)
        is_near = found.hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        raise ValueError(f"{value!r} is not a URL") from None
    if not found.hostname or found.username or found.query or found.fragment:
        raise ValueError(f"{value!r} is not a plain https URL")
    if found.scheme != "https" and not (is_near and found.scheme == "http"):
        raise ValueError(f"{value!r} is not an https URL; http is for this machine only")


@attrs.frozen(kw_only=True)
class ResearchSettings:
    """Whom `deepresearch` asks where the client has a key, and how long answers are kept."""

    base_url: str = attrs.field(
        default="https://generativelanguage.googleapis.com", validator=_is_vendor
    )
    model: str = "deep-research-preview-04-2026"
    poll_seconds: float = attrs.field(default=10.0, validator=gt(0))
    request_timeout_seconds: float = attrs.field(default=60.0, validator=gt(0))
    cache_days: float = attrs.field(default=30.0, validator=[ge(0), le(MAX_AGE_HOURS / 24)])


@attrs.frozen(kw_only=True)
class WorkflowSettings:
    """How steps are run where nothing else limits them."""

    max_parallel_steps: int = attrs.field(default=4, validator=ge(1))


@attrs.frozen(kw_only=True)
class DialogSettings:
    """How two build an answer together where the call does not say."""

    max_turns: int = attrs.field(default=6, validator=ge(2))
    timeout_per_turn_seconds: float = attrs.field(default=600.0, validator=gt(0))


@attrs.frozen(kw_only=True)
class DebateSettings:
    """How a debate is held where the call does not say."""

    default_synthesize: bool = True
    max_turns: int = attrs.field(default=6, validator=ge(2))  # of the two sides
    timeout_per_turn_seconds: float = attrs.field(default=600.0, validator=gt(0))


def _are_below(_: object, __: object, names: Sequence[str]) -> None:
    for name in names:
        if not name or name.startswith(("/", "\\")) or ".." in name.split("/") or ":" in name:
            raise ValueError(f"{name!r} is no directory below a project, like node_modules")


@attrs.frozen(kw_only=True)
class PairSettings:
    """How a driver and a reviewer work where the call does not say.

    `verify` are commands that must pass, split as a shell would and run without one; `linked_dirs`
    are directories of a project that they need and git ignores.
    """

    default: bool = False
    max_rounds: int = attrs.field(default=3, validator=ge(1))
    driver_role: str = "coding"
    reviewer_role: str = "codereview"
    driver_timeout_seconds: float = attrs.field(default=900.0, validator=gt(0))
    reviewer_timeout_seconds: float = attrs.field(default=300.0, validator=gt(0))
    check_timeout_seconds: float = attrs.field(default=300.0, validator=gt(0))  # of one command
    verify: Sequence[str] = ()
    linked_dirs: Sequence[str] = attrs.field(default=(), validator=_are_below)
    best_of: int = attrs.field(default=1, validator=[ge(1), le(6)])


@attrs.frozen(kw_only=True)
class AgentSettings:
    """How agents are run where the call does not say.

    `max_turns` is what an agent's own file may lower and not raise. `project_mode` is the most that
    an agent of a project gets.
    """

    max_turns: int = attrs.field(default=4, validator=[ge(1), le(20)])
    project_mode: str = attrs.field(default="read", validator=in_(("read", "write")))


class HookTime(enum.StrEnum):
    """When a hook is consulted."""

    BEFORE = "before"  # a turn: may block it, skip it or change its prompt
    AFTER = "after"  # a turn: may annotate or reject its answer


class HookError(enum.StrEnum):
    """What a hook's own failure means."""

    OPEN = "open"  # the turn goes on, with a warning
    CLOSED = "closed"  # the turn is blocked or its answer rejected


@attrs.frozen(kw_only=True)
class HookSettings:
    """A command asked around every turn: JSON on its stdin, JSON on its stdout.

    An empty `clis` or `roles` means all of them.
    """

    when: HookTime = HookTime.BEFORE
    command: Sequence[str] = ()
    timeout_seconds: float = attrs.field(default=5.0, validator=gt(0))
    on_error: HookError = HookError.OPEN
    clis: Sequence[str] = ()
    roles: Sequence[str] = ()


class NotifyOn(enum.StrEnum):
    """What a notification tells of."""

    ENDED = "ended"  # a job has ended, however
    WAITING = "waiting"  # its CLI asks something


def _is_receiver(_: object, __: object, value: str) -> None:
    if value:
        _is_vendor(_, __, value)


@attrs.frozen(kw_only=True)
class NotificationSettings:
    """A command or a webhook that is told of jobs; of both the command is.

    The text is JSON: on the command's stdin, or as a POST to `url`, signed with the secret in
    `secret_file` where there is one.
    """

    on: Sequence[NotifyOn] = (NotifyOn.ENDED, NotifyOn.WAITING)
    command: Sequence[str] = ()
    url: str = attrs.field(default="", validator=_is_receiver)
    secret_file: str = ""
    timeout_seconds: float = attrs.field(default=10.0, validator=[gt(0), le(120)])
    retries: int = attrs.field(default=2, validator=[ge(0), le(5)])


class Traces(enum.StrEnum):
    """Whether spans of jobs are made and sent."""

    AUTO = "auto"  # if the server's environment names an OTLP endpoint
    ON = "on"
    OFF = "off"


@attrs.frozen(kw_only=True)
class TelemetrySettings:
    """What is sent to a collector; where to and how is said by OpenTelemetry's own variables."""

    traces: Traces = Traces.AUTO


@attrs.frozen(kw_only=True)
class Settings:
    """Everything of `default.yaml`."""

    server: ServerSettings = attrs.field(factory=ServerSettings)
    circuit_breaker: BreakerSettings = attrs.field(factory=BreakerSettings)
    consensus: ConsensusSettings = attrs.field(factory=ConsensusSettings)
    dialog: DialogSettings = attrs.field(factory=DialogSettings)
    debate: DebateSettings = attrs.field(factory=DebateSettings)
    pair: PairSettings = attrs.field(factory=PairSettings)
    panels: Mapping[str, PanelSettings] = attrs.field(factory=dict)
    think: ThinkSettings = attrs.field(factory=ThinkSettings)
    audit: AuditSettings = attrs.field(factory=AuditSettings)
    research: ResearchSettings = attrs.field(factory=ResearchSettings)
    workflow: WorkflowSettings = attrs.field(factory=WorkflowSettings)
    agents: AgentSettings = attrs.field(factory=AgentSettings)
    roles: Mapping[str, RoleSettings] = attrs.field(factory=dict)
    hooks: Mapping[str, HookSettings] = attrs.field(factory=dict)
    notifications: Mapping[str, NotificationSettings] = attrs.field(factory=dict)
    telemetry: TelemetrySettings = attrs.field(factory=TelemetrySettings)
