"""Writes the list of shipped prompts, `aimux/tools/catalog/_prompts.py`, from their files."""

import pathlib
import subprocess
import sys
from typing import Final

from aimux.files.cache import Dependencies
from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.library.skills import read_skills, skill_places
from aimux.tools._prompts import row_of

ROOT: Final = pathlib.Path(__file__).parents[2]
TARGET: Final = ROOT / "aimux" / "tools" / "catalog" / "_prompts.py"
HEAD: Final = '''"""The shipped prompts as `prompts/list` shows them.

Made by `python tests/packaging/make_prompts.py` from the front matter of `prompts/skills`.
"""

# ruff: noqa: E501

from typing import Final

PROMPTS: Final[list[dict[str, object]]] = '''


def made_rows() -> list[dict[str, object]]:
    """The list, as it is to be."""
    places = skill_places(shipped("prompts") / "skills", [])
    skills = read_skills(places, YamlReader(), Dependencies()).skills
    return [row_of(skill) for skill in skills.values()]


def catalogue() -> str:
    """The module, as it is to be."""
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"],
        input=f"{HEAD}{made_rows()!r}\n",
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=ROOT,
    )
    return formatted.stdout


if __name__ == "__main__":
    TARGET.write_text(catalogue(), encoding="utf-8")
