"""Rules of the house that no linter knows: what a package shows, how long files are, and where."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "aimux"
MAX_LINES = 600
MAX_CLASS_LINES = 250
MAX_FUNCTION_LINES = 70
# (file, name) of a longer class or function -> why it is better whole
LONGER: dict[tuple[str, str], str] = {
    ("aimux/dialects/_turn_state.py", "TurnState"): (
        "the one thing that every dialect writes to: a short method for each thing a CLI can say"
    ),
}
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = ROOT / "tests"
WORKFLOWS = ROOT / ".github" / "workflows"
# folders of tests/ that are started, by a session of nox or by hand; tests/programs tests them
PROGRAMS = frozenset(
    {"bench", "browser", "clients", "conformance", "documents"}
    | {"faults", "forking", "mutation", "packaging", "realclis"}
)

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the checkout is not here")


def name_of(path: Path) -> str:
    """The dotted name of a module, `__init__` left out."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize(
    "path", [each for each in MODULES if each.name == "__init__.py"], ids=name_of
)
def test_a_package_is_a_docstring_and_re_exports(path: Path) -> None:
    """`X as X` and nothing else; the root package has its version."""
    first, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    allowed = [is_re_export(node) or is_version(path, node) for node in rest]

    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Constant)
    assert all(allowed), ast.unparse(rest[allowed.index(False)])


@pytest.mark.parametrize("room", ["shim", "files"])
def test_the_face_of_a_room_on_the_start_up_path_is_empty(room: str) -> None:
    """Importing one of its modules does not import the rest; they are public by name."""
    (only,) = ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")).body
    modules = [each.stem for each in (PACKAGE / room).glob("*.py") if each.stem != "__init__"]

    assert isinstance(only, ast.Expr)
    assert not any(each.startswith("_") for each in modules)


def is_re_export(node: ast.stmt) -> bool:
    """`from … import X as X`."""
    return isinstance(node, ast.ImportFrom) and all(each.asname == each.name for each in node.names)


def is_version(path: Path, node: ast.stmt) -> bool:
    """The one value of the root package."""
    return path.parent == PACKAGE and "__version__" in ast.unparse(node)


def imported(path: Path) -> Iterator[str]:
    """Dotted names of what a module imports from aimux."""
    package = name_of(path.parent / "__init__.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (base, node.module or "")))
            yield from (f"{module}.{each.name}" for each in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_imports_an_underscore_module_of_another_package(path: Path) -> None:
    """What a package means to show stands in its `__init__`."""
    own = ("aimux", *path.relative_to(PACKAGE).parent.parts)
    strange = []
    for name in imported(path):
        parts = name.split(".")
        for depth, part in enumerate(parts[:-1] if len(parts) > 2 else parts):
            is_hidden = part.startswith("_") and not part.startswith("__")
            if parts[0] == "aimux" and is_hidden and tuple(parts[:depth]) != own[:depth]:
                strange.append(name)

    assert strange == []


@pytest.mark.parametrize(
    "path", [each for each in MODULES if each.name != "__init__.py"], ids=name_of
)
def test_no_module_imports_from_the_face_of_its_own_package(path: Path) -> None:
    """That is a circle, and the one kind the import linter does not see."""
    package = path.relative_to(ROOT).parent.parts
    beside = {each.stem for each in path.parent.iterdir()}
    own = [name.split(".") for name in imported(path)]
    faces = [
        name
        for name in own
        if tuple(name[: len(package)]) == package and name[len(package)] not in beside
    ]

    assert path.parent == PACKAGE or faces == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    """It is split before it has 600 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def lengths(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, lines and most lines of each class and function of a module, decorators included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([each.lineno for each in node.decorator_list], default=node.lineno)
            most = MAX_CLASS_LINES if isinstance(node, ast.ClassDef) else MAX_FUNCTION_LINES
            yield node.name, (node.end_lineno or first) - first + 1, most


def test_a_long_class_or_function_has_a_reason() -> None:
    """A class over 250 lines or a function over 70 stands in the table, and nothing else does."""
    long = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in MODULES
        for name, lines, most in lengths(path)
        if lines > most
    }

    assert long == LONGER.keys()


def test_a_test_file_is_split_before_it_is_long() -> None:
    """One subject each, at most 600 lines."""
    files = {path.relative_to(ROOT).as_posix(): path for path in TESTS.rglob("*.py")}
    long = {
        name
        for name, path in files.items()
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }

    assert long == set()


def test_programs_stand_apart_from_tests() -> None:
    """Pytest finds nothing in a folder of programs, and nothing is started outside them."""
    wrong = []
    for path in TESTS.rglob("*.py"):
        is_test = path.name.startswith(("test_", "conftest"))
        is_started = "\nif __name__ == " in path.read_text(encoding="utf-8")
        if is_test if path.relative_to(TESTS).parts[0] in PROGRAMS else is_started:
            wrong.append(path.relative_to(ROOT).as_posix())

    assert wrong == []


def tracked() -> list[Path]:
    """The files of the repository, as git has them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, encoding="utf-8"
    )
    if listed.returncode:
        pytest.skip("not a git checkout", allow_module_level=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


REGISTRIES = ("pypi.org/simple", "registry.npmjs.org", "proxy.golang.org", "/artifactory/")
HOMES = re.compile(rb"/(?:home|Users)/(?!linuxbrew|you|me|ann|dev|user|someone)\w+/")


def strange() -> re.Pattern[bytes]:
    """This machine's directories, somebody's home, an address that packages are fetched from."""
    own = [str(ROOT.parent), str(Path.home())]
    # a short one (/root, /src) may well stand in a text
    named = [f"{path}/" for path in own if path.count("/") > 1]
    words = [re.escape(each.encode()) for each in (*named, *REGISTRIES)]
    return re.compile(b"|".join([*words, HOMES.pattern]))


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    """The project stands alone; recorded output is as it was printed."""
    found, pattern = [], strange()
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        if path.is_file() and path != Path(__file__) and not is_recorded(parts):
            found += [
                f"{'/'.join(parts)}: {hit.group().decode()}"
                for hit in pattern.finditer(path.read_bytes())
            ]

    assert found == []


def is_recorded(parts: tuple[str, ...]) -> bool:
    """Output of real CLIs, kept as evidence."""
    return parts[:2] in {("tests", "corpus"), ("tests", "emulators")} or "data" in parts[1:3]


def test_what_a_platform_has_is_asked_in_one_place() -> None:
    """Tests say what they need by a mark of `tests/needs.py`."""
    asking = re.compile(r"skipif\(\s*(?:not )?(?:sys\.platform|os\.name|os\.geteuid|hasattr)")
    found = [
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if path.name != "needs.py" and asking.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="the workflows are not here")
def test_actions_of_the_workflow_are_pinned_by_hash() -> None:
    """A tag may be moved; what it was stands behind it."""
    pinned = re.compile(r"uses: \S+@[0-9a-f]{40} # v[\d.]+")
    used = [
        line.strip().removeprefix("- ")
        for path in WORKFLOWS.glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]

    assert used
    assert [each for each in used if not pinned.fullmatch(each)] == []
