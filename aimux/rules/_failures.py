"""Why a turn failed: one class, a stable code, what to do.

Evidence is read in the order of its worth: the death of a program that left no closing record, what
the CLI itself called an error, its exit code, its stderr, and last its answer (some CLIs print
errors there). In each the profile's own patterns come before the general ones, and the classes in
the order of the design: quota, model, auth, transient, usage, fatal. One exception: a prompt that
is too long is recognised first, because its texts speak of limits and tokens like those of a quota.

Patterns see text with all white space folded, since CLIs wrap their messages. A number counts only
where it is a status (`429` in a path or a line count is none), and words only whole (`auth` is not
in `author`).
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, Profile, TurnOutput

from ._deaths import CRASHED, Death, by_exit, find_death, is_frame, without_stack
from ._hints import KILLED, NO_ANSWER, hint
from ._redact import excerpt, harmless, safe_to_show
from ._sign import ORDER, any_clue, is_there
from ._signs import CONTEXT_OVERFLOW, GENERAL, TOOLS_DENIED

RETRYABLE: Final = frozenset({FailureClass.QUOTA, FailureClass.TRANSIENT, FailureClass.TIMEOUT})

_SUMMARY_CHARS: Final = 300
_SUMMARY_LINES: Final = 40  # the newest; looked through for the telling one
_ANSWER_CHARS: Final = 2_000  # a longer answer is no error text
_WINDOW_CHARS: Final = 8_000  # the newest evidence; patterns run over no more
_KILLED_EXIT: Final = 128 + 9  # of a shell that stood between
_SPACE: Final = re.compile(r"\s+")
_STATUS_CLASSES: Final[Mapping[str, tuple[FailureClass, str]]] = {
    "429": (FailureClass.QUOTA, "rate_limited"),
    "402": (FailureClass.QUOTA, "quota_exhausted"),
    "404": (FailureClass.MODEL_UNAVAILABLE, "model_unavailable"),
    "401": (FailureClass.AUTH, "not_authenticated"),
    "403": (FailureClass.AUTH, "not_authenticated"),
    "413": (FailureClass.FATAL, CONTEXT_OVERFLOW),
    **dict.fromkeys(
        ("408", "500", "502", "503", "504", "520", "522", "524", "529"),
        (FailureClass.TRANSIENT, "server_error"),
    ),
}
_CLASS_CODES: Final[Mapping[FailureClass, str]] = {
    FailureClass.QUOTA: "rate_limited",
    FailureClass.MODEL_UNAVAILABLE: "model_unavailable",
    FailureClass.AUTH: "not_authenticated",
    FailureClass.TRANSIENT: "server_error",
    FailureClass.USAGE: "bad_flags",
    FailureClass.FATAL: "fatal",
    FailureClass.TIMEOUT: "timed_out",
    FailureClass.CANCELLED: "cancelled",
    FailureClass.UNKNOWN: "turn_failed",
}


def classify(
    profile: Profile,
    exit_code: int | None,
    signal: str,
    output: TurnOutput,
    stderr_tail: str,
) -> Failure:
    """The failure of a turn that gave no usable answer; UNKNOWN where nothing is recognised."""
    death = _death(output, stderr_tail)
    found = recognise(profile, exit_code, output, stderr_tail)
    if found is None:
        found = _unsaid(exit_code, signal, output)
    said = death.line if death is not None else ""
    return failure(
        profile,
        *found,
        message=said or _summary(profile, found[0], exit_code, signal, output, stderr_tail),
        evidence=_evidence(output, stderr_tail),
    )


def interrupted(
    profile: Profile, output: TurnOutput, stderr_tail: str, *, code: str, message: str
) -> Failure:
    """The failure of a turn that we ended (silence, a cap): the class last seen, else a timeout."""
    alive = attrs.evolve(output, is_closed=True)  # it did not die by itself
    found = recognise(profile, None, alive, stderr_tail)
    if found is None:
        found = (FailureClass.TIMEOUT, code)
    return failure(profile, *found, message=message, evidence=_evidence(output, stderr_tail))


def failure(
    profile: Profile, failure_class: FailureClass, code: str, *, message: str, evidence: str = ""
) -> Failure:
    """A failure with everything that follows from its class.

    `message` and `evidence` are made safe to show.
    """
    said = _SPACE.sub(" ", safe_to_show(message)).strip()
    if len(said) > _SUMMARY_CHARS:  # a line says what matters first
        said = said[: _SUMMARY_CHARS - 1] + "…"
    return Failure(
        failure_class=failure_class,
        code=code or _CLASS_CODES[failure_class],
        message=f"{profile.name}: {said}",
        retryable=failure_class in RETRYABLE,
        excerpt=excerpt(evidence),
        hint=hint(profile, failure_class, code),
    )


def recognise(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> tuple[FailureClass, str] | None:
    """Class and code that the evidence speaks of, or None. Says nothing about whether it failed."""
    death = _death(output, stderr_tail)
    if death is not None:
        spoken = None if death.is_sure else _search(profile, _folded(death.line))
        return spoken or (death.failure_class, death.code)
    structured = list(_structured(output))
    for text in structured:
        found = _search(profile, text)
        if found is not None:
            return found
    if output.error_code in _STATUS_CLASSES:
        return _STATUS_CLASSES[output.error_code]
    for each in ORDER:
        if exit_code is not None and exit_code in profile.errors.exit_codes.get(each, ()):
            return each, _CLASS_CODES[each]
    rest = [stderr_tail]
    if not structured and len(output.answer) <= _ANSWER_CHARS:
        rest.append(output.answer)
    for text in map(_folded, rest):
        found = _search(profile, text)
        if found is not None:
            return found
    return None


# ------------------------------------------------------------------------------------------- parts


def _death(output: TurnOutput, stderr_tail: str) -> Death | None:
    """How the program died; one that closed its turn did not."""
    return None if output.is_closed else find_death(f"{output.error_text}\n{stderr_tail}")


def _unsaid(exit_code: int | None, signal: str, output: TurnOutput) -> tuple[FailureClass, str]:
    """Class and code of what no words explain."""
    if by_exit(exit_code, signal):
        return FailureClass.USAGE, CRASHED
    if output.denials and exit_code == 0 and not output.answer.strip():  # it stopped there
        return FailureClass.FATAL, TOOLS_DENIED
    if signal or exit_code == _KILLED_EXIT:
        return FailureClass.UNKNOWN, KILLED
    is_silent = output.ended is not None and output.ended.reason == "silent_failure"
    return FailureClass.UNKNOWN, NO_ANSWER if is_silent else "turn_failed"


def _structured(output: TurnOutput) -> Iterator[str]:
    """What the CLI called an error, newest first and by weight."""
    if output.ended is not None and output.ended.is_error:
        for text in (output.ended.message, output.ended.reason):
            if text:
                yield _folded(text)
    if output.error_text:
        yield _folded(output.error_text)
    if output.error_code and output.error_code not in _STATUS_CLASSES:
        yield _folded(output.error_code)


def _folded(text: str) -> str:
    return _SPACE.sub(" ", harmless(without_stack(text)[-_WINDOW_CHARS:]))


@functools.lru_cache(maxsize=1024)
def _own(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@functools.cache
def _general_clue() -> re.Pattern[str]:
    return any_clue(GENERAL)


def _search(profile: Profile, text: str) -> tuple[FailureClass, str] | None:
    """The first class whose pattern is in the folded `text`, the profile's own patterns first."""
    if not text:
        return None
    lowered = text.lower()
    for each in ORDER:
        if any(_own(pattern).search(text) for pattern in profile.errors.patterns.get(each, ())):
            return each, _refined(each, lowered)
    if lowered.isascii() and _general_clue().search(lowered) is None:
        return None
    for sign in GENERAL:
        if is_there(sign, lowered):
            return sign.failure_class, sign.code
    return None


