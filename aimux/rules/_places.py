"""Where a text names lines of files: `a.py:3-9`, `a.py#L3`, `a.py(3)`, "line 12 of a.py".

Any model's text may come, so what only looks like a place is left out: addresses with ports, times,
versions, image tags. A name counts as a file's if its ending is one that sources have; where the
text says "line" or `#L3`, any ending does. Names hold letters of Latin, Greek and Cyrillic, so that
a text in an Asian script may stand beside one without a space.

Every pattern is linear: a name is taken whole or not at all (`++`), and only where one begins.
"""

import bisect
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from aimux.model import SourcePlace

from ._quotes import Markdown, read_markdown

MAX_CHARS: Final = 1_000_000  # of a text; what comes after is not searched
MAX_PLACES: Final = 1_000  # of a text: more is a listing, not an argument

EXTENSIONS: Final = frozenset({
    "ada", "adb", "ads", "asm", "astro", "awk", "bash", "bat", "bazel", "bzl", "c", "c++", "cc",
    "cfg", "cjs", "cl", "clj", "cljs", "cmake", "cmd", "conf", "cpp", "cr", "cs", "csproj",
    "css", "csv", "cts", "cu", "cxx", "d", "dart", "dockerfile", "ejs", "el", "elm", "env",
    "erb", "erl", "ex", "exs", "f90", "fish", "fs", "fsx", "gemspec", "gleam", "go", "gql",
    "gradle", "graphql", "groovy", "h", "haml", "hbs", "hcl", "hh", "hpp", "hrl", "hs", "htm",
    "html", "hxx", "ini", "ino", "ipynb", "java", "jinja", "jinja2", "jl", "js", "json",
    "json5", "jsonc", "jsonl", "jsx", "kt", "kts", "less", "lisp", "lock", "log", "lua", "m",
    "md", "mdx", "mjs", "ml", "mli", "mm", "mod", "mts", "nim", "nix", "patch", "php", "pl",
    "pm", "po", "proto", "ps1", "psm1", "pug", "py", "pyi", "pyw", "pyx", "r", "rake", "rb",
    "rkt", "robot", "rs", "rst", "s", "sass", "sbt", "scala", "scm", "scss", "sh", "sln", "sol",
    "sql", "sum", "sv", "svelte", "svg", "swift", "tcl", "tex", "tf", "tfvars", "toml", "ts",
    "tsx", "txt", "v", "vb", "vhd", "vim", "vue", "wgsl", "xml", "xsd", "xsl", "yaml", "yml",
    "zig", "zsh",
})  # fmt: skip
NAMES: Final = frozenset({
    "brewfile", "build", "changelog", "codeowners", "containerfile", "contributing",
    "dockerfile", "gemfile", "gnumakefile", "jenkinsfile", "justfile", "license", "makefile",
    "notice", "pipfile", "procfile", "rakefile", "readme", "vagrantfile", "workspace",
})  # fmt: skip  # without an ending
PROGRAMS: Final = ("./", "/", "bin/", "hooks/", "script/", "scripts/", "tools/")  # nor have these
PRODUCTS: Final = frozenset({"d3.js", "express.js", "next.js", "node.js", "three.js", "vue.js"})

_LETTERS = r"0-9A-Za-z_\u00c0-\u024f\u0370-\u04ff"
_CHARS = rf"{_LETTERS}.@+~$%\-"
# a bracket belongs to a name where it is a whole directory: app/[id]/page.tsx, app/(shop)/page.tsx
_NAME = (
    rf"(?P<path>(?:[A-Za-z]:(?=[\\/]))?"
    rf"(?:[{_CHARS}]|[\\/](?:\[[\w.\-]{{1,60}}\](?=[\\/])|\([\w.\-]{{1,60}}\)(?=[\\/]))?)++)"
)
_PATH = rf"(?<![{_CHARS}\\/])(?<![0-9]:)(?<![A-Za-z]:(?=[0-9])){_NAME}"  # not after a port
_CLOSED = r"[`*_\"'\u201d\u2019»)]{0,4}"
_DASH = r"\s?[-\u2013\u2014]\s?"
_NUMBER = r"[0-9]{1,7}(?![0-9])"
_END = r"(?![0-9A-Za-z_])"
_LINE = rf"(?:lines?|ll?\.|L(?=\d))\s{{0,2}}#?(?P<line>{_NUMBER})"
_LAST = rf"(?:(?:{_DASH}|\s(?:to|through|until)\s)(?:lines?\s)?L?(?P<last>{_NUMBER}))?"

