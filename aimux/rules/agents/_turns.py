"""What an agent is told turn by turn, when it is done, and what its run came to.

Theory of operation. An agent says that it is done, or that it cannot go on, by a line that only
this run knows: the word carries a nonce. The line must stand at the very end of an answer, outside
of fences and quotes: who quotes the instruction, or a file that holds such a line, is not done.
An empty answer ends the run as a failure; so does one that only holds the line.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Agent, Failure, FailureClass, JobStatus, Report, TurnResult, Warned

DONE_WORD: Final = "AGENT-DONE"
BLOCKED_WORD: Final = "AGENT-BLOCKED"
_FENCE: Final = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<rest>.*)")


class AgentEnd(enum.StrEnum):
    """What ended a run."""

    DONE = "done"
    BLOCKED = "blocked"  # it said that it cannot go on
    TURN_LIMIT = "turn_limit"
    REPEATED = "repeated"  # the same answer twice: another turn would not change it
    EMPTY = "empty"
    FAILED = "failed"  # a turn did
    BUDGET = "budget"


@attrs.frozen(kw_only=True)
class AgentTurn:
    """One answer: its text without the line at its end, and what that line says."""

    text: str
    end: AgentEnd | None = None


_SAID: Final[Mapping[AgentEnd, str]] = {
    AgentEnd.BLOCKED: "the agent says that it cannot go on",
    AgentEnd.TURN_LIMIT: "the agent used all its turns and did not say that it is done",
    AgentEnd.REPEATED: "the agent gave the same answer twice and did not say that it is done",
    AgentEnd.EMPTY: "the agent answered nothing",
    AgentEnd.FAILED: "a turn of the agent failed",
    AgentEnd.BUDGET: "the job has no turn or time left for the agent",
}
_HINTS: Final[Mapping[AgentEnd, str]] = {
    AgentEnd.BLOCKED: "what it needs stands at the end of its answer: continue the session with it",
    AgentEnd.TURN_LIMIT: "continue its session, or call again with a higher max_turns",
    AgentEnd.REPEATED: "continue its session with what is missing",
}


def first_prompt(agent: Agent, task: str, nonce: str) -> str:
    """The agent's instructions, the task, and how it says that it is done."""
    return (
        f"{agent.text}\n\n# Task\n\n{task}\n\n# How to end\n\n"
        "When the whole task is done, end your answer with this line, by itself and outside of "
        f"any code block or quote:\n{DONE_WORD}-{nonce}\n"
        "If you cannot go on without somebody else's decision or help, say what you need and end "
        f"with:\n{BLOCKED_WORD}-{nonce}\n"
        "If work is left that you can do yourself, end with neither: you get another turn."
    )


def next_prompt(nonce: str, *, turn: int, max_turns: int) -> str:
    """What an agent is told that has not said it is done."""
    left = "This is your last turn." if turn == max_turns else f"Turn {turn} of {max_turns}."
    return (
        f"Go on with the task. {left} Do what is left, and do not repeat what you have said. If it "
        f"is all done, say so in a line and end with:\n{DONE_WORD}-{nonce}\n"
        f"If you cannot go on, say what you need and end with:\n{BLOCKED_WORD}-{nonce}"
    )


def read_agent_turn(answer: str, nonce: str) -> AgentTurn:
    """An answer without its last line, if that says how the run ends."""
    lines = answer.rstrip().splitlines()
    if not lines:
        return AgentTurn(text="")
    ends = {f"{DONE_WORD}-{nonce}": AgentEnd.DONE, f"{BLOCKED_WORD}-{nonce}": AgentEnd.BLOCKED}
    last = lines[-1]
    end = ends.get(last.strip().strip("*").strip())
    is_code = last.startswith(("    ", "\t"))
    if end is None or is_code or _is_fenced(lines[:-1]):
        return AgentTurn(text=answer.strip())
    return AgentTurn(text="\n".join(lines[:-1]).strip(), end=end)


def _is_fenced(lines: Sequence[str]) -> bool:
    """Whether a fence is open after these lines."""
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            fence = found["marks"]
        elif found["marks"].startswith(fence) and not found["rest"].strip():
            fence = ""
    return bool(fence)


@attrs.frozen(kw_only=True)
class AgentRecord:
    """A run that has ended: its answers, what ended it, and the turn that failed."""

    agent: Agent
    selection: Mapping[str, object] | None
    texts: Sequence[str]
    end: AgentEnd
    max_turns: int
    last: TurnResult | None = None
    warnings: Sequence[Warned] = ()


def report_agent(record: AgentRecord) -> Report:
    """What a run came to: all its answers, in order. Only who says so is done."""
    agent, end, last = record.agent, record.end, record.last
    texts = [text for text in record.texts if text]
    failure = None
    if end is AgentEnd.DONE:
        status = JobStatus.COMPLETED
    else:
        status = JobStatus.PARTIAL if texts else JobStatus.FAILED
        failure = last.failure if last is not None and end is AgentEnd.FAILED else None
        failure = failure or Failure(
            failure_class=FailureClass.FATAL,
            code=f"agent_{end}",
            message=_SAID[end],
            hint=_HINTS.get(end, ""),
            retryable=end in (AgentEnd.EMPTY, AgentEnd.TURN_LIMIT),
        )
        if not texts and last is not None and last.status is not JobStatus.COMPLETED:
            status = JobStatus.FAILED if last.status is JobStatus.PARTIAL else last.status
    return Report(
        status=status,
        content="\n\n".join(texts),
        is_cut=last is not None and last.is_cut,
        data={
            "agent": {
                "id": agent.id,
                "source": agent.source.name.lower(),
                "host": agent.host,
                "origin": agent.origin,
            },
            "selection": record.selection,
            "stopped_by": str(end),
            "turns_used": len(record.texts),
            "max_turns": record.max_turns,
        },
        failure=failure,
        warnings=record.warnings,
        turn=None if last is None else last.turn,
    )
