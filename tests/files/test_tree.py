"""One tree can be read, and nothing beside it."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aimux.files import tree
from aimux.files.tree import FileBytes, FileLines, TreeReader

from .. import needs

SECRET = "SECRET = 1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a file beside it."""
    root = tmp_path / "tree"
    for name, text in {
        "src/a.py": "one\ntwo\n",
        "src/deep/b.py": "b",
        "lib/c.py": "c",
        "src/c.py": "other c",
        "node_modules/x/only.js": "installed",
        "a/a.py": "in a directory that is called a",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (tmp_path / "out.py").write_text(SECRET, encoding="utf-8")
    return root


@pytest.fixture(params=[True, False], ids=["from directories", "by path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to open a file, where the system has both."""
    if request.param and not tree.HAS_DIR_FD:
        pytest.skip("cannot open from a directory")
    monkeypatch.setattr(tree, "HAS_DIR_FD", request.param)


def read(root: Path, path: str) -> tuple[str, tuple[str, ...], str] | str:
    found = TreeReader(root).read_lines(path)
    return found if isinstance(found, str) else (found.path, found.lines, found.note)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "path", ["src/a.py", "./src/a.py", "src\\a.py", "src//./a.py", "lib/../src/a.py", " src/a.py "]
)
def test_a_file_is_found_as_its_path_is_written(root: Path, path: str) -> None:
    """With either kind of slash."""
    assert read(root, path) == ("src/a.py", ("one", "two"), "")


def test_an_absolute_path_inside_the_tree_is_one_of_it(root: Path, tmp_path: Path) -> None:
    """Links above the tree count as what they lead to."""
    assert read(root, str(root / "src" / "a.py")) == ("src/a.py", ("one", "two"), "")
    if os.name == "posix":
        (tmp_path / "link").symlink_to(root)
        found = read(tmp_path / "link", str(tmp_path / "link" / "src" / "a.py"))

        assert found == ("src/a.py", ("one", "two"), "")
        assert read(tmp_path / "link", str(root / "src" / "a.py")) == found


@pytest.mark.parametrize(
    ("path", "found", "note"),
    [
        ("b/src/a.py", "src/a.py", "without the b/ of a diff"),
        ("a/src/a.py", "src/a.py", "without the a/ of a diff"),
        ("a/a.py", "a/a.py", ""),
        ("tree/src/a.py", "src/a.py", "without the name of the tree"),
        ("b.py", "src/deep/b.py", "taken for src/deep/b.py"),
        ("deep/b.py", "src/deep/b.py", "taken for src/deep/b.py"),
        ("lib/c.py", "lib/c.py", ""),
    ],
)
def test_another_name_for_a_file_is_told(root: Path, path: str, found: str, note: str) -> None:
    """What it says first counts: a directory may be called a."""
    said = read(root, path)

    assert not isinstance(said, str)
    assert (said[0], said[2]) == (found, note)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("c.py", "2 files have that name"),
        ("only.js", "no such file"),
        ("A.PY.no", "no such file"),
        ("eep/b.py", "no such file"),
        ("src", "a directory, not a file"),
        ("b/src", "a directory, not a file"),
        (".", "a directory, not a file"),
        ("src/a.py/x", "no such file"),
        ("", "not a path"),
        ("a\0b", "not a path"),
        ("x" * 2_000, "not a path"),
        ("..", "leads out of the tree"),
        ("../out.py", "leads out of the tree"),
        ("../tree/src/a.py", "leads out of the tree"),
        ("src/../../out.py", "leads out of the tree"),
        ("..\\out.py", "leads out of the tree"),
        ("/out.py", "leads out of the tree"),
        ("~/out.py", "leads out of the tree"),
        ("Q:\\out.py", "leads out of the tree"),
        ("\\\\host\\share\\out.py", "leads out of the tree"),
    ],
)
@pytest.mark.usefixtures("way")
def test_what_cannot_be_read_has_its_reason(root: Path, path: str, why: str) -> None:
    assert read(root, path) == why


def test_a_directory_that_begins_like_the_tree_is_another(root: Path, tmp_path: Path) -> None:
    (tmp_path / "tree2").mkdir()
    (tmp_path / "tree2" / "a.py").write_text(SECRET, encoding="utf-8")

    assert read(root, str(tmp_path / "tree2" / "a.py")) == "leads out of the tree"


