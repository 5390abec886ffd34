"""Whether traces are made, and what is in the way: our setting, OpenTelemetry's variables."""

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from aimux.model import Traces

from ._places import ALWAYS, SAMPLERS, Sampling

INSTALL: Final = "pip install 'aimux-mcp[otel]'"
HTTP: Final = "http/protobuf"  # what the extra has an exporter for
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_SAMPLER: Final = "OTEL_TRACES_SAMPLER"
_ARGUMENT: Final = "OTEL_TRACES_SAMPLER_ARG"


@attrs.frozen(kw_only=True)
class TraceStanding:
    """`sampling` is None where no spans are made. `problem` is what the user should know of."""

    sampling: Sampling | None = None
    problem: str = ""
    remedy: str = ""


def judge_traces(
    wanted: Traces, env: Mapping[str, str], has_extra: Callable[[], bool]
) -> TraceStanding:
    """Whether spans are made with this setting in this environment.

    `has_extra` is asked only where they would be.
    """
    is_named = any(_value(env, name) for name in ENDPOINTS)
    if wanted is Traces.OFF or (wanted is Traces.AUTO and not is_named):
        return TraceStanding()
    is_on = wanted is Traces.ON
    if _value(env, "OTEL_SDK_DISABLED").lower() == "true":
        return _off("OTEL_SDK_DISABLED is true", "unset it, or set telemetry.traces to off", is_on)
    exporters = [each.strip() for each in _value(env, _EXPORTER).split(",") if each.strip()]
    if exporters and "otlp" not in exporters:
        said = f"{_EXPORTER} is {', '.join(exporters)}"
        is_none = exporters == ["none"]
        return _off(said, f"otlp is the one there is: unset {_EXPORTER}", is_on or not is_none)
    for name in _PROTOCOLS:
        protocol = _value(env, name)
        if protocol and protocol != HTTP:
            remedy = f"set {name}={HTTP}, and the endpoint to the collector's port for it (4318)"
            return _off(f"{name} is {protocol}", remedy, is_told=True)
        if protocol:
            break
    if not has_extra():
        remedy = f"{INSTALL}, or set telemetry.traces to off"
        return _off("the otel extra is not installed", remedy, is_told=True)
    return _sampled(env)


def _off(why: str, remedy: str, is_told: bool) -> TraceStanding:
    return TraceStanding(problem=f"no traces: {why}", remedy=remedy) if is_told else TraceStanding()


def _sampled(env: Mapping[str, str]) -> TraceStanding:
    sampler = _value(env, _SAMPLER).lower() or ALWAYS
    if sampler not in SAMPLERS:
        said = f"{_SAMPLER}={sampler} is not known, {ALWAYS} is taken"
        return TraceStanding(
            sampling=Sampling(), problem=said, remedy=f"one of {', '.join(SAMPLERS)}"
        )
    given = _value(env, _ARGUMENT)
    if not sampler.endswith("traceidratio") or not given:
        return TraceStanding(sampling=Sampling(sampler=sampler))
    try:
        ratio = float(given)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        said = f"{_ARGUMENT}={given} is not a number from 0 to 1, 1 is taken"
        sampling = Sampling(sampler=sampler)
        return TraceStanding(sampling=sampling, problem=said, remedy=f"set {_ARGUMENT}=0.1")
    return TraceStanding(sampling=Sampling(sampler=sampler, ratio=ratio))


def _value(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()
