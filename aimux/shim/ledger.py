"""What the shim needs to know to go on with another daemon when one is gone.

Copies of the traffic are read into a ledger: which calls are open, and which lines make up the
state of the session (handshake, log level, subscriptions). From these another daemon is told
privately what the old one knew; the answers to that are swallowed, for the client has had them
already.

What is short and flat is parsed, anything else looked over (`aimux.skim`): no line is too deep or
too broken. One without an end is kept up to `LINE_BYTES`, and of a longer one what it says at its
top and a stub.
"""

import json
import time

from aimux.shim.address import ShimFault
from aimux.shim.copies import Copies, answered
from aimux.skim import ENVELOPE, Skimmer, skim

MAX_LOSSES = 5  # daemons that may be lost
LOSSES_WITHIN_S = 30.0
LINE_BYTES = 16 * 1024 * 1024  # of a line of the client: a daemon refuses a longer one
FLAT_BRACKETS = 100  # in a line that is parsed: a parser recurses
SETUP_BYTES = 1024 * 1024  # of a line that is told to the next daemon

# requests that leave something behind in the session; by URI where there may be several
STATEFUL = ("initialize", "logging/setLevel", "resources/subscribe")
LOST = (
    "the aimux daemon stopped while this call was open, and work that nobody else waits for "
    "stopped with it; calls from now on go to another daemon"
)
HINT = (
    "asynchronous jobs keep their id and what they had said: status(job_id=...), or "
    "sessions(action=list) to find them; send this call again to start it anew"
)
GONE = "the aimux daemon is gone and no other can be had, so this call is not served"
GONE_HINT = "restart this server (in most hosts: reconnect it); `aimux doctor` says what is wrong"
CODE = -32603
NOTICE = b'{"jsonrpc":"2.0","method":'  # how our daemon's notifications begin

WANTED = ENVELOPE | {"params.uri", "params.requestId"}

Json = dict[str, object]


