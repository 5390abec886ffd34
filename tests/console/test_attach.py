"""A job watched in a terminal, left and cancelled by keys; in a pipe it is lines."""

import contextlib
import fcntl
import os
import struct
import subprocess
import termios

import pytest

from aimux.console._attach import picture

from .. import needs
from .conftest import LIMIT_S, Machine

BODY = {
    "job_id": "job_1",
    "status": "running",
    "cli": "codex",
    "elapsed_ms": 12_300,
    "turns": [
        {"turn": 1, "seat": "pro", "cli": "codex", "status": "completed", "duration_ms": 900},
        {"turn": 2, "seat": "contra", "cli": "claude", "status": "running"},
    ],
}


def watched(machine: Machine, job_id: str, *keys: bytes) -> tuple[int, str]:
    """The exit code of `attach` and all it sent to a terminal; the keys are pressed once it
    offers them.
    """
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    before = termios.tcgetattr(its)
    process = subprocess.Popen(
        machine.argv("attach", job_id),
        stdin=its, stdout=its, stderr=its,
        cwd=machine.project, env=machine.env(TERM="xterm-256color"), start_new_session=True,
    )  # fmt: skip
    heard, left = b"", list(keys)
    with contextlib.suppress(OSError):  # EIO where nobody has it open any more
        while process.poll() is None or left:
            data = os.read(ours, 65_536)
            heard += data
            if left and (b"q leave" in data or b"c again" in data):
                os.write(ours, left.pop(0))
            if b"attach job_" in heard or b"cancelled" in data:
                break
    code = process.wait(LIMIT_S)
    assert termios.tcgetattr(its) == before
    os.close(its)
    with contextlib.suppress(OSError):
        while data := os.read(ours, 65_536):
            heard += data
    os.close(ours)
    return code, heard.decode(errors="replace")


def running(machine: Machine) -> str:
    """The id of a job that works for a minute."""
    left = machine.aimux("run", "--async", "-c", "claude", "[[sleep 60]] [[say 40]]")
    return left.out.strip()


@pytest.mark.slow
@needs.posix
def test_a_watched_job_is_left_and_cancelled_by_keys(served: Machine) -> None:
    """Left it goes on, from where it was; c twice ends it. The terminal is as it was."""
    job_id = running(served)
    left, seen = watched(served, job_id, b"q")
    still = served.aimux("ps").out
    ended, end = watched(served, job_id, b"c", b"c")

    assert left == 0
    assert f"back to it: aimux attach {job_id} --after " in seen
    assert job_id in still
    assert ended == 1
    assert "cancelled" in end


@pytest.mark.slow
def test_in_a_pipe_events_are_lines_and_the_answer_is_alone(served: Machine) -> None:
    """On stderr and stdout; from a number on, only what followed."""
    done = served.aimux("run", "-q", "--async", "-c", "claude", "[[say 40]]")
    whole = served.aimux("attach", done.out.strip())
    rest = served.aimux("attach", done.out.strip(), "--after", "100000")

    assert whole.code == 0
    assert len(whole.out.strip()) == 40
    assert "claude" in whole.err
    assert "claude started" in whole.err.replace("claude opus", "claude")
    assert rest.out == whole.out
    assert "started" not in rest.err


def test_a_picture_has_the_job_its_seats_the_tail_and_the_keys() -> None:
    """Newest lines last; no more than the terminal has room for."""
    tail = [f"line {at}" for at in range(100)]
    lines = picture(BODY, {2: "contra: thinks"}, tail, columns=60, rows=12)
    small = picture(BODY, {}, tail, columns=20, rows=3)

    assert lines[0] == "job_1 · running · codex · 12s"
    assert lines[1].split() == ["contra", "claude", "running"]
    assert lines[2].split() == ["pro", "codex", "completed", "0.9s"]
    assert lines[-3:] == ["line 99", "", "q leave · c cancel"]
    assert len(lines) == 11
    assert len(small) <= 3
    assert all(len(line) <= 20 for line in small)


def test_a_picture_says_what_is_asked_and_what_a_second_key_does() -> None:
    """A question of the CLI, and of ours before a job is cancelled."""
    lines = picture({**BODY, "question": "go on?"}, {}, [], columns=90, rows=24, asks=True)

    assert "asks: go on? (aimux answer job_1)" in lines
    assert lines[-1].startswith("c again cancels")
