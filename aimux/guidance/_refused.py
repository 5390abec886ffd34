"""What to do about a call that was not served, by the code of its error."""

from collections.abc import Mapping
from typing import Final

from ._calls import Call, Guidance, Json, call, guidance

NEVER: Final = "do not send the same call again unchanged"
_HEALTH: Final = call("sessions", "it is to be known which CLIs are ready", action="health")
_SESSIONS: Final = call("sessions", "those that there are are wanted", action="list")
_ACTIVE: Final = call("sessions", "what is at work is wanted", action="list", status="active")
_AGENTS: Final = call("agents", "who there is is wanted", action="list")
_NOTEBOOKS: Final = call("investigate", "those that there are are wanted", action="list")

# where the way out is a change of the call itself, nothing stands here
_NEXT: Final[Mapping[str, tuple[Call, ...]]] = {
    "job_not_found": (_SESSIONS,),
    "session_not_found": (_SESSIONS,),
    "session_busy": (_ACTIVE,),
    "session_empty": (_SESSIONS,),
    "session_cli_mismatch": (_SESSIONS,),
    "session_not_resumable": (_SESSIONS, _HEALTH),
    "job_at_work": (_ACTIVE,),
    "no_question": (_ACTIVE,),
    "investigation_not_found": (_NOTEBOOKS,),
    "agent_unknown": (_AGENTS,),
    "no_agent_fits": (_AGENTS,),
    "cli_unknown": (_HEALTH,),
    "no_cli": (_HEALTH,),
    "no_candidate": (_HEALTH,),
    "cooling_down": (_HEALTH,),
    "override_unavailable": (_HEALTH,),
}
# a class of refusals that pass by themselves once somebody is ready or done
_BUSY: Final = frozenset({"refusal", "setup"})


def guide_refusal(error: Json) -> Guidance:
    """Guidance for a call that failed before or beside a job; `error` as the wire has it."""
    following = list(_NEXT.get(str(error.get("code")), ()))
    if not following and error.get("class") in _BUSY:
        following = [_HEALTH]
    return guidance("refused", following, [] if error.get("retryable") else [NEVER])
