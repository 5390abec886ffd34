"""The streams of one client, copied to a daemon and back. Little of the standard library.

Theory of operation. The daemon is reached by its socket and spoken to over two pipes handed to it
there. One hello line says who attaches and from where; everything else is copied without being
read, by one thread for each direction: a thread that sleeps in `read` is woken sooner than a loop
that waits for many things. Towards the client only whole lines are written, so a daemon that dies
never leaves half a message there. Copies are kept as they came (`copies`), and read into a ledger
(`ledger`) only when there are many of them or when the daemon is gone: then it is known which calls
are open. They are answered with an error, another daemon is attached (`start`), and the client's
handshake is told to it privately.

The main thread copies to the client and mends. `_speaking` is held by whoever may write to the
daemon, by the main thread while there is none; `_noting` by whoever changes the copies or the
ledger. Who needs both takes `_speaking` first, and nobody waits for bytes with `_noting` in hand.

End of input, SIGINT and SIGTERM mean the same: the daemon hears the end of the stream, what it
still has to say is delivered, and the process leaves. Reasons: docs/design/0009, 0015.
"""

import _signal  # type: ignore[import-not-found]  # `signal` costs an import of enum and re
import _thread
import os
import sys
import time

if sys.platform != "win32":
    import _socket

from aimux.shim.address import DaemonAddress, ShimFault, connect, find_address, hello
from aimux.shim.copies import Copies

TYPE_CHECKING = False  # `typing` costs as much as all that is imported here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from aimux.shim.ledger import Ledger

    class Wire(Protocol):
        """Bytes to and from one daemon."""

        def receive(self) -> bytes:
            """What it says next; nothing at the end."""
            ...

        def send(self, data: bytes) -> None:
            """Say all of it. If the daemon is gone, whoever receives hears of it."""
            ...

        def end(self) -> None:
            """Say nothing more."""
            ...

        def close(self) -> None:
            """Leave the daemon; nobody sends."""
            ...


READ_BYTES = 65_536
LAST_WORDS_S = 2.0  # after the end of input, for a daemon that has more to say
HURRY_S = 0.3  # after a signal: hosts kill half a second later
NEWLINE = 10


