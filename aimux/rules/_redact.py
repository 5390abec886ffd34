"""Secrets masked and control characters made harmless, before anything is cut, kept or shown.

Specific formats come before generic ones, so that a mask names the vendor it hides; masking comes
before truncating, so that no half of a key survives at an edge.
"""

import functools
import re
from typing import Final

EXCERPT_CHARS: Final = 2_000
_WINDOW_CHARS: Final = 16_000  # looked at for an excerpt: the tail, with room for a cut key

_IS: Final = r"(?P<keep>[\"']?\s*[:=]\s*[\"']?)"
# label, clue, format: a format is only tried where its clue stands in the lower-cased text
_FORMATS: Final = (
    (
        "private-key",
        "private key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    ),
    ("anthropic", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    ("openrouter", "sk-or-", r"sk-or-[A-Za-z0-9_-]{8,}"),
    ("openai-project", "sk-proj-", r"sk-proj-[A-Za-z0-9_-]{8,}"),
    ("openai-service", "sk-svcacct-", r"sk-svcacct-[A-Za-z0-9_-]{8,}"),
    ("openai-admin", "sk-admin-", r"sk-admin-[A-Za-z0-9_-]{8,}"),
    ("openai", "sk-", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("google", "aiza", r"\bAIza[A-Za-z0-9_-]{30,}"),
    ("google-oauth", "ya29.", r"\bya29\.[A-Za-z0-9_-]{10,}"),
    ("github", "gh", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    ("github", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab", "glpat-", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("groq", "gsk_", r"\bgsk_[A-Za-z0-9]{20,}"),
    ("huggingface", "hf_", r"\bhf_[A-Za-z0-9]{20,}"),
    ("slack", "xox", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    ("aws", "akia", r"\bAKIA[A-Z0-9]{16}\b"),
    ("aws", "asia", r"\bASIA[A-Z0-9]{16}\b"),
    ("jwt", "eyj", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
    ("url-password", "://", r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    (
        "authorization",
        "authorization",
        rf"(?i)(?<=authorization){_IS}(?:(?:basic|bearer|token)\s+)?[^\s\"',;\[]+",
    ),
    ("bearer", "bearer", r"(?i)\bbearer(?P<keep>\s+)(?!token\b)[A-Za-z0-9._~+/=-]{8,}"),
    ("api-key", "x-api-key", rf"(?i)(?<=x-api-key){_IS}[^\s\"',;\[]+"),
    *(
        ("value", clue, rf"(?i)(?P<name>{name}){form}")
        for clue, name in (
            ("key", "API_?KEY"),
            ("token", "TOKEN"),
            ("secret", "SECRET"),
            ("passw", "PASSWORD|PASSWD"),
        )
        for form in (
            r"(?P<keep>[\"']?\s*[:=]\s*\")(?:[^\"\\]|\\.)+",
            r"(?P<keep>[\"']?\s*[:=]\s*')[^'\[]+",
            r"(?P<keep>=|:\s*)[^\s\"',;\[]+",
        )
    ),
)
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
    for number, (label, clue, _) in enumerate(_FORMATS):
        if clue in lowered:
            text = _compiled(number).sub(functools.partial(_mask, label), text)
    return text


@functools.cache
def _compiled(number: int) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile(_FORMATS[number][2])


def _mask(label: str, found: re.Match[str]) -> str:
    groups = found.groupdict()
    head = groups.get("name") or ("Bearer" if label == "bearer" else "")
    return f"{head}{groups.get('keep') or ''}[REDACTED:{label}]"


def harmless(text: str, *, is_line: bool = False) -> str:
    """`text` without terminal sequences; other control characters are shown as escapes.

    Line feeds and tabs stay, unless `is_line`: then the result is one line of a log.
    """
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    text = _CONTROL.sub(_escape, text)
    return _LINE_BREAKS.sub(_escape, text) if is_line else text


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
    shown = harmless(redact(window)).strip()
    if len(shown) <= max_chars:
        return shown
    return "…" + shown[len(shown) - max_chars + 1 :]
