"""Frozen values that every layer shares. No I/O, no clock."""

from ._agents import Agent as Agent
from ._budgets import Budget as Budget, Spent as Spent
from ._codec import (
    Json as Json,
    decode as decode,
    dump as dump,
    dump_bytes as dump_bytes,
    dump_event as dump_event,
    dump_event_bytes as dump_event_bytes,
    load as load,
    load_bytes as load_bytes,
    load_event as load_event,
    load_event_bytes as load_event_bytes,
    load_over as load_over,
)
from ._converters import ShapeMismatch as ShapeMismatch
from ._events import (
    SO_FAR as SO_FAR,
    AttemptFailed as AttemptFailed,
    ChildExited as ChildExited,
    ChildStarted as ChildStarted,
    Entry as Entry,
    Event as Event,
    Happened as Happened,
    JobFinished as JobFinished,
    JobQueued as JobQueued,
    JobStarted as JobStarted,
    Noted as Noted,
    TurnFailed as TurnFailed,
    TurnFinished as TurnFinished,
    TurnQueued as TurnQueued,
    TurnStarted as TurnStarted,
)
from ._evidence import (
    Evidence as Evidence,
    SourcePlace as SourcePlace,
    Verified as Verified,
)
from ._findings import (
    ExecutedCheck as ExecutedCheck,
    Finding as Finding,
    FindingSeverity as FindingSeverity,
    FindingState as FindingState,
    Priority as Priority,
)
from ._ids import (
    RANDOM_BYTES as RANDOM_BYTES,
    JobId as JobId,
    SessionId as SessionId,
    ThoughtId as ThoughtId,
    ulid as ulid,
)
from ._jobs import (
    NEXT as NEXT,
    TERMINAL as TERMINAL,
    Job as Job,
    SeatSession as SeatSession,
    Session as Session,
    next_status as next_status,
)
from ._overview import (
    Glance as Glance,
    GlancePage as GlancePage,
    Silence as Silence,
)
from ._plural import plural as plural
from ._profiles import (
    EffortRule as EffortRule,
    EnvRule as EnvRule,
    ErrorRule as ErrorRule,
    Fields as Fields,
    LimitRule as LimitRule,
    ModelRule as ModelRule,
    ModeRule as ModeRule,
    OutputFormat as OutputFormat,
    OutputRule as OutputRule,
    Profile as Profile,
    PromptRule as PromptRule,
    PromptWay as PromptWay,
    ResumeRule as ResumeRule,
    SilenceRule as SilenceRule,
    StopRule as StopRule,
    Strength as Strength,
    VersionRule as VersionRule,
)
from ._reports import (
    Ask as Ask,
    Note as Note,
    Outcome as Outcome,
    Report as Report,
    Work as Work,
)
from ._research import (
    AttachedFile as AttachedFile,
    RemoteStatus as RemoteStatus,
    Research as Research,
    ResearchProvider as ResearchProvider,
    ResearchSource as ResearchSource,
    ResearchTask as ResearchTask,
)
from ._routes import (
    EFFORTS as EFFORTS,
    Plan as Plan,
    PlanRequest as PlanRequest,
    Role as Role,
    Route as Route,
    RouteRequest as RouteRequest,
    Seat as Seat,
)
from ._said import (
    Ended as Ended,
    Failure as Failure,
    FailureClass as FailureClass,
    FileChange as FileChange,
    Message as Message,
    NativeSession as NativeSession,
    Noise as Noise,
    Reasoning as Reasoning,
    Said as Said,
    Stream as Stream,
    Text as Text,
    ToolUse as ToolUse,
    TurnOutput as TurnOutput,
    Usage as Usage,
    Warned as Warned,
)
from ._settings import (
    AgentSettings as AgentSettings,
    AuditSettings as AuditSettings,
    BreakerSettings as BreakerSettings,
    ConsensusSettings as ConsensusSettings,
    DebateSettings as DebateSettings,
    DialogSettings as DialogSettings,
    HookError as HookError,
    HookSettings as HookSettings,
    HookTime as HookTime,
    LogLevel as LogLevel,
    NotificationSettings as NotificationSettings,
    NotifyOn as NotifyOn,
    PairSettings as PairSettings,
    PanelSettings as PanelSettings,
    Problem as Problem,
    ResearchSettings as ResearchSettings,
    RoleSettings as RoleSettings,
    ServerSettings as ServerSettings,
    Settings as Settings,
    Severity as Severity,
    Source as Source,
    TelemetrySettings as TelemetrySettings,
    ThinkSettings as ThinkSettings,
    Traces as Traces,
    TransportSettings as TransportSettings,
    TransportType as TransportType,
    WorkflowSettings as WorkflowSettings,
)
from ._text_shapes import TEXT as TEXT
from ._thoughts import ThoughtSession as ThoughtSession
from ._traces import SAMPLED as SAMPLED, JobTrace as JobTrace, TraceContext as TraceContext
from ._turns import (
    Attempt as Attempt,
    JobStatus as JobStatus,
    Mode as Mode,
    TurnResult as TurnResult,
    TurnSummary as TurnSummary,
)
from ._usage import UsageRow as UsageRow
