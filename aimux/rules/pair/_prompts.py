"""What a driver and its reviewer are asked. Text of others stands between fences, as data."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import plural
from aimux.rules import fence_for, harmless, share_out, shorten
from aimux.rules.panels import QUOTED

from ._diff import Diff, Unit
from ._proof import Verified
from ._units import unit_text
from ._verdicts import UnitReview, Verdict

REVIEW_CHARS: Final = 60_000  # of diff that one prompt for a reviewer holds
FEEDBACK_CHARS: Final = 20_000  # of what a driver is told of its last round
TAIL_CHARS: Final = 4_000  # of the output of one command, in a prompt
LEFT_CHARS: Final = 1_000  # of a reason out of an earlier job
MAX_UNITS: Final = 60  # in one prompt for a reviewer
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # kinds of characters

DRIVER_TEXT: Final = (
    "You work in a copy of the project, in the current directory; nothing outside of it counts. "
    "Make the change by editing files there. Where you cannot edit, answer with one unified diff "
    "in a ```diff block, with paths relative to this directory and a/ and b/ before them. Change "
    "what the task needs and nothing else; do not commit. Someone else will review each hunk, and "
    "only what is approved is taken over. End with a short account of what you changed."
)


@attrs.frozen(kw_only=True)
class Feedback:
    """What the last round of a driver came to. `problem` says why there was nothing to review."""

    problem: str = ""
    excerpt: str = ""
    verified: Sequence[Verified] = ()
    rejected: Sequence[tuple[UnitReview, str]] = ()  # with the text of the unit


@attrs.frozen(kw_only=True)
class Left:
    """What an earlier job of the session left: a diff that landed, or that did not and why."""

    is_landed: bool = False
    why: str = ""
    diff: str = ""

    @property
    def open_diff(self) -> str:
        """What is not in the caller's tree yet."""
        return "" if self.is_landed else self.diff


def left_prompt(left: Left, misfit: str = "") -> str:
    """What a driver is told of it; `misfit` says why its diff does not fit the files any more."""
    if left.is_landed:
        return "What was made before has landed: it is in the files."
    if not left.diff:
        return ""
    why = f" ({shorten(left.why, LEFT_CHARS)})" if left.why else ""
    if not misfit:
        return (
            f"What was made before has not landed{why}. The current directory has it, uncommitted: "
            "go on from there."
        )
    return (
        f"What was made before has not landed{why}, and it does not fit the files any more: "
        f"{shorten(misfit, LEFT_CHARS)}. It was this. {QUOTED}\n\n"
        f"{_quoted(shorten(left.diff, FEEDBACK_CHARS))}"
    )


def driver_prompt(task: str, verify: Sequence[str] = (), left: str = "") -> str:
    """What a driver is asked first; `left` is what it is told of an earlier job."""
    parts = [task, *([left] if left else []), DRIVER_TEXT]
    if verify:
        parts.append("These commands have to pass:\n" + "\n".join(f"- {each}" for each in verify))
    parts.append(f"Once more, the task:\n\n{task}")
    return "\n\n".join(parts)


