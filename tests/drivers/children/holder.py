"""Leave at once, but leave a helper behind that holds stdout; `session` gives it one of its own.

`detached` makes it nobody's child as well: it forks twice and lets go of all pipes. `nameless` is
that with an empty environment.
"""

import os
import signal
import sys

kind = sys.argv[1] if len(sys.argv) > 1 else "group"
read, write = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if kind != "group":
        os.setsid()
    if kind in {"detached", "nameless"}:
        if os.fork():
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
    if kind == "nameless":
        code = f"import os, signal; os.write({write}, b'%d' % os.getpid()); signal.pause()"
        os.set_inheritable(write, True)
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code], {})
    os.write(write, str(os.getpid()).encode())
    os.close(write)
    while True:
        signal.pause()
os.close(write)
helper = os.read(read, 20).decode()
print(f"helper {helper}", flush=True)
if len(sys.argv) > 2:  # stay
    signal.pause()
