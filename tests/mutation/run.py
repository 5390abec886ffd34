"""Which changes of a pure module its tests do not notice: `nox -s mutation -- rules/_breaker`.

A module or a whole room (`rules`, `protocol`, `dialects`, `think`, `investigate`) is copied with
its tests and mutated there by mutmut. Prints every mutant that lived, as a diff. One that lives is
a missing test or changes nothing; a reader decides, so it does not fail the run.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("rules", "protocol", "dialects", "think", "investigate")
COPIED: Final = ("aimux", "tests", "profiles", "prompts", "emulators", "docs", "pyproject.toml")
DEAD: Final = {"killed", "timeout", "caught by type check"}


def settings(target: str) -> str:
    """What mutmut is told: which module, and the tests that are for it."""
    room, _, module = target.partition("/")
    inner, _, name = module.rpartition("/")
    place = f"tests/{room}/{inner}".rstrip("/")
    own = f"{place}/test_{name.removeprefix('_')}.py"
    tests = own if module and (ROOT / own).exists() else place
    pattern = f"aimux/{target}.py" if module else f"aimux/{room}/*"
    return f"""
[tool.mutmut]
source_paths = ["aimux"]
only_mutate = ["{pattern}"]
also_copy = ["profiles", "prompts", "emulators", "docs"]
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = ["{tests}"]
use_git_change_detection = false
"""


def check(target: str) -> str | None:
    """What is wrong with a target, or None."""
    room, _, module = target.partition("/")
    if room not in ROOMS:
        return f"{target}: rooms are {', '.join(ROOMS)}"
    if module and not (ROOT / "aimux" / f"{target}.py").is_file():
        return f"{target}: no module aimux/{target}.py"
    return None


def copy(directory: Path) -> None:
    """Put what a run needs into `directory`: mutants are written beside the code."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, ignore=skipped)
        else:
            shutil.copy(source, directory / name)


def mutmut(directory: Path, *words: str) -> str:
    """What a command of mutmut prints; leaves if it fails."""
    command = [sys.executable, "-m", "mutmut", *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, encoding="utf-8")
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


def run(target: str) -> None:
    """Mutate one target and print what lived."""
    with tempfile.TemporaryDirectory(prefix="mutants") as name:
        directory = Path(name)
        copy(directory)
        with (directory / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(settings(target))
        mutmut(directory, "run")
        found = dict(verdicts(directory))
        alive = [mutant for mutant, verdict in found.items() if verdict not in DEAD]
        for mutant in alive:
            print(mutmut(directory, "show", mutant))
        print(f"{target}: {len(found)} mutants, {len(alive)} lived")


def main(targets: list[str]) -> int:
    """Mutate each target; 2 if one is unknown."""
    faults = [fault for fault in map(check, targets) if fault]
    if faults or not targets:
        print("\n".join(faults) or "name modules (rules/_breaker) or a room (rules)")
        return 2
    for target in targets:
        run(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
