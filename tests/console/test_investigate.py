"""`aimux investigate`, as a shell runs it."""

import json

import pytest

from .conftest import Machine

pytestmark = pytest.mark.slow
FINDING = {
    "description": "Totals are counted twice",
    "severity": "P1",
    "confidence": "VERIFIED",
    "source": "seen",
    "evidence": [{"path": "nowhere.py", "line": 3}],
}


def test_clis_look_and_the_report_alone_is_on_stdout(served: Machine) -> None:
    """It is a page; it is found again by its id, by its words, and with what it says as JSON."""
    said = json.dumps({"findings": [FINDING]})
    question = f"Why are totals wrong? [[json {said}]]"
    run = served.aimux("investigate", question, "-c", "codex", "-n", "2", "--save")
    inv = run.err.split(" · ")[-1].strip()
    page = served.aimux("show", inv)
    found = served.aimux("investigate", "--recall", "counting totals")
    status = json.loads(served.aimux("show", "--json", inv).out)
    (saved,) = (served.project / ".agent" / "reports").iterdir()

    assert run.code == 0, run.err
    assert inv.startswith("inv_")
    assert "max_iterations" in run.err
    assert "# Why are totals wrong?" in run.out
    assert "nowhere.py:3 (NOT VERIFIED" in run.out
    assert "Totals are counted twice" in page.out
    assert inv in found.out
    assert status["findings"][0]["by"] == "codex"
    assert "Totals are counted twice" in saved.read_text(encoding="utf-8")
    assert f"saved to {saved}" in run.err


def test_it_may_only_be_begun(served: Machine) -> None:
    """Its id is all there is on stdout; it is listed, and nobody was asked."""
    said = served.aimux("investigate", "--start", "Is the login secure?")
    listed = served.aimux("investigate", "--list")

    assert said.out.startswith("inv_")
    assert "security" in said.err
    assert said.out.strip() in listed.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give a question"),
        (("  ",), "give a question"),
        (("-s", "inv_9"), "no investigation inv_9"),
        (("x", "-d", "securty"), "did you mean security?"),
    ],
)
def test_what_cannot_be_asked_is_said(served: Machine, words: tuple[str, ...], told: str) -> None:
    """With exit code two."""
    said = served.aimux("investigate", *words)

    assert said.code == 2
    assert told in said.err


def test_what_is_not_there_is_said(served: Machine) -> None:
    """By `show` and by `--recall`."""
    page = served.aimux("show", "inv_9")
    found = served.aimux("investigate", "--recall", "giraffes")

    assert page.code == 2
    assert "inv_9" in page.err
    assert "no investigation here" in found.err
