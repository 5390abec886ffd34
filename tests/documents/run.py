"""Run every command that the README and the guide show, and look at the site that was built.

`python -m tests.documents.run SITE [PAGE …]`: each page has a throw-away machine of its own with
emulated CLIs and a repository; its commands run in order, each in a shell, `job_01K…`, `JOB` and
their like replaced by the latest id that was printed. Exit codes and shown output are compared.
Prints a summary, and exits 1 if anything is not as it is written.
"""

import html.parser
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ..e2e._pages import make_machine
from ..e2e._stand import Stand
from ..playbook import (
    GUIDE,
    NOT_RUN,
    ROOT,
    Command,
    calls,
    commands,
    fences,
    files_of,
    is_like,
    written,
)

LIMIT_S: Final = 180.0  # for one command; the machine may be slow
_IDS: Final = re.compile(r"\b(?:job|ses|inv|thk)_[0-9A-Z]{26}\b")
_WANTED: Final = re.compile(r"\b(job|ses|inv|thk)_01K(?:…|\.\.\.)|\b(JOB|SESSION)\b")
_NAMES: Final = {"JOB": "job", "SESSION": "ses"}


def run_page(page: Path, root: Path) -> Iterator[tuple[Command, str]]:
    """Each command of a page that was run, and what is wrong with it; empty if nothing is."""
    stand = make_machine(root / "m")
    prepare(stand, page)
    env = {**stand.env, "AIMUX_RUNTIME_DIR": str(root / "r"), "LANG": "C.UTF-8"}
    del env["AIMUX_DAEMON"]
    known: dict[str, str] = {}
    in_use = ["aimux", "ps"]  # the reader's daemon is there
    subprocess.run(in_use, env=env, cwd=stand.project(), capture_output=True, timeout=LIMIT_S)
    try:
        for command in commands(page):
            if not command.reason:
                yield command, run(command, stand, env, known)
    finally:
        stop = ["aimux", "daemon", "stop", "--force"]
        subprocess.run(stop, env=env, cwd=stand.root, capture_output=True, timeout=LIMIT_S)
        left = stand.survivors()
        if left:
            print(f"{page.name}: left running: {left}", file=sys.stderr)


def prepare(stand: Stand, page: Path) -> None:
    """Put `aimux` on PATH, and the files of a page where it says."""
    (stand.bin / "aimux").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m aimux "$@"\n', encoding="utf-8"
    )
    (stand.bin / "aimux").chmod(0o755)
    for name, text in (files_of(page.name) if page.parent == GUIDE else {}).items():
        path = (stand.config if name.startswith("cli.d/") else stand.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


def run(command: Command, stand: Stand, env: Mapping[str, str], known: dict[str, str]) -> str:
    """What is wrong with a command: how it ended, or what it printed."""
    try:
        line = _WANTED.sub(lambda found: known[found[1] or _NAMES[found[2]]], command.line)
    except KeyError as kind:
        return f"no {kind} was printed before"
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(env),
            cwd=stand.project(),
            timeout=LIMIT_S,
            encoding="utf-8",
        )
    except subprocess.TimeoutExpired:
        return f"still running after {LIMIT_S:g} s"
    for each in _IDS.findall(done.stdout + done.stderr):
        known[each[:3]] = each
    if done.returncode != command.exit_code:
        return f"exit code {done.returncode}, not {command.exit_code}: {done.stderr[-600:]}"
    if command.shown and not is_like(command.shown, done.stdout):
        return f"it prints another thing:\n{done.stdout}"
    return ""


class Links(html.parser.HTMLParser):
    """What a page of the site leads to, and the names that links may lead to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        if "id" in given:
            self.names.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("script", "img", "iframe") and "src" in given:
            self.loads.append(given["src"])
        elif tag == "link" and given.get("rel") != "canonical" and "href" in given:
            self.loads.append(given["href"])


def read_site(site: Path) -> dict[Path, Links]:
    """Every page of the site."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path.resolve()] = links = Links()
        links.feed(path.read_text(encoding="utf-8"))
    return found


def dead_links(site: Path, pages: Mapping[Path, Links]) -> Iterator[str]:
    """Links that lead nowhere inside, and whatever is loaded from elsewhere."""
    for page, links in pages.items():
        name = page.relative_to(site.resolve())
        for each in (*links.links, *links.loads):
            parts = urlsplit(each)
            if parts.scheme or parts.netloc:
                if each in links.loads and parts.scheme != "data":
                    yield f"{name} loads {each}"
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{name} leads to {each}"
            elif (
                parts.fragment
                and target in pages
                and unquote(parts.fragment) not in pages[target].names
            ):
                yield f"{name} leads to {each}, which has no such heading"


def main(argv: list[str]) -> int:
    """Run the pages that are named, or all; look at the site."""
    site, names = Path(argv[0]), argv[1:]
    pages = [page for page in written() if not names or page.name in names]
    faults: list[str] = []
    count = 0
    for page in pages:
        if not any(not command.reason for command in commands(page)):
            continue
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="docs-", ignore_cleanup_errors=True) as root:
            results = list(run_page(page, Path(root)))
        faults += [f"{page.name}: {each.line}\n    {why}" for each, why in results if why]
        count += len(results)
        took_s = time.perf_counter() - begin
        print(f"{page.relative_to(ROOT)}: {len(results)} commands, {took_s:.1f} s", flush=True)
    built = read_site(site)
    dead = list(dead_links(site, built))
    faults += dead
    left_out = [each for page in pages for each in commands(page) if each.reason]
    blocks = sum(len(fences(page)) for page in pages)
    sent = sum(len(list(calls(page))) for page in pages)
    print(f"\n{len(pages)} pages, {blocks} blocks: {count} commands run, {len(left_out)} not;")
    print(f"{sent} calls (tests/e2e/test_pages.py sends them)")
    links = sum(len(each.links) for each in built.values())
    print(f"site: {len(built)} pages, {links} links, {len(dead)} dead")
    for begin, why in NOT_RUN.items():
        print(f"not run: {begin.strip()}: {why}")
    for fault in faults:
        print(f"FAULT {fault}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
