"""Why a turn failed: one class, a stable code, what to do.

Evidence is read in the order of its worth: what the CLI itself called an error, its exit code, its
stderr, and last its answer (some CLIs print errors there). In each the profile's own patterns come
before the general ones, and the classes in the order of the design: quota, model, auth, transient,
usage, fatal. One exception: a prompt that is too long is recognised first, because its texts speak
of limits and tokens like those of a quota.

Patterns see text with all white space folded, since CLIs wrap their messages. A number counts only
where it is a status (`429` in a path or a line count is none), and words only whole (`auth` is not
in `author`).
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aimux.model import Failure, FailureClass, Profile, TurnOutput

from ._redact import excerpt, harmless, redact
from ._signs import CONTEXT_OVERFLOW, GENERAL, SESSION_LOST, is_there

ORDER: Final = (
    FailureClass.QUOTA,
    FailureClass.MODEL_UNAVAILABLE,
    FailureClass.AUTH,
    FailureClass.TRANSIENT,
    FailureClass.USAGE,
    FailureClass.FATAL,
)
RETRYABLE: Final = frozenset({FailureClass.QUOTA, FailureClass.TRANSIENT, FailureClass.TIMEOUT})

_SUMMARY_CHARS: Final = 300
_SUMMARY_LINES: Final = 40  # the newest; looked through for the telling one
_ANSWER_CHARS: Final = 2_000  # a longer answer is no error text
_WINDOW_CHARS: Final = 8_000  # the newest evidence; patterns run over no more
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
    found = recognise(profile, exit_code, output, stderr_tail)
    if found is None:
        code = "killed_by_signal" if signal else "turn_failed"
        found = (FailureClass.UNKNOWN, code)
    return failure(
        profile,
        *found,
        message=_summary(profile, found[0], exit_code, signal, output, stderr_tail),
        evidence=_evidence(output, stderr_tail),
    )


def interrupted(
    profile: Profile, output: TurnOutput, stderr_tail: str, *, code: str, message: str
) -> Failure:
    """The failure of a turn that we ended (silence, a cap): the class last seen, else a timeout."""
    found = recognise(profile, None, output, stderr_tail)
    if found is None:
        found = (FailureClass.TIMEOUT, code)
    return failure(profile, *found, message=message, evidence=_evidence(output, stderr_tail))


def failure(
    profile: Profile, failure_class: FailureClass, code: str, *, message: str, evidence: str = ""
) -> Failure:
    """A failure with everything that follows from its class; `message` and `evidence` are made
    safe to show.
    """
    said = _SPACE.sub(" ", harmless(redact(message))).strip()
    if len(said) > _SUMMARY_CHARS:  # a line says what matters first
        said = said[: _SUMMARY_CHARS - 1] + "…"
    return Failure(
        failure_class=failure_class,
        code=code or _CLASS_CODES[failure_class],
        message=f"{profile.name}: {said}",
        retryable=failure_class in RETRYABLE,
        excerpt=excerpt(evidence),
        hint=_hint(profile, failure_class, code),
    )


def recognise(
    profile: Profile, exit_code: int | None, output: TurnOutput, stderr_tail: str
) -> tuple[FailureClass, str] | None:
    """Class and code that the evidence speaks of, or None. Says nothing about whether it failed."""
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
    return _SPACE.sub(" ", harmless(text[-_WINDOW_CHARS:]))


@functools.lru_cache(maxsize=1024)
def _own(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _search(profile: Profile, text: str) -> tuple[FailureClass, str] | None:
    """The first class whose pattern is in the folded `text`, the profile's own patterns first."""
    lowered = text.lower()
    for each in ORDER:
        if any(_own(pattern).search(text) for pattern in profile.errors.patterns.get(each, ())):
            return each, _refined(each, lowered)
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
            for line in harmless(redact(text[-_WINDOW_CHARS:])).splitlines()
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
    """The newest line that speaks of this class, else the newest that has a word."""
    own = [_own(pattern) for pattern in profile.errors.patterns.get(failure_class, ())]
    signs = [each for each in GENERAL if each.failure_class is failure_class]
    newest = lines[-_SUMMARY_LINES:][::-1]
    for line in newest:
        lowered = line.lower()
        if any(is_there(sign, lowered) for sign in signs) or any(each.search(line) for each in own):
            return line
    return next((line for line in newest if re.search(r"\w", line)), lines[-1])


def _evidence(output: TurnOutput, stderr_tail: str) -> str:
    """Everything that may explain it, the most telling last: an excerpt keeps the end."""
    ended = output.ended.message if output.ended is not None and output.ended.is_error else ""
    parts = (stderr_tail, output.error_text, ended if ended not in output.error_text else "")
    return "\n".join(part.strip() for part in parts if part.strip())


def _hint(profile: Profile, failure_class: FailureClass, code: str) -> str:
    name = profile.display_name or profile.name
    match failure_class:
        case FailureClass.QUOTA:
            return "wait for the limit to reset, or name another model or cli"
        case FailureClass.MODEL_UNAVAILABLE:
            return f"name a model that {name} offers to this account, or leave model out"
        case FailureClass.AUTH:
            return profile.errors.login_hint or f"log in to {name}, or set its API key"
        case FailureClass.TRANSIENT:
            return "try again; if it lasts, check the network and the vendor's status"
        case FailureClass.USAGE:
            return f"the profile of {name} does not fit this version: see `aimux doctor`"
        case FailureClass.FATAL if code == CONTEXT_OVERFLOW:
            return "shorten the prompt, start a new session, or name a model with more context"
        case FailureClass.FATAL if code == SESSION_LOST:
            return "start a new session: the CLI no longer knows this one"
        case FailureClass.TIMEOUT:
            return "give it more time (timeout_seconds), or ask for less at once"
        case _:
            return ""
