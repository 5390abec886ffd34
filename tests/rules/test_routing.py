"""Where work goes, and what is tried after it."""

from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.errors import BinaryMissing, CircuitOpen, NotFound, PeerFault, Refusal, SetupFault
from aimux.model import (
    Mode,
    ModelRule,
    ModeRule,
    Profile,
    Role,
    Route,
    RouteRequest,
    Strength,
)
from aimux.rules import (
    BreakerState,
    Health,
    Routes,
    choose,
    find_cli,
    parse_override,
    ranked,
    role_variable,
)


def cli(
    name: str,
    strength: Strength | None = Strength.POLICY,
    *,
    priority: int = 100,
    capabilities: tuple[str, ...] = (),
    model: str = "",
    fallback: tuple[str, ...] = (),
    modes: Mapping[Mode, ModeRule] | None = None,
) -> Profile:
    own = {Mode.READ: ModeRule(strength=strength), Mode.WRITE: ModeRule()} if strength else {}
    return Profile(
        name=name,
        binary={"continue": "cn"}.get(name, name),
        command=(name,),
        priority=priority,
        capabilities=capabilities,
        model=ModelRule(flag="-m", default=model, fallback=fallback),
        modes=own if modes is None else modes,
    )


PROFILES = {
    each.name: each
    for each in (
        cli("codex", Strength.SANDBOX, priority=1, model="gpt", fallback=("gpt-mini",)),
        cli("claude", priority=2, capabilities=("codereview",)),
        cli("crush", Strength.NONE, priority=3, capabilities=("codereview",)),
        cli("gemini", priority=4),
        cli("continue", Strength.SOFT, priority=5),
    )
}
ROLES = {
    each.name: each
    for each in (
        Role(name="default", cli="codex", effort="medium"),
        Role(name="codereview", cli="gemini", model="pro", effort="high"),
        Role(name="planner", effort="xhigh"),
    )
}
ALL = frozenset(PROFILES)


def chosen(
    request: RouteRequest,
    ready: frozenset[str] = ALL,
    *,
    health: Mapping[str, Health] | None = None,
    mode: Mode = Mode.READ,
    overrides: Mapping[str, Route] | None = None,
    profiles: Mapping[str, Profile] = PROFILES,
    **more: object,
) -> Routes:
    return choose(request, ROLES, overrides or {}, profiles, ready, health or {}, mode, **more)  # type: ignore[arg-type]


def clis(routes: Routes) -> list[str]:
    return list(dict.fromkeys(each.cli for each in routes.candidates))


# ------------------------------------------------------------------------------------ which rule


def test_the_call_names_the_cli() -> None:
    routes = chosen(
        RouteRequest(cli="claude", role="codereview", model="opus"),
        overrides={"codereview": Route(cli="codex")},
    )

    assert routes.candidates == [Route(cli="claude", model="opus", effort="high", why="call")]


def test_a_named_cli_takes_the_roles_model_only_from_its_own_row() -> None:
    own = chosen(RouteRequest(cli="gemini", role="codereview")).candidates[0]
    other = chosen(RouteRequest(cli="claude", role="codereview")).candidates[0]

    assert (own.model, own.effort) == ("pro", "high")
    assert (other.model, other.effort) == ("", "high")


def test_an_override_comes_before_the_role() -> None:
    override = Route(cli="claude", model="opus")
    routes = chosen(RouteRequest(role="codereview"), overrides={"codereview": override})

    assert routes.candidates[0] == Route(cli="claude", model="opus", effort="high", why="override")
    assert routes.warnings == []


def test_an_override_that_is_not_installed_is_a_warning_not_silence() -> None:
    routes = chosen(
        RouteRequest(role="codereview"),
        ALL - {"claude"},
        overrides={"codereview": Route(cli="claude")},
    )

    assert routes.candidates[0].cli == "gemini"
    assert [each.code for each in routes.warnings] == ["override_unavailable"]
    assert routes.warnings[0].message == (
        "AIMUX_ROLE_CODEREVIEW names claude, which is not installed: it is passed over"
    )


def test_an_override_that_is_no_cli_is_a_warning_too() -> None:
    routes = chosen(RouteRequest(), overrides={"default": Route(cli="clod")})

    assert routes.candidates[0].cli == "codex"
    assert "AIMUX_ROLE_DEFAULT names clod, which is not a known CLI" in routes.warnings[0].message


