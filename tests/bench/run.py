"""The figures of the project, each as a ratio to a floor or peer measured in the same run.

    python tests/bench/run.py                      # all rows, a table
    python tests/bench/run.py --rows startup,calls # some
    python tests/bench/run.py --quick              # fewer repetitions, smaller loads
    python tests/bench/run.py --json FILE          # the rows for programs

Everything that is compared is measured in turns (A B A B), so that a busy machine hurts both alike.
State is in throw-away directories; peers are installed into `.cache/bench`. The exit code tells
only whether every row could be measured as meant: a missed target is a figure, not a failure.
"""

import argparse
import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[2]))  # emulators; aimux is the installed one

import figures
import rows_engine
import rows_seats
import rows_size
import rows_think
import rows_wire
from world import PYCACHE

GROUPS: Final[dict[str, Callable[..., list[figures.Row]]]] = {
    "startup": rows_wire.startup,
    "calls": rows_wire.calls,
    "memory": rows_wire.memory,
    "exec": rows_engine.overhead,
    "output": rows_engine.output,
    "size": rows_size.listing,
    "seats": rows_seats.panels,
    "think": rows_think.thinking,
    "jobs": rows_engine.many_jobs,
    "store": rows_engine.full_store,
    "stop": rows_engine.stopping,
}


def main() -> int:
    """Measure, print, and save if asked to; 1 if a group crashed."""
    parser = argparse.ArgumentParser(description="Measure aimux against floors and peers.")
    parser.add_argument("--rows", default="", metavar="A,B", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller loads")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    wanted = [name for name in options.rows.split(",") if name] or list(GROUPS)
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        parser.error(f"unknown rows {', '.join(unknown)}; known: {', '.join(GROUPS)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else start-up measures the compiler
    rows: list[figures.Row] = []
    is_whole = True
    began = time.perf_counter()
    try:
        for name in wanted:
            since = time.perf_counter()
            try:
                found = GROUPS[name](is_quick=options.quick)
            except Exception as problem:  # noqa: BLE001  # the other rows are still worth having
                traceback.print_exc()
                found = [figures.unmeasured(name, f"crashed: {problem}")]
                is_whole = False
            rows += found
            took = time.perf_counter() - since
            print(f"{name}: {len(found)} rows in {took:.0f} s", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(PYCACHE, ignore_errors=True)
    print(_machine(time.perf_counter() - began))
    print()
    print(figures.show(rows))
    if options.json:
        figures.save(rows, options.json)
    return 0 if is_whole else 1


def _machine(took_s: float) -> str:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{system}, Python {platform.python_version()}, load {load}, {took_s:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
