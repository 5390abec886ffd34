"""Slots of turns are given out fairly, and nobody waits in a circle."""

import attrs
import pytest

from aimux.rules import Moved, SlotLedger, SlotLimits, SlotRequest


def turn(
    key: str, *, cli: str = "codex", client: str = "", root: str = "", lender: str = ""
) -> SlotRequest:
    """A request for `key`, of a root job of its own unless named."""
    return SlotRequest(key=key, cli=cli, client=client, root=root or f"job {key}", lender=lender)


def make_ledger(**limits: int) -> SlotLedger:
    return SlotLedger(SlotLimits(**limits))


def test_free_slots_are_given_at_once() -> None:
    ledger = make_ledger(turns=2)

    assert ledger.request(turn("a")) == 0
    assert ledger.request(turn("b")) == 0
    assert ledger.request(turn("c")) == 1
    assert repr(ledger) == "<SlotLedger: 2 running, 1 waiting of 2>"


def test_who_leaves_makes_room_for_the_first_in_line() -> None:
    ledger = make_ledger(turns=1)
    for key in ("a", "b", "c"):
        ledger.request(turn(key))

    assert ledger.release("a") == ["b"]
    assert ledger.position("c") == 1
    assert ledger.release("b") == ["c"]
    assert ledger.release("c") == []
    assert ledger.release("c") == []


def test_who_waits_may_give_up() -> None:
    ledger = make_ledger(turns=1)
    for key in ("a", "b", "c"):
        ledger.request(turn(key))

    assert ledger.release("b") == []
    assert ledger.position("c") == 1
    assert ledger.release("a") == ["c"]


def test_a_key_stands_in_the_ledger_once() -> None:
    ledger = make_ledger(turns=1)
    for key in ("a", "b"):
        ledger.request(turn(key))

    for key in ("a", "b"):
        with pytest.raises(ValueError, match=f"turn {key} waits or runs already"):
            ledger.request(turn(key))


def test_clients_take_turns_however_many_they_send() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("first", client="busy"))
    for number in range(3):
        ledger.request(turn(f"busy{number}", client="busy"))
    ledger.request(turn("calm0", client="calm"))
    order = ["first"]
    while granted := ledger.release(order[-1]):
        order += granted

    assert order == ["first", "busy0", "calm0", "busy1", "busy2"]


def test_positions_are_in_the_order_of_turns() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("x", client="a"))
    said = [ledger.request(turn(key, client=key[0])) for key in ("a1", "a2", "b1", "b2", "c1")]

    assert said == [1, 2, 2, 4, 3]
    assert ledger.positions() == {"a1": 1, "b1": 2, "c1": 3, "a2": 4, "b2": 5}
    assert ledger.position("x") == 0
    assert ledger.position("nobody") == 0


def test_one_cli_cannot_take_every_slot_nor_hold_up_the_queue() -> None:
    ledger = make_ledger(turns=3, turns_per_cli=1)
    ledger.request(turn("c1"))

    assert ledger.request(turn("c2")) == 1
    assert ledger.request(turn("g1", cli="gemini")) == 0
    assert ledger.release("g1") == []
    assert ledger.release("c1") == ["c2"]


def test_one_client_cannot_take_every_slot_nor_hold_up_the_queue() -> None:
    ledger = make_ledger(turns=2, turns_per_client=1)
    ledger.request(turn("a1", client="a"))
    ledger.request(turn("b1", client="b"))

    assert ledger.request(turn("a2", client="a")) == 1
    assert ledger.request(turn("c1", client="c")) == 2
    assert ledger.release("b1") == ["c1"]
    assert ledger.statistics().by_client == {"a": 1, "c": 1}


def test_a_root_keeps_its_place_until_it_ends() -> None:
    ledger = make_ledger(root_jobs=1)
    ledger.request(turn("one/1", root="one"))

    assert ledger.request(turn("two/1", root="two")) == 1
    assert ledger.release("one/1") == []
    assert ledger.statistics().active_roots == 1
    assert ledger.end_root("one") == ["two/1"]


