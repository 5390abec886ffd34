"""A daemon from its start to its end, as its clients and its operator see it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from aimux.daemon import ask
from aimux.errors import AimuxError
from aimux.shim.address import DaemonAddress, connect, hello

from ..daemon._world import PATIENCE_S, World, make_world, notice, one_road_or_both, open_host
from ..e2e._host import Host, error_of, payload

pytestmark = pytest.mark.slow


@pytest.mark.requirement("daemon:idle_exit")
async def test_a_daemon_without_clients_leaves(tmp_path: Path) -> None:
    """After `idle_exit_seconds`; the socket's name goes with it."""
    for world in make_world(tmp_path / "machine", idle_exit_seconds=0.2):
        async with open_host(world) as host:
            pid = (await host.call("sessions", action="health"))["pid"]
        await world.gone()

        assert pid
        assert list(world.runtime.iterdir()) == []


async def test_a_daemon_with_a_job_stays_though_nobody_is_there(tmp_path: Path) -> None:
    """An asynchronous job outlives its client and is found completed."""
    for world in make_world(tmp_path / "machine", idle_exit_seconds=0.2):
        async with open_host(world) as host:
            job = await host.call("exec", prompt="[[sleep 2]]", cli="codex", **{"async": True})
        await world.gone()
        async with open_host(world) as host:
            after = await host.call("status", job_id=job["job_id"])

        assert job["status"] == "running"
        assert after["status"] == "completed"


@pytest.mark.requirement("daemon:drain")
async def test_jobs_may_finish_within_the_drain(tmp_path: Path) -> None:
    """SIGTERM under a call: it is answered, then the daemon leaves."""
    for world in make_world(tmp_path / "machine", drain_seconds=30):
        async with open_host(world) as host:
            call = await host.post(
                "tools/call",
                {
                    "name": "exec",
                    "arguments": {"prompt": "[[sleep 1.5]] [[say 3]]", "cli": "codex"},
                },
            )
            await _running(host, 1)
            os.kill(world.daemon, signal.SIGTERM)
            answer = payload(await host.answer(call))

        assert answer["status"] == "completed", answer["error"]


async def test_a_job_longer_than_the_drain_is_aborted(tmp_path: Path) -> None:
    """The drain is over, the child is gone, the job says so, the next daemon knows."""
    for world in make_world(tmp_path / "machine", drain_seconds=0.2):
        async with open_host(world) as host:
            job = await host.call("exec", prompt="[[sleep 60]]", cli="codex", **{"async": True})
            old = world.daemon
            os.kill(old, signal.SIGTERM)
            await notice(host, "notifications/tools/list_changed")
            after = await host.call("status", job_id=job["job_id"])
            new = world.daemon
        await world.no_children()

        assert after["status"] == "aborted"
        assert new != old


async def test_the_second_signal_does_not_wait(tmp_path: Path) -> None:
    """The first waits for the job, the second ends it."""
    for world in make_world(tmp_path / "machine", drain_seconds=300):
        async with open_host(world) as host:
            await host.call("exec", prompt="[[sleep 300]]", cli="codex", **{"async": True})
            pid = world.daemon
            os.kill(pid, signal.SIGTERM)
            with trio.fail_after(PATIENCE_S):
                # the first has been heard when the socket's name is gone
                while await trio.to_thread.run_sync(os.listdir, world.runtime):
                    await trio.lowlevel.checkpoint()
            os.kill(pid, signal.SIGTERM)
            await notice(host, "notifications/tools/list_changed")
            health = await host.call("sessions", action="health")

            assert health["pid"] == world.daemon != pid
        await world.no_children()


@pytest.mark.requirement("daemon:restart")
async def test_a_restart_keeps_process_socket_and_store(world: World) -> None:
    """The client goes on; what was done before is found."""
    async with open_host(world) as host:
        job = await host.exec("[[say 5]]", cli="codex")
        before = world.daemon
        os.kill(before, signal.SIGHUP)
        await notice(host, "notifications/tools/list_changed")
        after = await host.call("status", job_id=job["job_id"])
        health = await host.call("sessions", action="health")

    assert after["status"] == "completed", after["error"]
    assert after["content"] == job["content"]
    assert health["pid"] == before == world.daemon


async def test_a_restart_waits_for_jobs(world: World) -> None:
    """Nothing is aborted by it, and clients are served meanwhile."""
    async with open_host(world) as host:
        job = await host.call("exec", prompt="[[sleep 2]]", cli="codex", **{"async": True})
        asked = await ask(world.address, "restart")
        meanwhile = await host.call("status", job_id=job["job_id"])
        await notice(host, "notifications/tools/list_changed")
        after = await host.call("status", job_id=job["job_id"])

    assert asked is not None
    assert asked["jobs"] == {"running": 1, "queued": 0}
    assert meanwhile["status"] == "running"
    assert after["status"] == "completed"


@pytest.mark.requirement("daemon:skew")
async def test_a_newer_client_makes_the_daemon_begin_anew_once(world: World) -> None:
    """It becomes the client's Python; the same news again changes nothing."""
    async with open_host(world) as host:
        newer = hello(world.address, world.env, "status").replace(b'"version":"', b'"version":"99.')
        await _tell(world.address, newer)
        await notice(host, "notifications/tools/list_changed")
        first = await ask(world.address, "status")
        await _tell(world.address, newer)
        second = await ask(world.address, "status")

    assert first is not None
    assert second is not None
    assert first["pid"] == second["pid"]
    assert second["restart_wanted"] is False


async def _tell(address: DaemonAddress, line: bytes) -> None:
    sock = connect(address)
    assert sock is not None
    try:
        await trio.to_thread.run_sync(sock.sendall, line)
        assert b'"pid"' in await trio.to_thread.run_sync(sock.recv, 65536)
    finally:
        sock.close()


