"""The daemon at work: who may come in, who is there, and in which order everybody leaves.

Theory of operation. Listeners take clients in; each client is a session in a nursery that outlives
the listeners. `stopping` (a signal, `aimux daemon stop`, nobody there for long) ends the listeners.
Then jobs may end within the drain, every session hears the end of its input and answers what is
computed, and the supervisor closes. A restart is a stop that waits until no job runs (`_renewal`
says for how long); the process then becomes the new daemon, with the listening socket kept, so that
clients find somebody in any moment.
"""

import importlib
import itertools
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import attrs
import trio

from aimux import __version__
from aimux.errors import AimuxError, PeerFault
from aimux.files.shipped import import_part, is_whole
from aimux.server import serve_session
from aimux.shim.address import DaemonAddress
from aimux.tools import App, Client, open_app
from aimux.transports import (
    Credentials,
    DescriptorStream,
    LineWire,
    check_peer,
    credentials_of,
    take_ends,
)

from ._hello import MAX_HELLO_BYTES, Hello, is_newer, read_hello, reply
from ._local import LocalSocket, serve_local
from ._lockfile import tell_holder
from ._page import PageSide
from ._renewal import wait_renewal
from ._signals import serve_signals

if TYPE_CHECKING:  # the engine is imported when the first call needs it
    from aimux.engine import Engine
    from aimux.transports.pipe import PipeStream

HELLO_S: Final = 5.0  # for the first line of a connection
LAST_WORDS_S: Final = 2.0  # for sessions that heard the end, over what they grant themselves
WARM_UP_S: Final = 0.2  # clients that wait for their first answer come first
CHUNK_BYTES: Final = 65_536

log = logging.getLogger("aimux.daemon")


Stream: TypeAlias = "DescriptorStream | PipeStream"


class Listener(Protocol):
    """A further way in (HTTP). Cancelled when the daemon takes no new clients any more.

    It says `task_status.started()` once it listens. Sessions that are to outlive it are started in
    `daemon.nursery`; each is counted by `daemon.app.attached`, which `serve_session` does.
    """

    async def __call__(self, daemon: "Daemon", *, task_status: trio.TaskStatus[None]) -> None: ...


