"""The official conformance suite against the fixture, through our own transports.

    python tests/conformance/run.py            # both requirement sets, all or nothing
    python tests/conformance/run.py --show     # every check that did not pass, with its reason
    python tests/conformance/run.py --latest   # the newest suite: at least as many checks, all pass

The suite comes from npm into `.cache/conformance` with the Node it needs. Its exit code only counts
scored scenarios; here the checks themselves are counted, unscored ones (extensions) included.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

ROOT: Final = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # the fixture is a package beside this file
    sys.path.insert(0, str(ROOT))

from tests.conformance.serve import open_fixture  # noqa: E402  # needs the path

SUITE: Final = "@modelcontextprotocol/conformance"
PINNED: Final = "0.2.0-alpha.12"
PACKAGES: Final = (f"{SUITE}@{PINNED}", "node@22")
# not npm's tag `latest`: that is older, and knows no requirement sets
LATEST: Final = (f"{SUITE}@>={PINNED}", "node@22")
# revision -> checks that exist and pass, unscored scenarios included
WANTED: Final = {"2025-11-25": 84, "2026-07-28": 196}
RUN_LIMIT_S: Final = 300
SHOWN_CHARS: Final = 2_000  # of what a suite says that checks nothing


def cache_dir() -> Path:
    """`AIMUX_CONFORMANCE_CACHE`, else `.cache/conformance` in the checkout."""
    named = os.environ.get("AIMUX_CONFORMANCE_CACHE")
    return Path(named).resolve() if named else ROOT / ".cache" / "conformance"


def install(cache: Path, packages: Sequence[str]) -> None:
    """Bring the suite and its Node into the cache, unless they are there."""
    marker = cache / "installed.json"
    if marker.exists() and json.loads(marker.read_text(encoding="utf-8")) == list(packages):
        return
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    flags = ("--ignore-scripts=false", "--no-package-lock", "--no-audit", "--no-fund")
    argv = ["npm", "install", "--prefix", str(cache), "--loglevel=error", *flags, *packages]
    subprocess.run(argv, check=True, cwd=cache)
    marker.write_text(json.dumps(packages), encoding="utf-8")


@attrs.frozen
class Tally:
    """What one run of the suite said."""

    passed: int
    total: int
    failures: list[str]


def tally(results: Path) -> Tally:
    """Count the checks in the files a run left."""
    passed = total = 0
    failures: list[str] = []
    for path in sorted(results.rglob("checks.json")):
        # server-<scenario>-<time>
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*$", "", path.parent.name)
        for check in json.loads(path.read_text(encoding="utf-8")):
            if check["status"] not in {"SUCCESS", "FAILURE", "WARNING"}:
                continue
            total += 1
            if check["status"] == "SUCCESS":
                passed += 1
            else:
                why = check.get("errorMessage") or check.get("description", "")
                failures.append(f"{scenario}: {check['id']}: {why}")
    return Tally(passed, total, failures)


async def play(cache: Path, url: str, revision: str) -> Tally:
    """Run one requirement set and count."""
    results = cache / "results" / revision
    shutil.rmtree(results, ignore_errors=True)
    bin_dir = cache / "node_modules" / ".bin"
    argv = [
        str(bin_dir / "conformance"), "server", "--url", url,
        "--requirements", revision, "-o", str(results),
    ]  # fmt: skip
    env = {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"}
    with trio.fail_after(RUN_LIMIT_S):
        done = await trio.run_process(
            argv, capture_stdout=True, capture_stderr=True, check=False, env=env
        )
    results.mkdir(parents=True, exist_ok=True)  # a suite that cannot start makes none
    said = done.stdout + done.stderr
    (results / "suite.txt").write_bytes(said)
    counted = tally(results)
    if not counted.total:
        print(said.decode(errors="replace")[-SHOWN_CHARS:], file=sys.stderr)
    return counted


async def main() -> int:
    """Run everything; 0 only if every check passed and none is missing."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--show", action="store_true", help="print what did not pass")
    options.add_argument("--latest", action="store_true", help="the newest suite there is")
    chosen = options.parse_args()
    cache = cache_dir()
    if chosen.latest:
        cache /= "latest"
        shutil.rmtree(cache, ignore_errors=True)  # what is newest changes
    install(cache, LATEST if chosen.latest else PACKAGES)
    is_good = True
    async with open_fixture() as url:
        for revision, wanted in WANTED.items():
            said = await play(cache, url, revision)
            is_whole = said.total >= wanted if chosen.latest else said.total == wanted
            is_good = is_good and is_whole and said.passed == said.total
            print(f"{revision}: {said.passed} of {said.total} checks, {wanted} wanted")
            if chosen.show or said.failures:
                print(*(f"  {line}" for line in said.failures), sep="\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(trio.run(main))