async def test_a_hello_for_another_state_directory_is_refused(world: World) -> None:
    """A daemon serves one store."""
    async with open_host(world):
        other = DaemonAddress("/elsewhere", "/", str(world.runtime))
        other.socket = world.address.socket
        with pytest.raises(AimuxError, match=r"serves .* not /elsewhere"):
            await ask(other, "status")


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b"\x00\xff\n", b'{"aimux":1,', b"x" * 5_000_000],
)
async def test_strangers_on_the_socket_harm_nobody(world: World, said: bytes) -> None:
    """They get one line at most, and the others are served."""
    async with open_host(world) as host:
        async with await trio.open_unix_socket(world.address.socket) as stranger:
            with contextlib.suppress(trio.BrokenResourceError):
                await stranger.send_all(said)
                await stranger.send_eof()
            heard = b""
            with trio.fail_after(PATIENCE_S), contextlib.suppress(trio.BrokenResourceError):
                async for data in stranger:
                    heard += data
        answer = await host.answer(await host.post("tools/list"))

    assert heard == b"" or b'"error"' in heard
    assert heard.count(b"\n") <= 1
    assert "result" in answer


@one_road_or_both
async def test_the_operator_starts_asks_restarts_and_stops(world: World) -> None:
    """Each command says what happened, and its exit code tells."""
    run = partial(_command, world)
    nobody = await run("status")
    started = await run("start")
    first = world.daemon
    again = await run("start")
    shown = await run("status")
    restarted = await run("restart")
    second = world.daemon
    stopped = await run("stop")
    done = await run("stop")

    state = world.stand.state
    assert nobody == (1, f"not running: {state}\n")
    assert started == (0, f"started: pid {first}, state {state}\n")
    assert again == (0, f"already running: pid {first}, state {state}\n")
    assert shown[0] == 0
    assert f"state    {state}" in shown[1]
    assert f"socket   {world.address.socket}" in shown[1]
    assert restarted[0] == 0, restarted[1]
    assert restarted[1].startswith(f"restarted: pid {second}, ")
    assert stopped == (0, f"stopped: pid {second}\n")
    assert done == (0, f"not running: {state}\n")
    assert world.daemons() == list(world.runtime.iterdir()) == []


@one_road_or_both
async def test_a_client_goes_on_after_a_restart(world: World) -> None:
    """Its shim attaches anew and says that lists changed. A socket is handed on, a pipe cannot be:
    there the next daemon is another process.
    """
    async with open_host(world) as host:
        before = world.daemon
        code, said = await _command(world, "restart")
        await notice(host, "notifications/tools/list_changed")
        health = await host.call("sessions", action="health")

    assert code == 0, said
    assert health["pid"] == world.daemon
    assert (health["pid"] == before) == (not world.address.is_pipe)


async def test_a_daemon_whose_directory_was_removed_makes_way(world: World) -> None:
    """The next client meets a daemon that writes where it can be found."""
    async with open_host(world) as host:
        old = (await host.call("sessions", action="health"))["pid"]
        await trio.to_thread.run_sync(shutil.rmtree, world.stand.state)
        async with open_host(world) as other:
            new = (await other.call("sessions", action="health"))["pid"]
        again = (await host.call("sessions", action="health"))["pid"]
        database = world.stand.state / "sessions.db"

        assert await trio.to_thread.run_sync(database.exists)

    assert new == again == world.daemon != old


@one_road_or_both
async def test_a_second_daemon_in_the_foreground_is_refused(world: World) -> None:
    """It says who is there and leaves with code 1."""
    async with open_host(world):
        code, said = await _command(world, "run")

    assert code == 1
    assert f"pid {world.daemon}) serves" in said


async def test_a_daemon_stays_though_the_store_is_in_use(world: World) -> None:
    """A server of its own came first: calls say who has the store."""
    async with open_host(world, "--in-process") as alone:
        await alone.call("sessions", action="health")
        async with open_host(world) as host:
            pid = world.daemon
            refused = await host.call("sessions", action="list")
            again = await host.call("sessions", action="list")

            assert error_of(refused)[1] == error_of(again)[1] == "store_locked"
            assert f"process {alone.server.pid}" in str(refused["error"])
            assert world.daemon == pid != 0


async def test_force_ends_a_daemon_that_does_not_answer(world: World) -> None:
    """It is stopped by a signal; asking politely fails, forcing works."""
    async with open_host(world):
        pid = world.daemon
        os.kill(pid, signal.SIGSTOP)
        code, said = await _command(world, "stop", "--force")
        alive = world.daemons()

    assert code == 0
    assert f"stopped: pid {pid}" in said
    assert pid not in alive


@pytest.mark.parametrize("kind", ["systemd", "launchd"])
async def test_the_unit_runs_this_installation(world: World, kind: str) -> None:
    """What is printed names our Python and state directory."""
    code, said = await _command(world, "install", "--print", "--kind", kind)

    assert code == 0
    assert sys.executable in said
    assert str(world.stand.state) in said
    assert not world.stand.home.joinpath(".config/systemd").exists()


async def _command(world: World, *words: str) -> tuple[int, str]:
    with trio.fail_after(2 * PATIENCE_S):
        done = await trio.run_process(
            [sys.executable, "-m", "aimux", "daemon", *words],
            env=world.env,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode, done.stdout.decode()


async def _running(host: Host, count: int) -> None:
    listed: object = None
    with trio.fail_after(PATIENCE_S):
        while listed != count:
            health = await host.call("sessions", action="list", status="active")
            listed = health["count"]
