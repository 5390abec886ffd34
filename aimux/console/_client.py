"""The operator's side of the protocol: a small MCP client over the shim, as any host would be.

There is no second API: what a command can do, a host can do.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import orjson
import trio

from aimux import __version__
from aimux.errors import AimuxError, PeerFault, SetupFault
from aimux.protocol import LineReader, Oversize
from aimux.shim.command import own_command

LATEST: Final = "2025-11-25"
EXIT_GRACE_S: Final = 3.0  # for the server to leave at the end of its input
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_LONE: Final = re.compile("[\ud800-\udfff]")  # a byte of the command line that is not UTF-8
_NAMED_LEVELS: Final = 3

if sys.platform == "win32":
    _APART: Final[Mapping[str, Any]] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART: Final[Mapping[str, Any]] = {"start_new_session": True}

Json = dict[str, object]


class ServerSaid(AimuxError):
    """The server answered with a JSON-RPC error."""

    error_type = "peer"
    default_code = "rpc_error"


@attrs.define(eq=False)
class _Waiting:
    ready: trio.Event = attrs.field(factory=trio.Event)
    message: Json = attrs.field(factory=dict)
    on_progress: Callable[[str], None] | None = None


@attrs.define(eq=False)
class McpClient:
    """A connected client. Calls may overlap."""

    _send: trio.abc.SendStream
    _waiting: dict[int, _Waiting] = attrs.field(factory=dict)
    _last_id: int = 0
    _is_gone: bool = False
    _writing: trio.Lock = attrs.field(factory=trio.Lock)  # calls overlap, frames must not
    changed: trio.Event = attrs.field(factory=trio.Event)  # set by the next change of a resource

    async def shake_hands(self, name: str) -> None:
        """Begin the session; cancelled, it has not begun and the connection is of no more use.

        Raises:
            SetupFault: the server does not answer as it should.
        """
        info = {"name": name, "version": __version__}
        params: Json = {"protocolVersion": LATEST, "capabilities": {}, "clientInfo": info}
        try:
            await self.request("initialize", params)
            await self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        except ServerSaid as error:
            raise SetupFault(f"the server did not answer: {error.message}") from error

    async def request(
        self, method: str, params: Json, on_progress: Callable[[str], None] | None = None
    ) -> Json:
        """One request and its result. Cancelling it tells the server so.

        Raises:
            ServerSaid: the answer is an error, or the server is gone.
        """
        self._last_id += 1
        call_id = self._last_id
        waiting = self._waiting[call_id] = _Waiting(on_progress=on_progress)
        if on_progress is not None:
            params = {**params, "_meta": {"progressToken": call_id}}
        is_answered = False
        try:
            await self._write({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params})
            if self._is_gone:
                raise ServerSaid("the server is gone", code="server_gone")
            await waiting.ready.wait()
            is_answered = True
        finally:
            del self._waiting[call_id]
            if not is_answered:
                with trio.move_on_after(1, shield=True):
                    await self._cancel(call_id)
        error = waiting.message.get("error")
        if isinstance(error, dict):
            told = error.get("data")
            hint = told.get("hint") if isinstance(told, dict) else None
            why = told.get("why") if isinstance(told, dict) else None
            raise ServerSaid(
                str(why or error.get("message")),
                hint=str(hint) if hint else None,
                data={"code": error.get("code")},
            )
        result = waiting.message.get("result")
        return result if isinstance(result, dict) else {}

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, object],
        on_progress: Callable[[str], None] | None = None,
    ) -> Json:
        """Call a tool and return its structured content; a failed job is content, not an error.

        Cancelling it tells the server so, which ends a job that only this call waits for.

        Raises:
            ServerSaid: the call itself was refused: no job came of it.
        """
        result = await self.request(
            "tools/call", {"name": tool, "arguments": dict(arguments)}, on_progress
        )
        content = result.get("structuredContent")
        body = content if isinstance(content, dict) else {}
        error = body.get("error")
        if result.get("isError") and isinstance(error, dict) and not body.get("job_id"):
            raise ServerSaid(
                str(error.get("message")), code=str(error.get("code")), hint=error.get("hint")
            )
        return body

    async def read(self, uri: str) -> str:
        """The text of a resource. Cancelling it tells the server so.

        Raises:
            ServerSaid: there is none.
        """
        result = await self.request("resources/read", {"uri": uri})
        match result.get("contents"):
            case [{"text": str(text)}]:
                return text
            case _:
                return ""

    async def _cancel(self, call_id: int) -> None:
        if not self._is_gone:
            await self._write(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/cancelled",
                    "params": {"requestId": call_id, "reason": "interrupted"},
                }
            )

    async def _write(self, message: Json) -> None:
        line = encoded(message)
        try:
            async with self._writing:
                await self._send.send_all(line)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ServerSaid("the server is gone", code="server_gone") from error

    async def _read(self, receive: trio.abc.ReceiveStream) -> None:
        lines = LineReader(max_bytes=MAX_MESSAGE_BYTES)
        while True:
            try:
                data = bytes(await receive.receive_some())
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            for line in lines.feed(data):
                if isinstance(line, Oversize):
                    said = f"the answer is larger than {line.limit_bytes} bytes"
                    for call_id in line.unread.answered:
                        self._take({"id": call_id, "error": {"message": said}})
                else:
                    self._take(orjson.loads(line))
            if not data:
                break
        self._is_gone = True
        self._tell_change()
        for waiting in self._waiting.values():
            waiting.message = {"error": {"message": "the server closed the connection"}}
            waiting.ready.set()

    def _tell_change(self) -> None:
        told, self.changed = self.changed, trio.Event()
        told.set()

    def check_there(self) -> None:
        """Nothing while the server is there.

        Raises:
            ServerSaid: it is gone.
        """
        if self._is_gone:
            raise ServerSaid("the server closed the connection", code="server_gone")

    def _take(self, message: Json) -> None:
        if message.get("method") == "notifications/resources/updated":
            self._tell_change()
            return
        if message.get("method") == "notifications/progress":
            params = message.get("params")
            if isinstance(params, dict):
                waiting = self._waiting.get(params.get("progressToken", 0))
                if waiting is not None and waiting.on_progress is not None:
                    waiting.on_progress(str(params.get("message", "")))
            return
        call_id = message.get("id")
        if isinstance(call_id, int) and call_id in self._waiting and "method" not in message:
            self._waiting[call_id].message = message
            self._waiting[call_id].ready.set()


def encoded(message: Json) -> bytes:
    """A message as a line.

    Raises:
        PeerFault: it holds what MCP cannot carry.
    """
    try:
        return orjson.dumps(message) + b"\n"
    except TypeError:  # a text that is not UTF-8, or deeper than it goes
        pass
    for place, text in _texts(message.get("params")):
        if _LONE.search(text):
            raise PeerFault(
                f"{place} is not UTF-8: {text!r}",
                code="not_utf8",
                hint="MCP carries UTF-8; for a directory, go there and leave -C out",
            )
    try:
        return json.dumps(message).encode() + b"\n"
    except RecursionError as error:
        raise PeerFault("the arguments are nested too deeply", code="too_deep") from error


def _texts(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """The texts in arguments, and what each is called; those that lie deep are ours."""
    match value:
        case str():
            yield place, value
        case dict():
            for key, each in value.items():
                if place.count(".") < _NAMED_LEVELS:
                    yield from _texts(each, f"{place}.{key}".removeprefix(".arguments."))


@asynccontextmanager
async def open_client(
    *, env: Mapping[str, str] | None = None, name: str = "aimux-cli"
) -> AsyncIterator[McpClient]:
    """Start a server as a host would, shake hands, and leave it tidily at the end.

    It stands outside the terminal's process group: an interrupt is ours to pass on, as a
    cancellation of the call.

    Raises:
        SetupFault: it cannot be started, or does not answer as an MCP server does.
    """
    process = await trio.lowlevel.open_process(
        own_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ if env is None else env),
        **_APART,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    client = McpClient(process.stdin)
    failure: Exception | None = None
    try:
        async with trio.open_nursery() as reading:
            reading.start_soon(client._read, process.stdout)  # noqa: SLF001  # the client's owner
            try:
                await client.shake_hands(name)
                yield client
            except Exception as error:  # noqa: BLE001  # raised below: bare, not in a group
                failure = error
            reading.cancel_scope.cancel(reason="done")
        if failure is not None:
            raise failure
    finally:
        with trio.move_on_after(EXIT_GRACE_S, shield=True):
            await process.stdin.aclose()
            await process.wait()
        if process.returncode is None:
            process.kill()
            with trio.move_on_after(EXIT_GRACE_S, shield=True):
                await process.wait()
