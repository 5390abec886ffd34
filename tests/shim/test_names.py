"""What a shell completes a word with."""

import json
import pathlib
from typing import Any

import pytest

from aimux import __version__
from aimux.console import completion_table
from aimux.shim.address import DaemonAddress
from aimux.shim.names import _stamp, ask, complete, main, read_table

LEAF: Any = {"commands": {}, "options": {}, "argument": None}
TABLE: Any = {
    "options": {"--help": None},
    "argument": None,
    "commands": {
        "run": {
            **LEAF,
            "options": {"--quiet": None, "-q": None, "--mode": ["read", "write"], "-c": "clis"},
        },
        "show": {**LEAF, "argument": "jobs sessions", "options": {"--turn": []}},
        "daemon": {**LEAF, "commands": {"start": LEAF, "stop": LEAF}},
    },
}


def live(kind: str, typed: str) -> list[str]:
    return [each for each in (f"{kind}_1", f"{kind}_2") if each.startswith(typed)]


@pytest.mark.parametrize(
    ("before", "typed", "found"),
    [
        ([], "", ["run", "show", "daemon"]),
        ([], "sh", ["show"]),
        ([], "--", ["--help"]),
        (["run"], "-", ["--mode", "--quiet", "-c", "-q"]),
        (["run", "--mode"], "w", ["write"]),
        (["run", "--quiet"], "", []),
        (["run", "--quiet", "-c"], "", ["clis_1", "clis_2"]),
        (["show"], "jobs", ["jobs_1", "jobs_2"]),
        (["show"], "", ["jobs_1", "jobs_2", "sessions_1", "sessions_2"]),
        (["show", "--turn"], "", []),
        (["daemon"], "st", ["start", "stop"]),
    ],
)
def test_a_word_is_completed_by_what_stands_before_it(
    before: list[str], typed: str, found: list[str]
) -> None:
    """Commands, options, what an option takes, what an argument is."""
    assert complete(TABLE, before, typed, live) == found


def test_the_commands_are_read_from_a_file_of_this_installation(tmp_path: pathlib.Path) -> None:
    """One of another version, or none at all, is made anew."""
    address = DaemonAddress(str(tmp_path), str(tmp_path), str(tmp_path))
    kept = tmp_path / "completion.json"
    facts = {"version": __version__, "made_by": _stamp(), "table": TABLE}
    kept.write_text(json.dumps(facts), encoding="utf-8")
    own = read_table(address, completion_table)
    kept.write_text(json.dumps({**facts, "version": "0"}), encoding="utf-8")
    made = read_table(address, completion_table)
    again = json.loads(kept.read_text(encoding="utf-8"))

    assert own == TABLE
    assert made["commands"]["show"]["argument"] == "jobs sessions investigations"
    assert made["commands"]["run"]["options"]["--cli"] == "clis"
    assert made["commands"]["run"]["options"]["--mode"] == ["read", "write", "danger"]
    assert again["table"] == json.loads(json.dumps(made))


def test_without_a_daemon_no_name_is_known(tmp_path: pathlib.Path) -> None:
    """And nothing is started for it."""
    address = DaemonAddress(str(tmp_path), str(tmp_path), str(tmp_path / "none"))

    assert ask(address, "jobs", "") == []
    assert ask(address, "nonsense", "") == []
    assert main(["word"], completion_table) == 2
