"""Raw child output of one turn, kept whatever the child prints and whatever the disk does.

Each stream has a file: the first `head_bytes` as they came, then a ring of `tail_bytes` that holds
the end. A file that has not wrapped is the plain output; one that has ends in a mark that says how
much there was, so that any reader finds the start of the ring, after `kill -9` too.

`write` is called by the pumps, so it neither waits nor raises. When the disk refuses, the spool
goes on in memory with the last `MEMORY_BYTES` and says so in `warning`.
"""

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import attrs

from aimux.files.private import make_private
from aimux.model import Stream, Warned

HEAD_BYTES: Final = 8 * 1024 * 1024
TAIL_BYTES: Final = 24 * 1024 * 1024
MEMORY_BYTES: Final = 256 * 1024  # all that is kept of a stream without a disk
_MARK: Final = struct.Struct("<8sQQQ")  # magic, head, tail, total
_MAGIC: Final = b"aimuxspl"
_SUFFIX: Final = {Stream.STDOUT: "out", Stream.STDERR: "err"}


@attrs.frozen(kw_only=True)
class Piece:
    """A part of a stream. `offset` is where it really begins: later than asked if that was cut out.

    The next piece begins at `offset + len(data)`; `total` is what the child printed so far.
    """

    offset: int
    data: bytes
    total: int


@attrs.frozen(kw_only=True)
class _Span:
    """Logical bytes `[first, last)` that lie one after the other from `position` on."""

    first: int
    last: int
    position: int


def _spans(head: int, tail: int, filed: int, floor: int = 0) -> Iterator[_Span]:
    """Where the kept ones of `filed` bytes lie in a file, in logical order; the ring counts from
    `floor` on.
    """
    if filed > 0:
        yield _Span(first=0, last=min(head, filed), position=0)
    position = max(head, filed - tail, floor)
    while position < filed:
        turn = (position - head) % tail
        last = min(filed, position + tail - turn)
        yield _Span(first=position, last=last, position=head + turn)
        position = last


class _Half:
    """One stream of a spool."""

    def __init__(self, path: Path | None, head: int, tail: int) -> None:
        self._path = path
        self._head, self._tail = head, tail
        self._file: int | None = None
        self._memory = bytearray()
        self._filed = 0  # bytes in the file; the rest is in memory, or was
        self._floor = 0  # a write that failed may have spoilt the ring before this
        self.total = 0
        self.fault = "" if path is not None else "no directory"

    def write(self, data: bytes) -> None:
        if not self.fault:
            try:
                self._store(data)
            except OSError as fault:
                self.fault = fault.strerror or str(fault)
                self._filed = self.total  # this write goes to memory, all of it
                self._floor = self.total + len(data) - self._tail
        if self.fault:
            self._memory += data[-MEMORY_BYTES:]
            if len(self._memory) > 2 * MEMORY_BYTES:  # in steps, not at each write
                del self._memory[:-MEMORY_BYTES]
        self.total += len(data)

    def _store(self, data: bytes) -> None:
        if self._file is None:
            if self._path is None or self.total:
                raise OSError(0, "the spool is closed")
            self._file = _create(self._path)
        size, end = self._head + self._tail, self.total + len(data)
        if self.total <= size < end:
            self._mark(size)  # before the ring turns: without a mark the file reads as plain
        kept = memoryview(data)
        for span in _spans(self._head, self._tail, end):
            first = max(span.first, self.total)
            if first < span.last:
                part = kept[first - self.total : span.last - self.total]
                _write_all(self._file, part, span.position + first - span.first)
        if end > size:
            self._mark(end)
        self._filed = end

    def _mark(self, total: int) -> None:
        assert self._file is not None
        mark = _MARK.pack(_MAGIC, self._head, self._tail, total)
        _write_all(self._file, memoryview(mark), self._head + self._tail)

    def read(self, offset: int, max_bytes: int) -> Piece:
        try:
            piece = self._read_file(offset, max_bytes)
        except OSError:  # the file was taken away, or its disk
            piece = None
        if piece is None:
            first = min(max(offset, self.total - len(self._memory)), self.total)
            at = len(self._memory) - (self.total - first)
            piece = Piece(
                offset=first, data=bytes(self._memory[at : at + max_bytes]), total=self.total
            )
        return piece

    def _read_file(self, offset: int, wanted: int) -> Piece | None:
        """The piece, unless what is asked for is not in the file."""
        if offset >= self._filed or self._path is None:
            return None
        spans = _spans(self._head, self._tail, self._filed, self._floor)
        if self._file is not None:
            return _read(self._file, spans, offset, wanted, self.total)
        with _opened(self._path) as descriptor:
            return _read(descriptor, spans, offset, wanted, self.total)

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