@needs.posix
@pytest.mark.usefixtures("way")
def test_links_are_followed_inside_the_tree_only(root: Path, tmp_path: Path) -> None:
    """Relative or absolute, of files and directories, whatever leads there."""
    (root / "in.py").symlink_to("./src//a.py")
    (root / "in2.py").symlink_to(root / "src" / "a.py")
    (root / "dir").symlink_to("src/deep/..")
    (root / "out.py").symlink_to("../out.py")
    (root / "out2.py").symlink_to(tmp_path / "out.py")
    (root / "up").symlink_to("..")
    (root / "round").symlink_to("round")

    for inside in ("in.py", "in2.py", "dir/a.py"):
        assert read(root, inside) == (inside, ("one", "two"), "")
    for outside in ("out.py", "out2.py", "up/out.py", "up/tree/src/a.py"):
        assert "SECRET" not in str(read(root, outside))
    for outside in ("out.py", "out2.py", "up/out.py"):
        assert read(root, outside) == "leads out of the tree"
    assert isinstance(read(root, "round"), str)


@needs.posix
@pytest.mark.usefixtures("way")
def test_pipes_and_devices_are_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe.py")

    assert read(root, "pipe.py") == "a pipe or device, not a file"
    assert read(Path("/dev"), "zero") == "a pipe or device, not a file"


