"""What the README and the guide show can be read, sent, typed and followed; `nox -s docs` runs it.

What a page shows is found by tests/playbook.py, which also has the list of what is not run.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ruamel.yaml
import trio
from trio.testing import MockClock

from aimux.model import JobStatus, RouteRequest
from aimux.strategies import Seat
from aimux.testing import FakeAsk, Reply
from aimux.think import choices, schema_for
from aimux.tools import TOOLS
from aimux.tools.catalog import PROMPTS

from ..documents.drawing import drawn
from ..documents.run import dead_links, read_site
from ..playbook import (
    COMMAND,
    GUIDE,
    KINDS,
    NOT_RUN,
    README,
    ROOT,
    calls,
    commands,
    fences,
    files_of,
    is_like,
    written,
)

PAGES = written()
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """A page as the list of tests shows it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_block_says_what_it_is_and_can_be_read_as_such(path: Path) -> None:
    """A kind that is known; JSON, YAML and TOML parse; what somebody would type is `console`."""
    for fence in fences(path):
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


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_call_fits_the_schema_of_its_tool(path: Path) -> None:
    """Its own names, nothing that has to be taken as meant."""
    for call in calls(path):
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
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_each_tool_has_a_page_with_a_call() -> None:
    """A page of the guide; the README's do not count."""
    shown = {call.tool for page in sorted(GUIDE.glob("*.md")) for call in calls(page)}

    assert sorted(set(TOOLS) - shown) == []


@pytest.mark.requirement("docs:security")
def test_the_tests_that_the_page_on_security_names_are_there() -> None:
    """Each line of its tables names at least one."""
    text = (GUIDE / "security.md").read_text(encoding="utf-8")
    _, *tables = text.split("| cannot | held by |")
    rows = [row for table in tables for row in re.findall(r"^\| (?!---)(.+)$", table, re.MULTILINE)]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row) for row in rows]
    missing = [
        f"{file}::{name}"
        for each in named
        for file, name in each
        if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]

    assert len(rows) >= 30
    assert [row for row, each in zip(rows, named, strict=True) if not each] == []
    assert missing == []


async def test_the_strategy_of_its_page_does_what_it_says(autojump_clock: MockClock) -> None:
    """Two seats at once; one that is lost makes it partial."""
    found: dict[str, Any] = {}
    exec(compile(files_of("new-strategy.md")["both.py"], "both.py", "exec"), found)
    seats = [Seat(name=name, route=RouteRequest(cli=name)) for name in "AB"]

    def reply(seat: str, prompt: str) -> Reply:
        fails = "transient" if (seat, prompt) == ("B", "lost") else None
        return Reply(text=f"{seat}: {prompt}", takes_s=5, fails=fails)

    fakes = [FakeAsk(reply) for _ in range(2)]
    reports = [
        await found["both"](prompt, *seats)(fake.ask, fake.note)
        for prompt, fake in zip(("which", "lost"), fakes, strict=True)
    ]

    assert trio.current_time() == 10
    assert [report.status for report in reports] == [JobStatus.COMPLETED, JobStatus.PARTIAL]
    assert reports[0].content == "## A\n\nA: which\n\n## B\n\nB: which"
    assert [fake.notes[0][0] for fake in fakes] == ["2 of 2 answered", "1 of 2 answered"]


def test_output_is_compared_but_for_what_differs_from_run_to_run() -> None:
    """Ids, times and left-out text; a changed word is a difference."""
    shown = "job job_01ABCDEFGHJKMNPQRSTVWXYZ12 after 5 ms\n…\nrpn 30, …, end"

    assert is_like(shown, "job job_01ZZCDEFGHJKMNPQRSTVWXYZ12 after 91 ms\na\nb\nrpn 30, x, end")
    assert not is_like(shown, "job job_01ZZCDEFGHJKMNPQRSTVWXYZ12 after 91 ms\na\nrpn 31, x, end")
    assert not is_like("one", "one\ntwo")


def test_a_diagram_is_drawn_whole_and_what_is_not_understood_is_told() -> None:
    """A box for each state, an arrow for each line."""
    lines = ["stateDiagram-v2", "[*] --> open", "open --> shut: pushed", "shut --> open: pulled"]
    picture = drawn([*lines, "open --> [*]"])

    assert picture.count("<rect") == 2
    assert picture.count("marker-end") == 3
    assert picture.count('stroke-width="3"') == 1
    assert ">pushed</text>" in picture
    with pytest.raises(ValueError, match="not understood in a diagram: a ~ b"):
        drawn(["stateDiagram-v2", "a ~ b"])


def test_dead_links_and_what_is_loaded_from_elsewhere_are_told(tmp_path: Path) -> None:
    """Pages, headings, scripts."""
    (tmp_path / "b.html").write_text('<h1 id="top">b</h1>', encoding="utf-8")
    (tmp_path / "a.html").write_text(
        '<a href="b.html#top"></a><a href="b.html#no"></a><a href="c.html"></a>'
        '<a href="https://example.org"></a><script src="https://example.org/x.js"></script>',
        encoding="utf-8",
    )

    assert list(dead_links(tmp_path, read_site(tmp_path))) == [
        "a.html leads to b.html#no, which has no such heading",
        "a.html leads to c.html",
        "a.html loads https://example.org/x.js",
    ]
