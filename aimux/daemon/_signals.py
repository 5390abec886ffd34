"""Signals, read in one task: the first asks, the second cancels."""

import logging
import signal
import sys

import trio

log = logging.getLogger("aimux.signals")

STOPPING = (signal.SIGINT, signal.SIGTERM) if sys.platform != "win32" else (signal.SIGINT,)


async def serve_signals(stop: trio.Event) -> None:
    """Set `stop` at the first SIGINT or SIGTERM; at the second, raise KeyboardInterrupt."""
    with trio.open_signal_receiver(*STOPPING) as signals:
        async for number in signals:
            if stop.is_set():
                log.info("second signal %s, leaving at once", number)
                raise KeyboardInterrupt
            log.info("stop requested by signal %s", number)
            stop.set()
