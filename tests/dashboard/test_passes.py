"""Links are good once and for a while; passes outlive a restart and cannot be made up."""

from collections.abc import Callable

import pytest

from aimux.dashboard import Passes
from aimux.dashboard._passes import KEPT_LINKS, LINK_S, PASS_S
from aimux.errors import Refusal

WALL = 1_800_000_000.0


def refused(passes: Passes, link_token: str, now: float) -> str:
    with pytest.raises(Refusal) as caught:
        passes.redeem(link_token, now, WALL)
    assert "aimux dashboard" in (caught.value.hint or "")
    return caught.value.code


def test_a_link_is_exchanged_once() -> None:
    """The second who has it is told that it was used."""
    passes = Passes("secret")
    link_token = passes.link_token(10.0)
    made = passes.redeem(link_token, 11.0, WALL)

    assert (passes.holder(made, WALL) or "").startswith("page-")
    assert refused(passes, link_token, 12.0) == "link_used"


@pytest.mark.requirement("dashboard:links")
def test_a_link_is_good_for_two_minutes() -> None:
    """A refused one is not used up by that, and a wrong one is told apart."""
    passes = Passes("secret")
    link_token = passes.link_token(10.0)

    assert refused(passes, link_token, 10.1 + LINK_S) == "link_expired"
    assert refused(passes, "made-up", 10.0) == "link_unknown"
    assert passes.redeem(link_token, 10.0 + LINK_S, WALL)


def test_each_pass_stands_for_a_page_of_its_own_until_it_is_over() -> None:
    """So that the sessions of one page are not those of another."""
    passes = Passes("secret")
    one, two = passes.grant(WALL), passes.grant(WALL)

    assert passes.holder(one, WALL) != passes.holder(two, WALL)
    assert passes.holder(one, WALL + PASS_S - 1) is not None
    assert passes.holder(one, WALL + PASS_S + 1) is None


def test_a_pass_outlives_the_process_but_not_the_token() -> None:
    """It is signed with what the token says; without a token each process has its own key."""
    made = Passes("secret").grant(WALL)

    assert Passes("secret").holder(made, WALL) is not None
    assert Passes("other").holder(made, WALL) is None
    assert Passes(None).holder(Passes(None).grant(WALL), WALL) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made[:-1] + ("A" if made[-1] != "A" else "B"),
        lambda made: made.replace(made.split(".")[1], str(10**11), 1),
        lambda made: made.rpartition(".")[0],
        lambda made: made + "A",
        lambda _: "",
        lambda _: "...",
        lambda _: "aimux-page.99999999999999999999.x.y",
        lambda _: "aimux-page.\N{ARABIC-INDIC DIGIT NINE}.x.\N{SNOWMAN}",
    ],
    ids=["signature", "later", "unsigned", "longer", "empty", "dots", "huge", "not ascii"],
)
def test_a_pass_that_was_changed_is_nobodys(change: Callable[[str], str]) -> None:
    """Neither its time nor its name can be another."""
    passes = Passes("secret")

    assert passes.holder(change(passes.grant(WALL)), WALL) is None


def test_many_links_do_not_fill_the_memory() -> None:
    """The oldest are forgotten, the newest are good."""
    passes = Passes("secret")
    made = [passes.link_token(0.0) for _ in range(KEPT_LINKS + 5)]

    assert refused(passes, made[0], 1.0) == "link_unknown"
    assert passes.redeem(made[-1], 1.0, WALL)
    assert repr(passes) == f"<Passes: {KEPT_LINKS - 1} links not used>"
