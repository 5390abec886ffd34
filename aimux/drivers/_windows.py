"""Children on Windows: a job object instead of a group, and shims instead of first lines.

A job holds the child and everything it starts, whatever sessions or groups they make; ending the
job ends them all, and the system does it by itself when we die (`KILL_ON_JOB_CLOSE`).

npm installs a CLI as a batch file. Batch files are run by cmd.exe, which reads arguments as a
command line of its own: a quote and an ampersand in a prompt would run programs. So a shim is read
and the program it names is started instead; a batch file that is no shim is refused. The `node`
that a shim names is looked for on the spec's PATH: the system would look on ours, and first of all
where we happen to stand.
"""

import ntpath
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs
import trio

from aimux.errors import BinaryMissing

from ._base import ProcessSpec
from ._processes import GONE_S
from ._search import Missing, find
from ._spawn import binary_missing
from ._stop import first_of

_WORD: Final = re.compile(r'"([^"]*)"|(\S+)')
_HERE: Final = re.compile(r"%(?:~dp0|dp0%)\\?", re.IGNORECASE)
_IDLE: Final = re.compile(r"\s*(@?echo off|@?rem\b.*|::.*)?\s*", re.IGNORECASE)
_NODE: Final = {"%_prog%", "node", "node.exe"}


def parse_shim(text: str, directory: str) -> list[str] | None:
    """Return the command in an npm, pnpm or yarn shim, None if it is some other batch file.

    The command starts with `node`, to be looked up, or with the path of a program. A file that does
    nothing but to start one is as good as a shim.
    """
    lines = [line for line in text.splitlines() if not _IDLE.fullmatch(line)]
    for line in reversed(lines):
        if "%*" not in line:
            continue
        words = [
            quoted or plain
            for quoted, plain in _WORD.findall(line.strip().lstrip("@").partition("%*")[0])
        ]
        filled = [_HERE.sub(lambda _: directory + "\\", word) for word in words]
        for at, (raw, path) in enumerate(zip(words, filled, strict=True)):
            name = raw.lower()
            if name in _NODE or name.endswith("\\node.exe"):
                return _tidy(["node", *filled[at + 1 :]])
            is_alone = at == 0 and len(lines) == 1 and ntpath.isabs(path)
            if (_HERE.match(raw) or is_alone) and name.endswith(".exe"):
                return _tidy([path, *filled[at + 1 :]])
    return None


def _tidy(command: list[str]) -> list[str] | None:
    """Return the command with clean paths, None if a variable in it is unknown to us."""
    if len(command) == 1 and command[0] == "node":
        return None
    words = [ntpath.normpath(word) if "\\" in word else word for word in command]
    return None if any("%" in word for word in words) else words


def unwrap(
    argv: Sequence[str],
    *,
    read: Callable[[str], str],
    is_file: Callable[[str], bool],
) -> list[str] | None:
    """Return `argv` with a batch file replaced by what it would start; None if that is unknown."""
    binary = argv[0]
    if not binary.lower().endswith((".cmd", ".bat")):
        return list(argv)
    directory = ntpath.dirname(binary)
    command = parse_shim(read(binary), directory)
    if command is None:
        return None
    beside = ntpath.join(directory, "node.exe")
    if command[0] == "node" and is_file(beside):
        command[0] = beside
    return [*command, *argv[1:]]


def without_batch(spec: ProcessSpec) -> list[str]:
    """Return the spec's argv with a shim unwrapped. Reads the shim, looks for its program.

    Raises:
        BinaryMissing: it is a batch file that is no shim, or there is no `node` to run it.
    """
    argv = unwrap(spec.argv, read=_read, is_file=os.path.isfile)
    if argv is None:
        name = ntpath.basename(spec.argv[0])
        raise BinaryMissing(
            f"{name}: is a batch file that cannot be started safely",
            code="cli_not_executable",
            hint="name the program itself as the binary of the profile",
            data={"path": spec.argv[0]},
        )
    if argv[0] == "node":
        found = find("node.exe", env=spec.env, system="win32")
        if isinstance(found, Missing):
            raise binary_missing("node", found.places)
        argv[0] = found.path
    return argv


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


class Job(Protocol):
    """A job object. No method blocks or raises for members that are gone."""

    def members(self) -> int:
        """Return how many processes live in it."""

    def terminate(self) -> None:
        """End them all."""

    def usage(self) -> tuple[int, float]:
        """Return peak memory in bytes and processor time in seconds of all its processes."""

    def close(self) -> None:
        """Let go of it, which ends what is left."""


@attrs.define(eq=False)
class Charge:
    """A child in a job. `ask` is the polite signal, if there is one; `wait` gives the code."""

    pid: int
    started: float
    job: Job
    ask: Callable[[], None] | None
    wait: Callable[[], Awaitable[int]]
    gone: trio.Event = attrs.field(factory=trio.Event)
    max_rss_bytes: int = 0
    cpu_s: float = 0.0
    _exit_code: int | None = None
    _is_killed: bool = False
    _ended: int = 0  # others that went with it
    ticks: int = 0  # for a watchdog, and there is none here

    @property
    def code(self) -> int | None:
        """The exit code; None if we had to end it."""
        return None if self._is_killed else self._exit_code

    @property
    def signal_name(self) -> str:
        """`SIGKILL` if we had to end it: the name a reader knows for that."""
        return "SIGKILL" if self._is_killed else ""

    async def watch(self) -> None:
        """Wait for its death and set `gone`; not, if it is cancelled."""
        self._exit_code = await self.wait()
        self.gone.set()

    async def stop(self, *, polite: str, grace_s: float, hurry: trio.Event) -> None:
        """Ask it to leave (there is but one way to, whatever `polite` says), then end the job.

        Cancelled during the grace, the job is not ended: whoever calls it has a shield.
        """
        del polite
        if self.ask is not None and grace_s > 0 and not hurry.is_set():
            self.ask()
            with trio.move_on_after(grace_s):
                await first_of(self.gone.wait, hurry.wait)
        if not self.gone.is_set():
            self._is_killed = True
            self._ended += self.job.members() - 1
            self.job.terminate()
        with trio.move_on_after(GONE_S):
            await self.gone.wait()

    async def sweep(self) -> int:
        """End what is left in the job, return how many that were; cancelled, nothing was ended."""
        await trio.lowlevel.checkpoint()
        if left := self.job.members():
            self.job.terminate()
        left, self._ended = left + self._ended, 0
        return left

    def reap(self) -> None:
        """Take down what the job has used, and close it."""
        self.max_rss_bytes, self.cpu_s = self.job.usage()
        self.job.close()
