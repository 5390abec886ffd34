"""Commands without the price of their imports: a process that has them forks for each.

Two thirds of what a command costs is the start of an interpreter and the import of what it needs.
A fork is a process like any other: with standard descriptors, directory, environment and arguments
of its own, an exit code, and it leaves as an interpreter does. What a start itself does or imports
is tested with real ones.
"""

import functools
import json
import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

# an interpreter reads these when it starts, and coverage follows into starts only
READ_AT_START: Final = ("PYTHON", "COVERAGE_", "LC_", "LANG")
SERVER: Final = Path(__file__).parent / "forking" / "server.py"
PIPE_BYTES: Final = 32_768  # what certainly fits into a pipe that nobody reads yet


def can_fork(env: Mapping[str, str], stdin: str = "") -> bool:
    """Whether a fork is no different from a start with that environment and input."""
    is_read = any(name.startswith(READ_AT_START) for name in env)
    return hasattr(os, "fork") and not is_read and len(stdin.encode()) <= PIPE_BYTES


@attrs.define(eq=False)
class Forks:
    """The process that forks, for one command at a time."""

    _orders: socket.socket
    _process: "subprocess.Popen[bytes]"
    is_busy: bool = False

    def start(
        self,
        words: Sequence[str],
        descriptors: Sequence[int],
        *,
        cwd: Path,
        env: Mapping[str, str],
        is_leader: bool = False,
    ) -> int:
        """Begin `aimux WORDS` with these for 0, 1 and 2; its pid. `is_leader`: of a session."""
        assert not self.is_busy
        self.is_busy = True
        order = {"words": list(words), "cwd": str(cwd), "env": dict(env), "is_leader": is_leader}
        socket.send_fds(self._orders, [b"+"], list(descriptors))
        self._orders.sendall(json.dumps(order).encode() + b"\n")
        return int(_line(self._orders))

    def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        code = int(_line(self._orders))
        self.is_busy = False
        return code

    def run(
        self, words: Sequence[str], *, stdin: str, cwd: Path, env: Mapping[str, str], limit_s: float
    ) -> tuple[int, str, str]:
        """One command to its end, and that of all that writes into its pipes.

        Raises:
            subprocess.TimeoutExpired: it was killed.
        """
        read_in, write_in = os.pipe()
        read_out, write_out = os.pipe()
        read_err, write_err = os.pipe()
        pid = self.start(words, (read_in, write_out, write_err), cwd=cwd, env=env)
        for each in (read_in, write_out, write_err):
            os.close(each)
        os.write(write_in, stdin.encode())
        os.close(write_in)
        heard = {read_out: b"", read_err: b""}
        with selectors.DefaultSelector() as selector:
            for each in heard:
                selector.register(each, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(limit_s)
                if not ready:
                    os.kill(pid, 9)
                    self.wait()
                    raise subprocess.TimeoutExpired(list(words), limit_s)
                for key, _ in ready:
                    data = os.read(key.fd, 65_536)
                    heard[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
                        os.close(key.fd)
        return self.wait(), heard[read_out].decode(), heard[read_err].decode()

    def close(self) -> None:
        """Let it go."""
        self._orders.close()
        self._process.wait()


def _line(orders: socket.socket) -> str:
    """A line that the other side wrote; there is never more than one under way."""
    line = b""
    while not line.endswith(b"\n"):
        data = orders.recv(4096)
        assert data, "the process that forks has gone"
        line += data
    return line.decode()


def close_forks() -> None:
    """Let go of this process's own, if it has one: tests of processes count their children."""
    if forks.cache_info().currsize:
        forks().close()
        forks.cache_clear()


@functools.cache
def forks() -> Forks:
    """This process's own, started when it is first asked for."""
    ours, its = socket.socketpair()
    argv = [sys.executable, "-P", str(SERVER), str(its.fileno())]
    with its:
        # as bare as the environment of a test's machine, which an interpreter reads as C.UTF-8
        process = subprocess.Popen(
            argv,
            env={"PATH": os.defpath},
            cwd="/",
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
        )
    return Forks(ours, process)
