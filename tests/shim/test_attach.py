"""Hosts that start `aimux`: one daemon serves them all."""

import json
import os
import signal
import socket
import tempfile

import pytest
import trio

from .. import needs
from ..daemon._world import (
    PATIENCE_S,
    World,
    both_roads,
    hang_up,
    left,
    notice,
    open_host,
    start_aimux,
)
from ..e2e._host import HELLO, Json, Server, attach, error_of

pytestmark = pytest.mark.slow

LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}\n'


@both_roads
async def test_a_host_is_served_by_the_daemon_with_its_own_directory(world: World) -> None:
    """The shim starts the daemon; a CLI runs in the client's cwd, health shows the daemon's pid."""
    async with open_host(world) as host:
        listed = await host.answer(await host.post("tools/list"))
        said = await host.exec("[[say 5]]", cli="codex")
        plan = await host.call("exec", prompt="x", cli="codex", dry_run=True)
        health = await host.call("sessions", action="health")

    assert isinstance(listed["result"], dict)
    assert "exec" in [tool["name"] for tool in listed["result"]["tools"]]
    assert said["status"] == "completed", said["error"]
    assert isinstance(plan["plan"], dict)
    assert plan["plan"]["cwd"] == str(world.stand.project())
    assert health["pid"] == world.daemon != host.server.pid
    assert world.address.is_pipe == bool(world.local)


@both_roads
@pytest.mark.requirement("daemon:one")
async def test_twenty_shims_at_once_start_one_daemon(world: World) -> None:
    """They race for an empty machine; all are served, by one process."""
    servers = [start_aimux(world) for _ in range(20)]
    pids = set()

    async def use(server: Server) -> None:
        async with attach(server) as host:
            assert "result" in await host.answer(await host.post("tools/list"))
            pids.add((await host.call("sessions", action="health"))["pid"])

    async with trio.open_nursery() as hosts:
        for server in servers:
            hosts.start_soon(use, server)
    daemons = world.daemons()
    for server in servers:
        hang_up(server)
    for server in servers:
        await left(server)

    assert pids == set(daemons) == {world.daemon}
    assert all(not server.stderr.read_bytes() for server in servers)


@both_roads
@pytest.mark.requirement("daemon:killed")
async def test_clients_of_a_killed_daemon_get_errors_attach_again_and_find_their_jobs(
    world: World,
) -> None:
    """Ten clients, a call and a job each, under `kill -9`."""
    begun: list[str] = []
    ended: list[tuple[Json, Json, Json]] = []

    async def use() -> None:
        async with open_host(world) as host:
            job = await host.call("exec", prompt="[[sleep 60]]", cli="codex", **{"async": True})
            open_call = await host.post(
                "tools/call",
                {"name": "exec", "arguments": {"prompt": "[[sleep 60]]", "cli": "claude"}},
            )
            begun.append(str(job["job_id"]))
            if len(begun) == 10:
                # a call that the shim still holds would be the next daemon's
                active: object = 0
                while active != 20:
                    listed = await host.call("sessions", action="list", status="active", limit=50)
                    active = listed["count"]
                os.kill(world.daemon, signal.SIGKILL)
            answer = await host.answer(open_call)
            changed = await notice(host, "notifications/tools/list_changed")
            after = await host.call("status", job_id=job["job_id"], wait_seconds=5)
            ended.append((answer, changed, after))

    with trio.fail_after(2 * PATIENCE_S):
        async with trio.open_nursery() as hosts:
            for _ in range(10):
                hosts.start_soon(use)
    await world.no_children()

    assert len(ended) == 10
    for answer, _, after in ended:
        error = answer["error"]
        assert isinstance(error, dict)
        assert error["data"]["code"] == "daemon_gone"
        assert "status(job_id" in error["message"]
        assert after["status"] == "aborted"
    assert len(world.daemons()) == 1


@pytest.mark.requirement("daemon:client_dies")
async def test_calls_of_a_dead_client_end_and_its_jobs_go_on(world: World) -> None:
    """SIGKILL of one shim: the child of its waiting call goes, the asynchronous job stays."""
    async with open_host(world) as watcher, open_host(world) as host:
        job = await host.call("exec", prompt="[[sleep 60]]", cli="codex", **{"async": True})
        await host.post(
            "tools/call",
            {"name": "exec", "arguments": {"prompt": "[[sleep 60]]", "cli": "claude"}},
        )
        listed: Json = {}
        with trio.fail_after(PATIENCE_S):
            while listed.get("count") != 2:
                listed = await watcher.call("sessions", action="list", status="active")
        host.server.process.kill()
        with trio.fail_after(PATIENCE_S):
            while listed.get("count") != 1:
                listed = await watcher.call("sessions", action="list", status="active")
        after = await watcher.call("status", job_id=job["job_id"])
        cancelled = await watcher.call("sessions", action="kill", job_id=job["job_id"])
        await world.no_children()

    assert after["status"] == "running"
    assert cancelled


@pytest.mark.requirement("daemon:probe")
async def test_starting_twice_to_probe_is_harmless(world: World) -> None:
    """A host that opens a server, drops it and opens another finds one daemon."""
    probe = start_aimux(world)
    async with attach(probe) as host:
        await host.answer(await host.post("initialize", HELLO))
    hang_up(probe)
    await left(probe)
    async with open_host(world) as host:
        answer = await host.answer(await host.post("tools/list"))

    assert probe.process.returncode == 0
    assert "result" in answer
    assert len(world.daemons()) == 1


