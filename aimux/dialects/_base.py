"""What every dialect offers: bytes in, typed events out, and the turn's output at the end.

A dialect is fed from the child's birth and never waits, opens a file or looks at a clock. Bytes may
be cut anywhere: the events of a whole output do not depend on where the chunks ended. A line no
dialect understands becomes `Noise`, never an answer.
"""

from typing import Protocol

from aimux.model import Said, Stream, TurnOutput as TurnOutput


class Dialect(Protocol):
    """Reads one turn of one CLI."""

    def feed(self, stream: Stream, data: bytes) -> list[Said]:
        """The events that `data` completes."""
        ...

    def finish(self, exit_code: int | None) -> list[Said]:
        """The events of what was still held back when the child is gone.

        An exit code of None means that a signal ended it.
        """
        ...

    @property
    def steps(self) -> int:
        """How many tools it has used so far; costs nothing, unlike `output`."""
        ...

    @property
    def output(self) -> TurnOutput:
        """What the turn amounts to so far, built anew; final after `finish`."""
        ...
