"""Times are UTC and written with Z."""

import datetime

import pytest

from aimux.times import utc_now, utc_stamp

AT = datetime.datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("at", "timespec", "stamp"),
    [
        (AT, "milliseconds", "2026-03-01T12:00:00.250Z"),
        (AT, "microseconds", "2026-03-01T12:00:00.250000Z"),
        (AT.replace(microsecond=0), "auto", "2026-03-01T12:00:00Z"),
        (
            AT.astimezone(datetime.timezone(datetime.timedelta(hours=2))),
            "milliseconds",
            "2026-03-01T12:00:00.250Z",
        ),
    ],
)
def test_a_stamp_is_utc_with_z(at: datetime.datetime, timespec: str, stamp: str) -> None:
    assert utc_stamp(at, timespec) == stamp
    assert datetime.datetime.fromisoformat(stamp) == at


def test_now_is_aware() -> None:
    assert utc_now().utcoffset() == datetime.timedelta(0)
