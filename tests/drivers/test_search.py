"""Where a binary is looked for."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from aimux.drivers import Found, Lack, Missing, find
from aimux.drivers._search import expand, newest_first

ENV = {"HOME": "/h", "PATH": "/usr/bin:/bin"}


class FakeDisk:
    """A disk in memory: paths ending in `/` are directories, in `-` files nobody may execute."""

    def __init__(self, *paths: str, separator: str = "/") -> None:
        self.separator = separator
        self.files = {p for p in paths if not p.endswith((separator, "-"))}
        self.locked = {p[:-1] for p in paths if p.endswith("-")}
        self.dirs = {p.rstrip(separator) for p in paths if p.endswith(separator)}
        for path in [*self.files, *self.locked, *self.dirs]:
            parts = path.split(separator)
            self.dirs |= {separator.join(parts[:n]) or separator for n in range(1, len(parts))}

    def names(self, path: str) -> Sequence[str]:
        base = path.rstrip(self.separator)
        known = self.files | self.locked | self.dirs
        under = {p[len(base) + 1 :] for p in known if p.startswith(base + self.separator)}
        return sorted({name.split(self.separator)[0] for name in under} - {""})

    def is_dir(self, path: str) -> bool:
        return path in self.dirs

    def is_file(self, path: str) -> bool:
        return path in self.files | self.locked

    def is_executable(self, path: str) -> bool:
        return path in self.files


def search_for(
    *paths: str, search: Sequence[str] = (), env: dict[str, str] | None = None
) -> object:
    return find(
        "codex", env=ENV if env is None else env, search_paths=search, files=FakeDisk(*paths),
        system="linux",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "via"),
    [
        ("/usr/bin/codex", "PATH"),
        ("/bin/codex", "PATH"),
        ("/h/.local/bin/codex", "usual"),
        ("/h/.cargo/bin/codex", "usual"),
        ("/h/go/bin/codex", "usual"),
        ("/h/.deno/bin/codex", "usual"),
        ("/usr/local/bin/codex", "usual"),
        ("/snap/bin/codex", "usual"),
        ("/h/.nix-profile/bin/codex", "usual"),
        ("/home/linuxbrew/.linuxbrew/bin/codex", "usual"),
        ("/h/.nvm/versions/node/v22.1.0/bin/codex", "nvm"),
        ("/h/.volta/bin/codex", "volta"),
        ("/h/.fnm/node-versions/v20.0.0/installation/bin/codex", "fnm"),
        ("/h/.pyenv/shims/codex", "pyenv"),
        ("/h/.pyenv/versions/3.12.1/bin/codex", "pyenv"),
        ("/h/.local/share/mise/installs/node/22/bin/codex", "mise"),
        ("/h/.asdf/shims/codex", "asdf"),
        ("/opt/mine/codex", "profile"),
    ],
)
def test_every_directory_is_searched(path: str, via: str) -> None:
    """Each directory of the specification finds its binary, and tells by what it was found."""
    assert search_for(path, search=["/opt/mine"]) == Found(path, via)


def test_path_wins_over_other_directories() -> None:
    """The order is PATH, usual directories, version managers, the profile's own."""
    paths = ["/opt/codex", "/h/.nvm/versions/node/v1/bin/codex", "/snap/bin/codex", "/bin/codex"]
    found = []
    while paths:
        found.append(search_for(*paths, search=["/opt"]))
        paths.pop()

    assert [one.via for one in found if isinstance(one, Found)] == [
        "PATH",
        "usual",
        "nvm",
        "profile",
    ]


def test_newest_version_of_a_manager_wins() -> None:
    """10 is above 9, whatever the alphabet says; a candidate is below its release."""
    base = "/h/.nvm/versions/node"
    names = ["v9.11.2", "v10.2.0", "v10.10.0-rc.1", "v10.10.0", "v10.10.0-rc.2", "system"]

    found = search_for(*(f"{base}/{name}/bin/codex" for name in names))

    assert found == Found(f"{base}/v10.10.0/bin/codex", "nvm")
    assert newest_first(names) == [
        "v10.10.0", "v10.10.0-rc.2", "v10.10.0-rc.1", "v10.2.0", "v9.11.2", "system",
    ]  # fmt: skip


def test_older_version_is_used_when_the_newest_lacks_the_binary() -> None:
    """A new runtime without the CLI must not hide the old one that has it."""
    base = "/h/.nvm/versions/node"

    found = search_for(f"{base}/v22.0.0/bin/node", f"{base}/v18.0.0/bin/codex")

    assert found == Found(f"{base}/v18.0.0/bin/codex", "nvm")


