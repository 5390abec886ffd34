"""No repository is obeyed: every place where one can name a program holds a trap here."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from aimux.engine.copies import _git
from aimux.engine.copies._git import GIT_MISSING, GitFault, make_repository
from aimux.engine.copies._scratch import open_scratch
from aimux.errors import Refusal

from .. import needs

pytestmark = [
    pytest.mark.slow,
    needs.posix,
]

HOOKS: Final = (
    "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout",
    "post-index-change", "pre-auto-gc", "reference-transaction", "post-rewrite", "update",
)  # fmt: skip
ATTRIBUTES: Final = "* filter=trap diff=trap merge=trap\n*.txt working-tree-encoding=UTF-16 ident\n"


@attrs.frozen
class Field:
    """A place with a program that leaves a file when it is run."""

    root: Path

    @property
    def tree(self) -> Path:
        """The working tree that is to be read."""
        return self.root / "tree"

    def trap(self, name: str) -> str:
        """The program, one for each place that names it."""
        program = self.root / "traps" / name
        program.parent.mkdir(exist_ok=True)
        mark = self.root / f"sprung-{name}"
        program.write_text(f"#!/bin/sh\n: > {mark}\nexec cat\n", encoding="utf-8")
        program.chmod(0o755)
        return str(program)

    def sprung(self) -> list[str]:
        """The traps that were run."""
        return sorted(each.name.removeprefix("sprung-") for each in self.root.glob("sprung-*"))

    def git(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> int:
        """Plain git, as a user would run it."""
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.root / "home"), **(env or {})}
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(
            ["git", *who, *words], cwd=cwd or self.tree, env=clean, check=False, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        return done.returncode


def settings_of(field: Field, prefix: str) -> str:
    """A configuration with a program in every place that there is for one."""

    def trap(name: str) -> str:
        return field.trap(f"{prefix}-{name}")

    return f"""
[core]
    repositoryformatversion = 0
    fsmonitor = {trap("fsmonitor")}
    sshCommand = {trap("ssh")}
    askPass = {trap("askpass")}
    editor = {trap("editor")}
    pager = {trap("pager")}
    gitProxy = {trap("proxy")}
    alternateRefsCommand = {trap("alternate")}
    hooksPath = {field.root / "traps" / "hooks"}
    attributesFile = {field.root / "traps" / "attributes"}
[commit]
    gpgSign = true
[tag]
    gpgSign = true
[gpg]
    program = {trap("gpg")}
[credential]
    helper = !{trap("credential")}
[diff]
    external = {trap("diff")}
[diff "trap"]
    textconv = {trap("textconv")}
    command = {trap("diff-command")}
[filter "trap"]
    clean = {trap("clean")}
    smudge = {trap("smudge")}
    process = {trap("process")}
    required = true
[merge "trap"]
    driver = {trap("merge")}
[pager]
    ls-files = {trap("pager-ls")}
[alias]
    ls-files = !{trap("alias")}
[sequence]
    editor = {trap("sequence")}
[protocol]
    allow = always
[uploadpack]
    packObjectsHook = {trap("pack")}
[init]
    templateDir = {field.root / "traps" / "template"}
