"""Times as columns, and the opaque place in a listing."""

import base64
import binascii
import datetime
from typing import Final

from aimux.errors import InvalidArguments

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_TICK: Final = datetime.timedelta(microseconds=1)


def to_us(at: datetime.datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _TICK


def from_us(us: int) -> datetime.datetime:
    """The time `to_us` counted."""
    return _EPOCH + us * _TICK


def maybe_us(at: datetime.datetime | None) -> int | None:
    """`to_us`, and None for no time."""
    return None if at is None else to_us(at)


def maybe_at(us: int | None) -> datetime.datetime | None:
    """`from_us`, and None for no time."""
    return None if us is None else from_us(us)


def to_cursor(us: int, number: int) -> str:
    """The place after a row, as callers carry it."""
    return base64.urlsafe_b64encode(f"{us:x}.{number:x}".encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> tuple[int, int]:
    """The place `to_cursor` named.

    Raises:
        InvalidArguments: it is not a cursor of ours.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        us, number = text.decode("ascii").split(".")
        return int(us, 16), int(number, 16)
    except (binascii.Error, ValueError) as fault:
        problem = {"path": "cursor", "value": cursor[:80], "expected": "a cursor from a listing"}
        msg = f"cursor {cursor[:80]!r} is not from a listing"
        raise InvalidArguments(msg, problems=[problem]) from fault
