"""What the README and the guide show, taken from it, so that tests run what readers see.

A file stands in a fenced block behind a line that is nothing but its path in backticks. A `console`
block holds commands behind `$ `, each with the output that follows it; `…` alone on a line stands
for any lines, inside of one for any text, and `# exit code 1` behind a command for how it ends. A
`json` block with `tool` and `arguments` is a call.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
GUIDE: Final = DOCS / "guide"
README: Final = "README.md"
_FENCE: Final = re.compile(r"^(`{3,})([^`\n]*)\n(.*?)^\1`*[ ]*$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"^`([^`\n]+)`\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT: Final = re.compile(r"\s# exit code (\d+)$")
_END_OF_COMMAND: Final = re.compile(r"(?<!\\)\n")
# what begins a line that somebody would type
COMMAND: Final = re.compile(
    r"^(?:\$ |(?:aimux|make|nox|pip|pipx|uv|uvx|docker|git|npm|cargo|curl|python3?|\.venv/bin/\w+)"
    r" [\w./\"'-])"
)
KINDS: Final = frozenset(
    {"console", "json", "text", "yaml", "toml", "sh", "python", "markdown", "mermaid"}
    | {"diff", "dockerfile", "ini", "{toctree}"}
)

# how a command begins that no test starts from its page -> why. An entry that no page needs fails.
NOT_RUN: Final[dict[str, str]] = {
    "aimux completion": "it writes where a shell reads; tests/console complete in each shell "
    "that is installed, and nox -s packaging reads PowerShell's script by a grammar",
    "aimux connect http": "it bridges to a server by network; tests/e2e and nox -s clients run it",
    "aimux dashboard": "it opens a browser; nox -s browser looks at the page",
    "aimux daemon install  ": "it writes a unit of the user's system; tests/console run it",
    "aimux daemon run --http": "it serves until it is stopped; tests/daemon run it",
    "docker ": "needs a container engine; the packaging job of the ci workflow runs the lines",
    "git commit -am": "makes a release",
    "make demo": "makes an environment; the readme job of the ci workflow runs it in a clone",
    "make test": "the whole suite; the readme job of the ci workflow runs it in a clone",
    "pip install": "needs a publication; nox -s packaging runs it on a built wheel",
    "pipx install": "needs a publication; nox -s packaging runs it on a built wheel",
    "python tests/packaging/release.py": "changes the changelog; tests/programs run it",
    "python3 -m venv": "makes an environment; nox -s packaging runs it on a built wheel",
    "uv tool install": "needs a publication; nox -s packaging runs it on a built wheel",
    ".venv/bin/": "belongs to a clone and takes minutes; the workflows start each session",
}

# how a block begins that nothing reads from its page -> why. An entry that no page needs fails.
NOT_LOADED: Final[dict[str, str]] = {
    "FROM aimux": "needs a container engine; the packaging job of the ci workflow builds the image",
    "scrape_configs:": "is Prometheus's own; tests/transports read what it would scrape",
}


@attrs.frozen
class Command:
    """A command line of a page, and what it prints there; empty if the page does not show it."""

    line: str
    shown: str
    page: str = ""

    @property
    def exit_code(self) -> int:
        """How it ends."""
        found = _EXIT.search(self.line)
        return int(found[1]) if found else 0

    @property
    def reason(self) -> str:
        """Why no test starts it from its page; empty if one does."""
        return next((why for begin, why in NOT_RUN.items() if self.line.startswith(begin)), "")


@attrs.frozen(kw_only=True)
class Fence:
    """A fenced block of a page, with the line that it begins in."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def path(self) -> Path:
        """Its page."""
        return ROOT / self.page


@attrs.frozen(kw_only=True)
class Call:
    """A call of a tool that a page shows."""

    fence: Fence
    tool: str
    arguments: dict[str, object]


def written() -> list[Path]:
    """The pages that people write, and the README."""
    made = (DOCS / "reference", DOCS / "news")
    pages = [each for each in DOCS.rglob("*.md") if not {*made} & {*each.parents}]
    return [ROOT / README, *sorted(pages)]