@pytest.mark.parametrize("way", ["shim", "--in-process"])
@pytest.mark.requirement("daemon:rough_host")
async def test_no_child_outlives_a_rough_host(world: World, way: str) -> None:
    """SIGINT, SIGTERM 0.1 s later, SIGKILL at 0.5 s, and the input stays open."""
    server = start_aimux(world, *([] if way == "shim" else [way]))
    async with attach(server) as host:
        await host.post(
            "tools/call",
            {
                "name": "exec",
                "arguments": {"prompt": "[[tool 60]] [[sleep 60]]", "cli": "codex"},
            },
        )
        with trio.fail_after(PATIENCE_S):
            while not await trio.to_thread.run_sync(world.stand.survivors):
                pass  # the scan of the process table is the wait
        process = server.process
        process.send_signal(signal.SIGINT)
        await trio.sleep(0.1)  # what such hosts do
        process.send_signal(signal.SIGTERM)
        await trio.sleep(0.4)
        process.kill()
        await left(server)
    await world.no_children()
    hang_up(server)

    assert world.stand.survivors() == {}


@both_roads
async def test_a_signal_lets_the_shim_leave_with_code_0(world: World) -> None:
    """SIGTERM is a way to say that nothing more will come."""
    async with open_host(world) as host:
        host.server.process.terminate()
        await left(host.server)

    assert host.server.process.returncode == 0


@both_roads
async def test_answers_are_delivered_after_the_end_of_input(world: World) -> None:
    """A pipe that says one thing and closes hears the answer."""
    async with open_host(world):  # a daemon is there
        server = start_aimux(world)
        assert server.process.stdin is not None
        assert server.process.stdout is not None
        server.process.stdin.write(LIST)
        hang_up(server)
        said = await trio.to_thread.run_sync(server.process.stdout.read)
        await left(server)

    assert json.loads(said)["id"] == 1
    assert server.process.returncode == 0


async def test_a_stale_socket_is_replaced(world: World) -> None:
    """A daemon that was killed leaves its socket behind."""
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(world.address.socket)
    async with open_host(world) as host:
        health = await host.call("sessions", action="health")

    assert health["pid"] == world.daemon


@needs.root
@pytest.mark.requirement("daemon:private")
async def test_a_foreign_runtime_directory_is_not_trusted(world: World) -> None:
    """Somebody else's directory: served in this process, and stderr says why."""
    os.chown(world.runtime, 12345, 12345)
    try:
        async with open_host(world) as host:
            answer = await host.answer(await host.post("tools/list"))
        told = host.server.stderr.read_text(encoding="utf-8")
    finally:
        os.chown(world.runtime, 0, 0)

    assert "result" in answer
    assert "belongs to user 12345" in told
    assert world.daemons() == []


async def test_an_open_runtime_directory_is_not_trusted(world: World) -> None:
    """One that others may look into is refused as well."""
    world.runtime.chmod(0o755)
    async with open_host(world) as host:
        told = host.server.stderr.read_text(encoding="utf-8")

    assert "open to others" in told


@pytest.mark.requirement("daemon:fallback")
async def test_without_a_daemon_the_server_runs_in_this_process(world: World) -> None:
    """A state directory that cannot be made: tools are listed, stderr says what is wrong."""
    (world.stand.root / "file").write_text("", encoding="utf-8")
    env = {"AIMUX_STATE_DIR": str(world.stand.root / "file" / "state")}
    async with open_host(world, env=env) as host:
        answer = await host.answer(await host.post("tools/list"))
        told = host.server.stderr.read_text(encoding="utf-8")

    assert "result" in answer
    assert "without the daemon" in told


async def test_a_server_beside_the_daemon_is_told_that_the_store_is_locked(world: World) -> None:
    """It lists its tools; those that need the store say who has it."""
    async with open_host(world) as first:
        await first.call("sessions", action="list")
        async with open_host(world, "--in-process") as host:
            listed = await host.answer(await host.post("tools/list"))
            body = await host.call("sessions", action="list")

    assert "result" in listed
    assert error_of(body)[1] == "store_locked"
    assert f"process {world.daemon}" in str(body["error"])


async def test_the_switch_turns_the_daemon_off(world: World) -> None:
    """AIMUX_DAEMON=off serves in this process."""
    async with open_host(world, env={"AIMUX_DAEMON": "off"}) as host:
        health = await host.call("sessions", action="health")

    assert health["pid"] == host.server.pid
    assert world.daemons() == []


async def test_a_nested_aimux_starts_no_daemon(world: World) -> None:
    """A daemon must not be the grandchild of a job."""
    env = {"AIMUX_LINEAGE": "1.job.1.0.60.00000000"}
    async with open_host(world, env=env) as host:
        told = host.server.stderr.read_text(encoding="utf-8")

    assert "nested" in told
    assert world.daemons() == []


@pytest.mark.requirement("daemon:state")
async def test_two_state_directories_have_two_daemons(world: World) -> None:
    """In one runtime directory; each client meets its own."""
    env = {"AIMUX_STATE_DIR": str(world.stand.root / "other")}
    async with open_host(world) as host, open_host(world, env=env) as other:
        pids = [(await each.call("sessions", action="health"))["pid"] for each in (host, other)]

    assert sorted(world.daemons()) == sorted(pids)
    assert len(set(pids)) == 2


async def test_another_runtime_directory_leads_to_the_same_daemon(world: World) -> None:
    """The lock in the state directory says where the daemon listens."""
    async with open_host(world) as host:
        pid = (await host.call("sessions", action="health"))["pid"]
        with tempfile.TemporaryDirectory(prefix="ax") as elsewhere:
            async with open_host(world, env={"AIMUX_RUNTIME_DIR": elsewhere}) as other:
                also = (await other.call("sessions", action="health"))["pid"]

    assert also == pid
