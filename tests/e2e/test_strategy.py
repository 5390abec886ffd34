"""A strategy through MCP over emulated CLIs: progress, one turn of it, cancelled, and killed."""

from pathlib import Path

import pytest
import trio

from ._host import Host, Json, attach, payload, start_server
from ._stand import Stand

ROOT = Path(__file__).parents[2]
START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "from tests.e2e import _three_tool; _three_tool.main()"
)
TOOL = ("-P", "-c", START)
CLIS = "codex,claude,gemini,qwen"


def stderr_of(stand: Stand) -> Path:
    return stand.root / "three.stderr"


async def begun(host: Host, prompt: str) -> tuple[int, str]:
    """A call in flight whose turns all run: the call's id, the job's."""
    call_id = await host.post(
        "tools/call",
        {
            "name": "three",
            "arguments": {"prompt": prompt, "clis": CLIS, "wait_seconds": 60},
            "_meta": {"progressToken": "p"},
        },
    )
    await host.progress("p")
    listed = await host.call("sessions", action="list", status="active")
    (session,) = listed["sessions"]  # type: ignore[misc]
    info = await host.call("sessions", action="info", session_id=session["id"])  # type: ignore[index]
    return call_id, info["jobs"][0]["id"]  # type: ignore[index]


async def seats(host: Host, job_id: str) -> dict[str, Json]:
    """The job's turns by seat."""
    body = await host.call("status", job_id=job_id)
    return {turn["seat"]: turn for turn in body["turns"]}  # type: ignore[union-attr]


async def all_said(host: Host, job_id: str) -> None:
    """Return once three turns have said something."""
    with trio.fail_after(60):
        while True:
            found = await seats(host, job_id)
            if len([each for each in found.values() if each["content_length"]]) == 3:
                return


@pytest.mark.requirement("strategies:mcp")
def test_three_seats_and_a_judge(stand: Stand) -> None:
    """Progress names the seats; one that dies makes it partial; each turn can be looked at."""
    stand.emulate()
    stand.emulate(["claude"], faults="context")

    async def play(host: Host) -> tuple[Json, list[Json], dict[str, Json], Json]:
        call_id, job_id = await begun(host, "[[sleep 0.5]] [[say 30]] Which way?")
        body = payload(await host.answer(call_id))
        turns = await seats(host, job_id)
        judge = await host.call("status", job_id=job_id, turn=4)
        return body, host.told("p"), turns, judge

    with start_server(stand.env, stand.project(), stderr_of(stand), command=TOOL) as server:
        body, told, turns, judge = trio.run(_attached, server, play)

    assert body["status"] == "partial", body
    assert body["data"] == {"heard": ["A", "C"], "lost": {"B": "context_overflow"}}
    assert body["error"]["code"] == "seat_lost"  # type: ignore[index]
    assert {name: (turn["cli"], turn["status"]) for name, turn in turns.items()} == {
        "A": ("codex", "completed"),
        "B": ("claude", "failed"),
        "C": ("gemini", "completed"),
        "judge": ("qwen", "completed"),
    }
    assert (judge["seat"], judge["status"]) == ("judge", "completed")
    assert judge["content"] == body["content"]
    said = " ".join(str(each["message"]) for each in told)
    assert "started (read only)" in said
    assert body["usage"]["input_tokens"] == sum(  # type: ignore[index]
        turn["usage"]["input_tokens"]
        for turn in turns.values()
        if turn["usage"]  # type: ignore[index]
    )
    assert stand.survivors() == {}


def test_cancelled_in_the_middle(stand: Stand) -> None:
    """Each turn keeps what it said and has its end; nothing is left running."""
    stand.emulate(faults="hang_after_result")

    async def play(host: Host) -> tuple[Json, list[Json]]:
        call_id, job_id = await begun(host, "[[say 40]] [[fault hang_before]]")
        del call_id
        await host.call("sessions", action="cancel", job_id=job_id)
        body = await host.call("status", job_id=job_id)
        turns = [await host.call("status", job_id=job_id, turn=number) for number in (1, 2, 3)]
        return body, turns

    with start_server(stand.env, stand.project(), stderr_of(stand), command=TOOL) as server:
        body, turns = trio.run(_attached, server, play)

    assert body["status"] == "cancelled"
    assert [turn["status"] for turn in turns] == ["cancelled"] * 3
    assert sorted(str(turn["seat"]) for turn in turns) == ["A", "B", "C"]
    assert stand.survivors() == {}


@pytest.mark.requirement("turns:one_end_after_kill")
def test_killed_in_the_middle_and_started_again(stand: Stand) -> None:
    """After `kill -9` the job is aborted with an end for each turn, and no child is left."""
    stand.emulate(["codex"])
    stand.emulate(["claude", "gemini"], faults="hang_after_result; ignore_term")

    async def before(host: Host) -> str:
        _, job_id = await begun(host, "[[say 40]] [[drip 0.01]] Which way?")
        with trio.fail_after(60):
            while (await seats(host, job_id)).get("A", {}).get("status") != "completed":
                pass
        await host.call("status", job_id=job_id, wait_seconds=0.5)  # what was said is stored
        host.server.process.kill()
        return job_id

    async def after(host: Host) -> tuple[Json, list[Json], Json]:
        body = await host.call("status", job_id=job_id)
        turns = [await host.call("status", job_id=job_id, turn=number) for number in (1, 2, 3)]
        log = await host.call("status", job_id=job_id, events_after=0)
        return body, turns, log

    job_id = ""
    with (
        pytest.raises(AssertionError),  # it does not leave with 0
        start_server(stand.env, stand.project(), stderr_of(stand), command=TOOL) as server,
    ):
        job_id = trio.run(_attached, server, before)
    assert job_id
    with start_server(stand.env, stand.project(), stderr_of(stand), command=TOOL) as server:
        body, turns, log = trio.run(_attached, server, after)

    assert body["status"] == "aborted"
    by_seat = {str(turn["seat"]): turn for turn in turns}
    assert {seat: turn["status"] for seat, turn in by_seat.items()} == {
        "A": "completed",
        "B": "aborted",
        "C": "aborted",
    }
    assert by_seat["A"]["content"]
    ends = [
        event["turn"]
        for event in log["events_list"]  # type: ignore[union-attr]
        if event["kind"] in ("turn_finished", "turn_failed")
    ]
    assert sorted(ends) == [1, 2, 3]
    assert stand.survivors() == {}


async def _attached(server: object, play: object) -> object:
    async with attach(server) as host:  # type: ignore[arg-type]
        return await play(host)  # type: ignore[operator]