def test_overrides_cannot_tell_a_dash_from_an_underscore() -> None:
    routes = chosen(
        RouteRequest(role="code-x"),
        overrides={"code_x": Route(cli="gemini"), "code-x": Route(cli="gemini")},
    )

    assert role_variable("code-x") == role_variable("code_x") == "AIMUX_ROLE_CODE_X"
    assert routes.candidates[0].cli == "gemini"


def test_the_role_comes_before_the_default_role() -> None:
    routes = chosen(RouteRequest(role="codereview"))

    assert routes.candidates[0] == Route(cli="gemini", model="pro", effort="high", why="role")


def test_a_role_without_a_cli_takes_the_default_roles_and_keeps_its_effort() -> None:
    first = chosen(RouteRequest(role="planner")).candidates[0]
    overridden = chosen(RouteRequest(role="planner"), overrides={"default": Route(cli="gemini")})

    assert first == Route(cli="codex", effort="xhigh", why="default role")
    assert overridden.candidates[0].cli == "gemini"
    assert overridden.candidates[0].effort == "xhigh"


def test_without_any_rule_the_priority_decides() -> None:
    routes = chosen(RouteRequest(role="codereview"), frozenset({"crush", "claude", "continue"}))

    assert routes.candidates[0] == Route(cli="claude", effort="high", why="priority")
    assert ("gemini", "is not installed") in routes.skipped
    assert ("codex", "is not installed") in routes.skipped


def test_the_calls_model_and_effort_win() -> None:
    first = chosen(RouteRequest(role="codereview", model="flash", effort="low")).candidates[0]

    assert (first.cli, first.model, first.effort) == ("gemini", "flash", "low")


def test_a_capability_is_a_role_too() -> None:
    profiles = {**PROFILES, "goose": cli("goose", capabilities=("weaving",))}
    routes = chosen(RouteRequest(role="weaving"), frozenset({"goose", "claude"}), profiles=profiles)

    assert routes.candidates[0].cli == "goose"


# --------------------------------------------------------------------------------------- mistakes


def test_an_unknown_role_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="unknown role 'codereveiw'") as caught:
        chosen(RouteRequest(role="codereveiw"))

    assert caught.value.code == "role_unknown"
    assert caught.value.hint == "did you mean codereview?"
    assert caught.value.data["known"] == ["codereview", "default", "planner"]
    assert "installed clis: claude, codex" in caught.value.message


def test_an_unknown_cli_names_the_known_and_the_installed_ones() -> None:
    with pytest.raises(NotFound, match="unknown cli 'claud'") as caught:
        chosen(RouteRequest(cli="claud"), frozenset({"gemini"}))
    with pytest.raises(NotFound, match="installed: none") as alone:
        chosen(RouteRequest(cli="zzzzz"), frozenset())

    assert caught.value.code == "cli_unknown"
    assert caught.value.hint == "did you mean claude?"
    assert caught.value.message.endswith("installed: gemini")
    assert caught.value.data["installed"] == ["gemini"]
    assert alone.value.hint is None


def test_a_cli_is_found_by_its_program_and_in_any_case() -> None:
    assert find_cli("cn", PROFILES) == "continue"
    assert find_cli("Codex", PROFILES) == "codex"


def test_a_cli_that_is_not_installed_names_the_alternatives() -> None:
    with pytest.raises(BinaryMissing, match="codex is not installed") as caught:
        chosen(RouteRequest(cli="codex"), frozenset({"crush", "gemini"}))
    with pytest.raises(BinaryMissing, match="no other CLI is installed"):
        chosen(RouteRequest(cli="codex"), frozenset())

    assert caught.value.code == "cli_not_installed"
    assert caught.value.data["alternatives"] == ["gemini", "crush"]
    assert caught.value.hint == "install codex; or call again with cli=gemini"


def test_how_to_install_a_cli_is_said_with_its_command() -> None:
    """As a person would type it; whether another one is there or not."""
    known = {**PROFILES, "codex": attrs.evolve(PROFILES["codex"], install="npm install -g codex")}
    with pytest.raises(BinaryMissing) as beside:
        chosen(RouteRequest(cli="codex"), frozenset({"gemini"}), profiles=known)
    with pytest.raises(BinaryMissing) as alone:
        chosen(RouteRequest(cli="codex"), frozenset(), profiles=known)

    step = "install codex: npm install -g codex"
    assert beside.value.hint == f"{step}; or call again with cli=gemini"
    assert alone.value.hint == f"{step}; `aimux doctor` says where each CLI was looked for"


