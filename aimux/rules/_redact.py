"""Secrets masked and control characters made harmless, before anything is cut, kept or shown.

Masking comes before truncating, so that no half of a key survives at an edge. Formats of vendors
and named values are a table; what has neither (the secret half of an AWS key is forty characters of
base64) is told by its place beside a key id, or by looking like nothing that people or programs
write: not a path, a name, a hash or a line of a longer block.
"""

import functools
import itertools
import re
from typing import Final

from ._secret_shapes import SHAPES

EXCERPT_CHARS: Final = 2_000
_WINDOW_CHARS: Final = 16_000  # looked at for an excerpt: the tail, with room for a cut key
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_AWS_ID: Final = re.compile(r"\[REDACTED:aws\]")
_BESIDE_CHARS: Final = 200  # between the halves of a key
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_SMALL: Final = re.compile(r"[a-z]+")
_BLOCK_LINE: Final = re.compile(r"[A-Za-z0-9+/]{60,}\s*\n\Z")
# What random text has, and names, paths and words have not.
_RANDOM_CHANGES: Final = 14  # of the kind of character, at least; 25 of 39 in the mean
_RANDOM_LOWER: Final = 2.5  # small letters in a row, in the mean; words have more
_RANDOM_SLASHES: Final = 3  # at most
_RANDOM_VOWELS: Final = 0.4  # of the letters, at most
_ANSI: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    # OSC, DCS, SOS, PM, APC: one that is never ended hides its line, not all that follows
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\|(?=\n)|\Z)"
    r"|\x1b[ -/]*[0-~]"  # two and three characters
)
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LINE_BREAKS: Final = re.compile(r"[\n\t]")


def redact(text: str) -> str:
    """`text` with every known kind of secret replaced by `[REDACTED:<label>]`; idempotent."""
    lowered = text.lower()
    for number, shape in enumerate(SHAPES):
        if shape.clue in lowered:
            text = _compiled(number).sub(functools.partial(_mask, shape.label), text)
    return _AWS_SECRET.sub(_mask_aws, text)


@functools.cache
def _compiled(number: int) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile(SHAPES[number].pattern)


def _mask(label: str, found: re.Match[str]) -> str:
    groups = found.groupdict()
    head = groups.get("name") or ("Bearer" if label == "bearer" else "")
    return f"{head}{groups.get('keep') or ''}[REDACTED:{label}]"


def _mask_aws(found: re.Match[str]) -> str:
    """The secret half of a key, if it is one."""
    run, text = found[0], found.string
    if _HEX.fullmatch(run):
        return run
    beside = text[max(0, found.start() - _BESIDE_CHARS) : found.end() + _BESIDE_CHARS]
    if _AWS_ID.search(beside) or _is_random(run, text[: found.start()]):
        return "[REDACTED:aws-secret]"
    return run


def _is_random(run: str, before: str) -> bool:
    kinds = [_kind(each) for each in run]
    letters = [each for each in run.lower() if each.isalpha()]
    rows = [len(each) for each in _SMALL.findall(run)]
    return (
        {"digit", "upper", "lower"} <= {*kinds}
        and sum(one != other for one, other in itertools.pairwise(kinds)) >= _RANDOM_CHANGES
        and sum(rows) <= _RANDOM_LOWER * len(rows)
        and run.count("/") <= _RANDOM_SLASHES
        and sum(each in "aeiou" for each in letters) <= _RANDOM_VOWELS * len(letters)
        and not _BLOCK_LINE.search(before[-_BESIDE_CHARS:])
    )


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if not character.isalpha():
        return "sign"
    return "upper" if character.isupper() else "lower"


def redact_bare(text: str) -> str:
    """`redact`, after every terminal sequence was taken out: one inside a key would hide it."""
    return redact(_ANSI.sub("", text))


def hides_secrets(text: str) -> bool:
    """Whether terminal sequences keep a secret from being found where it stands."""
    return "\x1b" in text and _ANSI.sub("", redact(text)) != redact_bare(text)


def harmless(text: str, *, is_line: bool = False) -> str:
    """`text` without terminal sequences; other control characters are shown as escapes.

    Line feeds and tabs stay, unless `is_line`: then the result is one line of a log.
    """
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    text = _CONTROL.sub(_escape, text)
    return _LINE_BREAKS.sub(_escape, text) if is_line else text


def safe_to_show(text: str) -> str:
    """`text` without terminal sequences and secrets; other control characters show as escapes.

    The sequences go first: one in the middle of a key would hide it.
    """
    return _CONTROL.sub(_escape, redact(_ANSI.sub("", text.replace("\r\n", "\n"))))


def harmless_json(text: str) -> str:
    """JSON text that means the same, its strings without control characters; its layout stays."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def excerpt(text: str, max_chars: int = EXCERPT_CHARS) -> str:
    """The end of `text`, redacted and harmless, at most `max_chars` characters.

    Where something was left out the excerpt starts with an ellipsis.
    """
    window = text[-(_WINDOW_CHARS + max_chars) :]
    shown = safe_to_show(window).strip()
    if len(shown) <= max_chars:
        return shown
    return "…" + shown[len(shown) - max_chars + 1 :]
