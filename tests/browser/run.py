"""The dashboard in a real Chromium, against a daemon with emulated CLIs at work; prints a table.

    python tests/browser/run.py                     # every check; pictures go to browser-shots/
    python tests/browser/run.py --only scroll       # checks whose name has that
    python tests/browser/run.py --out DIR           # pictures go there

It wants a Chromium: CHROMIUM names one, else `chromium` or `google-chrome` on PATH. It exits with 1
if a check fails, with 2 if there is no browser.
"""

import argparse
import os
import sys
import tempfile
import traceback
from pathlib import Path

import trio

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.browser import _checks_access, _checks_load, _checks_views  # noqa: E402
from tests.browser._cdp import find_chromium, open_browser  # noqa: E402
from tests.browser._load import fill  # noqa: E402
from tests.browser._scene import Check, Scene  # noqa: E402
from tests.browser._stage import do_everything, open_stage, prepare  # noqa: E402
from tests.daemon._world import make_world  # noqa: E402

LIMIT_S = 180.0  # of one check
WORK = (*_checks_access.CHECKS, *_checks_views.CHECKS)  # at a daemon that does some of everything
LOAD = _checks_load.CHECKS  # at a store of ten thousand jobs
NO_BROWSER = """no Chromium: install Debian's package `chromium` (apt-get install chromium), or name
one with CHROMIUM=/path/to/chrome"""


async def play(checks: list[Check], scene: Scene) -> list[tuple[str, str, float]]:
    """Each check's name, what was wrong (or what it measured, after `ok`), and how long it took."""
    rows = []
    for check in checks:
        begun = trio.current_time()
        said = ""
        try:
            with trio.fail_after(LIMIT_S):
                said = f"ok {await check(scene) or ''}".rstrip()
        except Exception as error:  # noqa: BLE001  # it fails, the others are played
            leaf: BaseException = error
            while isinstance(leaf, BaseExceptionGroup):
                leaf = leaf.exceptions[0]
            if os.environ.get("TRACE"):
                traceback.print_exception(leaf)
            said = f"FAILED {type(leaf).__name__}: {leaf}"
        name = check.__name__.removeprefix("check_")
        rows.append((name, said, trio.current_time() - begun))
        print(f"{name:34} {rows[-1][2]:6.1f} s  {said}", flush=True)
    return rows


async def run(checks: list[Check], load: list[Check], out: Path, binary: str) -> bool:
    """Play them at two machines, one after the other; whether all held."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="axp") as place:
        for name, wanted in (("work", checks), ("load", load)):
            if not wanted:
                continue
            ttl = 24 * 365.0  # what was filled in is not cleared away
            for world in make_world(Path(place) / name, session_ttl_hours=ttl):
                prepare(world)
                if name == "load":
                    await fill(world.stand.state / "sessions.db")
                async with open_stage(world) as stage, open_browser(binary) as browser:
                    scene = Scene(stage=stage, browser=browser, out=out)
                    if name == "work":
                        await do_everything(stage)
                    rows += await play(wanted, scene)
    failed = [name for name, said, _ in rows if not said.startswith("ok")]
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed")
    return not failed


def main() -> int:
    """Play what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--out", type=Path, default=Path("browser-shots"))
    given = parser.parse_args()
    binary = find_chromium()
    if not binary:
        print(NO_BROWSER, file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)

    def chosen(checks: tuple[Check, ...]) -> list[Check]:
        return [
            each for each in checks
            if not given.only or any(part in each.__name__ for part in given.only)
        ]  # fmt: skip

    return 0 if trio.run(run, chosen(WORK), chosen(LOAD), given.out, binary) else 1


if __name__ == "__main__":
    sys.exit(main())
