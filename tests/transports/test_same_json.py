"""One scripted session over every way in: the JSON that was reviewed, byte for byte."""

import sys
from pathlib import Path
from typing import Final

import orjson
import pytest
import trio

from .. import needs
from ..daemon._world import World
from ..extent import IS_WHOLE
from ..scripts import Names, check_script
from .ways import WAYS, Say, open_network

pytestmark = [
    pytest.mark.slow,
    needs.posix,
]

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "transports"
LIMIT_S: Final = 90
# a real child takes the time it takes and gives itself a name
MOVING: Final = frozenset({"version", "duration_ms", "native_id"})
REVISIONS: Final = ("2025-11-25", "2026-07-28")
# in a short run each way has one of the two in turn, and stdio, which all are held against, both
ASKED: Final = [
    (revision, way)
    for row, way in enumerate(WAYS)
    for column, revision in enumerate(REVISIONS)
    if IS_WHOLE or way == "stdio" or (row + column) % 2 == 0
]


async def play(script: str, say: Say, names: Names) -> str:
    """The script with what came for each of its messages."""
    lines: list[str] = []
    for line in script.splitlines():
        if line.startswith("<< "):
            continue
        lines.append(line)
        if line.startswith(">> "):
            said = await say(orjson.loads(names.known(line[3:])))
            lines += [f"<< {names.shown(raw.decode())}" for raw in said]
    return "\n".join(lines) + "\n"


@pytest.mark.requirement("transports:same")
@pytest.mark.parametrize(("revision", "way"), ASKED)
async def test_session_is_as_reviewed_over_every_way(
    revision: str, way: str, world: World, update_golden: bool
) -> None:
    """Each way is held against the same script, which only stdio may write anew."""
    path = GOLDEN / f"{revision}.txt"
    names = Names(world.stand.root, MOVING)
    with trio.fail_after(LIMIT_S):
        async with WAYS[way](world) as say:
            said = await play(path.read_text(encoding="utf-8"), say, names)

    check_script(path, said, update=update_golden and way == "stdio")


async def test_bridge_says_why_it_is_not_let_in(world: World) -> None:
    """A client that shows another token leaves with code 2."""
    async with open_network(world) as port:
        done = await trio.run_process(
            [sys.executable, "-m", "aimux", "connect", f"ws://127.0.0.1:{port}/ws"],
            env={**world.env, "AIMUX_AUTH_TOKEN": "wrong"},
            check=False, stdin=b"", capture_stderr=True,
        )  # fmt: skip

    assert done.returncode == 2
    assert b"wants another token" in done.stderr
