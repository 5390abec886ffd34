"""Commands that are to show a finding: which may run, and what their end means."""

import json

import attrs
import pytest

from aimux.model import ExecutedCheck, Finding, FindingSeverity, FindingState, Priority
from aimux.rules.audit import (
    INVESTIGATION_SCHEMA,
    check_json,
    check_prompt,
    read_investigation,
    refuse_check,
    render_findings_markdown,
    sarif,
    told_check,
    with_check,
)

CHECK = ExecutedCheck(command=["python3", "-c", "x"], predicted_exit_code=42)
FINDING = Finding(
    rule="off-by-one", category="correctness", severity=FindingSeverity.HIGH, path="a.py", line=3,
    end_line=3, title="reads past the end", reason="nobody agreed",
)  # fmt: skip
ROOT = "/home/me/shop"


def ended(code: int | None, control: int | None = 0, why: str = "") -> ExecutedCheck:
    return attrs.evolve(CHECK, exit_code=code, control_exit_code=control, why=why)


def test_what_is_asked_names_programs_codes_and_time() -> None:
    """A CLI cannot know them otherwise."""
    said = check_prompt(["python3", "node"], 60.0)

    assert "one of python3, node" in said
    assert "from 10 to 99" in said
    assert "within 60 s" in said
    assert "with 0 if it is not" in said


def test_an_answer_is_a_report_and_a_command() -> None:
    """Each as it was said."""
    data = {"report": "The root.", "check": {"command": ["python3", 1], "exit_code": 42}}

    report, check = read_investigation(data, json.dumps(data))

    assert report == "The root."
    assert check == ExecutedCheck(command=["python3", "1"], predicted_exit_code=42)


@pytest.mark.parametrize(
    "data",
    [
        {"report": "The root."},
        {"report": "The root.", "check": None},
        {"report": "The root.", "check": {"command": "python3 -c x", "exit_code": 42}},
        {"report": "The root.", "check": {"command": ["python3"], "exit_code": "42"}},
        {"report": "The root.", "check": {"command": ["python3"]}},
    ],
)
def test_an_answer_may_propose_no_command(data: object) -> None:
    """What is half said is none."""
    assert read_investigation(data, "text") == ("The root.", None)


@pytest.mark.parametrize("data", [None, [], {}, {"report": ""}])
def test_prose_is_the_report(data: object) -> None:
    """Nothing of it is lost."""
    assert read_investigation(data, "It comes from len().") == ("It comes from len().", None)


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        (["bash", "-c", "x"], 42, "'bash' is not among audit.check_programs"),
        (["/usr/bin/python3"], 42, "'/usr/bin/python3' is not among audit.check_programs"),
        (["python3"], 9, "it predicts 9, not 10 to 99"),
        (["python3"], 100, "it predicts 100, not 10 to 99"),
        (["python3"], 1, "it predicts 1, not 10 to 99"),
        (["python3", f"{ROOT}/a.py"], 42, "it names the directory itself, not the copy"),
        (["python3", *["x"] * 64], 42, "it is too long"),
        (["python3", "x" * 16_000], 42, "it is too long"),
        (["python3", "a\0b"], 42, "a command with a NUL character"),
        ([], 42, "an empty command"),
    ],
)
def test_a_command_that_may_not_run_is_refused(command: list[str], code: int, why: str) -> None:
    """With the reason, before anything of it runs."""
    check = ExecutedCheck(command=command, predicted_exit_code=code)

    assert refuse_check(check, ["python3"], ROOT) == why


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["python3"], 10),
        (["python3"], 99),
        (["python3", *["x"] * 63], 42),
        (["python3", "x" * (16_000 - 7)], 42),
        (["python3", "-c", "import os; os.system('ls && pwd')"], 42),
    ],
)
def test_a_command_of_a_named_program_may_run(command: list[str], code: int) -> None:
    """Up to each limit; what looks like a shell's is an argument."""
    check = ExecutedCheck(command=command, predicted_exit_code=code)

    assert refuse_check(check, ["python3"], ROOT) == ""


def test_a_check_that_shows_it_confirms() -> None:
    """And nothing else says why it is not so."""
    told = with_check(FINDING, ended(42, 1))

    assert told.state is FindingState.CONFIRMED
    assert told.reason == ""
    assert told.check == ended(42, 1)


@pytest.mark.parametrize("check", [ended(0), ended(1), ended(42, 42), ended(None, None)])
def test_a_check_that_shows_nothing_changes_no_state(check: ExecutedCheck) -> None:
    """It stands in the finding all the same."""
    assert with_check(FINDING, check) == attrs.evolve(FINDING, check=check)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (ended(42, 1), "shows it: it ended with 42, as predicted"),
        (ended(42, None), "shows it: it ended with 42, as predicted"),
        (ended(0), "did not show it: it ended with 0, not 42"),
        (ended(42, 42), "shows nothing: it ends with 42 without the code, too"),
        (ended(None, None, "stopped after 60 s"), "did not show it: stopped after 60 s"),
    ],
)
def test_a_check_reads_as_what_it_was(check: ExecutedCheck, said: str) -> None:
    """In results for people and for programs alike."""
    finding = with_check(FINDING, check)
    log = json.loads(json.dumps(sarif([finding], version="1")))

    assert told_check(check) == said
    assert f"Check `python3 -c x`: {said}." in render_findings_markdown(
        [attrs.evolve(finding, priority=Priority.P1)]
    )
    assert log["runs"][0]["results"][0]["properties"]["check"] == check_json(check)


def test_a_result_has_every_figure_of_a_check() -> None:
    """Nothing that was not said is told."""
    assert check_json(ended(42, 1)) == {
        "command": ["python3", "-c", "x"],
        "predicted_exit_code": 42,
        "exit_code": 42,
        "control_exit_code": 1,
        "tail": "",
        "duration_ms": 0,
        "why": None,
        "shows_it": True,
    }


def test_the_schema_asks_for_a_report_at_least() -> None:
    """A command is optional: most defects have none."""
    assert INVESTIGATION_SCHEMA["required"] == ["report"]
