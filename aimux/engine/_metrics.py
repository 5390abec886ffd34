"""The registry of figures: turns by CLI, model and role, jobs by tool, openings of breakers.

It counts since this process began; nothing resets it but the next start. Percentiles are of the
newest completed turns, so that memory is bounded; the buckets of a histogram hold all of them.
"""

import bisect
import datetime
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final

import attrs

from aimux.model import Job, Usage
from aimux.rules import Family, Kind, Sample, histogram
from aimux.times import utc_now, utc_stamp

KEPT_LATENCIES: Final = 500  # newest completed turns of each, for percentiles
MAX_MODELS: Final = 64  # told apart, of all CLIs: callers name them
OTHER: Final = "other"  # the models beyond
PERCENTILES: Final = (50, 90, 95, 99)
BOUNDS_S: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0)
COMPLETED: Final = "completed"


@attrs.define
class _Figures:
    turns: int = 0
    completed: int = 0
    outcomes: Counter[str] = attrs.field(factory=Counter)
    latencies_s: deque[float] = attrs.field(factory=lambda: deque(maxlen=KEPT_LATENCIES))
    buckets: list[int] = attrs.field(factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    last_at: datetime.datetime | None = None

    def add(self, outcome: str, duration_s: float, usage: Usage | None) -> None:
        self.turns += 1
        self.completed += outcome == COMPLETED
        self.outcomes[outcome] += 1
        self.last_at = utc_now()
        if outcome == COMPLETED:  # a failure says nothing about how long work takes
            self.latencies_s.append(duration_s)
            self.buckets[bisect.bisect_left(BOUNDS_S, duration_s)] += 1
            self.total_s += duration_s
        if usage is not None:
            self.input_tokens += usage.input_tokens or 0
            self.output_tokens += usage.output_tokens or 0
            self.cost_usd += usage.cost_usd or 0.0

    def shown(self) -> dict[str, object]:
        ordered = sorted(self.latencies_s)
        latency: dict[str, object] = {
            f"p{each}_ms": round(ordered[min(len(ordered) - 1, len(ordered) * each // 100)] * 1000)
            for each in PERCENTILES
            if ordered
        }
        if self.completed:
            latency["mean_ms"] = round(self.total_s / self.completed * 1000)
        return {
            "turns": self.turns,
            "completed": self.completed,
            "error_rate": round(1 - self.completed / self.turns, 4) if self.turns else 0.0,
            "outcomes": dict(self.outcomes),
            "latency": latency,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": round(self.cost_usd, 6),
            "last_at": utc_stamp(self.last_at) if self.last_at else None,
        }


_Key = tuple[str, str]  # CLI and model


class Metrics:
    """Counters of turns and jobs: every attempt of every tool is counted here."""

    def __init__(self) -> None:
        self.since = utc_now()
        self._total = _Figures()
        self._per_cli: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._per_model: defaultdict[_Key, _Figures] = defaultdict(_Figures)
        self._per_role: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._turns: Counter[tuple[str, str, str, str]] = Counter()
        self._jobs: Counter[tuple[str, str]] = Counter()
        self._openings: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Metrics: {self._total.turns} turns, {self._total.completed} completed>"

    def turn(
        self,
        *,
        cli: str,
        model: str,
        role: str,
        outcome: str,
        duration_s: float,
        usage: Usage | None,
    ) -> None:
        """Count one run of a CLI; `outcome` is `completed` or a failure class."""
        key, role = self._key(cli, model), role or "default"
        self._turns[*key, role, outcome] += 1
        every = (self._total, self._per_cli[cli], self._per_model[key], self._per_role[role])
        for figures in every:
            figures.add(outcome, duration_s, usage)

    def _key(self, cli: str, model: str) -> _Key:
        key = cli, model or "default"
        if key in self._per_model or len(self._per_model) < MAX_MODELS:
            return key
        return cli, OTHER

    def job(self, job: Job) -> None:
        """Count the end of a job."""
        self._jobs[job.tool, str(job.status)] += 1

    def breaker_opened(self, cli: str) -> None:
        """Count one opening."""
        self._openings[cli] += 1

    def shown(self) -> dict[str, object]:
        """All figures as JSON, and the window they cover. Latencies are of completed turns."""
        jobs: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (tool, status), count in sorted(self._jobs.items()):
            jobs[tool][status] = count
        return {
            "window": {
                "since": utc_stamp(self.since),
                "seconds": round((utc_now() - self.since).total_seconds(), 1),
                "latency_turns": KEPT_LATENCIES,
                "resets": "with the process",
            },
            "total": self._total.shown(),
            "per_cli": {name: self._per_cli[name].shown() for name in sorted(self._per_cli)},
            "per_model": {
                f"{cli}:{model}": self._per_model[cli, model].shown()
                for cli, model in sorted(self._per_model)
            },
            "per_role": {name: self._per_role[name].shown() for name in sorted(self._per_role)},
            "jobs": dict(jobs),
            "breaker_openings": dict(sorted(self._openings.items())),
        }

    def families(self) -> list[Family]:
        """The same for a scraper."""
        durations = [
            sample
            for cli, figures in sorted(self._per_cli.items())
            for sample in histogram({"cli": cli}, BOUNDS_S, figures.buckets, figures.total_s)
        ]
        tokens = [
            Sample({"cli": cli, "model": model, "direction": direction}, count)
            for (cli, model), figures in sorted(self._per_model.items())
            for direction, count in (
                ("input", figures.input_tokens),
                ("output", figures.output_tokens),
            )
        ]
        costs = [
            Sample({"cli": cli, "model": model}, figures.cost_usd)
            for (cli, model), figures in sorted(self._per_model.items())
        ]
        return [
            _counter(
                "aimux_turns_total",
                "Runs of a CLI, by what they came to.",
                dict(self._turns),
                ("cli", "model", "role", "outcome"),
            ),
            Family(
                name="aimux_turn_duration_seconds",
                kind=Kind.HISTOGRAM,
                said="How long completed runs of a CLI took.",
                samples=durations,
            ),
            Family(
                name="aimux_tokens_total",
                kind=Kind.COUNTER,
                said="Tokens that CLIs have told of.",
                samples=tokens,
            ),
            Family(
                name="aimux_cost_usd_total",
                kind=Kind.COUNTER,
                said="Dollars that CLIs have told of.",
                samples=costs,
            ),
            _counter(
                "aimux_jobs_ended_total",
                "Jobs that have ended, by how.",
                dict(self._jobs),
                ("tool", "status"),
            ),
            _counter(
                "aimux_breaker_openings_total",
                "How often the breaker of a CLI opened.",
                {(cli,): count for cli, count in self._openings.items()},
                ("cli",),
            ),
        ]


def _counter(name: str, said: str, counts: Mapping[Any, int], labels: tuple[str, ...]) -> Family:
    samples = [
        Sample(dict(zip(labels, key, strict=True)), count) for key, count in sorted(counts.items())
    ]
    return Family(name=name, kind=Kind.COUNTER, said=said, samples=samples)
