"""A machine of its own for commands: emulated CLIs, a home, a store, and `aimux` as a process."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from emulators.install import install

from ..forks import can_fork, forks
from ..surroundings import kept

LIMIT_S = 60  # for one command on a busy machine


@attrs.frozen
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@attrs.frozen(kw_only=True)
class Machine:
    """Where the commands of one test module run."""

    root: Path
    runtime: Path  # not below root, where a socket's path is too long
    has_daemon: bool = False  # else each command is a server of its own, which takes a second

    @property
    def project(self) -> Path:
        """The working directory of every command."""
        return self.root / "project"

    @property
    def config(self) -> Path:
        """The user's configuration directory."""
        return self.root / "config"

    def env(self, **more: str) -> dict[str, str]:
        """The whole environment of a command: nothing of the machine that runs the tests."""
        return {
            "PATH": os.pathsep.join([str(self.root / "bin"), "/usr/bin", "/bin"]),
            "HOME": str(self.root / "home"),
            "AIMUX_CONFIG_DIR": str(self.config),
            "AIMUX_STATE_DIR": str(self.root / "state"),
            "AIMUX_CACHE_DIR": str(self.root / "cache"),
            "AIMUX_RUNTIME_DIR": str(self.runtime),
            "AIMUX_DAEMON": "on" if self.has_daemon else "off",
            **kept(),
            **more,
        }

    def argv(self, *words: str) -> list[str]:
        """The command line of `aimux WORDS`."""
        return [sys.executable, "-m", "aimux", *words]

    def aimux(self, *words: str, stdin: str = "", env: dict[str, str] | None = None) -> Said:
        """Run one command to its end."""
        env = self.env() if env is None else env
        if can_fork(env, stdin) and not forks().is_busy:
            return Said(
                *forks().run(words, stdin=stdin, cwd=self.project, env=env, limit_s=LIMIT_S)
            )
        done = subprocess.run(
            self.argv(*words),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            cwd=self.project,
            env=env,
            timeout=LIMIT_S,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)


def make_machine(root: Path, clis: Sequence[str] = ("codex", "claude")) -> Machine:
    """A machine with some emulated CLIs and a project of one file."""
    runtime = Path(tempfile.mkdtemp(prefix="ax"))
    atexit.register(shutil.rmtree, runtime, ignore_errors=True)
    machine = Machine(root=root, runtime=runtime)
    for directory in (machine.project, machine.config, root / "home"):
        directory.mkdir(parents=True)
    (machine.project / "orders.py").write_text("TOTAL = 1\n", encoding="utf-8")
    install(root / "bin", clis, home=root / "home", time_scale=0.01)
    return machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with codex and claude, shared by the tests of a module."""
    return make_machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The same with a daemon, which has stopped at the end of the module."""
    made = attrs.evolve(make_machine(tmp_path_factory.mktemp("served")), has_daemon=True)
    yield made
    stopped = made.aimux("daemon", "stop")
    assert stopped.code == 0, stopped.err


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine without any CLI."""
    return make_machine(tmp_path, ())
