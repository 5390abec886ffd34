"""The clients that `aimux setup` knows: their places, units and links."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from aimux.console._clients import CLIENTS, find_file


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [
        ("codex", "tool_timeout_sec", 300),
        ("codex", "startup_timeout_sec", 30),
        ("gemini", "timeout", 300_000),
        ("qwen", "timeout", 300_000),
        ("cline", "timeout", 300),
        ("goose", "timeout", 300),
        ("opencode", "timeout", 300_000),
    ],
)
def test_timeouts_are_in_the_units_of_the_client(client: str, key: str, value: int) -> None:
    """Seconds here, milliseconds there."""
    assert CLIENTS[client].entry(["aimux"])[key] == value


# client -> below the home directory on Linux, macOS and Windows
PLACES = {
    "claude-code": (".claude.json",) * 3,
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
    ),
    "codex": (".codex/config.toml",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "qwen": (".qwen/settings.json",) * 3,
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        ".config/Code/User/mcp.json",
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
    ),
    "cline": tuple(
        f"{base}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
        for base in (".config", "Library/Application Support", "AppData/Roaming")
    ),
    "opencode": (".config/opencode/opencode.json",) * 3,
    "goose": (
        ".config/goose/config.yaml",
        ".config/goose/config.yaml",
        "AppData/Roaming/Block/goose/config/config.yaml",
    ),
    "zed": (
        ".config/zed/settings.json",
        ".config/zed/settings.json",
        "AppData/Roaming/Zed/settings.json",
    ),
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_file_is_where_the_client_looks_on_each_system(client: str, tmp_path: Path) -> None:
    """All twelve, three systems."""
    env = {"HOME": str(tmp_path)}
    found = [
        find_file(CLIENTS[client], env, system).relative_to(tmp_path).as_posix()
        for system in ("linux", "darwin", "win32")
    ]

    assert tuple(found) == PLACES[client]


@pytest.mark.parametrize(
    ("client", "variable", "name"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("opencode", "XDG_CONFIG_HOME", "opencode/opencode.json"),
        ("goose", "XDG_CONFIG_HOME", "goose/config.yaml"),
    ],
)
def test_variables_of_the_client_are_heeded(
    client: str, variable: str, name: str, tmp_path: Path
) -> None:
    """A file elsewhere would never be read."""
    env = {"HOME": "/nowhere", variable: str(tmp_path / "own {x}")}

    assert find_file(CLIENTS[client], env, "linux") == tmp_path / "own {x}" / name


def test_a_file_that_exists_is_preferred(tmp_path: Path) -> None:
    """Cline has two files."""
    own = tmp_path / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    assert find_file(CLIENTS["cline"], {"HOME": str(tmp_path)}) != own

    own.parent.parent.mkdir(parents=True)  # the terminal's was started once
    assert find_file(CLIENTS["cline"], {"HOME": str(tmp_path)}) == own

    own.parent.mkdir()
    own.write_text("{}", encoding="utf-8")
    assert find_file(CLIENTS["cline"], {"HOME": str(tmp_path)}) == own


def test_links_hold_the_same_entry_as_the_files() -> None:
    """In the form of each client."""
    command = ["/opt/a b/aimux", "--stdio"]
    links = {
        name: (kind.link(kind.entry(command)), kind.entry(command))
        for name, kind in CLIENTS.items()
        if kind.link is not None
    }
    cursor, entry = links["cursor"]
    query = parse_qs(urlsplit(cursor).query)

    assert cursor.startswith("cursor://anysphere.cursor-deeplink/mcp/install?")
    assert query["name"] == ["aimux"]
    assert json.loads(base64.b64decode(query["config"][0])) == entry

    vscode, entry = links["vscode"]
    head, _, packed = vscode.partition("?")

    assert head == "vscode:mcp/install"
    assert json.loads(unquote(packed)) == {"name": "aimux", **entry}
