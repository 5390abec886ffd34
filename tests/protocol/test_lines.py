"""Lines out of bytes."""

import tracemalloc

import pytest
from hypothesis import given, strategies as st

from aimux.protocol import LineReader, Oversize, Unread, _lines

PIECES = st.lists(
    st.one_of(st.binary(max_size=12), st.sampled_from([b"\n", b"\r\n", b" \n", b"x" * 9])),
    max_size=12,
)


def whole(data: bytes, max_bytes: int) -> list[bytes | Oversize]:
    reader = LineReader(max_bytes=max_bytes)
    return (reader.feed(data) if data else []) + reader.feed(b"")


@pytest.mark.slow
@given(pieces=PIECES, max_bytes=st.integers(0, 10))
def test_cuts_make_no_difference(pieces: list[bytes], max_bytes: int) -> None:
    """Whatever the reads were, the lines are the same, and so is their order."""
    reader = LineReader(max_bytes=max_bytes)
    lines = [line for piece in pieces if piece for line in reader.feed(piece)] + reader.feed(b"")

    assert lines == whole(b"".join(pieces), max_bytes)


@given(data=st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"\n")))
def test_lines_are_what_split_says(data: bytes) -> None:
    """Without a limit in the way, the reader is a split that drops blank lines."""
    expected = [line.strip(b" \t\r") for line in data.split(b"\n")]

    assert whole(data, 100) == [line for line in expected if line]


def test_many_messages_in_one_read_are_one_list() -> None:
    """S-1: sixty-four messages come out together, carriage returns and blanks gone."""
    lines = [b'{"id":%d}' % number for number in range(64)]

    assert LineReader().feed(b"\r\n\n".join(lines) + b"\r\n") == lines


def test_unfinished_last_line_is_delivered_at_the_end() -> None:
    reader = LineReader()

    assert reader.feed(b"a\nb") == [b"a"]
    assert reader.feed(b"c") == []
    assert reader.feed(b"") == [b"bc"]
    with pytest.raises(ValueError, match="after the end"):
        reader.feed(b"d")


def test_oversize_line_is_told_once_and_the_next_one_is_read() -> None:
    """The report does not wait for a line break that may never come."""
    reader = LineReader(max_bytes=4)

    assert reader.feed(b"ab") == []
    assert reader.feed(b"cde") == [Oversize(4)]
    assert reader.feed(b"more") == []
    assert reader.feed(b"still\nok\n") == [b"ok"]
    assert reader.feed(b"abc") == []
    assert reader.feed(b"de\nx") == [Oversize(4)]
    assert reader.feed(b"") == [b"x"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":["%s', Unread((7,))),
        (b'{"method":"m","params":["%s"],"id":"x"}\n', Unread(("x",))),
        (b'{"id":3,"result":["%s"]}\n', Unread((), (3,))),
        (
            b'[{"id":1,"method":"m"},{"params":"%s","id":2,"method":"m"}]\n',
            Unread((1, 2), (), True),
        ),
        (b'{"method":"m","params":["%s"]}\n', Unread()),
        (b'["%s"]\n', Unread((), (), True)),
    ],
)
def test_who_asks_in_an_oversize_line_is_found(line: bytes, told: Unread) -> None:
    """The id may come first, when nobody waits for the end, or last."""
    reader = LineReader(max_bytes=200)
    data = line % (b"x" * 1_000)
    found = [each for at in range(0, len(data), 64) for each in reader.feed(data[at : at + 64])]

    assert found == [Oversize(200, told)]


def test_an_endless_line_is_reported_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks in it cannot be found."""
    monkeypatch.setattr(_lines, "MAX_SKIMMED_BYTES", 1_000)
    reader = LineReader(max_bytes=200)
    said = reader.feed(b'{"params":"')
    told = [reader.feed(b"x" * 100) for _ in range(20)]

    assert said == []
    assert [each for each in told if each] == [[Oversize(200)]]
    assert reader.feed(b'","id":1}\nok\n') == [b"ok"]


def test_oversize_line_is_not_kept() -> None:
    """A line of 32 MiB costs less memory than the limit and one read."""
    reader = LineReader(max_bytes=64 * 1024)
    chunk = b"x" * 32 * 1024
    tracemalloc.start()
    for _ in range(1024):
        reader.feed(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 256 * 1024


def test_repr_is_a_status_line() -> None:
    reader = LineReader(max_bytes=4)

    reader.feed(b"ab")
    assert repr(reader) == "<LineReader: 2 bytes held>"
    reader.feed(b"cde")
    assert repr(reader) == "<LineReader: skipping>"
    reader.feed(b"")
    assert repr(reader) == "<LineReader: ended>"
