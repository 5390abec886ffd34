"""What a JSON text says at its top."""

import json
import tracemalloc
from typing import Final

import pytest
from hypothesis import given, strategies as st

from aimux.skim import ENVELOPE, MAX_DEPTH, MAX_MESSAGES, MAX_TOKEN_BYTES, Skimmer, skim

PARAMS: Final = ENVELOPE | {"params.uri"}
NAMES: Final = st.sampled_from(["id", "method", "params", "uri", "result", 'a"\\', "ü", ""])
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(0, 1) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=14,
)
MESSAGE: Final = st.dictionaries(NAMES, JSON, max_size=5)
TEXTS: Final = st.builds(
    lambda value, is_ascii, indent: json.dumps(
        value, ensure_ascii=is_ascii, indent=indent
    ).encode(),
    MESSAGE | st.lists(MESSAGE, max_size=3),
    st.booleans(),
    st.sampled_from([None, 1]),
)
JUNK: Final = st.binary(max_size=30) | st.text('[]{},:"\\ \nidx1', max_size=40).map(str.encode)


def _read(found: Skimmer) -> list[dict[str, object]]:
    brackets: dict[bytes, object] = {b"{": {}, b"[": []}
    return [
        {key: brackets[raw] if raw in brackets else json.loads(raw) for key, raw in each.items()}
        for each in found.messages
    ]


def _expected(message: dict[str, object]) -> dict[str, object]:
    flat = {key: value for key, value in message.items() if key in ENVELOPE}
    params = message.get("params")
    if isinstance(params, dict) and "uri" in params:
        flat["params.uri"] = params["uri"]
    return {key: type(each)() if isinstance(each, dict | list) else each
            for key, each in flat.items()}  # fmt: skip


@given(text=TEXTS)
def test_it_finds_what_a_parser_finds(text: bytes) -> None:
    """However deep, and however keys are written."""
    value = json.loads(text)
    messages = value if isinstance(value, list) else [value]

    found = skim(text, PARAMS)
    assert _read(found) == [_expected(each) for each in messages]
    assert found.is_over
    assert found.is_batch == isinstance(value, list)


@pytest.mark.slow
@given(
    text=TEXTS | JUNK,
    cuts=st.lists(st.integers(0, 200)),
    wanted=st.sampled_from([ENVELOPE, PARAMS]),
)
def test_cuts_make_no_difference(text: bytes, cuts: list[int], wanted: frozenset[str]) -> None:
    """Whatever the pieces, and whatever is in them."""
    found = Skimmer(wanted)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for begin, end in zip(edges, [*edges[1:], len(text)], strict=True):
        found.feed(text[begin:end])

    whole = skim(text, wanted)
    assert found.messages == whole.messages
    assert found.is_over == whole.is_over


@given(text=TEXTS, cut=st.integers(0, 200))
def test_a_rest_may_follow_a_stub(text: bytes, cut: int) -> None:
    """As it followed the long head; what comes out is no JSON."""
    head, rest = text[:cut], text[cut:]
    stub = skim(head).stub()

    assert skim(stub + rest).messages[-1:] == skim(text).messages[-1:]
    if skim(head).messages:
        with pytest.raises(ValueError, match=r"Expecting|Extra"):
            json.loads((stub + rest).decode(errors="replace"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":1,"a":"\\ud800","method":"m"}',
        b'{"id":1,"a":NaN,,"method":"m"',
        b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b',"method":"m","id":1}',
        b'{"a":["x\x00\xff"],"\\u006dethod":"m","\\u0069d":1}',
        b' \r\n\t{"id" : 1 , "method" : "m" } trailing',
    ],
)
def test_it_is_tolerant(text: bytes) -> None:
    """What a parser refuses still says who asks."""
    assert skim(text).messages == [{"id": b"1", "method": b'"m"'}]


@pytest.mark.parametrize(
    "text", [b"", b"  ", b"7", b'"id"', b"]", b"id", b'{"id":7', b'{"id', b'{"id":"' + b"x" * 9_999]
)
def test_nothing_is_made_up(text: bytes) -> None:
    """A number that is cut may be another one."""
    assert not any(skim(text).messages)


def test_everything_has_a_bound() -> None:
    """Depth, length of a value, messages of a batch."""
    deep, long, many = Skimmer(), Skimmer(), Skimmer()
    brackets = b"[" * 2 * MAX_DEPTH, b"]" * 2 * MAX_DEPTH
    deep.feed(b'{"a":%s%s,"id":1,"method":"m"}' % brackets)
    long.feed(b'{"id":"%s","method":"m"}' % (b"x" * MAX_TOKEN_BYTES))
    many.feed(b"[" + b'{"id":1},' * (MAX_MESSAGES + 1))

    assert deep.messages == [{}]
    assert long.messages == [{"method": b'"m"'}]
    assert len(many.messages) == MAX_MESSAGES
    assert deep.is_over
    assert many.is_over
    assert repr(many) == f"<Skimmer: over, {MAX_MESSAGES} messages>"


@pytest.mark.parametrize("piece", [b"x" * 32_768, b"[" * 32, b"\\n" * 16_384, b"[]," * 8_192])
def test_an_endless_text_costs_no_memory(piece: bytes) -> None:
    """Only a token of a bounded length is kept."""
    found = Skimmer()
    found.feed(b'{"a":["' if piece[:1] in b"x\\" else b'{"a":[')
    tracemalloc.start()
    for _ in range(256):
        found.feed(piece)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 64 * 1024
