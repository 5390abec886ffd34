"""How wide a directory may be that somebody works in."""

from pathlib import PurePath


def is_too_wide(directory: str, home: str) -> bool:
    """Whether a directory is no project but all there is: the root, or a person's home itself.

    Both are absolute and without links.
    """
    here = PurePath(directory)
    return here.parent == here or (bool(home) and here == PurePath(home))
