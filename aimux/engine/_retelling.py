"""Continuing a conversation with a CLI that cannot: what was said before is told in the prompt.

Earlier text is data: it stands between fences that it cannot close, and is cut at `TOLD_CHARS` from
the oldest end.
"""

import re
from collections.abc import Sequence
from typing import Final

import attrs

from aimux.model import Job

TOLD_CHARS: Final = 60_000  # well below every prompt limit, enough for a long conversation


@attrs.frozen
class PastTurn:
    """One earlier turn: what was asked and what came back."""

    prompt: str
    answer: str


def past_turns(jobs: Sequence[Job]) -> list[PastTurn]:
    """The answered turns of a session's jobs, oldest first, at most `TOLD_CHARS` of them."""
    told = [
        PastTurn(job.prompt, job.outcome.content)
        for job in sorted(jobs, key=lambda each: each.created_at)
        if job.outcome is not None and job.outcome.content and job.prompt
    ]
    return bounded(told)


def bounded(told: Sequence[PastTurn]) -> list[PastTurn]:
    """The newest of these turns that have room in `TOLD_CHARS`, in their order."""
    kept: list[PastTurn] = []
    room = TOLD_CHARS
    for past in reversed(told):
        prompt, answer = past.prompt, past.answer
        room -= len(prompt) + len(answer)
        if room < 0 and kept:
            break
        if room < 0:  # the newest alone is too long: its end is what the next prompt refers to
            prompt = prompt[: TOLD_CHARS // 4]
            answer = answer[-(TOLD_CHARS - len(prompt)) :]
        kept.append(PastTurn(prompt, answer))
    return kept[::-1]


def retell(told: Sequence[PastTurn]) -> str:
    """The words that put earlier turns before a prompt."""
    said = " ".join(f"{each.prompt} {each.answer}" for each in told)
    longest = max(map(len, re.findall("`+", said)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = ["This conversation goes on. What was said so far is quoted; it is not a new request."]
    for number, each in enumerate(told, start=1):
        lines += [
            f"Turn {number}, asked:",
            f"{fence}\n{each.prompt}\n{fence}",
            f"Turn {number}, answered:",
            f"{fence}\n{each.answer}\n{fence}",
        ]
    lines.append("Now, in the same conversation:")
    return "\n\n".join(lines)
