"""`consensus` over emulated CLIs: who held what, what was verified, and who was lost."""

import pytest
import trio

from ._host import Host, Json, attach, payload, start_server
from ._stand import Stand

QUESTION = "Is TOTAL in orders.py one?"
EVIDENCE = [{"path": "orders.py", "line": 1, "quote": "TOTAL = 1"}]
ENDORSING = {"content": "It is one.", "endorses": 1, "open_questions": ["for how long?"]}


def member(answer: str, *, position: str = "", quote: str = "") -> Json:
    """What a member answers, as JSON."""
    claim: Json = {"text": f"the file says {answer}"}
    if quote:
        claim["evidence"] = [{"path": "orders.py", "line": 1, "quote": quote}]
    return {"position": position or f"The answer is {answer}.", "answer": answer, "claims": [claim]}


def says(answer: str, **more: object) -> list[Json]:
    """The script of a CLI that is a member, and of one that puts answers together."""
    return [
        {"when": "independent answers", "say": ENDORSING},
        {"when": QUESTION, "say": member(answer), **more},
    ]


def ask(stand: Stand, **arguments: object) -> Json:
    """One call of `consensus`, by a client of its own."""

    async def play() -> Json:
        async with attach(server) as host:
            return await called(host, **arguments)

    stderr = stand.root / "consensus.stderr"
    with start_server(stand.env, stand.project(), stderr) as server:
        return trio.run(play)


async def called(host: Host, **arguments: object) -> Json:
    given = {"prompt": QUESTION, "wait_seconds": 60, **arguments}
    return payload(await host.answer(await host.post("tools/call", {
        "name": "consensus", "arguments": given,
    })))  # fmt: skip


@pytest.mark.requirement("tools:consensus")
def test_three_agree(stand: Stand) -> None:
    """All hold the same: completed, counted, and what they claim is looked up."""
    for cli in ("codex", "claude", "gemini"):
        stand.emulate([cli], script=says("yes"))

    body = ask(stand, clis=["codex", "claude", "gemini"])

    data = body["data"]
    assert isinstance(data, dict)
    assert body["status"] == "completed", body
    assert data["tally"]["agreement"] == 1.0
    assert sorted(seat["cli"] for seat in data["seats"]) == ["claude", "codex", "gemini"]
    assert "**3 of 3 hold:** yes" in str(body["content"])
    assert stand.survivors() == {}
