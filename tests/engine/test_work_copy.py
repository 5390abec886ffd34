"""A copy that is worked in: what of it is told as changed, what is taken over, and from where."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import psutil
import pytest
import trio

from aimux.drivers import choose_driver
from aimux.engine import WorkCopies, WorkCopy, settle_copy
from aimux.engine._recovery import clear_leftovers, recover
from aimux.engine.copies import _work_copy
from aimux.engine.copies._base_facts import base_facts
from aimux.errors import Refusal
from aimux.files.landing import Change, FileState, LandingFailed, land
from aimux.files.temporary import leftovers
from aimux.rules.pair import Verified, assemble, parse_diff
from aimux.testing import FakeStore

from .. import needs
from .test_git import Field

pytestmark = [
    pytest.mark.slow,
    needs.posix,
]


@pytest.fixture
def field(tmp_path: Path) -> Field:
    """A repository with one of each kind of file, and traps wherever git could run something."""
    made = Field(tmp_path)
    tree = made.tree
    (tree / "sub").mkdir(parents=True)
    for name, data in (
        ("a.py", b"one\ntwo\nthree\n"),
        ("dos.txt", b"one\r\ntwo\r\n"),
        ("sub/gone.py", b"gone\n"),
        ("old.py", b"a\nb\nc\nd\ne\n"),
        ("run.sh", b"#!/bin/sh\n"),
        ("pic.bin", b"\0\1\2"),
        (".gitignore", b"ignored/\n"),
    ):
        (tree / name).write_bytes(data)
    (tree / "link").symlink_to("a.py")
    (tree / "ignored").mkdir()
    (tree / "ignored" / "tool").write_text("42\n", encoding="utf-8")
    assert made.git("init", "--quiet") == 0
    assert made.git("add", "--all") == 0
    assert made.git("commit", "--quiet", "-m", "first") == 0
    return made


def copies(field: Field) -> WorkCopies:
    return WorkCopies(root=field.root / "copies", drive=choose_driver(is_terminal=False))


@asynccontextmanager
async def open_copy(
    field: Field, *linked: str, by_products: Sequence[str] = ()
) -> AsyncIterator[WorkCopy]:
    env = {"PATH": os.environ["PATH"], "VENDOR_API_KEY": "secret"}
    async with copies(field).open(
        str(field.tree), "copy_1", job_id="job_1", env=env, linked=linked, by_products=by_products
    ) as copy:
        yield copy


def state(tree: Path) -> Mapping[str, tuple[int, bytes]]:
    """All that a landing could change, the repository left out."""
    return {
        path.relative_to(tree).as_posix(): (
            path.lstat().st_mode,
            os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in tree.rglob("*")
        if ".git" not in path.parts and (path.is_symlink() or path.is_file())
    }


async def test_every_kind_of_change_lands_as_it_is(field: Field) -> None:
    """New, deleted, renamed, mode, CR LF, link and binary, byte for byte; the caller's repository
    is neither asked nor changed.
    """
    git_before = state_of_git(field.tree)
    async with open_copy(field) as copy:
        work = copy.path
        (work / "new.py").write_text("new\n", encoding="utf-8")
        (work / "sub" / "gone.py").unlink()
        (work / "old.py").rename(work / "young.py")
        (work / "run.sh").chmod(0o755)
        (work / "dos.txt").write_bytes(b"one\r\n2\r\n")
        (work / "link").unlink()
        (work / "link").symlink_to("young.py")
        (work / "pic.bin").write_bytes(b"\0\1\3")
        wanted = state(work)
        diff = parse_diff(await copy.diff())
        await copy.accept(assemble(diff, {unit.number: None for unit in diff.units}))
        landed = await copy.land()

    kinds = {unit.path: unit.kind for unit in diff.units}
    assert kinds == {
        "dos.txt": "text",
        "link": "text",
        "new.py": "new",
        "pic.bin": "binary",
        "run.sh": "mode",
        "sub/gone.py": "deleted",
        "young.py": "renamed",
    }
    assert landed.is_landed, landed
    assert sorted(landed.files) == [
        "dos.txt", "link", "new.py", "old.py", "pic.bin", "run.sh", "sub/gone.py", "young.py",
    ]  # fmt: skip
    seen = {name: facts for name, facts in state(field.tree).items() if name != "ignored/tool"}
    assert seen == wanted
    assert not (field.tree / "sub").exists()
    assert state_of_git(field.tree) == git_before
    assert list((field.root / "copies").iterdir()) == []


def state_of_git(tree: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in (tree / ".git").rglob("*") if path.is_file()}


async def test_only_what_was_accepted_lands(field: Field) -> None:
    """The rest stays in the copy, and goes with it."""
    async with open_copy(field) as copy:
        (copy.path / "a.py").write_text("ONE\ntwo\nthree\n", encoding="utf-8")
        (copy.path / "dos.txt").unlink()
        diff = parse_diff(await copy.diff())
        await copy.accept(assemble(diff, {0: None}))
        left = parse_diff(await copy.diff())
        whole = parse_diff(await copy.whole(is_open=True))
        landed = await copy.land()

    assert [unit.path for unit in left.units] == ["dos.txt"]
    assert whole.paths == ["a.py", "dos.txt"]
    assert landed.files == ("a.py",)
    assert (field.tree / "a.py").read_text(encoding="utf-8") == "ONE\ntwo\nthree\n"
    assert (field.tree / "dos.txt").exists()


@pytest.mark.requirement("pair:changed")
async def test_what_was_changed_meanwhile_is_not_overwritten(field: Field) -> None:
    """Nor is anything else landed."""
    async with open_copy(field) as copy:
        (copy.path / "a.py").write_text("1\n", encoding="utf-8")
        (copy.path / "new.py").write_text("1\n", encoding="utf-8")
        diff = parse_diff(await copy.diff())
        await copy.accept(assemble(diff, {0: None, 1: None}))
        (field.tree / "a.py").write_text("mine\n", encoding="utf-8")
        landed = await copy.land()

    assert (landed.code, landed.is_landed) == ("tree_changed", False)
    assert "a.py" in landed.why
    assert (field.tree / "a.py").read_text(encoding="utf-8") == "mine\n"
    assert not (field.tree / "new.py").exists()


async def test_a_diff_is_put_into_the_files_wholly_or_not_at_all(field: Field) -> None:
    """And the reason says which file."""
    good = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-one\n+ONE\n two\n"
    bad = "diff --git a/dos.txt b/dos.txt\n--- a/dos.txt\n+++ b/dos.txt\n@@ -1 +1 @@\n-x\n+y\n"
    empty = "diff --git a/empty b/empty\nnew file mode 100644\n"
    async with open_copy(field) as copy:
        refused = await copy.put(good + bad)
        untouched = await copy.diff()
        taken = await copy.put(good + empty)
        after = parse_diff(await copy.diff())
        odd = await copy.put(good.replace("ONE", "\ud800"))

    assert "dos.txt" in refused
    assert untouched == ""
    assert taken == ""
    assert [unit.kind for unit in after.units] == ["text", "new"]
    assert "no file can hold" in odd


async def test_files_can_be_set_to_another_version(field: Field) -> None:
    """What commands left behind is gone then; what does not fit is refused."""
    async with open_copy(field) as copy:
        (copy.path / "a.py").write_text("1\n", encoding="utf-8")
        text = await copy.diff()
        (copy.path / "report.xml").write_text("left by a test", encoding="utf-8")
        await copy.set_files(text)
        seen = (await copy.diff(), (copy.path / "report.xml").exists())
        await copy.set_files("")
        clean = await copy.diff()
        with pytest.raises(Refusal):
            await copy.set_files(text.replace("-one", "-two"))

    assert seen == (text, False)
    assert clean == ""


async def test_what_tests_leave_is_no_change(field: Field) -> None:
    """Caches, and what the project ignores."""
    async with open_copy(field) as copy:
        for name in ("__pycache__/a.pyc", ".pytest_cache/x", "node_modules/y", "ignored/z"):
            path = copy.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x", encoding="utf-8")

        assert await copy.diff() == ""


async def test_what_a_cli_keeps_beside_the_files_is_no_change(field: Field) -> None:
    """As its profile names it, were it there before or not; what is new besides is told."""
    for name in (".aider.tags.cache.v4", "sub/.aider.tags.cache.v4"):
        (field.tree / name).mkdir()
        (field.tree / name / "cache.db").write_bytes(b"before")
    async with open_copy(field, by_products=[".aider.tags.cache*", "/own/kept/"]) as copy:
        for name in (
            ".aider.tags.cache.v4",
            "sub/.aider.tags.cache.v4",
            "own/kept",
            "sub/own/kept",
        ):
            (copy.path / name).mkdir(parents=True, exist_ok=True)
            (copy.path / name / "cache.db").write_bytes(b"\0")
        (copy.path / "made.txt").write_text("x\n", encoding="utf-8")

        assert parse_diff(await copy.diff()).paths == ["made.txt", "sub/own/kept/cache.db"]


async def test_what_is_ignored_from_above_is_no_change_below(field: Field) -> None:
    """The directory may be one of a larger repository."""
    (field.tree / ".gitignore").write_text("dist/\n/sub/made.py\n/other.py\n", encoding="utf-8")
    async with copies(field).open(
        str(field.tree / "sub"), "copy_2", job_id="job_1", env={"PATH": os.environ["PATH"]}
    ) as copy:
        for name in ("dist/x", "made.py", "other.py"):
            path = copy.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x\n", encoding="utf-8")

        assert parse_diff(await copy.diff()).paths == ["other.py"]


async def run(copy: WorkCopy, *command: str, limit_s: float = 30) -> Verified:
    return await copy.verify(command, limit_s)


@pytest.mark.requirement("pair:verify")
async def test_a_command_runs_in_the_copy_without_keys(field: Field) -> None:
    """Its exit code and the end of what it printed are told; linked directories are there."""
    async with open_copy(field, "ignored", "nowhere") as copy:
        good = await run(copy, "sh", "-c", "pwd; cat ignored/tool; env | grep -c API_KEY; exit 3")
        missing = await run(copy, "no-such-program")
        assert await copy.diff() == ""
        warnings = [each.message for each in copy.warnings]

    assert (good.exit_code, good.has_passed) == (3, False)
    assert good.tail.split("\n")[1:3] == ["42", "0"]
    assert good.tail.startswith(str(field.root / "copies" / "copy_1" / "tree"))
    assert missing.exit_code is None
    assert missing.why.startswith("could not be started")
    assert "nowhere" in " ".join(warnings)
    assert (field.tree / "ignored" / "tool").exists()


async def test_a_command_that_does_not_end_is_stopped_as_a_group(field: Field) -> None:
    """With what it started."""
    mark = field.root / "pid"
    async with open_copy(field) as copy:
        late = await run(copy, "sh", "-c", f"sleep 60 & echo $! > {mark}; wait", limit_s=1.0)

    pid = int(mark.read_text(encoding="utf-8"))
    assert late.why == "stopped after 1 s"
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_traps_in_the_copy_and_in_the_repository_are_not_sprung(field: Field) -> None:
    """Neither the caller's repository nor what a driver leaves in the copy names a program of ours:
    a repository inside is no change that could land.
    """
    field.git("config", "core.fsmonitor", field.trap("caller"))
    (field.tree / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    field.git("config", "filter.x.clean", field.trap("filter"))
    async with open_copy(field) as copy:
        field.git("config", "core.fsmonitor", field.trap("copy"), cwd=copy.path)
        field.git("config", "filter.x.clean", field.trap("driver"), cwd=copy.path)
        (copy.path / "inner").mkdir()
        field.git("init", "--quiet", cwd=copy.path / "inner")
        (copy.path / "inner" / "f").write_text("f", encoding="utf-8")
        field.git("add", ".", cwd=copy.path / "inner")
        field.git("commit", "--quiet", "-m", "inner", cwd=copy.path / "inner")
        field.git("config", "core.fsmonitor", field.trap("inner"), cwd=copy.path / "inner")
        for mark in field.root.glob("sprung-*"):
            mark.unlink()
        (copy.path / "a.py").write_text("changed\n", encoding="utf-8")
        first = await copy.diff()
        second = await copy.diff()

    assert field.sprung() == []
    assert first == second
    assert "160000" in first
    assert base_facts(field.tree, field.root / "tmp").is_known
    assert field.sprung() == []


# ---------------------------------------------------------------------------------- the base


@pytest.mark.requirement("pair:base")
def test_what_is_not_committed_is_told(field: Field) -> None:
    """Changed, staged, deleted; a file that git does not track is nobody's commit."""
    tmp = field.root / "tmp"
    clean = base_facts(field.tree, tmp)
    (field.tree / "untracked").write_text("x", encoding="utf-8")
    (field.tree / "a.py").touch()
    same = base_facts(field.tree, tmp)
    (field.tree / "a.py").write_text("changed\n", encoding="utf-8")
    (field.tree / "sub" / "gone.py").unlink()
    (field.tree / "dos.txt").write_bytes(b"staged\n")
    field.git("add", "dos.txt")
    dirty = base_facts(field.tree, tmp)
    below = base_facts(field.tree / "sub", tmp)

    assert (clean.changed, same.changed) == ((), ())
    assert len(clean.head) == 40
    assert dirty.changed == ("a.py", "dos.txt", "sub/gone.py")
    assert below.changed == ("sub/gone.py",)
    assert dirty.head == clean.head
    assert list(tmp.iterdir()) == []


