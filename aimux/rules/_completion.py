"""Whether a turn gave an answer: read from the stream, not from the exit code.

A turn is good if all of this holds: the CLI's closing record came and carries no error, nothing was
cut, the child left with an exit code the profile accepts (or we ended it after its closing record),
and the answer is not blank and not an error message in disguise. A good answer may still earn a
warning: it reads like a refusal, tools were denied, it is very short.

Every failed turn that left some text is partial: the text is kept.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, Profile, TurnOutput, Warned

from ._failures import classify, failure, interrupted, recognise
from ._refusals import reads_like_refusal

VALID: Final = "valid"
SHORT_CHARS: Final = 10
_DISGUISE_CHARS: Final = 400  # a longer answer that speaks of limits is an answer

# An answer that *is* an error message starts like one; one that explains errors does not.
_DISGUISED: Final = (
    r"(?:\[?(?:api |fatal )?error\b[\]:]?|ran into this error|request rejected \(|litellm\.\w+error"
    r"|(?:\d{3} )?too many requests|rate limit (?:reached|exceeded|hit)|rate_limit_error"
    r"|you(?:'ve| have)(?: \w+)? (?:hit|reached|exceeded) your|(?:your )?quota (?:is )?exceeded"
    r"|resource_exhausted|(?:\S+ )?usage limit (?:reached|exceeded)|credit balance is too low"
    r"|invalid api key|not logged in|please run /login|\d{3} \w+ api key)"
)


@attrs.frozen(kw_only=True)
class Verdict:
    """What a turn came to. A good answer may have warnings; a failed turn has none."""

    failure: Failure | None = None
    warnings: Sequence[Warned] = ()

    @property
    def code(self) -> str:
        """`valid`, the first warning's code, or the failure's code."""
        if self.failure is not None:
            return self.failure.code
        return self.warnings[0].code if self.warnings else VALID


def judge(
    profile: Profile,
    output: TurnOutput,
    exit_code: int | None,
    signal: str = "",
    *,
    is_stopped: bool = False,
    was_cut: bool = False,
    stderr_tail: str = "",
) -> Verdict:
    """The verdict on a finished turn.

    `is_stopped` says that we ended the child, `was_cut` that we did so before it was done (silence,
    a cap) or that output was lost: then it cannot be good.
    """
    failed = _failed(
        profile, output, exit_code, signal, is_stopped, was_cut=was_cut, stderr_tail=stderr_tail
    )
    if failed is not None:
        return Verdict(failure=failed)
    return Verdict(warnings=list(_warnings(output)))


def _failed(
    profile: Profile,
    output: TurnOutput,
    exit_code: int | None,
    signal: str,
    is_stopped: bool,
    *,
    was_cut: bool,
    stderr_tail: str,
) -> Failure | None:
    ended, answer = output.ended, output.answer.strip()
    if ended is not None and ended.is_error:
        return classify(profile, exit_code, signal, output, stderr_tail)
    if was_cut:
        said = "the turn was ended before the CLI was done"
        return interrupted(profile, output, stderr_tail, code="cut_short", message=said)
    is_accepted = exit_code is not None and exit_code in profile.errors.accept_exit
    if not is_accepted and not (is_stopped and ended is not None):
        return classify(profile, exit_code, signal, output, stderr_tail)
    if ended is None:
        return _unfinished(profile, exit_code, output, stderr_tail)
    if not answer:
        return _empty(profile, exit_code, output, stderr_tail)
    if len(answer) <= _DISGUISE_CHARS and re.match(_DISGUISED, answer, re.IGNORECASE):
        bare = TurnOutput(answer=answer, error_text=answer)
        found = recognise(profile, None, bare, "")
        if found is not None:
            return failure(profile, *found, message=answer, evidence=answer)
    return None


def _unfinished(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> Failure:
    found = recognise(profile, exit_code, output, stderr_tail)
    if found is not None:
        return classify(profile, exit_code, "", output, stderr_tail)
    said = "the output stopped without its closing record"
    return failure(profile, FailureClass.UNKNOWN, "output_cut", message=said, evidence=stderr_tail)


def _empty(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> Failure:
    if output.denials:
        said = f"no answer: its mode refused {output.denials} tool calls and it stopped there"
        return failure(profile, FailureClass.FATAL, "tools_denied", message=said)
    # its stderr is full of noise when nothing went wrong: only what it called an error counts
    if recognise(profile, exit_code, output, "") is not None:
        return classify(profile, exit_code, "", output, "")
    said = "the answer is empty though the CLI reports success"
    # a turn that has used tools may have done its work: running it again is not ours to decide
    kind = FailureClass.UNKNOWN if output.steps else FailureClass.TRANSIENT
    return failure(profile, kind, "empty_answer", message=said, evidence=stderr_tail)


def _warnings(output: TurnOutput) -> Iterator[Warned]:
    answer = output.answer.strip()
    if reads_like_refusal(answer):
        yield Warned(code="possible_refusal", message="the answer reads like a refusal")
    if output.denials:
        said = f"its mode refused {output.denials} tool calls"
        yield Warned(code="tools_denied", message=said)
    if len(answer) < SHORT_CHARS:
        said = f"the answer has only {len(answer)} characters"
        yield Warned(code="short_answer", message=said)
