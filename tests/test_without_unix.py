"""Every module can be imported where the system is Windows."""

import subprocess
import sys

import pytest

# In a process of its own: others have modules and attributes that this one takes away. Libraries
# come first, with the system they are installed for.
PROGRAM = """
import importlib, os, pkgutil, select, signal, socket, sys, types
import aimux

ONLY_UNIX = {"aimux.__main__", "aimux.drivers._pty"}
names = [each.name for each in pkgutil.walk_packages(aimux.__path__, "aimux.")]
names = [each for each in names if each not in ONLY_UNIX]
for name in names:
    if "_winp" not in name:
        importlib.import_module(name)
for name in [each for each in sys.modules if each.partition(".")[0] == "aimux"]:
    del sys.modules[name]
sys.platform = "win32"
for name in ("fcntl", "grp", "pexpect", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
signal.SIGBREAK = 21
import subprocess
subprocess.CREATE_NEW_PROCESS_GROUP = 512
gone = {
    os: "fork forkpty getegid geteuid getgid getpgid getsid getuid killpg mkfifo pread pwrite "
        "setsid sysconf uname wait wait4 waitid memfd_create pidfd_open chown fchmod O_CLOEXEC "
        "O_DIRECTORY O_NOFOLLOW O_NONBLOCK WNOHANG P_ALL set_blocking",
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGXFSZ "
        "pidfd_send_signal",
    socket: "AF_UNIX SO_PEERCRED MSG_DONTWAIT",
    select: "poll epoll kqueue",
}
for module, words in gone.items():
    for word in words.split():
        if hasattr(module, word):
            delattr(module, word)
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="every other test shows it there")
def test_no_module_needs_unix_to_be_imported() -> None:
    """But the driver of pseudo-terminals, which another replaces there."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert ran.stderr == ""
    assert int(ran.stdout) > 150
