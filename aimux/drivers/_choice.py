"""Which driver a plan needs. Terminals are never a fallback: most CLIs work worse on one."""

import sys

from ._base import Driver
from ._pipe import run_piped


def choose_driver(*, is_terminal: bool, system: str = sys.platform) -> Driver:
    """Return the driver for a child with or without a terminal on `system`."""
    if not is_terminal:
        return run_piped
    if system == "win32":
        from ._winpty import run_in_console

        return run_in_console
    from ._pty import run_in_terminal  # pexpect costs 25 ms, and few CLIs need a terminal

    return run_in_terminal
