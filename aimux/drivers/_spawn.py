"""What goes wrong before a child exists, in words that name the value and the way out."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aimux.errors import AimuxError, BinaryMissing, PeerFault, Refusal

from ._base import ProcessSpec

_FILENAME_EXCED_RANGE: Final = 206  # winerror.h


def spawn_fault(spec: ProcessSpec, error: OSError | ValueError) -> AimuxError:
    """Return the fault that `error` means for the one who gave this spec."""
    binary = spec.argv[0]
    # not Path's: they raise where a name is too long, or lies where we may not look
    if not os.path.isdir(spec.cwd):  # noqa: PTH112
        what = "is not a directory" if os.path.exists(spec.cwd) else "does not exist"  # noqa: PTH110
        return PeerFault(f"cwd {spec.cwd!r} {what}", code="bad_cwd", data={"cwd": spec.cwd})
    if isinstance(error, ValueError):
        return PeerFault(f"{binary}: an argument cannot be passed on: {error}", code="bad_argument")
    # Windows says of a command line that is too long that a file was not found
    is_too_long = getattr(error, "winerror", None) == _FILENAME_EXCED_RANGE
    match errno.E2BIG if is_too_long else error.errno:
        case errno.E2BIG:
            size = sum(len(os.fsencode(word)) + 1 for word in spec.argv)
            return PeerFault(
                f"{binary}: the argument list is too long ({size} bytes)",
                code="argument_list_too_long",
                hint="shorten the prompt, or use a CLI that reads it from stdin",
                data={"size_bytes": size},
            )
        case errno.EMFILE | errno.ENFILE | errno.EAGAIN | errno.ENOMEM:
            return Refusal(
                f"{binary}: this machine has no room for another process now: {error.strerror}",
                code="machine_exhausted",
                hint="try again; lower server.max_concurrent_turns, or raise the limit (ulimit -a)",
                data={"path": binary},
            )
        case errno.ENOENT | errno.ENAMETOOLONG if not os.path.isfile(binary):  # noqa: PTH113
            return binary_missing(binary, spec.places)
        case errno.ENOENT:
            reason = "its interpreter (first line) does not exist"
        case errno.EACCES if os.access(spec.cwd, os.X_OK):
            reason = "is a directory" if os.path.isdir(binary) else "is not executable"  # noqa: PTH112
        case errno.EACCES:
            return PeerFault(f"cwd {spec.cwd!r} cannot be entered", code="bad_cwd")
        case errno.ENOEXEC:
            reason = "is not a program for this machine, or a script without a first line"
        case _:
            reason = f"cannot be started: {error.strerror or error}"
    return BinaryMissing(f"{binary}: {reason}", code="cli_not_executable", data={"path": binary})


def binary_missing(binary: str, places: Sequence[str]) -> BinaryMissing:
    """Return the fault for a binary that is nowhere."""
    where = f"; searched {', '.join(places)}" if places else ""
    return BinaryMissing(
        f"{binary}: not found{where}",
        hint=f"install {Path(binary).name} (aimux clis says how) or put it on PATH",
        data={"binary": binary, "places": list(places)},
    )