def test_turns_of_an_active_root_are_never_held_up_by_the_number_of_roots() -> None:
    """Nor are they by the length of the queue."""
    ledger = make_ledger(turns=2, root_jobs=1, queued_jobs=0)
    ledger.request(turn("one/1", root="one"))

    assert ledger.request(turn("two/1", root="two")) is None
    assert ledger.request(turn("child/1", root="one")) == 0
    assert ledger.request(turn("child/2", root="one")) == 1


def test_a_root_that_becomes_active_takes_its_other_turns_along() -> None:
    """They stand where they would have stood if it always had been."""
    ledger = make_ledger(turns=1, root_jobs=2)
    ledger.request(turn("one/1", root="one"))
    for key in ("two/1", "two/2", "one/2", "two/3", "three/1"):
        ledger.request(turn(key, root=key.partition("/")[0]))

    assert ledger.release("one/1") == ["two/1"]
    assert list(ledger.positions()) == ["two/2", "one/2", "two/3", "three/1"]
    assert ledger.resize(SlotLimits(turns=9, root_jobs=2)) == ["two/2", "one/2", "two/3"]
    assert ledger.end_root("one") == []
    assert ledger.release("one/2") == ["three/1"]


def test_becoming_active_costs_no_client_its_turn() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("x", root="x"))
    ledger.request(turn("a1", client="a", root="one"))
    ledger.request(turn("b1", client="b", root="one"))
    ledger.request(turn("c1", client="c", root="two"))

    assert ledger.release("x") == ["a1"]
    assert list(ledger.positions()) == ["b1", "c1"]


def test_a_root_that_ends_with_turns_left_keeps_its_place_until_they_are_released() -> None:
    ledger = make_ledger(root_jobs=1)
    ledger.request(turn("one/1", root="one"))
    ledger.request(turn("two/1", root="two"))

    assert ledger.end_root("one") == []
    assert ledger.release("one/1") == ["two/1"]

    ledger.end_root("two")
    ledger.release("two/1")
    ledger.request(turn("one/2", root="one"))
    ledger.release("one/2")

    assert ledger.statistics().active_roots == 1  # what ended once does not end by itself again


def test_an_active_root_is_never_refused_between_two_turns() -> None:
    ledger = make_ledger(turns=1, queued_jobs=0)
    ledger.request(turn("one/1", root="one"))
    ledger.release("one/1")
    ledger.request(turn("two/1", root="two"))

    assert ledger.request(turn("one/2", root="one")) == 1


def test_a_root_that_never_had_a_slot_may_end() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("one/1", root="one"))
    ledger.request(turn("two/1", root="two"))

    assert ledger.end_root("two") == []
    assert ledger.end_root("nobody") == []
    assert ledger.release("two/1") == []
    assert ledger.statistics().queued_roots == 0


def test_a_full_queue_refuses_new_roots_and_changes_nothing() -> None:
    ledger = make_ledger(turns=1, queued_jobs=1)
    ledger.request(turn("one/1", root="one"))
    ledger.request(turn("two/1", root="two"))
    before = ledger.statistics()

    assert ledger.request(turn("three/1", root="three")) is None
    assert ledger.statistics() == before
    assert ledger.release("three/1") == []
    assert ledger.request(turn("two/2", root="two")) == 2


def test_more_room_is_given_out_and_less_takes_nothing_away() -> None:
    ledger = make_ledger(turns=1)
    for key in ("a", "b", "c"):
        ledger.request(turn(key))

    assert ledger.resize(SlotLimits(turns=3, turns_per_cli=2)) == ["b"]
    assert ledger.resize(SlotLimits(turns=3, turns_per_client=2)) == []
    assert ledger.resize(SlotLimits(turns=3)) == ["c"]
    assert ledger.resize(SlotLimits(turns=1, root_jobs=1)) == []
    assert ledger.statistics().running == 3
    assert ledger.request(turn("d")) == 1
    assert ledger.release("a") == ledger.release("b") == []


