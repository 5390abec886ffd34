"""What the README and the guide show can be read, sent, typed and followed; `nox -s docs` runs it.

What a page shows is found by tests/playbook.py, which also has the list of what is not run.
"""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
import ruamel.yaml

from aimux.think import choices, schema_for
from aimux.tools import TOOLS
from aimux.tools.catalog import PROMPTS

from ..playbook import (
    COMMAND,
    DOCS,
    GUIDE,
    KINDS,
    NOT_RUN,
    README,
    ROOT,
    Call,
    Fence,
    calls,
    commands,
    fences,
    written,
)

PAGES = written()
FENCES = [fence for page in PAGES for fence in fences(page)]
CALLS = [call for page in PAGES for call in calls(page)]
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """A page as the list of tests shows it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("fence", FENCES, ids=str)
def test_a_block_says_what_it_is_and_can_be_read_as_such(fence: Fence) -> None:
    """A kind that is known; JSON, YAML and TOML parse; what somebody would type is `console`."""
    assert fence.kind in KINDS, f"{fence}: say one of {sorted(KINDS)} behind its backticks"
    match fence.kind:
        case "json":
            json.loads(fence.text)
        case "yaml":
            list(ruamel.yaml.YAML(typ="safe").load_all(fence.text))
        case "toml":
            tomllib.loads(fence.text)
        case "console":
            assert fence.text.startswith("$ "), f"{fence}: a command begins with `$ `"
        case "text" | "sh":
            typed = [line for line in fence.text.splitlines() if COMMAND.match(line)]
            assert typed == [], f"{fence}: commands stand in a `console` block"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.fence}-{call.tool}")
def test_a_call_fits_the_schema_of_its_tool(call: Call) -> None:
    """Its own names, nothing that has to be taken as meant."""
    jsonschema.Draft202012Validator(TOOLS[call.tool].input_schema).validate(call.arguments)
    if call.tool == "think" and "pattern" in call.arguments:
        ours = TOOLS["think"].input_schema["properties"]
        assert isinstance(ours, dict)
        fields = {name: value for name, value in call.arguments.items() if name not in ours}
        choice = choices()[str(call.arguments["pattern"])]
        jsonschema.Draft202012Validator(schema_for(choice)).validate(fields)


def test_the_readme_has_each_tool_once_and_each_prompt() -> None:
    """One call of each; a prompt that is new is told."""
    text = (ROOT / README).read_text(encoding="utf-8")

    assert sorted(call.tool for call in calls(ROOT / README)) == sorted(TOOLS)
    assert [each["name"] for each in PROMPTS if f"`{each['name']}`" not in text] == []


def test_the_readme_is_three_screens() -> None:
    """What is longer stands in the guide."""
    text = (ROOT / README).read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 170
    assert text.index("make demo") < text.index("make test") < text.index("## ")


def test_what_is_not_run_is_needed() -> None:
    """An entry of the list that no page needs any more goes."""
    lines = [command.line for page in PAGES for command in commands(page)]
    needed = [begin for begin in NOT_RUN if any(line.startswith(begin) for line in lines)]

    assert needed == list(NOT_RUN)
    assert all(NOT_RUN.values())


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_link_leads_to_a_page_and_to_a_heading_of_it(path: Path) -> None:
    """Inside the repository; others are not followed."""
    dead = []
    for page, heading in _LINK.findall(_CODE.sub("", path.read_text(encoding="utf-8"))):
        target = (path.parent / page).resolve() if page else path
        if not target.exists() or (heading and heading not in anchors(target)):
            dead.append(f"{page}#{heading}")

    assert dead == []


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_a_tool_has_a_page_with_a_call(tool: str) -> None:
    """`tools/NAME.md` in the guide, or a page that is named after it or what it does."""
    pages = [page for page in sorted(GUIDE.glob("*.md")) if any(c.tool == tool for c in calls(page))]

    assert pages, f"{tool}: no page of {GUIDE.relative_to(DOCS)} shows a call"
