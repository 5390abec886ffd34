"""One file against the rules: what is found, what is skipped and told, what comments suppress."""

import time

import pytest

from aimux.model import FindingSeverity, FindingState, Verified
from aimux.rules.audit import AuditRule, _scan, language_of, scan

from .rulebook import rule, scanned, shipped_rule, shipped_rules

EVAL = shipped_rule("python/eval")
MARKS = shipped_rule("general/merge-conflict")
CALL = rule({"tokens": ["eval ("]}, severity="high", certain=True, why="Because.", fix="Do not.")


def test_a_finding_has_what_its_rule_says_and_where_it_is() -> None:
    """A rule reads the file itself, so its quote is verified."""
    (found,) = scanned("a();\neval(x);\n", CALL).findings
    (place,) = found.evidence

    assert (found.rule, found.family, found.category) == ("javascript/t", "errors", "errors")
    assert (found.severity, found.is_certain) == (FindingSeverity.HIGH, True)
    assert (found.path, found.line, found.end_line, found.quote) == ("x.ts", 2, 2, "eval(x);")
    assert (found.title, found.scenario, found.fix) == ("t", "Because.", "Do not.")
    assert (found.state, found.scanners) == (FindingState.UNREFUTED, ("rules",))
    assert (place.verified, place.line, place.quote) == (Verified.QUOTE, 2, "eval(x);")


@pytest.mark.parametrize(
    ("path", "first", "language"),
    [
        ("a.py", "", "python"),
        ("a/b.PYI", "", "python"),
        ("a.tsx", "", "javascript"),
        ("a\\b.mjs", "", "javascript"),
        ("main.go", "", "go"),
        ("run.bash", "", "shell"),
        ("run", "#!/usr/bin/env bash\n", "shell"),
        ("run", "#!/usr/bin/python3.12\n", "python"),
        ("run", "#!/usr/bin/env node\n", "javascript"),
        ("run", "echo", ""),
        ("notes.md", "#!/bin/sh\n", ""),
    ],
)
def test_the_name_tells_the_language_else_the_first_line(
    path: str, first: str, language: str
) -> None:
    """What neither tells is asked by general rules only."""
    assert language_of(path, first) == language


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("a.py", b"def f(:\n", "not Python in line 1"),
        ("a.py", b"x = '\x00'\n", "binary"),
        ("a.py", b"x = " + b"(" * 5_000, "not Python"),
        ("a.py", b"x = " + b"-" * 50_000 + b"1", "nested too deeply"),
        ("a.js", b"a" * 1_048_577, "1048577 bytes, the limit is 1048576"),
        ("a.js", b"a;" * 20_000, "a line has over 20000 characters: generated"),
    ],
    ids=["syntax", "binary", "brackets", "deep", "large", "minified"],
)
def test_what_cannot_be_read_is_skipped_and_told(path: str, data: bytes, why: str) -> None:
    """Never a crash, and never silence."""
    result = scan(path, data, [EVAL, CALL])
    (skipped,) = result.skipped

    assert skipped.path == path
    assert skipped.why.startswith(why)
    assert list(result.findings) == []


