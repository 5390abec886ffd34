"""Which calls are open, read from copies of the traffic."""

import itertools
import json
import time
import tracemalloc

import pytest
from hypothesis import given, strategies as st

from aimux.shim import ledger as module
from aimux.shim.copies import Copies
from aimux.shim.ledger import Ledger
from aimux.skim import skim

IDS = st.one_of(st.integers(-3, 3), st.sampled_from(["1", "a", "ü"]))
WORDS = ["ask", "answer", "fail", "other answer", "cancel", "progress", "asked", "junk"]
ANSWERS = ("answer", "fail", "other answer")
SAYS = st.lists(st.tuples(st.sampled_from(WORDS), IDS), max_size=25)


def _line(word: str, call_id: object) -> bytes:
    message: object = {
        "ask": {"id": call_id, "method": "tools/call"},
        "answer": {"jsonrpc": "2.0", "id": call_id, "result": {"id": 9, "method": "x"}},
        "fail": {"jsonrpc": "2.0", "id": call_id, "error": {}},
        "other answer": {"result": {"method": "x"}, "id": call_id},
        "cancel": {"method": "notifications/cancelled", "params": {"requestId": call_id}},
        "progress": {"jsonrpc": "2.0", "method": "notifications/progress", "id2": call_id},
        "asked": {
            "jsonrpc": "2.0",
            "id": call_id,
            "method": "elicitation/create",
        },  # the daemon's own request
        "junk": [call_id, None],
    }[word]
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


@given(SAYS, st.lists(st.integers(0, 400)), st.integers(1, 5))
def test_open_calls_are_the_asked_and_not_answered(
    says: list[tuple[str, object]], cuts: list[int], step: int
) -> None:
    """However the bytes are cut, and however often the copies are read."""
    ledger = Ledger()
    model: dict[str, None] = {}
    sent, got = b"", b""
    for number, (word, call_id) in enumerate(says):
        key = json.dumps(call_id)
        if word == "ask" and key in model:
            continue  # an id in use is not asked for again
        if word in ANSWERS and key not in model:
            continue
        if word in (*ANSWERS, "progress", "asked"):
            got += _line(word, call_id)
        else:
            sent += _line(word, call_id)
        if word == "ask":
            model[key] = None
        elif word in (*ANSWERS, "cancel"):
            model.pop(key, None)
        if number % step == 0:
            ledger.read_sent(sent)
            ledger.read_got(got)
            sent, got = b"", b""
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    for start, end in itertools.pairwise(edges):
        ledger.read_sent(sent[start:end])
    ledger.read_got(got)

    assert set(ledger.open) == set(model)
    assert ledger.rest == b""


TRAFFIC = ["ask", "answer", "fail", "cancel", "progress", "subscribe", "escaped", "batch"]


def _asked(word: str, call_id: int) -> bytes:
    method = {"subscribe": "resources/subscribe", "escaped": "resources\\/subscribe"}.get(word, "x")
    line = f'{{"jsonrpc":"2.0","id": {call_id},"method":"{method}","params":{{"uri":"u"}}}}'
    return f"[{line}]\n".encode() if word == "batch" else line.encode() + b"\n"


@given(st.lists(st.tuples(st.sampled_from(TRAFFIC), st.integers(0, 12)), max_size=25), st.data())
def test_calls_that_come_alone_leave_no_copies_and_nothing_is_forgotten(
    says: list[tuple[str, int]], data: st.DataObject
) -> None:
    """What is open, and what makes up the session, is known at any moment all the same."""
    copies, ledger = Copies(), Ledger()
    model: dict[int, str] = {}
    subscribed = False
    for word, call_id in says:
        if word in ("ask", "subscribe", "escaped", "batch"):
            if call_id in model:
                continue
            model[call_id] = word
            subscribed |= word in ("subscribe", "escaped")
            copies.note_sent(_asked(word, call_id))
        elif word == "cancel":
            model.pop(call_id, None)
            copies.note_sent(_line("cancel", call_id))
        else:
            if word != "progress":
                if model.get(call_id, "batch") == "batch":
                    continue  # never asked; and a batch is answered as one
                del model[call_id]
            line = _line(word, call_id)
            lone = copies.find_lone()
            if data.draw(st.booleans()) and 99 not in model:  # the client is quick
                model[99] = "ask"
                copies.note_sent(_asked("ask", 99))
            copies.note_got(line, lone)
        if data.draw(st.integers(0, 4)) == 0:
            ledger.read(copies)
    ledger.read(copies)

    assert set(ledger.open) == {str(call_id) for call_id in model}
    assert bool(ledger.setup) == subscribed


def test_a_call_that_comes_alone_leaves_no_copies() -> None:
    """Also after the handshake was read, and with notices in between."""
    copies = Copies()
    copies.note_sent(_asked("ask", 1))
    copies.note_got(_line("progress", 1), copies.find_lone())
    copies.note_got(_line("answer", 1), copies.find_lone())

    assert (copies.sent, copies.got) == ([], [])


