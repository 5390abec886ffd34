"""Every command in a directory full of modules that a project might have: none of them is run."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson
import psutil
import pytest

from aimux.console._daemon import launchd_plist, systemd_unit
from aimux.console._main import COMMANDS
from aimux.shim.command import own_command

from .. import needs
from ..extent import some
from .conftest import LIMIT_S, Machine, Said, make_machine

pytestmark = pytest.mark.slow

SCRIPT: Final = shutil.which("aimux", path=str(Path(sys.executable).parent))
PACKAGES: Final = (
    "aimux", "aimux_demo_install", "anyio", "attr", "attrs", "cattrs", "click", "emulators",
    "jsonschema", "orjson", "platformdirs", "psutil", "rich", "ruamel", "sitecustomize",
    "starlette", "trio", "trio_websocket", "usercustomize",
)  # fmt: skip
TRAP: Final = "import os\nopen(os.path.join({place!r}, 'sprung-' + __name__), 'w').close()\n"

# no command is left out: the groups by each of their own
WORDS: Final = {
    "run": [("run", "-q", "-c", "codex", "hello")],
    "agents": [("agents",), ("agents", "find", "why does it crash?")],
    "answer": [("answer", "job_0")],
    "ps": [("ps",)],
    "logs": [("logs", "job_0")],
    "show": [("show", "job_0")],
    "attach": [("attach", "job_0")],
    "why": [("why", "job_0")],
    "replay": [("replay", "job_0")],
    "events": [("events", "job_0")],
    "usage": [("usage",)],
    "cancel": [("cancel", "job_0")],
    "kill": [("kill", "job_0")],
    "sessions": [("sessions",)],
    "gc": [("gc", "--dry-run")],
    "clis": [("clis",)],
    "doctor": [("doctor",)],
    "profile": [("profile", "test", "absent")],
    "config": [("config", "check"), ("config", "show"), ("config", "path")],
    "setup": [("setup", "cursor")],
    "daemon": [("daemon", "status"), ("daemon", "install", "--print")],
    "connect": [("connect", "ws://127.0.0.1:9/ws")],
    "completion": [("completion", "bash"), ("_complete", "=", "show")],
    "demo": [("demo", "--emulated")],
    "think": [("think", "think", "is it so?")],
    "investigate": [("investigate", "list")],
    "worktrees": [("worktrees",)],
    "research": [("research", "is it so?")],
    "skills": [("skills",)],
    "dashboard": [("dashboard", "--help")],  # it starts what `daemon start` starts
}


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine whose project has a module for each that we import, and packages of these names."""
    machine = make_machine(tmp_path_factory.mktemp("trapped"))
    lay_traps(machine.project)
    return machine


def lay_traps(project: Path) -> None:
    """Modules and packages that leave a file when they are imported."""
    text = TRAP.format(place=str(project))
    for name in (*sys.stdlib_module_names, *PACKAGES):
        (project / f"{name}.py").write_text(text, encoding="utf-8")
    for name in ("aimux", "json", "trio"):
        (project / name).mkdir()
        for file in ("__init__.py", "__main__.py"):
            (project / name / file).write_text(text, encoding="utf-8")


def sprung(machine: Machine) -> list[str]:
    """The traps that somebody walked into."""
    return sorted(each.name for each in machine.project.glob("sprung-*"))