@attrs.define(eq=False)
class Daemon:
    """What listeners share. Made by `serve_daemon`."""

    app: App
    nursery: trio.Nursery  # of sessions
    address: DaemonAddress
    lock: int  # the descriptor that says that the state directory is ours
    local: LocalSocket | None = None  # where clients of this machine come in, if not by a pipe
    tried: str = ""  # the version, or Python, that this process was restarted for
    stopping: trio.Event = attrs.field(factory=trio.Event)  # no new clients from now on
    restarting: trio.Event = attrs.field(factory=trio.Event)  # as soon as no job runs
    python: str = sys.executable  # what a restart becomes
    is_restart_due: bool = False
    is_stop_asked: bool = False
    stays: bool = False  # a way in is open that cannot start a daemon: no idle exit
    enders: list[Callable[[], None]] = attrs.field(factory=list)  # of the input of other clients
    born: float = attrs.field(factory=trio.current_time)
    # tells a daemon from the one it was before a restart, which has the same pid
    instance: str = attrs.field(factory=lambda: os.urandom(8).hex())
    page: PageSide = attrs.field(factory=PageSide)
    _streams: set[Stream] = attrs.field(factory=set)
    _numbers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))

    def __repr__(self) -> str:
        doing = "stopping" if self.stopping.is_set() else "serving"
        return f"<Daemon: {doing}, {self.app!r}>"

    def statistics(self) -> Mapping[str, object]:
        """What `aimux daemon status` shows."""
        engine = self.app.engine
        supervisor = engine.supervisor.statistics() if engine is not None else None
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_seconds": round(trio.current_time() - self.born, 1),
            "clients": self.app.clients(),
            "jobs": {
                "running": supervisor.running if supervisor is not None else 0,
                "queued": supervisor.queued if supervisor is not None else 0,
            },
            "instance": self.instance,
            "state_dir": self.address.state_dir,
            "socket": self.local.address.socket if self.local else self.address.socket,
            "restart_wanted": self.restarting.is_set(),
        }

    @property
    def is_restart(self) -> bool:
        """It stops to begin anew, and nobody has asked it to stop for good."""
        return self.is_restart_due and not self.is_stop_asked

    @property
    def is_owner(self) -> bool:
        """The lock we hold is the one that others would find: nobody has removed the directory."""
        try:
            return os.path.samestat(os.fstat(self.lock), Path(self.address.daemon_lock).stat())
        except OSError:
            return False

    # ------------------------------------------------------------------ local clients

    async def attend(self, stream: "trio.SocketStream | PipeStream") -> None:
        """Serve one connection of socket or pipe: a session, or an operator's question.

        Cancelled, the connection is closed; jobs that somebody else waits for go on.
        """
        async with stream:
            if not isinstance(stream, trio.SocketStream):  # who comes by a pipe knows its key
                await self._receive(stream)
                return
            try:
                credentials = credentials_of(stream)
                with trio.fail_after(HELLO_S):
                    ends, said = await take_ends(stream)
            except (trio.TooSlowError, OSError):
                return  # it never said who it is
            async with ends:
                stream.socket.close()
                await self._receive(ends, said, credentials)

    async def _receive(
        self, stream: Stream, said: bytes = b"", credentials: Credentials | None = None
    ) -> None:
        try:
            if credentials is not None:
                check_peer(credentials)
            with trio.fail_after(HELLO_S):
                line, rest = await _first_line(stream, said)
            hello = read_hello(line)
            self._check(hello)
        except AimuxError as error:
            log.warning("a client was refused: %s", error.message)
            await _say(stream, reply({"error": error.message, "hint": error.hint}))
            return
        except (trio.TooSlowError, trio.BrokenResourceError, OSError):
            return  # it never said who it is
        if not self.is_owner:
            log.warning("%s was removed, leaving", self.address.state_dir)
            self.stopping.set()
            return  # without a word: the shim starts another daemon and says it again
        if hello.ask:
            await _say(stream, reply(await self._answer(hello)))
            return
        await self._serve(stream, hello, rest)

    def _check(self, hello: Hello) -> None:
        if os.path.normcase(hello.state_dir) != os.path.normcase(self.address.state_dir):
            raise PeerFault(
                f"this daemon serves {self.address.state_dir}, not {hello.state_dir}",
                code="other_state_dir",
                hint="give each state directory a runtime directory of its own",
            )
        if is_newer(hello.version, __version__) and hello.version != self.tried:
            log.info("version %s attached, restarting when no job runs", hello.version)
            self._begin_anew_as(hello, hello.version)
        elif hello.python not in {"", self.python} and not self._has_moved and not is_whole():
            log.warning("this installation is gone, going on as %s", hello.python)
            self._begin_anew_as(hello, hello.python)

    @property
    def _has_moved(self) -> bool:
        """We are another's Python already: two broken installations must not take turns."""
        return os.path.isabs(self.tried)  # noqa: PTH117

    def _begin_anew_as(self, hello: Hello, tried: str) -> None:
        self.tried, self.python = tried, hello.python or sys.executable
        self.restarting.set()

    async def _answer(self, hello: Hello) -> Mapping[str, object]:
        if hello.ask == "stop":
            self.is_stop_asked = True
            self.stopping.set()
        elif hello.ask == "restart":  # whoever asks means what it is itself
            self._begin_anew_as(hello, self.tried)
        elif hello.ask == "dashboard":
            try:
                return {"url": await self.page.link()}
            except AimuxError as error:
                return {"error": error.message, "hint": error.hint}
        elif hello.ask != "status":
            return {"error": f"no such question: {hello.ask}"}
        return self.statistics()

    async def _serve(self, stream: Stream, hello: Hello, rest: bytes) -> None:
        client = Client(
            key=f"local-{next(self._numbers)}",
            cwd=hello.cwd,
            env=hello.client_env,
            transport="local",
        )
        self._streams.add(stream)
        try:
            await stream.send_all(reply({"version": __version__, "pid": os.getpid()}))
            await serve_session(LineWire(stream, stream, first=rest), self.app, client)
        except trio.BrokenResourceError:
            log.debug("client %s left before it was served", hello.pid)
        except Exception:  # one client's session must not end those of others
            log.exception("session of process %s failed", hello.pid)
        finally:
            self._streams.discard(stream)

    async def run_warm_up(self) -> None:
        """Open the engine: what a dead predecessor left is ended, and the first call is quick.

        Cancelled, the next call opens it.
        """
        await trio.sleep(WARM_UP_S)
        try:
            await self.app.ready()
        except AimuxError as error:  # each call tries again, and says so to its client
            log.warning("the engine is not open: %s", error.message)

    # ------------------------------------------------------------------ leaving

    async def drain(self) -> None:
        """Let jobs end for as long as the settings say, then end every session's input.

        Cancelled, nobody's input is ended.
        """
        engine = self.app.engine
        if engine is not None:
            with trio.move_on_after(engine.own.settings.server.drain_seconds):
                await engine.supervisor.wait_empty()
        for stream in self._streams:
            stream.end_input()
        for end in self.enders:
            end()

    async def serve_restart(self) -> None:
        """Stop for a restart once one is wanted and may be; see `wait_renewal`.

        Cancelled, no restart is due.
        """
        await self.restarting.wait()
        engine = self.app.engine
        if engine is not None:
            await wait_renewal(engine.supervisor)
        self.is_restart_due = True
        self.stopping.set()

    async def serve_idle_exit(self, limit_s: Callable[[], float]) -> None:
        """Stop when there was no client and no job for that long; 0 is never.

        Cancelled, nothing is stopped.
        """
        while True:
            await self._wait_quiet()
            wait_s = await trio.to_thread.run_sync(limit_s) or float("inf")
            with trio.move_on_after(wait_s) as patience:
                while not self.app.clients():
                    await self.app.wait_moved()
            if self.stays:
                return
            if patience.cancelled_caught:
                log.info("nobody here for %g s, leaving", wait_s)
                self.stopping.set()

    async def _wait_quiet(self) -> None:
        while True:
            if self.app.clients():
                await self.app.wait_moved()
                continue
            engine = self.app.engine
            if engine is not None and engine.supervisor.open_handles():
                await engine.supervisor.wait_empty()  # a client may have come meanwhile
                continue
            return


