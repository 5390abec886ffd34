"""Which changes of a pure module its tests do not notice: `nox -s mutation -- rules/_breaker`.

A module (`rules/_breaker`), a room (`rules`) or a room in it (`rules/panels`) is copied with its
tests and mutated there by mutmut. `--sample N` tries N of the mutants, always the same ones for the
same code. Prints every mutant that lived, as a diff: a missing test, or a change that changes
nothing, which a reader decides. A whole room fails the run if fewer of its mutants died than its
floor says; a module or a room in it does not.

    run.py rules --scores DIR      # and leave the counts there
    run.py --overall DIR           # all counts together, against the floor of the whole
    run.py --rooms                 # the list, as JSON: what the workflow runs
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FLOOR: Final = 0.75  # of the mutants of all rooms together
# the pure rooms, and what part of the mutants of each must die
ROOMS: Final = dict.fromkeys(
    ("rules", "protocol", "dialects", "think", "investigate", "guidance", "model"), 0.80
)
# what a pure module's tests may read; which of the tests are run is chosen by the target
COPIED: Final = ("aimux", "profiles", "prompts", "emulators", "docs", "tests", "pyproject.toml")
# tests elsewhere that pin what a room writes
ALSO: Final = {"rules/talk": ("tests/strategies/test_talk_reports.py",)}
DEAD: Final = {"killed", "timeout", "caught by type check"}
SEED: Final = 11
NICENESS: Final = 10  # others work on this machine
NONE_OF_THEM: Final = "no mutant has this name"
SHOW: Final = "import sys, mutmut.__main__ as m; [m.show.callback(name) for name in sys.argv[1:]]"


def tests_of(target: str) -> str:
    """Where the tests of a target are: its own file, or the folder that mirrors its room."""
    parent, _, name = target.rpartition("/")
    own = f"tests/{parent}/test_{name.removeprefix('_')}.py"
    if (ROOT / own).is_file():
        return own
    return f"tests/{target}" if (ROOT / "tests" / target).is_dir() else f"tests/{parent}"


def settings(target: str, tests: Sequence[str]) -> str:
    """What mutmut is told: which modules, and the tests that are for them."""
    is_room = (ROOT / "aimux" / target).is_dir()
    pattern = f"aimux/{target}/*" if is_room else f"aimux/{target}.py"
    chosen = ", ".join(f'"{name}"' for name in tests)
    return f"""
[tool.mutmut]
source_paths = ["aimux"]
only_mutate = ["{pattern}"]
also_copy = ["profiles", "prompts", "emulators", "docs"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "whole_tests"]
pytest_add_cli_args_test_selection = [{chosen}]
use_git_change_detection = false
timeout_multiplier = 5.0
track_dependencies = false
"""


def check(target: str) -> str | None:
    """What is wrong with a target, or None."""
    room = target.partition("/")[0]
    if room not in ROOMS:
        return f"{target}: rooms are {', '.join(ROOMS)}"
    place = ROOT / "aimux" / target
    if not place.is_dir() and not place.with_name(f"{place.name}.py").is_file():
        return f"{target}: no module aimux/{target}.py and no room aimux/{target}"
    return None


def copy(directory: Path) -> None:
    """Put what a run needs into `directory`: mutants are written beside the code."""
    skipped = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=skipped)
        elif source.is_file():
            shutil.copy(source, directory / name)


def call(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words beside the copy, and wait for it."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},  # whole_tests is there
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def mutmut(directory: Path, *words: str) -> str:
    """What a command of mutmut prints; leaves if it fails."""
    done = call(directory, "-m", "mutmut", *words)
    if done.returncode != 0:
        print(done.stdout.replace("\r", "\n")[-4_000:], done.stderr[-4_000:])
        sys.exit(f"mutmut {words[0]} failed with {done.returncode}")
    return done.stdout


def verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Every mutant, and what became of it."""
    for line in mutmut(directory, "results", "--all", "true").splitlines():
        name, mark, verdict = line.strip().partition(": ")
        if mark:
            yield name, verdict


