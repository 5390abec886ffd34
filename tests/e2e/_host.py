"""An MCP host as crude as real ones: a server process, lines in, lines out, nothing hidden."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil
import trio

from aimux.tools.catalog import CALL_NAMES

from ..answers import hold
from ._guided import SEEN

Json = dict[str, object]

ANSWER_S: Final = 60.0  # for one answer; the machine may be slow
EXIT_S: Final = 15.0
WATCHER: Final = "_watchdog_main.py"


@attrs.define(eq=False)
class Server:
    """A stdio server as a host starts it. Tests attach to it one after the other."""

    process: subprocess.Popen[bytes]
    stderr: Path
    last_id: int = 0
    rest: bytes = b""  # read, but not yet a line

    @property
    def pid(self) -> int:
        return self.process.pid

    def descriptors(self) -> int:
        """How many the server has open."""
        return psutil.Process(self.pid).num_fds()

    def children(self) -> dict[int, str]:
        """Its descendants, zombies included; not the helper that ends them when it is killed."""
        found: dict[int, str] = {}
        for each in psutil.Process(self.pid).children(recursive=True):
            try:
                words = each.cmdline()
            except psutil.ZombieProcess:
                words = ["zombie"]
            except psutil.NoSuchProcess:
                continue
            if not any(word.endswith(WATCHER) for word in words):
                found[each.pid] = " ".join(words)[:200]
        return found


@attrs.define(eq=False)
class Host:
    """The client's end of a server: every message it ever said is in `heard`, in order.

    Those of a batch stand there one by one.
    """

    server: Server
    _write: trio.abc.SendStream
    _read: trio.abc.ReceiveStream
    heard: list[Json] = attrs.field(factory=list)
    _more: trio.Event = attrs.field(factory=trio.Event)
    _writing: trio.Lock = attrs.field(factory=trio.Lock)
    is_gone: bool = False
    _called: dict[object, tuple[str, Mapping[str, object]]] = attrs.field(factory=dict)

    async def listen(self) -> None:
        """Read until cancelled or the server is gone."""
        while True:
            data = bytes(await self._read.receive_some(1 << 20))
            if not data:
                self.is_gone = True
                self._wake()
                return
            *lines, self.server.rest = (self.server.rest + data).split(b"\n")
            for message in map(json.loads, lines):
                self.heard += message if isinstance(message, list) else [message]
                if isinstance(message, dict) and message.get("id") in self._called:
                    SEEN.take(*self._called.pop(message["id"]), message)
            self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = trio.Event()

    async def write(self, data: bytes) -> None:
        """Bytes as they are."""
        async with self._writing:
            await self._write.send_all(data)

    async def post(self, method: str, params: Mapping[str, object] | None = None) -> int:
        """Send a request without waiting for its answer; its id."""
        self.server.last_id += 1
        call_id = self.server.last_id
        await self.say({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params or {}})
        return call_id

    async def say(self, message: object) -> None:
        """Send one message."""
        if isinstance(message, dict) and message.get("method") == "tools/call":
            params = message["params"]
            if isinstance(params, dict) and isinstance(params.get("arguments"), dict):
                self._called[message.get("id")] = str(params.get("name")), params["arguments"]
        await self.write(json.dumps(message).encode() + b"\n")

    async def notify(self, method: str, **params: object) -> None:
        """Send a notification."""
        await self.say({"jsonrpc": "2.0", "method": method, "params": params})

    async def answer(self, call_id: object) -> Json:
        """The whole response to a request."""
        with trio.fail_after(ANSWER_S):
            while True:
                for message in self.heard:
                    if "method" not in message and message.get("id") == call_id:
                        return message
                assert not self.is_gone, self.server.stderr.read_text(encoding="utf-8")
                await self._more.wait()

    async def question(self) -> Json:
        """The first request of the server's."""
        with trio.fail_after(ANSWER_S):
            while True:
                for message in self.heard:
                    if "method" in message and "id" in message:
                        return message
                await self._more.wait()

    async def progress(self, token: object, count: int = 1) -> list[Json]:
        """The progress notifications of a token, at least `count`."""
        with trio.fail_after(ANSWER_S):
            while True:
                found = self.told(token)
                if len(found) >= count:
                    return found
                await self._more.wait()

    async def notice(self, method: str) -> object:
        """Params of the first notification of a method."""
        with trio.fail_after(ANSWER_S):
            while True:
                for message in self.heard:
                    if message.get("method") == method:
                        return message.get("params", {})
                await self._more.wait()

    def told(self, token: object) -> list[Json]:
        """Params of the progress notifications of a token so far."""
        found = [
            message["params"]
            for message in self.heard
            if message.get("method") == "notifications/progress"
        ]
        return [
            params
            for params in found
            if isinstance(params, dict) and params["progressToken"] == token
        ]

    async def call(self, tool: str, **arguments: object) -> Json:
        """Call a tool and return its payload, which holds the schema that is published of it.

        The text block must say the same.
        """
        response = await self.answer(
            await self.post("tools/call", {"name": tool, "arguments": arguments})
        )
        body = payload(response)
        hold(CALL_NAMES.get(tool, (tool,))[0], body)
        return body

    async def exec(self, prompt: str, **arguments: object) -> Json:
        """`exec`, to its end."""
        return await self.call("exec", prompt=prompt, wait_seconds=ANSWER_S, **arguments)


def payload(response: Json) -> Json:
    """The structured content of a tool's answer."""
    assert "error" not in response, response
    result = response["result"]
    assert isinstance(result, dict)
    body: Json = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == body
    return body


def error_of(body: Json) -> tuple[object, object]:
    """Class and code of a payload's error."""
    error = body.get("error")
    return (error["class"], error["code"]) if isinstance(error, dict) else (None, None)


def codes(body: Json) -> set[str]:
    """The codes of a payload's warnings."""
    warnings = body["warnings"]
    assert isinstance(warnings, list)
    return {warning["code"] for warning in warnings}


HELLO: Final = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "e2e", "version": "1"},
}


@contextmanager
def start_server(
    env: Mapping[str, str],
    cwd: Path,
    stderr: Path,
    capabilities: Mapping[str, object] | None = None,
    command: Sequence[str] = ("-m", "aimux"),
) -> Iterator[Server]:
    """A server process, shaken hands with; at the end its input is closed and it must leave.

    `command` are the interpreter's arguments.
    """
    with stderr.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(env),
            cwd=cwd,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        try:
            server = Server(process, stderr)
            trio.run(_shake_hands, server, {**HELLO, "capabilities": dict(capabilities or {})})
            yield server
            process.stdin.close()
            code = process.wait(EXIT_S)
            assert code == 0, stderr.read_text(encoding="utf-8")
        finally:
            process.kill()


async def _shake_hands(server: Server, hello: Json) -> None:
    async with attach(server) as host:
        response = await host.answer(await host.post("initialize", hello))
        assert "result" in response, response
        await host.notify("notifications/initialized")


@asynccontextmanager
async def attach(server: Server) -> AsyncIterator[Host]:
    """The client's end of a running server, for one test."""
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    async with (
        trio.lowlevel.FdStream(os.dup(server.process.stdin.fileno())) as write,
        trio.lowlevel.FdStream(os.dup(server.process.stdout.fileno())) as read,
        trio.open_nursery() as listening,
    ):
        host = Host(server, write, read)
        listening.start_soon(host.listen)
        yield host
        listening.cancel_scope.cancel(reason="test is over")
