"""Server-sent events as a client reads them."""

from typing import NamedTuple


class ServerSent(NamedTuple):
    """One event as a client sees it."""

    data: str
    event: str = "message"
    event_id: str | None = None
    retry_ms: int | None = None


class EventReader:
    """Reads a stream of events; where the reads were cut makes no difference."""

    __slots__ = ("_data", "_event", "_held", "_id", "_is_after_cr", "_retry_ms")

    def __init__(self) -> None:
        self._held = b""
        self._is_after_cr = False
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None
        self._retry_ms: int | None = None

    def feed(self, data: bytes) -> list[ServerSent]:
        """Return the events that ``data`` completes. Event ids stay until they are replaced."""
        if self._is_after_cr and data:
            self._is_after_cr = False
            data = data.removeprefix(b"\n")
        if data.endswith(b"\r"):
            self._is_after_cr = True
        text = self._held + data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._held = text.split(b"\n")
        return [event for line in lines if (event := self._take(line.decode())) is not None]

    def _take(self, line: str) -> ServerSent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self._retry_ms = int(value)
            case _:  # a comment, or a field nobody knows
                pass
        return None

    def _dispatch(self) -> ServerSent | None:
        data, event, retry_ms = self._data, self._event, self._retry_ms
        self._data, self._event, self._retry_ms = [], "", None
        if not data:
            return None
        return ServerSent("\n".join(data), event or "message", self._id, retry_ms)
