"""Which calls are open, read from copies of the traffic."""

import itertools
import json

from hypothesis import given, strategies as st

from aimux._shim_mend import Books

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
    books = Books()
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
            books.read_sent(sent)
            books.read_got(got)
            sent, got = b"", b""
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    for start, end in itertools.pairwise(edges):
        books.read_sent(sent[start:end])
    books.read_got(got)

    assert set(books.open) == set(model)
    assert books.rest == b""
