"""Whether a name and the text it is set to look like a secret in the source.

A name tells: its last word is that of a secret (`api_key`, `smtpPassword`). What the text looks
like tells the rest: a header's name, a path, a sentence and a stand-in are none.
"""

import re
from typing import Final

MIN_CHARS: Final = 8
_NAME: Final = re.compile(
    r"(?:.*_)?(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api_?key|(?:signing|secret|private"
    r"|access|auth|encryption|master)_?key|credentials?)",
    re.IGNORECASE,
)
_STAND_IN: Final = re.compile(
    r"example|placeholder|change.?me|your|dummy|fake|redacted|sample|default|x{4}|\*{3}|\.{3}|test"
    r"|[<{$%]|not.?set|none|null|todo",
    re.IGNORECASE,
)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret(name: str, text: str) -> bool:
    """Whether `name` set to `text` gives a secret away."""
    plain = _HUMP.sub("_", name.strip("\"'`")).replace("-", "_")
    if _NAME.fullmatch(plain) is None or len(text) < MIN_CHARS or _STAND_IN.search(text):
        return False
    if re.search(r"\s|^[./~]|://|^[\w.-]+\.(?:ya?ml|json|txt|pem|key|env)$", text):
        return False
    has_digit, has_letter = re.search(r"\d", text), re.search(r"[A-Za-z]", text)
    return bool(has_digit and has_letter)
