"""Bring the peers into `.cache/bench`: the SDKs' own servers, from the registries, once.

Each has a prefix with a marker of what was asked for; one that is as wanted is left alone. What
cannot be had is a reason, not an error: its rows are then not measured.

    python tests/bench/install.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
CACHE: Final = HERE.parents[1] / ".cache" / "bench"
MARKER: Final = "installed.json"
INSTALL_LIMIT_S: Final = 600
NODE_MAJOR: Final = 22
NPM_FLAGS: Final = (  # node's own package places its program in an install script
    *("--ignore-scripts=false", "--no-package-lock"),
    *("--no-audit", "--no-fund", "--loglevel=error"),
)
WANTED: Final = {
    "python_sdk": "mcp==2.3.0",
    "fastmcp": "fastmcp==4.1.2",
    "typescript_sdk": "@modelcontextprotocol/server@2.4.0",
    "node": f"node@{NODE_MAJOR}",
    "tokens": "gpt-tokenizer@3.4.0",
}


class Missing(Exception):
    """A peer cannot be had here; the text says why."""


def command(name: str) -> list[str]:
    """How the echo server of a peer, or the counter of tokens, is started; installs what it needs.

    Raises:
        Missing: a registry is out of reach, or a tool is not there.
    """
    script = str(HERE / "peers" / f"{name}")
    if name in ("typescript_sdk", "tokens"):
        prefix = _installed(name, _npm)
        # bare imports are looked up from where the script is
        copied = shutil.copy(f"{script}.mjs", prefix / f"{name}.mjs")
        return [_node(), str(copied)]
    if name in ("python_sdk", "fastmcp"):
        return [str(_installed(name, _pip) / "venv" / "bin" / "python"), f"{script}.py"]
    return [sys.executable, f"{script}.py"]


def _node() -> str:
    """A Node of the wanted major version: the system's, else the registry's."""
    found = shutil.which("node")
    if found:
        told = subprocess.run(
            [found, "--version"], capture_output=True, text=True, check=False, encoding="utf-8"
        )
        major = re.match(r"v(\d+)", told.stdout)
        if major and int(major[1]) >= NODE_MAJOR:
            return found
    # the program itself: what npm links to is a script that starts it
    return str(_installed("node", _npm) / "node_modules" / "node" / "bin" / "node")


def _installed(name: str, install: Callable[[str, Path], None]) -> Path:
    prefix = CACHE / name
    marker = prefix / MARKER
    wanted = json.dumps({"wanted": WANTED[name]})
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return prefix
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir(parents=True)
    install(WANTED[name], prefix)
    marker.write_text(wanted, encoding="utf-8")
    return prefix


def _npm(wanted: str, prefix: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("no npm on PATH")
    _run([npm, "install", "--prefix", str(prefix), *NPM_FLAGS, wanted])


def _pip(wanted: str, prefix: Path) -> None:
    _run([sys.executable, "-m", "venv", str(prefix / "venv")])
    python = str(prefix / "venv" / "bin" / "python")
    _run([python, "-m", "pip", "install", "--quiet", wanted])


def _run(words: Sequence[str]) -> None:
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            timeout=INSTALL_LIMIT_S,
            check=False,
            encoding="utf-8",
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{name}: no end after {INSTALL_LIMIT_S} s") from None
    except OSError as problem:
        raise Missing(f"{name}: {problem.strerror}") from problem
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-2:]
        raise Missing(f"{name} exited {done.returncode}: {' / '.join(said)[:200]}")


def main() -> None:
    """Install all of them, one line each."""
    for name in ("python_sdk", "fastmcp", "typescript_sdk"):
        try:
            print(name, " ".join(command(name)))
        except Missing as problem:
            print(name, "NOT INSTALLED:", problem)


if __name__ == "__main__":
    main()
