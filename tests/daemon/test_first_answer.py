"""What is read on the way to the first answer: imports are on the user's path."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
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
# what an idle daemon does without: each is read where a call wants it
WANTED_LATER: Final = (
    *("aimux.rules.pair", "aimux.rules.panels", "aimux.rules.research", "aimux.research"),
    *("aimux.rules.talk", "aimux.rules.audit", "aimux.rules.workflow", "aimux.think"),
    *("aimux.rules.agents", "aimux.strategies.seats", "aimux.tools.schemas", "aimux.investigate"),
    *("httpx", "hypercorn", "prometheus_client", "jinja2", "unidiff"),
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


def modules_read(
    tmp_path: pathlib.Path, *calls: Mapping[str, object]
) -> tuple[set[str], list[dict[str, object]]]:
    """The modules that a server of its own reads to answer these calls, and the results."""
    results = []
    stderr = tmp_path / "stderr"
    with stderr.open("w", encoding="utf-8") as told:
        server = subprocess.Popen(
            [sys.executable, "-P", "-X", "importtime", "-m", "aimux"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            encoding="utf-8",
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "AIMUX_DAEMON": "off",
                "AIMUX_STATE_DIR": str(tmp_path / "state"),
                "AIMUX_CONFIG_DIR": str(tmp_path / "config"),
            },
        )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        for call in calls:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **call}) + "\n")
            server.stdin.flush()
            if "id" in call:  # the end of its input would end the call
                answer = json.loads(server.stdout.readline())
                while "id" not in answer:
                    answer = json.loads(server.stdout.readline())
                results.append(answer["result"])
        server.stdin.close()
        server.wait(timeout=60)
    lines = stderr.read_text(encoding="utf-8").splitlines()
    return {line.rpartition("|")[2].strip() for line in lines}, results


def test_the_lists_of_tools_and_prompts_need_nothing_heavy(tmp_path: pathlib.Path) -> None:
    """A server of its own answers both before it has read engine, values, schemas or YAML."""
    read, results = modules_read(tmp_path, *CALLS)
    prompts = results[-1]["prompts"]

    assert isinstance(prompts, list)
    assert len(prompts) == 13
    assert "aimux.tools.catalog" in read
    assert read & {*HEAVY, *WANTED_LATER} == set()


def test_an_open_engine_has_read_no_strategy(tmp_path: pathlib.Path) -> None:
    """What pairs, panels and a vendor's research are made of is memory of who uses them."""
    listing = {"name": "sessions", "arguments": {"action": "list"}}
    call = {"method": "tools/call", "id": 4, "params": listing}
    read, _ = modules_read(tmp_path, *CALLS, call)

    assert "aimux.engine" in read
    assert read & set(WANTED_LATER) == set()
