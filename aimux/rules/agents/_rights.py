"""What an agent gets: the mode its layer allows, and the route its file may ask for.

Whoever clones a project has not read its agents. What such a file says of its own mode, role or
host is a request; the user's setting `agents.project_mode` is the most that it gets, whoever calls.
"""

from collections.abc import Mapping

import attrs

from aimux.errors import Refusal
from aimux.model import Agent, Mode, Role, RouteRequest, Source, Warned
from aimux.rules import RoutingFacts


def agent_mode(
    agent: Agent, role: Role | None, asked: Mode | None, project_mode: Mode
) -> tuple[Mode, list[Warned]]:
    """What an agent may do to the tree, and a warning where that is less than its file wants.

    Raises:
        Refusal: the caller asks for more than a project's agent gets.
    """
    is_foreign = agent.source is Source.PROJECT
    if asked is not None:
        if is_foreign and asked not in (Mode.READ, project_mode):
            raise Refusal(
                f"{agent.id} is an agent of the project ({agent.origin}) and gets no mode={asked}",
                code="agent_mode_refused",
                hint="read it first (agents action=info), then set agents.project_mode: write in "
                "your own default.yaml, or use mode=read",
                retryable=False,
            )
        return asked, []
    wanted = agent.mode or (role.mode if role is not None else Mode.READ)
    if is_foreign and wanted is not Mode.READ and wanted is not project_mode:
        said = (
            f"{agent.id} is an agent of the project and wants mode={wanted}: it runs with "
            f"mode={project_mode} (agents.project_mode)"
        )
        return project_mode, [Warned(code="agent_mode_lowered", message=said)]
    return wanted, []


def agent_route(
    agent: Agent, asked: RouteRequest, facts: RoutingFacts
) -> tuple[RouteRequest, list[Warned]]:
    """Where an agent's turns go: as the caller says, else `AIMUX_ROLE_*`, else as its file says."""
    warnings: list[Warned] = []
    role = asked.role
    if not role and agent.role:
        if agent.role in {*facts.roles, *facts.overrides}:
            role = agent.role
        else:
            said = f"{agent.id} names role {agent.role}, which is unknown: it is left out"
            warnings.append(Warned(code="agent_role_unknown", message=said))
    route = attrs.evolve(asked, role=role, effort=asked.effort or agent.effort)
    if asked.cli:
        model = asked.model or (agent.model if agent.cli == asked.cli else "")
        return attrs.evolve(route, model=model), warnings
    if not agent.cli or asked.model or role in facts.overrides:
        return route, warnings
    if agent.cli not in facts.ready:
        said = f"{agent.id} is meant for {agent.cli}, which is not installed: its role is taken"
        warnings.append(Warned(code="agent_cli_unavailable", message=said))
        return route, warnings
    fallback = (
        True if asked.fallback is None else asked.fallback
    )  # its file asks, nobody called for it
    route = attrs.evolve(route, cli=agent.cli, model=agent.model, fallback=fallback)
    return route, warnings


def agent_origin(agent: Agent) -> list[Warned]:
    """A warning where a project's agent stands in the place of one that the caller may mean."""
    if agent.source is not Source.PROJECT or not agent.hidden:
        return []
    said = (
        f"{agent.id} is an agent of the project ({agent.origin}), in the place of "
        f"{', '.join(agent.hidden)}"
    )
    return [Warned(code="agent_replaced", message=said)]


def agent_turns(agent: Agent, asked: int | None, limit: int) -> int:
    """How many turns a run has; a file may lower the user's limit and not raise it."""
    return asked or min(agent.max_turns or limit, limit)


def role_of(agent: Agent, roles: Mapping[str, Role], asked: str) -> Role | None:
    """The role of a run: the caller's, else the agent's own."""
    return roles.get(asked or agent.role)
