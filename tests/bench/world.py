"""A throw-away machine for one group of rows: directories, environment, servers, and its end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import mcp_bench
import orjson

ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_S: Final = 120.0  # for one answer; the machine may be slow
ERAS: Final = {"handshake": "2025-11-25", "modern": "2026-07-28"}
PYCACHE: Final = Path(tempfile.gettempdir()) / f"aimux-bench-pyc-{os.getuid()}-{os.getpid()}"
AIMUX: Final = str(Path(sys.executable).parent / "aimux")


class Wire(mcp_bench.Server):
    """A server under measurement: `mcp_bench`'s, with a reader that costs the client less."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: str | None) -> None:
        super().__init__(list(command), dict(env), cwd, ANSWER_S)
        self.era = "handshake"

    def read_message(self) -> tuple[dict, float]:
        """The next message, and when its line was complete."""
        while not self._lines:
            if not self.selector.select(self.timeout):
                raise mcp_bench.BenchError(f"no answer within {self.timeout:g} s")
            self._flush()
            try:
                chunk = os.read(self.rfd, 1 << 18)
            except BlockingIOError:
                continue
            if not chunk:
                raise mcp_bench.BenchError("the server closed its output")
            self._in += chunk
            *complete, rest = self._in.split(b"\n")
            self._in = bytearray(rest)
            self._lines.extend(bytes(line) for line in complete)
        now = time.perf_counter()
        return orjson.loads(self._lines.popleft()), now

    def envelope(self) -> dict:
        """What a request of this era carries besides its parameters."""
        if self.era == "handshake":
            return {}
        key = "io.modelcontextprotocol"
        meta = {
            f"{key}/protocolVersion": ERAS["modern"],
            f"{key}/clientInfo": mcp_bench.CLIENT_INFO,
            f"{key}/clientCapabilities": {},
        }
        return {"_meta": meta}

    def greet(self, era: str = "handshake") -> float:
        """Do what the era needs first, list the tools; when that was answered."""
        self.era = era
        if era == "handshake":
            hello = {"protocolVersion": ERAS[era], "capabilities": {}}
            self.request("initialize", hello | {"clientInfo": mcp_bench.CLIENT_INFO})
            self.notify("notifications/initialized")
        _, at = self.request("tools/list", self.envelope())
        return at

    def call(self, tool: str, **arguments: object) -> dict:
        """A tool's structured answer."""
        told = {"name": tool, "arguments": arguments}
        result, _ = self.request("tools/call", told | self.envelope())
        return result.get("structuredContent", result)

    def calls(self, tool: str, arguments: Sequence[Mapping[str, object]], *, at_once: int) -> list:
        """Seconds that each call took, with `at_once` of them under way."""
        took: list[float] = []
        sent: dict[int, float] = {}
        extra = self.envelope()
        lines = []
        for each in arguments:
            call_id = self.new_id()
            params = {"name": tool, "arguments": each, **extra}
            message = {"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params}
            lines.append((call_id, orjson.dumps(message) + b"\n"))
        lines.reverse()
        while lines or sent:
            while lines and len(sent) < at_once:
                call_id, line = lines.pop()
                sent[call_id] = time.perf_counter()
                self.queue_raw(line)
            message, at = self.read_message()
            began = sent.pop(message.get("id"), None)
            if began is None:
                continue
            if "error" in message or message["result"].get("isError"):
                raise mcp_bench.BenchError(f"{tool} failed: {message}")
            took.append(at - began)
        return took

    def end(self) -> float:
        """Close its input; seconds until it had left."""
        took = self.close()
        if took is None:
            raise mcp_bench.BenchError("the server had to be killed")
        return took

    def terminate(self) -> float:
        """SIGTERM; seconds until it had left."""
        began = time.perf_counter()
        self.proc.send_signal(signal.SIGTERM)
        try:
            self.proc.wait(10)
            return time.perf_counter() - began
        finally:
            self.close()


class World:
    """Home, project, configuration and state that nobody else uses. Made by `open_world`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.project = root / "project"
        self.config = root / "config"
        for directory in (self.bin, self.project, self.config, root / "home"):
            directory.mkdir()
        self.wires: list[Wire] = []

    @property
    def env(self) -> dict[str, str]:
        """What measured processes get: nothing of the caller's but the system."""
        return {
            "PATH": os.pathsep.join([str(self.bin), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.root / "home"),
            "AIMUX_CONFIG_DIR": str(self.config),
            "AIMUX_STATE_DIR": str(self.root / "state"),
            "AIMUX_RUNTIME_DIR": str(self.root / "run"),
            "AIMUX_CACHE_DIR": str(self.root / "cache"),
            "PYTHONPYCACHEPREFIX": str(PYCACHE),
        }

    def configure(self, **server: object) -> None:
        """The user's default.yaml; JSON is YAML."""
        told = {"server": {"rate_limit_rps": 0, "drain_seconds": 1, **server}}
        (self.config / "default.yaml").write_text(json.dumps(told), encoding="utf-8")

    def cli(self, name: str, script: str, **keys: object) -> Path:
        """A CLI that is nothing but a shell script, and its profile: no code."""
        program = self.bin / name
        program.write_text(
            f'#!/bin/sh\ncase "$1" in --version) echo 1.0.0; exit;; esac\n{script}\n',
            encoding="utf-8",
        )
        program.chmod(0o755)
        profile = {
            "schema_version": 1,
            "name": name,
            "binary": name,
            "command": [name],
            "prompt": {"ways": ["stdin"]},
            "modes": {"read": {"flags": [], "strength": "sandbox"}},
            **keys,
        }
        directory = self.config / "cli.d" / name
        directory.mkdir(parents=True)
        (directory / "profile.yaml").write_text(json.dumps(profile), encoding="utf-8")
        return program

    def emulate(self, cli: str) -> None:
        """One of the twelve, played by our stand-in."""
        from emulators.install import install

        home = self.root / "home"
        install(self.bin, [cli], python=sys.executable, home=home, time_scale=0.01)

    def serve(self, *, in_process: bool, command: Sequence[str] = (AIMUX,)) -> Wire:
        """A server at the end of its pipes, not greeted yet."""
        return self.start(command, AIMUX_DAEMON="off" if in_process else "on")

    def start(self, command: Sequence[str], **more: str) -> Wire:
        """A process to measure, in this world's environment."""
        self.wires = [each for each in self.wires if each.proc.returncode is None]
        wire = Wire(command, self.env | more, str(self.project))
        self.wires.append(wire)
        return wire

    def daemon(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`aimux daemon …`."""
        return subprocess.run(
            [AIMUX, "daemon", *words],
            env=self.env,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            encoding="utf-8",
        )

    def daemon_pid(self) -> int:
        """The daemon that holds this world's lock."""
        told = (self.root / "state" / "daemon.lock").read_text(encoding="utf-8")
        return int(told.split("\n", 1)[0])

    def processes(self) -> list[int]:
        """Every process of this world, whoever its parent is now."""
        ours = f"HOME={self.root / 'home'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if ours in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End everything that lives here and remove it."""
        for wire in self.wires:
            if wire.proc.returncode is None:
                wire.proc.kill()
                wire.close()
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self.daemon("stop")
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


@contextmanager
def open_world(**server: object) -> Iterator[World]:
    """A world; nothing of it is left afterwards."""
    # short: the daemon's socket is in it
    world = World(Path(tempfile.mkdtemp(prefix="aimux-bench-")))
    try:
        world.configure(**server)
        yield world
    finally:
        world.close()


# ---------------------------------------------------------------------- looking at processes


def rss(pid: int, key: str = "VmRSS") -> int:
    """Resident bytes now; `VmHWM` for the most there ever were."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise mcp_bench.BenchError(f"process {pid} has no {key}")


def cpu_s(pids: Sequence[int]) -> float:
    """Seconds of CPU that processes took, in nanosecond steps (`stat` counts hundredths)."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def spawn_s(code: str, env: Mapping[str, str]) -> float:
    """Seconds from spawning a Python to the first byte it writes once `code` has run.

    Started as `Wire` starts a server, or the two cannot be compared: Linux shares the processor
    out by session (autogroups), so a child in ours would run at our share. And not to its exit,
    which is not in a server's time to an answer either.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", f"import os\n{code}\nos.write(1, b'x')"],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        if not child.stdout.read(1):
            raise mcp_bench.BenchError(f"{code} did not run")
        return time.perf_counter() - began
