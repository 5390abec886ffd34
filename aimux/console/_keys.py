"""Single keys of a terminal while something else is drawn there."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from ._output import is_terminal

KEYS: Final = 16  # pressed and not read yet; more are dropped


@asynccontextmanager
async def open_keys() -> AsyncIterator[trio.MemoryReceiveChannel[str]]:
    """The keys that are pressed, without waiting for a line; at the end the terminal is as it was.

    Where stdin is no terminal, or keys cannot be had one by one (Windows), none comes. Ctrl-C stays
    an interrupt. Leaving it, cancelled or not, gives the terminal back.
    """
    pressed, keys = trio.open_memory_channel[str](KEYS)
    with pressed, keys:
        if sys.platform == "win32" or not is_terminal(sys.stdin):
            yield keys
        else:
            import termios  # not on Windows
            import tty

            before = termios.tcgetattr(0)
            try:
                tty.setcbreak(0, termios.TCSANOW)
                async with trio.open_nursery() as reading:
                    reading.start_soon(_read, pressed)
                    yield keys
                    reading.cancel_scope.cancel(reason="done")
            finally:
                termios.tcsetattr(0, termios.TCSANOW, before)


async def _read(pressed: trio.MemorySendChannel[str]) -> None:
    while True:
        await trio.lowlevel.wait_readable(0)
        try:
            data = os.read(0, 64)
        except OSError:  # the terminal is gone
            return
        if not data:
            return
        for key in data.decode(errors="ignore"):
            try:
                pressed.send_nowait(key)
            except trio.WouldBlock:
                break
