"""What is read on the way to the first answer: imports are on the user's path."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Final

HEAVY: Final = (
    *("aimux.model", "aimux.rules", "aimux.engine", "aimux.config", "aimux.store"),
    *("jsonschema", "ruamel.yaml", "cattrs", "hypercorn", "sqlite3", "importlib.metadata"),
)
CALLS: Final = (
    {
        "method": "initialize",
        "id": 1,
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"method": "tools/list", "id": 2},
)


def test_the_list_of_tools_needs_nothing_heavy(tmp_path: pathlib.Path) -> None:
    """A server of its own answers `tools/list` before it has read engine, values or schemas."""
    lines = "".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in CALLS)
    ran = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "aimux"],
        input=lines,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AIMUX_DAEMON": "off",
            "AIMUX_STATE_DIR": str(tmp_path / "state"),
            "AIMUX_CONFIG_DIR": str(tmp_path / "config"),
        },
    )
    read = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}

    assert len(ran.stdout.splitlines()) == 2
    assert read & set(HEAVY) == set()
