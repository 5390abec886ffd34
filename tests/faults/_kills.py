"""`kill -9` of the daemon at random moments: what was acknowledged is there, nothing else is."""

import contextlib
import os
import signal
from collections import Counter
from functools import partial
from typing import Final

import attrs
import trio

from tests.e2e._host import Host, Json, error_of, payload

from ._leftovers import Count, count, settle
from ._machine import ENDED, Machine, open_machine
from ._table import Cell, Found

CLIS: Final = ("claude", "codex", "crush", "gptme", "opencode")
PROMPTS: Final = (
    "[[sleep 20]]",
    "[[tool 60]] [[sleep 60]]",
    "[[fault orphan_session 600]] [[say 2000]]",
    "[[fault fork_holds_stdout 600; ignore_term; ignore_int]] [[sleep 60]]",
    "[[say 300]]",
    "[[say 100000]] [[fault drip 0.1]]",
    "[[fault hang_after_result; ignore_term]]",
)
JOBS: Final = 5  # of each round, and one call that waits
MOMENT_S: Final = 1.0  # the kill comes at most this long after some of them were acknowledged
WAIT_S: Final = 10.0  # for those; the machine may be slow
POLL_S: Final = 0.005
ECHO_S: Final = 0.2  # what was on its way arrives
BIRTH_S: Final = 0.5  # or this long after the daemon itself, in one round of five
KEPT: Final = "kept"


@attrs.define(eq=False)
class Round:
    """What clients were told before the kill."""

    begun: dict[str, str] = attrs.field(factory=dict)  # job -> what it does
    answered: dict[str, Json] = attrs.field(factory=dict)  # job -> its whole result
    _more: trio.Event = attrs.field(factory=trio.Event)

    def take(self, body: Json, what: str, *, is_whole: bool) -> None:
        """Keep an answer, if it names a job."""
        job_id = body.get("job_id")
        if job_id:
            self.begun[str(job_id)] = what
            if is_whole:
                self.answered[str(job_id)] = body
            self._more.set()
            self._more = trio.Event()

    async def wait_begun(self, number: int) -> None:
        """Return once so many jobs were acknowledged, or after a while."""
        with trio.move_on_after(WAIT_S):
            while len(self.begun) < number:
                await self._more.wait()


async def play_kills(
    fault: str, seed: int, rounds: int, machines: int, deadline: float
) -> dict[Cell, Found]:
    """All rounds, on several machines side by side; one cell tells what came of them."""
    ends: list[Found] = []
    told: Counter[str] = Counter()
    async with trio.open_nursery() as nursery:
        for number in range(machines):
            mine = len(range(number, rounds, machines))
            nursery.start_soon(partial(_play_machine, ends, told, seed + number, mine, deadline))
    print(f"  {told['begun']} jobs were acknowledged, {told['answered']} answered")
    cell = Cell(fault, "machine", "rounds")
    lost = [each for each in ends if each.lost]
    worse = [each for each in ends if each.end != KEPT]
    return {
        cell: Found(
            end=worse[0].end if worse else KEPT if len(ends) == rounds else f"{len(ends)} rounds",
            took_s=max([each.took_s for each in ends], default=0.0),
            lost=f"{len(lost)} of {rounds} rounds: {lost[0].lost}" if lost else "",
            left=tuple(sorted({left for each in ends for left in each.left})),
            bug=next((each.bug for each in ends if each.bug), ""),
        )
    }


async def _play_machine(
    ends: list[Found], told: Counter[str], seed: int, rounds: int, deadline: float
) -> None:
    with open_machine(seed, CLIS) as machine:
        before = Count(pid=-1)
        for number in range(rounds):
            if trio.current_time() > deadline:
                return
            found = await play_round(machine, before, told, is_first=number == 0)
            if number == 0:  # of a daemon that is at work, as those will be that it is held against
                async with machine.host() as host:
                    await host.call("sessions", action="health")
                    before = await trio.to_thread.run_sync(count, machine.world)
            ends.append(found)
            if (number + 1) % 20 == 0:
                print(f"  {number + 1} rounds of kill -9", flush=True)