def test_statistics_say_who_has_what() -> None:
    ledger = make_ledger(turns=2, turns_per_cli=1)
    ledger.request(turn("a", client="x", root="one"))
    ledger.request(turn("b", cli="gemini", client="y", root="two"))
    ledger.move("b", "codex")
    ledger.request(turn("c", client="x", root="one", lender="a"))
    ledger.request(turn("d", client="x", root="three"))

    said = attrs.asdict(ledger.statistics(), recurse=False)

    assert said == {
        "limits": SlotLimits(turns=2, turns_per_cli=1),
        "running": 2,
        "borrowed": 1,
        "waiting": 2,
        "by_cli": {"codex": 1},
        "by_client": {"x": 1, "y": 1},
        "active_roots": 2,
        "queued_roots": 1,
    }


# --------------------------------------------------------------------------------------- lending


def test_a_turn_called_for_by_a_running_one_borrows_its_slot() -> None:
    """A job that opens a job while all slots are taken does not wait for itself."""
    ledger = make_ledger(turns=1)
    ledger.request(turn("outer", root="one"))

    assert ledger.request(turn("inner", root="one", lender="outer")) == 0
    assert ledger.request(turn("innermost", root="one", lender="inner")) == 0
    assert ledger.statistics().running == 1


def test_a_slot_is_lent_to_one_at_a_time() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("outer", root="one"))
    ledger.request(turn("inner1", root="one", lender="outer"))

    assert ledger.request(turn("other", root="two")) == 1
    assert ledger.request(turn("inner2", root="one", lender="outer")) == 2
    assert ledger.release("inner1") == ["inner2"]
    assert ledger.release("inner2") == []
    assert ledger.position("other") == 1


def test_a_loan_counts_nowhere_and_gives_way_to_nobody() -> None:
    ledger = make_ledger(turns=2, turns_per_cli=1, turns_per_client=1)
    ledger.request(turn("outer", root="one"))
    ledger.request(turn("inner", root="one", lender="outer"))

    assert ledger.request(turn("g", cli="gemini", client="x")) == 0
    assert ledger.statistics().by_cli == {"codex": 1, "gemini": 1}
    assert ledger.move("inner", "gemini") == Moved(has_share=True, granted=[])
    assert ledger.release("outer") == []
    assert ledger.request(turn("next")) == 0


def test_one_with_a_lender_takes_a_slot_of_its_own_where_there_is_one() -> None:
    ledger = make_ledger(turns=2)
    ledger.request(turn("outer", root="one"))

    assert ledger.request(turn("inner1", root="one", lender="outer")) == 0
    assert ledger.statistics().running == 2
    assert ledger.request(turn("inner2", root="one", lender="outer")) == 0
    assert ledger.statistics().borrowed == 1


def test_one_that_waits_to_borrow_may_come_to_a_slot_of_its_own() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("outer", root="one"))
    for key in ("inner1", "inner2", "inner3"):
        ledger.request(turn(key, root="one", lender="outer"))

    assert ledger.release("outer") == ["inner2"]
    assert ledger.release("inner1") == ["inner3"]
    assert (ledger.statistics().running, ledger.statistics().borrowed) == (1, 1)


def test_a_loan_makes_no_root_active() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("outer", root="one"))
    ledger.request(turn("inner", root="two", lender="outer"))

    assert ledger.statistics().active_roots == 1


# ---------------------------------------------------------------------------------------- moving


def test_a_move_to_a_free_cli_gives_the_old_share_away() -> None:
    ledger = make_ledger(turns=3, turns_per_cli=1)
    ledger.request(turn("a"))
    ledger.request(turn("b"))

    assert ledger.move("a", "gemini") == Moved(has_share=True, granted=["b"])
    assert ledger.statistics().by_cli == {"codex": 1, "gemini": 1}


