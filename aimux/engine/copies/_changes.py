"""What has changed in a caller's repository since a commit, without obeying the repository.

Its objects and references are data, its configuration is not looked at: a git directory of ours
borrows the objects, and the index is filled from the commit (docs/design/0016).
"""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aimux.errors import PeerFault

from ._git import GitFault, Repository, make_repository

_HASH: Final = re.compile(r"[0-9a-f]{7,64}")
_NAME: Final = re.compile(r"[\w./-]+(?:[~^]\d*)*")
_NAMES: Final = ("--name-only", "--no-ext-diff", "--no-textconv", "--diff-filter=ACMRT")
MAX_REF_BYTES: Final = 10_000_000  # of packed references


def changed_files(tree: str, since: str) -> list[str]:
    """The files that differ from the commit `since`, new ones included, gone ones not; sorted.

    Paths are from `tree`, which is the repository's top. Blocks: for a thread.

    Raises:
        PeerFault: the directory is no repository's top, or knows no such commit.
        GitFault: there is no git, or it failed.
    """
    root = Path(tree)
    own_dir, shared_dir = _git_dirs(root)
    with tempfile.TemporaryDirectory(prefix="aimux-since-") as name:
        own = make_repository(Path(name))
        alternates = own.git_dir / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(
            f"{shared_dir / 'objects'}\n", encoding="utf-8", errors="surrogateescape"
        )
        looking = Repository(git_dir=own.git_dir, tree=root)
        commit = _commit((own_dir, shared_dir), since, looking)
        looking.run("read-tree", commit)
        found = looking.run("diff", *_NAMES, "-z")
        new = looking.run("ls-files", "--others", "-z")
    names = {each for each in (found + new).decode(errors="surrogateescape").split("\0") if each}
    return sorted(each for each in names if not each.startswith(".git/"))


def _git_dirs(root: Path) -> tuple[Path, Path]:
    """Where the repository of a directory keeps its own HEAD, and what worktrees share."""
    found = own = root / ".git"
    if found.is_file():  # a worktree names it
        said = found.read_text(encoding="utf-8", errors="surrogateescape").strip()
        found = own = root / said.removeprefix("gitdir:").strip()
        common = found / "commondir"
        if common.is_file():
            found = found / common.read_text(encoding="utf-8").strip()
    if not (found / "objects").is_dir():
        raise PeerFault(
            f"changed_since: {root} is not the top of a git repository",
            code="not_a_repository",
            hint="leave changed_since out, or name the repository's top directory as path",
        )
    return own.resolve(), found.resolve()


def _commit(git_dirs: Sequence[Path], since: str, looking: Repository) -> str:
    """The commit that a name means: a reference, read as a file is, or a hash; `~2` may follow."""
    if not _NAME.fullmatch(since) or since.startswith("-") or ".." in since:
        raise _unknown(since)
    name = re.split(r"[~^]", since, maxsplit=1)[0]
    found = next(filter(None, (_reference(each, name) for each in git_dirs)), "") or (
        name if _HASH.fullmatch(name) else ""
    )
    if not found:
        raise _unknown(since)
    try:
        said = looking.run("rev-parse", "--verify", f"{found}{since[len(name) :]}^{{commit}}")
    except GitFault as fault:
        raise _unknown(since) from fault
    return said.decode().strip()


def _unknown(since: str) -> PeerFault:
    return PeerFault(
        f"changed_since: no commit is called {since!r}",
        code="commit_unknown",
        hint="give a branch, a tag, HEAD, or a commit's hash",
    )


def _reference(git_dir: Path, name: str) -> str:
    for place in ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"):
        file = git_dir / f"{place}{name}"
        if file.is_file() and (place or name == "HEAD" or name.startswith("refs/")):
            said = file.read_text(encoding="utf-8", errors="replace").strip()
            if said.startswith("ref:"):
                return _reference(git_dir, said.removeprefix("ref:").strip())
            if _HASH.fullmatch(said):
                return said
    packed = git_dir / "packed-refs"
    if not packed.is_file() or packed.stat().st_size > MAX_REF_BYTES:
        return ""
    known = {
        line.partition(" ")[2]: line.partition(" ")[0]
        for line in packed.read_text(encoding="utf-8", errors="replace").splitlines()
        if _HASH.match(line) and " " in line
    }
    places = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
    return next((known[f"{place}{name}"] for place in places if f"{place}{name}" in known), "")
