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

import attrs

from aimux.model import Failure, FailureClass, Profile, Reading

from ._redact import excerpt, harmless, redact

ORDER: Final = (
    FailureClass.QUOTA,
    FailureClass.MODEL_UNAVAILABLE,
    FailureClass.AUTH,
    FailureClass.TRANSIENT,
    FailureClass.USAGE,
    FailureClass.FATAL,
)
RETRYABLE: Final = frozenset({FailureClass.QUOTA, FailureClass.TRANSIENT, FailureClass.TIMEOUT})
CONTEXT_OVERFLOW: Final = "context_overflow"
SESSION_LOST: Final = "native_session_lost"

_SUMMARY_CHARS: Final = 300
_SUMMARY_LINES: Final = 40  # the newest; looked through for the telling one
_ANSWER_CHARS: Final = 2_000  # a longer answer is no error text
_WINDOW_CHARS: Final = 8_000  # the newest evidence; patterns run over no more
_SPACE: Final = re.compile(r"\s+")
_STATUS: Final = (
    r"\b(?:https?(?:/[\d.]+)?|status(?:[ _]?code)?|error(?: code)?|code|rejected)"
    r"[\"']?[ :=(\[]{1,4}[\"']?"
)


@attrs.frozen
class _Sign:
    """A general pattern, in lower case."""

    failure_class: FailureClass
    code: str
    clues: str  # words apart by |, one of which must be there for the pattern to be worth trying
    pattern: str


def _status(*numbers: str) -> str:
    return rf"{_STATUS}(?:{'|'.join(numbers)})\b(?![.,]?\d)"


