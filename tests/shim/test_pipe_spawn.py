"""How a daemon is started on Windows, with the system played."""

import subprocess
import sys
from pathlib import Path

import pytest

from aimux.shim import pipe
from aimux.shim.address import DaemonAddress

FLAGS = {"CREATE_NO_WINDOW": 1, "CREATE_NEW_PROCESS_GROUP": 2, "CREATE_BREAKAWAY_FROM_JOB": 4}


@pytest.mark.parametrize("is_held", [False, True], ids=["free", "in a job that lets nobody go"])
def test_a_daemon_leaves_the_job_of_its_host_where_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    """It is to outlive the host; a job that forbids that does not keep it from starting."""
    tried: list[int] = []
    for name, value in FLAGS.items():
        monkeypatch.setattr(subprocess, name, value, raising=False)

    def start(*_: object, creationflags: int, **__: object) -> str:
        tried.append(creationflags)
        if creationflags & 4 and is_held:
            raise PermissionError(13, "Access is denied")
        return "a process"

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(sys, "platform", "win32")
    address = DaemonAddress(str(tmp_path), str(tmp_path), str(tmp_path), is_pipe=True)

    assert pipe.spawn(address, {}) == "a process"
    assert tried == ([7, 3] if is_held else [7])
