"""Install the real CLIs from their package registries into a cache directory.

One prefix per CLI, `<cache>/<cli>/`, with its command in `<cache>/<cli>/bin/`. A prefix with a
marker file of the wanted version is left alone, any other is rebuilt. Only the ordinary clients
(npm, pip, go) are used, with whatever registries they are configured for.

    python tests/realclis/install.py                 # all of versions.toml
    python tests/realclis/install.py codex claude    # some
    python tests/realclis/install.py --latest codex  # the newest instead of the pinned version
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
MARKER: Final = "installed.json"
INSTALL_LIMIT_S: Final = 1800  # compiling a Go program on a slow machine
PROBE_LIMIT_S: Final = 60  # some of them unpack themselves on the first start
NODE_FLOOR: Final = 22  # below it npm silently picks older releases of some CLIs
NPM_FLAGS: Final = (  # some place their native program in an install script
    *("--ignore-scripts=false", "--no-package-lock"),
    *("--no-audit", "--no-fund", "--loglevel=error"),
)
PYTHONS: Final = ((3, 12), (3, 11), (3, 10))  # aider refuses anything newer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Where one CLI comes from."""

    name: str
    kind: str
    package: str
    version: str
    binary: str
    program: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one CLI: a version when it can be run, else the reason why not."""

    name: str
    version: str | None = None
    binary: Path | None = None
    prints: str = ""
    reason: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether the command is there and answered its version probe."""
        return self.binary is not None


class Unusable(Exception):
    """The CLI cannot be installed here; the message says why."""


def read_recipes(path: Path = HERE / "versions.toml") -> dict[str, Recipe]:
    """The recipes by CLI name, in file order; `node` is one of them."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Recipe(name=name, **{"program": entry["binary"], **entry})
        for name, entry in table.items()
    }


def cache_dir() -> Path:
    """`AIMUX_REALCLIS_CACHE`, else `.cache/realclis` in the checkout."""
    named = os.environ.get("AIMUX_REALCLIS_CACHE")
    return Path(named).resolve() if named else HERE.parents[1] / ".cache" / "realclis"


def find_installed(recipe: Recipe, cache: Path) -> Outcome:
    """What an earlier run left, read from its marker; never starts anything."""
    prefix = cache / recipe.name
    try:
        marker = json.loads((prefix / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return Outcome(name=recipe.name, reason="not installed")
    binary = prefix / "bin" / recipe.binary
    if not os.access(binary, os.X_OK):
        return Outcome(name=recipe.name, reason=f"{binary.name} is gone from its prefix")
    return Outcome(
        name=recipe.name, version=marker["version"], binary=binary, prints=marker["prints"]
    )


def install(recipe: Recipe, cache: Path, *, latest: bool = False) -> Outcome:
    """Bring one CLI to the pinned (or newest) version; a failure is an outcome."""
    found = find_installed(recipe, cache)
    if found.is_usable and not latest and _satisfies(found.version or "", recipe.version):
        return found
    prefix = cache / recipe.name
    shutil.rmtree(prefix, ignore_errors=True)
    (prefix / "bin").mkdir(parents=True)
    try:
        program, version = _INSTALLERS[recipe.kind](recipe, prefix, latest)
        binary = prefix / "bin" / recipe.binary
        if program != binary:
            binary.symlink_to(os.path.relpath(program, binary.parent))
        prints = _probe(binary, cache)
    except Unusable as problem:
        return Outcome(name=recipe.name, reason=str(problem))
    marker = {"version": version, "prints": prints, "package": recipe.package}
    (prefix / MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")
    return Outcome(name=recipe.name, version=version, binary=binary, prints=prints)


def node_dir(cache: Path) -> Path | None:
    """The directory of the Node that the cache holds, or None when the system's is used."""
    binary = cache / "node" / "bin" / "node"
    return binary.parent if binary.exists() else None


def search_path(cache: Path) -> str:
    """A PATH on which a Node new enough for every npm CLI comes first."""
    node = node_dir(cache)
    parts = [str(node)] if node else []
    return os.pathsep.join([*parts, os.environ.get("PATH", os.defpath)])


def system_node_major() -> int:
    """Major version of the Node on PATH, 0 when there is none."""
    node = shutil.which("node")
    if node is None:
        return 0
    done = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


