"""Where a job works: what the call says, else the client's roots, else where the client started."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from aimux.errors import InvalidArguments, Refusal
from aimux.files.home import NoHomeError, find_home
from aimux.model import Mode, Warned
from aimux.rules import is_too_wide

WAY_OUT: Final = "pass cwd: the directory of the project"


@attrs.frozen(kw_only=True)
class WorkingDirectory:
    """A directory that was looked at. `is_wide`: it is no project, so nobody may write there."""

    path: str
    is_wide: bool = False
    warnings: Sequence[Warned] = ()

    def check(self, mode: Mode) -> None:
        """Nothing, if a turn may work here.

        Raises:
            Refusal: it may write, and the directory is too wide.
        """
        if self.is_wide and mode is not Mode.READ:
            raise Refusal(
                f"mode={mode} in {self.path} could change all that is there: it is the root or "
                "the home directory itself, not a project",
                code="cwd_too_wide",
                hint=f"{WAY_OUT}, or use mode=read",
                retryable=False,
            )


def find_directory(
    named: str, roots: Sequence[str], start: Path, env: Mapping[str, str]
) -> WorkingDirectory:
    """The working directory of a call that says `named`. Touches the file system.

    Raises:
        InvalidArguments: there is none, or it cannot be used.
    """
    warnings: list[Warned] = []
    path = named
    if not path and roots:
        path = next((each for each in roots if not _problem(Path(each))), "")
        if not path:
            said = f"none of the client's {len(roots)} roots is a directory here that can be read"
            warnings.append(Warned(code="roots_unusable", message=f"{said}; working in {start}"))
        elif len(roots) > 1:
            said = f"working in {path}, the first usable one of the client's {len(roots)} roots"
            warnings.append(
                Warned(code="cwd_from_roots", message=f"{said}; pass cwd for another one")
            )
    path = path or str(start)
    problem = _problem(Path(path))
    if problem:
        error = InvalidArguments(
            f"cwd {path!r}: expected {problem}",
            problems=[{"path": "cwd", "value": path, "expected": problem}],
        )
        error.code = "cwd_invalid"
        raise error
    home = _home(env)
    is_wide = is_too_wide(os.path.realpath(path), os.path.realpath(home) if home else "")
    if is_wide:
        said = f"working in {path}, which is the root or the home directory itself, not a project"
        warnings.append(Warned(code="cwd_too_wide", message=f"{said}; {WAY_OUT}"))
    return WorkingDirectory(path=path, is_wide=is_wide, warnings=warnings)


def find_project(path: str) -> str:
    """The project that a directory belongs to: the nearest one above with a `.git`, or itself.

    Links are followed, so that a project has one name. Touches the file system.
    """
    real = Path(os.path.realpath(path))
    for each in (real, *real.parents):
        if (each / ".git").exists():
            return str(each)
    return str(real)


def _home(env: Mapping[str, str]) -> str:
    """The home directory of whoever asks; nothing if they have none."""
    try:
        return find_home(env)
    except NoHomeError:
        return ""


def _problem(cwd: Path) -> str:
    """What a working directory would have to be and is not; nothing, if it can be used."""
    if any(ord(char) < 32 for char in str(cwd)):
        return "an existing directory without control characters in its name"
    if not cwd.is_absolute():
        return "an absolute path"
    try:
        mode = cwd.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "an existing directory (there is nothing of that name)"
    except (OSError, ValueError) as error:  # too long a name, a closed directory, not a name at all
        return f"an existing directory ({getattr(error, 'strerror', None) or error})"
    if not stat.S_ISDIR(mode):
        return "a directory (this is a file)"
    if not os.access(cwd, os.R_OK | os.X_OK):
        return "a directory that can be read"
    return ""
