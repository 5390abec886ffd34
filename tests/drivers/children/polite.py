"""Say ready, leave with code 7 and a last word on the signal named by the first argument."""

import os
import signal
import sys

number = getattr(signal, "SIG" + (sys.argv[1] if len(sys.argv) > 1 else "TERM"))


def leave(*_: object) -> None:
    os.write(1, b"bye\n")
    os._exit(7)


signal.signal(number, leave)
os.write(1, b"ready\n")
while True:
    signal.pause()
