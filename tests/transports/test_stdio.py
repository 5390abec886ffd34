"""The standard streams of a process of its own: only frames reach its stdout."""

import os
import subprocess
import sys
from typing import Final

import pytest

PROGRAM: Final = """
import os, subprocess, sys, trio
from aimux.protocol import Outgoing, Oversize
from aimux.transports import open_stdio

async def main():
    async with open_stdio() as wire:
        if "noise" in sys.argv:
            print("a stray print", flush=True)
            os.write(1, b"a stray write\\n")
            eaten = subprocess.run(["cat"], stdout=subprocess.PIPE).stdout
            subprocess.run(["sh", "-c", "echo a child"])
            os.write(2, b"a child ate %d bytes\\n" % len(eaten))
        while True:
            lines = await wire.receive()
            if lines is None:
                return
            for line in lines:
                if isinstance(line, Oversize):
                    line = b"over %d" % line.limit_bytes
                await wire.send([Outgoing(line)])

trio.run(main)
"""
WAIT_S: Final = 60

pytestmark = pytest.mark.slow


def _run(data: bytes | None, *words: str, **options: object) -> tuple[bytes, bytes]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
        timeout=WAIT_S,
        **{"stderr": subprocess.PIPE, **options},  # type: ignore[call-overload]
    )
    return done.stdout, done.stderr


def test_only_frames_reach_stdout() -> None:
    """Prints, writes and children go to stderr, and a child eats no request."""
    out, err = _run(b"one\r\n\ntwo\n", "noise")

    assert out == b"one\ntwo\n"
    assert err.split(b"\n")[:4] == [
        b"a stray print",
        b"a stray write",
        b"a child",
        b"a child ate 0 bytes",
    ]


def test_a_last_line_without_its_end_is_a_line() -> None:
    """What a pipe from `printf` brings."""
    assert _run(b"one")[0] == b"one\n"


def test_a_message_that_is_too_long_is_told_and_the_next_is_read() -> None:
    """Its bytes are not kept."""
    out, _ = _run(b"x" * (17 << 20) + b"\nnext\n")

    assert out == b"over 16777216\nnext\n"


def test_frames_pass_where_stdout_and_stderr_are_one() -> None:
    """`2>&1`: the description is shared, so it stays blocking and nothing is lost."""
    frames = b"".join(b"%d" % number + b"x" * 1_000 + b"\n" for number in range(500))
    out, _ = _run(frames, stderr=subprocess.STDOUT)

    assert out == frames


@pytest.mark.parametrize("closed", ["<&-", "<&- 2>&-", "</dev/null"])
def test_a_closed_input_is_an_empty_one(closed: str) -> None:
    """The server leaves at once, and in good order; its own files do not take the free numbers."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m aimux --in-process {closed}', sys.executable],
        capture_output=True,
        check=False,
        timeout=WAIT_S,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_streams_block_again_for_whoever_has_them_next() -> None:
    """A shell's group shares one pipe: the flag belongs to all of it."""
    (source, feed), (drain, sink) = os.pipe(), os.pipe()
    os.write(feed, b"one\n")
    os.close(feed)
    subprocess.run(
        [sys.executable, "-c", PROGRAM], stdin=source, stdout=sink, check=True, timeout=WAIT_S
    )
    flags = os.get_blocking(source), os.get_blocking(sink)
    said = os.read(drain, 100)
    for each in (source, drain, sink):
        os.close(each)

    assert said == b"one\n"
    assert flags == (True, True)


def test_a_client_that_reads_nothing_more_is_a_broken_stream() -> None:
    """The write fails, the process ends, the pipe was not waited for."""
    read, write = os.pipe()
    os.close(read)
    try:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            subprocess.run(
                [sys.executable, "-c", PROGRAM],
                input=b"one\n",
                stdout=write,
                stderr=subprocess.PIPE,
                check=True,
                timeout=WAIT_S,
            )
    finally:
        os.close(write)

    assert b"BrokenResourceError" in caught.value.stderr
