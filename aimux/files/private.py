"""Directories of ours: for this user alone, whatever the umask."""

import os

TYPE_CHECKING = False  # `typing` is not needed on the way to the first answer
if TYPE_CHECKING:
    from pathlib import Path


def make_private(directory: "str | Path") -> None:
    """Make `directory` and what is missing above it for this user alone.

    What exists is left as it is.

    Raises:
        OSError: it cannot be made, or something that is no directory has its name.
    """
    missing = []
    path = os.path.abspath(directory)  # noqa: PTH100  # links stay; no pathlib here
    while not os.path.isdir(path):  # noqa: PTH112
        missing.append(path)
        path = os.path.dirname(path)  # noqa: PTH120
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700)  # noqa: PTH102
        except FileExistsError:  # another process was quicker, or it is a file
            if not os.path.isdir(each):  # noqa: PTH112
                raise
        else:
            os.chmod(each, 0o700)  # noqa: PTH101  # a umask may take the owner's rights too
