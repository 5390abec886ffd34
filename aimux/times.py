"""The wall clock, and how a moment is written."""

import datetime
from typing import Final

MAX_AGE_HOURS: Final = 1_000_000  # a century: dates before the year 1 cannot be reckoned with


def utc_now() -> datetime.datetime:
    """The time of the wall clock, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def utc_stamp(at: datetime.datetime, timespec: str = "milliseconds") -> str:
    """An aware time in UTC as ISO 8601 with `Z`; `timespec` is that of `isoformat`."""
    return at.astimezone(datetime.UTC).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"