_COLON = re.compile(
    rf"{_PATH}{_CLOSED}:L?(?P<line>{_NUMBER})(?::\d{{1,5}})?"
    rf"(?:[-\u2013\u2014]L?(?P<last>{_NUMBER})(?::\d{{1,5}})?)?{_END}"
)
_FRAGMENT = re.compile(
    rf"{_PATH}{_CLOSED}#L(?P<line>{_NUMBER})(?:C\d{{1,5}})?"
    rf"(?:[-\u2013]L?(?P<last>{_NUMBER})(?:C\d{{1,5}})?)?{_END}"
)
_PARENTHESES = re.compile(
    rf"{_PATH}{_CLOSED}\((?P<line>{_NUMBER})(?:,\s?\d{{1,5}})?(?:{_DASH}(?P<last>{_NUMBER}))?\)"
)
_BEFORE = re.compile(  # line 12 of a.py
    rf"(?<![{_LETTERS}]){_LINE}{_LAST}(?:(?:,\s|,?\sand\s)\d{{1,7}}){{0,9}}(?:,?\s(?:of|in|from|at)(?:\sthe)?(?:\sfile)?\s|\s?\()"
    rf"[`*_\"'“«]{{0,3}}{_PATH}",
    re.IGNORECASE,
)
_AFTER = re.compile(  # a.py, line 12
    rf"{_PATH}{_CLOSED}[,:;]?\s{{0,2}}[(\[]?(?:(?:at|on|around|near|in)\s)?{_LINE}{_LAST}{_END}",
    re.IGNORECASE,
)
_LABELLED = re.compile(  # File: a.py, and below it Line: 12; or the same as JSON
    rf"{_PATH}{_CLOSED}[ \t,;]{{0,3}}\n?[ \t]{{0,12}}(?:[-*+]\s)?"
    rf"[*_\"]{{0,2}}(?:start_)?lines?[*_\"]{{0,2}}:[*_]{{0,2}}\s{{0,2}}`?"
    rf"L?(?P<line>{_NUMBER}){_LAST}{_END}",
    re.IGNORECASE,
)
_CURSOR = re.compile(rf"(?<=[`~])\s?(?P<line>{_NUMBER}):(?P<last>{_NUMBER}):{_NAME}")  # of a fence
# a pattern that comes first has the name, or the number, that another would take too
_PATTERNS: Final = (
    (_CURSOR, True),
    (_COLON, False),
    (_FRAGMENT, True),
    (_PARENTHESES, False),
    (_BEFORE, True),
    (_AFTER, True),
    (_LABELLED, True),
)  # and whether it says "line", so that any name will do
_ADDRESS = re.compile(r"(?!file:)(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,15}://[^\s<>\"`]++")
_FILE_ADDRESS = re.compile(r"file://(?=/)")
_LINK = re.compile(
    r"\[(?P<label>[^\[\]\n]{1,300})\]\(<?(?P<target>[^()\s<>]{1,500})>?(?:\s\"[^\"\n]{0,200}\")?\)"
)
_LABEL_LINE = re.compile(
    rf"(?::|#L|\blines?\s)L?(?P<line>{_NUMBER})(?:[-\u2013]L?(?P<last>{_NUMBER}))?"
)


class Found(NamedTuple):
    """A place and where in the text it stands."""

    start: int
    stop: int
    path: str
    line: int
    last: int | None