def test_the_next_call_may_come_before_the_answer_is_noted() -> None:
    """Only the answered one is forgotten."""
    copies, ledger = Copies(), Ledger()
    copies.note_sent(_asked("ask", 1))
    lone = copies.find_lone()
    copies.note_sent(_asked("ask", 2))
    copies.note_got(_line("answer", 1), lone)

    assert copies.sent == [_asked("ask", 2)]
    ledger.read(copies)
    assert set(ledger.open) == {"2"}


def test_an_open_call_of_the_ledger_keeps_the_copies() -> None:
    """Its answer may be the next one."""
    copies, ledger = Copies(), Ledger()
    copies.note_sent(_asked("ask", 1))
    ledger.read(copies)
    copies.note_sent(_asked("ask", 21))
    copies.note_got(_line("answer", 1), copies.find_lone())

    assert len(copies.sent) == len(copies.got) == 1


# ---------------------------------------------------------------------- rude lines


CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":%s}}\n'


@pytest.mark.parametrize(
    ("line", "open_ones"),
    [
        (b"[" * 100_000 + b"\n", set()),
        (CALL % (b"[" * 2_000 + b"]" * 2_000), {"7"}),
        (CALL % b'"\\ud800"', {"7"}),
        (CALL % (b"9" * 5_000), {"7"}),
        (b'{"id":"\\u00fc","method":"m", junk\n', {'"\\u00fc"'}),
        (b'{"id":%d,"method":"m"}\n' % 2**70, {"1.1805916207174113e+21"}),
    ],
)
def test_a_line_that_no_parser_reads_is_looked_over(line: bytes, open_ones: set[str]) -> None:
    """Too deep, broken, a number too long: whoever asks in it is known, and gets an answer."""
    ledger = Ledger()
    ledger.read_sent(line)

    assert set(ledger.open) == open_ones
    ledger.read_got(line)  # whatever the daemon says is survived, too
    for key in open_ones:
        ledger.read_got(b'{"jsonrpc":"2.0","id":%s,"error":{}}\n' % key.encode())
    assert ledger.open == {}


def _in_pieces(ledger: Ledger, data: bytes) -> None:
    for begin in range(0, len(data), 65_536):
        ledger.read_sent(data[begin : begin + 65_536])


@pytest.mark.slow
def test_a_line_of_many_pieces_is_gone_over_once() -> None:
    """60 MB in pieces of what one read gives; joining each of them took 39 s."""
    ledger = Ledger()
    begin = time.process_time()
    _in_pieces(ledger, CALL % (b'"' + b"x" * 60_000_000 + b'"'))

    assert time.process_time() - begin < 10
    assert set(ledger.open) == {"7"}
    assert ledger.rest == b""


def test_an_endless_line_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a line has a bound, however long it goes on."""
    monkeypatch.setattr(module, "LINE_BYTES", 100_000)
    ledger = Ledger()
    ledger.read_sent(b'{"a":"')
    tracemalloc.start()
    for _ in range(400):
        ledger.read_sent(b"x" * 5_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 300_000


@pytest.mark.parametrize("cut", [30, 90, 150_000, 250_050, 250_060])
def test_the_rest_of_a_long_line_may_come_to_another_daemon(
    monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """It refuses the line, by the id that was in the head or is in the rest."""
    monkeypatch.setattr(module, "LINE_BYTES", 1_000)
    line = b'{"method":"tools/call","params":{"a":[{"b":"%s"}]},"id":"x","jsonrpc":"2.0"}' % (
        b"y" * 250_000
    )
    ledger = Ledger()
    ledger.read_sent(line[:cut])
    heard = ledger.rest + line[cut:]

    assert skim(heard).messages == [{"method": b'"tools/call"', "id": b'"x"'}]
    if cut > 1_000:
        assert len(ledger.rest) < 1_000
        with pytest.raises(ValueError, match=r"Expecting|Extra"):
            json.loads(heard)
    ledger.read_sent(line[cut:] + b"\n")
    assert set(ledger.open) == {'"x"'}


def test_giving_up_ends_every_open_call() -> None:
    """The handshake, one that the copies still hold, one whose line has no end yet."""
    ledger, copies = Ledger(), Copies()
    ledger.read_sent(b'{"id":1,"method":"initialize"}\n{"id":2,"method":"m"}\n')
    ledger.read_got(b'{"jsonrpc":"2.0","id":2,"result":{}}\n')
    copies.note_sent('[{"id":"ü","method":"m"},{"id":4,"method":"m"}]\n'.encode())
    told = [json.loads(line) for line in ledger.give_up(copies).splitlines()]

    assert [each["id"] for each in told] == [1, "ü", 4]
    for each in told:
        assert each["error"]["data"]["code"] == "no_daemon"
        assert "no other can be had" in each["error"]["message"]
    assert ledger.give_up(copies) == b""
