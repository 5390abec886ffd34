"""The stores that hold the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from aimux.store import Store, open_store
from aimux.testing import FakeStore


@pytest.fixture(params=["file", "memory", "fake"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store of owner "one": in a file, in memory, and the fake."""
    if request.param == "fake":
        yield FakeStore()
        return
    path = tmp_path / "state" / "sessions.db" if request.param == "file" else None
    with trio.fail_after(30):
        async with open_store(path, owner="one") as made:
            yield made
