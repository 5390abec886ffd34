"""What rows of `nox -s packaging` share: what was built, commands with a limit, a client."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_S: Final = 600.0  # installs, on a busy machine
SHORT_S: Final = 180.0
TOOLS: Final = 13
KEPT: Final = ("LANG", "SSL_CERT_FILE", "PIP_CERT", "PIP_CONFIG_FILE", "PIP_INDEX_URL",
               "UV_INDEX_URL", "UV_DEFAULT_INDEX", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY",
               "HTTP_PROXY", "NO_PROXY")  # fmt: skip


class Failed(Exception):  # a row's outcome
    """Something is not as it should be; the message says what."""


class Missing(Exception):  # a row's outcome
    """This machine lacks what the row needs."""


@attrs.frozen(kw_only=True)
class Built:
    """What is tried, and where: outside the checkout."""

    work: Path
    wheel: Path
    sdist: Path
    constraints: Path  # the locked versions, without hashes

    def home(self, name: str) -> dict[str, str]:
        """An environment with a home of its own, that knows nothing of ours."""
        home = self.work / name / "home"
        home.mkdir(parents=True, exist_ok=True)
        (self.work / name / "cwd").mkdir(exist_ok=True)
        kept = {each: os.environ[each] for each in KEPT if each in os.environ}
        return {**kept, "HOME": str(home), "PATH": os.defpath, "AIMUX_DAEMON": "off"}


def run(
    argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path, *, limit_s: float = LIMIT_S,
    given: str = "",
) -> str:  # fmt: skip
    """What a command printed. Raises Failed: it ended badly, or not at all."""
    words = [str(each) for each in argv]
    try:
        done = subprocess.run(
            words, env=dict(env), cwd=cwd, input=given, capture_output=True, text=True,
            timeout=limit_s, check=False, encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failed(f"{words[:4]}: no end after {limit_s:g} s") from None
    except OSError as error:
        raise Failed(f"{words[0]}: {error}") from error
    if done.returncode:
        raise Failed(f"{words[:6]}: exit {done.returncode}: {(done.stderr + done.stdout)[-1500:]}")
    return done.stdout


LISTING: Final = "".join(
    json.dumps(each) + "\n"
    for each in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "packaging", "version": "1"},
        }},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
    )
)  # fmt: skip


def count_tools(printed: str) -> int:
    """How many tools a server listed. Raises Failed: it did not."""
    for line in printed.splitlines():
        message = json.loads(line)
        if message.get("id") == 2:
            return len(message["result"]["tools"])
    raise Failed(f"no list of tools: {printed[-500:]}")


def check(argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> str:
    """Have an installation list its tools and run its demo; one line of what it said."""
    version = run([*argv, "--version"], env, cwd, limit_s=SHORT_S).splitlines()[0]
    listed = count_tools(run([*argv, "--stdio"], env, cwd, limit_s=SHORT_S, given=LISTING))
    if listed != TOOLS:
        raise Failed(f"{listed} tools instead of {TOOLS}")
    shown = run([*argv, "demo", "--emulated"], env, cwd, limit_s=SHORT_S)
    if "completed" not in shown:
        raise Failed(f"the demo did not complete: {shown[-800:]}")
    return f"{version}, {listed} tools, demo completed"