def test_two_moves_that_cross_both_get_through() -> None:
    ledger = make_ledger(turns=2, turns_per_cli=1)
    ledger.request(turn("a", cli="codex"))
    ledger.request(turn("b", cli="gemini"))

    assert ledger.move("a", "gemini") == Moved(has_share=False, granted=[])
    assert ledger.move("b", "codex") == Moved(has_share=True, granted=["a"])
    assert ledger.position("a") == 0


def test_who_moves_keeps_its_slot_and_stands_before_the_queue() -> None:
    ledger = make_ledger(turns=3, turns_per_cli=1)
    ledger.request(turn("g", cli="gemini"))
    ledger.request(turn("early", cli="gemini"))
    ledger.request(turn("a"))
    ledger.request(turn("b", cli="qwen"))
    ledger.move("b", "gemini")
    ledger.move("a", "gemini")

    assert ledger.request(turn("late")) == 4
    assert ledger.positions() == {"b": 1, "a": 2, "early": 3, "late": 4}
    assert ledger.release("g") == ["b", "late"]
    assert ledger.release("b") == ["a"]


def test_who_waits_to_move_may_turn_elsewhere_or_leave() -> None:
    ledger = make_ledger(turns=4, turns_per_cli=1)
    for key in ("codex", "gemini", "qwen"):
        ledger.request(turn(key, cli=key))
    ledger.move("codex", "gemini")
    ledger.move("qwen", "gemini")

    assert ledger.move("codex", "gemini") == Moved(has_share=False, granted=[])
    assert list(ledger.positions()) == ["qwen", "codex"]
    assert ledger.move("codex", "codex") == Moved(has_share=True, granted=[])
    assert ledger.release("qwen") == []
    assert ledger.statistics().running == 2
    assert ledger.release("gemini") == []


def test_a_move_to_where_it_is_changes_nothing() -> None:
    ledger = make_ledger(turns_per_cli=1)
    ledger.request(turn("a"))
    ledger.request(turn("b"))

    assert ledger.move("a", "codex") == Moved(has_share=True, granted=[])
    assert ledger.position("b") == 1


def test_only_a_turn_with_a_slot_moves() -> None:
    ledger = make_ledger(turns=1)
    ledger.request(turn("a"))
    ledger.request(turn("b"))

    for key in ("b", "nobody"):
        with pytest.raises(ValueError, match=f"turn {key} has no slot"):
            ledger.move(key, "gemini")


def test_who_would_move_to_its_lenders_cli_borrows() -> None:
    """It leaves its own shares to others: else both would wait for each other."""
    ledger = make_ledger(turns=3, turns_per_cli=1)
    ledger.request(turn("outer", root="one"))
    for key in ("inner1", "inner2"):
        ledger.request(turn(key, cli=key, root="one", lender="outer"))
    ledger.request(turn("other1", cli="inner1"))
    ledger.request(turn("other2", cli="inner2"))

    assert ledger.move("inner1", "codex") == Moved(has_share=True, granted=["other1"])
    assert ledger.move("inner2", "codex") == Moved(has_share=False, granted=[])
    assert ledger.release("inner1") == ["inner2", "other2"]


def test_a_loan_goes_to_who_moves_first() -> None:
    """Those that move come by the order of their moves, before those in the queue."""
    ledger = make_ledger(turns=4, turns_per_cli=1)
    ledger.request(turn("outer", root="one"))
    keys = ("inner1", "inner2", "inner3")
    for key in keys:
        ledger.request(turn(key, cli=key, root="one", lender="outer"))
    ledger.move("inner1", "codex")
    ledger.request(turn("filler", cli="filler"))
    ledger.request(turn("queued", root="one", lender="outer"))
    ledger.move("inner3", "codex")
    ledger.move("inner2", "codex")

    assert ledger.release("inner1") == ["inner3"]
    assert ledger.release("inner3") == ["inner2"]
    assert ledger.release("inner2") == ["queued"]