"""


def lay_hooks(field: Field, directory: Path, prefix: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        (directory / name).symlink_to(field.trap(f"{prefix}-{name}"))


@pytest.fixture
def field(tmp_path: Path) -> Field:
    """A tree whose repository, nested repositories and attributes are full of traps."""
    field = Field(tmp_path)
    field.tree.mkdir()
    (tmp_path / "home").mkdir()
    lay_hooks(field, tmp_path / "traps" / "hooks", "path")
    lay_hooks(field, tmp_path / "traps" / "template" / "hooks", "template")
    (tmp_path / "traps" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
    assert field.git("init", "-q") == 0
    for name in ("a.txt", "deep/b.txt", "kept.log"):
        (field.tree / name).parent.mkdir(exist_ok=True)
        (field.tree / name).write_text(name, encoding="utf-8")
    (field.tree / ".gitignore").write_text("*.log\nbuild/\n", encoding="utf-8")
    assert field.git("add", "-f", ".") == field.git("commit", "-qm", "x") == 0
    (field.tree / "new.txt").write_text("new", encoding="utf-8")
    (field.tree / "build").mkdir()
    (field.tree / "build" / "out.o").write_text("built", encoding="utf-8")
    (field.tree / ".gitattributes").write_text(ATTRIBUTES, encoding="utf-8")
    lay_hooks(field, field.tree / ".git" / "hooks", "own")
    (field.tree / ".git" / "config").write_text(settings_of(field, "own"), encoding="utf-8")
    (field.tree / ".git" / "info" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
    lay_bare(field, field.tree / "bare", "bare")
    lay_bare(field, field.tree / "nested" / ".git", "nested")
    (field.tree / "nested" / "c.txt").write_text("nested", encoding="utf-8")
    return field


def lay_bare(field: Field, place: Path, prefix: str) -> None:
    """A repository that finding is enough for: a plain clone may hold one."""
    for name in ("objects", "refs", "work"):
        (place / name).mkdir(parents=True)
        (place / name / ".keep").touch()
    (place / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    worktree = "" if prefix == "nested" else "[core]\n    bare = false\n    worktree = work\n"
    config = f"{settings_of(field, prefix)}\n{worktree}"
    (place / "config").write_text(config, encoding="utf-8")


EXPECTED: Final = {
    ".gitattributes", ".gitignore", "a.txt", "bare/HEAD", "bare/config", "bare/objects/.keep",
    "bare/refs/.keep", "bare/work/.keep", "deep/b.txt", "kept.log", "new.txt",
}  # fmt: skip


async def copied(cwd: Path, state: Path) -> tuple[set[str], list[str]]:
    """The files of a scratch copy of a directory, and what is told about it."""
    with trio.fail_after(60):
        async with open_scratch(str(cwd), state / "scratch") as scratch:
            found = {
                each.relative_to(scratch.path).as_posix()
                for each in scratch.path.rglob("*")
                if (each.is_symlink() or not each.is_dir())
                and ".git" not in each.relative_to(scratch.path).parts
            }
            return found, [each.message for each in scratch.warnings]


def test_the_traps_are_sprung_by_plain_git(field: Field) -> None:
    """What the other tests rely on: plain git runs what a repository names."""
    field.git("ls-files", "-co", "--exclude-standard")
    field.git("ls-files", "-o", cwd=field.tree / "bare")
    (field.tree / "a.txt").write_text("no filter runs over what did not change", encoding="utf-8")
    field.git("commit", "-aqm", "x")

    assert {"own-fsmonitor", "bare-fsmonitor", "own-process"} <= set(field.sprung())


@pytest.mark.parametrize("where", ["", "deep", "bare", "bare/work", "nested"])
async def test_nothing_that_a_repository_names_is_run(field: Field, where: str) -> None:
    """Wherever in it the work is."""
    found, told = await copied(field.tree / where, field.root)

    assert field.sprung() == []
    if not where:
        assert found == EXPECTED
        assert told == ["left out of the copy: 'nested/' (another repository)"]


async def test_nothing_that_the_environment_names_is_run(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of git, the user's and the system's settings, and what PATH finds by chance."""
    home = field.root / "home"
    (home / ".config" / "git").mkdir(parents=True)
    for name in (".gitconfig", ".config/git/config", "system"):
        text = settings_of(field, name.replace("/", "").replace(".", ""))
        (home / name).write_text(text, encoding="utf-8")
    (home / ".config" / "git" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
    (home / ".config" / "git" / "ignore").write_text("*.txt\n", encoding="utf-8")
    programs = (
        "ASKPASS",
        "EDITOR",
        "EXTERNAL_DIFF",
        "PAGER",
        "SEQUENCE_EDITOR",
        "SSH",
        "PROXY_COMMAND",
    )
    for name in programs:
        monkeypatch.setenv(f"GIT_{name}", field.trap(name))
    for name, value in {
        "HOME": home,
        "GIT_DIR": field.tree / "bare",
        "GIT_WORK_TREE": field.tree / "bare" / "work",
        "GIT_CONFIG_SYSTEM": home / "system",
        "GIT_CONFIG_GLOBAL": home / ".gitconfig",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": field.trap("count"),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={field.trap('parameters')}'",
        "GIT_TEMPLATE_DIR": field.root / "traps" / "template",
        "GIT_EXEC_PATH": field.root / "traps",
        "GIT_INDEX_FILE": field.root / "elsewhere",
        "GIT_TRACE": field.root / "sprung-trace",
        "SSH_ASKPASS": field.trap("ssh-askpass"),
        "PATH": f"traps{os.pathsep}{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, str(value))
    field.trap("git")
    monkeypatch.chdir(field.root)
    found, _ = await copied(field.tree, field.root)

    assert field.sprung() == []
    assert found == EXPECTED


def test_nothing_is_run_though_git_read_such_settings(field: Field) -> None:
    """The second net, alone: the settings of each call hold against a directory full of traps."""
    made = make_repository(field.tree / "deep", field.root / "ours")
    (made.git_dir / "config").write_text(settings_of(field, "net"), encoding="utf-8")
    lay_hooks(field, made.git_dir / "hooks", "net-hook")
    for words in (
        ("add", "--all", "--force", "--", "."),
        ("commit", "--quiet", "-m", "x"),
        ("tag", "-m", "x", "one"),
        ("diff", "HEAD"),
        ("log", "-p"),
        ("ls-files", "-co", "--exclude-standard"),
        ("write-tree",),
    ):
        made.run(*words)

    assert field.sprung() == []


@pytest.mark.parametrize("place", ["tree", "home"])
async def test_a_signing_program_that_waits_holds_nothing_up(
    field: Field, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The copy's own commit is nobody's: it is not signed, and needs no identity of the user's."""
    waits = field.root / "gpg"
    waits.write_text("#!/bin/sh\nsleep 600\n", encoding="utf-8")
    waits.chmod(0o755)
    file = field.root / ("tree/.git/config" if place == "tree" else "home/.gitconfig")
    file.write_text(
        f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {waits}\n[user]\n\tuseConfigOnly = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(field.root / "home"))
    async with open_scratch(str(field.tree), field.root / "scratch") as scratch:
        ours = ["git", "log", "--format=%an"]
        log = await trio.run_process(ours, cwd=scratch.path, capture_stdout=True)

    assert log.stdout == b"aimux\n"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "git init: exit code 3"),
        ("echo no room left >&2; exit 128", "git init: exit code 128: no room left"),
        (
            'case "$*" in *" commit "*) exit 1;; *) exec /usr/bin/git "$@";; esac',
            "git commit: exit",
        ),
        ("exec sleep 600", "git init did not end within 0.5 s"),
    ],
)
async def test_a_copy_that_git_does_not_finish_is_refused_with_its_words(
    field: Field, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """Typed, at once, and nothing is left of the copy."""
    place = field.root / "bin"
    place.mkdir()
    (place / "git").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    if "sleep" in script:
        monkeypatch.setattr(_git.Repository.run, "__kwdefaults__", {"cwd": None, "limit_s": 0.5})
    with pytest.raises(Refusal) as caught:
        await copied(field.tree, field.root)

    assert caught.value.code == "scratch_failed"
    assert said in caught.value.message
    assert caught.value.hint
    assert list((field.root / "scratch").iterdir()) == []


async def test_without_git_everything_is_copied_and_said_so(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells what is ignored then."""
    monkeypatch.setenv("PATH", str(field.root))
    found, told = await copied(field.tree, field.root)

    assert {*EXPECTED, "build/out.o"} <= found
    assert told[0].startswith("what is ignored is copied too: git is not on PATH")


def test_a_program_called_git_beside_us_is_not_git(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only whole paths of PATH count."""
    monkeypatch.chdir(Path(field.trap("git")).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "traps"]))
    with pytest.raises(GitFault) as caught:
        make_repository(field.tree)

    assert caught.value.code == GIT_MISSING