_GENERAL: Final = (
    _Sign(
        FailureClass.FATAL,
        CONTEXT_OVERFLOW,
        "prompt|input|context|token",
        r"\bprompt (?:is )?too long|\bprompt_too_long\b|\binput is too long\b"
        r"|\bran out of room in the model\S* context"
        r"|\bcontext ?(?:window ?)?overflow|\bcontext[ _](?:length|window)[ _]exceeded"
        r"|\bmaximum context length\b|\bhas hit a token limit\b"
        r"|\bexceeds? the maximum number of (?:input )?tokens"
        r"|\bexceeds? (?:the |its )?(?:model\S* )?(?:effective )?context (?:window|length|limit)",
    ),
    _Sign(
        FailureClass.QUOTA,
        "quota_exhausted",
        "quota|credit|limit",
        r"\bexhausted your (?:\w+ )?quota|\bquota[ _](?:is )?(?:exceeded|exhausted)"
        r"|\bexceeded (?:your|the) (?:current )?quota|\binsufficient[_ ](?:quota|credits?)\b"
        r"|\bcredit balance is too low|\bout of credits?\b"
        r"|\busage limit (?:has been )?(?:reached|exceeded)"
        r"|\b(?:hit|reached|exceeded) your (?:\S+ ){0,3}limit\b|\bbilling (?:hard )?limit",
    ),
    _Sign(
        FailureClass.QUOTA,
        "rate_limited",
        "limit|too many|exhausted|429",
        r"\brate[ _-]?limit(?:s|ed|error|ing|_\w+)?\b|\btoo many requests\b"
        r"|\bresource[ _](?:has been )?exhausted\b|\busage limit\b|" + _status("429"),
    ),
    _Sign(
        FailureClass.MODEL_UNAVAILABLE,
        "model_unavailable",
        "model|api version|auth_unavailable|auth provider",
        r"\bmodel_?not_?found|\bis not found for api version\b"
        r"|(?<![\w-])model(?! metadata)\b(?:[^.]|\.\S){0,80}?\b(?:not found|does not exist"
        r"|not available|not enabled|not supported|not authori[sz]ed|access denied"
        r"|decommissioned)\b"
        r"|\b(?:not authori[sz]ed|access denied|no access)\b(?:[^.]|\.\S){0,40}?\bmodel\b"
        r"|\bissue with the selected model\b|\b(?:invalid|no such) model\b"
        r"|\bunknown model\b(?! \S+: using)|\bauth_unavailable\b|\bno auth providers\b",
    ),
    _Sign(
        FailureClass.AUTH,
        "not_authenticated",
        "key|auth|log|sign|token|session expired|environment|provider|access denied|401|403",
        r"\b(?:invalid|incorrect|missing|expired)[ _](?:x-)?api[ _-]?key\b|\bapi key not valid\b"
        r"|\bapi[ _]key (?:is |was )?(?:missing|required|invalid|expired|not (?:set|found))\b"
        r"|\bapi_key client option must be set\b|\bmust specify the \w+_api_key\b"
        r"|\b(?:missing )?environment variable\b.{0,60}?(?:_key\b|_token\b)"
        r"|\bmissing environment variable\b|\bnot logged in\b|\b(?:please )?run /login\b"
        r"|\b(?:please |must )(?:log|sign) ?in\b|\blog ?in (?:is )?(?:required|expired)\b"
        r"|\bunauthori[sz]ed\b|\bauthentication_?error\b|\bauthentication (?:failed|error)\b"
        r"|\b(?:oauth |access |auth )?token (?:has |is )?expired\b|\bsession expired\b"
        r"|\bno auth type\b|\bno provider configured\b|\baccess denied\b|" + _status("401", "403"),
    ),
    _Sign(
        FailureClass.TRANSIENT,
        "server_error",
        "server|overload|demand|unavailable|gateway|status|error|code|http|rejected",
        r"\binternal ?server ?error\b|\boverloaded(?:_error)?\b|\bexperiencing high demand\b"
        r"|\bservice unavailable\b|\btemporarily unavailable\b|\bbad gateway\b"
        r"|\bgateway time-?out\b|\bserver error\b|\bserver had an error\b|"
        + _status("500", "502", "503", "504", "520", "522", "524", "529", "408"),
    ),
    _Sign(
        FailureClass.TRANSIENT,
        "network",
        "conn|etime|enotf|eai_|epipe|hang up|fetch|network|resolution|addrinfo|stream|time",
        r"\bconnection ?(?:was |is )?(?:refused|reset|aborted|closed|error|failed"
        r"|timed out|timeout)\b"
        r"|\be(?:connrefused|connreset|connaborted|timedout|notfound|ai_again|pipe)\b"
        r"|\bsocket hang up\b|\bfetch failed\b|\bnetwork (?:error|is unreachable)\b"
        r"|\b(?:dns|name) resolution\b|\bgetaddrinfo\b|\b(?:unable to|could not|can't) connect\b"
        r"|\bstream (?:disconnected|closed|ended without a)\b|\bwaiting for network\b"
        r"|\b(?:request |read )?timed out\b|\btimeout\b",
    ),
    _Sign(
        FailureClass.TRANSIENT,
        "empty_answer",
        "empty response|without any output",
        r"\b(?:returned|received) (?:an )?empty response\b|\bempty response (?:received|text)\b"
        r"|\bended without any output\b",
    ),
    _Sign(
        FailureClass.USAGE,
        "cli_setup",
        "trusted|root|git",
        r"\bnot (?:running )?in(?:side)? a trusted directory\b"
        r"|\bcannot be used with root\b|\bnot a git repository\b",
    ),
    _Sign(
        FailureClass.USAGE,
        "bad_flags",
        "option|argument|flag|command|prompt|input|invalid|provide",
        r"\b(?:unknown|unexpected|unrecogni[sz]ed) (?:option|argument|flag|command|subcommand)s?\b"
        r"|\bno such (?:option|command)\b|\binvalid (?:option|argument|--[\w-]+|value for)\b"
        r"|\ba prompt is required\b|\binput must be provided\b|\bno input provided\b"
        r"|\brequires a prompt\b|\bmust provide (?:a message|either)\b",
    ),
    _Sign(
        FailureClass.FATAL,
        SESSION_LOST,
        "found|session",
        r"\bno (?:saved )?(?:conversation|session|rollout) found\b|\binvalid session identifier\b"
        r"|\bsession (?:\S+ ){0,2}not found\b|\bno such session\b",
    ),
    _Sign(
        FailureClass.FATAL,
        "tools_denied",
        "permission|approval|rejecting",
        r"\binsufficient permission to proceed\b|\btool approval required\b|\bauto-rejecting\b",
    ),
    _Sign(
        FailureClass.FATAL,
        "max_turns",
        "reached|exceeded",
        r"\b(?:reached|exceeded) (?:the )?max(?:imum)? (?:number of )?(?:session )?turns\b"
        r"|\breached the maximum number of actions\b",
    ),
    _Sign(
        FailureClass.FATAL,
        "policy_refused",
        "policy|filter|safety|polic",
        r"\bcontent policy\b|\bcontent_filter\b|\b(?:blocked|flagged) (?:by|for) (?:\S+ )?safety\b"
        r"|\bviolates? (?:our |the )?usage polic",
    ),
)
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
    reading: Reading,
    stderr_tail: str,
) -> Failure:
    """The failure of a turn that gave no usable answer; UNKNOWN where nothing is recognised."""
    found = recognise(profile, exit_code, reading, stderr_tail)
    if found is None:
        code = "killed_by_signal" if signal else "turn_failed"
        found = (FailureClass.UNKNOWN, code)
    return failure(
        profile,
        *found,
        message=_summary(profile, found[0], exit_code, signal, reading, stderr_tail),
        evidence=_evidence(reading, stderr_tail),
    )


