"""The first line of a connection: who attaches, from where; and the daemon's line about it.

The hello stays compatible: a daemon reads one of its own or an older `aimux` number, ignores keys
it does not know, and a shim sends the number of the oldest daemon that can read its hello.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from aimux import __version__
from aimux.errors import PeerFault
from aimux.shim.address import HELLO_VERSION

MAX_HELLO_BYTES: Final = 4 * 1024 * 1024  # an environment may hold 2 MiB


@attrs.frozen(kw_only=True)
class Hello:
    """Who attaches. `ask` is empty for a session, else an operator's question."""

    version: str
    cwd: Path
    env: Mapping[str, str] = attrs.field(repr=False)
    pid: int = 0
    state_dir: str
    config_dir: str = ""
    python: str = ""
    ask: str = ""

    @property
    def client_env(self) -> dict[str, str]:
        """The environment with the configuration directory as the client sees it."""
        # a relative one would be looked for where the daemon stands
        own = {"AIMUX_CONFIG_DIR": self.config_dir} if self.config_dir else {}
        return {**self.env, **own}


def read_hello(line: bytes) -> Hello:
    """The hello in a line.

    Raises:
        PeerFault: it is none, or one that only a later daemon understands.
    """
    try:
        told = json.loads(line)  # not orjson: bytes that are not UTF-8 come as lone surrogates
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("aimux"), int):
        raise PeerFault("not a hello", code="hello_invalid")
    if told["aimux"] > HELLO_VERSION:
        raise PeerFault(
            f"hello {told['aimux']} is newer than this daemon ({__version__})",
            code="hello_too_new",
            hint="aimux daemon restart",
        )
    env = told.get("env")
    texts = {
        name: value if isinstance(value := told.get(name, ""), str) else ""
        for name in ("version", "cwd", "state_dir", "config_dir", "python", "ask")
    }
    pid = told.get("pid")
    if not isinstance(env, dict) or not Path(texts["cwd"]).is_absolute() or not texts["state_dir"]:
        raise PeerFault("a hello needs cwd, env and state_dir", code="hello_invalid")
    return Hello(
        version=texts["version"],
        cwd=Path(texts["cwd"]),
        env={name: value for name, value in env.items() if isinstance(value, str)},
        pid=pid if isinstance(pid, int) else 0,
        state_dir=texts["state_dir"],
        config_dir=texts["config_dir"],
        python=texts["python"],
        ask=texts["ask"],
    )


def reply(facts: Mapping[str, object]) -> bytes:
    """The daemon's line: `facts`, or an `error`."""
    return json.dumps({"aimux": HELLO_VERSION, **facts}).encode() + b"\n"


def is_newer(one: str, other: str) -> bool:
    """Whether version `one` is later than `other`; what is not a number does not count."""
    return _numbers(one) > _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version.partition("+")[0])[:3]]
