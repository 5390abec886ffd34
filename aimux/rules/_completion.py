"""Whether a turn gave an answer: read from the stream, not from the exit code.

A turn is good if all of this holds: the CLI's closing record came and carries no error, nothing was
cut, the child left with an exit code the profile accepts (or we ended it after its closing record),
and the answer is not blank and not an error message in disguise. A good answer may still earn a
warning: it reads like a refusal, tools were denied, it is very short.

Every failed turn that left some text is partial: the text is kept.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, Profile, TurnOutput, Warned, plural

from ._error_texts import MAX_TEXT_CHARS, TextSort, breaks_off, error_line, judge_text
from ._failures import classify, failure, interrupted, recognise
from ._hints import RECORD_LOST
from ._redact import excerpt
from ._refusals import reads_like_refusal
from ._signs import CONTEXT_OVERFLOW, TOOLS_DENIED

VALID: Final = "valid"
SHORT_CHARS: Final = 10
_LINE_CHARS: Final = 300
# Of these an error text speaks that a CLI passes off as the answer it closes its turn with.
_PASSED_OFF: Final = frozenset(
    {
        FailureClass.QUOTA,
        FailureClass.MODEL_UNAVAILABLE,
        FailureClass.AUTH,
        FailureClass.TRANSIENT,
    }
)


@attrs.frozen(kw_only=True)
class Verdict:
    """What a turn came to. A good answer may have warnings; a failed turn has none.

    `is_error_text` says that the whole answer of a failed turn is what explains the failure.
    """

    failure: Failure | None = None
    warnings: Sequence[Warned] = ()
    is_error_text: bool = False

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
        is_error_text = _read(profile, output)[0] is TextSort.ERROR
        return Verdict(failure=failed, is_error_text=is_error_text)
    return Verdict(warnings=list(_warnings(profile, output, stderr_tail)))


def has_worked(output: TurnOutput, verdict: Verdict) -> bool:
    """Whether the model has said or done something, so that a repeat would do it twice.

    An error text that stands for an answer is no work of a model.
    """
    return output.steps > 0 or (output.has_spoken and not verdict.is_error_text)


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
    kind, found = _read(profile, output)
    if kind is TextSort.ERROR:
        spoken = found or (FailureClass.UNKNOWN, "error_as_answer")
        return failure(profile, *spoken, message=answer, evidence=answer)
    return _broken_off(profile, output, stderr_tail)


def _read(profile: Profile, output: TurnOutput) -> tuple[TextSort, tuple[FailureClass, str] | None]:
    """What the answer is, and the class and code that it speaks of if it is an error text.

    What a CLI says in its closing record is an error only where a vendor's words are in it: a model
    may well answer with the error of a program.
    """
    answer = output.answer.strip()
    bare = TurnOutput(answer=answer, error_text=answer, is_closed=output.is_closed)
    found = recognise(profile, None, bare, "") if len(answer) <= MAX_TEXT_CHARS else None
    kind = judge_text(answer, is_classed=found is not None)
    if kind is TextSort.ERROR and output.is_closed:
        is_vendors = found is not None and (found[0] in _PASSED_OFF or found[1] == CONTEXT_OVERFLOW)
        kind = TextSort.ERROR if is_vendors else TextSort.DOUBT
    return kind, found


def _broken_off(profile: Profile, output: TurnOutput, stderr_tail: str) -> Failure | None:
    """The failure of a CLI that has no closing record, exits with 0, and says on stderr why its
    answer stops in the middle.
    """
    line = "" if output.is_closed else error_line(stderr_tail)
    if not line or not breaks_off(output.answer):
        return None
    found = recognise(profile, None, TurnOutput(error_text=line), "")
    if found is None:
        return None
    return failure(profile, *found, message=line, evidence=stderr_tail)


def _unfinished(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> Failure:
    found = recognise(profile, exit_code, output, stderr_tail)
    if found is not None:
        return classify(profile, exit_code, "", output, stderr_tail)
    if output.is_record_lost:
        return _lost(profile, stderr_tail)
    said = "the output stopped without its closing record"
    return failure(profile, FailureClass.UNKNOWN, "output_cut", message=said, evidence=stderr_tail)


def _empty(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> Failure:
    if output.denials:
        calls = plural(output.denials, "tool call")
        said = f"no answer: its mode refused {calls} and it stopped there"
        return failure(profile, FailureClass.FATAL, TOOLS_DENIED, message=said)
    # its stderr is full of noise when nothing went wrong: only what it called an error counts
    if recognise(profile, exit_code, output, "") is not None:
        return classify(profile, exit_code, "", output, "")
    if output.is_record_lost:
        return _lost(profile, stderr_tail)
    line = "" if output.is_closed else error_line(stderr_tail)
    if line:
        unknown = FailureClass.UNKNOWN
        return failure(profile, unknown, "error_on_stderr", message=line, evidence=stderr_tail)
    said = "the answer is empty though the CLI reports success"
    # a turn that has used tools may have done its work: running it again is not ours to decide
    kind = FailureClass.UNKNOWN if output.steps else FailureClass.TRANSIENT
    return failure(profile, kind, "empty_answer", message=said, evidence=stderr_tail)


def _lost(profile: Profile, stderr_tail: str) -> Failure:
    said = "a record of its output was too long to be read, and the answer is in no other"
    return failure(profile, FailureClass.FATAL, RECORD_LOST, message=said, evidence=stderr_tail)


def _warnings(profile: Profile, output: TurnOutput, stderr_tail: str) -> Iterator[Warned]:
    answer = output.answer.strip()
    line = "" if output.is_closed else error_line(stderr_tail)
    if line:
        said = f"it says success, and on stderr: {excerpt(line, _LINE_CHARS)}"
        yield Warned(code="error_on_stderr", message=said)
    if _read(profile, output)[0] is TextSort.DOUBT:
        yield Warned(code="possible_error", message="the answer reads like an error text")
    if reads_like_refusal(answer):
        yield Warned(code="possible_refusal", message="the answer reads like a refusal")
    if output.denials:
        said = f"its mode refused {plural(output.denials, 'tool call')}"
        yield Warned(code="tools_denied", message=said)
    if len(answer) < SHORT_CHARS:
        said = f"the answer has only {plural(len(answer), 'character')}"
        yield Warned(code="short_answer", message=said)
