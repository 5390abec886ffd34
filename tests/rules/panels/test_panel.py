"""Who sits on a panel: as named, or as chosen in the same way every time."""

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.errors import AimuxError, SetupFault
from aimux.model import Mode, Role, Strength
from aimux.rules import BreakerState, Health
from aimux.rules.panels import draw_seed, lettered, seat_chosen, seat_named, seat_outsider, shuffled

from .seats import facts, member, profile

FOUR = facts(
    profile("codex", 1, model="gpt-5", strength=Strength.SANDBOX),
    profile("copycat", 2, model="gpt-mini", strength=Strength.SANDBOX),
    profile("claude", 3, model="opus"),
    profile("gemini", 4, model="gemini-pro"),
)


def test_members_sit_as_named() -> None:
    """Model and effort with them, twice where they are named twice; who cannot sit is told."""
    panel = seat_named(["claude:haiku:low", "codex", "codex:o3", "nope"], FOUR)

    assert [each.cli for each in panel.members] == ["claude", "codex", "codex"]
    assert [each.model for each in panel.members] == ["haiku", "gpt-5", "o3"]
    assert panel.members[0].request.effort == "low"
    assert [each.named for each in panel.members] == ["claude:haiku:low", "codex", "codex:o3"]
    assert seat_named(["claude::low"], FOUR).members[0].named == "claude::low"
    assert panel.vendors == ["anthropic", "openai"]
    assert [name for name, _ in panel.unseated] == ["nope"]
    assert "nope" in panel.unseated[0][1]
    assert [each.code for each in panel.warnings] == ["one_cli_twice"]


def test_a_shared_vendor_is_a_warning_and_distinct_ones_are_none() -> None:
    """They may err together."""
    shared = seat_named(["codex", "copycat"], FOUR)
    distinct = seat_named(["codex", "claude"], FOUR)

    assert [(each.code, "openai" in each.message) for each in shared.warnings] == [
        ("shared_vendor", True)
    ]
    assert distinct.warnings == []


def test_the_choice_takes_vendors_apart_before_preference() -> None:
    """The preferred of each vendor first; a second of one only where seats are left."""
    three = seat_chosen(3, FOUR)
    four = seat_chosen(4, FOUR)
    two = seat_chosen(2, FOUR)

    assert [each.cli for each in three.members] == ["codex", "claude", "gemini"]
    assert [each.cli for each in four.members] == ["codex", "claude", "gemini", "copycat"]
    assert [each.cli for each in two.members] == ["codex", "claude"]
    assert seat_chosen(3, FOUR) == three


def test_who_is_not_well_is_passed_over_and_told() -> None:
    """Logged out, failing, or not installed, which is no news."""
    health = {
        "codex": Health(trouble="logged out"),
        "claude": Health(state=BreakerState.OPEN, retry_after_s=9),
    }
    panel = seat_chosen(3, facts(*FOUR.profiles.values(), ready=("codex", "claude", "gemini"),
                                 health=health))  # fmt: skip

    assert panel.unseated == [("codex", "logged out"), ("claude", "circuit open")]
    assert [each.cli for each in panel.members] == ["gemini", "gemini"]
    assert [each.code for each in panel.warnings] == ["one_cli_twice"]


def test_whose_model_cools_down_is_passed_over_and_told() -> None:
    """Its quota is used up: another sits."""
    panel = seat_chosen(2, attrs.evolve(FOUR, cooled={("codex", "gpt-5")}))

    assert [each.cli for each in panel.members] == ["copycat", "claude"]
    assert [name for name, _ in panel.unseated] == ["codex"]
    assert "cool" in panel.unseated[0][1]


def test_firm_read_modes_come_first() -> None:
    """Before the order of preference: who reads softly may write."""
    soft = profile("soft", 1, strength=Strength.SOFT)

    assert [each.cli for each in seat_chosen(2, facts(soft, profile("firm", 9))).members] == [
        "firm",
        "soft",
    ]


def test_nobody_at_all_is_a_refusal_that_says_why() -> None:
    """None installed, or each with its trouble."""
    with pytest.raises(SetupFault, match="none is installed") as none:
        seat_chosen(2, facts(*FOUR.profiles.values(), ready=()))
    with pytest.raises(SetupFault, match="codex: logged out"):
        seat_chosen(2, facts(profile("codex"), health={"codex": Health(trouble="logged out")}))

    assert none.value.code == "no_cli"
    assert "doctor" in str(none.value.hint)


def test_a_role_and_an_order_come_before_priority() -> None:
    """Who is made for the work sits first, for members and for who judges them; then the order."""
    able = attrs.evolve(FOUR.profiles["gemini"], capabilities=("debug",))
    debugging = attrs.evolve(
        FOUR,
        profiles={**FOUR.profiles, "gemini": able},
        roles={**FOUR.roles, "debug": Role(name="debug", cli="gemini")},
        order=["copycat"],
    )

    assert [each.cli for each in seat_chosen(1, FOUR).members] == ["codex"]
    assert [each.cli for each in seat_chosen(1, debugging).members] == ["copycat"]
    firm = {name: attrs.evolve(each, modes=able.modes) for name, each in debugging.profiles.items()}
    level = attrs.evolve(debugging, profiles=firm)
    assert [each.cli for each in seat_chosen(1, level, role="debug").members] == ["gemini"]
    outsider = seat_outsider([member("codex", "openai")], level, role="debug")
    assert outsider is not None
    assert (outsider.cli, outsider.request.role) == ("gemini", "debug")
    assert seat_named(["codex"], level, role="debug").members[0].request.role == "debug"


def test_one_seat_is_no_pair() -> None:
    """Where one is wanted, one sits."""
    assert len(seat_chosen(1, facts(profile("codex"))).members) == 1


def test_an_outsider_is_of_another_vendor_if_there_is_one() -> None:
    """Else another CLI, else nobody; a named one sits whoever it is."""
    panel = [member("codex", "openai"), member("claude", "anthropic")]

    assert getattr(seat_outsider(panel, FOUR), "cli", "") == "gemini"
    others = facts(*list(FOUR.profiles.values())[:3])
    assert getattr(seat_outsider(panel, others), "cli", "") == "copycat"
    alone = facts(profile("codex"), profile("claude"))
    assert seat_outsider(panel, alone) is None
    assert getattr(seat_outsider(panel, FOUR, named="codex:o3"), "model", "") == "o3"
    with pytest.raises(AimuxError, match="nope"):
        seat_outsider(panel, FOUR, named="nope")


@given(st.lists(st.integers(), max_size=9), st.integers(0, 99))
def test_an_order_is_drawn_again_by_its_seed(values: list[int], seed: int) -> None:
    """Nothing is lost on the way."""
    assert shuffled(values, seed) == shuffled(values, seed)
    assert sorted(shuffled(values, seed)) == sorted(values)


def test_seeds_and_letters_tell_nothing_but_can_be_drawn_again() -> None:
    """The same question the same seats; another seed others; broken text is text."""
    members = [member("a"), member("b"), member("c")]
    seeds = {tuple(seat.name for seat in lettered(members, seed)) for seed in range(40)}

    assert len(seeds) == 6
    assert draw_seed("Is it?") == draw_seed("Is it?") != draw_seed("Is it not?")
    assert 0 <= draw_seed("\ud800") < 2**32
    seats = lettered(members, 1)
    assert {seat.mode for seat in seats} == {Mode.READ}
    assert [seat.route.cli for seat in seats] == ["a", "b", "c"]
