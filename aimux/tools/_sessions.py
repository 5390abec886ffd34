"""`sessions`: list, look at, end and clear away sessions and jobs; health of everything."""

from collections.abc import Sequence
from typing import Final

import trio

from aimux.engine import collect
from aimux.errors import InvalidArguments, NotFound, PeerFault
from aimux.guidance import guide
from aimux.model import JobId, JobStatus, SessionId, ThoughtId
from aimux.rules import find_cli

from ._calls import Payload, ToolCall
from ._context import ToolContext
from ._health import health_json
from ._logins import try_logins
from ._results import Json, job_row, session_json
from ._session_jobs import answer_question, retry_job
from ._think_sessions import is_thought, thought_json, whole_json

PAGE: Final = 20
ENDED: Final = (
    JobStatus.COMPLETED,
    JobStatus.PARTIAL,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
    JobStatus.TIMED_OUT,
    JobStatus.ABORTED,
)
FILTERS: Final[dict[str, Sequence[JobStatus] | None]] = {
    "all": None,
    "active": (JobStatus.QUEUED, JobStatus.RUNNING),
    "finished": ENDED,
    **{str(status): (status,) for status in JobStatus},
}
KILL_WAIT_S: Final = 15.0  # for the killed children to be reaped


answer_nowait: Final = None  # it waits for the store at least


async def answer(context: ToolContext, call: ToolCall) -> Payload:
    """Do one action. Cancelling it leaves what was done."""
    action = str(call.arguments["action"])
    match action:
        case "list":
            body = await _list(context, call)
        case "info":
            body = await _info(context, call)
        case "cancel":
            body = await _cancel(context, call)
        case "kill":
            body = await _kill(context, call)
        case "gc":
            body = await _gc(context, call)
        case "reset":
            body = await _reset(context, call)
        case "answer":
            body = await answer_question(context, call)
        case "retry":
            body = await retry_job(context, call)
        case _:
            refresh = bool(call.arguments.get("refresh"))
            trials: Json = {}
            if call.arguments.get("verify"):
                wait_s = context.settings.sync_wait_seconds
                tried = await try_logins(context.engine, call.client, wait_s=wait_s)
                trials = {"verification": tried.as_json()}
            body = await health_json(
                context.engine, call.client, context.clients(), refresh=refresh
            )
            body |= trials
    shown: Json = {"action": action, **body}
    if "guidance" not in shown:  # a job has its own
        shown["guidance"] = guide("sessions", shown)
    return Payload(shown)


def _needed(call: ToolCall, *names: str) -> str:
    for name in names:
        value = call.arguments.get(name)
        if value:
            return str(value)
    action = call.arguments["action"]
    wanted = " or ".join(names)
    raise InvalidArguments(
        f"sessions(action={action}) needs {wanted}",
        problems=[{"path": names[0], "value": None, "expected": f"a {wanted}"}],
    )


async def _list(context: ToolContext, call: ToolCall) -> Json:
    given = call.arguments
    if given.get("kind"):
        return await _list_thoughts(context, call)
    limit, cursor, cli = given.get("limit"), given.get("cursor"), given.get("cli")
    statuses = FILTERS[str(given.get("status", "all"))]
    unknown: NotFound | None = None
    if cli:
        profiles = (await context.engine.config.snapshot(call.client)).profiles
        try:
            cli = find_cli(str(cli), profiles)
        except NotFound as error:  # it may have been there when its sessions were made
            unknown = error
    page = await context.engine.store.sessions(
        statuses=statuses,
        cli=str(cli) if cli else None,
        limit=limit if isinstance(limit, int) else PAGE,
        cursor=str(cursor) if cursor else None,
    )
    if unknown is not None and not page.sessions:
        raise unknown
    tally = await context.engine.store.tally()
    rows = [session_json(session) for session in page.sessions]
    filters = {name: given[name] for name in ("status", "cli", "limit") if name in given}
    return {
        "sessions": rows,
        "count": len(rows),
        "total_sessions": sum(tally.sessions.values()),  # this page and filter left aside
        "totals": {str(status): count for status, count in tally.sessions.items()},
        "running_jobs": context.engine.supervisor.statistics().running,
        "next_cursor": page.cursor,
        "filters": filters,  # the next page must have the same
    }


async def _list_thoughts(context: ToolContext, call: ToolCall) -> Json:
    """Sessions of thinking, which have no jobs, hence neither status nor CLI."""
    given = call.arguments
    idle = [name for name in ("status", "cli") if given.get(name)]
    if idle:
        raise PeerFault(
            f"{', '.join(idle)}: sessions of think have none",
            code="contradictory_arguments",
            hint="leave it out, or leave kind out",
        )
    limit, cursor = given.get("limit"), given.get("cursor")
    page = await context.engine.store.thoughts(
        limit=limit if isinstance(limit, int) else PAGE, cursor=str(cursor) if cursor else None
    )
    rows = [thought_json(each) for each in page.thoughts]
    return {
        "sessions": rows,
        "count": len(rows),
        "total_sessions": page.total,
        "next_cursor": page.cursor,
        "filters": {name: given[name] for name in ("kind", "limit") if name in given},
    }