def test_a_base_is_found_in_every_form_of_repository(field: Field) -> None:
    """Packed refs, detached, a linked work tree, no commit yet, none at all, broken."""
    tmp = field.root / "tmp"
    head = base_facts(field.tree, tmp).head
    assert field.git("pack-refs", "--all") == 0
    packed = base_facts(field.tree, tmp).head
    linked = field.root / "linked"
    assert field.git("worktree", "add", "--quiet", "-b", "other", str(linked)) == 0
    (linked / "a.py").write_text("changed\n", encoding="utf-8")
    other = base_facts(linked, tmp)
    field.git("checkout", "--quiet", "--detach")
    detached = base_facts(field.tree, tmp).head
    fresh = field.root / "fresh"
    fresh.mkdir()
    plain = base_facts(fresh, tmp)
    field.git("init", "--quiet", cwd=fresh)
    unborn = base_facts(fresh, tmp)
    (fresh / ".git" / "HEAD").write_text("ref: refs/../../x\n", encoding="utf-8")
    broken = base_facts(fresh, tmp)

    assert packed == detached == other.head == head
    assert other.changed == ("a.py",)
    assert (plain.head, plain.is_known) == ("", True)
    assert (unborn.head, unborn.is_known, unborn.changed) == ("", True, ())
    assert not broken.is_known


