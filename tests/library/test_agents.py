"""Agents where hosts keep them: places, layers, front matter, and what a clone may bring."""

from pathlib import Path
from typing import Final

import attrs
import pytest

from aimux.files.cache import Dependencies
from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.library.agents import AgentLibrary, agent_places, read_agents
from aimux.model import Agent, Mode, Source

MODES: Final = {"implementer", "tester", "refactorer", "documenter"}


@attrs.frozen(kw_only=True)
class Machine:
    """A home, a project and our own directories."""

    root: Path

    def put(self, path: str, text: str) -> Path:
        """A file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def agent(self, path: str, front: str = "description: Does it", text: str = "Do it.") -> Path:
        """A file of an agent."""
        return self.put(path, f"---\n{front}\n---\n{text}\n")

    def read(self) -> AgentLibrary:
        """What is found."""
        places = agent_places(
            shipped=self.root / "shipped",
            user=self.root / "config/agents.d",
            home=self.root / "home",
            project=self.root / "project",
        )
        return read_agents(places, YamlReader(), Dependencies())

    def only(self, path: str, front: str, text: str = "Do it.") -> Agent:
        """The one agent there is."""
        self.agent(path, front, text)
        library = self.read()
        assert not library.problems, library.problems
        (agent,) = library.agents.values()
        return agent


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "project").mkdir()
    return Machine(root=tmp_path)


def told(library: AgentLibrary) -> str:
    return "\n".join(map(str, library.problems))


@pytest.mark.requirement("agents:places")
@pytest.mark.parametrize(
    ("path", "host", "source"),
    [
        ("shipped/a.md", "aimux", Source.SHIPPED),
        ("config/agents.d/a.md", "aimux", Source.USER),
        ("home/.claude/agents/a.md", "claude", Source.USER),
        ("home/.config/opencode/agent/a.md", "opencode", Source.USER),
        ("home/.copilot/agents/a.agent.md", "github", Source.USER),
        ("project/.aimux/agents.d/a.md", "aimux", Source.PROJECT),
        ("project/.claude/agents/a.md", "claude", Source.PROJECT),
        ("project/.claude/agents/team/a.md", "claude", Source.PROJECT),
        ("project/.codex/agents/a.md", "codex", Source.PROJECT),
        ("project/.gemini/agents/a.md", "gemini", Source.PROJECT),
        ("project/.qwen/agents/a.md", "qwen", Source.PROJECT),
        ("project/.github/agents/a.agent.md", "github", Source.PROJECT),
        ("project/.opencode/agent/a.md", "opencode", Source.PROJECT),
        ("project/.factory/droids/a.md", "droid", Source.PROJECT),
    ],
)
def test_agents_are_found_where_hosts_keep_them(
    machine: Machine, path: str, host: str, source: Source
) -> None:
    """With whose they are and which layer they are of."""
    agent = machine.only(path, "description: Does it")

    assert (agent.id, agent.host, agent.source) == ("a", host, source)
    assert agent.origin == str(machine.root / path)


@pytest.mark.requirement("agents:places")
def test_the_nearest_layer_wins_and_ours_wins_in_it(machine: Machine) -> None:
    """What is replaced is told, lowest first."""
    paths = [
        "shipped/a.md", "home/.claude/agents/a.md", "config/agents.d/a.md",
        "project/.gemini/agents/a.md", "project/.claude/agents/a.md",
        "project/.aimux/agents.d/a.md",
    ]  # fmt: skip
    for path in paths:
        machine.agent(path, text=path)
    (agent,) = machine.read().agents.values()

    assert agent.text == paths[-1]
    assert agent.hidden == tuple(str(machine.root / path) for path in paths[:-1])


def test_who_works_in_their_home_has_no_project_there(machine: Machine) -> None:
    """The same files are not the user's and somebody else's at once."""
    machine.agent("home/.claude/agents/a.md")
    home = machine.root / "home"
    places = agent_places(shipped=home / "no", user=home / "no", home=home, project=home)
    (agent,) = read_agents(places, YamlReader(), Dependencies()).agents.values()

    assert agent.source is Source.USER


def test_every_field_of_ours_is_read(machine: Machine) -> None:
    """And the text is what stands below, without the front matter."""
    agent = machine.only(
        "project/.aimux/agents.d/a.md",
        "name: My Agent\ndescription: Does it\nwhen: now\ndomain: doing\nkeywords: [do, it]\n"
        "role: coding\ncli: claude\nmodel: opus\neffort: high\nmode: write\nmax_turns: 3\n"
        "timeout: 30\ntools: [Edit]",
        "Do it.\n\n---\n\nStill the text.",
    )

    assert agent == Agent(
        id="my-agent", name="My Agent", description="Does it", when="now", domain="doing",
        keywords=["do", "it"], role="coding", cli="claude", model="opus", effort="high",
        mode=Mode.WRITE, tools=["Edit"], max_turns=3, timeout_s=30.0,
        text="Do it.\n\n---\n\nStill the text.", origin=agent.origin, source=Source.PROJECT,
    )  # fmt: skip


def test_a_description_that_no_yaml_parser_takes_is_read(machine: Machine) -> None:
    """As its host reads it: line by line."""
    agent = machine.only(
        "home/.claude/agents/a.md",
        "name: reviewer\ndescription: Use it. Examples: <example>user: review\\nassistant: yes: "
        "at once</example>\ntools: Read, Grep\nmodel: sonnet",
    )

    assert (agent.id, agent.cli, agent.model) == ("reviewer", "claude", "sonnet")
    assert agent.description.startswith("Use it. Examples: <example>user: review assistant:")
    assert agent.tools == ["Read", "Grep"]
    assert agent.text == "Do it."


@pytest.mark.parametrize(
    ("front", "mode"),
    [
        ("tools: Read, Grep, Glob", Mode.READ),
        ("tools: [Read, Edit]", None),
        ("tools:\n  write: false\n  grep: true", Mode.READ),
        ("tools:\n  write: true", None),
        ("mode: subagent", None),
        ("sandbox_mode: workspace-write", Mode.WRITE),
        ("sandbox_mode: read-only", Mode.READ),
        ("mode: write\ntools: Read", Mode.READ),
    ],
)
def test_tools_of_a_host_say_whether_an_agent_only_reads(
    machine: Machine, front: str, mode: Mode | None
) -> None:
    """They never say that it may write; words of other hosts mean nothing."""
    agent = machine.only("home/.opencode/x/../../.claude/agents/a.md", f"description: d\n{front}")

    assert agent.mode is mode


def test_a_model_that_nobody_can_place_is_left_out(machine: Machine) -> None:
    """One of a host that is no CLI of ours; ours without a CLI is told."""
    machine.agent("home/.copilot/agents/a.md", "description: d\nmodel: GPT-9")
    machine.agent("home/.claude/agents/b.md", "description: d\nmodel: inherit")
    machine.agent("config/agents.d/c.md", "description: d\nmodel: opus")
    library = machine.read()

    assert {(each.cli, each.model) for each in library.agents.values()} == {("", "")}
    assert "model opus without the cli it is of" in told(library)


def test_an_agent_in_toml_is_read(machine: Machine) -> None:
    """As codex writes it."""
    machine.put(
        "home/.codex/agents/a.toml",
        'name = "checker"\ndescription = "Checks"\nmodel = "gpt-5.4"\n'
        'model_reasoning_effort = "high"\nsandbox_mode = "read-only"\n'
        'developer_instructions = """\nCheck it.\n"""\n',
    )
    (agent,) = machine.read().agents.values()

    assert (agent.id, agent.text, agent.cli, agent.model) == (
        "checker", "Check it.", "codex", "gpt-5.4",
    )  # fmt: skip
    assert (agent.effort, agent.mode) == ("high", Mode.READ)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Just a readme.\n", "no front matter with a description"),
        ("---\nname: a\n---\nDo it.\n", "no description"),
        ("---\ndescription: d\n---\n\n", "no instructions"),
        ("---\ndescription: d\nDo it.\n", "not closed"),
        (f"---\ndescription: d\n---\n{'x' * 100_001}", "the limit is 100000"),
    ],
)
def test_a_file_that_makes_no_agent_is_told_and_left_out(
    machine: Machine, text: str, why: str
) -> None:
    """The one of its name below it stays in effect."""
    machine.agent("shipped/a.md")
    file = machine.put("project/.claude/agents/a.md", text)
    library = machine.read()

    assert library.agents["a"].source is Source.SHIPPED
    assert why in told(library)
    assert str(file) in told(library)


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("mode: danger", "mode danger is not one of read, write"),
        ("max_turns: 1000", "max_turns 1000 is not a number from 1 to 20"),
        ("effort: heroic", "effort heroic is not one of"),
        ("timeout: soon", "timeout is not a number of seconds"),
    ],
)
def test_a_value_that_means_nothing_costs_only_itself(
    machine: Machine, front: str, why: str
) -> None:
    """It is told."""
    machine.agent("config/agents.d/a.md", f"description: d\n{front}")
    library = machine.read()

    assert library.agents["a"].mode in (None, Mode.READ)
    assert library.agents["a"].max_turns is None
    assert why in told(library)


@pytest.mark.requirement("agents:inside")
def test_a_project_is_not_left_by_links(machine: Machine) -> None:
    """File, TOML file, place, and a directory of a place; one's own links lead anywhere."""
    machine.agent("private/secret.md")
    machine.put("private/s.toml", 'description = "d"\ninstructions = "Secret"\n')
    project = machine.root / "project"
    links = {
        project / ".claude/agents/one.md": "secret.md",
        project / ".codex/agents/two.toml": "s.toml",
        project / ".gemini/agents": "",
        project / ".claude/agents/three": "",
    }
    for link, target in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(machine.root / "private" / target)
    library = machine.read()

    assert library.agents == {}
    assert all(str(link) in told(library) for link in links)
    assert "secret.md" not in told(library)  # nor is it told what lies there

    own = machine.root / "home/.claude/agents/one.md"
    own.parent.mkdir(parents=True)
    own.symlink_to(machine.root / "private/secret.md")

    assert set(machine.read().agents) == {"one"}


