"""The layers as a picture and a table, from the contract that the linter checks."""

import ast
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def rooms() -> list[list[str]]:
    """The rooms of each layer, the highest first."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["name"] == "layers"]
    return [[room.strip(" ()") for room in layer.split("|")] for layer in layers]


def layers() -> str:
    """Every layer above what it may know."""
    found = rooms()
    names = [f"layer{at}[{', '.join(layer)}]" for at, layer in enumerate(found, start=1)]
    lines = [f"    {name}" for name in names]
    lines += [f"    layer{at} --> layer{at + 1}" for at in range(1, len(found))]
    rows = "".join(
        f"| {at} | `{room}` | {said_of(room)} |\n"
        for at, layer in enumerate(found, start=1)
        for room in layer
        if said_of(room)
    )
    return (
        "# Layers\n\nA room imports from the layers below its own, never from its own or one "
        "above. "
        "`lint-imports` checks that, by the same list.\n\n```mermaid\nflowchart TB\n"
        + "\n".join(lines)
        + f"\n```\n\n| layer | room | is |\n| --- | --- | --- |\n{rows}"
    )


def said_of(room: str) -> str:
    """The first line of a room's own words; empty if there is no such room yet."""
    for path in (ROOT / "aimux" / room / "__init__.py", ROOT / "aimux" / f"{room}.py"):
        if path.exists():
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            return " ".join(said.split("\n\n")[0].split()).replace("|", "\\|")
    return ""
