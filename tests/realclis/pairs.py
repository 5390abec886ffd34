"""Pair coding by two real CLIs: what lands is verified and approved, everything else does not.

The model of both reads its script from its prompt. The driver's stands in the task; the reviewer
sees that too, but what the verify command prints comes later in its prompt, and the last script
counts: so the command says what the review is.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import setup

# the likeliest to answer in JSON; the first that is installed and does not drive
REVIEWERS: Final = ("claude", "codex", "opencode", "qwen", "gemini")
VERIFY: Final = """\
import pathlib, sys
name, verdict, code = sys.argv[1:]
assert pathlib.Path(name).read_text(encoding="utf-8").strip() == "made", "it is not in the copy"
entry = {"hunk": 0, "verdict": verdict, "comment": "the script says so"}
print("[[say " + __import__("json").dumps({"hunks": [entry]}) + "]]")
sys.exit(int(code))
"""

Ask = Callable[..., Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One pair: what the reviewer says, how the command ends, and whether it may land.

    With `after` it goes on with the session of that case, and with what that left.
    """

    name: str
    after: str = ""
    verdict: str = "approved"
    exit_code: int = 0
    lands: bool = False
    reviews: int = 0


CASES: Final = (
    Case(name="landed", lands=True, reviews=1),
    Case(name="rejected", verdict="changes_requested", reviews=1),
    Case(name="goes-on", after="rejected", lands=True, reviews=1),
    Case(name="failing", exit_code=1),
)


def beside(driver: setup.Prepared, port: int) -> setup.Prepared | None:
    """A reviewer in the driver's home; None if no other CLI is installed."""
    for cli in REVIEWERS:
        if cli != driver.cli:
            try:
                return setup.prepare(cli, driver.home, driver.project, port)
            except setup.NotPrepared:
                continue
    return None


def merged(driver: setup.Prepared, reviewer: setup.Prepared) -> dict[str, str]:
    """The environment in which both are found."""
    path = os.pathsep.join([driver.env["PATH"], reviewer.env["PATH"]])
    return {**reviewer.env, **driver.env, "PATH": path}


def faults_of(ask: Ask, driver: setup.Prepared, reviewer: setup.Prepared) -> list[str]:
    """What went other than it has to, of all cases."""
    sessions: dict[str, str] = {}
    faults = [_fault_of(case, ask, driver, reviewer, sessions) for case in CASES]
    return [each for each in faults if each]


def _fault_of(
    case: Case,
    ask: Ask,
    driver: setup.Prepared,
    reviewer: setup.Prepared,
    sessions: dict[str, str],
) -> str:
    script = driver.home / "verify.py"
    script.write_text(VERIFY, encoding="utf-8")
    name = f"{case.after or case.name}.txt"
    task = f"Make a file. [[write {name} made]] Thanks."
    session = {"session_id": sessions[case.after]} if case.after else {}
    verify = [sys.executable, str(script), name, case.verdict, str(case.exit_code)]
    body = ask(
        "It is as it should be." if case.after else task,
        **session,
        pair=True,
        mode="write",
        reviewer=f"{reviewer.cli}:{reviewer.model}",
        verify=[verify],
        max_rounds=1,
        dirty=True,
    )
    sessions[case.name] = str(body.get("session_id"))
    data = body.get("data") or {}
    rounds = data.get("rounds") or [{}]
    commands = [run.get("exit_code") for run in rounds[0].get("verify") or ()]
    hunks = [hunk.get("verdict") for hunk in rounds[0].get("hunks") or ()]
    fault = (body.get("error") or {}).get("message")
    told = json.dumps({"status": body.get("status"), "error": fault, "verify": commands})
    if commands != [case.exit_code]:
        return f"{case.name}: not verified as told: {told} {rounds[0].get('problem')}"
    if hunks != [case.verdict] * case.reviews:
        return f"{case.name}: reviewed as {hunks}: {told} {data.get('lost')}"
    is_there = _is_there(driver.project / name)
    if (bool(data.get("landed")), is_there) != (case.lands, case.lands):
        return f"{case.name}: landed {data.get('landed')}, in the tree {is_there}: {told}"
    return ""


def _is_there(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8").strip() == "made"
