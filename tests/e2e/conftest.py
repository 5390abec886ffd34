"""One machine and one server per module; tests attach to it one after the other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ._guided import SEEN
from ._host import Host, Server, attach, start_server
from ._stand import Stand, make_stand


@pytest.fixture(autouse=True)
def reached(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that says which states it reaches has seen them over MCP."""
    SEEN.states.clear()
    yield
    wanted = {str(each) for mark in request.node.iter_markers("reaches") for each in mark.args}
    assert wanted - SEEN.states == set(), sorted(SEEN.states)


@pytest.fixture(scope="module")
def module_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of the module's own."""
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine with all twelve emulators."""
    return make_stand(module_dir / "machine")


@pytest.fixture(scope="module")
def server(stand: Stand) -> Iterator[Server]:
    """The module's server; when it has left, so has everything it started."""
    with start_server(stand.env, stand.project(), stand.root / "stderr") as started:
        yield started
    assert stand.survivors() == {}


@pytest.fixture
async def host(server: Server) -> AsyncIterator[Host]:
    """A connection to the module's server."""
    async with attach(server) as attached:
        yield attached
