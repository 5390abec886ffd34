"""What an agent gets: mode, route and turns, by whose file it is."""

from typing import Final

import attrs
import pytest

from aimux.errors import Refusal
from aimux.model import Agent, Mode, Role, Route, RouteRequest, Source
from aimux.rules import RoutingFacts
from aimux.rules.agents import agent_mode, agent_origin, agent_route, agent_turns

CODING: Final = Role(name="coding", mode=Mode.WRITE)
MINE: Final = Agent(id="mine", source=Source.USER, origin="/home/a.md")
THEIRS: Final = Agent(id="theirs", source=Source.PROJECT, origin="/clone/a.md")


def facts(*ready: str, overrides: dict[str, Route] | None = None) -> RoutingFacts:
    return RoutingFacts(
        roles={"coding": CODING}, overrides=overrides or {}, profiles={}, ready=ready, health={}
    )


def evolved(agent: Agent, **more: object) -> Agent:
    return attrs.evolve(agent, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agent", "role", "limit", "mode"),
    [
        (MINE, None, Mode.READ, Mode.READ),
        (MINE, CODING, Mode.READ, Mode.WRITE),
        (evolved(MINE, mode=Mode.WRITE), None, Mode.READ, Mode.WRITE),
        (evolved(MINE, mode=Mode.READ), CODING, Mode.READ, Mode.READ),
        (evolved(THEIRS, mode=Mode.WRITE), None, Mode.WRITE, Mode.WRITE),
        (THEIRS, None, Mode.WRITE, Mode.READ),
    ],
)
def test_a_file_says_what_its_agent_may_do(
    agent: Agent, role: Role | None, limit: Mode, mode: Mode
) -> None:
    """Else its role; else it reads. Nothing is lowered here, so nothing is told."""
    assert agent_mode(agent, role, None, limit) == (mode, [])


@pytest.mark.parametrize(
    ("agent", "role"), [(evolved(THEIRS, mode=Mode.WRITE), None), (THEIRS, CODING)]
)
@pytest.mark.requirement("agents:rights")
def test_a_projects_agent_is_lowered_to_what_the_user_allows(
    agent: Agent, role: Role | None
) -> None:
    """By its own mode or by a role that writes; it is told."""
    mode, warnings = agent_mode(agent, role, None, Mode.READ)

    assert mode is Mode.READ
    assert [each.code for each in warnings] == ["agent_mode_lowered"]


@pytest.mark.parametrize("asked", [Mode.WRITE, Mode.DANGER])
@pytest.mark.requirement("agents:rights")
def test_a_caller_cannot_give_a_projects_agent_more(asked: Mode) -> None:
    """It may be the agent's own text that made it ask."""
    with pytest.raises(Refusal) as refused:
        agent_mode(THEIRS, None, asked, Mode.READ)

    assert refused.value.code == "agent_mode_refused"
    assert agent_mode(MINE, None, asked, Mode.READ) == (asked, [])
    assert agent_mode(THEIRS, None, Mode.READ, Mode.READ) == (Mode.READ, [])


def test_danger_is_never_a_projects() -> None:
    """Also where it may write."""
    with pytest.raises(Refusal):
        agent_mode(THEIRS, None, Mode.DANGER, Mode.WRITE)


def test_an_agents_own_cli_model_and_role_are_taken_where_they_are_there() -> None:
    """Not as a call does: another CLI may step in."""
    agent = Agent(id="a", cli="claude", model="opus", role="coding", effort="high")
    route, warnings = agent_route(agent, RouteRequest(), facts("claude"))

    assert not warnings
    wanted = RouteRequest(role="coding", cli="claude", model="opus", effort="high", fallback=True)
    assert route == wanted


def test_a_cli_that_is_not_installed_is_told_and_its_model_left_out() -> None:
    """A model belongs to its own CLI."""
    agent = Agent(id="a", cli="claude", model="opus", role="coding")
    route, warnings = agent_route(agent, RouteRequest(), facts("codex"))

    assert route == RouteRequest(role="coding")
    assert [each.code for each in warnings] == ["agent_cli_unavailable"]


def test_a_role_that_nobody_knows_is_told_and_left_out() -> None:
    """The call is not refused for it."""
    route, warnings = agent_route(Agent(id="a", role="wizard"), RouteRequest(), facts())

    assert route == RouteRequest()
    assert [each.code for each in warnings] == ["agent_role_unknown"]


def test_the_caller_and_the_environment_win() -> None:
    """Over the CLI and model of a file."""
    agent = Agent(id="a", cli="claude", model="opus", role="coding")
    named, _ = agent_route(agent, RouteRequest(cli="codex"), facts("claude"))
    same, _ = agent_route(agent, RouteRequest(cli="claude"), facts("claude"))
    sent = facts("claude", overrides={"coding": Route(cli="gemini")})
    moved, _ = agent_route(agent, RouteRequest(), sent)

    assert (named.cli, named.model, named.fallback) == ("codex", "", None)
    assert (same.cli, same.model) == ("claude", "opus")
    assert (moved.cli, moved.model) == ("", "")


def test_a_file_lowers_the_limit_of_turns_and_does_not_raise_it() -> None:
    """The caller does what it wants."""
    assert agent_turns(Agent(id="a"), None, 4) == 4
    assert agent_turns(Agent(id="a", max_turns=2), None, 4) == 2
    assert agent_turns(Agent(id="a", max_turns=20), None, 4) == 4
    assert agent_turns(Agent(id="a", max_turns=2), 9, 4) == 9


def test_a_projects_agent_in_the_place_of_another_is_told() -> None:
    """A clone can bring one of a name that its user knows; the user's own may do so unsaid."""
    warnings = agent_origin(evolved(THEIRS, id="reviewer", hidden=("/shipped/reviewer.md",)))

    assert [each.code for each in warnings] == ["agent_replaced"]
    assert "/clone/a.md" in warnings[0].message
    assert "/shipped/reviewer.md" in warnings[0].message
    assert agent_origin(THEIRS) == []
    assert agent_origin(evolved(MINE, hidden=("/shipped/reviewer.md",))) == []
