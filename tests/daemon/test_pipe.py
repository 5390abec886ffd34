"""The daemon behind a pipe, as on Windows; here the pipe is a socket, the code is the same."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from aimux import _shim_pipe
from aimux._shim import ShimFault
from aimux.daemon import ask
from aimux.daemon._life import _prepare_pipe
from aimux.errors import SetupFault

from ..e2e._host import attach
from ._world import (
    PATIENCE_S,
    World,
    hang_up,
    left,
    make_world,
    notice,
    open_host,
    start_aimux,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="machines of tests are POSIX"),
]

LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}\n'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A machine whose clients and daemon meet at a pipe; no daemon runs yet."""
    for plain in make_world(tmp_path / "machine"):
        yield attrs.evolve(plain, local="pipe")


async def test_a_host_is_served_through_the_pipe(world: World) -> None:
    """Tools are listed, a CLI runs where the client stands, and the daemon is another process."""
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
    assert world.place.is_pipe
    assert os.stat(_shim_pipe.key_path(world.place)).st_mode & 0o777 == 0o600  # noqa: PTH116


async def test_shims_at_once_start_one_daemon(world: World) -> None:
    """They race for an empty machine; all are served, by one process."""
    servers = [start_aimux(world) for _ in range(6)]
    pids = set()
    for server in servers:
        async with attach(server) as host:
            pids.add((await host.call("sessions", action="health"))["pid"])
    daemons = world.daemons()
    for server in servers:
        hang_up(server)
        await left(server)

    assert pids == set(daemons) == {world.daemon}
    assert all(not server.stderr.read_bytes() for server in servers)


async def test_what_was_asked_before_the_end_of_input_is_answered(world: World) -> None:
    """A host that says one thing and closes hears the answer, and the shim leaves with code 0."""
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


async def test_a_signal_lets_the_shim_leave_with_code_0(world: World) -> None:
    """SIGTERM is a way to say that nothing more will come."""
    async with open_host(world) as host:
        host.server.process.terminate()
        await left(host.server)

    assert host.server.process.returncode == 0


async def test_a_client_of_a_killed_daemon_gets_an_error_and_another_daemon(world: World) -> None:
    """The open call is answered, the handshake told again, the job found."""
    async with open_host(world) as host:
        job = await host.call("exec", prompt="[[sleep 60]]", cli="codex", **{"async": True})
        call = await host.post(
            "tools/call", {"name": "exec", "arguments": {"prompt": "[[sleep 60]]", "cli": "claude"}}
        )
        old = world.daemon
        os.kill(old, signal.SIGKILL)
        answer = await host.answer(call)
        await notice(host, "notifications/tools/list_changed")
        after = await host.call("status", job_id=job["job_id"], wait_seconds=5)
        new = world.daemon
    await world.no_children()

    assert isinstance(answer["error"], dict)
    assert answer["error"]["data"]["code"] == "daemon_gone"
    assert after["status"] == "aborted"
    assert new not in {0, old}


async def test_who_does_not_know_the_key_is_refused(world: World) -> None:
    """Neither shim nor operator gets in, the shim serves by itself; others are still served."""
    async with open_host(world) as host:
        await host.call("sessions", action="health")  # the store is the daemon's from now on
        right = _key(world, bytes(_shim_pipe.KEY_BYTES))
        with pytest.raises(ShimFault, match="does not know our key"):
            _shim_pipe.connect(world.place)
        with pytest.raises(SetupFault, match="does not know our key"):
            await ask(world.place, "status")
        async with open_host(world) as other:
            alone = await other.answer(await other.post("tools/list"))
            told = other.server.stderr.read_text(encoding="utf-8")
        _key(world, right)
        facts = await ask(world.place, "status")
        answer = await host.answer(await host.post("tools/list"))

    assert "without the daemon" in told
    assert "result" in alone
    assert facts is not None
    assert facts["pid"] == world.daemon
    assert "result" in answer


def test_a_key_that_others_may_read_is_not_used(world: World) -> None:
    """The shim says so; a daemon that starts makes another."""
    path = Path(_shim_pipe.key_path(world.place))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(_shim_pipe.KEY_BYTES))
    path.chmod(0o644)

    with pytest.raises(ShimFault, match="not yours alone"):
        _shim_pipe.connect(world.place)
    made = _prepare_pipe(world.place)

    assert made == _shim_pipe.read_key(world.place) == _prepare_pipe(world.place)
    assert made != bytes(_shim_pipe.KEY_BYTES)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_operator_starts_looks_restarts_and_stops(world: World) -> None:
    """Each command says what happened, and its exit code tells."""
    nobody = await _command(world, "status")
    started = await _command(world, "start")
    first = world.daemon
    again = await _command(world, "start")
    shown = await _command(world, "status")
    restarted = await _command(world, "restart")
    second = world.daemon
    stopped = await _command(world, "stop")
    done = await _command(world, "stop")

    assert nobody == (1, f"not running: {world.stand.state}\n")
    assert started == (0, f"started: pid {first}, state {world.stand.state}\n")
    assert again == (0, f"already running: pid {first}, state {world.stand.state}\n")
    assert shown[0] == 0
    assert f"socket   {world.place.socket}" in shown[1]
    assert restarted[0] == 0, restarted[1]
    assert restarted[1].startswith(f"restarted: pid {second}, ")
    assert second not in {0, first}
    assert stopped == (0, f"stopped: pid {second}\n")
    assert done == (0, f"not running: {world.stand.state}\n")
    assert list(world.runtime.iterdir()) == []


async def test_a_client_goes_on_after_a_restart(world: World) -> None:
    """Its shim attaches to the next daemon and says that lists changed."""
    async with open_host(world) as host:
        before = world.daemon
        code, said = await _command(world, "restart")
        await notice(host, "notifications/tools/list_changed")
        health = await host.call("sessions", action="health")

    assert code == 0, said
    assert health["pid"] == world.daemon != before


async def test_a_second_daemon_in_the_foreground_is_refused(world: World) -> None:
    """It says who is there and leaves with code 1."""
    async with open_host(world):
        code, said = await _command(world, "run")

    assert code == 1
    assert f"pid {world.daemon}) serves" in said


def _key(world: World, other: bytes) -> bytes:
    """Put another key in place of the world's, which is returned."""
    path = Path(_shim_pipe.key_path(world.place))
    old = path.read_bytes()
    path.write_bytes(other)
    return old


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
