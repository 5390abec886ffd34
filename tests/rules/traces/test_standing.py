"""Whether traces are made, and what is in the way."""

import pytest

from aimux.model import Traces
from aimux.rules.traces import INSTALL, Sampling, judge_traces

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def never() -> bool:
    raise AssertionError("asked for without a reason")


@pytest.mark.requirement("traces:setting")
@pytest.mark.parametrize(
    ("wanted", "env", "is_on"),
    [
        (Traces.AUTO, {}, False),
        (Traces.AUTO, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (Traces.AUTO, ENDPOINT, True),
        (Traces.AUTO, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, True),
        (Traces.OFF, ENDPOINT, False),
        (Traces.ON, {}, True),
        (Traces.ON, {"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        (Traces.ON, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        (
            Traces.ON,
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            True,
        ),
        (Traces.ON, {"OTEL_SDK_DISABLED": "no"}, True),
        (Traces.AUTO, ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False),
        (Traces.AUTO, ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_setting_and_the_endpoint_decide(
    wanted: Traces, env: dict[str, str], *, is_on: bool
) -> None:
    """Without a word where it is as it was wanted."""
    standing = judge_traces(wanted, env, lambda: True)

    assert standing.problem == ""
    assert (standing.sampling is not None) is is_on


@pytest.mark.requirement("traces:extra")
@pytest.mark.parametrize(
    ("wanted", "env", "said", "remedy"),
    [
        (Traces.ON, {"OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED is true", "unset it"),
        (Traces.ON, {"OTEL_TRACES_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER is none", "otlp"),
        (
            Traces.AUTO,
            ENDPOINT | {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER is zipkin",
            "otlp",
        ),
        (
            Traces.AUTO,
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is grpc",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ),
        (Traces.ON, {}, "the otel extra is not installed", INSTALL),
        (Traces.AUTO, ENDPOINT, "the otel extra is not installed", "telemetry.traces to off"),
    ],
)
def test_what_is_in_the_way_is_told_with_the_way_out(
    wanted: Traces, env: dict[str, str], said: str, remedy: str
) -> None:
    """And nothing is made."""
    standing = judge_traces(wanted, env, lambda: False)

    assert standing.sampling is None
    assert standing.problem == f"no traces: {said}"
    assert remedy in standing.remedy


def test_the_extra_is_looked_for_only_where_it_is_wanted() -> None:
    """Nobody pays for what is off."""
    for wanted, env in ((Traces.AUTO, {}), (Traces.OFF, ENDPOINT)):
        assert judge_traces(wanted, env, never).sampling is None


@pytest.mark.requirement("traces:sampled")
@pytest.mark.parametrize(
    ("sampler", "argument", "sampling", "problem"),
    [
        ("", "", Sampling(), ""),
        ("always_off", "7", Sampling(sampler="always_off"), ""),
        ("TraceIdRatio", "0.25", Sampling(sampler="traceidratio", ratio=0.25), ""),
        ("traceidratio", "", Sampling(sampler="traceidratio"), ""),
        ("traceidratio", "much", Sampling(sampler="traceidratio"), "_ARG=much is not a number"),
        ("traceidratio", "1.5", Sampling(sampler="traceidratio"), "_ARG=1.5 is not a number"),
        ("traceidratio", "nan", Sampling(sampler="traceidratio"), "_ARG=nan is not a number"),
        ("jaeger_remote", "", Sampling(), "OTEL_TRACES_SAMPLER=jaeger_remote is not known"),
    ],
)
def test_the_sampler_is_the_environments(
    sampler: str, argument: str, sampling: Sampling, problem: str
) -> None:
    """What cannot be meant keeps everything, and is told."""
    env = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    standing = judge_traces(Traces.ON, env, lambda: True)

    assert standing.sampling == sampling
    assert problem in standing.problem
    assert bool(standing.problem) is bool(problem)
    assert bool(standing.remedy) is bool(problem)
