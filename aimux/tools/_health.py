"""How everything is: CLIs, breakers, jobs, store, limits.

For `sessions(action=health)` and resources.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux import __version__
from aimux.config import Snapshot
from aimux.engine import CliState, Engine
from aimux.model import Problem, Severity
from aimux.protocol import VERSIONS
from aimux.rules import ends_unstored, judge_health
from aimux.times import utc_now

from ._calls import Client
from ._results import Json, stamp

PROFILE_REMEDY: Final = "mend the file: aimux config check lists all that is wrong with it"


async def health_json(
    engine: Engine, client: Client, clients: Mapping[str, int], *, refresh: bool = False
) -> Json:
    """The state of the server as this client sees it (its own configuration, its own PATH).

    `clients` are the connected ones per transport. Cancelling it stops the CLIs that are being
    asked for their version.
    """
    snapshot = await engine.config.snapshot(client)
    clis = await engine.registry.probe(snapshot, client.env, refresh=refresh)
    tally = await engine.store.tally()
    supervisor = engine.supervisor.statistics()
    slots = engine.supervisor.slots.statistics()
    store = engine.store.statistics()
    ready = [state.name for state in clis if state.is_ready]
    breakers = engine.guard.views()
    told = [*snapshot.problems, *await engine.config.library_problems(client)]
    problems = _problems_json(told)
    problems += _store_problems(engine)
    standing = judge_health(
        is_store_failing=store.is_failing,
        unstored=len(_unstored(engine)),
        clis=[state.name for state in clis],
        ready=ready,
        breakers={cli: str(view.state) for cli, view in breakers.items()},
        errors=[str(each) for each in told if each.severity is Severity.ERROR],
    )
    return {
        "status": str(standing.status),
        "reasons": list(standing.reasons),
        "version": __version__,
        "protocol_versions": list(VERSIONS),
        "pid": os.getpid(),
        "started_at": stamp(engine.started_at),
        "uptime_seconds": round((utc_now() - engine.started_at).total_seconds(), 1),
        "clis": _clis_json(engine, snapshot, clis),
        "clis_ready": ready,
        "breakers": {
            cli: {
                "state": str(view.state),
                "failures": view.failures,
                "retry_after_seconds": round(view.retry_after_s, 1),
            }
            for cli, view in breakers.items()
        },
        "cooldowns": _cooldowns_json(engine),
        "jobs": {
            "running": supervisor.running,
            "queued": supervisor.queued,
            "capacity": supervisor.capacity,
            "refused": supervisor.refused,
            "by_status": {str(status): count for status, count in tally.jobs.items()},
        },
        "turns": {
            "running": slots.running + slots.borrowed,
            "waiting": slots.waiting,
            "capacity": slots.limits.turns,
        },
        "running_jobs": supervisor.running,
        "total_sessions": sum(tally.sessions.values()),
        "clients": dict(clients),
        "store": attrs.asdict(store),
        "traces": _traces_json(engine),
        "problems": problems,
    }


def _traces_json(engine: Engine) -> Json:
    standing = engine.tracer.standing
    return {
        "is_on": standing.sampling is not None,
        "sampler": standing.sampling.sampler if standing.sampling is not None else None,
        "problem": standing.problem or None,
        "remedy": standing.remedy or None,
        "jobs": attrs.asdict(engine.tracer.statistics()),
    }


def _clis_json(engine: Engine, snapshot: Snapshot, clis: Sequence[CliState]) -> list[Json]:
    unknown = sorted(snapshot.broken.keys() - {state.name for state in clis})
    return [
        *(
            {
                **attrs.asdict(state),
                "verified": engine.guard.verified(state.name) or None,
                "profile_fault": fault_of(snapshot, state.name) or None,
            }
            for state in clis
        ),
        *(_left_out(snapshot, name) for name in unknown),
    ]


def _cooldowns_json(engine: Engine) -> list[Json]:
    return [
        {
            "cli": each.cli,
            "model": each.model or None,
            "code": each.code,
            "seconds_left": round(each.until - trio.current_time(), 1),
        }
        for each in engine.guard.cooled()
    ]


def _problems_json(told: Sequence[Problem]) -> list[dict[str, str | None]]:
    return [
        {
            "severity": str(problem.severity),
            "where": problem.where,
            "message": problem.message,
            "suggestion": problem.suggestion or None,
        }
        for problem in told
    ]


def _unstored(engine: Engine) -> list[tuple[str, str]]:
    """Why the end of a job is not stored yet, and what to do; one for each job."""
    return [
        (handle.log.not_stored.why, handle.log.not_stored.hint)
        for handle in engine.supervisor.open_handles()
        if handle.log.not_stored is not None
    ]


def _store_problems(engine: Engine) -> list[dict[str, str | None]]:
    """What is wrong with keeping what was done."""
    waiting = _unstored(engine)
    found: list[dict[str, str | None]] = []
    if engine.store.restored:
        found.append(
            {
                "severity": "warning",
                "where": "store",
                "message": f"{engine.store.path} was removed under aimux and was written again",
                "suggestion": "stop the daemon before the state directory is cleared",
            }
        )
    if not waiting:
        return found
    why, hint = waiting[0]
    said = f"{ends_unstored(len(waiting))}: {why}"
    return [
        *found,
        {
            "severity": "error",
            "where": "store",
            "message": said,
            "suggestion": hint or None,
        },
    ]


def fault_of(snapshot: Snapshot, cli: str) -> str:
    """Why the client's own profile of a CLI is not in use; empty if nothing is wrong with it."""
    problems = snapshot.broken.get(cli, ())
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""


def _left_out(snapshot: Snapshot, name: str) -> Json:
    """A CLI that only a profile with faults knows."""
    fault = fault_of(snapshot, name)
    state = CliState(
        name=name,
        display_name=name,
        state="broken",
        is_ready=False,
        path="",
        version="",
        reason=f"its profile is left out: {fault}",
        remedy=PROFILE_REMEDY,
        places=(),
        read_strength="none",
        resumable=False,
        capabilities=(),
    )
    return {**attrs.asdict(state), "verified": None, "profile_fault": fault}
