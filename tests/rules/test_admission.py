"""Places are given out fairly, and everybody can see where they stand."""

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aimux.rules import Admission, Admitted


def test_free_places_are_given_at_once() -> None:
    books = Admission(capacity=2)

    assert books.ask("a") == Admitted(handle="a", position=0)
    assert books.ask("b") == Admitted(handle="b", position=0)
    assert books.ask("c") == Admitted(handle="c", position=1)
    assert repr(books) == "<Admission: 2 running, 1 queued of 2>"


def test_who_leaves_makes_room_for_the_first_in_line() -> None:
    books = Admission(capacity=1)
    for handle in ("a", "b", "c"):
        books.ask(handle)

    assert books.leave("a") == ["b"]
    assert books.position("c") == 1
    assert books.leave("b") == ["c"]
    assert books.leave("c") == []


def test_a_full_queue_refuses_and_changes_nothing() -> None:
    books = Admission(capacity=1, queue=1)
    books.ask("a")
    books.ask("b")
    before = books.statistics()

    assert books.ask("c") is None
    assert books.statistics() == before
    assert books.leave("c") == []


def test_a_queue_of_nothing_refuses_when_all_is_taken() -> None:
    books = Admission(capacity=1, queue=0)
    books.ask("a")

    assert books.ask("b") is None


def test_clients_take_turns_however_many_they_send() -> None:
    books = Admission(capacity=1)
    books.ask("first", client="busy")
    for number in range(3):
        books.ask(f"busy{number}", client="busy")
    books.ask("calm0", client="calm")
    order = []
    handle = "first"
    while granted := books.leave(handle):
        (handle,) = granted
        order.append(handle)

    assert order == ["busy0", "calm0", "busy1", "busy2"]


def test_positions_are_in_the_order_of_turns() -> None:
    books = Admission(capacity=1)
    books.ask("x", client="a")
    for handle in ("a1", "a2", "b1"):
        books.ask(handle, client=handle[0])

    assert books.positions() == {"a1": 1, "b1": 2, "a2": 3}
    assert books.position("x") == 0
    assert books.position("nobody") == 0


def test_one_cli_cannot_take_every_place_nor_hold_up_the_queue() -> None:
    books = Admission(capacity=3, per_cli=1)
    books.ask("c1", cli="codex")

    assert books.ask("c2", cli="codex") == Admitted(handle="c2", position=1)
    assert books.ask("g1", cli="gemini") == Admitted(handle="g1", position=0)
    assert books.ask("any") == Admitted(handle="any", position=0)
    assert books.leave("g1") == []
    assert books.leave("c1") == ["c2"]


def test_one_client_cannot_take_every_place() -> None:
    books = Admission(capacity=3, per_client=1)
    books.ask("a1", client="a")

    assert books.ask("a2", client="a") == Admitted(handle="a2", position=1)
    assert books.ask("b1", client="b") == Admitted(handle="b1", position=0)
    assert books.statistics().by_client == {"a": 1, "b": 1}


def test_who_waits_may_give_up() -> None:
    books = Admission(capacity=1)
    for handle in ("a", "b", "c"):
        books.ask(handle)

    assert books.leave("b") == []
    assert books.position("c") == 1
    assert books.leave("a") == ["c"]


def test_a_ticket_stands_in_the_books_once() -> None:
    books = Admission(capacity=1)
    books.ask("a")
    books.ask("b")
    for handle in ("a", "b"):
        with pytest.raises(ValueError, match="in the books already"):
            books.ask(handle)


def test_more_room_is_given_out_and_less_takes_nothing_away() -> None:
    books = Admission(capacity=1)
    for handle in ("a", "b", "c"):
        books.ask(handle, cli="codex")

    assert books.resize(capacity=3, per_cli=2) == ["b"]
    assert books.resize(per_cli=0, per_client=2, queue=5) == []
    assert books.resize(per_client=0) == ["c"]
    assert books.resize(capacity=1) == []
    assert books.statistics().running == 3
    assert books.statistics().by_cli == {"codex": 3}


class AdmissionMachine(RuleBasedStateMachine):
    """Any order of coming and going."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[str, tuple[str, str]] = {}
        self.waiting: dict[str, tuple[str, str]] = {}
        self.number = 0

    @initialize(
        capacity=st.integers(1, 4),
        per_cli=st.integers(0, 2),
        per_client=st.integers(0, 2),
        queue=st.integers(0, 6),
    )
    def begin(self, **limits: int) -> None:
        self.books = Admission(**limits)

    def fits(self, client: str, cli: str) -> bool:
        held = list(self.running.values())
        of_cli = sum(each[1] == cli for each in held)
        of_client = sum(each[0] == client for each in held)
        return (
            len(held) < self.books.capacity
            and (not cli or not self.books.per_cli or of_cli < self.books.per_cli)
            and (not self.books.per_client or of_client < self.books.per_client)
        )

    @rule(client=st.sampled_from("abc"), cli=st.sampled_from(["", "codex", "gemini"]))
    def ask(self, client: str, cli: str) -> None:
        self.number += 1
        handle = f"t{self.number}"
        fitted = self.fits(client, cli)
        got = self.books.ask(handle, client, cli)
        if fitted:
            assert got == Admitted(handle=handle, position=0)
            self.running[handle] = client, cli
        elif len(self.waiting) >= self.books.queue:
            assert got is None
        else:
            assert got is not None
            assert 1 <= got.position <= len(self.waiting) + 1
            self.waiting[handle] = client, cli

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from([*self.running, *self.waiting]))
        self.running.pop(handle, None)
        self.waiting.pop(handle, None)
        for granted in self.books.leave(handle):
            entry = self.waiting.pop(granted)
            assert self.fits(*entry)
            self.running[granted] = entry

    @invariant()
    def nobody_who_fits_waits(self) -> None:
        assert not any(self.fits(*entry) for entry in self.waiting.values())

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "books"):
            said = self.books.statistics()
            assert (said.running, said.queued) == (len(self.running), len(self.waiting))
            assert said.running <= said.capacity
            positions = self.books.positions()
            assert set(positions) == set(self.waiting)
            assert list(positions.values()) == list(range(1, len(positions) + 1))


AdmissionMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None
)
test_any_coming_and_going_is_fair = pytest.mark.slow(AdmissionMachine.TestCase)
