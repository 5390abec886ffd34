"""Figures as text for a scraper: the Prometheus text format, version 0.0.4.

A family has one type and one help line; each of its samples has labels and a number.
"""

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_ESCAPED_LABEL: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


class Kind(enum.StrEnum):
    """How a family is read."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@attrs.frozen
class Sample:
    """One number of a family; `suffix` is of a histogram's parts."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@attrs.frozen(kw_only=True)
class Family:
    """A metric: all its samples."""

    name: str
    kind: Kind
    said: str
    samples: Sequence[Sample]


def histogram(
    labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float
) -> list[Sample]:
    """The samples of one histogram; `counts` are per bucket, one more than there are bounds."""
    samples, below = list[Sample](), 0
    for bound, count in zip([*bounds, math.inf], counts, strict=True):
        below += count
        samples.append(Sample({**labels, "le": _number(bound)}, below, "_bucket"))
    return [*samples, Sample(labels, total, "_sum"), Sample(labels, below, "_count")]


def render_exposition(families: Sequence[Family]) -> str:
    """Families as text; one without samples is left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {family.said.translate(_ESCAPED)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [_line(family.name, sample) for sample in family.samples]
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, sample: Sample) -> str:
    told = ",".join(
        f'{label}="{value.translate(_ESCAPED_LABEL)}"' for label, value in sample.labels.items()
    )
    labels = f"{{{told}}}" if told else ""
    return f"{name}{sample.suffix}{labels} {_number(sample.value)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
