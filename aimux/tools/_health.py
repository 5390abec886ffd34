"""How everything is: CLIs, breakers, jobs, store, limits. For `sessions(action=health)` and
resources.
"""

import os
from collections.abc import Mapping

import attrs
import trio

from aimux import __version__
from aimux.engine import Engine
from aimux.times import utc_now

from ._calls import Client
from ._results import Json, stamp


async def health_json(
    engine: Engine, client: Client, clients: Mapping[str, int], *, refresh: bool = False
) -> Json:
    """The state of the server as this client sees it (its own configuration, its own PATH).

    `clients` are the connected ones per transport.
    """
    snapshot = await engine.snapshot(client)
    board = await engine.registry.probe(snapshot, client.env, refresh=refresh)
    tally = await engine.store.tally()
    supervisor = engine.supervisor.statistics()
    problems = [
        {
            "severity": str(problem.severity),
            "where": problem.where,
            "message": problem.message,
            "suggestion": problem.suggestion or None,
        }
        for problem in snapshot.problems
    ]
    return {
        "version": __version__,
        "pid": os.getpid(),
        "started_at": stamp(engine.started_at),
        "uptime_seconds": round((utc_now() - engine.started_at).total_seconds(), 1),
        "clis": [
            {**attrs.asdict(state), "verified": engine.guard.verified(state.name) or None}
            for state in board
        ],
        "clis_ready": [state.name for state in board if state.is_ready],
        "breakers": {
            cli: {
                "state": str(view.state),
                "failures": view.failures,
                "retry_after_seconds": round(view.retry_after_s, 1),
            }
            for cli, view in engine.guard.views().items()
        },
        "cooldowns": [
            {
                "cli": each.cli,
                "model": each.model or None,
                "code": each.code,
                "seconds_left": round(each.until - trio.current_time(), 1),
            }
            for each in engine.guard.cooled()
        ],
        "jobs": {
            "running": supervisor.running,
            "queued": supervisor.queued,
            "capacity": supervisor.capacity,
            "refused": supervisor.refused,
            "by_status": {str(status): count for status, count in tally.jobs.items()},
        },
        "total_sessions": sum(tally.sessions.values()),
        "clients": dict(clients),
        "store": attrs.asdict(engine.store.statistics()),
        "problems": problems,
    }
