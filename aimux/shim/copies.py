"""Copies of what a client and its daemon said, kept as they came until the ledger reads them.

Most calls of most clients come alone, and reading copies costs more than copying: a call that comes
and is answered while nothing else is open is known by how its answer begins, and leaves no copies.
"""

KEPT_BYTES = 32_768  # of copies, before they are read and dropped: a third of a millisecond
ANSWER = b'{"jsonrpc":"2.0","id":'  # how our daemon's answers and requests begin


class Copies:
    """What was said since the copies were last read. Whoever shares it has a lock."""

    __slots__ = ("_size", "got", "has_open", "sent")

    def __init__(self) -> None:
        self.sent: list[bytes] = []  # to the daemon
        self.got: list[bytes] = []  # and to the client: whole lines
        self.has_open = False  # the ledger knows of a call, or of the head of a line, in between
        self._size = 0

    def __repr__(self) -> str:
        return f"<Copies: {len(self.sent)} sent, {len(self.got)} got, {self._size} bytes>"

    @property
    def is_large(self) -> bool:
        """They are to be read, so that they do not grow."""
        return self._size > KEPT_BYTES

    def note_sent(self, data: bytes) -> None:
        """Keep a copy of what goes to the daemon."""
        self.sent.append(data)
        self._size += len(data)

    def find_lone(self) -> bytes:
        """The copy of the only open call, if there is only one.

        It is taken before an answer to it is written: the client may have sent the next call by the
        time that answer is noted.
        """
        return self.sent[0] if len(self.sent) == 1 and not self.has_open else b""

    def note_got(self, lines: bytes, lone: bytes) -> None:
        """Keep a copy of what the client has got, unless it settles the `lone` call."""
        if lone and self.sent and self.sent[0] is lone and settles(lone, lines):
            del self.sent[0]
            self.got.clear()
            self._size = sum(map(len, self.sent))
        else:
            self.got.append(lines)
            self._size += len(lines)

    def take(self) -> tuple[bytes, bytes]:
        """All that was sent and got; nothing is kept any more."""
        taken = b"".join(self.sent), b"".join(self.got)
        self.sent.clear()
        self.got.clear()
        self._size = 0
        return taken


def settles(asked: bytes, lines: bytes) -> bool:
    """Whether a call that came alone is answered by this, and nothing of both matters later."""
    number = answered(lines)
    if not number or number not in asked or is_telling(asked):
        return False
    return asked.find(b"\n") == len(asked) - 1 and lines.find(b"\n") == len(lines) - 1


def answered(data: bytes, begin: int = 0) -> bytes:
    """The id of the call that a line answers, if it is a number and the line our daemon's.

    The line begins at `begin`.
    """
    if not data.startswith(ANSWER, begin):
        return b""
    begin += len(ANSWER)
    end = data.find(b",", begin)
    number = data[begin:end]
    return number if number.isdigit() and data.startswith((b',"result"', b',"error"'), end) else b""


def is_telling(line: bytes) -> bool:
    """Whether it has to be read later: it may change the session, or be spelt to hide that."""
    return (
        b"\\" in line
        or b'"resources/' in line
        or b'"notifications/' in line
        or b'"initialize"' in line
        or b'"logging/setLevel"' in line
    )
