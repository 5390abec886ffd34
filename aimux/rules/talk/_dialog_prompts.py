"""What proposer and critic of a dialog are asked: every turn restates all that counts.

Task, current draft and open points stand in each prompt in full, for a CLI that remembers and for
one that does not; what was said before is an appendix that is cut first.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from aimux.model import Evidence
from aimux.rules import fenced, share_out, shorten
from aimux.rules.panels import QUOTED

from ._dialog import NOT_FOLLOWED, Critique, Draft, Point, Said, last_draft, open_points

DRAFT_CHARS: Final = 40_000
POINTS_CHARS: Final = 12_000  # of all open points together
HISTORY_CHARS: Final = 12_000  # of the appendix
_ENTRY_CHARS: Final = 3_000  # of one earlier turn in it
_REPEATED_CHARS: Final = 4_000  # of the task, where it stands once more at the end
_EARLIER_CHARS: Final = 2_000  # of an earlier request
_MAX_EARLIER: Final = 5


@attrs.frozen(kw_only=True)
class Task:
    """What a dialog is about; `earlier` are the requests it began with, oldest first."""

    prompt: str
    earlier: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The task as a prompt begins with it."""
        if not self.earlier:
            return self.prompt
        first, *between = [shorten(each, _EARLIER_CHARS) for each in self.earlier]
        lines = [f"This work began with this task:\n\n{first}"]
        lines += [f"Later it was asked:\n\n{each}" for each in between[-_MAX_EARLIER:]]
        return "\n\n".join([*lines, f"What is asked now:\n\n{self.prompt}"])

    @property
    def once_more(self) -> str:
        """The task as a prompt ends with it."""
        return f"Once more, the task:\n\n{shorten(self.prompt, _REPEATED_CHARS)}"


def propose_prompt(task: Task, said: Sequence[Said]) -> str:
    """What the proposer is asked: the first draft, or the next after all that was said."""
    draft = last_draft(said)
    if draft is None:
        return "\n\n".join(
            [
                task.text,
                (
                    "Two work on this task together. You are the proposer: you write the draft, a "
                    "critic then says what blocks it, and you write it anew, until nothing blocks "
                    "it. Read what you need in the working directory and change nothing."
                ),
                (
                    "Answer with the whole draft in Markdown and nothing else; its last line ends "
                    "your turn."
                ),
                task.once_more,
            ]
        )
    points, _ = open_points(said)
    notes = next((each.notes for each in reversed(said) if isinstance(each, Critique)), ())
    return "\n\n".join(
        [
            task.text,
            (
                "Two work on this task together. You are the proposer: the next draft is yours. "
                "Read what you need in the working directory and change nothing. " + QUOTED
            ),
            _shown_draft(draft),
            *_shown_points("What blocks it, as the critic says:", points),
            *_shown_notes(notes),
            (
                "Write the whole draft anew, with each point that is right settled and the rest "
                "kept: not a list of changes. Points marked `false` by the checker name evidence "
                "that was not found. Where you do not follow a point, say why under a last heading "
                f"`## {NOT_FOLLOWED}`; leave that heading out if there is none. Answer with the "
                "draft in Markdown and nothing else; its last line ends your turn, the critic's "
                "is next."
            ),
            *_appendix(said, draft),
            task.once_more,
        ]
    )


def criticise_prompt(task: Task, said: Sequence[Said]) -> str:
    """What the critic is asked of the newest draft.

    Raises:
        ValueError: there is no draft.
    """
    draft = last_draft(said)
    if draft is None:
        raise ValueError("no draft to criticise")
    points, _ = open_points(said)
    objections = []
    if draft.objections:
        told = "What the proposer does not follow, and why:"
        objections = [f"{told}\n{fenced(shorten(draft.objections, POINTS_CHARS))}"]
    return "\n\n".join(
        [
            task.text,
            (
                "Two work on this task together. You are the critic: say what blocks this draft. "
                "Check what it claims in the working directory and change nothing. " + QUOTED
            ),
            _shown_draft(draft),
            *_shown_points("What blocked the draft before this one:", points),
            *objections,
            (
                "Answer in JSON. `blocking` lists what makes the draft wrong, unsafe or unfit for "
                "the task: in each `point` what fails and when, and what would settle it; where it "
                "is about files, `evidence` names `path`, `line` and a `quote` of at least 12 "
                "characters, copied as it stands there. A point that is settled, or answered with "
                "a reason that holds, is not raised again; one that is not is. Taste, wording and "
                "what could also be done belong into `notes`. An empty `blocking` ends the work: "
                "leave it empty if nothing blocks, and only then."
            ),
            *_appendix(said, draft),
            task.once_more,
        ]
    )


def _shown_draft(draft: Draft) -> str:
    return f"The draft as it stands:\n{fenced(shorten(draft.text, DRAFT_CHARS))}"


def _shown_points(told: str, points: Sequence[Point]) -> list[str]:
    if not points:
        return []
    texts = [
        "\n".join([f"{number}. {point.text}", *(f"   - {_cited(each)}" for each in point.evidence)])
        for number, point in enumerate(points, start=1)
    ]
    return [f"{told}\n" + fenced("\n".join(share_out(texts, POINTS_CHARS)))]


def _cited(found: Evidence) -> str:
    verified = str(found.verified.value).lower()
    return f"{found.path}:{found.line or '?'} (checker: {verified}) {found.quote}".rstrip()


def _shown_notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    texts = share_out([f"- {each}" for each in notes], POINTS_CHARS // 4)
    return ["What it notes besides; follow what helps:\n" + fenced("\n".join(texts))]


def _appendix(said: Sequence[Said], draft: Draft) -> list[str]:
    """Earlier turns, oldest first; the oldest are left out where there is no room."""
    current = next(at for at, each in enumerate(said) if each is draft)
    older = [each for each in said[:current] if each is not _last_critique(said)]
    shown: list[str] = []
    room = HISTORY_CHARS
    for each in reversed(older):
        text = fenced(shorten(_told(each), _ENTRY_CHARS))
        who = "the proposer's draft" if isinstance(each, Draft) else "the critic's points"
        entry = f"Turn {each.turn}, {who}:\n{text}"
        room -= len(entry)
        if room < 0:
            break
        shown.append(entry)
    if not shown:
        return []
    left = len(older) - len(shown)
    cut = [f"[{left} earlier turns left out]"] if left else []
    title = "Appendix, what was said before, quoted; the draft above is the one that counts."
    return ["\n\n".join([title, *cut, *reversed(shown)])]


def _last_critique(said: Sequence[Said]) -> Critique | None:
    return next((each for each in reversed(said) if isinstance(each, Critique)), None)


def _told(each: Said) -> str:
    if isinstance(each, Draft):
        return each.text
    lines = [f"- {point.text}" for point in each.blocking]
    return "\n".join([*lines, *(f"- (note) {note}" for note in each.notes)]) or "nothing blocks"
