"""How often, how long, how quiet."""

import math

import pytest
from hypothesis import given, strategies as st

from aimux.model import SilenceRule
from aimux.rules import Bucket, Quiet, SilenceLimits, silence, silence_limits, take, turn_limit_s

SETTINGS = SilenceLimits()


def test_a_bucket_starts_full_and_says_when_to_come_back() -> None:
    bucket = Bucket(rate=10.0, burst=2)
    for _ in range(2):
        bucket, wait_s = take(bucket, 0.0)
        assert wait_s == 0
    same, wait_s = take(bucket, 0.05)

    assert wait_s == pytest.approx(0.05)
    assert take(same, 0.05 + wait_s)[1] == 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket, _ = take(Bucket(rate=10.0, burst=3), 1e9)

    assert bucket.tokens == 2


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (1.0, 0), (0.0, 0)])
def test_a_rate_or_burst_of_nothing_is_no_limit(rate: float, burst: int) -> None:
    bucket = Bucket(rate=rate, burst=burst)
    for _ in range(5):
        bucket, wait_s = take(bucket, 0.0)
        assert wait_s == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, _ = take(Bucket(rate=1.0, burst=1), 100.0)

    assert take(bucket, 50.0)[1] == 1.0


@pytest.mark.slow
@given(st.lists(st.floats(0.0, 1.0), max_size=60))
def test_no_more_pass_than_rate_and_burst_allow(gaps: list[float]) -> None:
    bucket, now, passed = Bucket(rate=5.0, burst=4), 0.0, 0
    for gap in gaps:
        now += gap
        bucket, wait_s = take(bucket, now)
        passed += wait_s == 0

    assert passed <= 4 + 5.0 * now + 1e-6


@pytest.mark.parametrize(
    ("effort", "limit_s", "got_s"),
    [("high", 60.0, 120.0), ("xhigh", 300.0, 300.0), ("low", 60.0, 60.0), ("", 1.0, 1.0)],
)
def test_deep_effort_gets_the_time_it_needs(effort: str, limit_s: float, got_s: float) -> None:
    assert turn_limit_s(effort, limit_s) == got_s


@pytest.mark.parametrize(
    ("now", "last", "quiet", "next_at"),
    [
        (30.0, None, Quiet.FINE, 120.0),
        (119.9, None, Quiet.FINE, 120.0),
        (120.0, None, Quiet.WARNING, 600.0),
        (700.0, 650.0, Quiet.FINE, 770.0),
        (1250.0, 650.0, Quiet.STALLED, 1550.0),
        (1550.0, 650.0, Quiet.OVER, math.inf),
    ],
)
def test_silence_gets_worse_in_tiers(
    now: float, last: float | None, quiet: Quiet, next_at: float
) -> None:
    said = silence(now, last, 0.0, SETTINGS)

    assert (said.quiet, said.next_at) == (quiet, next_at)
    assert said.silent_s == now - (last or 0.0)


def test_the_grace_after_birth_holds_back_every_tier() -> None:
    limits = SilenceLimits(start_s=60.0, warn_s=1.0, stall_s=2.0, cancel_s=3.0)

    assert silence(59.0, 10.0, 0.0, limits).quiet is Quiet.FINE
    assert silence(59.0, 10.0, 0.0, limits).next_at == 60.0
    assert silence(60.0, 10.0, 0.0, limits).quiet is Quiet.OVER


def test_a_profile_has_its_own_figures_and_zero_means_never() -> None:
    own = silence_limits(SilenceRule(warn_s=5.0, stall_s=0.0, start_s=-1.0), SETTINGS)

    assert own == SilenceLimits(start_s=0.0, warn_s=5.0, stall_s=math.inf, cancel_s=900.0)
    assert silence_limits(SilenceRule(), SETTINGS) == SETTINGS
    assert silence(800.0, 0.0, 0.0, own).quiet is Quiet.WARNING


def test_every_figure_is_the_profiles_or_the_settings() -> None:
    rule = SilenceRule(start_s=0.1, warn_s=0.2, stall_s=0.3, cancel_s=0.4)
    settings = SilenceLimits(start_s=0.5, warn_s=0.6, stall_s=0.7, cancel_s=0.8)

    assert silence_limits(rule, settings) == SilenceLimits(
        start_s=0.1, warn_s=0.2, stall_s=0.3, cancel_s=0.4
    )
    assert silence_limits(SilenceRule(), settings) == settings


def test_right_after_a_byte_nothing_is_silent() -> None:
    assert silence(5.0, 5.0, 0.0, SETTINGS).silent_s == 0.0
    assert silence(5.0, 5.5, 0.0, SETTINGS).silent_s == 0.0  # a clock that goes back


def test_a_cli_that_prints_only_at_its_end_has_only_its_deadline() -> None:
    limits = silence_limits(SilenceRule(streams=False, warn_s=5.0), SETTINGS)
    assert limits.start_s == 0.0
    said = silence(1e9, None, 0.0, limits)

    assert (said.quiet, said.next_at) == (Quiet.FINE, math.inf)
