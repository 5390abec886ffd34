"""What the shim needs to know to go on with another daemon when one is gone.

Copies of the traffic are read into a ledger: which calls are open, and which lines make up the
state of the session (handshake, log level, subscriptions). From these another daemon is told
privately what the old one knew; the answers to that are swallowed, for the client has had them
already.
"""

import json
import time

from aimux.shim.address import ShimFault
from aimux.shim.copies import Copies, answered

MAX_LOSSES = 5  # daemons that may be lost
LOSSES_WITHIN_S = 30.0

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
CODE = -32603
NOTICE = b'{"jsonrpc":"2.0","method":'  # how our daemon's notifications begin

Json = dict[str, object]


class Ledger:
    """What a client and its daemon have said, as far as it matters later."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}  # id as JSON -> requests without an answer
        self.setup: dict[str, tuple[str, bytes]] = {}  # what -> id, line
        self.initialized = b""
        self.rest = b""  # the head of a line of the client
        self.opening = b""  # what the daemon was told privately, before the copies
        self.swallowed: set[str] = set()  # ids whose answers the client has had already
        self._losses: list[float] = []

    def read(self, copies: Copies) -> None:
        """Read what was said since the last time; the copies are dropped."""
        sent, got = copies.take()
        self.read_sent(sent)  # first: an answer never comes before its request
        self.read_got(got)
        copies.has_open = bool(self.open or self.rest)

    def read_sent(self, data: bytes) -> None:
        """What the client has said."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            for message in _messages(line):
                self._note(message, line)

    def _note(self, message: Json, line: bytes) -> None:
        method, params = message.get("method"), message.get("params")
        if not isinstance(params, dict):
            params = {}
        if "id" not in message:
            if method == "notifications/initialized":
                self.initialized = line + b"\n"
            elif method == "notifications/cancelled":
                self.open.pop(_key(params.get("requestId")), None)
        elif isinstance(method, str):
            key = _key(message["id"])
            self.open[key] = self.open.get(key, 0) + 1
            if method in STATEFUL:
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
        told = b"".join([_lost(key) for key in self.open if key not in replayed])
        self.open = {key: 1 for key in self.open if key in replayed}
        if self.initialized:
            told += b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n'
        first, others = setup[:1], setup[1:]
        self.opening = b"".join([line for _, line in first])
        self.opening += self.initialized + b"".join([line for _, line in others]) + self.rest
        return self.opening, told

    def swallow(self, lines: bytes) -> bytes:
        """The lines without the answers that the client has had from an earlier daemon."""
        kept = []
        for line in lines.splitlines(keepends=True):
            answers = [each for each in _messages(line) if "method" not in each]
            key = json.dumps(answers[0].get("id")) if answers else ""
            if key in self.swallowed:
                self.swallowed.discard(key)
            else:
                kept.append(line)
        return b"".join(kept)


def _key(call_id: object) -> str:
    """The id as JSON."""
    return str(call_id) if type(call_id) is int else json.dumps(call_id)


_decode = json.JSONDecoder().raw_decode  # `loads` without what it does around it


def _messages(line: bytes) -> list[Json]:
    try:
        text = line.decode().strip()
        found, end = _decode(text)
    except ValueError:  # blank, or nothing the daemon would have read either
        return []
    if end < len(text):
        return []
    if type(found) is dict:
        return [found]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _lost(key: str) -> bytes:
    data = {"code": "daemon_gone", "retryable": True, "hint": HINT}
    error = json.dumps({"code": CODE, "message": f"{LOST}; {HINT}", "data": data})
    return f'{{"jsonrpc":"2.0","id":{key},"error":{error}}}\n'.encode()