def test_no_cli_at_all_says_what_to_do() -> None:
    with pytest.raises(SetupFault, match="no AI CLI is installed") as caught:
        chosen(RouteRequest(), frozenset())

    assert caught.value.code == "no_cli"
    assert "aimux doctor" in (caught.value.hint or "")


def test_no_cli_for_the_mode_says_so() -> None:
    with pytest.raises(SetupFault, match="no installed CLI offers danger mode") as caught:
        chosen(RouteRequest(), mode=Mode.DANGER)

    assert caught.value.code == "mode_not_offered"


def test_a_route_without_the_mode_is_passed_over() -> None:
    reader = cli("gemini", modes={Mode.READ: ModeRule(strength=Strength.POLICY)})
    routes = chosen(
        RouteRequest(role="codereview"), mode=Mode.WRITE, profiles={**PROFILES, "gemini": reader}
    )

    assert routes.candidates[0].cli == "codex"
    assert routes.skipped.count(("gemini", "offers no write mode")) == 2


def test_a_profile_without_modes_offers_reading_and_writing() -> None:
    minimal = {"mini": cli("mini", None)}

    assert clis(chosen(RouteRequest(), frozenset({"mini"}), mode=Mode.WRITE, profiles=minimal)) == [
        "mini"
    ]


# --------------------------------------------------------------------------------------- fallback


def test_models_of_the_same_cli_come_before_another_cli() -> None:
    routes = chosen(RouteRequest())

    assert routes.candidates == [
        Route(cli="codex", effort="medium", why="default role"),
        Route(cli="codex", model="gpt-mini", effort="medium", why="model fallback"),
        Route(cli="claude", effort="medium", why="fallback"),
        Route(cli="gemini", effort="medium", why="fallback"),
    ]


def test_a_fallback_carries_no_foreign_model() -> None:
    routes = chosen(RouteRequest(role="codereview", model="special"))

    assert [each.model for each in routes.candidates if each.cli != "gemini"] == [
        "",
        "",
        "gpt-mini",
    ]
    assert {each.effort for each in routes.candidates} == {"high"}


def test_firm_readers_come_first_for_reading_and_capable_ones_for_writing() -> None:
    output = chosen(RouteRequest(role="codereview"), fallback_max=9)
    writing = chosen(RouteRequest(role="codereview"), mode=Mode.WRITE, fallback_max=9)

    assert clis(output) == ["gemini", "claude", "codex", "crush", "continue"]
    assert clis(writing) == ["gemini", "claude", "crush", "codex", "continue"]


def test_the_configured_order_comes_before_the_profiles_priority() -> None:
    routes = chosen(RouteRequest(), order=("gemini", "claude"), fallback_max=2)

    assert clis(routes) == ["codex", "gemini", "claude"]


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (1, 2), (2, 3), (9, 5)])
def test_at_most_so_many_further_clis(limit: int, count: int) -> None:
    assert len(clis(chosen(RouteRequest(), fallback_max=limit))) == count


def test_a_named_cli_falls_back_only_when_asked_to() -> None:
    assert clis(chosen(RouteRequest(cli="codex"))) == ["codex"]
    assert clis(chosen(RouteRequest(cli="codex", fallback=True))) == ["codex", "claude", "gemini"]
    assert len(chosen(RouteRequest(cli="codex")).candidates) == 2


def test_fallback_false_means_this_one_and_no_other() -> None:
    assert chosen(RouteRequest(fallback=False)).candidates == [
        Route(cli="codex", effort="medium", why="default role")
    ]


def test_what_cannot_help_is_skipped_with_its_reason() -> None:
    health = {
        "claude": Health(state=BreakerState.OPEN, retry_after_s=12.4),
        "crush": Health(requests=10, errors=10),
        "gemini": Health(trouble="logged out"),
        "continue": Health(requests=9, errors=9),
    }
    routes = chosen(RouteRequest(), health=health, fallback_max=9)

    assert clis(routes) == ["codex", "continue"]
    assert dict(routes.skipped) == {
        "claude": "circuit open for 12 s",
        "crush": "10 of its last 10 turns failed",
        "gemini": "logged out",
    }


