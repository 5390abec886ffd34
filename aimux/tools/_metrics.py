"""All figures as a scraper reads them: the registry's, and how everything stands now."""

from collections.abc import Mapping
from typing import Final

from aimux import __version__
from aimux.engine import Engine
from aimux.rules import BreakerState, Family, Kind, Sample, render_exposition

_NOTHING: Final[Mapping[str, str]] = {}


def metrics_text(engine: Engine, clients: Mapping[str, int]) -> str:
    """The text of `/metrics`. `clients` are the connected ones per transport."""
    counted = [*engine.metrics.families(), *_traces(engine)]
    return render_exposition([*counted, *_standing(engine, clients)])


def _traces(engine: Engine) -> list[Family]:
    return engine.tracer.families() if engine.tracer.sampling is not None else []


def _standing(engine: Engine, clients: Mapping[str, int]) -> list[Family]:
    jobs, slots = engine.supervisor.statistics(), engine.supervisor.slots.statistics()
    store = engine.store.statistics()
    breakers = [
        Sample({"cli": cli, "state": str(state)}, view.state is state)
        for cli, view in engine.guard.views().items()
        for state in BreakerState
    ]
    gauges: list[tuple[str, str, list[Sample]]] = [
        ("aimux_build_info", "The version that runs.", [Sample({"version": __version__}, 1)]),
        (
            "aimux_start_time_seconds",
            "When it was started, since the epoch.",
            [Sample(_NOTHING, engine.started_at.timestamp())],
        ),
        (
            "aimux_jobs",
            "Jobs that are open now.",
            [Sample({"state": "running"}, jobs.running), Sample({"state": "queued"}, jobs.queued)],
        ),
        ("aimux_jobs_limit", "Root jobs at once.", [Sample(_NOTHING, jobs.capacity)]),
        (
            "aimux_turns",
            "Turns that are open now.",
            [
                Sample({"state": "running"}, slots.running + slots.borrowed),
                Sample({"state": "waiting"}, slots.waiting),
            ],
        ),
        ("aimux_turns_limit", "Turns at once.", [Sample(_NOTHING, slots.limits.turns)]),
        ("aimux_breaker_state", "1 for the state that the breaker of a CLI is in.", breakers),
        (
            "aimux_clients",
            "Clients that are connected.",
            [Sample({"transport": name}, count) for name, count in sorted(clients.items())],
        ),
        (
            "aimux_store_failing",
            "1 while nothing can be stored.",
            [Sample(_NOTHING, store.is_failing)],
        ),
        (
            "aimux_store_waiting",
            "Works that wait for the writer.",
            [Sample(_NOTHING, store.waiting)],
        ),
    ]
    counters = [
        ("aimux_jobs_refused_total", "Jobs that found no place.", jobs.refused),
        ("aimux_store_commits_total", "Commits of the store.", store.commits),
        ("aimux_store_errors_total", "Works that the store could not do.", store.errors),
        ("aimux_store_lost_entries_total", "Lines of logs that were not kept.", store.lost_entries),
    ]
    return [
        *(
            Family(name=name, kind=Kind.GAUGE, said=said, samples=each)
            for name, said, each in gauges
        ),
        *(
            Family(name=name, kind=Kind.COUNTER, said=said, samples=[Sample(_NOTHING, count)])
            for name, said, count in counters
        ),
    ]
