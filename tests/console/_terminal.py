"""Commands at a terminal: what is sent to it, and what a pipe gets."""

import contextlib
import fcntl
import functools
import os
import struct
import subprocess
import termios
from collections.abc import Mapping

from ..forks import can_fork, forks
from .conftest import LIMIT_S, Machine

ROWS = 24


def at_terminal(
    machine: Machine, *words: str, columns: int = 80, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit code of one command, and all that it sends to a terminal of that width."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("4H", ROWS, columns, 0, 0))
    modes = termios.tcgetattr(its)
    modes[1] &= ~termios.OPOST  # the terminal itself would add carriage returns
    termios.tcsetattr(its, termios.TCSANOW, modes)
    environment = {**machine.env(TERM="xterm-256color"), **(env or {})}
    if can_fork(environment) and not forks().is_busy:
        forks().start(words, (its, its, its), cwd=machine.project, env=environment, is_leader=True)
        ended = forks().wait
    else:
        process = subprocess.Popen(
            machine.argv(*words),
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=machine.project,
            env=environment,
            start_new_session=True,
        )
        ended = functools.partial(process.wait, LIMIT_S)
    os.close(its)
    heard = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while data := os.read(ours, 65536):
            heard += data
    os.close(ours)
    return ended(), heard.decode()
