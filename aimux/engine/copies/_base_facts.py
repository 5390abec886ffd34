"""What a repository of the user's says of a tree: its last commit, and what differs from it.

It is not obeyed (docs/design/0016). Its index is copied beside an empty repository of ours, its
objects are read as data, and what its head is we read by ourselves.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

import attrs

from aimux.files.private import make_private
from aimux.files.reading import read_regular

from ._git import GitFault, Repository, make_repository
from ._scratch_copy import MAX_INDEX_BYTES, MAX_LINK_FILE, find_repository, remove

MAX_REFS_BYTES: Final = 20_000_000
_ID: Final = re.compile(r"[0-9a-f]{40}")


@attrs.frozen(kw_only=True)
class BaseFacts:
    """What a change would be based on. Not `is_known`: there is a repository that we cannot read.

    `changed` are tracked files that are not as in the last commit, `head` that commit.
    """

    head: str = ""
    changed: tuple[str, ...] = ()
    is_known: bool = True


def base_facts(cwd: Path, temporary: Path) -> BaseFacts:
    """What the tree at `cwd` is based on; a tree in no repository is based on itself. Blocks.

    Raises:
        OSError: nothing can be written in `temporary`.
    """
    tree = cwd.resolve()
    found = find_repository(tree)
    if found is None:
        return BaseFacts()
    top, git_dir = found
    make_private(temporary)
    ours = Path(tempfile.mkdtemp(prefix="base-", dir=temporary))
    try:
        common = _common(git_dir)
        head = _head(git_dir, common)
        repository = attrs.evolve(make_repository(ours, ours / "git"), tree=top)
        return BaseFacts(head=head, changed=_changed(repository, tree, git_dir, common, head))
    except (GitFault, OSError, ValueError):
        return BaseFacts(is_known=False)
    finally:
        remove(ours)


def _common(git_dir: Path) -> Path:
    """Where what all work trees of a repository share is."""
    try:
        line = read_regular(git_dir / "commondir", MAX_LINK_FILE)
    except (OSError, ValueError):
        return git_dir
    return git_dir / os.fsdecode(line.strip())


def _head(git_dir: Path, common: Path) -> str:
    """The last commit; empty if there is none yet."""
    said = read_regular(git_dir / "HEAD", MAX_LINK_FILE).decode(errors="replace").strip()
    if _ID.fullmatch(said):
        return said
    name = said.removeprefix("ref: ")
    if name == said or not name.startswith("refs/") or ".." in name.split("/"):
        raise ValueError("HEAD is neither a commit nor a branch")
    try:
        loose = read_regular(common / name, MAX_LINK_FILE).decode(errors="replace").strip()
    except OSError:
        return _packed(common, name)
    if not _ID.fullmatch(loose):
        raise ValueError(f"{name} is no commit")
    return loose


def _packed(common: Path, name: str) -> str:
    if (common / "reftable").exists():
        raise ValueError("its refs are in a table")
    try:
        text = read_regular(common / "packed-refs", MAX_REFS_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ""
    for line in text.splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name and _ID.fullmatch(commit):
            return commit
    return ""


def _changed(
    repository: Repository, tree: Path, git_dir: Path, common: Path, head: str
) -> tuple[str, ...]:
    index = git_dir / "index"
    if not index.exists():
        return ()
    ours = repository.git_dir / "index"
    ours.write_bytes(read_regular(index, MAX_INDEX_BYTES))
    facts = index.stat()
    os.utime(ours, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # git reckons with its age
    objects = os.fspath((common / "objects").resolve())
    if "\n" in objects or objects.startswith('"'):
        raise ValueError("a path that git cannot take")
    info = repository.git_dir / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    repository.run("update-index", "-q", "--ignore-missing", "--really-refresh", cwd=tree)
    about = ("--name-only", "-z", "--ignore-submodules=all")
    found = repository.run("diff-files", *about, "--", ".", cwd=tree)
    if head:
        found += repository.run("diff-index", "--cached", *about, head, "--", ".", cwd=tree)
    return tuple(sorted({os.fsdecode(name) for name in found.split(b"\0") if name}))
