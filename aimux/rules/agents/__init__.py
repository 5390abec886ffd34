"""Agents: who fits a task, what one gets, what it is told and when it is done."""

from ._rights import (
    agent_mode as agent_mode,
    agent_origin as agent_origin,
    agent_route as agent_route,
    agent_turns as agent_turns,
    role_of as role_of,
)
from ._selection import (
    AGENTS_SHOWN as AGENTS_SHOWN,
    GENERALIST as GENERALIST,
    Candidate as Candidate,
    Scored as Scored,
    Selection as Selection,
    rank_candidates as rank_candidates,
    select_candidate as select_candidate,
)
from ._turns import (
    AgentEnd as AgentEnd,
    AgentRecord as AgentRecord,
    AgentTurn as AgentTurn,
    first_prompt as first_prompt,
    next_prompt as next_prompt,
    read_agent_turn as read_agent_turn,
    report_agent as report_agent,
)
