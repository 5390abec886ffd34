"""What a daemon behind a pipe has of its own, as on Windows; here the pipe is a socket.

Scenes that must look the same on both roads stand in `tests/shim/test_attach.py` and in
`test_life.py`.
"""

from pathlib import Path

import pytest

from aimux.daemon import ask
from aimux.daemon._life import _prepare_pipe
from aimux.errors import SetupFault
from aimux.shim import pipe
from aimux.shim.address import ShimFault

from .. import needs
from ._world import World, open_host

pytestmark = [
    pytest.mark.slow,
    needs.posix,
    pytest.mark.parametrize("world", ["pipe"], indirect=True),
]


async def test_who_does_not_know_the_key_is_refused(world: World) -> None:
    """Neither shim nor operator gets in, the shim serves by itself; others are still served."""
    async with open_host(world) as host:
        await host.call("sessions", action="health")  # the store is the daemon's from now on
        right = _key(world, bytes(pipe.KEY_BYTES))
        with pytest.raises(ShimFault, match="does not know our key"):
            pipe.connect(world.address)
        with pytest.raises(SetupFault, match="does not know our key"):
            await ask(world.address, "status")
        async with open_host(world) as other:
            alone = await other.answer(await other.post("tools/list"))
            told = other.server.stderr.read_text(encoding="utf-8")
        _key(world, right)
        facts = await ask(world.address, "status")
        answer = await host.answer(await host.post("tools/list"))

    assert "without the daemon" in told
    assert "result" in alone
    assert facts is not None
    assert facts["pid"] == world.daemon
    assert "result" in answer


def test_a_key_that_others_may_read_is_not_used(world: World) -> None:
    """The shim says so; a daemon that starts makes another."""
    path = Path(pipe.key_path(world.address))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(pipe.KEY_BYTES))
    path.chmod(0o644)

    with pytest.raises(ShimFault, match="not yours alone"):
        pipe.connect(world.address)
    made = _prepare_pipe(world.address)

    assert made == pipe.read_key(world.address) == _prepare_pipe(world.address)
    assert made != bytes(pipe.KEY_BYTES)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_is_there_whole_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim may look while it is made, and a daemon may die while it makes one."""
    path = Path(pipe.key_path(world.address))
    path.parent.mkdir(parents=True, exist_ok=True)
    seen = []

    def die(fresh: Path, target: Path) -> None:
        seen.append((fresh.read_bytes(), pipe.read_key(world.address), target))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(SetupFault, match="No space left"):
            _prepare_pipe(world.address)
    made = _prepare_pipe(world.address)

    ((whole, meanwhile, target),) = seen
    assert len(whole) == pipe.KEY_BYTES
    assert meanwhile is None
    assert target == path
    assert made == pipe.read_key(world.address)
    assert [each.name for each in path.parent.glob("daemon.key*")] == ["daemon.key"]


def _key(world: World, other: bytes) -> bytes:
    """Put another key in place of the world's, which is returned."""
    path = Path(pipe.key_path(world.address))
    old = path.read_bytes()
    path.write_bytes(other)
    return old