def test_two_files_of_one_name_in_one_place_are_told(machine: Machine) -> None:
    """The first counts."""
    machine.agent("config/agents.d/a.md", "name: x\ndescription: d", "First.")
    machine.agent("config/agents.d/b.md", "name: x\ndescription: d", "Second.")
    library = machine.read()

    assert library.agents["x"].text == "First."
    assert "x is taken by" in told(library)


def test_a_name_that_is_none_is_that_of_its_file(machine: Machine) -> None:
    """No path, no control characters."""
    agent = machine.only("config/agents.d/ok.md", 'name: "../../\\e[2J"\ndescription: "a\\e[2Jb"')

    assert (agent.id, agent.description) == ("ok", "ab")
    assert "\x1b" not in agent.name


def test_a_project_has_a_budget(machine: Machine) -> None:
    """What goes beyond is told and not read."""
    for number in range(60):
        text = "x" * 90_000
        machine.agent(f"project/.claude/agents/a{number:02}.md", text=text)
    library = machine.read()

    assert 40 < len(library.agents) < 60
    assert "with the files before it too much" in told(library)


def test_the_shipped_agents_are_whole() -> None:
    """Twelve, without a fault, each with when to take it; four of them write."""
    nowhere = Path("/nonexistent")
    places = agent_places(
        shipped=shipped("prompts") / "agents", user=nowhere, home=None, project=nowhere
    )
    library = read_agents(places, YamlReader(), Dependencies())
    agents = library.agents.values()

    assert list(library.problems) == []
    assert len(agents) == 12
    assert all(each.when and each.description and len(each.text) > 200 for each in agents)
    assert {each.id for each in agents if each.mode is Mode.WRITE} == MODES
    assert not any("you are a" in each.text.casefold() for each in agents)


def test_a_changed_file_is_noticed(machine: Machine) -> None:
    """What was read depends on every file and directory of it."""
    file = machine.agent("project/.claude/agents/team/a.md")
    places = agent_places(
        shipped=machine.root / "shipped",
        user=machine.root / "user",
        home=None,
        project=machine.root / "project",
    )
    seen = Dependencies()
    read_agents(places, YamlReader(), seen)

    assert {file, file.parent, file.parents[1]} <= seen.states.keys()
