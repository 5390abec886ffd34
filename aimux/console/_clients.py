"""The clients that `aimux setup` knows: where their file is, and what one server looks like in it.

Timeouts are in the client's own unit, and long enough that aimux hands a job over (45 s) before
the client gives up on the call. Where a client has no limit of its own, or none that outlives
progress, the entry names none.
"""

import base64
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import attrs
import orjson

from aimux.config import home_dir

NAME: Final = "aimux"
CALL_S: Final = 300  # for one call: most clients cut at 60
START_S: Final = 30  # for the first answer of a machine under load
CLINE_STORAGE: Final = "Code/User/globalStorage/saoudrizwan.claude-dev"
DOCUMENTED: Final = "by documentation, 2026-11-29"  # no registry has the client itself

Json = dict[str, object]
Entry = Callable[[Sequence[str]], Json]


@attrs.frozen(kw_only=True)
class ClientKind:
    """One client, and the files where it looks for servers.

    `paths` are tried in order: the first that is there, else the first with a directory for it;
    on Windows those of `windows`, if there are any. In them `~` is the home, `{config}` where
    desktop programs keep settings, `{xdg}` the same on Linux and `~/.config` elsewhere, `{NAME}`
    the variable of that name, else what `homes` says. `known_by` is how we know that the client
    reads this.
    """

    title: str
    paths: Sequence[str]
    keys: Sequence[str]  # where the servers stand in the file
    entry: Entry
    known_by: str = DOCUMENTED
    windows: Sequence[str] = ()
    homes: Mapping[str, str] = attrs.field(factory=dict)
    hint: str = ""
    link: Callable[[Json], str] | None = None

    @property
    def format(self) -> str:
        """How the file is written: json (with comments or without), toml or yaml."""
        suffix = self.paths[0].rpartition(".")[2]
        return suffix if suffix in {"toml", "yaml"} else "json"


def _plain(command: Sequence[str]) -> Json:
    return {"command": command[0], "args": list(command[1:])}


def _with(**more: object) -> Entry:
    return lambda command: {**_plain(command), **more}


def _typed(command: Sequence[str]) -> Json:
    return {"type": "stdio", **_plain(command)}


def _opencode(command: Sequence[str]) -> Json:
    return {
        "type": "local",
        "command": list(command),
        "enabled": True,
        "timeout": CALL_S * 1000,
    }


def _goose(command: Sequence[str]) -> Json:
    return {
        "enabled": True,
        "type": "stdio",
        "name": NAME,
        "description": "Other AI coding CLIs",
        "cmd": command[0],
        "args": list(command[1:]),
        "timeout": CALL_S,
    }


def _cursor_link(entry: Json) -> str:
    packed = base64.b64encode(orjson.dumps(entry)).decode()
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={NAME}&config={quote(packed, '')}"


def _vscode_link(entry: Json) -> str:
    return f"vscode:mcp/install?{quote(orjson.dumps({'name': NAME, **entry}), '')}"


CLIENTS: Final[Mapping[str, ClientKind]] = {
    "claude-code": ClientKind(
        title="Claude Code",
        paths=("{CLAUDE_CONFIG_DIR}/.claude.json",),
        homes={"CLAUDE_CONFIG_DIR": "~"},
        keys=("mcpServers",),
        # no timeout: its own for a call over stdio is longer than any job, and one given here
        # would not be extended by progress
        entry=_typed,
        known_by="its `claude mcp list`, 2.1.330",
        hint="the same with its own command: claude mcp add -s user aimux -- {command}",
    ),
    "claude-desktop": ClientKind(
        title="Claude Desktop",
        paths=("{config}/Claude/claude_desktop_config.json",),
        keys=("mcpServers",),
        entry=_plain,
    ),
    "codex": ClientKind(
        title="Codex",
        paths=("{CODEX_HOME}/config.toml",),
        homes={"CODEX_HOME": "~/.codex"},
        keys=("mcp_servers",),
        entry=_with(startup_timeout_sec=START_S, tool_timeout_sec=CALL_S),
        known_by="its `codex mcp list`, 0.169.0",
        hint="Codex passes few variables on: name the keys your CLIs need in env_vars",
    ),
    "gemini": ClientKind(
        title="Gemini CLI",
        paths=("~/.gemini/settings.json",),
        keys=("mcpServers",),
        entry=_with(timeout=CALL_S * 1000),
        known_by="its `gemini mcp list`, 0.61.0",
    ),
    "qwen": ClientKind(
        title="Qwen Code",
        paths=("~/.qwen/settings.json",),
        keys=("mcpServers",),
        entry=_with(timeout=CALL_S * 1000),
        known_by="its `qwen mcp list`, 0.24.4",
    ),
    "cursor": ClientKind(
        title="Cursor",
        paths=("~/.cursor/mcp.json",),
        keys=("mcpServers",),
        entry=_plain,
        link=_cursor_link,
    ),
    "vscode": ClientKind(
        title="VS Code",
        paths=("{config}/Code/User/mcp.json",),
        keys=("servers",),
        entry=_typed,
        link=_vscode_link,
    ),
    "cline": ClientKind(
        title="Cline",
        paths=(
            f"{{config}}/{CLINE_STORAGE}/settings/cline_mcp_settings.json",
            "~/.cline/data/settings/cline_mcp_settings.json",
        ),
        keys=("mcpServers",),
        entry=_with(timeout=CALL_S, disabled=False),
        known_by="its `cline config mcp`, 3.0.65",
    ),
    "opencode": ClientKind(
        title="OpenCode",
        paths=("{xdg}/opencode/opencode.json", "{xdg}/opencode/opencode.jsonc"),
        keys=("mcp",),
        entry=_opencode,
        known_by="its `opencode mcp list`, 1.18.33",
    ),
    "goose": ClientKind(
        title="Goose",
        paths=("{xdg}/goose/config.yaml",),
        windows=("{config}/Block/goose/config/config.yaml",),
        keys=("extensions",),
        entry=_goose,
        known_by="its `goose info`, 1.52.0",
    ),
    "zed": ClientKind(
        title="Zed",
        paths=("{xdg}/zed/settings.json",),
        windows=("{config}/Zed/settings.json",),
        keys=("context_servers",),
        entry=lambda command: {"source": "custom", **_plain(command), "env": {}},
    ),
    "windsurf": ClientKind(
        title="Windsurf",
        paths=("~/.codeium/windsurf/mcp_config.json",),
        keys=("mcpServers",),
        entry=_plain,
    ),
}


def find_file(kind: ClientKind, env: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The client's file, or where it would be."""
    home = home_dir(env)
    named = env.get("XDG_CONFIG_HOME", "") if platform != "win32" else ""
    xdg = Path(named) if Path(named).is_absolute() else home / ".config"
    if platform == "darwin":
        config = home / "Library" / "Application Support"
    elif platform == "win32":
        config = Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    else:
        config = xdg
    known = {"config": str(config), "xdg": str(xdg)}
    known |= {name: env.get(name) or default for name, default in kind.homes.items()}
    templates = kind.windows if platform == "win32" and kind.windows else kind.paths
    places = [_placed(each.format_map(known), home) for each in templates]
    found = [each for each in places if each.exists()]
    # a client that has no servers yet may have its directory
    found += [each for each in places if each.parent.parent.exists()]
    return (found or places)[0]


def _placed(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)
