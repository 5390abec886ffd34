"""A walk that nobody steers: from each goal's first call by `next[0]` alone to the end of the work.

This file names no tool: what is called first stands in `goals.yaml`, what is called then in the
answers.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import ruamel.yaml

from aimux.tools import TOOLS

from ..guidance.test_contract import PLACEHOLDER
from ._host import Host, payload
from ._stand import Stand, make_stand

MOST: Final = 12  # calls of a walk
WAITING: Final = ("queued", "running", "asks", "delegate_running")
GOALS: Final = ruamel.yaml.YAML(typ="safe").load(
    Path(__file__).with_name("goals.yaml").read_text(encoding="utf-8")
)
DONE: Final = r"AGENT-DONE-\w+"
FOUND: Final = {
    "description": "Every total is added up anew",
    "severity": "P1",
    "confidence": "VERIFIED",
    "source": "orders.py",
    "evidence": [{"path": "orders.py", "line": 1, "quote": "TOTAL = 1"}],
}
MEMBER: Final = {
    "position": "It is stale.", "answer": "yes",
    "claims": [{"text": "the file says so",
                "evidence": [{"path": "orders.py", "line": 1, "quote": "TOTAL = 1"}]}],
}  # fmt: skip
RISK: Final = {"cause": "data loss", "likelihood": 4, "impact": 4, "detectability": 2}
RULING: Final = {"winner": "draw", "confidence": 0.7, "points": [], "unresolved": [],
                 "recommendation": "Cache it."}  # fmt: skip
# what every CLI says, by what it is asked
SCRIPT: Final[Sequence[Mapping[str, object]]] = (
    {"when": "You investigate one question", "say": {"findings": [FOUND]}},
    {"when": "Others investigated one question", "say": {"findings": []}},
    {"when": "Look for defects", "say": {"findings": [], "files_read": ["orders.py"]}},
    {"when": "in a premortem", "say": {"failure_modes": [RISK], "confidence": 0.7}},
    {"when": "one of several who answer", "say": MEMBER},
    {"when": "Review a change", "say": {"hunks": [{"hunk": 0, "verdict": "approved",
                                                   "comment": "it is so"}]}},
    {"when": "You are the critic", "say": {"blocking": [], "notes": []}},
    {"when": "Give your opening", "say": {"text": "Reads are many."}},
    {"when": "You judge them", "say": RULING},
    {"when": "# How to end", "say": "It is the parser.\n{recalled}", "recall": DONE},
    {"when": "Set TOTAL to two", "write": {"orders.py": "TOTAL = 2\n"}, "say": "Done."},
)  # fmt: skip


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine whose twelve CLIs know what to say; one is not logged in, one fails at first."""
    stand = make_stand(module_dir / "machine")
    stand.emulate(script=SCRIPT)
    stand.emulate(["droid"], faults="auth")
    stand.emulate(["aider"], faults="fail_first 1 context")
    tree = stand.project()
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"]
        subprocess.run(["git", *settings, *words], cwd=tree, check=True, capture_output=True)
    return stand


async def walk(host: Host, goal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of a walk, the last of which is the end of it."""
    name, arguments = goal["first"]["tool"], goal["first"]["arguments"]
    answers: list[dict[str, Any]] = []
    sent: list[object] = []
    while len(answers) < MOST:
        is_waiting = bool(answers) and states(answers)[-1] in WAITING
        assert (name, arguments) not in sent or is_waiting, (name, arguments, answers[-1])
        sent.append((name, arguments))
        params = {"name": name, "arguments": arguments}
        body = payload(await host.answer(await host.post("tools/call", params)))
        answers.append(body)
        code = (body.get("error") or {}).get("code")  # type: ignore[attr-defined]
        assert code not in ("invalid_arguments", "contradictory_arguments"), (params, body)
        assert body["guidance"]["state"] != "refused", (params, body)  # type: ignore[index]
        if has_come_to(goal, answers):
            return answers
        step = body["guidance"]["next"][0]  # type: ignore[index]
        name, arguments = step["tool"], step["arguments"]
        assert not PLACEHOLDER.search(str(arguments))
    raise AssertionError([each["guidance"] for each in answers])


def has_come_to(goal: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last answer is what was wanted, and the way led through what it had to."""
    if len(answers) < goal.get("calls", 1) or not is_way(goal["through"], states(answers)):
        return False
    return all(
        re.search(str(wanted), str(at(answers[-1], key))) for key, wanted in goal["end"].items()
    )


def states(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(each["guidance"]["state"]) for each in answers]


def is_way(through: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether the states lie on the way in this order."""
    rest: Iterator[str] = iter(seen)
    return all(any(re.match(wanted, state) for state in rest) for wanted in through)


def at(body: object, key: str) -> object:
    """What an answer has under a dotted key; nothing if it has none."""
    for part in key.split("."):
        if isinstance(body, list):
            body = body[int(part)] if int(part) < len(body) else ""
        else:
            body = body.get(part, "") if isinstance(body, dict) else ""
    return body


def is_file(path: str) -> bool:
    return Path(path).is_file()


@pytest.mark.slow
@pytest.mark.requirement("guidance:walk")
@pytest.mark.parametrize("goal", GOALS, ids=[each["goal"] for each in GOALS])
async def test_next_alone_leads_to_the_end(goal: Mapping[str, Any], host: Host) -> None:
    """At most twelve calls, none invalid, none twice but to wait, no placeholder."""
    answers = await walk(host, goal)

    assert has_come_to(goal, answers)
    saved = at(answers[-1], "result.saved_to")
    assert not saved or is_file(str(saved))


async def test_what_is_exported_can_be_read(host: Host) -> None:
    """The last answers of walks name resources; each of them is there."""
    (goal,) = [each for each in GOALS if "data.exports.sarif" in each["end"]]
    exports = at((await walk(host, goal))[-1], "data.exports")
    assert isinstance(exports, dict)
    read = [
        await host.answer(await host.post("resources/read", {"uri": uri}))
        for uri in exports.values()
    ]

    assert all(each["result"]["contents"][0]["text"] for each in read)  # type: ignore[index]


def test_nobody_steers() -> None:
    """The source of the walk names no tool."""
    source = Path(__file__).read_text(encoding="utf-8")
    named = [tool for tool in TOOLS if re.search(rf"""["']{tool}["']""", source)]

    assert named == []
