"""An agent at work: one seat, turn after turn, until it says that it is done.

Theory of operation. The first turn brings the agent's instructions and the task; each further one
goes on with the same conversation. What ends a run is in `rules`: the line that only this run
knows, an empty answer, a turn that failed, the same answer twice, or the limit of turns.
"""

import attrs

from aimux.errors import Refusal
from aimux.model import Agent, TurnResult, Warned
from aimux.rules.agents import (
    AgentEnd,
    AgentRecord,
    first_prompt,
    next_prompt,
    read_agent_turn,
    report_agent,
)
from aimux.strategies import Ask, Note, Report, Seat, Work


@attrs.frozen(kw_only=True)
class AgentRequest:
    """Which agent does what. `nonce` is known to this run alone; `limit_s` is of one turn.

    `selection` says how the agent was chosen, None where the caller named it.
    """

    agent: Agent
    task: str
    nonce: str
    max_turns: int
    seat: Seat = attrs.field(factory=Seat)
    limit_s: float | None = None
    selection: dict[str, object] | None = None
    warnings: tuple[Warned, ...] = ()


def run_agent(request: AgentRequest) -> Work:
    """The work of an agent. Cancelling it ends the turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        agent, texts = request.agent, list[str]()
        last: TurnResult | None = None
        end = AgentEnd.TURN_LIMIT
        prompt = first_prompt(agent, request.task, request.nonce)
        for turn in range(1, request.max_turns + 1):
            note(f"{agent.id}: turn {turn} of {request.max_turns}", agent=agent.id)
            try:
                last = await ask(request.seat, prompt, limit_s=request.limit_s)
            except Refusal:
                end = AgentEnd.BUDGET
                break
            said = read_agent_turn(last.content, request.nonce)
            is_same = bool(texts) and said.text == texts[-1]
            texts.append("" if is_same else said.text)
            if not last.is_answer:
                end = AgentEnd.FAILED
            elif not said.text and (said.end is None or not any(texts)):
                end = AgentEnd.EMPTY
            elif said.end is not None:
                end = said.end
            elif is_same:
                end = AgentEnd.REPEATED
            else:
                following = turn + 1
                prompt = next_prompt(request.nonce, turn=following, max_turns=request.max_turns)
                continue
            break
        note(f"{agent.id}: {end}", agent=agent.id, stopped_by=str(end))
        return report_agent(
            AgentRecord(
                agent=agent,
                selection=request.selection,
                texts=texts,
                end=end,
                max_turns=request.max_turns,
                last=last,
                warnings=request.warnings,
            )
        )

    return work
