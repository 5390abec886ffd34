"""Every module can be imported on macOS and Windows, and so can the tests that run on Windows."""

import subprocess
import sys
from pathlib import Path

import pytest

from . import needs

# In a process of its own: others have modules and attributes that this one takes away. Libraries
# come first, with the system they are installed for.
HIDE = """
import os, select, signal, socket, subprocess, sys, types


def take_away(gone):
    for module, words in gone.items():
        for word in words.split():
            if hasattr(module, word):
                delattr(module, word)


def hide_linux():
    sys.platform = "darwin"
    take_away({
        os: "eventfd epoll memfd_create pidfd_open posix_fadvise posix_fallocate sched_getaffinity "
            "sched_setaffinity copy_file_range splice fdatasync setns unshare getrandom waitid "
            "setresuid setresgid getresuid getresgid pipe2 getxattr setxattr listxattr "
            "O_PATH O_TMPFILE O_DIRECT P_PIDFD GRND_NONBLOCK",
        signal: "pidfd_send_signal sigwaitinfo sigtimedwait SIGRTMIN SIGRTMAX SIGPWR SIGSTKFLT",
        socket: "SO_PEERCRED SO_PASSCRED SCM_CREDENTIALS MSG_CMSG_CLOEXEC SOCK_CLOEXEC "
            "SOCK_NONBLOCK AF_NETLINK AF_ALG AF_VSOCK TCP_USER_TIMEOUT",
        select: "epoll EPOLLIN",
    })


def hide():
    sys.platform = "win32"
    for name in ("fcntl", "grp", "pexpect", "pty", "pwd", "resource", "syslog", "termios", "tty"):
        sys.modules[name] = None
    sys.modules["msvcrt"] = types.ModuleType("msvcrt")
    signal.SIGBREAK = 21
    subprocess.CREATE_NEW_PROCESS_GROUP = 512
    take_away({
        os: "fork forkpty getegid geteuid getgid getpgid getsid getuid killpg mkfifo pread pwrite "
            "setsid sysconf uname wait wait4 waitid memfd_create pidfd_open chown fchmod O_CLOEXEC "
            "O_DIRECTORY O_NOFOLLOW O_NONBLOCK WNOHANG P_ALL set_blocking",
        signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGXFSZ "
            "pidfd_send_signal",
        socket: "AF_UNIX SO_PEERCRED MSG_DONTWAIT",
        select: "poll epoll kqueue",
    })
"""
PROGRAM = (
    HIDE
    + """
import importlib, pkgutil
import aimux


def load(names):
    for name in [each for each in sys.modules if each.partition(".")[0] == "aimux"]:
        del sys.modules[name]
    for name in names:
        importlib.import_module(name)


names = [each.name for each in pkgutil.walk_packages(aimux.__path__, "aimux.")]
unix = [each for each in names if "_winp" not in each]
load(unix)
hide_linux()
load(unix)
hide()
windows = [each for each in names if each != "aimux.drivers._pty"]
load(windows)
print(len(windows))
"""
)
# pytest and its plugins are of the system that runs this; what they collect is of the other
COLLECT = (
    HIDE
    + """
import pytest


class Windows:
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        import attrs, cattrs, click, hypothesis.stateful, hypothesis.strategies, jsonschema, orjson
        import pexpect, platformdirs, psutil, referencing, rich, ruamel.yaml, trio.testing

        for name in [each for each in sys.modules if each.partition(".")[0] == "aimux"]:
            del sys.modules[name]
        hide()


options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "no:xdist"]
sys.exit(pytest.main([*options, *sys.argv[1:]], plugins=[Windows()]))
"""
)
# what the workflow runs on Windows and has anything of a system in it
ALWAYS = ("tests/drivers", "tests/rules/test_roots.py", "tests/e2e")
CI = Path(__file__).parents[1] / ".github" / "workflows" / "ci.yml"


def on_windows() -> list[str]:
    """What of that the workflow names, file by file where it does so; all where it is not here."""
    if not CI.is_file():
        return [*ALWAYS]
    job = (
        CI.read_text(encoding="utf-8").partition("\n  windows:\n")[2].partition("\n  packaging:")[0]
    )
    named = {word for word in job.split() if word.startswith("tests/")}
    return sorted({*ALWAYS, *(each for each in named if each.endswith(".py"))})


@pytest.mark.slow
@needs.posix
def test_no_module_needs_linux_or_unix_to_be_imported() -> None:
    """But on Windows the driver of pseudo-terminals, which another replaces there."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert ran.stderr == ""
    assert int(ran.stdout) > 400


@pytest.mark.slow
@needs.posix
def test_no_test_that_runs_on_windows_needs_unix_to_be_collected() -> None:
    """Modules that are not there, and calls, are met behind a mark of `needs` only."""
    root = Path(__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-c", COLLECT, *on_windows()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=root,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "tests/drivers/test_windows.py" in ran.stdout
