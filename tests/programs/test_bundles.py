"""What registries and hosts install by is made of the catalogue, and says one version."""

import json
import re
import zipfile
from pathlib import Path

import ruamel.yaml

from aimux import __version__
from aimux.tools.catalog import TOOLS

from ..packaging.make_bundles import ROOT, command_of, dumped, main, server_json


def test_the_entry_of_the_registry_is_current() -> None:
    """If not: nox -s bundles, and copy its server.json to the root."""
    assert (ROOT / "server.json").read_text(encoding="utf-8") == dumped(server_json())


def test_bundle_and_plugin_start_this_version_with_all_tools(tmp_path: Path) -> None:
    """By the same command, which a release pins."""
    assert main([str(tmp_path), "--repository", "me/mine"]) == 0
    with zipfile.ZipFile(tmp_path / "aimux.mcpb") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        entry = archive.read(manifest["server"]["entry_point"]).decode()
    plugin = tmp_path / "plugin" / "aimux"
    server = json.loads((plugin / ".mcp.json").read_text(encoding="utf-8"))["mcpServers"]["aimux"]
    words = [*command_of(__version__), "--stdio"]

    assert manifest["version"] == __version__
    assert {each["name"] for each in manifest["tools"]} == set(TOOLS)
    assert [manifest["server"]["mcp_config"]["command"], *server["args"]] == words
    assert [server["command"], *manifest["server"]["mcp_config"]["args"]] == words
    assert str(words) in entry
    assert server_json(repository="me/mine")["name"] == "io.github.me/mine"


def test_the_commands_of_the_plugin_name_tools_that_exist(tmp_path: Path) -> None:
    """And pass what was typed after them."""
    main([str(tmp_path)])
    commands = sorted((tmp_path / "plugin" / "aimux" / "commands").glob("*.md"))

    assert [path.stem for path in commands] == ["audit", "consensus", "debate", "review"]
    for path in commands:
        text = path.read_text(encoding="utf-8")
        tool = text.partition("Call the tool `")[2].partition("`")[0]

        assert tool in TOOLS
        assert "$ARGUMENTS" in text
        properties = TOOLS[tool].input_schema["properties"]
        assert isinstance(properties, dict)
        assert {"cwd", "path"} & properties.keys()
        assert set(re.findall(r"`(\w+)`\s+set\s+to", text)) - properties.keys() == set()


def test_the_skills_of_the_plugin_name_tools_that_exist(tmp_path: Path) -> None:
    """Each says in its front matter what it is and when it is wanted."""
    main([str(tmp_path)])
    skills = sorted((tmp_path / "plugin" / "aimux" / "skills").glob("*/SKILL.md"))

    assert skills
    for path in skills:
        _, front, text = path.read_text(encoding="utf-8").split("---\n", 2)
        said = ruamel.yaml.YAML(typ="safe").load(front)
        named = set(re.findall(r"^\| [^|]+ \| `(\w+)`", text, re.MULTILINE))

        assert said.keys() == {"name", "description"}
        assert said["name"] == path.parent.name
        assert "Use it for" in said["description"]
        assert named
        assert named - TOOLS.keys() == set()