def again_prompt(task: str, feedback: Feedback) -> str:
    """What a driver is asked in a later round."""
    parts = [task, "This is not finished. The current directory has your last version."]
    if feedback.problem:
        parts.append(feedback.problem)
    if feedback.excerpt:
        parts.append(_quoted(shorten(feedback.excerpt, FEEDBACK_CHARS // 4)))
    failed = [each for each in feedback.verified if not each.has_passed]
    if failed:
        parts.append(f"Commands that have to pass did not. {QUOTED}")
        parts += [_command(each) for each in failed]
    if feedback.rejected:
        parts.append(
            "A reviewer asks for changes in these hunks. All others are approved and frozen: leave "
            f"their lines as they are. {QUOTED}"
        )
        shown = share_out([_rejection(*each) for each in feedback.rejected], FEEDBACK_CHARS)
        parts += [
            f"Hunk {review.hunk}, {harmless(review.path)}:\n{_quoted(text)}"
            for (review, _), text in zip(feedback.rejected, shown, strict=True)
        ]
        parts.append(
            "Change what is asked for, or take your change back. If a rejection is wrong, leave "
            "that hunk exactly as it is and write a line `CONTEST <number of the hunk>: <reason>`; "
            "each hunk may be contested once."
        )
    parts += [DRIVER_TEXT, f"Once more, the task:\n\n{task}"]
    return "\n\n".join(parts)


def review_prompt(
    task: str,
    diff: Diff,
    units: Sequence[Unit],
    *,
    verified: Sequence[Verified] = (),
    contested: Mapping[int, str] | None = None,
) -> str:
    """What a reviewer is asked about these units of a diff."""
    contested = contested or {}
    added, removed = diff.counts
    files = plural(len(diff.paths), "file")
    parts = [
        (
            "Review a change before it is taken over, hunk by hunk. The current directory has the "
            "files as they would be: read what you need there and change nothing."
        ),
        f"The task was:\n\n{_quoted(task)}",
        f"The change: {files}, {plural(added, 'line')} added, {removed} removed. {QUOTED}",
    ]
    if verified:
        parts.append("Commands that were run on it:")
        parts += [_command(each) for each in verified]
    for unit in units:
        parts.append(f"## Hunk {unit.number}: {visible(unit.path)} ({_kind(diff, unit)})")
        parts.append(_quoted(visible(unit_text(diff, unit))))
        if unit.number in contested:
            reason = _quoted(contested[unit.number])
            parts.append(f"You rejected this hunk before. Its author holds against it:\n{reason}")
    numbers = ", ".join(str(unit.number) for unit in units)
    parts.append(
        'Answer in JSON: {"hunks": [{"hunk": 0, "verdict": "approved", …}]}, one entry for each '
        f"of these hunks: {numbers}. `verdict` is `approved`, `modified` (`replacement` is "
        "then the hunk as it should be: with the same old lines and signs as above, or only the "
        "text that is to stand in place of its changed lines) or `changes_requested` (`comment` "
        "then names an input that fails, a contract that is broken or a line that is wrong, with "
        "`evidence` as {path, line, quote}). A matter of taste is a `comment` on an approved "
        "hunk. `rule` and `category` (correctness, security, tests, style, …) say what it is "
        "about. Approve "
        "nothing that you have not understood, and reject nothing without such a reason."
    )
    return "\n\n".join(parts)


def missing_prompt(numbers: Sequence[int]) -> str:
    """What a reviewer is asked that left hunks out."""
    named = ", ".join(map(str, numbers))
    return (
        f"Your review has no usable verdict on hunk {named}. Give the entries for these, once, "
        "in the same JSON as before. Without one a hunk counts as not approved."
    )


def batches(diff: Diff, units: Sequence[Unit]) -> tuple[list[list[Unit]], list[Unit]]:
    """Units in groups that fit a prompt each, and those that are too long for any."""
    groups: list[list[Unit]] = [[]]
    too_long: list[Unit] = []
    room = REVIEW_CHARS
    for unit in units:
        size = len(visible(unit_text(diff, unit)))
        if size > REVIEW_CHARS:
            too_long.append(unit)
            continue
        if size > room or len(groups[-1]) >= MAX_UNITS:
            groups.append([])
            room = REVIEW_CHARS
        groups[-1].append(unit)
        room -= size
    return [group for group in groups if group], too_long


def visible(text: str) -> str:
    """The text with a sign for every character that would not be seen, or would move others.

    Nothing of a change may be hidden from whoever judges it.
    """
    lines = text.split("\n")
    is_dos = all(line.endswith("\r") for line in lines if line[:1] in ("+", "-", " "))
    shown = [line.removesuffix("\r") if is_dos else line for line in lines]
    return "\n".join("".join(map(_visible, line)) for line in shown)


def _visible(char: str) -> str:
    if char == "\t" or unicodedata.category(char) not in UNSEEN:
        return char
    return f"\\u{ord(char):04x}"


def _quoted(text: str) -> str:
    clean = "".join(map(_keep, text)).strip("\n")
    fence = fence_for(clean)
    return f"{fence}\n{clean}\n{fence}"


def _keep(char: str) -> str:
    return char if char == "\n" else _visible(char)


def _kind(diff: Diff, unit: Unit) -> str:
    file = diff.files[unit.files[-1]]
    words = {
        "text": "changed lines",
        "new": "new link" if file.new_mode == "120000" else "new file",
        "deleted": "deleted file",
        "binary": "binary file",
        "renamed": "new name",
        "mode": "new mode",
        "replaced": "another kind of file",
    }
    hunk = diff.hunk_of(unit)
    is_dos = hunk is not None and all(line.endswith("\r") for line in hunk.lines)
    return words[unit.kind] + (", lines end in CR LF" if is_dos else "")


def _rejection(review: UnitReview, text: str) -> str:
    why = review.comment or "no reason given"
    said = f"[{review.category}] {why}" if review.category else why
    if review.verdict is Verdict.UNREVIEWED:
        said = f"not approved: {why}"
    return f"{said}\n\n{text}"


def _command(each: Verified) -> str:
    ended = each.why or f"exit code {each.exit_code}"
    tail = shorten(each.tail.strip("\n"), TAIL_CHARS) or "(no output)"
    return f"`{harmless(each.command)}`: {ended}\n{_quoted(tail)}"
