"""Raw output is kept whatever the child prints, and the pump is never held up."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from aimux.model import Stream
from aimux.store import Piece, Spool
from aimux.store._spool import MEMORY_BYTES, read_file, spool_file

from ..extent import examples

OUT, ERR = Stream.STDOUT, Stream.STDERR


def read_all(read: Callable[[int, int], Piece], total: int, step: int) -> dict[int, bytes]:
    """Every piece by its offset, joined where they touch."""
    found: dict[int, bytes] = {}
    begin = offset = 0
    while offset < total:
        piece = read(offset, step)
        assert piece.data, f"no data at {offset} of {total}"
        assert len(piece.data) <= step
        if piece.offset != offset or not found:
            begin = piece.offset
        found[begin] = found.get(begin, b"") + piece.data
        offset = piece.offset + len(piece.data)
    return found


def kept_of(printed: bytes, head: int, tail: int) -> dict[int, bytes]:
    """What should be left: the first bytes and the last, as one where nothing lies between."""
    if len(printed) <= head + tail:
        return {0: printed} if printed else {}
    ends = {0: printed[:head]} if head else {}
    return ends | {len(printed) - tail: printed[-tail:]}


@settings(max_examples=examples(40, 200))
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=12),
    head=st.integers(0, 30),
    tail=st.integers(1, 30),
    step=st.integers(1, 50),
)
def test_head_and_tail_survive_any_cut(
    chunks: list[bytes], head: int, tail: int, step: int
) -> None:
    printed = b"".join(chunks)
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory) / "1"
        spool = Spool(base, head_bytes=head, tail_bytes=tail)
        seen = []
        for chunk in chunks:
            spool.write(OUT, chunk)
            seen.append(spool.total_bytes(OUT))
        live = read_all(lambda o, m: spool.read(OUT, o, m), len(printed), step)
        spool.close()
        closed = read_all(lambda o, m: spool.read(OUT, o, m), len(printed), step)
        alone = read_all(lambda o, m: read_file(spool_file(base, OUT), o, m), len(printed), step)

    expected = kept_of(printed, head, tail)
    # the seam is not seen when reading on from the head, unless something was cut out
    if len(printed) > head + tail and head and len(printed) - tail == head:
        expected = {0: printed}
    assert live == closed == alone == expected
    assert seen == [sum(map(len, chunks[: n + 1])) for n in range(len(chunks))]


@settings(max_examples=examples(30, 100))
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12),
    wanted=st.integers(1, 400),
)
def test_the_tail_is_the_tail(chunks: list[bytes], wanted: int) -> None:
    printed = b"".join(chunks)
    with (
        tempfile.TemporaryDirectory() as directory,
        Spool(Path(directory) / "1", head_bytes=10, tail_bytes=50) as spool,
    ):
        for chunk in chunks:
            spool.write(ERR, chunk)
        tail = spool.tail(ERR, wanted)

    limit = wanted if len(printed) <= 60 else min(wanted, 50)
    assert printed.endswith(tail[-limit:])
    assert len(tail) >= min(limit, len(printed))


def test_streams_are_kept_apart_and_private(tmp_path: Path) -> None:
    with Spool(tmp_path / "jobs" / "job_1" / "1") as spool:
        spool.write(OUT, b"answer\n")
        spool.write(ERR, b"noise\n")

    files = sorted((tmp_path / "jobs" / "job_1").iterdir())
    assert [file.name for file in files] == ["1.err", "1.out"]
    assert [file.read_bytes() for file in files] == [b"noise\n", b"answer\n"]
    assert repr(spool) == "<Spool: 7 bytes out, 6 err, on disk>"
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


def test_a_silent_child_leaves_no_file(tmp_path: Path) -> None:
    with Spool(tmp_path / "1") as spool:
        piece = spool.read(OUT, 0, 10)

    assert piece == Piece(offset=0, data=b"", total=0)
    assert list(tmp_path.iterdir()) == []


def test_without_a_directory_the_tail_stays(tmp_path: Path) -> None:
    spool = Spool(None)
    printed = b"".join(b"%07d\n" % number for number in range(200_000))
    for begin in range(0, len(printed), 65_536):
        spool.write(OUT, printed[begin : begin + 65_536])

    piece = spool.read(OUT, 0, 10**9)

    assert piece.total == len(printed)
    assert printed[piece.offset :] == piece.data
    assert MEMORY_BYTES <= len(piece.data) <= 2 * MEMORY_BYTES
    assert spool.warning is None
    assert "in memory" in repr(spool)


def test_a_directory_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    spool = Spool(tmp_path / "file" / "1")

    spool.write(OUT, b"kept")

    assert spool.read(OUT, 0, 100).data == b"kept"
    assert spool.warning is not None
    assert spool.warning.code == "spool_degraded"
    assert "degraded" in repr(spool)


@pytest.mark.parametrize("refused_at", [1, 2, 3, 4, 5, 6, 7])
def test_a_disk_that_fills_up_loses_only_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_at: int
) -> None:
    """From the n-th call on the disk takes half of the bytes, then refuses."""
    from aimux.store import _spool

    calls = 0
    honest = _spool._pwrite

    def full(descriptor: int, data: memoryview, place: int) -> int:
        nonlocal calls
        calls += 1
        if calls == refused_at and len(data) > 1:
            return honest(descriptor, data[: len(data) // 2], place)
        if calls >= refused_at:
            raise OSError(28, "No space left on device")
        return honest(descriptor, data, place)

    monkeypatch.setattr(_spool, "_pwrite", full)
    spool = Spool(tmp_path / "1", head_bytes=10, tail_bytes=30)
    printed = b"".join(bytes([65 + number]) * 8 for number in range(20))
    for begin in range(0, len(printed), 8):
        spool.write(OUT, printed[begin : begin + 8])
    live = read_all(lambda o, m: spool.read(OUT, o, m), len(printed), 7)
    spool.close()
    closed = read_all(lambda o, m: spool.read(OUT, o, m), len(printed), 7)

    assert live == closed
    assert all(printed[offset:].startswith(data) for offset, data in live.items())
    last = max(live)
    assert last + len(live[last]) == len(printed)
    assert spool.warning is not None
    assert "No space left" in spool.warning.message


def test_a_file_taken_away_is_no_error(tmp_path: Path) -> None:
    with Spool(tmp_path / "1") as spool:
        spool.write(OUT, b"gone")
    (tmp_path / "1.out").unlink()

    assert spool.tail(OUT, 10) == b""
    assert spool.total_bytes(OUT) == 4


def test_output_after_the_close_is_kept_in_memory(tmp_path: Path) -> None:
    """A grandchild that inherited the pipe may speak when nobody expects it."""
    spool = Spool(tmp_path / "1")
    spool.write(OUT, b"before ")
    spool.close()

    spool.write(OUT, b"after")

    assert spool.tail(OUT, 100) == b"before after"


def test_many_megabytes_stay_bounded(tmp_path: Path) -> None:
    chunk = bytes(range(256)) * 256
    with Spool(tmp_path / "1", head_bytes=1 << 20, tail_bytes=1 << 20) as spool:
        for _ in range(320):  # 20 MB
            spool.write(OUT, chunk)

    assert spool.total_bytes(OUT) == 320 * 65_536
    assert (tmp_path / "1.out").stat().st_size == (2 << 20) + 32
    assert spool.tail(OUT, 65_536) == chunk


def test_a_missing_file_reads_as_silence(tmp_path: Path) -> None:
    assert read_file(tmp_path / "1.out", 5, 10) == Piece(offset=0, data=b"", total=0)
