"""Confidence as people say it: a number, a percentage or a word."""

import re
from typing import Final

WORDS: Final = {
    "exploring": 0.1, "low": 0.2, "medium": 0.5, "high": 0.7, "very_high": 0.85, "certain": 0.95,
}  # fmt: skip


def level(confidence: float | str | None, warnings: list[str]) -> float | None:
    """A confidence between 0 and 1; None for none. What is no confidence is told and left out."""
    if confidence is None or confidence == "":
        return None
    if isinstance(confidence, str):
        plain = re.sub(r"[\s-]+", "_", confidence.lower())
        if plain in WORDS:
            return WORDS[plain]
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?%?", plain):
            said = confidence[:40]
            warnings.append(f"confidence {said!r}: expected 0 to 1 or {', '.join(WORDS)}")
            return None
        is_percent = plain.endswith("%")
        confidence = float(plain.removesuffix("%")) / (100 if is_percent else 1)
    if 0 <= confidence <= 1:
        return float(confidence)
    warnings.append(f"confidence {confidence:g} lies outside 0 to 1")
    return 1.0 if confidence > 1 else 0.0