def play(machine: Machine, *words: str, **env: str) -> Said:
    """The installed command, as somebody in that directory types it."""
    assert SCRIPT is not None
    done = subprocess.run(
        [SCRIPT, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=machine.project,
        env=machine.env(**env),
        timeout=LIMIT_S,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_trap_is_sprung_by_a_plain_start(trapped: Machine, tmp_path: Path) -> None:
    """What the other tests rely on."""
    lay_traps(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "aimux"], cwd=tmp_path, env=trapped.env(), check=False, timeout=60
    )

    assert list(tmp_path.glob("sprung-*"))


def test_no_command_is_left_out() -> None:
    """A new one gets its words here."""
    assert set(WORDS) == {*COMMANDS}


@pytest.mark.parametrize(
    "words", some([words for name in COMMANDS for words in WORDS[name]], each=5), ids=" ".join
)
def test_a_command_imports_nothing_from_where_it_is_started(
    trapped: Machine, words: tuple[str, ...]
) -> None:
    """Neither the command itself nor the server it starts."""
    said = play(trapped, *words)

    assert "Traceback" not in said.err
    assert sprung(trapped) == []


@needs.posix
def test_a_daemon_stands_at_the_root_and_restarts_from_there(trapped: Machine) -> None:
    """One that was started in the background, and one in the foreground of that directory."""
    env = {"AIMUX_DAEMON": "on"}
    try:
        started = play(trapped, "daemon", "start", **env)
        first = where_it_stands(trapped)
        restarted = play(trapped, "daemon", "restart", **env)
        ran = play(trapped, "run", "-q", "-c", "codex", "hello", **env)
    finally:
        play(trapped, "daemon", "stop", **env)
    with foreground(trapped) as process:
        second = psutil.Process(process.pid).cwd()
        again = play(trapped, "daemon", "restart", **env)
        third = psutil.Process(process.pid).cwd()
        own = psutil.Process(process.pid).cmdline()
        play(trapped, "daemon", "stop", **env)

    assert (started.code, restarted.code, ran.code, again.code) == (0, 0, 0, 0)
    assert (first, second, third) == ("/", "/", "/")
    assert own[1] == "-P"
    assert own[-2:] == ["--directory", str(trapped.project)]  # where network clients work
    assert sprung(trapped) == []


def where_it_stands(machine: Machine) -> str:
    """The directory of the running daemon."""
    facts = orjson.loads(play(machine, "daemon", "status", "--json", AIMUX_DAEMON="on").out)
    return psutil.Process(facts["pid"]).cwd()


@contextlib.contextmanager
def foreground(machine: Machine) -> Iterator["subprocess.Popen[bytes]"]:
    """A daemon in the foreground, ready, with paths relative to the project."""
    assert SCRIPT is not None
    project = machine.project
    env = machine.env(
        AIMUX_DAEMON="on",
        AIMUX_CONFIG_DIR=os.path.relpath(machine.config, project),
        AIMUX_STATE_DIR=os.path.relpath(machine.root / "state", project),
        AIMUX_CACHE_DIR=os.path.relpath(machine.root / "cache", project),
        AIMUX_RUNTIME_DIR=os.path.relpath(machine.runtime, project),
    )
    ready, told = os.pipe()
    words = [SCRIPT, "daemon", "run", "--ready-fd", str(told)]
    process = subprocess.Popen(
        words, cwd=project, env=env, stdin=subprocess.DEVNULL, pass_fds=[told]
    )
    os.close(told)
    try:
        with os.fdopen(ready, "rb") as said:
            assert said.read() == b"ready\n"
        yield process
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def test_what_is_written_elsewhere_is_a_command_that_is_safe_anywhere(
    trapped: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units, and the command of a client where there is no script."""
    monkeypatch.setenv("AIMUX_STATE_DIR", str(trapped.root / "state"))
    command = own_command("daemon", "run")

    assert command[:2] == [sys.executable, "-P"]
    assert " ".join(command) in systemd_unit()
    assert "<string>-P</string>" in launchd_plist()


def test_a_project_on_the_path_is_not_written_into_a_clients_configuration(
    trapped: Machine, tmp_path: Path
) -> None:
    """A relative entry of PATH leads into whatever directory one stands in."""
    planted = tmp_path / "aimux"
    planted.write_text("#!/bin/sh\n", encoding="utf-8")
    planted.chmod(0o755)
    done = subprocess.run(
        [*own_command(), "setup", "cursor"],
        cwd=tmp_path,
        env=trapped.env(PATH=f".{os.pathsep}{os.pathsep}/nowhere"),
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    entry = orjson.loads(done.stdout)["mcpServers"]["aimux"]

    assert [entry["command"], *entry["args"]] == own_command()
