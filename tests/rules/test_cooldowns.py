"""Pairs of CLI and model that are left alone for a while."""

from aimux.rules import Cooldown, Cooldowns, cool, cooled, cooled_pairs, flush, left_s
from aimux.rules._cooldowns import MAX_PAIRS

GPT = Cooldown(cli="codex", model="gpt", until=100.0, code="rate_limited")
MINI = Cooldown(cli="codex", model="mini", until=50.0)
PRO = Cooldown(cli="gemini", model="pro", until=200.0)


def cooling(*entries: Cooldown, now: float = 0.0) -> Cooldowns:
    cooldowns = Cooldowns()
    for each in entries:
        cooldowns = cool(cooldowns, each, now)
    return cooldowns


def test_a_pair_is_left_alone_until_its_time() -> None:
    cooldowns = cooling(GPT)

    assert left_s(cooldowns, "codex", "gpt", 40.0) == 60.0
    assert left_s(cooldowns, "codex", "gpt", 100.0) == 0.0
    assert left_s(cooldowns, "codex", "mini", 40.0) == 0.0
    assert left_s(cooldowns, "gemini", "gpt", 40.0) == 0.0


def test_the_longer_time_stays() -> None:
    shorter = Cooldown(cli="codex", model="gpt", until=10.0)
    longer = Cooldown(cli="codex", model="gpt", until=900.0)

    assert cooled(cooling(GPT, shorter), 0.0) == [GPT]
    assert cooled(cooling(GPT, longer), 0.0) == [longer]


def test_what_is_over_is_dropped_and_never_added() -> None:
    late = cool(cooling(MINI, PRO), Cooldown(cli="x", model="", until=59.0), 60.0)

    assert list(late.entries) == [("gemini", "pro")]


def test_what_is_over_just_now_is_over() -> None:
    over = Cooldown(cli="x", model="", until=50.0)

    assert list(cool(cooling(MINI), PRO, 50.0).entries) == [("gemini", "pro")]
    assert cool(Cooldowns(), over, 50.0) == Cooldowns()
    assert cooled(cooling(MINI, PRO), 50.0) == [PRO]


def test_of_two_equal_times_the_first_reason_stays() -> None:
    again = Cooldown(cli="codex", model="gpt", until=100.0, code="later")

    assert cooled(cooling(GPT, again), 0.0) == [GPT]


def test_the_list_is_in_the_order_of_return() -> None:
    cooldowns = cooling(PRO, GPT, MINI)

    assert cooled(cooldowns, 60.0) == [GPT, PRO]
    assert cooled_pairs(cooldowns, 60.0) == {("codex", "gpt"), ("gemini", "pro")}


def test_flushing_takes_those_of_a_cli_or_all() -> None:
    cooldowns = cooling(GPT, MINI, PRO)

    assert set(flush(cooldowns, cli="codex").entries) == {("gemini", "pro")}
    assert flush(cooldowns) == Cooldowns()


def test_the_cooldowns_are_bounded() -> None:
    many = [Cooldown(cli="c", model=str(at), until=10.0 + at) for at in range(MAX_PAIRS + 2)]
    cooldowns = cooling(*many)

    assert len(cooldowns.entries) == MAX_PAIRS
    assert left_s(cooldowns, "c", "1", 0.0) == 0.0
    assert left_s(cooldowns, "c", "2", 0.0) == 12.0


def test_of_too_many_those_that_end_first_go() -> None:
    """Whatever their names, and whenever they came."""
    many = [Cooldown(cli="c", model=f"{at:04}", until=2000.0 - at) for at in range(MAX_PAIRS + 2)]
    cooldowns = cooling(*many)

    assert len(cooldowns.entries) == MAX_PAIRS
    assert left_s(cooldowns, "c", "0000", 0.0) == 2000.0
    assert left_s(cooldowns, "c", f"{MAX_PAIRS:04}", 0.0) == 0.0
