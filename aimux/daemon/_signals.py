"""Signals, read in one task: the first asks, the second cancels."""

import logging
import signal
import sys
from typing import Final

import trio

log = logging.getLogger("aimux.signals")

if sys.platform == "win32":
    STOPPING: Final = (signal.SIGINT, signal.SIGBREAK)
    RESTARTING: Final = ()
else:
    STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
    RESTARTING: Final = (signal.SIGHUP,)


async def serve_signals(stop: trio.Event, restart: trio.Event | None = None) -> None:
    """Set `stop` at the first SIGINT or SIGTERM; at the second, raise KeyboardInterrupt.

    With `restart`, SIGHUP sets that. On Windows Ctrl-Break stands for SIGTERM. Cancelled, the
    signals have their former meaning again.
    """
    watched = STOPPING if restart is None else STOPPING + RESTARTING
    with trio.open_signal_receiver(*watched) as signals:
        async for number in signals:
            if restart is not None and number in RESTARTING:
                log.info("restart requested by signal %s", number)
                restart.set()
                continue
            if stop.is_set():
                log.info("second signal %s, leaving at once", number)
                raise KeyboardInterrupt
            log.info("stop requested by signal %s", number)
            stop.set()
