"""A job in the background belongs to the daemon, not to the client that started it."""

from pathlib import Path

import pytest

from ..daemon._world import make_world, open_host
from ..e2e._host import codes

pytestmark = pytest.mark.slow


@pytest.mark.requirement("tools:background")
async def test_a_background_job_outlives_its_client(tmp_path: Path) -> None:
    """The next client sends the call that the first was given, and gets the answer."""
    for world in make_world(tmp_path / "machine", idle_exit_seconds=30):
        async with open_host(world) as host:
            begun = await host.call("background", prompt="[[sleep 2]] [[say 3]]", cli="codex")
        data = begun["data"]
        assert isinstance(data, dict)
        call = data["status"]
        async with open_host(world) as host:
            after = await host.call(call["tool"], **call["arguments"])

        assert begun["status"] == "running"
        assert "tied_to_client" not in codes(begun)
        assert (after["job_id"], after["status"]) == (begun["job_id"], "completed")
