"""think over MCP: patterns, sessions that survive a restart, faults that say the way out."""

from pathlib import Path

import pytest
import trio

from ._host import Host, Server, attach, start_server
from ._stand import make_stand

Json = dict[str, object]
SCORED: Json = {
    "criteria": [{"name": "speed", "weight": 2}, {"name": "price", "weight": 1}],
    "options": [
        {"name": "A", "scores": {"speed": 9, "price": 3}},
        {"name": "B", "scores": {"speed": 6, "price": 9}},
    ],
}


def data_of(body: Json) -> Json:
    """What the pattern computed."""
    shown = body["data"]
    assert isinstance(shown, dict)
    inner = shown["data"]
    assert isinstance(inner, dict)
    return inner


def fault(body: Json) -> Json:
    """The error of a call that was refused."""
    error = body["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.requirement("think:pattern")
async def test_a_pattern_answers_in_the_one_shape(host: Host) -> None:
    """Fields beside the pattern or in `input`, under their other names too: one answer."""
    beside = await host.call("think", pattern="decision matrix", prompt="which car", **SCORED)
    inside = await host.call(
        "think", pattern="decision_framework", input=SCORED, prompt="which car"
    )

    shown = beside["data"]
    assert isinstance(shown, dict)
    assert (beside["job_id"], beside["status"], beside["error"]) == (None, "completed", None)
    assert {"pattern", "session_id", "step", "mode", "summary", "gate", "advisor", "data"} <= set(
        shown
    )
    assert data_of(beside)["hasTies"] is True
    assert data_of(beside) == data_of(inside)


@pytest.mark.requirement("think:sessions")
@pytest.mark.slow
def test_sessions_are_apart_and_survive_a_restart(tmp_path: Path) -> None:
    """Two callers who name none get an id each; after a restart an id still leads to its steps."""
    stand = make_stand(tmp_path / "machine")
    project = stand.project()
    with start_server(stand.env, project, stand.root / "first") as server:
        one, two = trio.run(
            said, server, {"thought": "The cache is slow"}, {"thought": "Users are happy"}
        )
    again = {"thought": "The cache is not slow", "session_id": one["session_id"]}
    with start_server(stand.env, project, stand.root / "second") as server:
        (more,) = trio.run(said, server, again)

    assert str(one["session_id"]).startswith("thk_")
    assert one["session_id"] != two["session_id"]
    assert data_of(more)["totalInSession"] == 2
    assert data_of(more)["contradictsWith"] == 1


async def said(server: Server, *steps: Json) -> list[Json]:
    """The answers to some steps of sequential thinking."""
    async with attach(server) as host:
        return [await host.call("think", pattern="sequential", **step) for step in steps]


@pytest.mark.requirement("think:faults")
async def test_faults_say_the_way_out(host: Host) -> None:
    """An unknown pattern comes with the nearest, a wrong field with its name, nothing is kept."""
    pattern = fault(await host.call("think", pattern="premotem"))
    field = fault(await host.call("think", pattern="swot", oportunities=["x"]))
    session = fault(
        await host.call("think", pattern="sequential", thought="x", session_id="thk_no")
    )
    empty = await host.call("think", pattern="decision_framework", prompt="A or B?")

    assert (pattern["code"], pattern["nearest"][0]) == ("unknown_pattern", "premortem")  # type: ignore[index]
    assert field["problems"][0]["suggestion"] == "opportunities"  # type: ignore[index]
    assert session["code"] == "session_not_found"
    assert empty["guidance"]["state"] == "needs_input"  # type: ignore[index]
