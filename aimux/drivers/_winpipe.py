"""How a child on pipes is born on Windows: into its job. Only imported there."""

import subprocess
from collections.abc import Mapping
from typing import Any, Final

import psutil
import trio

from ._base import ProcessSpec
from ._processes import MARK
from ._windows import Charge, without_batch
from ._winjob import WindowsJob

# CREATE_SUSPENDED, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW
_FLAGS: Final[Mapping[str, Any]] = {"creationflags": 0x4 | 0x200 | 0x8000000}


async def spawn_in_job(spec: ProcessSpec, mark: str) -> tuple[trio.Process, Charge]:
    """Return a child that runs inside its job from its first instruction.

    It starts suspended, or it could start others before it is in. There is no polite signal: a
    control event reaches only those who share our console, and a daemon has none. Cancelled before
    it is there, no child is started.

    Raises:
        OSError, ValueError: it cannot be started.
        BinaryMissing: it is a batch file that is no npm shim.
    """
    process = await trio.lowlevel.open_process(
        await trio.to_thread.run_sync(without_batch, spec),
        stdin=subprocess.DEVNULL if spec.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=spec.cwd,
        env={**spec.env, MARK: mark},
        **_FLAGS,
    )
    job: WindowsJob | None = None
    try:
        job = WindowsJob(process.pid)
        facts = psutil.Process(process.pid)
        started = facts.create_time()
        facts.resume()
    except (OSError, psutil.Error) as error:
        process.kill()
        if job is not None:
            job.close()
        with trio.CancelScope(shield=True):  # closing our end of a pipe does not block
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    await pipe.aclose()
        if isinstance(error, psutil.Error):  # ended before it ran, by a scanner for one
            raise OSError(f"it was ended before it began ({error})") from error
        raise
    return process, Charge(process.pid, started, job, ask=None, wait=process.wait)