@needs.posix
@pytest.mark.skipif(not tree.HAS_DIR_FD, reason="cannot open from a directory")
@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_link_put_there_meanwhile_leads_nowhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Between the look at a name and its opening."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.py").write_text(SECRET, encoding="utf-8")
    real = os.open

    def late(path: str, flags: int, *args: int, dir_fd: int | None = None) -> int:
        if path == ("src" if what == "directory" else "a.py"):
            taken = root / "src" if what == "directory" else root / "src" / "a.py"
            taken.rename(tmp_path / "away")
            taken.symlink_to(tmp_path / ("other" if what == "directory" else "out.py"))
        return real(path, flags, *args, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", late)
    found = TreeReader(root).read_lines("src/a.py")

    assert isinstance(found, str)


@needs.posix
def test_a_pipe_put_there_meanwhile_is_not_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is opened is looked at again."""
    real = os.open

    def late(path: str, flags: int, *args: int, dir_fd: int | None = None) -> int:
        if path == "a.py":
            (root / "src" / "a.py").unlink()
            os.mkfifo(root / "src" / "a.py")
        return real(path, flags, *args, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", late)

    assert read(root, "src/a.py") == "a pipe or device, not a file"


@needs.posix
def test_a_file_exchanged_after_the_look_is_not_read(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no opening from a directory."""
    monkeypatch.setattr(tree, "HAS_DIR_FD", False)
    monkeypatch.setattr(os, "open", lambda *_: os.dup(other.fileno()))

    with (tmp_path / "out.py").open(encoding="utf-8") as other:
        assert read(root, "src/a.py") == "changed while it was opened"


@needs.posix
def test_a_long_way_of_links_ends(root: Path) -> None:
    """It would hold a descriptor for each step."""
    (root / "far.py").symlink_to("src/../" * 150 + "src/a.py")

    assert read(root, "far.py") == "too many directories on the way"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", ()),
        (b"\n", ("",)),
        (b"a\nb", ("a", "b")),
        (b"a\r\nb\rc\n", ("a", "b", "c")),
        (b"a\x0cb\n\xe2\x80\xa8c\n", ("a\x0cb", "\u2028c")),
        (b"\xef\xbb\xbfa\n", ("a",)),
        (b"a\xff\n", ("a\ufffd",)),
        (b"a\0\n", "binary, not text"),
        (b"a\n" * (tree.MAX_BYTES // 2), ("a",) * (tree.MAX_BYTES // 2)),
        (b"a\n" * (tree.MAX_BYTES // 2) + b"a", "larger than 2,000,000 bytes"),
    ],
    ids=["empty", "blank", "open end", "ends", "form feed", "mark", "bytes", "nul", "full", "over"],
)
def test_lines_are_counted_as_editors_count_them(
    root: Path, data: bytes, lines: tuple[str, ...] | str
) -> None:
    (root / "x.py").write_bytes(data)
    found = TreeReader(root).read_lines("x.py")

    assert (found if isinstance(found, str) else found.lines) == lines


def test_a_file_that_changed_is_read_again(root: Path) -> None:
    """And one that did not is not."""
    reader = TreeReader(root)
    first, again = reader.read_lines("src/a.py"), reader.read_lines("src/a.py")
    (root / "src" / "a.py").write_text("three\n", encoding="utf-8")
    third = reader.read_lines("src/a.py")

    assert isinstance(first, FileLines)
    assert isinstance(again, FileLines)
    assert isinstance(third, FileLines)
    assert first.lines is again.lines
    assert third.lines == ("three",)
    assert repr(reader) == "<TreeReader: 1 files kept>"


def test_few_files_are_kept(root: Path) -> None:
    reader = TreeReader(root)
    for number in range(40):
        (root / f"f{number}.py").write_text("x", encoding="utf-8")
        assert isinstance(reader.read_lines(f"f{number}.py"), FileLines)

    assert repr(reader) == "<TreeReader: 16 files kept>"


def test_an_only_name_is_not_believed_after_part_of_a_tree(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file may have it too."""
    below = root / "some" / "where"
    below.mkdir(parents=True)
    for number in range(5):
        (below / f"f{number}.py").write_text("x", encoding="utf-8")
    monkeypatch.setattr(tree, "MAX_WALKED", 3)
    reader = TreeReader(root / "some")
    said = sorted(str(reader.read_lines(f"f{number}.py")) for number in range(5))

    assert (
        said
        == ["no such file"] * 3 + ["the tree is too large to tell which file has that name"] * 2
    )


def test_what_cannot_be_listed_holds_no_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)

    assert read(root, "b.py") == "no such file"
    assert read(root, "src/deep/b.py") == ("src/deep/b.py", ("b",), "")


def test_a_tree_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert read(tmp_path / "gone", "a.py") == "no such file"
    assert read(tmp_path / "gone", ".") == "no such file"


def test_a_deep_tree_is_not_walked_to_its_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_DEPTH", 1)

    assert read(root, "b.py") == "no such file"


def test_descriptors_are_closed(root: Path) -> None:
    """Whatever came out."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no list of descriptors")
    reader = TreeReader(root)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("src/a.py", "src", "no.py", "../out.py", "src/a.py/x", "b.py"):
        reader.read_lines(path)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


NAMES = st.lists(
    st.sampled_from([
        "..", ".", "", "src", "a.py", "out.py", "up", "in.py", "tree", "a", "b", "~", "C:", "\0",
        "/", "\\",
    ]) | st.text(max_size=3),
    max_size=8,
)  # fmt: skip


@needs.posix
@pytest.mark.usefixtures("way")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, is_absolute=st.booleans())
def test_no_name_leads_out(root: Path, names: list[str], is_absolute: bool) -> None:
    """Nothing is raised, and what is beside the tree is not read."""
    if not (root / "up").is_symlink():
        (root / "up").symlink_to("..")
        (root / "in.py").symlink_to("up/out.py")
    path = "/".join([str(root), *names] if is_absolute else names)
    found = TreeReader(root).read_lines(path)

    assert SECRET not in str(found if isinstance(found, str) else found.lines)


def test_a_file_is_read_as_it_is_up_to_a_limit(root: Path, tmp_path: Path) -> None:
    """By exactly its path: bytes are for who names a file, not for who guesses one."""
    data = b"\x89PNG\r\n\xff\x00"
    (root / "pictures").mkdir()
    (root / "pictures" / "a.png").write_bytes(data)
    (tmp_path / "outside.png").write_bytes(data)
    (root / "out.png").symlink_to(tmp_path / "outside.png")
    reader = TreeReader(root)

    found = reader.read_bytes("pictures/a.png", len(data))
    absolute = reader.read_bytes(str(root / "pictures" / "a.png"), 100)
    assert isinstance(found, FileBytes)
    assert isinstance(absolute, FileBytes)
    assert (found.path, found.data) == ("pictures/a.png", data)
    assert absolute.data == data
    assert reader.read_bytes("pictures/a.png", len(data) - 1) == "larger than 7 bytes"
    assert reader.read_bytes("a.png", 100) == "no such file"
    assert reader.read_bytes("../outside.png", 100) == "leads out of the tree"
    assert reader.read_bytes("out.png", 100) == "leads out of the tree"
    assert reader.read_bytes("pictures", 100) == "a directory, not a file"
