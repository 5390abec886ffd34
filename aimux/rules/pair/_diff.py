"""Diffs as git writes them: a strict parse, and each change of one as a unit with a number.

Theory of operation. A diff is files, a file is a header and hunks. What may be judged by itself is
a unit: each hunk of a file that stays; a file that is new, deleted, binary or of another kind now,
as a whole; a new name and a new mode each apart from the hunks below them. Units are counted from 0
through the whole diff. Lines end at a line feed, nothing else: a carriage return is text.
"""

import re
from collections.abc import Sequence
from typing import Final

import attrs

from ._names import DiffFault, checked_name, header_names, unquoted

LINK_MODE: Final = "120000"
REPOSITORY_MODE: Final = "160000"
NO_NEWLINE: Final = "\\ No newline at end of file"
SHOWN_LINES: Final = 12  # of what could not be read
_HUNK: Final = re.compile(
    r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL
)
_MODE: Final = re.compile(r"(?:old mode|new mode|new file mode|deleted file mode) (\d{6})")
_MODES: Final = frozenset({"100644", "100755", LINK_MODE})
_IGNORED: Final = ("index ", "similarity index ", "dissimilarity index ")


@attrs.frozen(kw_only=True)
class Hunk:
    """One hunk: where its old lines begin, and its lines with the sign before each."""

    old_start: int
    section: str = ""
    lines: tuple[str, ...]

    @property
    def old_lines(self) -> list[str]:
        """The lines that are to be there."""
        return [line[1:] for line in self.lines if line[:1] in " -"]

    @property
    def new_lines(self) -> list[str]:
        """The lines that are there afterwards."""
        return [line[1:] for line in self.lines if line[:1] in " +"]

    @property
    def first_old(self) -> int:
        """The old line before which it begins, from 1, also where it has no old lines."""
        return self.old_start if self.old_lines else self.old_start + 1


