"""Strategies that ask several seats or call several tools, and what they share."""

from ._agent import AgentRequest as AgentRequest, run_agent as run_agent
from ._audit import (
    PHASES as PHASES,
    AuditRequest as AuditRequest,
    Checking as Checking,
    Depth as Depth,
    RuleScan as RuleScan,
    Scanner as Scanner,
    audit as audit,
)
from ._consensus import (
    ConsensusMode as ConsensusMode,
    ConsensusRequest as ConsensusRequest,
    consensus as consensus,
)
from ._debate import (
    DebateRequest as DebateRequest,
    debate as debate,
    judge_seats as judge_seats,
)
from ._dialog import (
    CRITIQUE as CRITIQUE,
    DRAFT as DRAFT,
    SEATS as SEATS,
    DialogRequest as DialogRequest,
    dialog as dialog,
)
from ._investigate import (
    InvestigationRequest as InvestigationRequest,
    Notebook as Notebook,
    StopReason as StopReason,
    investigation as investigation,
)
from ._pair import pair as pair
from ._pair_drafts import DRAFTED as DRAFTED
from ._pair_request import (
    Copy as Copy,
    PairRequest as PairRequest,
    Reviewer as Reviewer,
)
from ._think import ThinkRequest as ThinkRequest, strays_json as strays_json, think as think
from ._workflow import Call as Call, WorkflowRequest as WorkflowRequest, workflow as workflow
