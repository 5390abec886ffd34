"""Every block of the README and the guide that is no call and no file of its page is used for real.

A configuration is put where the page says and read as a client's would be; a value of JSON is what
the code makes. What a block is, is seen from its content; one that nothing here knows fails, unless
it stands in `tests/playbook.py`'s list of what is not loaded, with its reason.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import pytest
import ruamel.yaml

from aimux.config import Loader
from aimux.guidance import guide
from aimux.library.skills import render_skill
from aimux.model import Problem, Settings
from aimux.rules.audit import scan

from ..config.conftest import ConfigHome
from ..guidance.samples import job
from ..playbook import (
    NOT_LOADED,
    Fence,
    calls,
    fences,
    file_fences,
    not_loaded,
    shown_data,
    written,
)

LOADED: Final = frozenset({"yaml", "json", "toml", "sh", "python", "markdown", "dockerfile", "ini"})
SECTIONS: Final = frozenset(each.name for each in attrs.fields(Settings))
LOG_LINE: Final = frozenset({"event", "level", "logger", "timestamp"})  # what each line has
EVENT_LINE: Final = frozenset({"job_id", "seq", "at", "kind", "turn", "line"})


def blocks() -> list[Fence]:
    """Blocks that have to be used here: the others are sent, laid out or compared elsewhere."""
    found: list[Fence] = []
    for page in written():
        elsewhere = {each.fence for each in calls(page)} | set(file_fences(page))
        elsewhere |= {each for call in calls(page) for each in shown_data(call.fence)}
        found += [each for each in fences(page) if each.kind in LOADED and each not in elsewhere]
    return found


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """One for all blocks: shipped files are parsed once."""
    return Loader(tmp_path_factory.mktemp("yaml"))


@pytest.fixture
def home(tmp_path: Path, loader: Loader) -> ConfigHome:
    """Empty directories of a user and a project."""
    (tmp_path / "user").mkdir()
    (tmp_path / "project").mkdir()
    return ConfigHome(tmp_path / "user", tmp_path / "project", loader)


def as_settings(home: ConfigHome, fence: Fence) -> None:
    """Keys of the user's settings: none is unknown, and they say something."""
    before = home.load()
    home.write_user(fence.text)
    snapshot = home.load()

    assert told(snapshot.problems) == ""
    assert (snapshot.settings, snapshot.roles) != (before.settings, before.roles)


def as_profile(home: ConfigHome, fence: Fence) -> None:
    """A change to a shipped profile, which is another then."""
    name = ruamel.yaml.YAML(typ="safe").load(fence.text)["name"]
    before = home.load().profiles[name]
    home.write_profile(name, fence.text)
    snapshot = home.load()

    assert told(snapshot.problems) == ""
    assert snapshot.profiles[name] != before


def as_panel(home: ConfigHome, fence: Fence) -> None:
    """A panel beside the shipped ones."""
    put(home, "panels.d/mine.yaml", fence.text)
    snapshot = home.load()

    assert told(snapshot.problems) == ""
    assert "mine" in snapshot.settings.panels


def as_domain(home: ConfigHome, fence: Fence) -> None:
    """A domain of investigations."""
    put(home, "domains.d/mine.yaml", fence.text)
    found = home.loader.domains(home.client())

    assert told(found.problems) == ""
    assert "mine" in found.domains


def as_rule(home: ConfigHome, fence: Fence) -> None:
    """A rule of the audit."""
    put(home, "audit-rules.d/mine.yaml", fence.text)
    found = home.loader.audit_rules(home.load().paths)
    said = ruamel.yaml.YAML(typ="safe").load(fence.text)
    name = said["id"]

    assert told(found.problems) == ""
    rule = found.rules[name]
    hits = [
        len(scan("x.js", f"{text}\n".encode(), [rule]).findings)
        for text in (*said["defects"], *said["look_alikes"])
    ]
    assert hits == [1] * len(said["defects"]) + [0] * len(said["look_alikes"])


def as_skill(home: ConfigHome, fence: Fence) -> None:
    """A prompt, which prints what the next block shows with the fragment that it names."""
    put(home, "skills.d/release.md", fence.text)
    fragment = "1. The tests pass on main.\n2. The changelog names {{ args.version }}.\n"
    put(home, "skills.d/fragments/checks.md", fragment)
    library = home.loader.skills(home.client())
    skill = library.skills["release"]
    values = {"args": {"version": "1.4.0"}, "clis": ["codex"]}
    (shown,) = [each for each in fences(fence.path) if each.line > fence.line][:1]

    assert told(home.loader.skill_problems(home.client())) == ""
    assert render_skill(skill, library.parts_of(skill), values).strip() == shown.text.strip()


