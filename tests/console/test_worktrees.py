"""`aimux worktrees`: copies in use, copies left over, and clearing them."""

import json
import os
from pathlib import Path

import pytest

from aimux.files.landing import Change, FileState, land
from aimux.files.temporary import owned_directory

from .conftest import Machine

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """As a kill would end it."""


def left_over(copies: Path, tree: Path) -> None:
    """A copy of a process that died while it landed."""
    copy = copies / "copy_dead"
    (copy / "landing").mkdir(parents=True)
    (copies / "copy_dead.lock").write_text("999999 job_dead", encoding="utf-8")
    new = FileState(content=b"new\n")

    def tell(step: str) -> None:
        if step == "rename y":
            raise Killed

    changes = [Change(path=name, before=None, after=new) for name in ("x", "y")]
    with pytest.raises(Killed):
        land(tree, changes, copy / "landing", tell)


def test_copies_are_listed_and_only_what_is_left_over_is_cleared(machine: Machine) -> None:
    """With process and job; a landing that was cut off is finished first."""
    copies = machine.root / "state" / "copies"
    none = machine.aimux("worktrees")
    left_over(copies, machine.project)
    with owned_directory(copies, "copy_live", f"{os.getpid()} job_live") as live:
        listed = machine.aimux("worktrees")
        told = json.loads(machine.aimux("worktrees", "--json").out)
        cleared = machine.aimux("worktrees", "--clear")
        assert live.exists()
    after = json.loads(machine.aimux("worktrees", "--json", "--clear").out)

    assert (none.code, none.out) == (0, "")
    assert "no copy in" in none.err
    assert "left over" in listed.out
    assert [
        (each["name"], each["state"], each["job_id"], each["pid"]) for each in told["copies"]
    ] == [
        ("copy_dead", "left over", "job_dead", 999999),
        ("copy_live", "in use", "job_live", os.getpid()),
    ]
    assert cleared.out.startswith("removed 1\n")
    assert "copy_live" in cleared.out
    assert (machine.project / "y").read_text(encoding="utf-8") == "new\n"
    assert after == {"copies": [], "removed": 0}
