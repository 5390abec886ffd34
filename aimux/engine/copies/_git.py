"""The only way in which git is started here: no repository is obeyed (docs/design/0016).

A repository may name programs in a dozen places, and finding it is enough to have some of them run.
So none is ever looked for: each call names a git directory that we made and the tree it is about,
and everything else that git would read or be told by is shut.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from aimux.errors import SetupFault

GIT_LIMIT_S: Final = 60.0  # for one command; half a gigabyte is added in twenty seconds
GIT_MISSING: Final = "git_missing"
SAID_CHARS: Final = 300  # of what git says about a failure

# second net: these would hold if a configuration was read after all
SETTINGS: Final[Mapping[str, str]] = {
    "advice.addEmbeddedRepo": "false",
    "commit.gpgSign": "false",
    "core.alternateRefsCommand": "",
    "core.askPass": "",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.compression": "0",  # it is thrown away soon
    "core.editor": ":",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.gitProxy": "",
    "core.hooksPath": os.devnull,
    "core.longPaths": "true",
    "core.pager": "cat",
    "core.protectHFS": "false",  # it is added as it is, strange names too
    "core.protectNTFS": "true" if sys.platform == "win32" else "false",
    "core.safecrlf": "false",
    "core.splitIndex": "false",
    "core.sshCommand": "false",
    "core.untrackedCache": "false",
    "credential.helper": "",  # empties the list
    "diff.ignoreSubmodules": "dirty",  # else git is run inside each
    "gc.auto": "0",
    "gpg.program": "false",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "sequence.editor": ":",
    "submodule.recurse": "false",
    "tag.gpgSign": "false",
}
# the attributes of a tree name filters and encodings; these come before them
ATTRIBUTES: Final = "* !text !eol !crlf !filter !ident !working-tree-encoding !diff !merge\n"
WHO: Final = ("aimux", "aimux@localhost")


class GitFault(SetupFault):
    """Git is missing, failed or did not end in time."""

    default_code = "git_failed"


@attrs.frozen(kw_only=True)
class Repository:
    """A git directory of ours, and the tree that a command is about."""

    git_dir: Path
    tree: Path
    index: Path | None = None  # another one than that of the git directory

    def run(self, *words: str, cwd: Path | None = None, limit_s: float = GIT_LIMIT_S) -> bytes:
        """What `git WORDS` prints; it stands in `cwd`, else in the tree. Blocks: for a thread.

        Raises:
            GitFault: there is no git, it failed, or was stopped after `limit_s`.
        """
        shown = f"git {words[0]}"
        settings = [part for item in SETTINGS.items() for part in ("-c", "=".join(item))]
        try:
            ran = subprocess.run(
                [_program(), "--no-pager", *settings, *words],
                cwd=cwd or self.tree,
                env=_environment(self.git_dir, self.tree) | self._more(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limit_s,
                check=False,
                start_new_session=True,  # no terminal, so nothing can ask
            )
        except subprocess.TimeoutExpired as error:
            raise GitFault(f"{shown} did not end within {limit_s:g} s") from error
        except OSError as error:
            raise GitFault(f"{shown}: {error.strerror}") from error
        if ran.returncode:
            said = " ".join(ran.stderr.decode(errors="replace").split())[:SAID_CHARS]
            raise GitFault(f"{shown}: exit code {ran.returncode}: {said}")
        return ran.stdout

    def exclude(self, *patterns: str) -> None:
        """Leave out of what is told as new whatever these fit, each as a line of .gitignore.

        Raises:
            OSError: the file cannot be written.
        """
        text = "".join(f"{each}\n" for each in patterns)
        (self.git_dir / "info" / "exclude").write_text(text, "utf-8", "surrogateescape")

    def _more(self) -> dict[str, str]:
        return {} if self.index is None else {"GIT_INDEX_FILE": str(self.index)}


def make_repository(tree: Path, git_dir: Path | None = None) -> Repository:
    """A new repository for the directory `tree`, with nothing in it that would be run.

    It is in the tree unless `git_dir` says where.

    Raises:
        GitFault: there is no git, or it failed.
    """
    made = Repository(git_dir=git_dir or tree / ".git", tree=tree)
    made.run("init", "--quiet", "--template=")
    info = made.git_dir / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
    return made


def _program() -> str:
    """Git's path. What PATH says relative to a directory does not count: that may be a clone."""
    found = shutil.which("git", path=_path())
    if found is None or not Path(found).is_absolute():
        raise GitFault("git is not on PATH", code=GIT_MISSING)
    return found


def _path() -> str:
    return os.pathsep.join(each for each in os.get_exec_path() if Path(each).is_absolute())


def _environment(git_dir: Path, tree: Path) -> dict[str, str]:
    """Made anew: variables of git (there are over a hundred) name programs, files and places."""
    kept = ("SYSTEMROOT", "TEMP", "TMP", "TMPDIR") if sys.platform == "win32" else ("TMPDIR",)
    name, address = WHO
    return {
        **{each: os.environ[each] for each in kept if each in os.environ},
        "PATH": _path(),
        "HOME": str(git_dir),
        "XDG_CONFIG_HOME": str(git_dir),
        "LC_ALL": "C",
        "GIT_DIR": str(git_dir),
        "GIT_WORK_TREE": str(tree),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_EDITOR": ":",
        "GIT_SEQUENCE_EDITOR": ":",
        "GIT_PAGER": "cat",
        "GIT_SSH_COMMAND": "false",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": address,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": address,
    }