# ---------------------------------------------------------------------------------- after a crash


def cut_off(field: Field, at: str) -> Path:
    """What a process has left that died while it landed."""
    copy = field.root / "copies" / "copy_9"
    (copy / "landing").mkdir(parents=True)
    (copy.parent / "copy_9.lock").write_text("1 job_9", encoding="utf-8")
    changes = [
        Change(path=name, before=None, after=FileState(content=b"new\n")) for name in ("x", "y")
    ]

    def tell(step: str) -> None:
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        land(field.tree, changes, copy / "landing", tell)
    return copy


@pytest.mark.requirement("pair:landing")
async def test_the_next_start_finishes_a_landing_that_was_cut_off(field: Field) -> None:
    """Before it serves anybody; the copy goes with the other leftovers."""
    copy = cut_off(field, "rename y")
    assert (field.tree / "x").exists()
    assert not (field.tree / "y").exists()

    await recover(FakeStore(), "own_2", field.root)
    assert (field.tree / "y").exists()
    assert copy.exists()
    assert await clear_leftovers(field.root) == 1
    assert list((field.root / "copies").iterdir()) == []


async def test_what_could_not_be_undone_is_kept_until_it_can(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full both ways: old and new contents stay, and the next tidying settles it."""

    def full(tree: Path, changes: list[Change], directory: Path) -> None:
        def tell(step: str) -> None:
            if step == "rename y":
                raise KeyboardInterrupt

        try:
            land(tree, changes, directory, tell)
        except KeyboardInterrupt as error:
            raise LandingFailed("full; not undone: x", is_whole=False) from error

    monkeypatch.setattr(_work_copy, "land", full)
    async with open_copy(field) as copy:
        for name in ("x", "y"):
            (copy.path / name).write_text("new\n", encoding="utf-8")
        await copy.accept(await copy.diff())
        landed = await copy.land()

    assert (landed.code, landed.is_landed) == ("landing_failed", False)
    assert sorted(each.name for each in (field.root / "copies").iterdir()) == [
        "copy_1-landing", "copy_1-landing.lock",
    ]  # fmt: skip
    assert landed.kept.endswith("copy_1-landing")
    assert not (field.tree / "y").exists()
    assert await clear_leftovers(field.root) == 1
    assert (field.tree / "y").read_text(encoding="utf-8") == "new\n"
    assert list((field.root / "copies").iterdir()) == []


async def test_the_copy_of_a_living_process_is_left_alone(field: Field) -> None:
    """Its lock says so, and names process and job."""
    async with open_copy(field):
        assert await clear_leftovers(field.root) == 0
        assert leftovers(field.root / "copies") == []
        lock = (field.root / "copies" / "copy_1.lock").read_text(encoding="utf-8")

    assert lock == f"{os.getpid()} job_1"


def test_a_copy_without_a_landing_may_go(field: Field) -> None:
    """There is nothing to settle."""
    (field.root / "copies" / "c" / "tree").mkdir(parents=True)

    assert settle_copy(field.root / "copies" / "c")


async def test_cancelled_the_copy_is_removed(field: Field) -> None:
    """Whatever was going on in it."""
    with trio.move_on_after(60) as scope:
        async with open_copy(field) as copy:
            (copy.path / "a.py").write_text("1\n", encoding="utf-8")
            scope.cancel()
            await trio.lowlevel.checkpoint()

    assert list((field.root / "copies").iterdir()) == []
    assert attrs.asdict(base_facts(field.tree, field.root / "tmp"))["changed"] == ()
