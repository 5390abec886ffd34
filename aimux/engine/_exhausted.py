"""A machine that has no room left: told as that, not as a fault of what was tried."""

import errno
import re
from typing import Final

from aimux.errors import Refusal

CODE: Final = "machine_exhausted"
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_PROCESS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
# what a program of ours prints then, in its C library's words
_SAID: Final = re.compile(
    r"(?P<disk>No space left on device|Disk quota exceeded)"
    r"|Too many open files|Cannot allocate memory|Resource temporarily unavailable"
)


def when_exhausted(doing: str, fault: Exception) -> Refusal | None:
    """The refusal of what was tried because the machine has no room for it; None otherwise.

    `doing` says what could not be done. A fault counts by its own errno, by that of its cause, or
    by what a program has said in it.
    """
    numbers = {each.errno for each in (fault, fault.__cause__) if isinstance(each, OSError)}
    said = _SAID.search(str(fault))
    if numbers & _DISK or (said is not None and said["disk"]):
        hint = "free space on the disk of the state directory (aimux gc), then try again"
    elif numbers & _PROCESS or said is not None:
        hint = "try again; lower server.max_concurrent_turns, or raise the limit (ulimit -a)"
    else:
        return None
    return Refusal(f"{doing}: {getattr(fault, 'strerror', None) or fault}", code=CODE, hint=hint)
