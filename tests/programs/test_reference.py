"""The reference and the guides say what the code has."""

import re
from pathlib import Path

import pytest
from click import Command, Context

from aimux.console._main import commands

from ..packaging.make_reference import ROOT, page, paths

EVERY = commands.list_commands(Context(commands))
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_a_page_is_current(path: Path) -> None:
    """If not: python tests/packaging/make_reference.py."""
    assert path.read_text(encoding="utf-8") == page(path)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    """Relative ones, to files."""
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)

    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_that_are_shown_exist(path: Path) -> None:
    """And take the options they are shown with."""
    text = path.read_text(encoding="utf-8")
    shown = re.findall(
        r"(?:^|[`$ ])aimux ([a-z]+)((?: (?:-{1,2}[\w-]+|[\w./:{}<>\"'-]+))*)", text, re.MULTILINE
    )
    context = Context(commands)
    unknown = []
    for name, rest in shown:
        command = commands.get_command(context, name) if name in EVERY else None
        if command is not None:
            unknown += [f"{name} {word}" for word in strange(command, rest)]

    assert unknown == []


def strange(command: Command, rest: str) -> list[str]:
    """Options in a command line that the command, or a sub-command named there, does not take."""
    words = rest.split()
    while words and (found := getattr(command, "commands", {}).get(words[0])):
        command, words = found, words[1:]
    known = {opt for each in command.params for opt in (*each.opts, *each.secondary_opts)}
    given = [word.split("=")[0] for word in words if re.fullmatch(r"-{1,2}[a-z][\w-]*(=.*)?", word)]
    return [word for word in given if word not in {*known, "-h", "--help"}]