def interrupted(
    profile: Profile, reading: Reading, stderr_tail: str, *, code: str, message: str
) -> Failure:
    """The failure of a turn that we ended (silence, a cap): the class last seen, else a timeout."""
    found = recognise(profile, None, reading, stderr_tail)
    if found is None:
        found = (FailureClass.TIMEOUT, code)
    return failure(profile, *found, message=message, evidence=_evidence(reading, stderr_tail))


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
    profile: Profile, exit_code: int | None, reading: Reading, stderr_tail: str
) -> tuple[FailureClass, str] | None:
    """Class and code that the evidence speaks of, or None. Says nothing about whether it failed."""
    structured = list(_structured(reading))
    for text in structured:
        found = _search(profile, text)
        if found is not None:
            return found
    if reading.error_code in _STATUS_CLASSES:
        return _STATUS_CLASSES[reading.error_code]
    for each in ORDER:
        if exit_code is not None and exit_code in profile.errors.exit_codes.get(each, ()):
            return each, _CLASS_CODES[each]
    rest = [stderr_tail]
    if not structured and len(reading.answer) <= _ANSWER_CHARS:
        rest.append(reading.answer)
    for text in map(_folded, rest):
        found = _search(profile, text)
        if found is not None:
            return found
    return None


# ------------------------------------------------------------------------------------------- parts


def _structured(reading: Reading) -> Iterator[str]:
    """What the CLI called an error, newest first and by weight."""
    if reading.ended is not None and reading.ended.is_error:
        for text in (reading.ended.message, reading.ended.reason):
            if text:
                yield _folded(text)
    if reading.error_text:
        yield _folded(reading.error_text)
    if reading.error_code and reading.error_code not in _STATUS_CLASSES:
        yield _folded(reading.error_code)


def _folded(text: str) -> str:
    return _SPACE.sub(" ", harmless(text[-_WINDOW_CHARS:]))


@functools.cache
def _compiled(sign: _Sign) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile(sign.pattern)


@functools.lru_cache(maxsize=1024)
def _own(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _search(profile: Profile, text: str) -> tuple[FailureClass, str] | None:
    """The first class whose pattern is in the folded `text`, the profile's own patterns first."""
    lowered = text.lower()
    for each in ORDER:
        if any(_own(pattern).search(text) for pattern in profile.errors.patterns.get(each, ())):
            return each, _refined(each, lowered)
    for sign in _GENERAL:
        if _is_there(sign, lowered):
            return sign.failure_class, sign.code
    return None


def _is_there(sign: _Sign, lowered: str) -> bool:
    return any(clue in lowered for clue in sign.clues.split("|")) and bool(
        _compiled(sign).search(lowered)
    )


def _refined(failure_class: FailureClass, lowered: str) -> str:
    """The code for a class that a profile's pattern found: a profile says none."""
    for sign in _GENERAL:
        if sign.failure_class is failure_class and _is_there(sign, lowered):
            return sign.code
    return _CLASS_CODES[failure_class]


def _summary(
    profile: Profile,
    failure_class: FailureClass,
    exit_code: int | None,
    signal: str,
    reading: Reading,
    stderr_tail: str,
) -> str:
    """One line for people: the CLI's own words where it has any."""
    ended = reading.ended.message if reading.ended is not None and reading.ended.is_error else ""
    for text in (ended, reading.error_text, stderr_tail):
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
    signs = [each for each in _GENERAL if each.failure_class is failure_class]
    newest = lines[-_SUMMARY_LINES:][::-1]
    for line in newest:
        lowered = line.lower()
        if any(_is_there(sign, lowered) for sign in signs) or any(
            each.search(line) for each in own
        ):
            return line
    return next((line for line in newest if re.search(r"\w", line)), lines[-1])


def _evidence(reading: Reading, stderr_tail: str) -> str:
    """Everything that may explain it, the most telling last: an excerpt keeps the end."""
    ended = reading.ended.message if reading.ended is not None and reading.ended.is_error else ""
    parts = (stderr_tail, reading.error_text, ended if ended not in reading.error_text else "")
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