async def _first_line(stream: Stream, said: bytes) -> tuple[bytes, bytes]:
    data = said
    while b"\n" not in data:
        more = bytes(await stream.receive_some(CHUNK_BYTES))
        if not data and not more:
            raise trio.BrokenResourceError("only a probe whether somebody listens")
        if not more or len(data) > MAX_HELLO_BYTES:
            raise PeerFault("no hello", code="hello_invalid")
        data += more
    line, _, rest = data.partition(b"\n")
    return line, rest


async def _say(stream: Stream, data: bytes) -> None:
    with trio.move_on_after(LAST_WORDS_S):
        try:
            await stream.send_all(data)
        except trio.BrokenResourceError:
            log.debug("nobody waits for the answer")


def _idle_exit_s() -> float:
    from aimux.config import ClientContext, load  # not on the path to the first answer
    from aimux.model import ServerSettings

    try:
        return load(ClientContext(cwd=Path("/"), env=os.environ)).settings.server.idle_exit_seconds
    except AimuxError as error:  # calls say so too
        log.warning("no settings: %s", error.message)
        return ServerSettings().idle_exit_seconds


@asynccontextmanager
async def _engine() -> "AsyncIterator[Engine]":
    run = await trio.to_thread.run_sync(import_part, "aimux.daemon._run")
    async with (
        run.open_orphanage(),
        run.open_own_engine(Path("/"), dict(os.environ)) as engine,
    ):
        yield engine


def _session_starter(
    daemon: Daemon, listening: LocalSocket | bytes
) -> Callable[..., Awaitable[object]]:
    """What takes local clients in, to be started."""
    if isinstance(listening, LocalSocket):
        return partial(serve_local, daemon, listening)
    pipe = importlib.import_module("aimux.transports.pipe")  # of no use where there are sockets
    return partial(
        pipe.serve_pipe,
        daemon.attend,
        daemon.address.socket,
        listening,
        handler_nursery=daemon.nursery,
    )


async def serve_daemon(
    address: DaemonAddress,
    listening: LocalSocket | bytes,
    listeners: Sequence[Listener] = (),
    *,
    lock: int,
    tried: str = "",
    task_status: trio.TaskStatus[Daemon] = trio.TASK_STATUS_IGNORED,
) -> Daemon:
    """Serve clients of `listening`, and of further listeners, until asked to stop.

    `listening` is a socket, or the key of the address's pipe. `lock` is the descriptor of the
    daemon's lock. Cancelling it ends every session and job at once.
    """
    local = listening if isinstance(listening, LocalSocket) else None
    async with trio.open_nursery() as signals, open_app(_engine) as app:
        async with trio.open_nursery() as sessions:
            daemon = Daemon(
                app=app, nursery=sessions, address=address, local=local, lock=lock, tried=tried
            )
            signals.start_soon(serve_signals, daemon.stopping, daemon.restarting)
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    await accepting.start(listener, daemon)
                await accepting.start(_session_starter(daemon, listening))
                accepting.start_soon(daemon.serve_restart)
                accepting.start_soon(daemon.serve_idle_exit, _idle_exit_s)
                accepting.start_soon(daemon.run_warm_up)
                task_status.started(daemon)
                await daemon.stopping.wait()
                accepting.cancel_scope.cancel(reason="stop requested")
            if not daemon.is_restart:
                tell_holder(lock, local.address if local else address, is_leaving=True)
                if local is not None:
                    local.unbind()
            await daemon.drain()
            sessions.cancel_scope.deadline = trio.current_time() + LAST_WORDS_S
        signals.cancel_scope.cancel(reason="stopped")
    return daemon
