"""Agents of every place where hosts keep them: shipped < user < project, in each ours last.

A file replaces those of the same id below it, as a whole. What a project brings must lie in it: a
link that leads out is told and not followed. A file that makes no agent is told and left out.
"""

import functools
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from aimux.files.reading import is_within, unlistable
from aimux.files.yaml import Budget, YamlFault, YamlReader
from aimux.model import Agent, Problem, Severity, Source

from ._files import OURS, AgentPlace, NotAnAgent, read_agent

MAX_AGENTS: Final = 300  # of one place; a list of more is no help in choosing
ENDINGS: Final = (".md", ".toml")
PROJECT_BYTES: Final = 4_194_304  # of all agents of a project
PROJECT_YAML: Final = 262_144  # of their front matter


@attrs.frozen(kw_only=True)
class Host:
    """A program with agents of its own, and where it looks for them, lowest first."""

    name: str
    cli: str = ""  # its profile, if it is one of ours
    project: Sequence[str] = ()  # below the project
    user: Sequence[str] = ()  # below the home directory


HOSTS: Final = (
    Host(name="github", project=(".github/agents",), user=(".copilot/agents",)),
    Host(name="cursor", project=(".cursor/agents",), user=(".cursor/agents",)),
    Host(
        name="opencode",
        cli="opencode",
        project=(".opencode/agent", ".opencode/agents"),
        user=(".config/opencode/agent", ".config/opencode/agents"),
    ),
    Host(name="droid", cli="droid", project=(".factory/droids",), user=(".factory/droids",)),
    Host(name="qwen", cli="qwen", project=(".qwen/agents",), user=(".qwen/agents",)),
    Host(name="gemini", cli="gemini", project=(".gemini/agents",), user=(".gemini/agents",)),
    Host(name="codex", cli="codex", project=(".codex/agents",), user=(".codex/agents",)),
    Host(name="claude", cli="claude", project=(".claude/agents",), user=(".claude/agents",)),
)


class AgentLister(Protocol):
    """Lists files of a directory and those below it, and may remember that it did."""

    def texts_below(self, root: pathlib.Path) -> Iterable[pathlib.Path]:
        """Its `.md` and `.toml` files and links to directories, sorted; none if it is missing."""
        ...


@attrs.frozen(kw_only=True)
class AgentLibrary:
    """The agents in effect by id, and what was wrong with files."""

    agents: Mapping[str, Agent]
    problems: Sequence[Problem] = ()


def agent_places(
    *,
    shipped: pathlib.Path,
    user: pathlib.Path,
    home: pathlib.Path | None,
    project: pathlib.Path,
    installation: pathlib.Path | None = None,
) -> list[AgentPlace]:
    """Where agents may lie, lowest first. `user`, `shipped`, `installation` are ours."""
    ours = functools.partial(AgentPlace, host=OURS, cli="")
    found = [ours(source=Source.SHIPPED, directory=shipped)]
    if installation is not None:
        found.append(ours(source=Source.INSTALLATION, directory=installation))
    if home is not None:
        for host in HOSTS:
            found += [_of_host(Source.USER, host, home / name, None) for name in host.user]
    found.append(ours(source=Source.USER, directory=user))
    if home is None or project.absolute() != home.absolute():  # what lies there is the user's own
        for host in HOSTS:
            found += [
                _of_host(Source.PROJECT, host, project / name, project) for name in host.project
            ]
    directory = project / ".aimux" / "agents.d"
    found.append(ours(source=Source.PROJECT, directory=directory, within=project))
    return found


def _of_host(
    source: Source, host: Host, directory: pathlib.Path, within: pathlib.Path | None
) -> AgentPlace:
    return AgentPlace(
        source=source, host=host.name, cli=host.cli, directory=directory, within=within
    )


def read_agents(
    places: Sequence[AgentPlace], reader: YamlReader, lister: AgentLister
) -> AgentLibrary:
    """Every agent of `places`, lowest first; a later one replaces those of its id."""
    agents: dict[str, Agent] = {}
    problems: list[Problem] = []
    paid = Budget(PROJECT_BYTES, PROJECT_YAML)
    for place in places:
        within = place.within
        if within is not None and not is_within(place.directory, within):
            what = f"leads out of {within}, so it is not read"
            problems.append(_told(Severity.ERROR, place.directory, what))
            continue
        if why := unlistable(place.directory):
            problems.append(_told(Severity.ERROR, place.directory, why))
            continue
        budget = None if within is None else paid
        here: set[str] = set()
        files = list(lister.texts_below(place.directory))
        if len(files) > MAX_AGENTS:
            what = f"{len(files)} files, only the first {MAX_AGENTS} are read"
            problems.append(_told(Severity.WARNING, place.directory, what))
        for file in files[:MAX_AGENTS]:
            if file.suffix not in ENDINGS:
                what = "a link to a directory is not followed"
                problems.append(_told(Severity.WARNING, file, what))
                continue
            try:
                agent, faults = read_agent(file, place, reader, budget)
            except YamlFault as fault:
                where = f"{fault.path}:{fault.line}" if fault.line else fault.path
                problems.append(_told(Severity.ERROR, where, fault.what))
                continue
            except NotAnAgent as fault:
                problems.append(_told(Severity.ERROR, file, str(fault)))
                continue
            problems += [_told(Severity.WARNING, file, fault) for fault in faults]
            if agent.id in here:
                what = f"{agent.id} is taken by {agents[agent.id].origin}, so it is left out"
                problems.append(_told(Severity.WARNING, file, what))
                continue
            here.add(agent.id)
            below = agents.get(agent.id)
            if below is not None:
                agent = attrs.evolve(agent, hidden=(*below.hidden, below.origin))
            agents[agent.id] = agent
    return AgentLibrary(agents=agents, problems=tuple(problems))


def _told(severity: Severity, where: str | pathlib.Path, what: str) -> Problem:
    return Problem(severity=severity, where=str(where), message=what)
