"""Server-sent events, made and read."""

import itertools

import pytest
from hypothesis import given, strategies as st

from aimux.protocol import encode_comment, encode_event
from aimux.testing import EventReader, ServerSent

LINES = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
EVENTS = st.builds(
    ServerSent,
    data=LINES,
    event=NAMES.filter(lambda name: not name.startswith(" ")),
    event_id=NAMES.filter(lambda name: not name.startswith(" ")),
    retry_ms=st.none() | st.integers(0, 99_999),
)


@pytest.mark.slow
@given(events=st.lists(EVENTS, max_size=4), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_what_was_encoded_is_read_wherever_it_was_cut(
    events: list[ServerSent], cuts: list[int]
) -> None:
    stream = b"".join(
        encode_comment()
        + encode_event(
            one.data.encode(), event=one.event, event_id=one.event_id, retry_ms=one.retry_ms
        )
        for one in events
    )
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    reader = EventReader()
    read = [
        event
        for start, end in itertools.pairwise(edges)
        for event in reader.feed(stream[start:end])
    ]

    assert read == events


def test_bytes_of_an_event() -> None:
    """T-7: event and data; a priming event (L-8) has an id and empty data."""
    assert encode_event(b'{"a":1}') == b'event: message\ndata: {"a":1}\n\n'
    assert (
        encode_event(b"", event_id="s-0", retry_ms=500)
        == b"event: message\nid: s-0\nretry: 500\ndata:\n\n"
    )
    assert encode_comment() == b": ping\n\n"


@pytest.mark.parametrize("field", ["a\nb", "a\rb", "a\0b"])
def test_fields_cannot_be_forged(field: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode_event(b"x", event=field)
    with pytest.raises(ValueError, match="line break"):
        encode_event(b"x", event_id=field)


def test_carriage_returns_end_lines_even_when_cut_in_two() -> None:
    reader = EventReader()

    assert reader.feed(b"data: a\r") == []
    assert reader.feed(b"\ndata:b\r\n\r") == [ServerSent("a\nb")]
    assert reader.feed(b"\n: comment\nretry: soon\nodd\n\ndata\n\n") == [ServerSent("")]


def test_id_stays_until_replaced() -> None:
    reader = EventReader()

    read = reader.feed(b"id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\n")

    assert [event.event_id for event in read] == ["7", "7", "7"]
