"""Where shipped data lives: in the wheel under `aimux/_data`, in a checkout beside the package.

It goes from under a process that runs when its environment is moved, removed or half upgraded.
"""

import importlib
import pathlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Final

from aimux.errors import SetupFault

# what tells ours from a directory of that name that something else has put beside the package
LANDMARKS: Final[Mapping[str, str]] = {
    "profiles": "default.yaml",
    "prompts": "roles",
    "emulators": "install.py",
}
BUILD_FILE: Final = "build.txt"  # written into the package where a release is made
ARCHIVE_MARK: Final = "aimux-archive.json"  # beside the launcher of a self-contained archive
REMEDY: Final = "install aimux-mcp again, then: aimux daemon restart"
_PACKAGE: Final = pathlib.Path(__file__).resolve().parents[1]


class InstallationBroken(SetupFault):
    """A part of this installation of aimux is not there, or no longer."""

    default_code = "installation_broken"


def installation_broken(what: str) -> InstallationBroken:
    """The fault of an installation that lacks `what`, with the remedy."""
    return InstallationBroken(
        f"{what} is not there: the installation of aimux in {_PACKAGE.parent} (for "
        f"{sys.executable}) was moved, removed or not finished",
        hint=REMEDY,
    )


def shipped(kind: str) -> pathlib.Path:
    """The directory of shipped `profiles`, `prompts` or `emulators`.

    Raises:
        InstallationBroken: this installation does not carry it, or no longer.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        found = root / kind
        if (found / LANDMARKS[kind]).exists():
            return found
    raise installation_broken(str(_PACKAGE / "_data" / kind))


def beside() -> pathlib.Path | None:
    """The `config/` beside the executable of this installation, if there is one.

    In an archive that is the directory with its launcher, else the one with our interpreter. Where
    somebody stands when they start it has no part in this.
    """
    python = pathlib.Path(sys.executable)
    root = pathlib.Path(sys.prefix).parent
    found = (root if (root / ARCHIVE_MARK).is_file() else python.parent) / "config"
    return found if python.is_absolute() and found.is_dir() else None


def build() -> str:
    """What this installation was built from, as a release says it: commit and day."""
    try:
        text = (_PACKAGE / BUILD_FILE).read_text(encoding="utf-8")
    except OSError:
        return "not a release"
    return " ".join(text.split())


def is_whole() -> bool:
    """Whether the data that every call needs is there."""
    try:
        shipped("profiles")
        shipped("prompts")
    except InstallationBroken:
        return False
    return True


def import_part(name: str) -> ModuleType:
    """A module that is imported when it is first needed, which may be long after the start.

    Raises:
        InstallationBroken: it, or what it imports, is not there, or no longer.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise installation_broken(f"the module {error.name or name}") from error
