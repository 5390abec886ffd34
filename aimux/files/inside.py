"""New files below a directory of somebody else's: nothing is replaced, no link leads out.

A project may hold a link where a directory is expected. Each directory on the way is opened from
the one above it without following links; where the system cannot do that, links are looked for
before and the result is compared after.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

HAS_DIR_FD: Final = {os.open, os.mkdir} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
MAX_SAME: Final = 100  # names tried for one file


class NotInside(OSError):
    """A name on the way is a link or no directory: nothing was written."""


def write_new(root: Path, parts: Sequence[str], name: str, ending: str, data: bytes) -> Path:
    """Write a new file into `root/parts/…`, making what is missing, and return its path.

    Where the name is taken, a number is added to it.

    Raises:
        NotInside: the way there leads through a link, or through something that is no directory.
        OSError: it cannot be written.
    """
    for each in (*parts, name):
        if not each or each in {".", ".."} or {"/", "\\", "\0"} & set(each):
            raise NotInside(0, "not a name", each)
    if HAS_DIR_FD:
        return _by_descriptors(root, parts, name, ending, data)
    return _by_names(root, parts, name, ending, data)


def _names(name: str, ending: str) -> Iterator[str]:
    yield f"{name}{ending}"
    for number in range(2, MAX_SAME):
        yield f"{name}-{number}{ending}"


def _by_descriptors(root: Path, parts: Sequence[str], name: str, ending: str, data: bytes) -> Path:
    closed = os.O_CLOEXEC | os.O_NOFOLLOW
    with contextlib.ExitStack() as opened:
        above = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, above)
        for part in parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o777, dir_fd=above)
            try:
                above = os.open(part, os.O_RDONLY | os.O_DIRECTORY | closed, dir_fd=above)
            except OSError as error:
                raise NotInside(error.errno, "a link, or no directory", part) from error
            opened.callback(os.close, above)
        for each in _names(name, ending):
            try:
                file = os.open(
                    each, os.O_WRONLY | os.O_CREAT | os.O_EXCL | closed, 0o666, dir_fd=above
                )
            except FileExistsError:
                continue
            try:
                with os.fdopen(file, "wb") as stream:
                    stream.write(data)
            except OSError:  # half a report is worse than none
                os.unlink(each, dir_fd=above)
                raise
            return root.joinpath(*parts, each)
    raise FileExistsError(0, f"{MAX_SAME} files of that name", name)


def _by_names(root: Path, parts: Sequence[str], name: str, ending: str, data: bytes) -> Path:
    here = root
    for part in parts:
        here /= part
        with contextlib.suppress(FileExistsError):
            here.mkdir()
        found = here.lstat()
        is_junction = getattr(found, "st_reparse_tag", 0)
        if not stat.S_ISDIR(found.st_mode) or is_junction:
            raise NotInside(0, "a link, or no directory", part)
    if not here.resolve().is_relative_to(root.resolve()):
        raise NotInside(0, "leads out of the directory", str(here))
    for each in _names(name, ending):
        with contextlib.suppress(FileExistsError), (here / each).open("xb") as stream:
            stream.write(data)
            return here / each
    raise FileExistsError(0, f"{MAX_SAME} files of that name", name)