class Spool:
    """Where the pumps of one turn put what its child prints. Close it when they are done."""

    def __init__(
        self, base: Path | None, *, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES
    ) -> None:
        """`base` with `.out` and `.err` names the files, made at the first byte; None keeps only
        the tail, in memory.
        """
        self._halves = {
            stream: _Half(base and base.with_name(f"{base.name}.{suffix}"), head_bytes, tail_bytes)
            for stream, suffix in _SUFFIX.items()
        }
        self._expects_file = base is not None

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep `data`. Never raises and never waits for more than the page cache."""
        self._halves[stream].write(data)

    def read(self, stream: Stream, offset: int, max_bytes: int) -> Piece:
        """Up to `max_bytes` from `offset` on; bytes that were cut out are skipped.

        Works while the child prints and after `close`. An offset at the end gives no data.
        """
        return self._halves[stream].read(max(0, offset), max(1, max_bytes))

    def tail(self, stream: Stream, max_bytes: int) -> bytes:
        """The last bytes of a stream."""
        total = self._halves[stream].total
        pieces = []
        offset = max(0, total - max_bytes)
        while offset < total:
            piece = self.read(stream, offset, max_bytes)
            if not piece.data:
                break
            pieces.append(piece.data)
            offset = piece.offset + len(piece.data)
        return b"".join(pieces)

    def total_bytes(self, stream: Stream) -> int:
        """What the child printed on a stream so far."""
        return self._halves[stream].total

    @property
    def warning(self) -> Warned | None:
        """What the disk refused, if it did."""
        faults = [half.fault for half in self._halves.values() if half.fault]
        if not faults or not self._expects_file:
            return None
        return Warned(
            code="spool_degraded",
            message=f"raw output is kept in memory only ({MEMORY_BYTES} bytes): {faults[0]}",
        )

    def close(self) -> None:
        """Give the descriptors back. What was kept stays readable."""
        for half in self._halves.values():
            half.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        out, err = (self._halves[stream].total for stream in _SUFFIX)
        state = "degraded" if self.warning else "in memory" if not self._expects_file else "on disk"
        return f"<Spool: {out} bytes out, {err} err, {state}>"


def spool_file(base: Path, stream: Stream) -> Path:
    """The file of one stream."""
    return base.with_name(f"{base.name}.{_SUFFIX[stream]}")


def read_file(path: Path, offset: int, max_bytes: int) -> Piece:
    """`Spool.read` on the file of a turn that is over, whoever ran it. A missing file is empty."""
    try:
        with _opened(path) as descriptor:
            size = os.fstat(descriptor).st_size
            head, tail, total = size, 1, size
            if size > _MARK.size:
                magic, *facts = _MARK.unpack(_pread(descriptor, _MARK.size, size - _MARK.size))
                if magic == _MAGIC and facts[0] + facts[1] + _MARK.size == size:
                    head, tail, total = facts
            spans = _spans(head, tail, total)
            piece = _read(descriptor, spans, max(0, offset), max(1, max_bytes), total)
    except FileNotFoundError:
        return Piece(offset=0, data=b"", total=0)
    return piece or Piece(offset=total, data=b"", total=total)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(
    descriptor: int, spans: Iterator[_Span], offset: int, wanted: int, total: int
) -> Piece | None:
    for span in spans:
        if offset < span.last:
            first = max(offset, span.first)
            data = _pread(
                descriptor, min(wanted, span.last - first), span.position + first - span.first
            )
            return Piece(offset=first, data=data, total=total)
    return None


def _create(path: Path) -> int:
    make_private(path.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)


if hasattr(os, "pwrite"):

    def _pwrite(descriptor: int, data: memoryview, position: int) -> int:
        return os.pwrite(descriptor, data, position)

    def _pread(descriptor: int, length: int, position: int) -> bytes:
        return os.pread(descriptor, length, position)

else:

    def _pwrite(descriptor: int, data: memoryview, position: int) -> int:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.write(descriptor, data)

    def _pread(descriptor: int, length: int, position: int) -> bytes:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, length)


def _write_all(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        done = _pwrite(descriptor, data, position)
        if done == 0:
            raise OSError(0, "the disk takes nothing")
        data, position = data[done:], position + done
