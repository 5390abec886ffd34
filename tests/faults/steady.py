"""The suite over and over on a machine that has other things to do; prints what was not steady.

    python tests/faults/steady.py                    # five times, three busy processes beside it
    python tests/faults/steady.py --times 2 tests/shim

The rooms with real processes (e2e, daemon, shim, console) five times, all the rest once. It exits
with 1 if a test failed in any run.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("tests/e2e", "tests/daemon", "tests/shim", "tests/console")
PYTEST: Final = ("-q", "-n", "3", "--dist", "loadfile", "-p", "no:cacheprovider")
# as long as whoever started it: a run that is killed leaves a quiet machine
BUSY: Final = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
RUN_LIMIT_S: Final = 3600


@contextmanager
def busy(number: int) -> Iterator[None]:
    """So many processes that take what processor they are given, while the body runs."""
    argv = [sys.executable, "-I", "-S", "-c", BUSY, str(os.getpid())]
    processes = [subprocess.Popen(argv) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(words: list[str]) -> Counter[str]:
    """Run the suite once; the tests that failed."""
    begun = time.time()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pytest")), *PYTEST, *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=RUN_LIMIT_S, encoding="utf-8", errors="replace",
    )  # fmt: skip
    failed = Counter(FAILED.findall(done.stdout))
    if done.returncode and not failed:
        failed["the run itself"] = 1
    last = (done.stdout.strip().splitlines() or ["nothing was printed"])[-1]
    print(f"  {' '.join(words)[:60]}: {last} ({time.time() - begun:.0f} s)", flush=True)
    if failed:
        print(done.stdout[-20_000:], flush=True)
    return failed


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--busy", type=int, default=3, help="processes beside it")
    parser.add_argument("rooms", nargs="*", help="instead of all")
    given = parser.parse_args()
    failed: Counter[str] = Counter()
    with busy(given.busy):
        for _ in range(given.times):
            failed += run(given.rooms or list(ROOMS))
        if not given.rooms:
            failed += run(["tests", *(f"--ignore={room}" for room in ROOMS)])
    for name, number in failed.most_common():
        print(f"failed {number} times: {name}")
    print("steady" if not failed else f"{len(failed)} tests are not steady")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