def fences(path: Path) -> list[Fence]:
    """The fenced blocks of a page, in order; one inside another belongs to it."""
    text = path.read_text(encoding="utf-8")
    page = path.relative_to(ROOT).as_posix()
    return [
        Fence(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            kind=found[2].strip(),
            text=found[3],
        )
        for found in _FENCE.finditer(text)
    ]


def calls(path: Path) -> Iterator[Call]:
    """The calls of tools on a page, in order."""
    for fence in fences(path):
        if fence.kind == "json":
            value = json.loads(fence.text)
            if isinstance(value, dict) and value.keys() == {"tool", "arguments"}:
                yield Call(fence=fence, **value)


def file_fences(path: Path) -> list[Fence]:
    """The blocks of a page that are files: behind their path in backticks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        each for each in fences(path)
        if each.line > 1 and re.fullmatch(r"`[^`\s]+`", lines[each.line - 2])
    ]  # fmt: skip


def shown_data(call: Fence) -> list[Fence]:
    """The blocks of JSON that show what came of a call, whole or in part."""
    found = []
    sent = {each.fence for each in calls(call.path)}
    for each in fences(call.path):
        if each.line > call.line and (each in sent or each.kind not in {"json", "text"}):
            break
        if each.line > call.line and each.kind == "json":
            found.append(each)
    return found


def not_loaded(fence: Fence) -> str:
    """Why nothing reads a block; empty if something does."""
    begins = fence.text.startswith
    return next((why for begin, why in NOT_LOADED.items() if begins(begin)), "")


def commands(path: Path) -> Iterator[Command]:
    """The commands on a page, in order."""
    for fence in fences(path):
        if fence.kind == "console":
            for part in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
                line, _, shown = _split(part)
                yield Command(line, shown, fence.page)


def _split(part: str) -> tuple[str, str, str]:
    """A command, which goes on behind a backslash at the end of a line, and its output."""
    found = _END_OF_COMMAND.search(part)
    return (part, "", "") if found is None else (part[: found.start()], "\n", part[found.end() :])


def files_of(page: str) -> dict[str, str]:
    """Path and text of every file on a page of the guide."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    return {found[1]: found[2] for found in _FILE.finditer(text)}


def commands_of(page: str) -> list[Command]:
    """Every command on a page of the guide, in order."""
    return list(commands(GUIDE / page))


def answers(fence: Fence) -> Fence | None:
    """The block that shows what came of a call: `text` behind a line that says (`content`."""
    path = ROOT / fence.page
    following = [each for each in fences(path) if each.line > fence.line and each.kind != "console"]
    if not following or following[0].kind != "text":
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    between = "\n".join(lines[fence.line : following[0].line - 1])
    return following[0] if "(`content`" in between else None


_MOVING: Final = (
    (re.compile(r"\b(job|ses|inv|thk)_[0-9A-Z]{26}\b"), r"\1_ID"),
    (re.compile(r"\b\d+(?:\.\d+)? m?s\b"), "TIME"),
    (re.compile(r"\(turn \d+\)"), "(turn N)"),  # of turns that begin together
    (re.compile(r"/tmp/\S*?aimux-demo-\w+|\S*aimux-demo-\w+"), "DIR"),
    (re.compile(r"[─━╭╮╰╯│]+"), "─"),
    (re.compile(r"[ \t]+"), " "),
)


def is_like(shown: str, said: str) -> bool:
    """Whether a program said what a page shows, but for ids, times and widths.

    A line that is `…` stands for any lines, `…` in a line for any text.
    """
    lines = [re.escape(line).replace("…", ".*") for line in _steady(shown)]
    pattern = "".join(
        r"(?:.*\n)*?" if line == ".*" and kept == "…" else f"{line}\n"
        for line, kept in zip(lines, _steady(shown), strict=True)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _steady(said))) is not None


def _steady(text: str) -> list[str]:
    for pattern, instead in _MOVING:
        text = pattern.sub(instead, text)
    return [line.strip() for line in text.strip().splitlines()]
