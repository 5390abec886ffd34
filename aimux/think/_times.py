"""Points in time and spans as people write them, as seconds."""

import datetime
import re
from typing import Final

UNITS: Final = {
    "second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "week": 604_800.0,
    "month": 2_629_800.0, "quarter": 7_889_400.0, "year": 31_557_600.0, "sprint": 1_209_600.0,
}  # fmt: skip
_SPAN: Final = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,6}})?)\s*({'|'.join(UNITS)})s?\b", re.IGNORECASE)
_PART: Final = re.compile(
    r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?"
)
_ISO_UNITS: Final = ("year", "month", "week", "day", "hour", "minute", "second")


def moment(text: str) -> float | None:
    """A time as seconds: a number as it is, an ISO 8601 date or time since 1970, else None."""
    text = text.strip()
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text):
        return float(text)
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return at.timestamp()


def span(text: str) -> float | None:
    """The length of time a text names, such as `6 weeks` or `P1Y2M`; None if it names none."""
    found = _PART.fullmatch(text.strip())
    if found and any(found.groups()):
        return sum(
            float(value) * UNITS[unit]
            for value, unit in zip(found.groups(), _ISO_UNITS, strict=True)
            if value
        )
    parts = _SPAN.findall(text)
    return sum(float(value) * UNITS[unit.lower()] for value, unit in parts) if parts else None