def test_a_file_of_too_many_tokens_is_skipped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the limit it is read."""
    assert _scan.MAX_TOKENS == 400_000
    monkeypatch.setattr(_scan, "MAX_TOKENS", 400)
    (skipped,) = scan("a.js", b"(\n" * 401, [EVAL]).skipped

    assert skipped.why == "401 tokens, the limit is 400"
    assert scan("a.js", b"(\n" * 400, [EVAL]).skipped == []


def test_general_rules_still_count_in_a_file_that_is_not_its_language() -> None:
    """A merge that was not finished is why it cannot be parsed."""
    result = scan("a.py", b"<<<<<<< HEAD\nx = 1\n", [EVAL, MARKS])

    assert [each.rule for each in result.findings] == ["general/merge-conflict"]
    assert [each.why for each in result.skipped] == ["not Python in line 1"]


def test_a_rule_that_is_lost_in_a_deep_expression_is_told_and_the_others_go_on() -> None:
    """It costs one rule on one file."""
    mktemp = shipped_rule("python/mktemp")
    text = f"import tempfile\neval({'+'.join('1' * 900)}+a)\ntempfile.mktemp()\n"
    result = scanned(text, EVAL, mktemp, language="python")

    assert [each.rule for each in result.findings] == ["python/mktemp"]
    assert [each.why for each in result.skipped] == ["python/eval: nested too deeply"]


def test_windows_line_ends_and_marks_are_read() -> None:
    """And bytes that are no UTF-8 are replaced."""
    result = scan("a.py", b"\xef\xbb\xbfa = 1\r\neval(a_\xc3\xa9)\r\n", [EVAL])

    assert [(each.line, each.quote) for each in result.findings] == [(2, "eval(a_é)")]
    assert (
        scan("a.js", b"eval(x) // \xff", [CALL]).findings[0].quote
        == "eval(x) // \N{REPLACEMENT CHARACTER}"
    )


def test_a_file_that_is_too_dense_is_told_and_the_rest_of_its_findings_stand() -> None:
    """No pattern takes a file for ever."""
    slow = rule({"tokens": ["a {...} a {...} a {...} b"]})
    text = "eval(x);\n" + "a ( \n" * 500
    result = scan("x.ts", text.encode(), [CALL, slow], max_steps=50_000)

    assert [each.rule for each in result.findings] == ["javascript/t"]
    assert [each.why for each in result.skipped] == ["javascript/t and rules after it: too dense"]


@pytest.mark.parametrize(
    ("text", "language", "one"),
    [
        ("eval(x)  # aimux: ignore[python/eval] a constant\n", "python", EVAL),
        ("# aimux: ignore[eval] a constant\neval(x)\n", "python", EVAL),
        ("eval(x)  # noqa # aimux: ignore[a, eval]: a constant\n", "python", EVAL),
        ("eval(x) // aimux: ignore[javascript/t] a constant\n", "javascript", CALL),
        ("/* other\n   aimux: ignore[t] a constant */\neval(x)\n", "javascript", CALL),
        ("x # aimux: ignore[merge-conflict] a constant\n<<<<<<< HEAD\n", "general", MARKS),
    ],
)
def test_a_comment_with_a_reason_suppresses(text: str, language: str, one: AuditRule) -> None:
    """On the line or the one before, by id or by its last part; it is shown apart, with why."""
    result = scanned(text, one, language=language)

    assert [(each.state, each.reason) for each in result.findings] == [
        (FindingState.SUPPRESSED, "a constant")
    ]
    assert list(result.notes) == []


@pytest.mark.parametrize(
    "text",
    [
        "# aimux: ignore[eval] a constant\n\neval(x)\n",  # too far
        "eval(x)  # aimux: ignore[exec] a constant\n",  # another rule
        "eval(x + ' # aimux: ignore[eval] a constant')\n",  # a string
    ],
)
def test_what_is_not_such_a_comment_suppresses_nothing(text: str) -> None:
    """Nor does it say anything."""
    result = scanned(text, EVAL, language="python")

    assert [each.state for each in result.findings] == [FindingState.UNREFUTED]
    assert list(result.notes) == []


@pytest.mark.parametrize(
    "comment", ["aimux: ignore[eval]", "aimux: ignore[eval] -", "aimux:ignore[eval]:"]
)
def test_without_a_reason_it_does_not_count_and_is_told(comment: str) -> None:
    """Whoever reads it next must know why."""
    result = scanned(f"eval(x)  # {comment}\n", EVAL, language="python")

    assert [each.state for each in result.findings] == [FindingState.UNREFUTED]
    assert list(result.notes) == ["x.py:1: aimux: ignore[eval] has no reason, so it does not count"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.py", "value = compute(f'{a} {b}', [x for x in range(3)])  # why\n"),
        ("a.ts", "const token = compute(`a ${b} c`, /x/g) + 'abc'; // why\n"),
        ("a.go", 'rows, err := db.Query("SELECT 1", name) // why\n'),
        ("a.sh", "rm -rf \"$X/a\" $(ls $Y) | grep 'x' > /dev/null # why\n"),
    ],
)
def test_a_large_file_takes_seconds(name: str, line: str) -> None:
    """All shipped rules together."""
    data = (line * (16_384 // len(line))).encode()
    start = time.process_time()
    result = scan(name, data, list(shipped_rules().rules.values()))

    assert time.process_time() - start < 5  # of processor time; a quarter of that on a free machine
    assert all("too dense" in each.why for each in result.skipped)
