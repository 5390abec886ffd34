"""Faults of CLIs x families x ways to call, to interrupt and to lose the daemon."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio

from tests.e2e._host import ANSWER_S, Host, Json, error_of, payload

from ._leftovers import SETTLE_S, Count, count, settle
from ._machine import ENDED, Machine, end_of, found_in
from ._table import Cell, Found, Table

WORD: Final = "PELICAN"
MOMENT_S: Final = 0.8  # an interruption comes at a random moment this long after the start
WARM_S: Final = 0.3
# what answers something else, or ends before the word is said
WORDLESS: Final = ("refuse", "exit0_error", "crash_mid_json 139", "flood", "endless_line")

Results = dict[Cell, Found]


def prompt_of(fault: str) -> str:
    """What makes an emulator do badly, and the word that its answer is to hold."""
    return f"{WORD} [[fault {fault}]] and much more, so that half of the answer has the word"


async def run_batch(
    machine: Machine,
    table: Table,
    fault: str,
    way: str,
    families: Sequence[str],
    before: Count,
) -> Results:
    """One fault in one way, for all families side by side."""
    cells = [Cell(fault, family, way) for family in families]
    found: Results = {}
    word = "" if fault in WORDLESS else WORD
    (machine.world.stand.home / ".emulator" / "children").unlink(missing_ok=True)
    async with machine.host() as host:
        limits = {cell: _limit(table, cell) for cell in cells}
        try:
            await PLAYS[way](machine, host, limits, found, word)
        finally:
            for cell in cells:
                found.setdefault(cell, Found(end="hang", took_s=ANSWER_S))
    left = await settle(machine.world, before, SETTLE_S if before.pid >= 0 else WARM_S)
    machine.end_sleepers()
    bug = machine.bugs()
    return {cell: _with(each, left, bug) for cell, each in found.items()}


def _limit(table: Table, cell: Cell) -> float:
    row = table.row(cell)
    return row.limit_s if row is not None else 30.0


def _with(found: Found, left: tuple[str, ...], bug: str) -> Found:
    return Found(end=found.end, took_s=found.took_s, lost=found.lost, left=left, bug=bug)


async def _each(work: Callable[[Cell], object], cells: Mapping[Cell, float]) -> None:
    """All at once; one that gets no answer in time is told from its result that is missing."""

    async def one(cell: Cell) -> None:
        with trio.move_on_after(ANSWER_S + 5):
            try:
                await work(cell)  # type: ignore[misc]
            except trio.TooSlowError:
                return

    async with trio.open_nursery() as nursery:
        for cell in cells:
            nursery.start_soon(one, cell)


def _arguments(cell: Cell, limit_s: float) -> Json:
    return {"prompt": prompt_of(cell.fault), "cli": cell.family, "timeout_seconds": limit_s}


async def _sync(
    machine: Machine, host: Host, limits: Mapping[Cell, float], found: Results, word: str
) -> None:
    async def one(cell: Cell) -> None:
        begun = trio.current_time()
        body = await host.call("exec", **_arguments(cell, limits[cell]), wait_seconds=ANSWER_S)
        found[cell] = found_in(body, trio.current_time() - begun, word)

    await _each(one, limits)


async def _begin(host: Host, cell: Cell, limit_s: float) -> str:
    body = await host.call("exec", **{**_arguments(cell, limit_s), "async": True})
    return str(body["job_id"])


async def _ended(host: Host, job_id: str) -> Json:
    body: Json = {}
    while body.get("status") not in ENDED:
        body = await host.call("status", job_id=job_id, wait_seconds=20)
    return body


async def _async(
    machine: Machine, host: Host, limits: Mapping[Cell, float], found: Results, word: str
) -> None:
    async def one(cell: Cell) -> None:
        begun = trio.current_time()
        body = await _ended(host, await _begin(host, cell, limits[cell]))
        found[cell] = found_in(body, trio.current_time() - begun, word)

    await _each(one, limits)


async def _kill(
    machine: Machine, host: Host, limits: Mapping[Cell, float], found: Results, word: str
) -> None:
    moments = {cell: machine.chance.uniform(0, MOMENT_S) for cell in limits}

    async def one(cell: Cell) -> None:
        job_id = await _begin(host, cell, limits[cell])
        await trio.sleep(moments[cell])
        begun = trio.current_time()
        await host.call("sessions", action="kill", job_id=job_id)
        body = await _ended(host, job_id)
        found[cell] = _interrupted(body, trio.current_time() - begun, word)

    await _each(one, limits)


async def _cancel(
    machine: Machine, host: Host, limits: Mapping[Cell, float], found: Results, word: str
) -> None:
    """The client takes its call back: nothing more is written for it, or its answer was before."""
    moments = {cell: machine.chance.uniform(0, MOMENT_S) for cell in limits}

    async def one(cell: Cell) -> None:
        host.server.last_id += 1
        call_id = host.server.last_id
        params = {
            "name": "exec",
            "arguments": {**_arguments(cell, limits[cell]), "wait_seconds": ANSWER_S},
            "_meta": {"progressToken": call_id},
        }
        await host.say({"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params})
        await host.progress(call_id)
        await trio.sleep(moments[cell])
        begun = trio.current_time()
        await host.notify("notifications/cancelled", requestId=call_id, reason="enough")
        job_id = await _newest(host, cell.family)
        body = await _ended(host, job_id)
        found[cell] = _interrupted(body, trio.current_time() - begun, word)
        said = [each for each in host.heard if each.get("id") == call_id and "method" not in each]
        if said and end_of(payload(said[0])) != end_of(body):
            found[cell] = Found(end=f"{found[cell].end}, answered {end_of(payload(said[0]))}")
        if body["status"] == "cancelled" and said:
            found[cell] = Found(end="answered though cancelled")

    await _each(one, limits)


async def _newest(host: Host, cli: str) -> str:
    """The job of the CLI that was begun last."""
    listed = await host.call("sessions", action="list", status="all", limit=100)
    session = next(each for each in listed["sessions"] if each["cli"] == cli)  # type: ignore[attr-defined]
    info = await host.call("sessions", action="info", session_id=session["id"])
    return str(info["jobs"][-1]["id"])  # type: ignore[index]


async def _daemon(
    machine: Machine, host: Host, limits: Mapping[Cell, float], found: Results, word: str
) -> None:
    """`kill -9` of the daemon at a random moment; the shim finds the next one."""
    jobs: dict[Cell, str] = {}

    async def begin(cell: Cell) -> None:
        jobs[cell] = await _begin(host, cell, limits[cell])

    await _each(begin, limits)
    await trio.sleep(machine.chance.uniform(0, MOMENT_S))
    pid = machine.world.daemon
    if pid:
        os.kill(pid, signal.SIGKILL)
    begun = trio.current_time()

    async def follow(cell: Cell) -> None:
        if cell not in jobs:
            return
        body = await _ended_over(host, jobs[cell])
        found[cell] = _interrupted(body, trio.current_time() - begun, word)

    await _each(follow, limits)


async def _ended_over(host: Host, job_id: str) -> Json:
    """The end of a job, asked for again where the daemon went away under the question."""
    while True:
        arguments = {"job_id": job_id, "wait_seconds": 20}
        call_id = await host.post("tools/call", {"name": "status", "arguments": arguments})
        answer = await host.answer(call_id)
        error = answer.get("error")
        if isinstance(error, dict):
            if error["data"]["code"] != "daemon_gone":
                return {"status": "unknown", "error": {"class": "-", "code": str(error)[:200]}}
            continue
        body = payload(answer)
        if error_of(body)[1] == "job_not_found":
            return {"status": "lost", "error": None}
        if body["status"] in ENDED:
            return body


def _interrupted(body: Json, took_s: float, word: str) -> Found:
    """What was interrupted before it said anything has lost nothing."""
    if body["status"] == "lost":
        return Found(end="lost", took_s=took_s, lost="the job is not known")
    if body["status"] == "completed":
        return found_in(body, took_s, word)
    return Found(end=end_of(body), took_s=took_s)


PLAYS: Final = {
    "sync": _sync,
    "async": _async,
    "cancel": _cancel,
    "kill": _kill,
    "daemon": _daemon,
}


async def warm(machine: Machine, table: Table, families: Sequence[str]) -> Count:
    """Everything has been used once: what the daemon has now it may keep."""
    for way in ("sync", "kill"):
        await run_batch(machine, table, "silent 0.1", way, families, Count(pid=-1))
    return await trio.to_thread.run_sync(count, machine.world)