@pytest.mark.parametrize(
    ("directory", "path"),
    [
        ("~/x", "/h/x/codex"),
        ("$TOOLS/bin", "/t/bin/codex"),
        ("${TOOLS}/bin", "/t/bin/codex"),
        ("%TOOLS%/bin", "/t/bin/codex"),
        ("/opt/*/bin", "/opt/codex-2/bin/codex"),
        ("/opt/*/codex", "/opt/a/codex"),
        ("/opt/v[12]/?in", "/opt/v2/bin/codex"),
    ],
)
def test_search_paths_are_expanded(directory: str, path: str) -> None:
    """Home, variables and globs; a glob may also name the binary itself."""
    assert search_for(path, search=[directory], env=ENV | {"TOOLS": "/t"}) == Found(path, "profile")


def test_unset_variable_skips_the_path() -> None:
    """`$NOPE/bin` must not become `/bin`, and without a home there is no `~`."""
    missing = search_for("/nope/codex", search=["$NOPE/bin", "~/x"], env={"PATH": "/q"})

    assert isinstance(missing, Missing)
    assert missing.places[0] == "/q"
    assert [directory for directory in missing.places if directory in {"/bin", "/x", "~/x"}] == []
    assert expand("~", {}) is None
    assert expand("~me/x", ENV) == "~me/x"


def test_relative_path_entries_are_skipped() -> None:
    """What `.` is depends on who asks; a binary from there is a trap."""
    assert isinstance(search_for("codex", "/bin/codex", env={"PATH": ".::bin"}), Missing)


def test_missing_tells_reason_and_directories() -> None:
    """Not found, a directory and not executable are different faults with different remedies."""
    nothing = search_for("/bin/other", search=["/opt"])
    directory = search_for("/bin/codex/", search=["/opt"])
    locked = search_for("/bin/codex-", "/snap/bin/codex/")

    assert isinstance(nothing, Missing)
    assert isinstance(directory, Missing)
    assert isinstance(locked, Missing)
    assert (nothing.reason, nothing.path) == (Lack.NOT_FOUND, "")
    assert nothing.places[:2] == ["/usr/bin", "/bin"]
    assert nothing.places[-1] == "/opt"
    assert (directory.reason, directory.path) == (Lack.IS_DIRECTORY, "/bin/codex")
    assert (locked.reason, locked.path) == (Lack.NOT_EXECUTABLE, "/bin/codex")


def test_unusable_file_does_not_hide_a_usable_one() -> None:
    """As a shell does, the search goes on."""
    assert search_for("/usr/bin/codex-", "/bin/codex/", "/snap/bin/codex") == Found(
        "/snap/bin/codex", "usual"
    )


def test_binary_with_a_path_is_looked_for_there_only() -> None:
    """The user said which one."""
    disk = FakeDisk("/bin/codex", "/h/mine/codex")

    assert find("~/mine/codex", env=ENV, files=disk, system="linux") == Found(
        "/h/mine/codex", "profile"
    )
    assert find("/no/codex", env=ENV, files=disk, system="linux") == Missing(
        Lack.NOT_FOUND, ["/no"]
    )


def test_windows_suffixes_and_directories() -> None:
    """`.exe` before `.cmd`, npm's directories, no execute bit; a name with a dot is taken as is."""
    env = {"USERPROFILE": "C:\\u", "APPDATA": "C:\\a", "PATH": '"C:\\p q";D:\\r'}
    disk = FakeDisk(
        "C:\\a\\npm\\codex.cmd", "C:\\a\\npm\\codex.ps1-", "D:\\r\\x.cmd-", separator="\\"
    )

    def seek(name: str) -> object:
        return find(name, env=env, files=disk, system="win32")

    assert seek("codex") == Found("C:\\a\\npm\\codex.cmd", "usual")
    assert seek("x") == Found("D:\\r\\x.cmd", "PATH")
    assert seek("codex.ps1") == Found("C:\\a\\npm\\codex.ps1", "usual")
    assert isinstance(seek("codex.exe"), Missing)
    assert seek("C:/a/npm/codex") == Found("C:\\a\\npm\\codex.cmd", "profile")


def test_real_disk_is_asked(tmp_path: Path) -> None:
    """Execute bit, directories and unreadable paths as the system sees them."""
    usable, locked = tmp_path / "v2" / "codex", tmp_path / "v10" / "codex"
    for file, mode in ((usable, 0o755), (locked, 0o644)):
        file.parent.mkdir()
        file.write_text("", encoding="ascii")
        file.chmod(mode)
    env = {"HOME": str(tmp_path), "PATH": ""}

    def seek(*search: str) -> object:
        return find("codex", env=env, search_paths=search, system="linux")

    assert seek("~/v*") == Found(str(usable), "profile")
    lacking = seek("~/v10", "~/none/*", "/proc/1/fd/*")
    assert isinstance(lacking, Missing)
    assert lacking.reason is Lack.NOT_EXECUTABLE
    assert find("v2", env=env, search_paths=["~"], system="linux").path == str(tmp_path / "v2")


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, unique=True))
def test_versions_order_as_numbers(versions: list[tuple[int, ...]]) -> None:
    """For plain dotted versions the order is that of the tuples."""
    names = [".".join(map(str, version)) for version in versions]

    assert newest_first(names) == [
        ".".join(map(str, version)) for version in sorted(versions, reverse=True)
    ]
