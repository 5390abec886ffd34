"""Diffs made of units: some are kept, some as a reviewer would have them, the rest is left out."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ._diff import NO_NEWLINE, Diff, FilePatch, Hunk, Unit
from ._names import quoted

SIGNS: Final = frozenset(" +-\\")


class ReplacementFault(Exception):
    """What a reviewer wants instead does not fit where it is to stand; says why."""


def assemble(diff: Diff, kept: Mapping[int, Hunk | None]) -> str:
    """A diff with these units only; empty if none is left. None keeps a unit as it is.

    The hunks of a file whose new name is left out are left out too.
    """
    parts: list[str] = []
    of: dict[int, list[Unit]] = {}
    for unit in diff.units:
        for at in unit.files:
            of.setdefault(at, []).append(unit)
    for at, file in enumerate(diff.files):
        units = of[at]
        chosen = [unit for unit in units if unit.number in kept]
        kinds = {unit.kind for unit in units} - {unit.kind for unit in chosen}
        if not chosen or "renamed" in kinds:
            continue
        if file.is_whole or "replaced" in {unit.kind for unit in chosen}:
            other = kept[chosen[0].number]
            hunks = [other] if other is not None and file.new_path else list(file.hunks)
            parts += _file_lines(file, hunks, with_mode=True)
            continue
        hunks = [
            kept[unit.number] or file.hunks[unit.hunk] for unit in chosen if unit.hunk is not None
        ]
        parts += _file_lines(file, hunks, with_mode="mode" not in kinds)
    return "".join(f"{line}\n" for line in parts)


def _file_lines(file: FilePatch, hunks: Sequence[Hunk], *, with_mode: bool) -> list[str]:
    old, new = file.old_path or file.new_path, file.new_path or file.old_path
    lines = [f"diff --git {quoted(f'a/{old}')} {quoted(f'b/{new}')}"]
    if not file.old_path:
        lines.append(f"new file mode {file.new_mode}")
    elif not file.new_path:
        lines.append(f"deleted file mode {file.old_mode or '100644'}")
    elif file.has_new_mode and with_mode:
        lines += [f"old mode {file.old_mode}", f"new mode {file.new_mode}"]
    if file.is_renamed:
        lines += [f"rename from {quoted(old)}", f"rename to {quoted(new)}"]
    if file.binary:
        return [*lines, file.index, *file.binary, ""]
    if hunks:
        lines.append(f"--- {quoted(f'a/{old}') if file.old_path else '/dev/null'}")
        lines.append(f"+++ {quoted(f'b/{new}') if file.new_path else '/dev/null'}")
        shift = 0
        for hunk in hunks:
            lines += [_head(hunk, shift), *hunk.lines]
            shift += len(hunk.new_lines) - len(hunk.old_lines)
    return lines


def _head(hunk: Hunk, shift: int) -> str:
    """Where git looks first is the new place, so it is reckoned anew: hunks before may be gone."""
    old, new = len(hunk.old_lines), len(hunk.new_lines)
    new_start = hunk.first_old + shift
    return (
        f"@@ -{hunk.old_start},{old} +{new_start if new else new_start - 1},{new} @@{hunk.section}"
    )


def unit_text(diff: Diff, unit: Unit) -> str:
    """A unit as a diff of its own."""
    hunk = diff.hunk_of(unit)
    if unit.hunk is not None and hunk is not None:
        return "\n".join([_head(hunk, 0), *hunk.lines])
    if unit.kind == "mode":
        file = diff.files[unit.files[0]]
        return f"old mode {file.old_mode}\nnew mode {file.new_mode}"
    if unit.kind == "renamed":
        file = diff.files[unit.files[0]]
        return f"rename from {file.old_path}\nrename to {file.new_path}"
    lines: list[str] = []
    for at in unit.files:
        lines += _file_lines(diff.files[at], diff.files[at].hunks, with_mode=True)
    return "\n".join(lines)


def unit_key(diff: Diff, unit: Unit) -> str:
    """What is the same for a unit that stands in a later diff again, wherever it is."""
    hunk = diff.hunk_of(unit)
    if hunk is None:
        return f"{unit.path}\n{unit.kind}\n{unit_text(diff, unit)}"
    changed = [line for line in hunk.lines if line[0] in "+-"]
    return "\n".join([unit.path, unit.kind, *changed])


def replaced(diff: Diff, unit: Unit, text: str) -> Hunk:
    """The hunk of a unit as a reviewer wants it.

    `text` is a hunk with the same old lines, or only what is to stand in place of the lines from
    the first changed one to the last, with or without the unchanged ones around them.

    Raises:
        ReplacementFault: it is neither, or the unit has no lines.
    """
    hunk = diff.hunk_of(unit)
    file = diff.files[unit.files[-1]]
    if hunk is None or not file.new_path:
        raise ReplacementFault(f"{unit.kind}: it has no lines that could be others")
    lines = _without_fence(text)
    if not lines:
        raise ReplacementFault("the replacement is empty")
    as_hunk = _as_hunk(hunk, lines)
    if as_hunk is None:
        as_hunk = _as_text(hunk, lines)
    if as_hunk.new_lines == as_hunk.old_lines:
        raise ReplacementFault("the replacement changes nothing")
    return as_hunk


def _without_fence(text: str) -> list[str]:
    lines = text.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) >= 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return lines


def _as_hunk(hunk: Hunk, lines: Sequence[str]) -> Hunk | None:
    """The lines as a hunk; None if they are plain text."""
    has_head = lines[0].startswith("@@ ")
    body = [line or " " for line in (lines[1:] if has_head else lines)]
    while body and not body[-1].strip():
        body.pop()
    is_signed = all(line[0] in SIGNS for line in body) and any(line[0] in "+-" for line in body)
    if not is_signed and not has_head:
        return None
    ending = _ending(hunk)
    signed = [NO_NEWLINE if line[:1] == "\\" else _ended(line, ending) for line in body]
    found = attrs.evolve(hunk, lines=tuple(signed))
    if is_signed and found.old_lines == hunk.old_lines:
        return found
    if has_head:
        raise ReplacementFault("its old lines are not those of the hunk")
    return None


def _as_text(hunk: Hunk, lines: Sequence[str]) -> Hunk:
    """The hunk with these lines in place of the changed ones."""
    ending = _ending(hunk)
    wanted = [_ended(line, ending) for line in lines]
    marked = [at for at, line in enumerate(hunk.lines) if line[0] in "+-"]
    first, last = marked[0], marked[-1]
    if last + 1 < len(hunk.lines) and hunk.lines[last + 1] == NO_NEWLINE:
        last += 1
    before, core, after = hunk.lines[:first], hunk.lines[first : last + 1], hunk.lines[last + 1 :]
    lead = [line[1:] for line in before if line[0] == " "]
    trail = [line[1:] for line in after if line[0] == " "]
    around = len(lead) + len(trail)
    if (
        around
        and len(wanted) >= around
        and wanted[: len(lead)] == lead
        and wanted[len(wanted) - len(trail) :] == trail
    ):
        wanted = wanted[len(lead) : len(wanted) - len(trail)]
    gone: list[str] = []
    for at, line in enumerate(core):
        if line[0] in " -":
            gone.append(f"-{line[1:]}")
        elif line == NO_NEWLINE and core[at - 1][0] in " -":
            gone.append(line)
    came = [f"+{line}" for line in wanted]
    ends_open = core[-1] == NO_NEWLINE and len(core) > 1 and core[-2][0] in " +"
    return attrs.evolve(
        hunk, lines=(*before, *gone, *came, *([NO_NEWLINE] if ends_open and came else ()), *after)
    )


def _ending(hunk: Hunk) -> str:
    """A carriage return, if all lines of the hunk end with one."""
    lines = [line for line in hunk.lines if line != NO_NEWLINE]
    return "\r" if lines and all(line.endswith("\r") for line in lines) else ""


def _ended(line: str, ending: str) -> str:
    return line if line.endswith("\r") or not ending else line + ending


def frozen_lines(whole: Diff) -> dict[str, list[tuple[int, int]]]:
    """By file the new lines that a diff has brought, as ranges of line numbers."""
    found: dict[str, list[tuple[int, int]]] = {}
    for file in whole.files:
        shift = 0
        for hunk in file.hunks:
            at = hunk.first_old + shift
            for line in hunk.lines:
                if line[0] == "+":
                    found.setdefault(file.new_path, []).append((at, at))
                at += line[0] in " +"
            shift += len(hunk.new_lines) - len(hunk.old_lines)
    return found


def touches(diff: Diff, unit: Unit, frozen: Mapping[str, Sequence[tuple[int, int]]]) -> bool:
    """Whether a unit takes away lines that were approved before."""
    file = diff.files[unit.files[0]]
    ranges = frozen.get(file.old_path, ())
    if unit.kind in ("deleted", "replaced"):
        return bool(ranges)
    hunk = diff.hunk_of(unit)
    if hunk is None:
        return False
    at = hunk.first_old
    for line in hunk.lines:
        if line[0] == "-" and any(first <= at <= last for first, last in ranges):
            return True
        at += line[0] in " -"
    return False
