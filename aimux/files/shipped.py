"""Where shipped data lives: in the wheel under `aimux/_data`, in a checkout beside the package."""

import pathlib
from typing import Final

_PACKAGE: Final = pathlib.Path(__file__).resolve().parents[1]


def shipped(kind: str) -> pathlib.Path:
    """The directory of shipped `profiles`, `prompts` or `emulators`.

    Raises:
        LookupError: this installation does not carry it.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        found = root / kind
        if found.is_dir():
            return found
    raise LookupError(f"{kind}: not part of this installation of aimux, reinstall it")
