"""The process that forks for commands of tests (`tests/forks.py`): it has their imports."""

import gc
import importlib
import json
import os
import socket
import sys
from collections.abc import Sequence


def _serve(orders: socket.socket) -> bool:
    """Fork for each order until nobody is left to give one; true in a child."""
    while True:
        begun, descriptors, _, _ = socket.recv_fds(orders, 1, 3)
        if not begun:
            return False
        with orders.makefile("rb") as lines:  # nothing follows a line until it is answered
            order = json.loads(lines.readline())
        pid = os.fork()
        if not pid:
            orders.close()
            _become(order, descriptors)
            return True
        for each in descriptors:
            os.close(each)
        orders.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        orders.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(order: dict[str, object], descriptors: Sequence[int]) -> None:
    """Be what an interpreter would be that was started like that."""
    match order:
        case {
            "words": list(words),
            "cwd": str(cwd),
            "env": dict(env),
            "is_leader": bool(is_leader),
        }:
            pass
        case _:
            raise AssertionError(order)
    if is_leader:
        os.setsid()
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
        os.close(each)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    os.environ["LC_CTYPE"] = "C.UTF-8"  # what an interpreter sets where nothing else is
    sys.argv[1:] = words
    kinds = (("stdin", "r", -1), ("stdout", "w", -1), ("stderr", "w", 1))
    for number, (name, mode, buffering) in enumerate(kinds):
        errors = getattr(sys, name).errors
        stream = open(number, mode, buffering, "utf-8", errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _main() -> None:
    entry = importlib.import_module("aimux.__main__")
    for name in set(importlib.import_module("aimux.console._main").COMMANDS.values()):
        importlib.import_module(f"aimux.console.{name}")
    sys.argv[0] = str(entry.__file__)
    gc.collect()
    gc.freeze()
    if _serve(socket.socket(fileno=int(sys.argv.pop()))):
        entry.main()


if __name__ == "__main__":
    _main()
