"""What a shell may complete a word of `aimux` with; the ids are those of the daemon that runs.

A shell waits for this at every press of a key: nothing but little of the standard library is
imported, no daemon is started, and what cannot be had is left out. The commands and their options
are read from a file that the first call after an installation makes.
"""

import json
import os
import sys

from aimux import __version__
from aimux.shim.address import DaemonAddress, ShimFault, connect, find_address, hello
from aimux.shim.relay import Pipes

LIMIT_S = 2  # for the daemon to answer: a shell does not wait longer for names
FILE = "completion.json"
TEMPLATES = {
    "jobs": "aimux://jobs/{id}",
    "sessions": "aimux://sessions/{id}",
    "investigations": "aimux://investigations/{id}",
    "clis": "aimux://clis/{name}",
    "roles": "aimux://roles/{name}",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypedDict

    class Level(TypedDict):
        """The commands below one, its options, and what those and its argument take."""

        commands: dict[str, "Level"]
        options: dict[str, object]
        argument: object


def main(words: list[str], make_table: "Callable[[], object]") -> int:
    """Print what completes a word, a candidate a line; the exit code.

    The first word is `=` and what was typed of it, the others are those before it, from the command
    on. `make_table` reads all commands.
    """
    if not words or not words[0].startswith("="):
        return 2
    try:
        address = find_address(dict(os.environ))
    except ShimFault:
        return 1
    table = read_table(address, make_table)
    found = complete(table, words[1:], words[0][1:], lambda kind, typed: ask(address, kind, typed))
    sys.stdout.write("".join([f"{each}\n" for each in found]))
    return 0


def complete(
    table: "Level", before: list[str], typed: str, ask: "Callable[[str, str], list[str]]"
) -> list[str]:
    """The candidates for a word after `before`; `ask(kind, typed)` gives names that live."""
    level = table
    option: object = None
    for word in before:
        option = None
        if word.startswith("-"):
            option = level["options"].get(word)
        elif word in level["commands"]:
            level = level["commands"][word]
    wanted: object
    if option is not None:
        wanted = option
    elif typed.startswith("-"):
        wanted = sorted(level["options"])
    else:
        wanted = [*level["commands"]] or level["argument"]
    if isinstance(wanted, str):
        return [each for kind in wanted.split() for each in ask(kind, typed)]
    named = wanted if isinstance(wanted, list) else []
    return [each for each in named if each.startswith(typed)]


def read_table(address: DaemonAddress, make_table: "Callable[[], object]") -> "Level":
    """The commands of this version; made, and kept where that can be, if they were not."""
    path = f"{address.state_dir}/{FILE}"
    try:
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        if kept["version"] == __version__ and kept["made_by"] == _stamp():
            table: Level = kept["table"]
            return table
    except (OSError, ValueError, KeyError, TypeError):
        pass
    made: Any = make_table()  # seconds, once
    table = made
    try:
        text = json.dumps({"version": __version__, "made_by": _stamp(), "table": table})
        fresh = f"{path}.{os.getpid()}"
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(fresh, path)
    except OSError:
        pass
    return table


def _stamp() -> str:
    """What changes with an installation of the same version."""
    try:
        facts = os.stat(f"{os.path.dirname(os.path.dirname(__file__))}/console/_main.py")
    except OSError:
        return ""
    return f"{facts.st_mtime_ns} {facts.st_size}"


def ask(address: DaemonAddress, kind: str, typed: str) -> list[str]:
    """The names of a kind that begin as `typed`, from the daemon that runs; none without one."""
    if kind not in TEMPLATES:
        return []
    messages: list[dict[str, object]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "aimux-completion", "version": __version__},
            },
        },
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "completion/complete",
            "params": {
                "ref": {"type": "ref/resource", "uri": TEMPLATES[kind]},
                "argument": {"name": "id", "value": typed},
            },
        },
    ]
    said = "".join([json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in messages])
    try:
        return _answered(_asked(address, said.encode()))
    except (OSError, ShimFault, ValueError):
        return []


def _asked(address: DaemonAddress, said: bytes) -> bytes:
    """What a daemon answers; nothing if there is none."""
    env = dict(os.environ)
    wire: Any
    if address.is_pipe:
        from aimux.shim import pipe  # multiprocessing: only where it is needed

        found = pipe.connect(address)
        wire = None if found is None else pipe.PipeWire(found)
    else:
        sock = connect(address)
        wire = None if sock is None else Pipes(sock)
    if wire is None:
        return b""
    _limit()
    wire.send(hello(address, env) + said)
    heard = b""
    while b'"id":2' not in heard or not heard.endswith(b"\n"):
        data = wire.receive()
        if not data:
            break
        heard += data
    wire.close()
    return heard


def _limit() -> None:
    """Have this process end if it is kept waiting: then nothing is completed."""
    import signal

    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT_S)


def _answered(heard: bytes) -> list[str]:
    for line in heard.splitlines():
        message = json.loads(line)
        if message.get("id") == 2:
            found = message.get("result", {}).get("completion", {}).get("values", [])
            return [each for each in found if isinstance(each, str) and each.isprintable()]
    return []