class Ledger:
    """What a client and its daemon have said, as far as it matters later."""

    # code, message and hint of what open calls are answered with
    LOST = ("daemon_gone", LOST, HINT)
    GONE = ("no_daemon", GONE, GONE_HINT)

    def __init__(self) -> None:
        self.open: dict[str, int] = {}  # id as JSON -> requests without an answer
        self.setup: dict[str, tuple[str, bytes]] = {}  # what -> id, line
        self.initialized = b""
        self.opening = b""  # what the daemon was told privately, before the copies
        self.swallowed: set[str] = set()  # ids whose answers the client has had already
        self._held: list[bytes] = []  # the head of a line of the client
        self._held_bytes = 0
        self._long: Skimmer | None = None  # goes over that line where it is too long to be kept
        self._losses: list[float] = []

    @property
    def rest(self) -> bytes:
        """The head of a line of the client, or what stands for it: a rest of it may follow."""
        return b"".join(self._held) if self._long is None else self._long.stub()

    def read(self, copies: Copies) -> None:
        """Read what was said since the last time; the copies are dropped."""
        sent, got = copies.take()
        self.read_sent(sent)  # first: an answer never comes before its request
        self.read_got(got)
        copies.has_open = bool(self.open or self._held or self._long)

    def read_sent(self, data: bytes) -> None:
        """What the client has said."""
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            if self._held_bytes:
                self._hold(data[begin:end])
                self._end_line()
            else:  # most lines come whole
                line = data[begin:end]
                for message in _messages(line):
                    self._note(message, line)
            begin = end + 1
        if begin < len(data):
            self._hold(data[begin:])

    def _hold(self, piece: bytes) -> None:
        self._held_bytes += len(piece)
        if self._long is None:
            self._held.append(piece)
            if self._held_bytes <= LINE_BYTES:
                return
            self._long = Skimmer(WANTED)
            piece = b"".join(self._held)
            self._held.clear()
        self._long.feed(piece)

    def _end_line(self) -> None:
        """The line that is held is whole."""
        line = b"".join(self._held)
        for message in _messages(line) if self._long is None else _found(self._long):
            self._note(message, line)
        self._held.clear()
        self._held_bytes = 0
        self._long = None

    def _note(self, message: Json, line: bytes) -> None:
        method, params = message.get("method"), message.get("params")
        if not isinstance(params, dict):
            params = {}
        if "id" not in message:
            if method == "notifications/initialized":
                self.initialized = line + b"\n" if line else b""
            elif method == "notifications/cancelled":
                self.open.pop(_key(params.get("requestId")), None)
        elif isinstance(method, str):
            key = _key(message["id"])
            self.open[key] = self.open.get(key, 0) + 1
            if method in STATEFUL and 0 < len(line) <= SETUP_BYTES:
                self.setup[f"{method} {params.get('uri', '')}"] = (key, line + b"\n")
            elif method == "resources/unsubscribe":
                self.setup.pop(f"resources/subscribe {params.get('uri', '')}", None)

    def read_got(self, data: bytes) -> None:
        """What the daemon has said: whole lines."""
        begin = 0
        while begin < len(data):
            end = data.find(b"\n", begin) + 1
            number = answered(data, begin)
            if number:
                self._close(number.decode())
            elif not data.startswith(NOTICE, begin):
                for message in _messages(data[begin:end]):
                    if "method" not in message and "id" in message:
                        self._close(_key(message["id"]))
            begin = end

    def _close(self, key: str) -> None:
        if self.open.get(key, 0) > 1:
            self.open[key] -= 1
        else:
            self.open.pop(key, None)

    def mend(self, copies: Copies, *, has_served: bool) -> tuple[bytes, bytes]:
        """What the next daemon is to hear first, and what the client is to hear now.

        `has_served` says that the daemon that is gone had begun to read.

        Raises:
            ShimFault: daemons die as fast as they are started.
        """
        unheard = b"".join(copies.sent)
        self.read(copies)
        now = time.monotonic()
        self._losses = [*(each for each in self._losses if now - each < LOSSES_WITHIN_S), now]
        if len(self._losses) > MAX_LOSSES:
            said = f"{MAX_LOSSES} daemons were lost within {LOSSES_WITHIN_S:g} s; see the log"
            raise ShimFault(said)
        if not has_served:  # nobody has read it
            self.opening += unheard
            return self.opening, b""
        setup = list(self.setup.values())
        self.swallowed = {key for key, _ in setup if key not in self.open}
        replayed = {key for key, _ in setup}
        lost = [key for key in self.open if key not in replayed]
        told = b"".join([_error(key, self.LOST, retryable=True) for key in lost])
        self.open = {key: 1 for key in self.open if key in replayed}
        if self.initialized:
            told += b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n'
        first, others = setup[:1], setup[1:]
        self.opening = b"".join([line for _, line in first])
        self.opening += self.initialized + b"".join([line for _, line in others]) + self.rest
        return self.opening, told

    def give_up(self, copies: Copies) -> bytes:
        """What the client is to hear when no daemon can be had: the end of every open call."""
        self.read(copies)
        if self._long is not None:  # whoever asks in it may be known without its end
            self._end_line()
        open_ones, self.open = self.open, {}
        return b"".join([_error(key, self.GONE, retryable=False) for key in open_ones])

    def swallow(self, lines: bytes) -> bytes:
        """The lines without the answers that the client has had from an earlier daemon."""
        kept = []
        for line in lines.splitlines(keepends=True):
            answers = [each for each in _messages(line) if "method" not in each]
            key = _key(answers[0].get("id")) if answers else ""
            if key in self.swallowed:
                self.swallowed.discard(key)
            else:
                kept.append(line)
        return b"".join(kept)


def _key(call_id: object) -> str:
    """The id as JSON."""
    if isinstance(call_id, int) and not -(2**63) <= call_id < 2**64:
        try:
            call_id = float(call_id)  # as the daemon reads it
        except OverflowError:
            call_id = None
    return str(call_id) if type(call_id) is int else json.dumps(call_id)


_decode = json.JSONDecoder().raw_decode  # `loads` without what it does around it


def _messages(line: bytes) -> list[Json]:
    """The messages of a line, or what is known of those that no parser reads."""
    if line.count(b"[") + line.count(b"{") <= FLAT_BRACKETS:
        try:
            text = line.decode().strip()
            found, end = _decode(text)
        except ValueError:  # broken, or a number too long
            text, end = "", -1
        if end == len(text):
            if type(found) is dict:
                return [found]
            return [each for each in found if type(each) is dict] if type(found) is list else []
    return _found(skim(line, WANTED))


def _found(skimmer: Skimmer) -> list[Json]:
    """What was found, as a parser would give it."""
    messages: list[Json] = []
    for found in skimmer.messages:
        params: Json = {}
        message: Json = {"params": params}
        for name, token in found.items():
            whole, _, part = name.partition(".")
            try:
                value = None if token in (b"{", b"[") else json.loads(token)
            except ValueError:
                value = None
            if part:
                params[part] = value
            else:
                message[whole] = value
        messages.append(message)
    return messages


def _error(key: str, words: tuple[str, str, str], *, retryable: bool) -> bytes:
    code, message, hint = words
    data = {"code": code, "retryable": retryable, "hint": hint}
    error = json.dumps({"code": CODE, "message": f"{message}; {hint}", "data": data})
    return f'{{"jsonrpc":"2.0","id":{key},"error":{error}}}\n'.encode()
