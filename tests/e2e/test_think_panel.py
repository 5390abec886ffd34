"""`think` over emulated CLIs: what they say is merged, who is lost is named, the solo answer stays."""

import pytest
import trio

from ._host import Host, Json, attach, payload, start_server
from ._stand import Stand

PLAN = "Should we migrate this monolith to microservices?"
README: Json = {"pattern": "premortem", "prompt": PLAN, "clis": ["codex", "gemini"], "consensus": True}


def mode(cause: str, likelihood: int, impact: int = 4, **more: object) -> Json:
    """One way to fail, as a CLI gives it."""
    return {"cause": cause, "likelihood": likelihood, "impact": impact, "detectability": 2, **more}


def says(*modes: Json, **more: object) -> list[Json]:
    """The script of a CLI that gives these ways to fail."""
    return [{"when": PLAN, "say": {"failure_modes": list(modes), "confidence": 0.7, **more}}]


def ask(stand: Stand, **arguments: object) -> Json:
    """One call of `think`, by a client of its own."""

    async def play() -> Json:
        async with attach(server) as host:
            return await called(host, **arguments)

    with start_server(stand.env, stand.project(), stand.root / "think.stderr") as server:
        return trio.run(play)


async def called(host: Host, **arguments: object) -> Json:
    given = {"wait_seconds": 60, **README, **arguments}
    return payload(await host.answer(await host.post("tools/call", {
        "name": "think", "arguments": given,
    })))  # fmt: skip


@pytest.mark.requirement("think:panel")
def test_the_readme_call_works_as_written(stand: Stand) -> None:
    """Two answer: alike causes are one with both in support, ratings averaged, a verdict computed."""
    stand.emulate(["codex"], script=says(mode("data loss in migration", 5), verdict="rethink"))
    stand.emulate(
        ["gemini"],
        script=says(mode("migration data loss", 3), mode("the team lacks skill", 2), verdict="go"),
    )

    body = ask(stand)

    data = body["data"]
    assert isinstance(data, dict)
    assert body["status"] == "completed", body
    rows = data["data"]["technique"]["failure_modes"]
    assert (rows[0]["likelihood"], rows[0]["exposure"], rows[0]["rpn"]) == (4, 16, 64)
    assert sorted(rows[0]["support"]) == ["codex", "gemini"]
    assert data["consensus"]["agreement"] == 0.5
