"""Commands in copies: what they see, what is left of them."""

import os
from pathlib import Path

import trio

from aimux.drivers import choose_driver
from aimux.engine import WorkCopies
from aimux.rules.pair import Verified

ENV = {"PATH": os.environ["PATH"], "VENDOR_API_KEY": "secret"}


async def check(root: Path, *command: str, limit_s: float = 20.0) -> tuple[Verified, Verified]:
    tree = root / "tree"
    tree.mkdir()
    (tree / "a.txt").write_text("here\n", encoding="utf-8")
    copies = WorkCopies(root=root / "copies", drive=choose_driver(is_terminal=False))
    with trio.fail_after(30):
        return await copies.check(str(tree), "copy_1", command, limit_s, job_id="job_1", env=ENV)


async def test_a_check_runs_in_a_copy_and_in_nothing(tmp_path: Path) -> None:
    """What it writes goes with the copy, it sees no keys; the control has no file."""
    said = 'cat a.txt && touch left && test -z "$VENDOR_API_KEY" && exit 42'

    real, control = await check(tmp_path, "sh", "-c", said)

    assert real.exit_code == 42
    assert real.tail == "here\n"
    assert control.exit_code == 1
    assert [each.name for each in (tmp_path / "tree").iterdir()] == ["a.txt"]
    assert not (tmp_path / "copies" / "copy_1").exists()


async def test_a_check_that_never_ends_is_stopped(tmp_path: Path) -> None:
    """Both times, and it says so instead of an exit code."""
    real, control = await check(tmp_path, "sh", "-c", "tail -f /dev/null", limit_s=0.2)

    assert (real.exit_code, control.exit_code) == (None, None)
    assert real.why == "stopped after 0.2 s"


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It is a result, not an error."""
    real, _ = await check(tmp_path, "no-such-program")

    assert real.exit_code is None
    assert "could not be started" in real.why


async def test_of_what_it_prints_the_end_is_kept(tmp_path: Path) -> None:
    """So much and no more."""
    real, _ = await check(tmp_path, "sh", "-c", "head -c 200000 /dev/zero; echo end")

    assert real.exit_code == 0
    assert len(real.tail) == 65_536
    assert real.tail.endswith("end\n")
