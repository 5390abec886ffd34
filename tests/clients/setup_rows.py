"""Rows of `aimux setup`: what a real client itself says of the configuration that was written."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import setup as realsetup  # of tests/realclis

LIMIT_S: Final = 120
# profile -> the name for `aimux setup`, the client's own command, what it prints of us
CHECKS: Final[Mapping[str, tuple[str, tuple[str, ...], str]]] = {
    "claude": ("claude-code", ("mcp", "list"), r"aimux: .*Connected"),
    "codex": ("codex", ("mcp", "list"), r"(?m)^aimux .*enabled"),
    "gemini": ("gemini", ("mcp", "list"), r"aimux: .*Connected"),
    "qwen": ("qwen", ("mcp", "list"), r"aimux: .*Connected"),
    "opencode": ("opencode", ("mcp", "list"), r"aimux.*connected"),
    "cline": ("cline", ("config", "mcp"), r"aimux \[stdio\]"),
    "goose": ("goose", ("info", "-v"), r"(?s)aimux:\s+enabled: true\s+type: stdio.*timeout: 300"),
}
ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class NotShown(Exception):  # a row's outcome
    """The client does not show what was written."""


def check(cli: str, root: Path) -> str:
    """Write the client's configuration, ask the client, take it back; what it said, in a line."""
    client, words, sign = CHECKS[cli]
    project = realsetup.make_project(root / "project")
    prepared = realsetup.prepare(cli, root / "home", project, port=9)  # no model is asked
    env = {**prepared.env, "AIMUX_DAEMON": "off"}
    before = _files(prepared.home)
    aimux = [sys.executable, "-m", "aimux", "setup", client]
    _run([*aimux, "--write"], env, project)
    said = ESCAPES.sub("", _run([str(prepared.binary), *words], env, project))
    found = re.search(sign, said)
    if found is None:
        raise NotShown(f"{' '.join(words)}: {said[-800:]}")
    _run([*aimux, "--undo"], env, project)
    changed = [name for name, data in before.items() if _files(prepared.home).get(name) != data]
    return f"{cli} {prepared.version}, {' '.join(words)}: {found[0].split()[0]} is there" + (
        f"; it changed {', '.join(changed)} itself" if changed else "; taken back"
    )


def _files(home: Path) -> dict[str, bytes]:
    """Configuration files of a home by name."""
    found = [path for end in ("json", "toml", "yaml") for path in home.rglob(f"*.{end}")]
    return {str(path.relative_to(home)): path.read_bytes() for path in found if path.is_file()}


def _run(argv: list[str], env: Mapping[str, str], cwd: Path) -> str:
    try:
        done = subprocess.run(
            argv, env=dict(env), cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S,
            stdin=subprocess.DEVNULL, check=False, encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotShown(f"{argv}: no end after {LIMIT_S} s") from None
    if done.returncode:
        raise NotShown(f"{argv}: exit {done.returncode}: {(done.stderr + done.stdout)[-800:]}")
    return done.stdout + done.stderr
