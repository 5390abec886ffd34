"""What every dialect offers: bytes in, typed events out, and a reading at the end.

A dialect is fed from the child's birth and never waits, opens a file or looks at a clock. Bytes may
be cut anywhere: the events of a whole output do not depend on where the chunks ended. A line no
dialect understands becomes `Noise`, never an answer.
"""

from typing import Protocol

import attrs

from aimux.model import Ended, Said, Stream, Usage


@attrs.frozen(kw_only=True)
class Reading:
    """What one turn's output amounts to so far.

    `ended` is the CLI's own closing record, or what `finish` made of a CLI that has none; None after
    `finish` means that the output stopped without one (cut, killed). `error_text` collects whatever
    explains a failure, newest last, whether or not the turn failed.
    """

    answer: str = ""
    native_id: str = ""
    usage: Usage | None = None
    ended: Ended | None = None
    error_text: str = ""
    error_code: str = ""  # the CLI's own code or HTTP status, as text
    denials: int = 0  # tool calls its mode refused
    steps: int = 0  # tool calls begun
    model: str = ""  # the model that answered, where the CLI says so


class Dialect(Protocol):
    """Reads one turn of one CLI."""

    def feed(self, stream: Stream, data: bytes) -> list[Said]:
        """The events that `data` completes."""
        ...

    def finish(self, exit_code: int | None) -> list[Said]:
        """The child is gone: the events of what was still held back. None means a signal ended it."""
        ...

    @property
    def reading(self) -> Reading:
        """What the turn amounts to so far; final after `finish`."""
        ...
