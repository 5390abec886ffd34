"""What the system says of a store, in words that lead somewhere."""

import errno
import os
from pathlib import Path

import pytest

from aimux.errors import StoreUnavailable
from aimux.store._faults import translated


@pytest.mark.parametrize(
    ("number", "code", "retryable", "way"),
    [
        (errno.ENOSPC, "store_full", True, "free space"),
        (errno.EDQUOT, "store_full", True, "free space"),
        (errno.EMFILE, "machine_exhausted", True, "ulimit"),
        (errno.ENOMEM, "machine_exhausted", True, "ulimit"),
        (errno.EACCES, "store_unwritable", False, "AIMUX_STATE_DIR"),
    ],
)
def test_what_is_used_up_is_not_called_unwritable(
    number: int, code: str, retryable: bool, way: str
) -> None:
    """A directory that is as it should be is nobody's to mend."""
    told = translated(OSError(number, os.strerror(number)), Path("/state/sessions.db"))

    assert isinstance(told, StoreUnavailable)
    assert (told.code, told.retryable) == (code, retryable)
    assert way in str(told.hint)
    assert os.strerror(number) in told.message
    assert isinstance(told.__cause__, OSError)
