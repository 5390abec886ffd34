"""What goes badly around the daemon, by the name that the table has for it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from . import _clock, _disk, _load
from ._scene import Results

PLAYS: Final[Mapping[str, Callable[[int], Awaitable[Results]]]] = {
    "state disk full": _disk.state_full,
    "temporary directory full": _disk.temporary_full,
    "read-only state at the start": _disk.read_only_start,
    "read-only state under the daemon": _disk.read_only_below,
    "removed state": _disk.removed,
    "clock set": _clock.clock_set,
    "no descriptors": _load.no_descriptors,
    "floods": _load.floods,
}
