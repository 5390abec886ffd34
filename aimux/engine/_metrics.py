"""Figures about turns: counts, latencies and tokens per CLI and role, since this process began."""

import datetime
from collections import defaultdict, deque
from typing import Final

import attrs

from aimux.model import Usage
from aimux.times import utc_now

KEPT_LATENCIES: Final = 500  # newest turns per CLI, for percentiles
PERCENTILES: Final = (50, 90, 99)


@attrs.define
class _Figures:
    turns: int = 0
    completed: int = 0
    outcomes: defaultdict[str, int] = attrs.field(factory=lambda: defaultdict(int))
    latencies_s: deque[float] = attrs.field(factory=lambda: deque(maxlen=KEPT_LATENCIES))
    total_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    last_at: datetime.datetime | None = None

    def add(self, outcome: str, duration_s: float, usage: Usage | None) -> None:
        self.turns += 1
        self.completed += outcome == "completed"
        self.outcomes[outcome] += 1
        self.last_at = utc_now()
        if outcome == "completed":  # a failure says nothing about how long work takes
            self.latencies_s.append(duration_s)
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
            "last_at": self.last_at.isoformat().replace("+00:00", "Z") if self.last_at else None,
        }


class Metrics:
    """Counters of turns: every turn of every tool is counted here."""

    def __init__(self) -> None:
        self._total = _Figures()
        self._per_cli: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._per_role: defaultdict[str, _Figures] = defaultdict(_Figures)

    def __repr__(self) -> str:
        return f"<Metrics: {self._total.turns} turns, {self._total.completed} completed>"

    def turn(
        self, *, cli: str, role: str, outcome: str, duration_s: float, usage: Usage | None
    ) -> None:
        """Count one turn; `outcome` is `completed` or a failure class."""
        for figures in (self._total, self._per_cli[cli], self._per_role[role or "default"]):
            figures.add(outcome, duration_s, usage)

    def shown(self) -> dict[str, object]:
        """All figures as JSON: totals, per CLI, per role. Latencies are of completed turns."""
        return {
            "total": self._total.shown(),
            "per_cli": {name: self._per_cli[name].shown() for name in sorted(self._per_cli)},
            "per_role": {name: self._per_role[name].shown() for name in sorted(self._per_role)},
        }
