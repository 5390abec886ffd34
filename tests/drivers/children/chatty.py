"""Ignore every polite signal and print without end."""

import os
import signal

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    os.write(1, b"x" * 1_000)
