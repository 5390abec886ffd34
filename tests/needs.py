"""What tests need of the machine: a mark for each fact of a platform. Nothing else asks for them.

A test says `@needs.proc`, a module has it in its `pytestmark`; where the fact is not given, it is
skipped with the reason. Real children on pipes and terminals need POSIX: on Windows `test_windows`
has what replaces them, with fakes of the system's calls.

`nox -s noproc` runs the suite here without `/proc`, and with temporary directories as macOS has
them: a long path through a link.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Final

import pytest

IS_POSIX: Final = sys.platform != "win32"
IS_LINUX: Final = sys.platform == "linux"
HAS_PROC: Final = Path("/proc/self/stat").exists()
IS_ROOT: Final = IS_POSIX and os.geteuid() == 0


def _need(is_given: object, what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_given, reason=f"needs {what}")


posix: Final = _need(IS_POSIX, "a POSIX system: its shell, signals, groups, links and paths")
modes: Final = _need(IS_POSIX, "modes of files, and a umask")
sockets: Final = _need(hasattr(socket, "AF_UNIX") and IS_POSIX, "sockets with a name")
locks: Final = _need(IS_POSIX, "flock")
terminals: Final = _need(hasattr(os, "openpty"), "pseudo-terminals")
full_device: Final = _need(Path("/dev/full").exists(), "/dev/full")
linux: Final = _need(IS_LINUX, "Linux")
proc: Final = _need(HAS_PROC, "/proc")
start_ticks: Final = _need(HAS_PROC, "start times in clock ticks, as /proc has them")
subreaper: Final = _need(IS_LINUX, "a process that adopts orphans (Linux)")
root: Final = _need(IS_ROOT, "root, to give files away")
not_root: Final = _need(not IS_ROOT, "a user who may not read everything")
