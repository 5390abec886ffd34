"""Figures as text: what a scraper's own parser makes of them."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aimux.rules import Family, Kind, Sample, histogram, render_exposition

NASTY = 'a "quoted" \\ back\\nslash\nand a line, {with="braces"} ünï 日本'


def parsed(*families: Family) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by sample name and labels, as the parser reads them."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(render_exposition(families)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize("text", [NASTY, "", "\\", '"', "\n", "\\n", "\r", "tab\t"])
def test_labels_come_back_as_they_were(text: str) -> None:
    """Whatever a caller calls a model."""
    family = Family(
        name="it_total", kind=Kind.COUNTER, said=NASTY, samples=[Sample({"model": text}, 3)]
    )

    assert parsed(family) == {"it_total": {(text,): 3.0}}


@pytest.mark.parametrize("value", [0, 1, 10**15, 0.1, 1e-9, -2.5, math.inf, -math.inf])
def test_numbers_come_back_as_they_were(value: float) -> None:
    """Whole ones are written without a point."""
    family = Family(name="it", kind=Kind.GAUGE, said="said", samples=[Sample({}, value)])

    assert parsed(family) == {"it": {(): float(value)}}
    assert "1.0\n" not in render_exposition([family])


def test_what_is_no_number_is_told_so() -> None:
    """The parser knows it."""
    family = Family(name="it", kind=Kind.GAUGE, said="said", samples=[Sample({}, math.nan)])

    assert math.isnan(parsed(family)["it"][()])


def test_a_histogram_counts_up() -> None:
    """Each bucket holds those below it too; the last one is all."""
    samples = histogram({"cli": "a"}, [1.0, 2.5], [2, 0, 1], 9.5)
    family = Family(name="it_seconds", kind=Kind.HISTOGRAM, said="said", samples=samples)

    assert parsed(family) == {
        "it_seconds_bucket": {("a", "1"): 2.0, ("a", "2.5"): 2.0, ("a", "+Inf"): 3.0},
        "it_seconds_sum": {("a",): 9.5},
        "it_seconds_count": {("a",): 3.0},
    }


def test_a_family_without_samples_is_left_out() -> None:
    """Each other has one line of help and one of its type."""
    empty = Family(name="none", kind=Kind.GAUGE, said="said", samples=[])
    full = Family(name="it", kind=Kind.GAUGE, said="said\\", samples=[Sample({}, 1)])

    assert render_exposition([empty, full]) == "# HELP it said\\\\\n# TYPE it gauge\nit 1\n"