class Pipes:
    """Two pipes to the daemon, which takes their other ends from the connection they replace.

    A message over pipes costs a quarter less than over the connection itself.
    """

    __slots__ = ("_sock", "reader", "writer")

    def __init__(self, sock: "_socket.socket") -> None:
        """Takes the connection over. Raises ShimFault: no more descriptors."""
        try:
            self.reader, sink = os.pipe()
            source, self.writer = os.pipe()
        except OSError as error:
            raise ShimFault(f"no pipes to the daemon: {error.strerror}") from error
        rights = b"".join([each.to_bytes(4, sys.byteorder) for each in (source, sink)])
        try:
            sock.sendmsg([b"\n"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        except OSError:
            pass  # it is gone: the pipes are at their end
        os.close(source)
        os.close(sink)
        self._sock = sock  # the daemon asks it who we are

    def __repr__(self) -> str:
        return f"<Pipes: reads {self.reader}, writes {self.writer}>"

    def receive(self) -> bytes:
        """What the daemon says next; nothing at the end."""
        return os.read(self.reader, READ_BYTES)

    def send(self, data: bytes) -> None:
        """Say all of it. If the daemon is gone, whoever receives hears of it."""
        try:
            while data:
                data = data[os.write(self.writer, data) :]
        except OSError:
            pass

    def end(self) -> None:
        """Say nothing more."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Leave the daemon."""
        self.end()
        os.close(self.reader)
        self._sock.close()


class Shim:
    """The streams of one client, and what outlives a daemon."""

    __slots__ = (
        "_has_heard",
        "_held",
        "_is_smooth",
        "_ledger",
        "_noting",
        "_reply",
        "_speaking",
        "_wake",
        "_wire",
        "address",
        "copies",
        "env",
        "is_done",
    )

    def __init__(self, address: DaemonAddress, env: dict[str, str], wake: int) -> None:
        """`wake` is readable once a signal has asked to leave."""
        self.address = address
        self.env = env
        self.copies = Copies()
        self.is_done = False  # end of input or a signal
        self._ledger: Ledger | None = None  # made when the copies are read first
        self._wire: Wire | None = None
        self._speaking = _thread.allocate_lock()
        self._noting = _thread.allocate_lock()
        self._held: list[bytes] = []  # the head of a line for the client
        self._is_smooth = False  # what ends with a line is for the client as it comes
        self._has_heard = False  # the daemon has said something since somebody looked
        self._reply = b""  # the daemon's line about our hello, as far as it came
        self._wake = wake

    def attach(self) -> "Wire | None":
        """A way to a daemon, started if need be; None to leave. Raises ShimFault: there is none."""
        sock = connect(self.address)
        if sock is None:
            from aimux.shim.start import start_daemon

            sock = start_daemon(self.address, self.env, self._wake)
        return None if sock is None else Pipes(sock)

    def serve(self) -> int:
        """Serve until the client is done; the exit code. Raises ShimFault: there is no daemon."""
        wire, opening = self.attach(), b""
        self._speaking.acquire()
        _begin_thread(self._run_client)
        while wire is not None and not self.is_done:
            self._wire = wire
            self._reply = b""
            self._is_smooth = False
            self._held.clear()
            _begin_thread(self._tell, hello(self.address, self.env) + opening)
            if self._run_daemon(wire):
                return 0
            self._speaking.acquire()  # who writes to nobody is soon through
            wire.close()
            try:
                with self._noting:
                    opening, said = self._open_ledger().mend(self.copies, has_served=self.has_reply)
                if not _written(said):
                    return 0
                wire = self.attach()
            except ShimFault as fault:
                self._give_up(f"the daemon is gone and no other can be had: {fault}")
                return 1
        return 0

    def _give_up(self, why: str) -> None:
        """Nobody waits for an answer that cannot come."""
        with self._noting:
            told = self._open_ledger().give_up(self.copies)
        _written(told)
        complain(why)

    @property
    def has_reply(self) -> bool:
        """The daemon has said that it serves us."""
        return self._reply.endswith(b"\n")

    def leave(self, patience_s: float) -> None:
        """End what the client says, and the process when the daemon is silent for that long."""
        self.is_done = True
        if self._speaking.acquire(timeout=patience_s / 3):
            if self._wire is not None:
                self._wire.end()
            self._speaking.release()
        self._has_heard = True
        while self._has_heard:
            self._has_heard = False
            time.sleep(patience_s)
        os._exit(0)

    def _tell(self, first: bytes) -> None:
        """Say what this daemon is to hear first, then let the client speak. In a thread: it may
        answer before it has heard all.
        """
        assert self._wire is not None
        self._wire.send(first)
        self._speaking.release()

    def _run_client(self) -> None:
        """Copy to the daemon, until the end."""
        while True:
            data = _read(0)
            if not data:
                break
            with self._speaking:
                assert self._wire is not None
                with self._noting:
                    self.copies.note_sent(data)
                self._wire.send(data)
            self._read_many()
        self.leave(LAST_WORDS_S)

    def _run_daemon(self, wire: "Wire") -> bool:
        """Copy to the client. True: the client is done; False: the daemon is gone."""
        while True:
            data = wire.receive()
            if not data:
                return self.is_done
            self._has_heard = True
            lines = self._whole_lines(data)
            if lines:
                with self._noting:
                    lone = self.copies.find_lone()
                if not _written(lines):
                    return True  # nobody reads any more
                with self._noting:  # the client comes first
                    self.copies.note_got(lines, lone)
                self._read_many()

    def _whole_lines(self, data: bytes) -> bytes:
        """What may be written to the client: the rest of a line is waited for."""
        if self._is_smooth and data[-1] == NEWLINE:
            return data
        if not self.has_reply:
            head, end, data = data.partition(b"\n")
            self._reply += head + end
            if end:
                self._check_reply()
        cut = data.rfind(b"\n") + 1
        if not cut:
            if data:
                self._held.append(data)
                self._is_smooth = False
            return b""
        lines = data[:cut]
        if self._held:
            lines = b"".join([*self._held, lines])
            self._held.clear()
        if cut < len(data):
            self._held.append(data[cut:])
        ledger = self._ledger
        if ledger is not None and ledger.swallowed:
            lines = ledger.swallow(lines)
            self._is_smooth = not self._held and not ledger.swallowed
        else:
            self._is_smooth = not self._held
        return lines

    def _check_reply(self) -> None:
        if not self._reply.startswith(b'{"aimux":') or b'"error":' in self._reply:
            self._give_up(f"the daemon refuses: {self._reply.decode(errors='replace').strip()}")
            sys.exit(1)

    def _read_many(self) -> None:
        if self.copies.is_large and self.has_reply:
            with self._noting:
                self._open_ledger().read(self.copies)

    def _open_ledger(self) -> "Ledger":
        if self._ledger is None:  # most clients never need one
            from aimux.shim.ledger import Ledger

            self._ledger = Ledger()
        return self._ledger


def _read(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:  # made so by whoever has the other end of it too
            _wait((descriptor,), ())
        except OSError:  # closed, or a terminal that hung up
            return b""


def _written(data: bytes) -> bool:
    """Write all of it to the client; False if it is gone."""
    while data:
        try:
            data = data[os.write(1, data) :]
        except BlockingIOError:
            _wait((), (1,))
        except OSError:
            return False
    return True


def _wait(readers: "tuple[int, ...]", writers: "tuple[int, ...]") -> None:
    """Until one of them may be read or written."""
    import select  # a fifth of all that is imported here, and rarely needed

    select.select(readers, writers, ())


def _begin_thread(run: "Callable[..., None]", *arguments: object) -> None:
    """Run it beside the main thread, which alone hears signals."""

    def body() -> None:
        if sys.platform != "win32":
            _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT, _signal.SIGTERM))
        run(*arguments)

    _thread.start_new_thread(body, ())


def complain(text: str) -> None:
    """Write one line to stderr."""
    try:
        os.write(2, f"aimux: {text}\n".encode(errors="replace"))
    except OSError:
        pass  # nobody listens


def serve() -> int | None:
    """Serve stdin and stdout from the daemon; the exit code, or None if there can be no daemon.

    None comes before anything was read or written, and is explained on stderr.
    """
    env = dict(os.environ)
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    _signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    code = serve_with(lambda: Shim(find_address(env), env, wake))
    if code is None:
        _signal.set_wakeup_fd(-1)
        os.close(wake)
        os.close(alarm)
    return code


def serve_with(make: "Callable[[], Shim]") -> int | None:
    """`serve`, with the shim that is made."""
    signals, handlers = (_signal.SIGINT, _signal.SIGTERM), []
    try:
        shim = make()

        def leave(number: int, frame: object) -> None:
            shim.is_done = True
            _begin_thread(shim.leave, HURRY_S)

        handlers += [_signal.signal(each, leave) for each in signals]
        return shim.serve()
    except ShimFault as fault:
        complain(f"serving in this process, without the daemon: {fault}")
    for number, handler in zip(signals, handlers):  # noqa: B905  # none, if there is no address
        _signal.signal(number, handler)
    return None
