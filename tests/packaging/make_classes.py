"""Compiles profiles/tool-classes.yaml into the catalogue, so that no YAML is on the way to it."""

import sys
from pathlib import Path
from typing import Final

from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.guidance import Classes, read_classes
from aimux.tools import TOOLS
from aimux.tools._classes import FILE, digest

ROOT: Final = Path(__file__).parents[2]
MODULE: Final = ROOT / "aimux" / "tools" / "catalog" / "_classes.py"


def source() -> Classes:
    """The rows of the shipped file, checked against the tools there are."""
    document = YamlReader().read(shipped("profiles") / FILE)
    return read_classes(document.data, {name: tool.input_schema for name, tool in TOOLS.items()})


def compiled(classes: Classes) -> str:
    """The module that holds these rows."""
    rows = "".join(
        f'    "{tool}": {{\n'
        + "".join(f'        "{action}": "{value}",\n' for action, value in actions.items())
        + "    },\n"
        for tool, actions in classes.items()
    )
    return (
        '"""The class of each action, compiled from profiles/tool-classes.yaml by make_classes.\n\n'
        "It is on the path to the first answer, where no YAML is read. The engine compares the\n"
        'two when it opens.\n"""\n\n'
        "from collections.abc import Mapping\nfrom typing import Final\n\n"
        f'DIGEST: Final = "{digest(shipped("profiles") / FILE)}"  # of the file\n'
        f"CLASSES: Final[Mapping[str, Mapping[str, str]]] = {{\n{rows}}}\n"
    )


def main() -> int:
    """Write the module."""
    MODULE.write_text(compiled(source()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
