"""The docstring dialect: what each public name of aimux promises, in one shape.

Three rules, each counted per room. *Missing*: a public module, class, function or method says what
the caller gets. *Shape*: its first line is one whole sentence in the present tense, at most 100
columns wide, and no paragraph has a torn line. *Cancelling*: a public coroutine says what
cancelling it leaves; a class says it once for its methods, a module in a sentence of its own.
"""

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "aimux"
MAX_COLUMNS: Final = 100
TORN_COLUMNS: Final = 60  # a line of a paragraph that ends before it, with room for the next word
SECTION = re.compile(r"(Raises|Returns|Yields|Args):")
ITEM = re.compile(r"([-*|>]|\d+\.) ?")
FUTURE = re.compile(r"(?:(?:It|This|We) )?[Ww]ill\b")
FOR_ALL = re.compile(r"(^|[.:;]\s+)(Cancelling|Cancelled|When cancelled)\b")  # in a module's text

# (file, name) -> why the rules cannot hold for it
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.ClassDef | Function

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the checkout is not here")


class Offence(NamedTuple):
    """A docstring that breaks a rule, as a failure shows it."""

    room: str
    where: str  # file:line
    name: str
    why: str


def is_public(name: str) -> bool:
    """Whether a name is for callers."""
    return not name.startswith("_")


def faults_of_shape(text: str, column: int) -> Iterator[str]:
    """What is wrong with the lines of a docstring that stands at a column."""
    lines = inspect.cleandoc(text).splitlines()
    first = lines[0]
    if not first.endswith((".", ".)", '."', ".''")):
        yield "first line does not end with a full stop"
    if len(first) + column + 3 > MAX_COLUMNS:
        yield "first line is too wide"
    if FUTURE.match(first):
        yield "first line is not in the present tense"
    if len(lines) > 1 and lines[1]:
        yield "no blank line after the first"
    yield from (f"torn line: {line}" for line in torn(lines, column))


def torn(lines: list[str], column: int) -> Iterator[str]:
    """The lines of paragraphs that end early though the next word has room."""
    section = literal = False
    before = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        text, below = line.strip(), following.strip()
        if text and not before.strip():  # a paragraph begins; one that is indented is a picture
            section = SECTION.fullmatch(text) is not None
            literal = line.startswith(" ")
        before = line
        if not text or not below or literal or SECTION.fullmatch(text):
            continue
        starts_item = ITEM.match(below) or (section and following[4:5] != " ")
        width = column + len(line)
        has_room = width + 1 + len(below.split()[0]) <= MAX_COLUMNS
        if width < TORN_COLUMNS and has_room and not starts_item:
            yield text


def offences_in(path: Path, text: str) -> Iterator[Offence]:
    """Every broken rule of a module."""
    relative = path.relative_to(PACKAGE)
    room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
    tree = ast.parse(text)
    module = ast.get_docstring(tree) or ""
    says_for_all = bool(FOR_ALL.search(module))

    def offence(line: int, name: str, why: str) -> Offence:
        return Offence(room, f"{path.relative_to(ROOT).as_posix()}:{line}", name, why)

    def offences_of(
        owner: ast.Module | ast.ClassDef, name: str, *, is_said: bool
    ) -> Iterator[Offence]:
        for node in owner.body:
            if not isinstance(node, Documented) or not is_public(node.name) or is_overload(node):
                continue
            inner = f"{name}.{node.name}".lstrip(".")
            said = ast.get_docstring(node, clean=False)
            if said is None:
                yield offence(node.lineno, inner, "no docstring")
                said = ""
            else:
                for why in faults_of_shape(said, node.col_offset + 4):
                    yield offence(node.lineno, inner, why)
            tells = "cancel" in said.lower()
            if isinstance(node, ast.ClassDef):
                yield from offences_of(node, inner, is_said=is_said or tells)
            elif isinstance(node, ast.AsyncFunctionDef) and not (is_said or tells):
                yield offence(node.lineno, inner, "nothing on what cancelling it leaves")

    if not module:
        yield offence(1, "", "no docstring")
    else:
        for why in faults_of_shape(module, 0):
            yield offence(1, "", why)
    yield from offences_of(tree, "", is_said=says_for_all)


def is_overload(node: Documented) -> bool:
    """One of several signatures, or the setter of a property: another one has the docstring."""
    return any(ast.unparse(each).endswith(("overload", ".setter")) for each in node.decorator_list)


@functools.cache
def offences() -> list[Offence]:
    """Every broken rule of the package, exceptions left out."""
    return [
        each
        for path in sorted(PACKAGE.rglob("*.py"))
        for each in offences_in(path, path.read_text(encoding="utf-8"))
        if (each.where.partition(":")[0], each.name) not in EXCEPTIONS
    ]


def shown(found: list[Offence]) -> str:
    """A list for who has to mend them."""
    return "\n".join(f"{each.where} {each.name}: {each.why}" for each in found)


@pytest.mark.parametrize(
    "room",
    sorted(
        {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    ),
)
def test_a_room_speaks_the_dialect(room: str) -> None:
    """No room has an offence."""
    found = [each for each in offences() if each.room == room]

    assert not found, shown(found)


def test_every_exception_is_still_needed() -> None:
    """A name that is gone, or that has been mended, leaves the table."""
    names = {
        (each.where.partition(":")[0], each.name)
        for path in sorted(PACKAGE.rglob("*.py"))
        for each in offences_in(path, path.read_text(encoding="utf-8"))
    }

    assert EXCEPTIONS.keys() <= names


def whys(text: str) -> list[str]:
    """What is wrong with a module of this text."""
    return [each.why for each in offences_in(PACKAGE / "engine" / "_made_up.py", text)]


GOOD = '''"""A module that is right."""

async def run(seat: str) -> None:
    """Run a seat.

    Cancelling it stops the child.

    Raises:
        Refusal: no.
        OutOfTime: late.
    """
'''


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("", "", None),
        ('"""A module that is right."""', "", "no docstring"),
        ("is right.", "is right", "first line does not end with a full stop"),
        ("Run a seat.", "Run a seat\n    on time.", "no blank line after the first"),
        ("Run a seat.", "Will run a seat.", "first line is not in the present tense"),
        ("Run a seat.", f"Run {'a ' * 50}seat.", "first line is too wide"),
        ("stops the child.", "stops\n    the child.", "torn line: Cancelling it stops"),
        ("Cancelling it stops the child.", "It.", "nothing on what cancelling it leaves"),
        ("async def run", "async def _run", None),
        ("Cancelling it stops the child.", "- one\n    - two; cancelled", None),
    ],
)
def test_each_rule_finds_its_offence(old: str, new: str, why: str | None) -> None:
    """A module that is right passes; each defect is named."""
    found = whys(GOOD.replace(old, new, 1) if old else GOOD)

    assert why in found if why else found == []


def test_a_class_or_a_module_says_it_for_all_its_methods() -> None:
    """One sentence is enough for methods that are alike."""
    method = '    async def run(self) -> None:\n        """Run."""\n'
    bare = f'"""Things."""\nclass Thing:\n    """A thing."""\n{method}'

    assert whys(bare) == ["nothing on what cancelling it leaves"]
    assert whys(bare.replace("A thing.", "A thing. Cancelled, a method does nothing.")) == []
    assert whys(bare.replace("Things.", "Things. Cancelling one only ends the wait.")) == []
    assert whys(bare.replace("Things.", "Things that were cancelled.")) != []
