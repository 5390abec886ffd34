"""A saved configuration counts without a restart, through the daemon and in one process alike."""

import json
import subprocess
import sys

import pytest
import trio

from ..e2e._host import Host, Json
from ._world import PATIENCE_S, World, open_host

ways = pytest.mark.parametrize("switch", ["on", "off"], ids=["daemon", "in-process"])


async def _status(host: Host, job: Json, *, truncated: bool) -> Json:
    """The job's status once it is shown like that; settings may be a second old."""
    with trio.fail_after(PATIENCE_S):
        while True:
            body = await host.call("status", job_id=job["job_id"])
            if body["truncated"] is truncated:
                return body


def _logged(world: World) -> list[Json]:
    lines = (world.stand.state / "aimux.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@ways
async def test_a_saved_limit_counts_and_a_broken_file_keeps_it(world: World, switch: str) -> None:
    """What is refused is in the log and in what health shows."""
    async with open_host(world, env={"AIMUX_DAEMON": switch}) as host:
        job = await host.exec("[[say 100]]", cli="codex")
        world.stand.configure(server={"max_chars": 50})
        cut = await _status(host, job, truncated=True)
        (world.stand.config / "default.yaml").write_text("server: {max_chars: [", encoding="utf-8")
        with trio.fail_after(PATIENCE_S):
            while not any(
                line["event"] == "changed configuration refused" for line in _logged(world)
            ):
                await host.call("status", job_id=job["job_id"])
        still = await host.call("status", job_id=job["job_id"])
        health = await host.call("sessions", action="health")
        world.stand.configure()
        whole = await _status(host, job, truncated=False)

    assert not job["truncated"]
    assert len(str(cut["content"])) <= 50
    assert still["content"] == cut["content"]
    assert whole["content"] == job["content"]
    problems = health["problems"]
    assert isinstance(problems, list)
    assert [each["severity"] for each in problems] == ["error", "warning"]
    assert "default.yaml" in problems[0]["where"]


async def test_who_waits_for_a_slot_gets_a_new_one(world: World) -> None:
    """Though nobody calls meanwhile: the job's end is all that is waited for."""
    world.stand.configure(server={"max_concurrent_jobs": 1})
    async with open_host(world) as host:
        holder = await host.call("exec", prompt="[[sleep 600]]", cli="codex", **{"async": True})
        waiting = await host.post(
            "tools/call", {"name": "exec", "arguments": {"prompt": "[[say 3]]", "cli": "codex"}}
        )
        with trio.fail_after(PATIENCE_S):
            while (await host.call("sessions", action="list", status="queued"))["count"] != 1:
                pass
        world.stand.configure(server={"max_concurrent_jobs": 2})
        answer = await host.answer(waiting)
        await host.call("sessions", action="kill", job_id=holder["job_id"])

    assert "error" not in answer
    assert answer["result"]["structuredContent"]["status"] == "completed"  # type: ignore[index]


def test_an_engine_brings_no_second_loop_along(world: World) -> None:
    """What costs megabytes and serves nobody: another event loop, sources of generated methods.

    Those of the few modules that are imported later may be there.
    """
    script = """
import linecache, os, pathlib, sys, trio
from aimux.daemon._run import open_own_engine

async def main():
    async with open_own_engine(pathlib.Path("/"), dict(os.environ)):
        print(sorted({"asyncio", "anyio", "watchfiles", "structlog"} & set(sys.modules)))
        print(sum(name.startswith("<attrs generated") for name in linecache.cache))

trio.run(main)
"""
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=world.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    loops, sources = told.stdout.split("\n")[:2]

    assert loops == "[]"
    assert int(sources) < 20