def sample(directory: Path, size: int) -> list[str]:
    """The names of `size` mutants, or of all there are; the same ones for the same code."""
    # a name that none has: mutmut makes the mutants, times the tests, and finds nothing to try
    made = call(directory, "-m", "mutmut", "run", "--max-children", "1", NONE_OF_THEM)
    names = sorted(name for name, _ in verdicts(directory))
    if not names:
        print(made.stdout.replace("\r", "\n")[-4_000:], made.stderr[-4_000:])
        sys.exit("mutmut made no mutant")
    return random.Random(SEED).sample(names, min(size, len(names)))


def run(target: str, *, size: int | None, tests: Sequence[str]) -> tuple[int, int]:
    """Mutate one target and print what lived; how many died, of how many."""
    with tempfile.TemporaryDirectory(prefix="mutants") as name:
        directory = Path(name)
        copy(directory)
        with (directory / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(settings(target, tests))
        chosen = sample(directory, size) if size else []
        mutmut(directory, "run", "--max-children", "1", *chosen)
        found = dict(verdicts(directory))
        tried = {mutant: found[mutant] for mutant in chosen or found}
        alive = [mutant for mutant, verdict in tried.items() if verdict not in DEAD]
        print(call(directory, "-c", SHOW, *alive).stdout)
        share = 100 * (len(tried) - len(alive)) / len(tried)
        print(
            f"{target}: {len(tried)} of {len(found)} tried, {len(alive)} lived, {share:.1f} % died"
        )
    return len(tried) - len(alive), len(tried)


def judge(what: str, died: int, tried: int, floor: float) -> bool:
    """Whether enough died, said in a line. None at all is a run that went wrong."""
    part = died / tried if tried else 0.0
    verdict = "enough" if part >= floor else "too few"
    print(f"{what}: {died} of {tried} died, {part:.1%}, {verdict} (floor {floor:.0%})")
    return part >= floor


def overall(directory: Path) -> int:
    """Judge the counts of all rooms together; 1 if too few, or if a room is missing."""
    counts = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in directory.rglob("*.json")
    }
    missing = sorted(ROOMS.keys() - counts.keys())
    if missing:
        print(f"no counts of {', '.join(missing)}")
        return 1
    died, tried = (sum(each[at] for each in counts.values()) for at in (0, 1))
    return int(not judge("overall", died, tried, FLOOR))


def main(words: list[str]) -> int:
    """Mutate each target; 1 if a room is below its floor, 2 if a target is unknown."""
    parser = argparse.ArgumentParser(prog="nox -s mutation --", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="rules/panels, …")
    parser.add_argument("--sample", type=int, metavar="N", help="try N of each")
    parser.add_argument(
        "--tests",
        action="append",
        metavar="PATH",
        help="other tests",
    )
    parser.add_argument("--scores", type=Path, metavar="DIR", help="leave the counts there")
    parser.add_argument("--overall", type=Path, metavar="DIR", help="judge the counts there")
    parser.add_argument("--rooms", action="store_true", help="print the list of rooms")
    chosen = parser.parse_args(words)
    if chosen.rooms:
        print(json.dumps(list(ROOMS)))
        return 0
    if chosen.overall is not None:
        return overall(chosen.overall)
    faults = [fault for fault in map(check, chosen.targets) if fault]
    if chosen.sample is not None and chosen.sample < 1:
        faults.append(f"--sample {chosen.sample}: at least 1")
    if faults or not chosen.targets:
        print("\n".join(faults) or "name modules (rules/_breaker) or rooms (rules, rules/panels)")
        return 2
    if sys.platform != "win32":
        os.nice(NICENESS)
    low = 0
    for target in chosen.targets:
        also = [each for room in ALSO if f"{room}/".startswith(f"{target}/") for each in ALSO[room]]
        tests = chosen.tests or [tests_of(target), *also]
        died, tried = run(target, size=chosen.sample, tests=tests)
        if chosen.scores is not None:
            chosen.scores.mkdir(parents=True, exist_ok=True)
            path = chosen.scores / f"{target.replace('/', '.')}.json"
            path.write_text(json.dumps([died, tried]), encoding="utf-8")
        if target in ROOMS:
            low += not judge(target, died, tried, ROOMS[target])
    return int(low > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
