"""`aimux setup`: blocks for clients, and files that are theirs."""

import json
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aimux.console._setup import CLIENTS, edited, find_file, setup
from aimux.errors import SetupFault


def run(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(setup, words)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_without_a_file_gets_one(client: str, tmp_path: Path) -> None:
    """What is written is what was shown."""
    file = tmp_path / "deep" / "config"
    shown = run(client, "--file", str(file))
    assert not file.exists()
    written = run(client, "--file", str(file), "--write")

    assert shown.exit_code == written.exit_code == 0
    assert file.read_text(encoding="utf-8") == shown.stdout


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [
        ("codex", "tool_timeout_sec", 300),
        ("codex", "startup_timeout_sec", 30),
        ("gemini", "timeout", 300_000),
        ("cline", "timeout", 300),
        ("opencode", "timeout", 300_000),
    ],
)
def test_timeouts_are_in_the_units_of_the_client(client: str, key: str, value: int) -> None:
    """Seconds here, milliseconds there."""
    assert CLIENTS[client].entry(["aimux"])[key] == value


def test_everything_else_in_a_json_file_stays(tmp_path: Path) -> None:
    """Also what a user added to our entry."""
    file = tmp_path / "settings.json"
    ours = {"command": "old", "env": {"A": "b"}}
    tree = {"theme": "dark", "mcpServers": {"other": {"command": "x"}, "aimux": ours}}
    file.write_text(json.dumps(tree), encoding="utf-8")
    run("gemini", "--file", str(file), "--write")
    tree = json.loads(file.read_text(encoding="utf-8"))

    assert tree["theme"] == "dark"
    assert tree["mcpServers"]["other"] == {"command": "x"}
    assert tree["mcpServers"]["aimux"]["env"] == {"A": "b"}
    assert tree["mcpServers"]["aimux"]["command"] != "old"


TOML = """\
model = "m"  # mine

[mcp_servers.aimux]
command = "old"
enabled = true

[mcp_servers.aimux.env]
KEY = "value"

[tui]
theme = "dark"
"""


def test_comments_and_tables_in_toml_stay() -> None:
    """Only our keys change."""
    after = edited(CLIENTS["codex"], TOML, ["aimux"], Path("config.toml"))
    server = tomllib.loads(after)["mcp_servers"]["aimux"]

    assert 'model = "m"  # mine' in after
    assert server["command"] == "aimux"
    assert server["enabled"] is True
    assert server["env"] == {"KEY": "value"}
    assert tomllib.loads(after)["tui"] == {"theme": "dark"}


def test_toml_in_a_form_that_cannot_be_edited_is_left_alone() -> None:
    """Rather than broken."""
    with pytest.raises(SetupFault, match="cannot be edited"):
        edited(CLIENTS["codex"], 'mcp_servers = {aimux = {command = "x"}}\n', ["y"], Path("c"))


def test_json_with_comments_is_left_alone(tmp_path: Path) -> None:
    """The fault names the file."""
    file = tmp_path / "mcp.json"
    file.write_text('{"servers": {} // mine\n}', encoding="utf-8")
    result = run("vscode", "--file", str(file), "--write")

    assert isinstance(result.exception, SetupFault)
    assert str(file) in result.exception.message
    assert file.read_text(encoding="utf-8").startswith('{"servers": {} // mine')


def test_undo_puts_each_state_back(tmp_path: Path) -> None:
    """The latest backup first; the mode stays."""
    file = tmp_path / "mcp.json"
    file.write_text('{"mine": 1}', encoding="utf-8")
    file.chmod(0o640)
    run("cursor", "--file", str(file), "--write")

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir() if each != file] == ["mcp.json.aimux-backup-1"]

    assert run("cursor", "--file", str(file), "--undo").exit_code == 0
    assert file.read_text(encoding="utf-8") == '{"mine": 1}'
    assert [*tmp_path.iterdir()] == [file]
    assert isinstance(run("cursor", "--file", str(file), "--undo").exception, SetupFault)


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """And keeps no backup of it."""
    file = tmp_path / "config.toml"
    run("codex", "--file", str(file), "--write")
    second = run("codex", "--file", str(file), "--write")

    assert "nothing to do" in second.stdout
    assert [*tmp_path.iterdir()] == [file]


def test_a_file_that_exists_is_preferred(tmp_path: Path) -> None:
    """Cline has two files."""
    own = tmp_path / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    own.parent.mkdir(parents=True)
    own.write_text("{}", encoding="utf-8")

    assert find_file(CLIENTS["cline"], {"HOME": str(tmp_path)}) == own
