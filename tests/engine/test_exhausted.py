"""A machine without room is told as that, wherever it is met."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator

import pytest
import trio.testing

from aimux.engine._exhausted import when_exhausted
from aimux.engine.copies._git import GitFault
from aimux.model import JobStatus, PromptRule, PromptWay

from .house import answers, make_profile, open_house

Clock = trio.testing.MockClock


def caused(fault: GitFault, number: int) -> GitFault:
    fault.__cause__ = OSError(number, os.strerror(number))
    return fault


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        caused(GitFault("git init: Too many open files"), errno.EMFILE),
        GitFault("git add: exit code 128: fatal: cannot create pipe: Too many open files"),
    ],
)
def test_descriptors_and_memory_that_are_used_up_are_told_with_their_limits(
    fault: Exception,
) -> None:
    told = when_exhausted("no copy", fault)

    assert told is not None
    assert (told.code, told.retryable) == ("machine_exhausted", True)
    assert "max_concurrent_turns" in str(told.hint)


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        GitFault("git add: exit code 128: error: write error: No space left on device"),
    ],
)
def test_a_full_disk_is_told_with_what_frees_it(fault: Exception) -> None:
    told = when_exhausted("no copy", fault)

    assert told is not None
    assert told.code == "machine_exhausted"
    assert "aimux gc" in str(told.hint)


@pytest.mark.parametrize(
    "fault", [OSError(errno.EACCES, "Permission denied"), GitFault("git add: exit code 1: no")]
)
def test_other_faults_are_none_of_it(fault: Exception) -> None:
    assert when_exhausted("no copy", fault) is None


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "machine_exhausted"), (errno.EACCES, "prompt_file_failed")],
)
async def test_a_prompt_that_cannot_be_written_to_its_file_is_no_internal_error(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: str,
) -> None:
    """And nothing of it is left."""

    @contextlib.contextmanager
    def opened(descriptor: int, _mode: str) -> Iterator[None]:
        os.close(descriptor)
        raise OSError(number, os.strerror(number))
        yield

    rule = PromptRule(ways=(PromptWay.FILE,), file_flag="--prompt-file")
    profile = make_profile("alpha", priority=1, prompt=rule)
    async with open_house(tmp_path, lambda _: answers(), profiles=[profile]) as house:
        monkeypatch.setattr("aimux.engine.turns._turns.os.fdopen", opened)
        job = await house.run("a prompt")
        monkeypatch.undo()
        left = list(tmp_path.rglob("prompt-*"))  # noqa: ASYNC240  nothing else runs

    assert job.status is JobStatus.FAILED
    assert job.outcome is not None
    assert job.outcome.error is not None
    assert job.outcome.error.code == code
    assert job.outcome.error.hint
    assert left == []