async def test_an_index_is_not_believed(field: Field) -> None:
    """A name in it that leads out of the tree, or through a link, is left out."""
    outside = field.root / "outside"
    outside.mkdir()
    (outside / "b.txt").write_text("secret", encoding="utf-8")
    (field.tree / "deep" / "b.txt").unlink()
    (field.tree / "deep").rmdir()
    (field.tree / "deep").symlink_to(outside)
    index = field.tree / ".git" / "index"
    data = index.read_bytes()
    outer = field.root / "secrets"
    outer.write_text("secret", encoding="utf-8")
    index.write_bytes(resummed(data.replace(b".gitignore", b"../secrets")))  # as long, and first
    found, told = await copied(field.tree, field.root)

    assert "deep" in found
    assert "deep/b.txt" not in found
    assert "'deep/b.txt' (a link stands where its directory was)" in told[0]
    assert "'../secrets' (its name leads out of the tree)" in told[0]


def resummed(data: bytes) -> bytes:
    """An index with its checksum made right."""
    import hashlib

    return data[:-20] + hashlib.sha1(data[:-20]).digest()


@pytest.mark.parametrize(
    ("words", "data"),
    [(("update-index", "--split-index"), None), ((), b"DIRC nonsense"), ((), b"")],
    ids=["split", "broken", "empty"],
)
async def test_an_index_that_is_not_understood_costs_only_what_is_ignored(
    field: Field, words: Sequence[str], data: bytes | None
) -> None:
    """The tree is listed all the same, and what may be missing is said."""
    (field.tree / ".git" / "config").write_text("", encoding="utf-8")
    if words:
        assert field.git(*words) == 0
    if data is not None:
        (field.tree / ".git" / "index").write_bytes(data)
    found, told = await copied(field.tree, field.root)

    assert found == EXPECTED - {"kept.log"}
    assert "tracked files that are ignored are missing" in told[0]


async def test_a_linked_worktree_and_a_directory_below_are_read_as_their_own(field: Field) -> None:
    """The `.git` file of a worktree is one line; ignore rules of the top hold below."""
    (field.tree / ".git" / "config").write_text("", encoding="utf-8")
    other = field.root / "other"
    assert field.git("worktree", "add", "-q", str(other)) == 0
    (other / "deep" / "x.log").write_text("ignored", encoding="utf-8")
    (other / "deep" / "x.txt").write_text("new", encoding="utf-8")
    whole, _ = await copied(other, field.root)
    below, _ = await copied(other / "deep", field.root)

    assert {"a.txt", "deep/b.txt", "deep/x.txt", "kept.log"} <= whole
    assert "deep/x.log" not in whole
    assert below == {"b.txt", "x.txt"}


async def test_work_in_an_ignored_directory_has_its_files(field: Field) -> None:
    """The repository around it knows nothing of them."""
    found, _ = await copied(field.tree / "build", field.root)

    assert found == {"out.o"}
