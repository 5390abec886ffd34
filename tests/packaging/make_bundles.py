"""What hosts and registries install aimux by, made from the catalogue and one version.

    python tests/packaging/make_bundles.py OUT [--repository OWNER/NAME] [--command WORDS…]

Writes `server.json` (MCP registry), `aimux.mcpb` (desktop hosts) and `plugin/` with its own
marketplace (Claude Code) into OUT. All start aimux by `uvx`, pinned to this version; `--command`
starts another one. The `server.json` at the root is the first of these.
"""

import argparse
import json
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aimux import __version__
from aimux.tools.catalog import TOOLS

ROOT: Final = Path(__file__).resolve().parents[2]
PLUGIN: Final = Path(__file__).resolve().parent / "plugin"  # its texts
PACKAGE: Final = "aimux-mcp"
SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
GITHUB: Final = "https://github.com/"
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same bundle from the same sources
DESCRIPTION: Final = (
    "One MCP server in front of twelve AI coding CLIs: run, compare, debate, audit."
)
VARIABLES: Final = (  # the settings that people who install this way ask for
    ("AIMUX_CONFIG_DIR", "Your configuration directory; ~/.config/aimux if unset.", False),
    ("AIMUX_DAEMON", "off: serve in the client's own process, without the daemon.", False),
)

Json = dict[str, object]


def repository_of(root: Path) -> str:
    """Whose it is, OWNER/NAME, as pyproject.toml says; a release has put its own there."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["urls"]["Repository"]).removeprefix(GITHUB)


def command_of(version: str) -> list[str]:
    """How a host without an installation starts this version."""
    return ["uvx", f"{PACKAGE}@{version}"]


def server_json(version: str = __version__, repository: str = "") -> Json:
    """The entry of the MCP registry."""
    repository = repository or repository_of(ROOT)
    variables = [
        {"name": each, "description": said, "isSecret": is_secret}
        for each, said, is_secret in VARIABLES
    ]
    return {
        "$schema": SCHEMA,
        "name": f"io.github.{repository}",
        "title": "aimux",
        "description": DESCRIPTION,
        "version": version,
        "repository": {"url": f"{GITHUB}{repository}", "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": PACKAGE,
                "version": version,
                "runtimeHint": "uvx",
                "packageArguments": [{"type": "positional", "value": "--stdio"}],
                "transport": {"type": "stdio"},
                "environmentVariables": variables,
            }
        ],
    }


def mcpb_manifest(version: str, repository: str, command: Sequence[str]) -> Json:
    """The manifest of the bundle for desktop hosts."""
    return {
        "manifest_version": "0.3",
        "name": "aimux",
        "display_name": "aimux",
        "version": version,
        "description": DESCRIPTION,
        "author": {"name": "The aimux authors", "url": f"{GITHUB}{repository}"},
        "repository": {"type": "git", "url": f"{GITHUB}{repository}"},
        "license": "MIT",
        "server": {
            "type": "python",
            "entry_point": "server/main.py",
            "mcp_config": {
                "command": command[0],
                "args": [*command[1:], "--stdio"],
            },
        },
        "tools": [{"name": name, "description": tool.title} for name, tool in TOOLS.items()],
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project()["requires-python"]},
        },
    }


MAIN: Final = '''\
"""Start aimux as the manifest does, for hosts that run the entry point itself."""

import subprocess
import sys

sys.exit(subprocess.call({command!r}))
'''


def plugin_files(version: str, repository: str, command: Sequence[str]) -> Mapping[str, str]:
    """The files of the plugin and of the marketplace that offers it, by name."""
    owner = {"name": "The aimux authors", "url": f"{GITHUB}{repository}"}
    server = {"command": command[0], "args": [*command[1:], "--stdio"]}
    made: dict[str, Json] = {
        "aimux/.claude-plugin/plugin.json": {
            "name": "aimux",
            "version": version,
            "description": DESCRIPTION,
            "author": owner,
            "repository": f"{GITHUB}{repository}",
            "license": "MIT",
            "keywords": ["mcp", "consensus", "review", "audit"],
        },
        "aimux/.mcp.json": {"mcpServers": {"aimux": server}},
        ".claude-plugin/marketplace.json": {
            "name": "aimux",
            "owner": owner,
            "metadata": {"description": DESCRIPTION, "version": version},
            "plugins": [{"name": "aimux", "source": "./aimux", "description": DESCRIPTION}],
        },
    }
    texts = {name: dumped(each) for name, each in made.items()}
    for path in sorted(PLUGIN.rglob("*.md")):
        texts[f"aimux/{path.relative_to(PLUGIN).as_posix()}"] = path.read_text(encoding="utf-8")
    return texts


def project() -> Mapping[str, str]:
    """What pyproject.toml says of the project."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: Mapping[str, str] = tomllib.loads(text)["project"]
    return found


def dumped(value: Json) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write(out: Path, version: str, repository: str, command: Sequence[str]) -> None:
    """All of them."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "server.json").write_text(dumped(server_json(version, repository)), encoding="utf-8")
    bundle = {
        "manifest.json": dumped(mcpb_manifest(version, repository, command)),
        "server/main.py": MAIN.format(command=[*command, "--stdio"]),
        "LICENSE": (ROOT / "LICENSE").read_text(encoding="utf-8"),
    }
    with zipfile.ZipFile(out / "aimux.mcpb", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in bundle.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text)
    shutil.rmtree(out / "plugin", ignore_errors=True)
    for name, text in plugin_files(version, repository, command).items():
        path = out / "plugin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Write them, and the root's server.json if OUT is the root."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("out", type=Path)
    options.add_argument("--version", default=__version__)
    options.add_argument("--repository", default=repository_of(ROOT))
    options.add_argument("--command", nargs="+", default=None)
    chosen = options.parse_args(argv)
    command = chosen.command or command_of(chosen.version)
    write(chosen.out, chosen.version, chosen.repository, command)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
