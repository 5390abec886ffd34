"""Findings in Markdown and in SARIF."""

import json
from pathlib import Path

import attrs
import jsonschema
import pytest
from hypothesis import given, strategies as st

from aimux.model import Finding, FindingSeverity, FindingState
from aimux.rules.audit import merge, prioritise, render_findings_markdown, sarif

SCHEMA = Path(__file__).resolve().parents[2] / "corpus" / "sarif" / "sarif-schema-2.1.0.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    """The published schema."""
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def finding(**more: object) -> Finding:
    """One with everything."""
    values: dict[str, object] = {
        "rule": "python/eval",
        "family": "code-injection",
        "category": "security",
        "severity": FindingSeverity.HIGH,
        "path": "src/a b.py",
        "line": 3,
        "end_line": 4,
        "quote": "eval(text)",
        "title": "A text is run as code",
        "scenario": "Whoever has a say in it runs what they like.",
        "fix": "Use a table",
        "scanners": ("rules", "codex"),
    }
    return Finding(**{**values, **more})  # type: ignore[arg-type]  # a test's shorthand


def log_of(*findings: Finding, failed: tuple[str, ...] = ()) -> dict[str, object]:
    """A SARIF log as a reader gets it."""
    text = json.dumps(sarif(findings, version="1.2.3", failed=failed))
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded


def test_a_report_has_each_finding_with_place_quote_and_reasons() -> None:
    """What comes first stands first, and is counted in the first line."""
    text = render_findings_markdown(prioritise(merge([finding()])))

    assert text == (
        "1 finding: 1 P2.\n\n"
        "## P2\n\n"
        "### A text is run as code\n\n"
        "`src/a b.py:3-4` · high · security · python/eval · unrefuted · by rules, codex\n\n"
        "```\neval(text)\n```\n\n"
        "Why: Whoever has a say in it runs what they like.\n\n"
        "Fix: Use a table\n"
    )


def test_a_report_says_no_more_than_a_finding_does() -> None:
    """What it lacks is left out."""
    bare = attrs.evolve(
        finding(), quote="", scenario="", fix="", scanners=(), path="a.py", end_line=3
    )
    text = render_findings_markdown(prioritise([bare]), failed=["scan: codex"])

    assert text.startswith("1 finding: 1 P2. **This audit is not complete**: scan did not")
    assert "\n`a.py:3` · high · security · python/eval · unrefuted\n\n## Did not run\n" in text


def test_what_is_apart_is_listed_apart_with_its_reason() -> None:
    """It is not counted as a finding."""
    state = FindingState.SUPPRESSED
    text = render_findings_markdown(prioritise([finding(state=state, reason="a constant")]))

    assert text.startswith("0 findings; apart: 1 suppressed.\n\n## Suppressed (listed apart)\n")
    assert "Reason: a constant\n" in text


def test_nothing_found_by_an_audit_that_failed_does_not_read_as_clean() -> None:
    """What did not run stands in the first line."""
    text = render_findings_markdown([], failed=["scan: codex"], skipped=["big.js: too large"])
    first = text.partition("\n")[0]

    assert "**This audit is not complete**: scan did not run to the end" in first
    assert "says nothing about what is clean" in first
    assert "1 file not looked at" in first
    assert "## Not looked at\n\n- big.js: too large\n" in text
    assert render_findings_markdown([]) == "0 findings.\n"


def test_what_a_finding_says_is_no_markup_of_the_report() -> None:
    """Fences are longer than any in the quote, titles are on one line, control characters go."""
    text = render_findings_markdown(
        prioritise(
            [
                finding(
                    title="# <b>*x*</b>\n## P0",
                    quote="```\n# not a heading\x1b[2J\u202e\n````",
                    path="a`b\n.py",
                    scenario="[click](http://x)\n\n## P0",
                )
            ]
        )
    )

    assert "### \\# \\<b\\>\\*x\\*\\</b\\> \\#\\# P0\n" in text
    assert "\n`````\n```\n# not a heading" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "Why: \\[click\\](http://x) \\#\\# P0\n" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## P2"]


@pytest.mark.parametrize("state", list(FindingState))
@pytest.mark.parametrize("severity", list(FindingSeverity))
def test_sarif_is_valid_by_the_published_schema(
    state: FindingState, severity: FindingSeverity, validator: jsonschema.Draft7Validator
) -> None:
    """Whatever a finding has or lacks."""
    whole = finding(state=state, severity=severity, reason="why")
    bare = attrs.evolve(
        whole, quote="", scenario="", fix="", title="", reason="", line=0, end_line=0, path="é.py"
    )
    log = log_of(*prioritise(merge([whole, bare])), failed=("scan",))

    assert [error.message for error in validator.iter_errors(log)] == []


def test_the_validator_notices(validator: jsonschema.Draft7Validator) -> None:
    """A schema that takes anything would prove nothing."""
    log = log_of(finding())
    log["runs"][0]["results"][0]["level"] = "high"  # type: ignore[index]  # JSON

    assert [error.message for error in validator.iter_errors(log)] != []


def test_sarif_says_where_and_how_bad_and_what_became_of_it() -> None:
    """Rules once each, results by index."""
    apart = finding(state=FindingState.SUPPRESSED, reason="a constant", rule="python/exec", line=9)
    refuted = finding(state=FindingState.REFUTED, line=20, rule="python/exec")
    open_ = finding(state=FindingState.UNVERIFIED, line=30)
    run = log_of(finding(id="abc"), apart, refuted, open_)["runs"][0]  # type: ignore[index]  # JSON
    one, two, three, four = run["results"]

    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["python/eval", "python/exec"]
    assert (one["ruleIndex"], two["ruleIndex"]) == (0, 1)
    assert (one["kind"], one["level"], four["kind"], four["level"]) == (
        "fail", "error", "review", "none",
    )  # fmt: skip
    assert one["partialFingerprints"] == {"aimux/v1": "abc"}
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/a%20b.py"
    assert one["locations"][0]["physicalLocation"]["region"]["endLine"] == 4
    assert one["message"]["text"] == (
        "A text is run as code. Whoever has a say in it runs what they like. Use a table."
    )
    assert two["suppressions"] == [{"kind": "inSource", "justification": "a constant"}]
    assert three["suppressions"] == [{"kind": "external", "justification": "refuted"}]
    assert run["invocations"][0]["executionSuccessful"] is True


def test_a_failed_phase_is_told_in_sarif_too() -> None:
    """An empty list of results does not read as clean."""
    run = log_of(failed=("scan",))["runs"][0]  # type: ignore[index]  # JSON

    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "scan did not run"}}
    ]


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_fence(title: str, quote: str, path: str) -> None:
    """Headings are those of the report."""
    text = render_findings_markdown(
        prioritise([finding(title=title, quote=quote, path=path, scenario=quote)])
    )
    outside, fence = [], ""
    for line in text.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line
        else:
            outside.append(line)

    assert not fence
    assert [line for line in outside if line.startswith("## ")] == ["## P2"]
