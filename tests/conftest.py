"""What every test may use."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from aimux.files.shipped import shipped

from .forks import close_forks

# the emulators that this installation carries: a wheel's are tested where a wheel is installed
sys.path.append(str(shipped("emulators").parent))

# a property holds on a slow machine too: a time limit would fail it there
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# files that take longest, then rooms that start processes: whoever is last has little left to do
FIRST: Final = (
    *("e2e/test_faults", "e2e/test_walk", "e2e/test_consensus", "console/test_jobs"),
    *("console/test_endings", "console/test_strange_homes", "console/test_traps"),
    *("e2e", "console", "daemon", "emulators", "drivers", "engine", "transports", "shim"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, where files are given to workers in this order."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    names = item.nodeid.split("::", 1)[0].removeprefix("tests/").removesuffix(".py")
    return next((at for at, first in enumerate(FIRST) if names.startswith(first)), len(FIRST))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the one way in which golden transcripts change."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what came out into tests/golden; review the diff",
    )


@pytest.fixture(scope="module", autouse=True)
def closed_forks() -> Iterator[None]:
    """What forks for commands ends with the module that used it: others count their children."""
    yield
    close_forks()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory for sockets: their names may have 104 bytes, and `tmp_path` alone has those."""
    with tempfile.TemporaryDirectory(prefix="ax") as place:
        yield Path(place).resolve()  # a link leads there on macOS
