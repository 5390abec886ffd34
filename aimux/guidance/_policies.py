"""One policy a tool, each a function of the payload it guides; their states are in `_states`.

Every `next` entry is a call that can be sent as it stands, with real ids. States are the job's own
words where there is a job, so that a caller never has to translate, and finer where more is known.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ._calls import Guidance, Json, call, guidance
from ._jobs import guide_job
from ._sessions import guide_agents, guide_sessions
from ._think import guide_think

PLAN_CHARS: Final = 8_000  # of the arguments of a call that is repeated


def guide_plan(tool: str, arguments: Json) -> Guidance:
    """Guidance for a plan: the call that carries it out, unless that is too long to repeat.

    Not of `exec`, whose results never repeat the prompt.
    """
    given = {name: value for name, value in arguments.items() if name != "dry_run"}
    is_short = tool != "exec" and len(repr(given)) <= PLAN_CHARS
    step = call(tool, "the plan is as it should be", **given)
    return guidance("planned", [step] if is_short else [])


def guide_turn(payload: Json) -> Guidance:
    """Guidance for one turn of a job: the rest of its text, and the job it belongs to."""
    job_id, turn = payload["job_id"], payload["turn"]
    following = [call("status", "the job it belongs to is wanted", job_id=job_id)]
    if payload.get("truncated") and payload.get("next_offset") is not None:
        rest = {"job_id": job_id, "turn": turn, "offset": payload["next_offset"]}
        following.insert(0, call("status", "the rest of its text is wanted", **rest))
    return guidance("turn", following)


_POLICIES: Final[Mapping[str, Callable[[Json], Guidance]]] = {
    **{
        tool: partial(guide_job, tool=tool)
        for tool in ("exec", "background", "consensus", "audit", "dialog", "debate", "workflow",
                     "deepresearch", "investigate")
    },
    "status": guide_job,
    "agents": guide_agents,
    "sessions": guide_sessions,
    "think": guide_think,
}  # fmt: skip


def guide(tool: str, payload: Json) -> Guidance:
    """The guidance of `tool` for `payload`. KeyError: a tool without a policy."""
    return _POLICIES[tool](payload)