def as_role(home: ConfigHome, fence: Fence) -> None:
    """The front matter of a role's text."""
    put(home, "prompts.d/roles/coding.md", f"{fence.text}Do it.\n")
    snapshot = home.load()

    assert told(snapshot.problems) == ""
    assert f"mode: {snapshot.roles['coding'].mode}\n" in fence.text


def as_guidance(home: ConfigHome, fence: Fence) -> None:
    """What every answer ends with."""
    del home
    shown = json.loads(fence.text)["guidance"]
    job_id = shown["next"][0]["arguments"]["job_id"]

    assert guide("exec", job("exec", shown["state"], job_id=job_id)) == shown


def as_client(home: ConfigHome, fence: Fence) -> None:
    """A server in a client's configuration; tests/e2e/test_pages.py starts it."""
    del home
    (server,) = json.loads(fence.text)["mcpServers"].values()

    assert server["command"] == "aimux"


USES: Final[Mapping[str, tuple[Callable[[object], bool], Callable[[ConfigHome, Fence], None]]]] = {
    "settings": (lambda value: keys(value) and keys(value) <= SECTIONS, as_settings),
    "profile": (lambda value: "name" in keys(value) and "id" not in keys(value), as_profile),
    "panel": (lambda value: "members" in keys(value), as_panel),
    "domain": (lambda value: "areas" in keys(value), as_domain),
    "rule": (lambda value: "match" in keys(value), as_rule),
    "guidance": (lambda value: keys(value) == {"guidance"}, as_guidance),
    "client": (lambda value: keys(value) == {"mcpServers"}, as_client),
    "skill": (lambda value: isinstance(value, str) and "{% include" in value, as_skill),
    "role": (lambda value: isinstance(value, str) and "\nmode:" in value, as_role),
}  # fmt: skip


def keys(value: object) -> set[str]:
    """The keys of a map; none of what is no map."""
    return set(value) if isinstance(value, dict) else set()


def told(problems: Sequence[Problem]) -> str:
    """What is wrong, as one text."""
    return "; ".join(map(str, problems))


def use_of(fence: Fence) -> list[str]:
    """What a block is used as."""
    value: object = fence.text
    if fence.kind == "yaml":
        value = ruamel.yaml.YAML(typ="safe").load(fence.text)
    elif fence.kind == "json":
        value = json.loads(fence.text)
    return [name for name, (is_it, _) in USES.items() if is_it(value)]


def put(home: ConfigHome, name: str, text: str) -> None:
    """A file below the user's configuration."""
    path = home.user / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


BLOCKS: Final = [each for each in blocks() if not not_loaded(each)]


@pytest.mark.parametrize("fence", BLOCKS, ids=str)
def test_a_block_is_used_as_what_it_is(home: ConfigHome, fence: Fence) -> None:
    """By the code that reads it where a reader puts it."""
    (use,) = use_of(fence) or ["nothing knows what it is: see tests/programs/test_blocks.py"]
    USES[use][1](home, fence)


@pytest.mark.parametrize("fence", [each for each in BLOCKS if each.kind == "yaml"], ids=str)
def test_a_key_that_nothing_knows_would_be_seen(home: ConfigHome, fence: Fence) -> None:
    """In each of them: what is loaded is judged, too."""
    wrong = attrs.evolve(fence, text=f"{fence.text}nonsense: 1\n")
    (use,) = use_of(fence)
    with pytest.raises(AssertionError, match="nonsense"):
        USES[use][1](home, wrong)


def test_what_is_not_loaded_is_there() -> None:
    """An entry of the list that no page needs any more goes."""
    needed = [fence for fence in blocks() if not_loaded(fence)]

    assert len(needed) == len(NOT_LOADED)
    assert all(NOT_LOADED.values())


def test_files_of_pages_are_those_that_tests_lay_out() -> None:
    """Of the page on CLIs in tests/e2e, of the page on strategies in test_documents."""
    pages = {page.name for page in written() if file_fences(page)}

    assert pages == {"new-cli.md", "new-strategy.md"}


def test_lines_of_json_have_the_keys_that_are_printed() -> None:
    """Of the log, and of `aimux events`."""
    known = {EVENT_LINE: 0, LOG_LINE: 0}
    for page in written():
        for fence in fences(page):
            lines = [line for line in fence.text.splitlines() if line.startswith('{"')]
            for said in map(json.loads, lines if fence.kind == "text" else ()):
                if said.keys() == {"tool", "arguments"}:
                    continue
                (like,) = [each for each in known if each <= said.keys()]
                assert like is LOG_LINE or said.keys() == like
                known[like] += 1

    assert all(known.values())
