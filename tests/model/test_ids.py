"""Identifiers sort by birth and carry all of their random bits."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import ulid

RANDOM = st.binary(min_size=10, max_size=10)


def test_an_id_is_as_the_specification_shows() -> None:
    """The time of the example in the ULID specification, and both ends of the random part."""
    assert ulid(1469918176385, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert ulid(1469918176385, b"\xff" * 10) == "01ARYZ6S41" + "Z" * 16


@given(st.integers(0, 2**48 - 2), RANDOM, RANDOM)
def test_later_ids_sort_behind(millis: int, first: bytes, second: bytes) -> None:
    assert ulid(millis, first) < ulid(millis + 1, second)
    assert (ulid(millis, first) < ulid(millis, second)) is (first < second)
    assert len(ulid(millis, first)) == 26


@pytest.mark.parametrize("size", [0, 9, 11])
def test_another_amount_of_chance_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"entropy of {size} bytes: a ULID takes 10"):
        ulid(0, bytes(size))
