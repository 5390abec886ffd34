"""What a page of the guide shows, taken from it, so that tests run what readers see.

A file stands in a fenced block behind a line that is nothing but its path in backticks. A `console`
block holds commands behind `$ `, each with the output that follows it.
"""

import re
from pathlib import Path
from typing import Final

import attrs

GUIDE: Final = Path(__file__).parents[1] / "docs" / "guide"
_FILE: Final = re.compile(r"^`([^`\n]+)`\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Command:
    """A command line of a page, and what it prints there; empty if the page does not show it."""

    line: str
    shown: str


def files_of(page: str) -> dict[str, str]:
    """Path and text of every file on a page of the guide."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    return {found[1]: found[2] for found in _FILE.finditer(text)}


def commands_of(page: str) -> list[Command]:
    """Every command on a page of the guide, in order."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    commands: list[Command] = []
    for block in _CONSOLE.finditer(text):
        for part in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            commands.append(Command(line, shown))
    return commands
