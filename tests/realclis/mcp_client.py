"""An MCP client over the pipes of a child: just enough to drive aimux, standard library only."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading  # noqa: TID251 -- a blocking pipe is read beside a blocking script
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

REVISION: Final = "2025-11-25"
CLOSE_LIMIT_S: Final = 15


class NoAnswer(Exception):
    """The server did not answer in time, or went away."""


class RpcError(Exception):
    """The server answered with a JSON-RPC error."""


class Client:
    """One server process. Use as a context manager; leaving closes its stdin and reaps it."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stderr: Path
    ) -> None:
        self.progress: dict[str, list[dict[str, Any]]] = {}
        self.exit_code: int | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._incoming: queue.Queue[dict[str, Any] | None] = queue.Queue()
        with stderr.open("wb") as sink:
            self.process = subprocess.Popen(
                argv,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
            )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.exit_code = self.process.wait(CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def initialize(self, limit_s: float) -> dict[str, Any]:
        """The handshake; returns what the server says of itself."""
        who = {"name": "realclis", "version": "1"}
        params = {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": who}
        answer = self.wait(self.send("initialize", params), limit_s)
        self.notify("notifications/initialized", {})
        return answer

    def call(self, tool: str, arguments: Mapping[str, object], limit_s: float) -> dict[str, Any]:
        """The result of a tool call with progress asked for. Raises RpcError or NoAnswer."""
        return self.wait(self.start(tool, arguments), limit_s)

    def start(self, tool: str, arguments: Mapping[str, object]) -> int:
        """Send a tool call and return its id, which is its progress token in words as well."""
        number = next(self._ids)
        params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": f"p{number}"}}
        self._write({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        return number

    def send(self, method: str, params: Mapping[str, object]) -> int:
        """Send a request and return its id."""
        number = next(self._ids)
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def notify(self, method: str, params: Mapping[str, object]) -> None:
        """Send a notification."""
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def wait(self, number: int, limit_s: float) -> dict[str, Any]:
        """The result of a request; progress that arrives meanwhile is kept by token."""
        deadline = time.monotonic() + limit_s  # noqa: TID251 -- no loop in this script
        while number not in self._answers:
            try:
                message = self._incoming.get(timeout=max(0.0, deadline - time.monotonic()))  # noqa: TID251
            except queue.Empty:
                raise NoAnswer(f"no answer within {limit_s:.0f} s") from None
            if message is None:
                raise NoAnswer(f"the server left with {self.process.wait()}")
            self._sort(message)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RpcError(f"{answer['error'].get('code')}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def is_answered(self, number: int) -> bool:
        """Whether a request has its answer already; never waits."""
        while not self._incoming.empty():
            message = self._incoming.get()
            if message is not None:
                self._sort(message)
        return number in self._answers

    def _sort(self, message: dict[str, Any]) -> None:
        if message.get("method") == "notifications/progress":
            token = str(message["params"]["progressToken"])
            self.progress.setdefault(token, []).append(message["params"])
        elif "id" in message and "method" in message:  # a request of the server's: ping, roots
            nothing = {"code": -32601, "message": "not offered"}
            self._write({"jsonrpc": "2.0", "id": message["id"], "error": nothing})
        elif "id" in message:
            self._answers[message["id"]] = message

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._incoming.put(json.loads(line))
        self._incoming.put(None)

    def _write(self, message: Mapping[str, object]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise NoAnswer(f"the server left with {self.process.wait()}") from None