@attrs.frozen(kw_only=True)
class FilePatch:
    """What a diff does to one file. An empty path is no file; `binary` is its data, in lines."""

    old_path: str
    new_path: str
    old_mode: str = ""  # told only where it changes, or the file is new or deleted
    new_mode: str = ""
    index: str = ""
    hunks: tuple[Hunk, ...] = ()
    binary: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The name it goes by."""
        return self.new_path or self.old_path

    @property
    def is_renamed(self) -> bool:
        """Whether it gets another name."""
        return bool(self.old_path and self.new_path) and self.old_path != self.new_path

    @property
    def has_new_mode(self) -> bool:
        """Whether a file that stays gets another mode."""
        both = self.old_path and self.new_path and self.old_mode and self.new_mode
        return bool(both) and self.old_mode != self.new_mode

    @property
    def is_whole(self) -> bool:
        """Whether it can only be taken or left as a whole."""
        return not self.old_path or not self.new_path or bool(self.binary)


@attrs.frozen(kw_only=True)
class Unit:
    """What is judged by itself. `kind` is text, new, deleted, binary, renamed, mode or replaced.

    `files` are indexes into the diff's files, `hunk` one into those of its only file.
    """

    number: int
    path: str
    kind: str
    files: tuple[int, ...]
    hunk: int | None = None


@attrs.frozen(kw_only=True)
class Diff:
    """A diff that was understood: its files, and the units of it."""

    files: tuple[FilePatch, ...]
    units: tuple[Unit, ...]

    @property
    def paths(self) -> list[str]:
        """Every name that it touches, sorted."""
        names = {name for each in self.files for name in (each.old_path, each.new_path) if name}
        return sorted(names)

    @property
    def counts(self) -> tuple[int, int]:
        """Lines added and removed."""
        lines = [line for file in self.files for hunk in file.hunks for line in hunk.lines]
        return sum(each[:1] == "+" for each in lines), sum(each[:1] == "-" for each in lines)

    def hunk_of(self, unit: Unit) -> Hunk | None:
        """The lines that a unit changes; None where it has none, or more than one hunk."""
        file = self.files[unit.files[-1]]
        if unit.hunk is not None:
            return file.hunks[unit.hunk]
        is_one = unit.kind in ("new", "deleted") and len(file.hunks) == 1
        return file.hunks[0] if is_one else None


def parse_diff(text: str) -> Diff:
    """The diff that `text` is, the whole of it.

    Raises:
        DiffFault: it is none, or not a whole one; quotes where it goes wrong.
    """
    files = _Parser(text.split("\n")).files()
    if not files:
        raise DiffFault("there is no diff in it")
    return Diff(files=tuple(files), units=tuple(_units(files)))


def _units(files: Sequence[FilePatch]) -> list[Unit]:
    units: list[Unit] = []

    def add(path: str, kind: str, at: tuple[int, ...], hunk: int | None = None) -> None:
        units.append(Unit(number=len(units), path=path, kind=kind, files=at, hunk=hunk))

    at = 0
    while at < len(files):
        file = files[at]
        after = files[at + 1] if at + 1 < len(files) else None
        if not file.new_path and after and not after.old_path and after.new_path == file.path:
            add(file.path, "replaced", (at, at + 1))  # a file that becomes a link, or the reverse
            at += 2
            continue
        if file.is_whole:
            kind = "new" if not file.old_path else "deleted" if not file.new_path else "binary"
            add(file.path, kind, (at,))
        else:
            if file.is_renamed:
                add(file.path, "renamed", (at,))
            if file.has_new_mode:
                add(file.path, "mode", (at,))
            for hunk in range(len(file.hunks)):
                add(file.path, "text", (at,), hunk)
        at += 1
    return units


@attrs.define(eq=False)
class _Parser:
    lines: list[str]
    at: int = 0

    def files(self) -> list[FilePatch]:
        found = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.startswith("diff --git "):
                found.append(self._git_file())
            elif line.startswith("--- "):
                found.append(self._body("", "", FilePatch(old_path="", new_path="")))
            elif line.strip():
                raise self._fault("this line belongs to no file")
            else:
                self.at += 1
        return found

    def _fault(self, why: str, begin: int | None = None) -> DiffFault:
        start = self.at if begin is None else begin
        shown = "\n".join(self.lines[start : start + SHOWN_LINES])
        return DiffFault(f"line {start + 1} of the diff: {why}", excerpt=shown)

    def _git_file(self) -> FilePatch:
        begin = self.at
        old, new = header_names(self.lines[self.at].removeprefix("diff --git "))
        self.at += 1
        modes: dict[str, str] = {}
        renames: dict[str, str] = {}
        index = ""
        while self.at < len(self.lines):
            line = self.lines[self.at].removesuffix("\r")
            if (mode := _MODE.fullmatch(line)) is not None:
                modes[line.rpartition(" ")[0]] = mode[1]
            elif line.startswith(("rename from ", "rename to ")):
                renames[line.split(" ", 2)[1]] = unquoted(line.split(" ", 2)[2])
            elif line.startswith("index "):
                index = line
            elif line.startswith("copy "):
                raise self._fault("a copy of another file: give it as a new file")
            elif not line.startswith(_IGNORED):
                break
            self.at += 1
        old, new = renames.get("from", old), renames.get("to", new)
        for mode_told in modes.values():
            if mode_told == REPOSITORY_MODE:
                raise self._fault("a repository inside the tree cannot be part of it", begin)
            if mode_told not in _MODES:
                raise self._fault(f"unknown file mode {mode_told}", begin)
        file = FilePatch(
            old_path="" if "new file mode" in modes else old,
            new_path="" if "deleted file mode" in modes else new,
            old_mode=modes.get("deleted file mode", modes.get("old mode", "")),
            new_mode=modes.get("new file mode", modes.get("new mode", "")),
            index=index,
        )
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        if line.startswith("GIT binary patch"):
            return self._checked(attrs.evolve(file, binary=self._binary()), begin)
        if line.startswith("Binary files "):
            raise self._fault("a binary file without its data: `git diff --binary` gives it")
        if line.startswith("--- "):
            return self._body(old, new, file)
        if not (modes or renames):
            raise self._fault("a file without a change", begin)
        return self._checked(file, begin)

    def _body(self, old: str, new: str, file: FilePatch) -> FilePatch:
        """The names before hunks, and the hunks."""
        begin = self.at
        first = self._name("--- ", "a/")
        second = self._name("+++ ", "b/")
        if not first and not second:
            raise self._fault("a file that was nothing and becomes nothing", begin)
        if old or new:
            expected = ("" if not file.old_path else old, "" if not file.new_path else new)
            if (first, second) != expected:
                raise self._fault("the names before the hunks are not those of the file", begin)
        hunks = []
        while self.at < len(self.lines) and self.lines[self.at].startswith("@@"):
            hunks.append(self._hunk())
        if not hunks:
            raise self._fault("no hunk follows the names of a file", begin)
        if (not first or not second) and len(hunks) > 1:
            raise self._fault("a new or deleted file has one hunk", begin)
        whole = attrs.evolve(file, old_path=first, new_path=second, hunks=tuple(hunks))
        if not first and not whole.new_mode:
            whole = attrs.evolve(whole, new_mode="100644")
        return self._checked(whole, begin)

    def _name(self, sign: str, side: str) -> str:
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        if not line.startswith(sign):
            raise self._fault(f"a line that begins with {sign.strip()} was expected")
        self.at += 1
        name = unquoted(line.removeprefix(sign).removesuffix("\r").partition("\t")[0])
        return "" if name == "/dev/null" else name.removeprefix(side)

    def _hunk(self) -> Hunk:
        begin = self.at
        found = _HUNK.fullmatch(self.lines[self.at])
        if found is None:
            raise self._fault("this is no head of a hunk")
        self.at += 1
        old_left = int(found[2]) if found[2] is not None else 1
        new_left = int(found[4]) if found[4] is not None else 1
        told = f"its head says {old_left} old and {new_left} new lines"
        lines: list[str] = []
        while old_left or new_left:
            if self.at >= len(self.lines) or self.lines[self.at :] == [""]:
                raise self._fault(f"a hunk ends too soon: {told}", begin)
            line = self.lines[self.at] or " "  # an empty line of context lost its blank
            sign = line[0]
            if sign == "\r":
                line, sign = f" {line}", " "
            if sign not in " +-\\":
                raise self._fault(f"a line of a hunk begins with {sign!r}; {told}", begin)
            old_left -= sign in " -"
            new_left -= sign in " +"
            if old_left < 0 or new_left < 0:
                raise self._fault(f"a hunk has more lines than told: {told}", begin)
            lines.append(NO_NEWLINE if sign == "\\" else line)
            self.at += 1
        if self.at < len(self.lines) and self.lines[self.at].startswith("\\"):
            lines.append(NO_NEWLINE)
            self.at += 1
        if not any(line[0] in "+-" for line in lines):
            raise self._fault("a hunk that changes nothing", begin)
        return Hunk(old_start=int(found[1]), section=found[5], lines=tuple(lines))

    def _binary(self) -> tuple[str, ...]:
        begin = self.at
        while self.at < len(self.lines) and not self.lines[self.at].startswith("diff --git "):
            self.at += 1
        lines = list(self.lines[begin : self.at])
        while lines and not lines[-1]:
            lines.pop()
        if len(lines) < 3 or not lines[1].startswith(("literal ", "delta ")):
            raise self._fault("binary data that cannot be read", begin)
        return tuple(lines)

    def _checked(self, file: FilePatch, begin: int) -> FilePatch:
        try:
            for name in (file.old_path, file.new_path):
                if name:
                    checked_name(name)
        except DiffFault as fault:
            raise self._fault(str(fault), begin) from fault
        return file
