"""A client's file on disk: read in its encoding, written whole, kept beside it, put back."""

import codecs
import os
import shutil
import stat
from pathlib import Path
from typing import Final

import attrs

from aimux.errors import SetupFault

MAX_BACKUPS: Final = 1000  # a directory with more has another problem
UNREADABLE: Final = "client_config_unreadable"
# the longer first: one begins like the other
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"", "utf-8"),
)


@attrs.frozen
class FileText:
    """What a file says, and how: the mark that it begins with and its encoding.

    `data` is None if there is no file.
    """

    text: str
    mark: bytes = b""
    encoding: str = "utf-8"
    data: bytes | None = None

    def encoded(self, text: str) -> bytes:
        """Another text as this file would hold it.

        Raises:
            SetupFault: our own path cannot be written so.
        """
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise SetupFault(
                "the path of aimux is not UTF-8, so a client's file cannot name it",
                hint="install it elsewhere",
            ) from error


def read(path: Path) -> FileText:
    """What a file says; an empty text if there is none.

    Raises:
        SetupFault: it cannot be read.
    """
    data = _read_bytes(path)
    if data is None:
        return FileText("")
    try:
        for mark, encoding in MARKS:
            if data.startswith(mark):
                return FileText(data[len(mark) :].decode(encoding), mark, encoding, data)
    except ValueError as error:
        raise SetupFault(
            f"{path} is in an encoding that is not known: {error}",
            code=UNREADABLE,
            hint="save it as UTF-8, or add the block of `aimux setup` by hand",
        ) from error
    raise AssertionError("every file begins with nothing")


def _read_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupFault(f"{path} cannot be read: {error.strerror}", code=UNREADABLE) from error


def write(path: Path, before: FileText, text: str, *, keep: bool = True) -> Path | None:
    """Put `text` in the file's place at once; where the old one is kept, None if there was none.

    The file keeps its mode. With `keep` false no copy of it is kept.

    Raises:
        SetupFault: it cannot be written, or says something else than when it was read.
    """
    data = before.encoded(text)
    saved: Path | None = None
    fresh = path.with_name(f".{path.name}.{os.getpid()}.aimux")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_bytes(data)
        if before.data is not None:
            _check_writable(path)
            shutil.copymode(path, fresh)
            if keep:
                saved = _copied(path)
        if _read_bytes(path) != before.data:  # as late as can be: clients write too
            if saved is not None:
                saved.unlink()
            raise SetupFault(
                f"{path} was changed by somebody else just now",
                code="client_config_changed",
                hint="close the client, then try again",
            )
        fresh.replace(path)
    except OSError as error:
        raise SetupFault(
            f"{path} cannot be written: {error.strerror}",
            code="client_config_not_written",
            hint="nothing was changed; see who owns the file and its directory",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return saved


def _check_writable(path: Path) -> None:
    """Refuse what its owner has closed: a rename would go through all the same."""
    if not path.stat().st_mode & stat.S_IWUSR:
        raise SetupFault(
            f"{path} is read-only",
            code="client_config_read_only",
            hint=f"something else may manage it; if not: chmod u+w {path}",
        )


def _copied(path: Path) -> Path:
    """A copy under the next number, whoever else makes one at the same time."""
    last = backups(path)
    number = _number(path, last[-1]) if last else 0
    while True:
        number += 1
        saved = path.with_name(f"{path.name}.aimux-backup-{number}")
        try:
            saved.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            if number > MAX_BACKUPS:
                raise
            continue
        shutil.copy2(path, saved)
        return saved


def restore(path: Path, saved: Path) -> None:
    """Put a kept file in the file's place, with its mode and times.

    Raises:
        SetupFault: it cannot be.
    """
    try:
        if path.exists():
            _check_writable(path)
        saved.replace(path)
    except OSError as error:
        raise SetupFault(f"{path} cannot be written: {error.strerror}") from error


def remove(path: Path) -> None:
    """Remove a file that held nothing but ours. Raises SetupFault: it cannot be."""
    try:
        path.unlink()
    except OSError as error:
        raise SetupFault(f"{path} cannot be removed: {error.strerror}") from error


def backups(path: Path) -> list[Path]:
    """The kept ones, oldest first."""
    marked = f"{path.name}.aimux-backup-"
    found = [
        each
        for each in path.parent.glob("*")
        if each.name.startswith(marked) and each.name.removeprefix(marked).isdecimal()
    ]
    return sorted(found, key=lambda each: _number(path, each))


def _number(path: Path, saved: Path) -> int:
    return int(saved.name.removeprefix(f"{path.name}.aimux-backup-"))
