"""Every call that the README and the guide show is sent as it stands, ids replaced.

Where a page says what it answered, it says that.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from aimux.tools import TOOLS

from ..playbook import ROOT, Call, Fence, answers, calls, fences, is_like, shown_data, written
from ._host import ANSWER_S, Host, payload
from ._pages import git, make_machine
from ._stand import Stand

PAGES = [page for page in written() if any(calls(page))]
_ID: Final = re.compile(r"\b(job|ses|inv|thk)_01K(?:…|\.\.\.)")
HOME: Final = "/home/me"  # where the reader's project is, on a page
WAITING: Final = {"queued", "running"}


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    return make_machine(module_dir / "machine")


@pytest.mark.requirement("docs:calls")
async def test_every_call_of_every_page_is_answered(
    stand: Stand, host: Host, request: pytest.FixtureRequest
) -> None:
    """None is refused, each job comes to its end, and the answers that are shown are given."""
    known: dict[str, str] = {}
    faults = []
    for page in PAGES:
        git(stand, "checkout", "--quiet", ".")
        for call in calls(page):
            first, body = await settled(stand, host, call, known)
            remember(body, known)
            expected = "planned" if call.arguments.get("dry_run") else "completed"
            if body.get("error") or ("job_id" in body and body["status"] != expected):
                faults.append(f"{call.fence} {call.tool}: {body['status']}: {body.get('error')}")
            shown = answers(call.fence)
            if shown is not None and request.config.getoption("update_golden"):
                update(shown, str(body["content"]))
            elif shown is not None and not is_like(shown.text, str(body["content"])):
                faults.append(f"{shown}: it says another thing:\n{body['content']}")
            faults += [
                f"{part}: it answers another thing: {json.dumps(body['data'])}"
                for part in shown_data(call.fence)
                if not any(shows(json.loads(part.text), each) for each in (first, body["data"]))
            ]
            if os.environ.get("SHOW_PAGES"):
                print(call.fence, call.tool, body.get("status"), body.get("error"))

    assert faults == []
    assert stand.survivors() == {}


def shows(shown: object, said: object) -> bool:
    """Whether a page shows an answer, or some keys of it; ids and what `...` stands for differ."""
    match shown, said:
        case dict(), dict():
            return all(key in said and shows(each, said[key]) for key, each in shown.items())
        case [*begin, "…"], [*_]:
            return shows(begin, said[: len(begin)])
        case list(), list():
            return len(shown) == len(said) and all(map(shows, shown, said))
        case str(), str():
            return is_like(shown.replace("...", "…"), said)
        case _:
            return shown == said


@pytest.mark.requirement("docs:calls")
def test_the_block_for_a_client_starts_a_server(stand: Stand) -> None:
    """As any client would: the command with its arguments, and the list of tools."""
    blocks = [
        json.loads(fence.text)["mcpServers"]
        for page in written() for fence in fences(page)
        if fence.kind == "json" and "mcpServers" in fence.text
    ]  # fmt: skip
    aimux = stand.bin / "aimux"
    aimux.write_text(f'#!/bin/sh\nexec {sys.executable} -m aimux "$@"\n', encoding="utf-8")
    aimux.chmod(0o755)
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    for block in blocks:
        for server in block.values():
            done = subprocess.run(
                [stand.bin / server["command"], *server["args"]],
                input=json.dumps(asked) + "\n", env=stand.env, cwd=stand.project(),
                capture_output=True, encoding="utf-8", timeout=60, check=True,
            )  # fmt: skip
            assert len(json.loads(done.stdout)["result"]["tools"]) == len(TOOLS)

    assert blocks


async def settled(
    stand: Stand, host: Host, call: Call, known: dict[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer to a call, and that at the end of its job, if it has one."""
    text = _ID.sub(lambda found: known[found[1]], json.dumps(call.arguments, ensure_ascii=False))
    text = text.replace(HOME, str(stand.project()))
    sent = {"name": call.tool, "arguments": json.loads(text)}
    first: dict[str, Any] = payload(await host.answer(await host.post("tools/call", sent)))
    body = first
    while body.get("job_id") and body["status"] in WAITING:
        body = await host.call("status", job_id=body["job_id"], wait_seconds=ANSWER_S)
    return first, body


def remember(body: dict[str, Any], known: dict[str, str]) -> None:
    """Keep the newest id of each kind, for the calls that follow."""
    for key in ("job_id", "session_id"):
        if body.get(key):
            known[str(body[key])[:3]] = body[key]


def update(shown: Fence, content: str) -> None:
    """Write what was answered into the page."""
    path = ROOT / shown.page
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    end = shown.line + shown.text.count("\n") + 1
    lines[shown.line - 1 : end] = [f"{ticks}text\n{content.rstrip()}\n{ticks}\n"]
    path.write_text("".join(lines), encoding="utf-8")
