"""What tests of drivers and of the engine share."""

from collections.abc import Callable

from aimux.drivers import ProcessSpec
from aimux.model import Stream
from aimux.waiting import Broadcast

MakeSpec = Callable[..., ProcessSpec]


class Output:
    """An `on_output` that keeps what a child printed."""

    def __init__(self) -> None:
        self.parts: list[tuple[Stream, bytes]] = []
        self._arrived = Broadcast()

    def __call__(self, stream: Stream, data: bytes) -> None:
        """Take one chunk."""
        self.parts.append((stream, data))
        self._arrived.notify()

    def text(self, stream: Stream = Stream.STDOUT) -> bytes:
        """Return everything that came on a stream."""
        return b"".join(data for name, data in self.parts if name is stream)

    async def wait_for(self, text: bytes, stream: Stream = Stream.STDOUT) -> None:
        """Return once `text` has come.

        Cancelling it only ends the waiting.
        """
        while text not in self.text(stream):
            await self._arrived.wait()