def _satisfies(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(f"{wanted}.")


def _install_npm(recipe: Recipe, prefix: Path, latest: bool) -> tuple[Path, str]:
    npm = shutil.which("npm")
    if npm is None:
        raise Unusable("no npm on PATH")
    wanted = "latest" if latest and recipe.name != "node" else recipe.version
    cache = prefix.parent
    _run(
        [npm, "install", "--prefix", prefix, *NPM_FLAGS, f"{recipe.package}@{wanted}"],
        env={"PATH": search_path(cache), "npm_config_cache": str(cache / ".downloads" / "npm")},
    )
    facts = prefix / "node_modules" / recipe.package / "package.json"
    version = json.loads(facts.read_text(encoding="utf-8"))["version"]
    program = prefix / "node_modules" / ".bin" / recipe.program
    if not program.exists():
        raise Unusable(f"{recipe.package}@{version} has no program named {recipe.program}")
    return program, version


def _install_pypi(recipe: Recipe, prefix: Path, latest: bool) -> tuple[Path, str]:
    python = _find_python()
    _run([python, "-m", "venv", prefix / "venv"])
    inside = prefix / "venv" / "bin"
    wanted = recipe.package if latest else f"{recipe.package}=={recipe.version}"
    cache = {"PIP_CACHE_DIR": str(prefix.parent / ".downloads" / "pip")}
    _run([inside / "python", "-m", "pip", "install", "--quiet", wanted], env=cache)
    ask = f"import importlib.metadata as m; print(m.version({recipe.package!r}))"
    version = _run([inside / "python", "-c", ask]).strip()
    return inside / recipe.program, version


def _install_go(recipe: Recipe, prefix: Path, latest: bool) -> tuple[Path, str]:
    go = shutil.which("go")
    if go is None:
        raise Unusable("no Go toolchain on PATH")
    work = prefix / "build"
    env = {
        "GOBIN": str(prefix / "bin"),
        "GOPATH": str(work / "path"),
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-modcacherw -p=1",
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
    }
    wanted = "latest" if latest else f"v{recipe.version}"
    try:
        _run([go, "install", f"{recipe.package}@{wanted}"], env=env)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    binary = prefix / "bin" / recipe.program
    facts = _run([go, "version", "-m", binary])
    found = re.search(r"^\s*mod\s+\S+\s+v(\S+)", facts, re.MULTILINE)
    return binary, found[1] if found else recipe.version


_INSTALLERS: Final = {"npm": _install_npm, "pypi": _install_pypi, "go": _install_go}


def _find_python() -> str:
    """A Python that every recipe accepts: this one, else the newest of PYTHONS on PATH."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    for major, minor in PYTHONS:
        name = shutil.which(f"python{major}.{minor}")
        # a version manager's shim may be on PATH with nothing behind it
        if (
            name
            and subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return name
    raise Unusable("no Python 3.10 to 3.12 on PATH")


def _probe(binary: Path, cache: Path) -> str:
    """The first line of `--version`, from a throw-away home."""
    with tempfile.TemporaryDirectory(prefix="realclis-") as home:
        env = {"HOME": home, "PATH": search_path(cache), "DISABLE_AUTOUPDATER": "1"}
        lines = _run([binary, "--version"], env=env, limit_s=PROBE_LIMIT_S, cwd=home).splitlines()
    return next((line.strip() for line in lines if line.strip()), "")


def _run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    limit_s: float = INSTALL_LIMIT_S,
    cwd: str | None = None,
) -> str:
    """Standard output of a finished command. Raises Unusable with the last words of a failure."""
    words = [str(word) for word in argv]
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            encoding="utf-8",
        )
    except subprocess.TimeoutExpired:
        raise Unusable(f"{name}: no end after {limit_s:.0f} s") from None
    except OSError as problem:
        raise Unusable(f"{name}: {problem.strerror}") from problem
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise Unusable(f"{name} exited {done.returncode}: {' / '.join(said)[:400]}")
    return done.stdout


def main() -> int:
    """Install what was asked for, one line of result each; 1 when one failed."""
    recipes = read_recipes()
    known = [name for name in recipes if name != "node"]
    parser = argparse.ArgumentParser(description="Install the real CLIs into a cache directory.")
    parser.add_argument("cli", nargs="*", metavar="CLI", help=f"all by default: {' '.join(known)}")
    parser.add_argument("--latest", action="store_true", help="newest versions instead of pinned")
    parser.add_argument("--jobs", type=int, default=1, help="installations at once (default 1)")
    options = parser.parse_args()
    unknown = sorted(set(options.cli) - set(known))
    if unknown:
        parser.error(f"unknown CLI {', '.join(unknown)}; known: {', '.join(known)}")
    wanted = [recipes[name] for name in options.cli or known]
    outcomes = install_all(wanted, cache_dir(), latest=options.latest, jobs=options.jobs)
    return 0 if all(outcome.is_usable for outcome in outcomes) else 1


def install_all(
    wanted: Sequence[Recipe], cache: Path, *, latest: bool = False, jobs: int = 1
) -> list[Outcome]:
    """Install several CLIs, with a Node of their own if need be; a line is printed for each."""
    cache.mkdir(parents=True, exist_ok=True)
    if any(recipe.kind == "npm" for recipe in wanted) and system_node_major() < NODE_FLOOR:
        _report(install(read_recipes()["node"], cache))
    outcomes = []
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for outcome in pool.map(lambda one: install(one, cache, latest=latest), wanted):
            _report(outcome)
            outcomes.append(outcome)
    return outcomes


def _report(outcome: Outcome) -> None:
    state = f"installed {outcome.version}" if outcome.is_usable else f"FAILED: {outcome.reason}"
    print(f"{outcome.name:<10} {state}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
