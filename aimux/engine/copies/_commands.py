"""Commands of users that run in copies: no shell, a limit, the end of what they print."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import trio

from aimux.drivers import Driver, ProcessSpec
from aimux.errors import AimuxError
from aimux.model import Stream
from aimux.rules import bare_environment

TYPE_CHECKING = False  # what pairs are decided by is read where one works
if TYPE_CHECKING:
    from aimux.rules.pair import Verified

TAIL_BYTES: Final = 65_536  # of the output of a command
VERIFY_GRACE_S: Final = 2.0


async def run_command(
    drive: Driver, command: Sequence[str], where: Path, env: Mapping[str, str], limit_s: float
) -> "Verified":
    """How a command goes in a directory. Cancelling it ends the command and what it started."""
    from aimux.rules.pair import Verified

    tail = bytearray()

    def hear(_: Stream, data: bytes) -> None:
        tail.extend(data)
        del tail[:-TAIL_BYTES]

    program = command[0]
    if os.sep in program and not Path(program).is_absolute():
        program = str(where / program)
    spec = ProcessSpec(
        argv=[program, *command[1:]],
        cwd=str(where),
        env=bare_environment(env),
        grace_s=VERIFY_GRACE_S,
    )
    began = trio.current_time()
    code: int | None = None
    why = ""
    try:
        with trio.move_on_after(limit_s) as limit:
            gone = await drive(spec, hear)
            code = gone.exit_code
            why = f"ended by {gone.signal}" if code is None else ""
        if limit.cancelled_caught:
            why = f"stopped after {limit_s:g} s"
    except AimuxError as error:
        why = f"could not be started: {error.message}"
    return Verified(
        command=" ".join(command),
        exit_code=code,
        tail=bytes(tail).decode(errors="replace"),
        duration_ms=round((trio.current_time() - began) * 1000),
        why=why,
    )
