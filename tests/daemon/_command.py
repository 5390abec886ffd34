"""`aimux daemon WORDS` on a machine of a test."""

import subprocess
import sys

import trio

from ._world import PATIENCE_S, World


async def command(world: World, *words: str, **env: str) -> tuple[int, str]:
    """Its exit code and all that it printed."""
    with trio.fail_after(2 * PATIENCE_S):
        done = await trio.run_process(
            [sys.executable, "-m", "aimux", "daemon", *words],
            env={**world.env, **env},
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode, done.stdout.decode()