def find_places(text: str) -> list[SourcePlace]:
    """The places that a text names, in its order, each with the code quoted beside it.

    A quote is inline code or a fence next to the place; what the text proposes to write there, and
    bare names, are none. The same place named again is given again if it has another quote.
    """
    text = text[:MAX_CHARS]
    plain = _FILE_ADDRESS.sub(_blank, _ADDRESS.sub(_blank, text))
    found = _without_twins(sorted(_found(plain), key=_start), plain)
    if not found:
        return []
    markdown = read_markdown(text)
    places: dict[SourcePlace, None] = {}
    for each, quote in _quoted(found, markdown):
        place = SourcePlace(path=each.path, line=each.line, end_line=each.last, quote=quote)
        places[place] = None
        if len(places) == MAX_PLACES:
            break
    bare = {each for each in places if not each.quote}
    said = {(each.path, each.line, each.end_line) for each in places if each.quote}
    return [
        each
        for each in places
        if each not in bare or (each.path, each.line, each.end_line) not in said
    ]


def _start(found: Found) -> int:
    return found.start


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _found(plain: str) -> Iterator[Found]:
    taken: set[int] = set()  # offsets of names and numbers that a place has
    for pattern, is_said in _PATTERNS:
        for match in pattern.finditer(plain):
            path = match["path"].lstrip("@-")
            keys = {match.start("path"), match.start("line")}
            if keys & taken or not _is_file(path, is_said=is_said):
                continue
            taken |= keys
            last = int(match["last"]) if match["last"] else None
            yield Found(match.start(), match.end(), path, int(match["line"]), last)


def _is_file(path: str, *, is_said: bool) -> bool:
    """Whether a name is a file's; `is_said` if the text speaks of a line of it."""
    plain = path.replace("\\", "/")
    has_slash = "/" in plain
    name = plain.rsplit("/", 1)[-1]
    stem, dot, ending = name.lower().rpartition(".")
    if name.lower() in NAMES:
        return True
    if not dot and name and plain.startswith(PROGRAMS):
        return True
    if not dot or not ending[:1].isalpha() or len(ending) > 12 or name.lower() in PRODUCTS:
        return False
    if has_slash or is_said or not stem:  # .gitignore
        return True
    return ending in EXTENSIONS


def _without_twins(found: list[Found], plain: str) -> list[Found]:
    """A link is one place: what it leads to, with the line that it or its label says."""
    starts = [each.start for each in found]
    dropped: set[int] = set()
    added: list[Found] = []
    for link in _LINK.finditer(plain):
        first = bisect.bisect_left(starts, link.start())
        inside = range(first, bisect.bisect_left(starts, link.end()))
        if whole := _of_link(link, [found[at] for at in inside]):
            dropped.update(inside)
            stop = max(link.end(), whole.stop)  # [a.py](src/a.py):3
            added.append(whole._replace(start=link.start(), stop=stop))
    kept = [each for at, each in enumerate(found) if at not in dropped]
    return sorted(kept + added, key=_start)


def _of_link(link: re.Match[str], inside: list[Found]) -> Found | None:
    target = link["target"]
    for each in inside:
        if each.start >= link.start("target"):
            return each
    leads_to_file = _is_file(target, is_said=False)
    if inside:
        return inside[0]._replace(path=target) if leads_to_file else inside[0]
    said = _LABEL_LINE.search(link["label"])
    if said is None or not leads_to_file:
        return None
    last = int(said["last"]) if said["last"] else None
    return Found(link.start(), link.end(), target, int(said["line"]), last)


def _quoted(found: list[Found], markdown: Markdown) -> Iterator[tuple[Found, str]]:
    """Each place with its quote; none reaches over another place."""
    for at, each in enumerate(found):
        floor = found[at - 1].stop if at else 0
        ceiling = found[at + 1].start if at + 1 < len(found) else MAX_CHARS
        yield each, markdown.quote_beside(each.start, each.stop, floor, ceiling)
