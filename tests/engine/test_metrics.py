"""The registry of figures, by itself."""

import datetime
from typing import Any

from aimux.engine._metrics import BOUNDS_S, KEPT_LATENCIES, MAX_MODELS, Metrics
from aimux.model import JobStatus, Usage
from aimux.rules import render_exposition

from .house import make_job


def count(
    metrics: Metrics, outcome: str = "completed", duration_s: float = 1.0, **more: Any
) -> None:
    """One turn of `alpha`, unless it is said otherwise."""
    given: dict[str, Any] = {"cli": "alpha", "model": "a1", "role": "", "usage": None}
    metrics.turn(outcome=outcome, duration_s=duration_s, **{**given, **more})


def figures(metrics: Metrics, group: str, name: str) -> dict[str, Any]:
    """The figures of one CLI, model or role."""
    shown: Any = metrics.shown()[group]
    found: dict[str, Any] = shown[name]
    return found


def test_turns_are_counted_by_cli_model_and_role() -> None:
    """What came of them, tokens and cost of all; latencies of those that were completed."""
    metrics = Metrics()
    usage = Usage(input_tokens=10, output_tokens=5, cost_usd=0.25)
    count(metrics, usage=usage)
    count(metrics, "quota", 90.0, usage=usage, role="review")
    count(metrics, cli="beta", model="")

    alpha = figures(metrics, "per_cli", "alpha")
    assert (alpha["turns"], alpha["completed"], alpha["error_rate"]) == (2, 1, 0.5)
    assert alpha["outcomes"] == {"completed": 1, "quota": 1}
    assert (alpha["input_tokens"], alpha["output_tokens"], alpha["cost_usd"]) == (20, 10, 0.5)
    assert alpha["latency"] == {
        **{f"p{each}_ms": 1000 for each in (50, 90, 95, 99)},
        "mean_ms": 1000,
    }
    assert figures(metrics, "per_model", "alpha:a1")["turns"] == 2
    assert figures(metrics, "per_model", "beta:default")["turns"] == 1
    assert figures(metrics, "per_role", "review")["outcomes"] == {"quota": 1}
    assert figures(metrics, "per_role", "default")["turns"] == 2
    assert repr(metrics) == "<Metrics: 3 turns, 2 completed>"


def test_percentiles_are_of_the_newest_and_memory_is_bounded() -> None:
    """So many of each are kept; the window says it, and since when is counted."""
    metrics = Metrics()
    for _ in range(KEPT_LATENCIES):
        count(metrics, duration_s=100.0)
    for seconds in range(KEPT_LATENCIES):
        count(metrics, duration_s=seconds / 10)

    latency = figures(metrics, "per_cli", "alpha")["latency"]
    assert (latency["p50_ms"], latency["p95_ms"], latency["p99_ms"]) == (25_000, 47_500, 49_500)
    window: Any = metrics.shown()["window"]
    assert (window["latency_turns"], window["resets"]) == (KEPT_LATENCIES, "with the process")
    since = datetime.datetime.fromisoformat(window["since"])
    assert abs((since - metrics.since).total_seconds()) < 0.01


def test_models_beyond_some_are_counted_together() -> None:
    """Callers name them, and the figures of each are kept for ever."""
    metrics = Metrics()
    for number in range(MAX_MODELS + 10):
        count(metrics, model=f"m{number}")
    count(metrics, model="m0")

    assert figures(metrics, "per_model", "alpha:other")["turns"] == 10
    assert figures(metrics, "per_model", "alpha:m0")["turns"] == 2
    assert figures(metrics, "per_cli", "alpha")["turns"] == MAX_MODELS + 11


def test_jobs_and_openings_of_breakers_are_counted() -> None:
    """By tool and end, by CLI."""
    metrics = Metrics()
    for status in (JobStatus.COMPLETED, JobStatus.COMPLETED, JobStatus.FAILED):
        metrics.job(make_job(tool="consensus", status=status))
    metrics.breaker_opened("alpha")

    shown = metrics.shown()
    assert shown["jobs"] == {"consensus": {"completed": 2, "failed": 1}}
    assert shown["breaker_openings"] == {"alpha": 1}


def test_a_scraper_gets_the_same() -> None:
    """Counters end in `_total`, seconds are seconds, a histogram holds every completed turn."""
    metrics = Metrics()
    count(metrics, duration_s=BOUNDS_S[0], usage=Usage(input_tokens=3, output_tokens=1))
    count(metrics, "quota")
    metrics.job(make_job(tool="exec", status=JobStatus.COMPLETED))
    metrics.breaker_opened("alpha")
    text = render_exposition(metrics.families())

    for line in (
        'aimux_turns_total{cli="alpha",model="a1",role="default",outcome="quota"} 1',
        'aimux_turn_duration_seconds_bucket{cli="alpha",le="1"} 1',
        'aimux_turn_duration_seconds_count{cli="alpha"} 1',
        'aimux_tokens_total{cli="alpha",model="a1",direction="input"} 3',
        'aimux_jobs_ended_total{tool="exec",status="completed"} 1',
        'aimux_breaker_openings_total{cli="alpha"} 1',
    ):
        assert f"{line}\n" in text
    assert render_exposition(Metrics().families()) == ""