async def play_round(
    machine: Machine, before: Count, tally: Counter[str], *, is_first: bool
) -> Found:
    """One round: jobs begin, the daemon is killed, the next one is asked about all of them."""
    told = Round()
    begun = trio.current_time()
    is_birth = machine.chance.random() < 0.2
    moment = machine.chance.uniform(0, BIRTH_S if is_birth else MOMENT_S)
    prompts = [
        (machine.chance.choice(CLIS), machine.chance.choice(PROMPTS)) for _ in range(JOBS + 1)
    ]
    killed = trio.Event()
    end, lost = KEPT, ""
    with trio.move_on_after(90) as scope:
        async with trio.open_nursery() as killing:
            if is_birth:
                killing.start_soon(_kill_soon, machine, moment, killed)
            async with machine.host() as host:
                async with trio.open_nursery() as calling:
                    for cli, prompt in prompts[1:]:
                        calling.start_soon(_begin, host, told, cli, prompt)
                    calling.start_soon(_call, host, told, *prompts[0])
                    if not is_birth:
                        await told.wait_begun(machine.chance.randrange(JOBS + 1))
                        await trio.sleep(moment)
                        _kill(machine)
                        killed.set()
                    await killed.wait()
                    await trio.sleep(ECHO_S)
                    calling.cancel_scope.cancel(reason="the daemon is gone, the rest is told later")
                end, lost = await _verify(host, told)
                for job_id in told.begun:  # of a daemon that was killed before they began
                    await _tell(host, "sessions", action="kill", job_id=job_id)
    took_s = trio.current_time() - begun
    tally.update(begun=len(told.begun), answered=len(told.answered))
    if scope.cancelled_caught:
        return Found(end="hang", took_s=took_s)
    left = () if is_first else await settle(machine.world, before)
    return Found(end=end, took_s=took_s, lost=lost, left=left, bug=machine.bugs())


def _kill(machine: Machine) -> None:
    pid = machine.world.daemon
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _kill_soon(machine: Machine, moment: float, killed: trio.Event) -> None:
    with trio.move_on_after(20):
        while not machine.world.daemon:
            await trio.sleep(POLL_S)
        await trio.sleep(moment)
        _kill(machine)
    killed.set()


async def _begin(host: Host, told: Round, cli: str, prompt: str) -> None:
    body = await _tell(host, "exec", **{"prompt": prompt, "cli": cli, "async": True})
    told.take(body, f"{cli} {prompt}", is_whole=False)


async def _call(host: Host, told: Round, cli: str, prompt: str) -> None:
    body = await _tell(host, "exec", prompt=prompt, cli=cli, wait_seconds=60)
    told.take(body, f"{cli} {prompt}", is_whole=True)


async def _tell(host: Host, tool: str, **arguments: object) -> Json:
    """The payload of a call's answer; empty where it was an error of the wire."""
    answer = await host.answer(
        await host.post("tools/call", {"name": tool, "arguments": arguments})
    )
    return {} if "error" in answer else payload(answer)


async def _verify(host: Host, told: Round) -> tuple[str, str]:
    """Whether every job that was acknowledged is known and over, and every answer the same."""
    for job_id, what in told.begun.items():
        body: Json = {}
        while body.get("status") not in ENDED:
            body = await _tell(host, "status", job_id=job_id, wait_seconds=5, max_chars=100_000)
            if error_of(body)[1] == "job_not_found":
                return "lost", f"{job_id} ({what}) is not known"
            if body.get("status") in ("running", "queued") and not told.answered.get(job_id):
                await _tell(host, "sessions", action="kill", job_id=job_id)
        was = told.answered.get(job_id)
        if was is not None and was["status"] in ENDED:
            same = (was["status"], was["content"]) == (body["status"], body["content"])
            if not same:
                return "changed", f"{job_id} ({what}): {was['status']} is {body['status']} now"
    return KEPT, ""
