"""What to do after `sessions` and `agents`, which look at what there is."""

from collections.abc import Mapping

from ._calls import LONG_POLL_S, Call, Guidance, Json, call, guidance, rows
from ._jobs import guide_job


def guide_sessions(payload: Json) -> Guidance:
    """Guidance for `sessions`, by what the action found."""
    action = str(payload.get("action", ""))
    following = _next_page(payload, action)
    match action:
        case "list":
            following += _listed(payload)
        case "info":
            following += _one(payload)
        case "answer":
            wait = {"job_id": payload["job_id"], "wait_seconds": LONG_POLL_S}
            following.append(call("status", "what comes of the answer is wanted", **wait))
        case "cancel":
            job_id = payload["job_id"]
            following += [
                call("status", "what it said until then is wanted", job_id=job_id),
                call("sessions", "what else is at work is wanted", action="list", status="active"),
            ]
        case "kill":
            following += [
                call("status", "what it said until then is wanted", job_id=each)
                for each in payload.get("killed_jobs") or ()  # type: ignore[attr-defined]
            ]
            following.append(
                call("sessions", "what else is at work is wanted", action="list", status="active")
            )
        case "gc":
            following += _cleared(payload)
        case "reset":
            health = call("sessions", "it is to be seen who is ready", action="health")
            following.append(health)
        case "health":
            return _health(payload)
    return guidance(action, following)


def _next_page(payload: Json, action: str) -> list[Call]:
    cursor = payload.get("next_cursor")
    if not cursor:
        return []
    session, filters = payload.get("session"), payload.get("filters")
    same = {"session_id": session["id"]} if isinstance(session, Mapping) else {}
    same |= dict(filters) if isinstance(filters, Mapping) else {}
    same |= {"action": action, "cursor": cursor}
    return [call("sessions", "the next page is wanted", **same)]


def _listed(payload: Json) -> list[Call]:
    found = rows(payload.get("sessions"))
    if found:
        first = {"action": "info", "session_id": found[0]["id"]}
        what = "steps" if found[0].get("kind") == "think" else "jobs"
        return [call("sessions", f"the {what} of the latest one are wanted", **first)]
    filters = payload.get("filters")
    if isinstance(filters, Mapping) and filters:
        return [call("sessions", "those of every kind are wanted", action="list")]
    return [call("sessions", "it is to be known which CLIs are ready", action="health")]


def _one(payload: Json) -> list[Call]:
    session, jobs = payload.get("session"), rows(payload.get("jobs"))
    following = [
        call("status", "the answer of its latest job is wanted", job_id=each["id"])
        for each in jobs[:1]
    ]
    if isinstance(session, Mapping) and session.get("kind") == "think":
        others = {"action": "list", "kind": "think"}
        following.append(call("sessions", "the others of its kind are wanted", **others))
    if isinstance(session, Mapping) and session.get("resumable"):
        tool = "dialog" if session.get("kind") == "dialog" else "exec"
        own = {"session_id": session["id"], "prompt": "Continue."}
        following.append(call(tool, "the conversation shall go on", **own))
    return following


def _cleared(payload: Json) -> list[Call]:
    left = call("sessions", "what is left is wanted", action="list")
    if not payload.get("dry_run"):
        return [left]
    really = {"action": "gc", "older_than_hours": payload.get("older_than_hours", 0)}
    return [left, call("sessions", "so many shall be removed for good", **really)]


def _health(payload: Json) -> Guidance:
    if not payload.get("clis_ready"):
        refresh = call("sessions", "a CLI was installed", action="health", refresh=True)
        never = "do not call exec before a CLI is installed: see the remedy of each in `clis`"
        return guidance("no_cli", [refresh], [never])
    trials = payload.get("verification")
    if isinstance(trials, Mapping) and (trials["running"] or trials["left"]):
        wait = [
            call("status", f"what {each['cli']} answers is wanted", job_id=each["job_id"],
                 wait_seconds=LONG_POLL_S)
            for each in rows(trials["running"])
        ]  # fmt: skip
        rest = call("sessions", "the trial of the others is wanted", action="health", verify=True)
        return guidance("verifying", [*wait, rest] if trials["left"] else wait)
    following = [
        call("agents", "who can be given a task is wanted", action="list"),
        call("sessions", "their logins are to be tried, with a tiny prompt each", action="health",
             verify=True),
    ]  # fmt: skip
    return guidance("health", following)


def guide_agents(payload: Json, *, cwd: str = "", prompt: str = "") -> Guidance:
    """Guidance for `agents`: of a run as of any job, else from who there is to who does it."""
    if payload.get("job_id") is not None:
        return guide_job(payload, "agents", cwd=cwd, prompt=prompt)
    state, data = str(payload["state"]), payload["data"]
    assert isinstance(data, Mapping)
    everyone = call("agents", "who there is is wanted", action="list")
    following: list[Call] = []
    if state == "found" and data["would_run"]:
        chosen, task = data["would_run"], data["query"]
        run = {"action": "run", "agent_id": chosen, "prompt": task}
        following.append(call("agents", "it shall do the task", **run))
        following.append(call("agents", "who it is is wanted", action="info", agent_id=chosen))
    elif state == "listed" and data["agents"]:
        first = {"action": "info", "agent_id": data["agents"][0]["id"]}
        following.append(call("agents", "who the first one is is wanted", **first))
    else:
        following.append(everyone)
    return guidance(state, following, ["do not choose by the name alone: find says who fits"])
