"""The wall clock, and how a moment is written."""

import datetime


def utc_now() -> datetime.datetime:
    """The time of the wall clock, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def utc_stamp(at: datetime.datetime, timespec: str = "milliseconds") -> str:
    """An aware time in UTC as ISO 8601 with `Z`; `timespec` is that of `isoformat`."""
    return at.astimezone(datetime.UTC).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"
