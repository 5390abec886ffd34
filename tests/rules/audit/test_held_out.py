"""The shipped rules on code that they were not written for."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from aimux.model import Finding

from .rulebook import CORPUS, Planted, corpus

# of the held-out files and their lists, as they were committed before the first rule
HELD_OUT = "493ead4254e03ed2ed6b8d1dad1b61de8a1af4077a5785a21e3d30b4b01532f8"


def is_it(finding: Finding, defect: Mapping[str, object]) -> bool:
    """Whether a finding is what was planted: its place, its category."""
    line = defect["line"]
    assert isinstance(line, int)
    return finding.line <= line <= finding.end_line and finding.category == defect["category"]


def measured(files: Iterable[Planted]) -> tuple[float, float, str]:
    """Recall, precision, and both by language with what was missed and what was wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    lines = []
    for file in files:
        for defect in file.defects:
            found = any(is_it(each, defect) for each in file.findings)
            counts[file.language, "planted"] += 1
            counts[file.language, "found"] += found
            if not found:
                lines.append(f"missed: {file.name}:{defect['line']} {defect['what']}")
        for finding in file.findings:
            right = any(is_it(finding, each) for each in file.defects)
            counts[file.language, "right"] += right
            counts[file.language, "told"] += 1
            if not right:
                lines.append(f"wrong: {file.name}:{finding.line} {finding.rule}")
    total: Counter[str] = Counter()
    for (_, word), count in counts.items():
        total[word] += count
    recall, precision = total["found"] / total["planted"], total["right"] / total["told"]
    for language in sorted({each for each, _ in counts}):
        of = {word: counts[language, word] for word in ("found", "planted", "right", "told")}
        lines.append(
            f"{language}: recall {of['found']}/{of['planted']}, "
            f"precision {of['right']}/{of['told']}"
        )
    lines.append(f"all: recall {recall:.2f}, precision {precision:.2f}")
    return recall, precision, "\n".join(lines)


def test_the_held_out_half_is_as_it_was_before_the_first_rule() -> None:
    """It measures something only as long as nobody bends it."""
    digest = hashlib.sha256()
    for side in sorted(CORPUS.rglob("*.json")):
        text = side.read_bytes()
        if b'"held_out": true' in text:
            digest.update(text + side.with_suffix("").read_bytes())

    assert digest.hexdigest() == HELD_OUT


def test_the_corpus_has_enough_of_both_kinds() -> None:
    """Forty defects and forty look-alikes, half of them held out."""
    halves = [list(corpus(is_held_out=each)) for each in (True, False)]
    for half in halves:
        assert sum(len(each.defects) for each in half) >= 20
        assert sum(len(each.look_alikes) for each in half) >= 20
        assert {each.language for each in half} == {"python", "javascript", "go", "shell"}


def test_recall_and_precision_on_the_held_out_half(capsys: pytest.CaptureFixture[str]) -> None:
    """What was planted is found, and little else is told."""
    recall, precision, text = measured(corpus(is_held_out=True))
    with capsys.disabled():
        print(f"\n{text}")

    assert recall >= 0.7
    assert precision >= 0.8


def test_recall_and_precision_on_the_half_that_rules_were_written_by() -> None:
    """There is no excuse there."""
    recall, precision, text = measured(corpus(is_held_out=False))

    assert (recall, precision) == (1.0, 1.0), text
