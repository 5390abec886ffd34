"""The dashboard of a real daemon: opened by a link, there again after a restart."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import needs
from ._world import World, make_world

pytestmark = [pytest.mark.slow, needs.sockets]


@pytest.fixture
def world(short_path: Path) -> Iterator[World]:
    """A machine on which another program has the port of the settings."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        yield from make_world(short_path / "m", transport={"port": f"127.0.0.1:{port}"})


def aimux(world: World, *words: str) -> str:
    """What a command prints on a machine without a browser."""
    ran = subprocess.run(
        [sys.executable, "-m", "aimux", *words],
        env={**world.env, "BROWSER": os.devnull, "PATH": str(world.stand.bin)},
        cwd=world.stand.project(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def ask(url: str, *, body: object = None, token: str = "") -> tuple[int, bytes]:
    """An answer: its status and what it says."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} if data else {}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.requirement("dashboard:link")
def test_a_link_opens_the_page_once_and_a_pass_outlives_a_restart(world: World) -> None:
    """The daemon is started for it; where no browser can be, the address is printed; where the
    port is taken it is another; after a restart the page is there again by itself.
    """
    url, _, link_token = aimux(world, "dashboard").partition("#link=")
    page = ask(url)
    status, said = ask(f"{url}api/session", body={"link_token": link_token})
    again = ask(f"{url}api/session", body={"link_token": link_token})
    made = json.loads(said)["pass"]
    before = ask(f"{url}api/jobs", token=made)
    aimux(world, "daemon", "restart")
    second = aimux(world, "dashboard", "--no-open")
    after = ask(f"{url}api/jobs", token=made)
    token = (world.stand.state / "http-token").read_text(encoding="utf-8").strip()
    listed = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    tools = ask(url.replace("/dashboard/", "/mcp"), body=listed)

    assert (page[0], status, again[0]) == (200, 200, 403)
    assert b"aimux" in page[1]
    assert b"used already" in again[1]
    assert (before[0], after[0]) == (200, 200)
    assert second.startswith(f"{url}#link=")
    assert token not in second
    assert tools[0] == 401
