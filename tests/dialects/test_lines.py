"""Lines are found wherever the chunks end, and none is held without a limit."""

from hypothesis import given, strategies as st

from aimux.dialects._lines import LineBuffer


def lines_of(pieces: list[bytes], limit: int = 100) -> list[bytes]:
    """Everything a buffer gives, split."""
    buffer = LineBuffer(limit)
    blocks = [buffer.feed(each) for each in pieces]
    blocks.append(buffer.finish())
    return [line for given in blocks for block in given for line in block.split(b"\n")]


@given(st.lists(st.binary(max_size=20)))
def test_lines_are_those_of_the_whole(pieces: list[bytes]) -> None:
    """Cutting changes nothing; a last newline begins no line."""
    whole = b"".join(pieces)
    expected = whole.split(b"\n")
    if not expected[-1]:
        expected.pop()

    assert lines_of(pieces, limit=10_000) == expected


@given(st.lists(st.sampled_from([b"a", b"aaaa", b"\n", b"aaaaaaaaaaaa"])))
def test_long_line_keeps_its_head_and_spares_the_next(pieces: list[bytes]) -> None:
    """Beyond the limit only the head stays, one byte more than the limit so that it tells."""
    whole = b"".join(pieces).split(b"\n")
    if not whole[-1]:
        whole.pop()

    got = lines_of(pieces, limit=5)

    assert [each[:5] for each in got] == [each[:5] for each in whole]
    assert [len(each) > 5 for each in got] == [len(each) > 5 for each in whole]


def test_endless_line_costs_no_memory() -> None:
    """A runaway without newlines is held up to the limit."""
    buffer = LineBuffer(1000)
    for _ in range(1000):
        assert buffer.feed(b"x" * 500) == []

    assert buffer.finish() == [b"x" * 1001]
    assert buffer.finish() == []


def test_empty_chunk_is_nothing() -> None:
    """No bytes, no line."""
    buffer = LineBuffer()

    assert buffer.feed(b"") == []
    assert buffer.finish() == []
    assert buffer.feed(b"\n") == [b""]
