"""Spawns through each floor of the house, in a process like the daemon; prints JSON.

    spawn_probe.py PROGRAM CLI RUNS BATCHES AT_ONCE

In a process of its own: the daemon has no other children, and sweeping after a child is free then.
"""

import json
import os
import sys
import time
from pathlib import Path

import trio

from aimux.daemon._run import open_orphanage, open_own_engine
from aimux.drivers import ProcessSpec, choose_driver
from aimux.engine import JobRequest
from aimux.model import JobStatus, RouteRequest
from aimux.strategies import single
from aimux.tools import Client

PROMPT = b"hello\n"


async def main(program: str, cli: str, runs: int, batches: int, at_once: int) -> None:
    """Take turns: bare, driver, engine, alone and many at once."""
    env = dict(os.environ)
    client = Client(key="bench", cwd=Path.cwd(), env=env)
    spec = ProcessSpec(argv=[program], cwd=str(client.cwd), env=env, stdin=PROMPT)
    drive = choose_driver(is_terminal=False)
    alone: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}  # our own, without the child's
    rates: dict[str, list[float]] = {}

    async def bare() -> None:
        await trio.run_process(
            [program],
            stdin=PROMPT,
            capture_stdout=True,
            capture_stderr=True,
            start_new_session=True,  # as ours: Linux shares the processor out by session
        )

    async def driver() -> None:
        gone = await drive(spec, lambda _stream, _data: None)
        assert gone.exit_code == 0

    async with open_orphanage(), open_own_engine(client.cwd, env) as engine:

        async def through() -> None:
            request = JobRequest(
                tool="exec", prompt="hello", route=RouteRequest(cli=cli), client=client
            )
            handle = await engine.start(await engine.prepare(request), single("hello"))
            await handle.done.wait()
            assert handle.job.status is JobStatus.COMPLETED, handle.job

        steps = {"bare": bare, "driver": driver, "engine": through}
        for step in steps.values():
            await step()  # modules are read, the watchdog starts
        for _ in range(runs):
            for name, step in steps.items():
                began, spent = time.perf_counter(), time.process_time()
                await step()
                alone.setdefault(name, []).append(time.perf_counter() - began)
                cpu.setdefault(name, []).append(time.process_time() - spent)
        for _ in range(batches):
            for name, step in steps.items():
                began = time.perf_counter()
                async with trio.open_nursery() as nursery:
                    for _ in range(at_once):
                        nursery.start_soon(step)
                rate = at_once / (time.perf_counter() - began)
                rates.setdefault(name, []).append(rate)
    print(json.dumps({"alone": alone, "cpu": cpu, "rates": rates}))


trio.run(main, *sys.argv[1:3], *[int(each) for each in sys.argv[3:]])
