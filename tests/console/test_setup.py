"""`aimux setup`: blocks for clients, and files that are theirs."""

import codecs
import json
import re
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


COMMENTED = """\
// mine
{
    "servers": {
        "other": {"command": "x"}, /* not mine */
        "aimux": {
            "command": "old", // of last year
            "env": {"A": "b"},
        },
    },
}
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_comments_line_ends_mark_and_encoding_stay(
    tmp_path: Path, mark: bytes, encoding: str, ends: str
) -> None:
    """Of JSON as editors write it."""
    file = tmp_path / "mcp.json"
    file.write_bytes(mark + COMMENTED.replace("\n", ends).encode(encoding))
    first = run("vscode", "--file", str(file), "--write")
    data = file.read_bytes()
    text = data.removeprefix(mark).decode(encoding)
    second = run("vscode", "--file", str(file), "--write")

    assert first.exit_code == second.exit_code == 0, first.exception
    assert "nothing to do" in second.stdout
    assert data.startswith(mark)
    assert text.count(ends) == text.count("\n") > COMMENTED.count("\n")
    for kept in ("// mine", "/* not mine */", "// of last year", '"env": {"A": "b"},'):
        assert kept in text
    assert '"command": "old"' not in text


@pytest.mark.parametrize(
    ("client", "data", "fault"),
    [
        ("gemini", b"\xff{}", "encoding that is not known"),
        ("gemini", codecs.BOM_UTF16_LE + b"x", "encoding that is not known"),
        ("gemini", b'{"mcpServers": []}', "mcpServers is not an object"),
        ("gemini", b"[]", "the whole is not an object"),
        ("gemini", b'{"a": }', "a value is missing: line 1"),
        ("gemini", b"[" * 100_000, "nested too deeply"),
        ("codex", b'a = "\xff"', "encoding that is not known"),
        ("codex", b"a = ", "cannot be edited"),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_alone(
    tmp_path: Path, client: str, data: bytes, fault: str
) -> None:
    """The fault names it."""
    file = tmp_path / "config"
    file.write_bytes(data)
    result = run(client, "--file", str(file), "--write")

    assert isinstance(result.exception, SetupFault)
    assert str(file) in result.exception.message
    assert re.search(fault, result.exception.message)
    assert file.read_bytes() == data
    assert [*tmp_path.iterdir()] == [file]


def test_a_file_whose_name_is_too_long_is_a_fault(tmp_path: Path) -> None:
    """As is a circle of links."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for file in (tmp_path / ("a" * 5000), loop / "x"):
        result = run("gemini", "--file", str(file), "--write")

        assert isinstance(result.exception, SetupFault)


def test_toml_keeps_its_mark_and_line_ends(tmp_path: Path) -> None:
    """As Windows writes it."""
    file = tmp_path / "config.toml"
    file.write_bytes(codecs.BOM_UTF8 + TOML.replace("\n", "\r\n").encode())
    result = run("codex", "--file", str(file), "--write")
    text = file.read_bytes().removeprefix(codecs.BOM_UTF8).decode()

    assert result.exit_code == 0, result.exception
    assert file.read_bytes().startswith(codecs.BOM_UTF8)
    assert text.count("\r\n") == text.count("\n")
    assert 'model = "m"  # mine\r\n' in text
    assert tomllib.loads(text)["mcp_servers"]["aimux"]["env"] == {"KEY": "value"}


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
