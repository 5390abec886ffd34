"""Everything that goes badly, at a real daemon with emulated CLIs; prints a table.

    python tests/faults/run.py                        # everything, at most 40 minutes
    python tests/faults/run.py --only 'quota/codex'   # cells whose FAULT/FAMILY/WAY has that
    python tests/faults/run.py --seed 7 --rounds 20   # other moments, fewer rounds of kill -9

What is expected stands in `expected.txt`. It exits with 1 if any cell is otherwise, if a cell has
no row, or if there was no time for one.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.faults._mounts import enter_own_mounts  # noqa: E402
from tests.faults._play import Options, play  # noqa: E402
from tests.faults._report import print_report  # noqa: E402
from tests.faults._table import read_table  # noqa: E402


def main() -> int:
    """Play what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; else the time")
    parser.add_argument("--rounds", type=int, default=200, help="of kill -9 at random moments")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--machines", type=int, default=2, help="machines side by side")
    given = parser.parse_args()
    enter_own_mounts()
    seed = int(time.time()) % 100_000 if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    options = Options(
        table=read_table(Path(__file__).with_name("expected.txt")),
        only=tuple(given.only),
        seed=seed,
        rounds=given.rounds,
        limit_s=given.minutes * 60,
        machines=given.machines,
    )
    return print_report(options.table, play(options))


if __name__ == "__main__":
    sys.exit(main())