def test_a_half_open_breaker_may_be_tried() -> None:
    health = {"codex": Health(state=BreakerState.HALF_OPEN)}

    assert clis(chosen(RouteRequest(fallback=False), health=health)) == ["codex"]


def test_a_fallback_without_the_mode_is_skipped() -> None:
    reader = cli("claude", modes={Mode.READ: ModeRule(strength=Strength.POLICY)})
    routes = chosen(RouteRequest(), mode=Mode.WRITE, profiles={**PROFILES, "claude": reader})

    assert ("claude", "offers no write mode") in routes.skipped


def test_an_open_breaker_sends_routed_work_elsewhere_but_refuses_a_named_cli() -> None:
    health = {"codex": Health(state=BreakerState.OPEN, retry_after_s=7.5)}
    with pytest.raises(CircuitOpen, match="codex: circuit open for 8 s") as caught:
        chosen(RouteRequest(cli="codex"), health=health)

    assert clis(chosen(RouteRequest(), health=health))[0] == "claude"
    assert caught.value.data == {"retry_after_ms": 7500}
    assert caught.value.retryable


def test_cooled_models_are_left_out() -> None:
    routes = chosen(RouteRequest(), cooled={("codex", "gpt")}, fallback_max=0)

    assert [each.model for each in routes.candidates] == ["gpt-mini"]


def test_a_cli_with_all_models_cooling_is_skipped() -> None:
    cooling = {("codex", "gpt"), ("codex", "gpt-mini")}
    with pytest.raises(Refusal, match="its models are cooling down") as caught:
        chosen(RouteRequest(cli="codex"), cooled=cooling)

    assert caught.value.code == "cooling_down"
    assert clis(chosen(RouteRequest(), cooled=cooling))[0] == "claude"


@pytest.mark.slow
@given(st.permutations(sorted(PROFILES)), st.permutations(sorted(ROLES)), st.sampled_from(Mode))
def test_the_same_inputs_give_the_same_order(
    names: list[str], roles: list[str], mode: Mode
) -> None:
    if mode is Mode.DANGER:
        mode = Mode.READ
    shuffled = {name: PROFILES[name] for name in names}
    for role in ("codereview", "planner", ""):
        request = RouteRequest(role=role)
        routes = choose(request, {r: ROLES[r] for r in roles}, {}, shuffled, names, {}, mode)
        assert routes == chosen(request, mode=mode)
        assert len(set(routes.candidates)) == len(routes.candidates)


def test_ranking_is_total_even_for_equal_priorities() -> None:
    twins = {name: cli(name) for name in ("b", "a")}

    assert ranked(twins) == ["a", "b"]
    assert ranked(twins, order=("b",)) == ["b", "a"]


# -------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("text", "cli_name", "model", "effort"),
    [
        ("codex", "codex", "", ""),
        ("codex:gpt-5.4", "codex", "gpt-5.4", ""),
        ("codex:gpt-5.4:xhigh", "codex", "gpt-5.4", "xhigh"),
        ("codex::high", "codex", "", "high"),
        ("codex::", "codex", "", ""),
        (" codex : gpt : LOW ", "codex", "gpt", "LOW"),
        ("aider:ollama/qwen2.5:7b", "aider", "ollama/qwen2.5:7b", ""),
        ("aider:ollama/qwen2.5:7b:high", "aider", "ollama/qwen2.5:7b", "high"),
        ("cli=aider, model=qwen:7b ,effort=low", "aider", "qwen:7b", "low"),
        ("cli=aider", "aider", "", ""),
    ],
)
def test_an_override_reads_as_cli_model_effort(
    text: str, cli_name: str, model: str, effort: str
) -> None:
    assert parse_override(text) == Route(cli=cli_name, model=model, effort=effort)


@pytest.mark.parametrize("text", ["", ":gpt", "model=x", "cli=a,modle=b"])
def test_an_override_that_names_no_cli_or_an_unknown_key_is_a_fault(text: str) -> None:
    with pytest.raises(PeerFault) as caught:
        parse_override(text)

    assert caught.value.code == "role_override_invalid"


def test_a_route_is_a_value() -> None:
    route = chosen(RouteRequest()).candidates[0]

    assert attrs.evolve(route) == route
