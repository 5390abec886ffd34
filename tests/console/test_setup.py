"""`aimux setup`: blocks for clients, and files that are theirs."""

import codecs
import json
import re
import shlex
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aimux.console._client_files import FileText, write
from aimux.console._clients import CLIENTS
from aimux.console._setup import edited, setup
from aimux.errors import SetupFault
from aimux.files.home import NAMES


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


def test_the_clients_own_command_names_the_same_program(tmp_path: Path) -> None:
    """By its whole path: a client lacks our PATH."""
    said = run("claude-code", "--file", str(tmp_path / "config"))
    entry = json.loads(said.stdout)["mcpServers"]["aimux"]
    words = shlex.join([entry["command"], *entry["args"]])

    assert said.stderr.rstrip().endswith(f"claude mcp add -s user aimux -- {words}")


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


def test_two_things_at_once_are_refused(tmp_path: Path) -> None:
    """The last one would win, and it may be the one that writes."""
    file = tmp_path / "mcp.json"
    for words in (["--dry-run", "--write"], ["--write", "--undo"], ["--list", "--links"]):
        result = run("cursor", *words)

        assert result.exit_code == 2
        assert "are two things: give one" in result.output
    assert not file.exists()


def test_without_a_home_the_file_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint says so, and does not send to variables that help elsewhere."""
    monkeypatch.setattr("aimux.files.home._of_system", lambda: "")
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    lost = [run(*words) for words in (["cursor"], ["--list"], ["cursor", "--write"])]
    named = run("cursor", "--file", str(tmp_path / "mcp.json"), "--write")

    for each in lost:
        assert isinstance(each.exception, SetupFault)
        assert each.exception.hint == "set HOME, or name the client's file with --file"
    assert named.exit_code == 0
    assert (tmp_path / "mcp.json").exists()


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


def test_undo_of_a_file_that_was_not_there_removes_it(tmp_path: Path) -> None:
    """Exactly as it was: nothing."""
    for client in CLIENTS:
        file = tmp_path / client
        run(client, "--file", str(file), "--write")
        undone = run(client, "--file", str(file), "--undo")

        assert undone.exit_code == 0, undone.exception
        assert [*tmp_path.iterdir()] == []


def test_undo_leaves_what_others_have_written_since(tmp_path: Path) -> None:
    """Clients keep state of their own in these files."""
    file = tmp_path / "settings.json"
    file.write_text('{"a": 1}\n', encoding="utf-8")
    run("gemini", "--file", str(file), "--write")
    tree = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**tree, "a": 2, "b": 3}), encoding="utf-8")
    undone = run("gemini", "--file", str(file), "--undo")
    again = run("gemini", "--file", str(file), "--undo")

    assert "changed since" in undone.stdout
    assert json.loads(file.read_text(encoding="utf-8")) == {"a": 2, "b": 3, "mcpServers": {}}
    assert isinstance(again.exception, SetupFault)


def test_undo_puts_an_older_entry_of_ours_back(tmp_path: Path) -> None:
    """Not only takes the new one out."""
    file = tmp_path / "config.toml"
    file.write_text(TOML, encoding="utf-8")
    run("codex", "--file", str(file), "--write")
    with file.open("a", encoding="utf-8") as more:
        more.write("[later]\nx = 1\n")
    undone = run("codex", "--file", str(file), "--undo")
    tree = tomllib.loads(file.read_text(encoding="utf-8"))

    assert "older entry" in undone.stdout, undone.exception
    assert tree["later"] == {"x": 1}
    assert tree["mcp_servers"] == tomllib.loads(TOML)["mcp_servers"]


def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    """A rename would go through, also for root."""
    file = tmp_path / "mcp.json"
    file.write_text("{}", encoding="utf-8")
    file.chmod(0o444)
    result = run("cursor", "--file", str(file), "--write")

    assert isinstance(result.exception, SetupFault)
    assert "read-only" in result.exception.message
    assert file.read_text(encoding="utf-8") == "{}"
    assert [*tmp_path.iterdir()] == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is edited, wherever a user keeps it."""
    real = tmp_path / "kept" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}", encoding="utf-8")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    result = run("cursor", "--file", str(link), "--write")

    assert str(real) in result.stdout
    assert link.is_symlink()
    assert "aimux" in json.loads(real.read_text(encoding="utf-8"))["mcpServers"]


def test_a_file_that_another_program_writes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """What was read is what may be replaced, and nothing else."""
    file = tmp_path / "mcp.json"
    file.write_text('{"new": 1}', encoding="utf-8")
    before = FileText('{"old": 1}', data=b'{"old": 1}')
    with pytest.raises(SetupFault, match="changed by somebody else"):
        write(file, before, "{}")

    assert file.read_text(encoding="utf-8") == '{"new": 1}'
    assert [*tmp_path.iterdir()] == [file]


def test_a_directory_in_the_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    """In words."""
    for action in ("--write", "--dry-run", "--undo"):
        result = CliRunner().invoke(setup, ["cursor", action, "--file", str(tmp_path)])

        assert result.exit_code != 0


def test_a_dry_run_shows_a_diff_and_writes_nothing(tmp_path: Path) -> None:
    """As `diff -u` would, of what --write does."""
    file = tmp_path / "settings.json"
    file.write_text('{\n  "theme": "dark"\n}\n', encoding="utf-8")
    shown = run("gemini", "--file", str(file), "--dry-run")
    lines = shown.stdout.splitlines()
    run("gemini", "--file", str(file), "--write")
    done = run("gemini", "--file", str(file), "--dry-run")

    assert lines[:2] == [f"--- {file}", f"+++ {file}"]
    assert '-  "theme": "dark"' in lines
    assert '+  "theme": "dark",' in lines
    assert any('"aimux"' in line for line in lines if line.startswith("+"))
    assert "nothing to do" in done.stdout
    assert [each.name for each in tmp_path.glob("*.aimux-backup-*")] == [
        "settings.json.aimux-backup-1"
    ]


def test_the_list_says_what_there_is_and_how_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that no registry has are marked, with a date."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    run("qwen", "--write")
    run("goose", "--write", "--file", str(tmp_path / "elsewhere"))
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text("{", encoding="utf-8")
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "settings.json").write_text("{}", encoding="utf-8")
    listed = run("--list").stdout
    rows = {line.split()[0]: line for line in listed.splitlines() if line.split()}

    assert set(CLIENTS) < set(rows)
    for client, said in (
        ("qwen", " set up "),
        ("goose", " no file "),
        ("cursor", " unreadable "),
        ("gemini", " not set up "),
    ):
        assert said in rows[client]
    for client in ("claude-desktop", "cursor", "vscode", "zed", "windsurf"):
        assert re.search(r"by documentation, 20\d\d-\d\d-\d\d$", rows[client])
    assert run().stdout == listed


def test_links_are_printed_for_the_clients_that_take_them() -> None:
    """Others say so."""
    every = run("--links").stdout.splitlines()

    assert [line.partition(": ")[0] for line in every] == ["cursor", "vscode"]
    assert run("--links", "vscode").stdout.splitlines() == every[1:]
    assert isinstance(run("--links", "zed").exception, SetupFault)
