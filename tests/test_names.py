"""Words of our own do not come back where the field has one.

A reader who knows Trio, MCP and process supervision guesses a name's meaning without a glossary.
These once stood for classes and ideas here, and mean nothing to a newcomer, or too much:

| retired | say |
|---|---|
| wish, want, order, ask (a value) | JobRequest, RouteRequest, ProcessSpec, TurnSpec |
| desk, workshop, board | ToolRunner and ToolContext, TurnResources, CliRegistry |
| job room, ticket | JobSupervisor, JobHandle |
| lane, books, shelf | writer, state or ledger, cache or library |
| visit, door, exchange, hall | HttpRequest, ListenAddress, ResponseStream, Daemon |
| mortal, vigil, warden, last rites | ProcessLeader, ChildRun, Watchdog |
| quick, look, place (functions) | answer_nowait; reload, probe, view; slot, address, position |
"""

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .test_house import ROOT, is_recorded, tracked

# to be emptied when the branches that rewrite these come together
# parts of a name, of snake_case or CamelCase; in the plural too
PARTS: Final = frozenset({
    "board", "desk", "door", "exchange", "hall", "lane", "mortal", "shelf", "shelve", "ticket",
    "vigil", "visit", "warden", "wish", "workshop",
})  # fmt: skip
PAIRS: Final = frozenset({("job", "room"), ("last", "rite")})
# ordinary words: a variable may be called so, a class or an annotation may not
CLASSES: Final = frozenset({
    "Asking", "Kept", "Look", "Notes", "Order", "Place", "Quick", "Reading", "Request",
    "Room", "Seen", "TurnOrder", "Want", "Wanted",
})  # fmt: skip
FUNCTIONS: Final = frozenset({"look", "place", "quick"})
PROSE: Final = re.compile(
    r"\b(?:books?|desks?|job[ -]?rooms?|lanes?|last[ -]rites|mortals?|tickets?|vigils?|wardens?"
    r"|wish(?:es|ed)?|workshops?)\b",
    re.IGNORECASE,
)

# (file, or what its path begins with; word) -> why it may stand there
ALLOWED: Final = {
    ("tests/test_names.py", "*"): "the list itself",
}


def is_allowed(name: str, word: str) -> bool:
    """Whether a file may hold a word."""
    return any(name.startswith(path) and allowed in {word, "*"} for path, allowed in ALLOWED)


def words_of(name: str) -> list[str]:
    """The words of an identifier, lower case and singular: `JobRooms2` has job and room."""
    words = [each.lower() for each in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return [re.sub(r"(?<=sh)es$|(?<!s)s$", "", each) for each in words]


def retired_in(name: str) -> str:
    """The retired word in an identifier, or nothing."""
    words = words_of(name)
    pairs = (" ".join(pair) for pair in itertools.pairwise(words) if pair in PAIRS)
    return next(itertools.chain((each for each in words if each in PARTS), pairs), "")


def bad_names(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, identifier and word, for each identifier with a retired part."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and (word := retired_in(token.string)):
            yield token.start[0], token.string, word


def bad_types(source: str) -> Iterator[tuple[int, str, str]]:
    """The same for classes, aliases, annotations and functions of a word that means too much."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.Name(id=name) if name in CLASSES:
                yield node.lineno, name, name
            case ast.alias(name=name, asname=other) if {name, other} & CLASSES:
                yield node.lineno, other or name, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.strip("_") in FUNCTIONS:
                    yield node.lineno, name, name.strip("_")


def bad_prose(text: str, *, is_code: bool) -> Iterator[tuple[int, str, str]]:
    """The same for comments and docstrings of a module, or for any line of another text."""
    if PROSE.search(text) is None:  # tokens are dear
        return
    for line, said in _sentences(text) if is_code else enumerate(text.splitlines(), 1):
        for hit in PROSE.finditer(said):
            yield line, hit.group(), hit.group().lower()


def _sentences(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str(text))) as first, *_]:
                    yield from enumerate(text.splitlines(), first.lineno)


def written() -> list[Path]:
    """What people of this project wrote, as git has it: no recordings, nobody else's program."""
    suffixes = {".py", ".md", ".toml", ".yaml", ".yml"}
    return [
        path
        for path in tracked()
        if path.suffix in suffixes
        and path.is_file()
        and not is_recorded(path.relative_to(ROOT).parts)
        and path.relative_to(ROOT).parts[0] != "prompts"  # said to a model, about anything
        and path.name != "mcp_bench.py"
    ]


@pytest.mark.parametrize("path", written(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_retired_word_is_back(path: Path) -> None:
    """In no identifier, as no class or function, in no sentence."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    found = list(bad_prose(text, is_code=path.suffix == ".py"))
    if path.suffix == ".py":
        found += [*bad_names(text), *bad_types(text)]

    assert [
        f"{name}:{line}: {said}" for line, said, word in found if not is_allowed(name, word)
    ] == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("JobRoom", "job room"),
        ("open_last_rites", "last rite"),
        ("HttpDoors", "door"),
        ("wishes", "wish"),
        ("_desk2", "desk"),
        ("KEYBOARD", ""),
        ("dashboard", ""),
        ("room_for_jobs", ""),
        ("publish", ""),
    ],
)
def test_a_word_is_found_as_a_part_of_a_name(name: str, word: str) -> None:
    """Whole words only."""
    assert retired_in(name) == word


def test_what_is_looked_for_is_found() -> None:
    """Names, classes, annotations, functions, comments, docstrings; not what a program prints."""
    source = (
        '"""The lane."""\n'
        "from x import Order as Order\n"
        "class Seen: ...\n"
        "def look(at: Reading) -> None:\n"
        '    print("your wish")  # a ticket\n'
        "the_warden = 1\n"
    )

    assert [word for *_, word in bad_prose(source, is_code=True)] == ["ticket", "lane"]
    assert sorted(word for *_, word in bad_types(source)) == ["Order", "Reading", "Seen", "look"]
    assert [word for *_, word in bad_names(source)] == ["warden"]