async def _info(context: ToolContext, call: ToolCall) -> Json:
    session_id = call.arguments.get("session_id")
    if not session_id:
        job, _ = await context.engine.jobs.get(_needed(call, "session_id", "job_id"))
        session_id = job.session_id
        if not session_id:
            return {"session": None, "jobs": [job_row(job)], "count": 1, "next_cursor": None}
    if is_thought(str(session_id)):
        thought = await context.engine.store.thought(ThoughtId(str(session_id)))
        return {"session": whole_json(thought), "jobs": [], "count": 0, "next_cursor": None}
    session = await context.engine.store.session(SessionId(str(session_id)))
    limit, cursor = call.arguments.get("limit"), call.arguments.get("cursor")
    page = await context.engine.store.jobs(
        session_id=session.id,
        limit=limit if isinstance(limit, int) else PAGE,
        cursor=str(cursor) if cursor else None,
    )
    supervisor = context.engine.supervisor
    live = {handle.id: handle.job for handle in supervisor.open_handles()}
    using = supervisor.of_session(session.id)
    if using is not None and using.done.is_set() and using.session is not None:
        session = using.session  # its end is not stored yet
    jobs = [job_row(live.get(job.id, job)) for job in page.jobs]
    return {
        "session": session_json(session),
        "jobs": jobs,
        "count": len(jobs),
        "next_cursor": page.cursor,
    }


async def _cancel(context: ToolContext, call: ToolCall) -> Json:
    job_id = _needed(call, "job_id")
    job, handle = await context.engine.jobs.get(job_id)
    is_cancelled = handle is not None and handle.cancel("cancelled by sessions(action=cancel)")
    if handle is not None:  # one that just ended by itself is waited for too
        with trio.move_on_after(KILL_WAIT_S):
            await handle.done.wait()
        job = handle.job
    return {
        "job_id": job_id,
        "status": str(job.status),
        "cancelled": is_cancelled,
        "already_terminal": not is_cancelled,
    }


async def _kill(context: ToolContext, call: ToolCall) -> Json:
    session_id = _needed(call, "session_id", "job_id")
    supervisor = context.engine.supervisor
    if session_id.startswith("job_"):
        handle = supervisor.find(session_id)
    else:
        handle = supervisor.of_session(session_id)
        if handle is None:  # an unknown one is an error, a quiet one is not
            await context.engine.store.session(SessionId(session_id))
    killed: list[str] = []
    if handle is not None and handle.cancel("killed by sessions(action=kill)", is_kill=True):
        killed.append(handle.id)
        with trio.move_on_after(KILL_WAIT_S):
            await handle.done.wait()
    elif session_id.startswith("job_") and handle is None:
        try:
            await context.engine.store.job(JobId(session_id))
        except NotFound as error:
            raise NotFound(f"no job {session_id}", code="job_not_found") from error
    return {
        "killed_jobs": killed,
        "killed": len(killed),
        "count": len(killed),
        "already_terminal": not killed,
    }


async def _gc(context: ToolContext, call: ToolCall) -> Json:
    hours = call.arguments.get("older_than_hours")
    older_than_h = (
        float(hours) if isinstance(hours, int | float) else context.settings.session_ttl_hours
    )
    is_dry = bool(call.arguments.get("dry_run"))
    found = await collect(context.engine, older_than_h, dry_run=is_dry)
    return {
        "dry_run": is_dry,
        "older_than_hours": older_than_h,
        "removed_jobs": found["jobs"],
        "removed_sessions": found["sessions"],
        "removed_think_sessions": found["thoughts"],
        "collected": 0 if is_dry else found["sessions"],
    }


async def _reset(context: ToolContext, call: ToolCall) -> Json:
    """Ask a CLI again as if it had never failed; what it was left alone for is told."""
    engine = context.engine
    snapshot = await engine.config.snapshot(call.client)
    cli = find_cli(_needed(call, "cli"), snapshot.profiles)
    guard = engine.guard
    breaker = guard.view(cli)
    cooled = [each.model or None for each in guard.cooled() if each.cli == cli]
    refused = guard.trouble_of(cli)
    guard.reset(cli)
    return {
        "cli": cli,
        "breaker": str(guard.view(cli).state),
        "breaker_was": str(breaker.state),
        "failures_forgotten": breaker.failures,
        "cooldowns_ended": cooled,
        "login_was_refused": refused or None,
    }