def _refined(failure_class: FailureClass, lowered: str) -> str:
    """The code for a class that a profile's pattern found: a profile says none."""
    for sign in GENERAL:
        if sign.failure_class is failure_class and is_there(sign, lowered):
            return sign.code
    return _CLASS_CODES[failure_class]


def _summary(
    profile: Profile,
    failure_class: FailureClass,
    exit_code: int | None,
    signal: str,
    output: TurnOutput,
    stderr_tail: str,
) -> str:
    """One line for people: the CLI's own words where it has any."""
    ended = output.ended.message if output.ended is not None and output.ended.is_error else ""
    for text in (ended, output.error_text, stderr_tail):
        lines = [
            line.strip()
            for line in safe_to_show(text[-_WINDOW_CHARS:]).splitlines()
            if line.strip()
        ]
        if lines:
            return _telling(profile, failure_class, lines)
    if signal:
        return f"ended by {signal}"
    if exit_code:
        return f"ended with exit code {exit_code} and said nothing"
    return "ended without an answer"


def _telling(profile: Profile, failure_class: FailureClass, lines: Sequence[str]) -> str:
    """The newest line that speaks of this class, else the newest that has a word and tells what
    happened, not where.
    """
    own = [_own(pattern) for pattern in profile.errors.patterns.get(failure_class, ())]
    signs = [each for each in GENERAL if each.failure_class is failure_class]
    newest = lines[-_SUMMARY_LINES:][::-1]
    for line in newest:
        lowered = line.lower()
        if any(is_there(sign, lowered) for sign in signs) or any(each.search(line) for each in own):
            return line
    worded = [line for line in newest if re.search(r"\w", line)]
    return next((line for line in worded if not is_frame(line)), (*worded, lines[-1])[0])


def _evidence(output: TurnOutput, stderr_tail: str) -> str:
    """Everything that may explain it, the most telling last: an excerpt keeps the end."""
    ended = output.ended.message if output.ended is not None and output.ended.is_error else ""
    parts = (stderr_tail, output.error_text, ended if ended not in output.error_text else "")
    return "\n".join(part.strip() for part in parts if part.strip())
