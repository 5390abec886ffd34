"""Steps on one machine, each of them a cell, and what clients were told on the way."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from tests.e2e._host import ANSWER_S, Host, Json, codes, error_of, payload

from ._leftovers import Count, count, settle
from ._machine import ENDED, Machine, end_of, open_machine
from ._table import Cell, Found

CLIS = ("claude", "codex", "crush")
WORD = "PELICAN"
Results = dict[Cell, Found]
STEP_S = ANSWER_S + 20


class Skip(Exception):  # a reason, not a fault
    """The machine does not give what the scene needs; the text says why."""


@attrs.define(eq=False)
class Scene:
    """One machine, and what came of the steps so far."""

    fault: str
    machine: Machine
    before: Count = attrs.field(factory=lambda: Count(pid=-1))
    found: dict[Cell, Found] = attrs.field(factory=dict)
    told: dict[str, tuple[object, object]] = attrs.field(factory=dict)  # job -> status and content

    async def step(
        self, way: str, work: Callable[[], Awaitable[str | Found]], *, is_last: bool = False
    ) -> None:
        """Do something and keep how it ended. The last step looks for what is left as well."""
        begun = trio.current_time()
        outcome: str | Found = "hang"
        with trio.move_on_after(STEP_S):
            try:
                outcome = await work()
            except trio.BrokenResourceError:
                outcome = "the host's server has left"
            except (AssertionError, trio.TooSlowError) as error:
                text = str(error)  # of a server that has left: what it said on stderr
                is_told = text.startswith("aimux: ") and "Traceback" not in text
                outcome = "refused with a reason" if is_told else f"broken: {text[:200]}"
        took_s = trio.current_time() - begun
        plain = outcome if isinstance(outcome, Found) else Found(end=outcome)
        left = await settle(self.machine.world, self.before) if is_last else plain.left
        found = Found(
            end=plain.end, took_s=took_s, left=left, lost=plain.lost, bug=self.machine.bugs()
        )
        self.found[Cell(self.fault, "machine", way.replace(" ", "_"))] = found

    async def use(self, host: Host, prompt: str = WORD, **more: object) -> str:
        """One call to its end; what the client was told is kept."""
        arguments = {"prompt": prompt, "cli": "codex", "wait_seconds": ANSWER_S, **more}
        return await self.call(host, "exec", **arguments)

    async def call(self, host: Host, tool: str, **arguments: object) -> str:
        """How a call of a tool ended; a job that ended is kept with its answer."""
        answer = await host.answer(
            await host.post("tools/call", {"name": tool, "arguments": arguments})
        )
        return self.keep(answer)

    def keep(self, answer: Json) -> str:
        """The end in an answer."""
        error = answer.get("error")
        if isinstance(error, dict):
            data = error.get("data")
            return f"error {data['code'] if isinstance(data, dict) else error['code']}"
        body = payload(answer)
        is_warned = "warnings" in body and "not_stored" in codes(body)
        job_id = body.get("job_id")
        if job_id and not is_warned:
            self.told[str(job_id)] = (body["status"], body.get("content"))
        return end_of(body) + (" not_stored" if is_warned else "")

    async def begin(self, host: Host, prompt: str, **more: object) -> str:
        """A job that goes on; its id, or how it was refused."""
        body = await host.call("exec", **{"prompt": prompt, "cli": "codex", "async": True, **more})
        if not body.get("job_id"):
            return end_of(body)
        self.told[str(body["job_id"])] = ("running", "")
        return str(body["job_id"])

    async def end(self, host: Host, job_id: str) -> str:
        """How a job ended."""
        while True:
            answer = await host.answer(
                await host.post(
                    "tools/call",
                    {"name": "status", "arguments": {"job_id": job_id, "wait_seconds": 20}},
                )
            )
            word = self.keep(answer)
            if word.split()[0] not in ("running", "queued"):
                return word

    async def restart(self) -> Found:
        """Stop the daemon; what clients were told must be what the next one says."""
        pid = self.machine.world.daemon
        if pid:
            os.kill(pid, signal.SIGTERM)
            await self.machine.world.gone()
        async with self.machine.host() as host:
            for job_id, (status, content) in self.told.items():
                body = await host.call("status", job_id=job_id)
                if error_of(body)[1] == "job_not_found":
                    return Found(end="lost", lost=f"{job_id} was {status} and is not known")
                is_same = (status, content) == (body["status"], body["content"])
                if status in ENDED and not is_same:
                    lost = f"{job_id} was {status} and is {body['status']}"
                    return Found(end="changed", lost=lost)
        return Found(end="kept")


@asynccontextmanager
async def open_scene(fault: str, seed: int, **settings: object) -> AsyncIterator[Scene]:
    """A machine whose daemon has run everything once."""
    with open_machine(seed, CLIS, **settings) as machine:
        scene = Scene(fault, machine)
        async with machine.host() as host:
            for cli in CLIS:
                await scene.use(host, cli=cli)
            await host.call("sessions", action="list", status="all")
        await settle(machine.world, scene.before, 1.0)
        scene.before = await trio.to_thread.run_sync(count, machine.world)
        machine.bugs()
        yield scene
