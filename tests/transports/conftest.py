"""Machines with daemons."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..daemon._world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A machine of the test's own; no daemon runs yet. No heartbeat comes between events."""
    yield from make_world(tmp_path / "machine", progress_interval_seconds=30)
