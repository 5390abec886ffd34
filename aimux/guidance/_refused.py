"""What to do about a call that was not served, by the code of its error and what was sent."""

import re
from collections.abc import Mapping
from typing import Final

from ._calls import MAX_CHARS, Call, Guidance, Json, call, guidance

ID_CHARS: Final = 80  # of an id that is repeated
MISSPELT: Final = 0.8  # from here on a name is another one with a slip in it
NEVER: Final = "do not send the same call again unchanged"
_HEALTH: Final = call("sessions", "it is to be known which CLIs are ready", action="health")
_SESSIONS: Final = call("sessions", "those that there are are wanted", action="list")
_ACTIVE: Final = call("sessions", "what is at work is wanted", action="list", status="active")
_AGENTS: Final = call("agents", "who there is is wanted", action="list")
_NOTEBOOKS: Final = call("investigate", "those that there are are wanted", action="list")
_THOUGHTS: Final = call("think", "those that there are are wanted", action="list")

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
    "cwd_too_wide": (),
}
_LOST: Final = frozenset({"job_not_found", "session_not_found", "investigation_not_found"})
# whose ids begin so, and the call that shows it
_OWNERS: Final[Mapping[str, tuple[str, str, Mapping[str, str]]]] = {
    "job_": ("status", "job_id", {}),
    "ses_": ("sessions", "session_id", {"action": "info"}),
    "inv_": ("investigate", "session_id", {"action": "status"}),
    "thk_": ("think", "session_id", {"action": "get"}),
}
# what helps who did not know what to fill in
_WITHOUT: Final[Mapping[str, Call]] = {
    "status": _SESSIONS,
    "sessions": _SESSIONS,
    "agents": _AGENTS,
    "investigate": _NOTEBOOKS,
}
# the argument that named what there is not, and what its value begins with
_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "cli_unknown": ("cli", ""),
    "role_unknown": ("role", ""),
    "agent_unknown": ("agent_id", ""),
    "workflow_unknown": ("steps", "example:"),
}
_NEAREST: Final = re.compile(r"did you mean (\S+)\?")
_ENDS: Final = frozenset({"cancel", "kill", "answer"})  # actions on what is at work
# a class of refusals that pass by themselves once somebody is ready or done
_BUSY: Final = frozenset({"refusal", "setup"})


def guide_refusal(
    error: Json, tool: str = "", arguments: Json | None = None, meant: Json | None = None
) -> Guidance:
    """Guidance for a call that failed before or beside a job; `error` as the wire has it.

    `tool` and `arguments` are what was sent, `meant` what would have been served instead.
    """
    code, given = str(error.get("code")), arguments or {}
    following = [*_NEXT.get(code, ())]
    meant = meant or _renamed(code, error, given)
    if meant is not None and _may_repeat(meant):
        following = [call(tool, "that was meant", **meant), *following]
    if code in _LOST:
        following = _by_id(code, tool, given) or following
    elif code == "mode_refused" and _may_repeat(given):
        following = [call(tool, "writing in the directory will do", **{**given, "mode": "write"})]
    elif code == "invalid_arguments" and not following and _wants_list(tool, given):
        following = [_ACTIVE if given.get("action") in _ENDS else _WITHOUT[tool]]
    elif code not in _NEXT and not following and error.get("class") in _BUSY:
        following = [_HEALTH]
    return guidance("refused", following, [] if error.get("retryable") else [NEVER])


def _wants_list(tool: str, given: Json) -> bool:
    return tool in _WITHOUT and (tool != "investigate" or "session_id" not in given)


def _renamed(code: str, error: Json, given: Json) -> Json | None:
    """The call with the known name that is most like the unknown one; None without one."""
    name, prefix = _NAMED.get(code, ("", ""))
    close = _NEAREST.fullmatch(str(error.get("hint")))
    said = given.get(name)
    if close is None or not isinstance(said, str):
        return None
    import difflib  # costs more than all else here, and few names are wrong

    slip = difflib.SequenceMatcher(None, said.removeprefix(prefix).casefold(), close[1])
    if slip.ratio() < MISSPELT:
        return None
    return {**given, name: prefix + close[1]}


def _by_id(code: str, tool: str, given: Json) -> list[Call]:
    """The tool that knows the id that was sent; else the list of what was asked for."""
    kinds = {"job_not_found": "job_", "investigation_not_found": "inv_"}
    wanted = kinds.get(code, "thk_" if tool == "think" else "ses_")
    for value in (given.get("job_id"), given.get("session_id")):
        if isinstance(value, str) and value[:4] in _OWNERS and value[:4] != wanted:
            owner, name, how = _OWNERS[value[:4]]
            return [call(owner, "it is the id of that", **how, **{name: value[:ID_CHARS]})]
    return [_THOUGHTS] if wanted == "thk_" else []


def _may_repeat(given: Json) -> bool:
    """Whether a call may carry these words once more: whole, and not too long."""
    return 0 < len(str(given)) <= MAX_CHARS
