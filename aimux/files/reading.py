"""Reading what somebody else named: it may be a pipe, a device, endless, or a link to elsewhere."""

import os
import pathlib
import stat
from typing import Final

_NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)  # for a pipe that took a file's place
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


NOTHING: Final = "no such file"


class TooLarge(ValueError):
    """A file has more bytes than are read."""


def is_within(path: pathlib.Path, directory: pathlib.Path) -> bool:
    """Whether a path leads to a place in `directory`, links on both ways followed."""
    try:
        return path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links, a name that cannot be
        return False


def lacking(path: pathlib.Path) -> str:
    """Why there is no regular file at `path`, for messages."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return "a directory, not a file" if stat.S_ISDIR(mode) else "a pipe or device, not a file"


def unlistable(directory: pathlib.Path) -> str:
    """Why a directory cannot be looked into, for messages; empty if it can, or is not there."""
    try:
        with os.scandir(directory):
            return ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def read_regular(path: pathlib.Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; nothing else is waited for.

    Raises:
        TooLarge: it has more; what a file system says of its size does not count.
        OSError: it is no regular file, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise TooLarge(f"{path}: more than {limit} bytes")
    return data
