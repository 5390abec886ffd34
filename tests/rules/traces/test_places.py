"""Where jobs and their children stand in a trace."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import JobTrace, TraceContext
from aimux.rules.traces import (
    SAMPLERS,
    Sampling,
    child_span_id,
    place_job,
    span_id,
    trace_env,
    trace_id,
)

CLIENT = TraceContext(trace_id="a" * 32, span_id="b" * 16, flags=3, state="v=1")
UNKEPT = TraceContext(trace_id="a" * 32, span_id="b" * 16, flags=2)


@given(st.text(min_size=1), st.integers(0, 99), st.integers(0, 99))
def test_ids_are_those_of_the_field_and_differ(job: str, turn: int, attempt: int) -> None:
    """Digits and lengths of the W3C, the same each time, another one for everything else."""
    ids = {
        span_id(job),
        span_id(job, turn + 1, 0, "turn"),
        span_id(job, turn + 1, attempt + 1, "attempt"),
        child_span_id(job, turn + 1, attempt + 1),
        child_span_id(f"{job}x", turn + 1, attempt + 1),
    }

    assert len(ids) == 5
    assert all(len(each) == 16 and int(each, 16) for each in ids)
    assert len(trace_id(job)) == 32
    assert int(trace_id(job), 16)
    assert child_span_id(job, 1, 1) == child_span_id(job, 1, 1)


@pytest.mark.requirement("traces:child")
def test_without_spans_the_clients_context_is_passed_on_as_it_came() -> None:
    """And nothing is made up where there is none."""
    trace = place_job("job_1", CLIENT, None)

    assert trace == JobTrace(above=CLIENT)
    assert trace_env(trace, "job_1", 4, 2) == {
        "TRACEPARENT": f"00-{'a' * 32}-{'b' * 16}-03",
        "TRACESTATE": "v=1",
    }
    assert place_job("job_1", None, None) is None
    assert trace_env(None, "job_1") == {}


@pytest.mark.requirement("traces:child")
def test_with_spans_the_child_stands_below_its_own() -> None:
    """In the client's trace, with its state."""
    trace = place_job("job_1", CLIENT, Sampling())

    assert trace == JobTrace(above=CLIENT, has_spans=True)
    assert trace_env(trace, "job_1", 4, 2) == {
        "TRACEPARENT": f"00-{'a' * 32}-{child_span_id('job_1', 4, 2)}-03",
        "TRACESTATE": "v=1",
    }


def test_a_job_without_a_client_begins_a_trace() -> None:
    """With an id of its own and nothing above."""
    trace = place_job("job_1", None, Sampling())

    assert trace is not None
    assert trace.above == TraceContext(trace_id=trace_id("job_1"), span_id="", flags=1)


def test_a_step_stands_below_the_job_it_is_a_step_of() -> None:
    """Whatever its client says, and whatever was set meanwhile."""
    parent = place_job("job_1", CLIENT, Sampling())
    other = TraceContext(trace_id="c" * 32, span_id="d" * 16)

    step = place_job("job_2", other, None, parent_id="job_1", parent=parent)

    assert step is not None
    assert step.has_spans
    assert (step.above.trace_id, step.above.span_id) == (CLIENT.trace_id, span_id("job_1"))
    assert place_job("job_2", other, Sampling(), parent_id="job_1", parent=None) is None
    passed = JobTrace(above=CLIENT)
    assert place_job("job_2", other, Sampling(), parent_id="job_1", parent=passed) == passed


@pytest.mark.requirement("traces:sampled")
@pytest.mark.parametrize(
    ("sampler", "alone", "kept", "unkept"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("traceidratio", False, False, False),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
        ("parentbased_traceidratio", False, True, False),
    ],
)
def test_samplers_decide_as_the_sdks_do(
    sampler: str, *, alone: bool, kept: bool, unkept: bool
) -> None:
    """With a ratio of nothing; the decision is in the flags that children get."""
    sampling = Sampling(sampler=sampler, ratio=0.0)
    decided = []
    for above in (None, CLIENT, UNKEPT):
        trace = place_job("job_1", above, sampling)
        assert trace is not None
        decided.append(trace.above.is_sampled)
        flags = trace_env(trace, "job_1")["TRACEPARENT"].rpartition("-")[2]
        assert bool(int(flags, 16) & 1) is trace.above.is_sampled

    assert sampler in SAMPLERS
    assert decided == [alone, kept, unkept]


@given(st.floats(0, 1))
def test_a_ratio_keeps_about_that_many(ratio: float) -> None:
    """By the trace's id alone, so everybody who sees it decides the same."""
    sampling = Sampling(sampler="traceidratio", ratio=ratio)
    kept = sum(sampling.keeps(trace_id(f"job_{n}"), None) for n in range(200))

    assert abs(kept - 200 * ratio) <= 40
