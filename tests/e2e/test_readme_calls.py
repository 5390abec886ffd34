"""Calls that users of other multiplexers know by heart run here as they stand, ids replaced."""

from pathlib import Path
from typing import Any, Final

import pytest

from aimux.tools import TOOLS

from ._host import ANSWER_S, Host, payload
from ._stand import Stand, make_stand

RULING: Final = {"winner": "draw", "confidence": 0.7, "points": [], "unresolved": [],
                 "recommendation": "Wait."}  # fmt: skip
MEMBER: Final = {"position": "It is.", "answer": "yes", "claims": []}
RISK: Final = {"cause": "data loss", "likelihood": 4, "impact": 4, "detectability": 2}


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine whose CLIs know what to say."""
    stand = make_stand(module_dir / "machine")
    stand.emulate(
        script=[
            {"when": "in a premortem", "say": {"failure_modes": [RISK], "confidence": 0.7}},
            {"when": "one of several who answer", "say": MEMBER},
            {"when": "independent answers", "say": {"content": "It is.", "endorses": 1,
                                                    "open_questions": []}},
            {"when": "Give your opening", "say": {"text": "Reads are many."}},
            {"when": "Rebut it in JSON", "say": {"text": "Not so.", "attacks": []}},
            {"when": "Close in JSON", "say": {"text": "That is all."}},
            {"when": "You judge them", "say": RULING},
        ]
    )  # fmt: skip
    return stand


async def call(host: Host, name: str, **arguments: object) -> dict[str, Any]:
    """What a call came to in the end; who hands over is asked for the rest."""
    params = {"name": name, "arguments": arguments}
    body: dict[str, Any] = payload(await host.answer(await host.post("tools/call", params)))
    assert body["error"] is None, body
    if body["status"] in ("queued", "running"):
        return await host.call("status", job_id=body["job_id"], wait_seconds=ANSWER_S)
    return body


async def test_exec_by_role(host: Host) -> None:
    """The role chooses CLI and stance."""
    body = await call(host, "exec", prompt="Review orders.py for bugs", role="codereview")

    assert (body["status"], body["role"], body["mode"]) == ("completed", "codereview", "read")


async def test_exec_in_the_background_and_status(host: Host) -> None:
    """The id comes at once; the same id leads to the answer."""
    begun = await host.call(
        "exec", prompt="Find security holes", role="secaudit", **{"async": True}
    )
    body = await host.call("status", job_id=begun["job_id"])
    ended = await host.call("status", job_id=begun["job_id"], wait_seconds=ANSWER_S)

    assert begun["status"] in ("queued", "running")
    assert body["job_id"] == begun["job_id"]
    assert (ended["status"], ended["role"]) == ("completed", "secaudit")


@pytest.mark.slow
async def test_consensus_of_three_blinded_and_put_together(host: Host) -> None:
    """Each apart, and one text of all."""
    body = await call(
        host,
        "consensus",
        prompt="Is it safe to cache orders.py?",
        clis=["codex", "gemini", "claude"],
        blinded=True,
        synthesize=True,
    )

    assert body["status"] == "completed", body["error"]
    assert {each["cli"] for each in body["data"]["seats"]} == {"codex", "gemini", "claude"}
    assert body["data"]["synthesis"] is not None


@pytest.mark.slow
async def test_debate_of_two(host: Host) -> None:
    """One for it, one against, and a verdict."""
    body = await call(
        host, "debate", topic="Monolith or services?", pro_cli="codex", con_cli="gemini",
        synthesize=True,
    )  # fmt: skip

    assert body["status"] == "completed", body["error"]
    assert [each["cli"] for each in body["data"]["sides"]] == ["codex", "gemini"]
    assert body["data"]["verdict"]["winner"] == "draw"


@pytest.mark.slow
async def test_think_by_a_pattern_with_clis(host: Host) -> None:
    """Their items are merged."""
    body = await call(
        host, "think", pattern="premortem", prompt="Migrate to services?",
        clis=["codex", "gemini"], consensus=True,
    )  # fmt: skip

    assert body["status"] == "completed", body["error"]
    assert body["data"]["data"]["technique"]["failure_modes"][0]["cause"] == "data loss"


async def test_bare_lines_are_answered(host: Host) -> None:
    """`tools/list` has thirteen, `resources/list` tells of health."""
    await host.write(b'{"jsonrpc":"2.0","id":9001,"method":"tools/list","params":{}}\n')
    await host.write(b'{"jsonrpc":"2.0","id":9002,"method":"resources/list","params":{}}\n')
    tools: Any = (await host.answer(9001))["result"]
    resources: Any = (await host.answer(9002))["result"]

    assert [each["name"] for each in tools["tools"]] == list(TOOLS)
    assert len(tools["tools"]) == 13
    assert "aimux://health" in {each["uri"] for each in resources["resources"]}
