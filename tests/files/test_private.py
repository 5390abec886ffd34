"""Directories of ours are 0700 whatever the umask, and a strange umask stops nothing."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from aimux.files.private import make_private
from aimux.shim.command import own_command
from aimux.store import open_store

from .. import needs
from ..console.conftest import LIMIT_S, make_machine
from ..extent import some

pytestmark = needs.modes

OURS = ("state", "state/spool", "cache", "cache/yaml", "run")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_store_of_ours_that_was_open_to_others_is_ours_alone(tmp_path: Path) -> None:
    """With what stands beside it, which SQLite gives the same mode."""
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one"):
        pass
    path.chmod(0o644)
    async with open_store(path, owner="two") as store:
        await store.tally()
        modes = [mode(tmp_path / f"sessions.db{each}") for each in ("", "-wal", "-shm")]

    assert modes == [0o600] * 3


UMASKS = (0o000, 0o022, 0o277, 0o777)  # as a shell, a container or a unit may have set it


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_what_is_missing_above_is_private_too(tmp_path: Path, umask: int) -> None:
    """Not only the last one."""
    before = os.umask(umask)
    try:
        make_private(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)

    assert [mode(tmp_path / each) for each in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_nothing_is_open_between_its_birth_and_the_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may look in that moment; the last word is for umasks that take too much."""
    monkeypatch.setattr("aimux.files.private.os.chmod", lambda *_: None)
    before = os.umask(0)
    try:
        make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)

    assert [mode(tmp_path / each) for each in ("a", "a/b")] == [0o700] * 2


def test_what_exists_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody may have opened it on purpose; a file of that name is told."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    (tmp_path / "file").touch()
    make_private(tmp_path / "open")

    assert mode(tmp_path / "open") == 0o755
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "file")
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "file" / "below")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["off", "on"])
@pytest.mark.parametrize("umask", some(UMASKS, each=2), ids=oct)
def test_a_job_runs_and_leaves_nothing_open_to_others(tmp_path: Path, umask: int, way: str) -> None:
    """Through the daemon and without one; whatever is made on the way is its user's alone."""
    machine = make_machine(tmp_path)
    env = machine.env(AIMUX_DAEMON=way)

    def play(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*own_command(), *words], cwd=machine.project, env=env, timeout=LIMIT_S, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", umask=umask,
        )  # fmt: skip

    try:
        ran = play("run", "-q", "-c", "codex", "[[say 5]]")
    finally:
        play("daemon", "stop")
    made = {each: tmp_path / each for each in OURS if (tmp_path / each).exists()}
    files = [each for place in made.values() for each in place.rglob("*") if each.is_file()]

    assert ran.returncode == 0, ran.stderr
    assert {"state", "state/spool", "cache/yaml"} <= made.keys()
    assert {name: mode(each) for name, each in made.items()} == dict.fromkeys(made, 0o700)
    assert {mode(each) for each in files} == {0o600}
