"""What is read on the way to the first answer: imports are on the user's path."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Final

HEAVY: Final = (
    *("aimux.model", "aimux.rules", "aimux.engine", "aimux.config", "aimux.store"),
    *(
        "jsonschema",
        "ruamel.yaml",
        "jinja2",
        "aimux.library",
        "cattrs",
        "hypercorn",
        "sqlite3",
        "importlib.metadata",
    ),
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
    {"method": "prompts/list", "id": 3},
)


def test_the_lists_of_tools_and_prompts_need_nothing_heavy(tmp_path: pathlib.Path) -> None:
    """A server of its own answers both before it has read engine, values, schemas or YAML."""
    lines = "".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in CALLS)
    with subprocess.Popen(
        [sys.executable, "-P", "-X", "importtime", "-m", "aimux"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AIMUX_DAEMON": "off",
            "AIMUX_STATE_DIR": str(tmp_path / "state"),
            "AIMUX_CONFIG_DIR": str(tmp_path / "config"),
        },
        cwd=tmp_path,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(lines)
        server.stdin.flush()
        said = [json.loads(server.stdout.readline()) for _ in range(3)]
        _, told = server.communicate(timeout=60)
    read = {line.rpartition("|")[2].strip() for line in told.splitlines()}

    assert sorted(each["id"] for each in said) == [1, 2, 3]
    assert len(said[-1]["result"]["prompts"]) == 13
    assert read & set(HEAVY) == set()
