"""Homes that are missing, not UTF-8, closed or gone: each ends in a remedy, none in a traceback."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

import aimux
from aimux.config import ClientContext, Loader, home_dir
from aimux.console._doctor import BAD, _own_files, _store
from aimux.daemon import StateFiles, own_directory
from aimux.errors import SetupFault
from aimux.files.home import NoHomeError, find_home
from aimux.shim.address import DaemonAddress, hello
from aimux.shim.command import own_command

from .. import needs
from ..extent import some
from .conftest import LIMIT_S, Machine, Said, make_machine

pytestmark = [
    pytest.mark.slow,
    needs.posix,
]

REMEDY: Final = "set HOME, or both AIMUX_STATE_DIR and AIMUX_CONFIG_DIR"
NOBODY: Final = 65_534
# what a process sees that runs under a number without an entry in the password database
NO_ENTRY: Final = """\
import pwd
def getpwuid(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = getpwuid
"""
COMMANDS: Final = (
    ("run", "-q", "-c", "codex", "hello"),
    ("ps",),
    ("sessions", "--json"),
    ("clis",),
    ("clis", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("config", "path"),
    ("config", "path", "--json"),
    ("config", "show", "--origin", "--json"),
    ("config", "check"),
    ("daemon", "status", "--json"),
    ("daemon", "status"),
    ("daemon", "install", "--print"),
)
# without the daemon all of them, with it those that speak to it
ASKED: Final = [
    *(pytest.param(words, False, id=" ".join(words)) for words in COMMANDS),
    *(
        pytest.param(words, True, id=f"{' '.join(words)} daemon")
        for words in COMMANDS
        if words[0] in {"run", "doctor", "daemon"} or words == ("clis", "--json")
    ),
]


def play(
    words: tuple[str, ...], env: dict[str, str], cwd: Path, *, is_daemon: bool = False
) -> Said:
    """One command; the server is in its process or behind it."""
    done = subprocess.run(
        [*own_command(), *words],
        cwd=cwd,
        env={**env, "AIMUX_DAEMON": "on" if is_daemon else "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())


# ------------------------------------------------------------------------------------------ none


@pytest.fixture
def homeless(tmp_path: Path) -> tuple[Machine, dict[str, str]]:
    """A machine with codex, and an environment without a home on a system that knows none."""
    machine = make_machine(tmp_path, ["codex"])
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_ENTRY, encoding="utf-8")
    env = machine.env(PYTHONPATH=str(tmp_path / "site"))
    for name in ("HOME", "AIMUX_STATE_DIR", "AIMUX_CONFIG_DIR", "AIMUX_CACHE_DIR"):
        del env[name]
    return machine, env


@pytest.mark.parametrize(("words", "is_daemon"), some(ASKED, each=3))
def test_without_a_home_each_command_says_what_to_set(
    homeless: tuple[Machine, dict[str, str]], words: tuple[str, ...], is_daemon: bool
) -> None:
    """And makes nothing, least of all a directory that is called like a tilde."""
    machine, env = homeless
    before = sorted(machine.root.rglob("*"))
    said = play(words, env, machine.project, is_daemon=is_daemon)
    made = [each for each in machine.root.rglob("*") if each not in before]

    assert "Traceback" not in said.err + said.out
    assert REMEDY in said.err + said.out
    assert said.code in {1, 2}
    assert [each for each in made if "__pycache__" not in each.parts] == []


def test_without_a_home_two_variables_are_enough(
    homeless: tuple[Machine, dict[str, str]],
) -> None:
    """As the remedy says."""
    machine, env = homeless
    env |= {
        "AIMUX_STATE_DIR": str(machine.root / "state"),
        "AIMUX_CONFIG_DIR": str(machine.config),
    }
    try:
        ran = [
            play(COMMANDS[0], env, machine.project, is_daemon=is_daemon)
            for is_daemon in (True, False)
        ]
        doctor = play(("doctor",), env, machine.project)
    finally:
        play(("daemon", "stop"), env, machine.project, is_daemon=True)

    assert ran[0].code == 0, ran[0].err
    assert "in use by process" in ran[1].err or ran[1].code == 0
    assert "Traceback" not in doctor.out + doctor.err
    assert not (machine.project / "~").exists()


@pytest.mark.parametrize("value", ["", ".", "~", "relative/home"])
def test_a_home_that_is_no_place_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative one would be another one in each directory: the system's counts."""
    import pwd

    own = pwd.getpwuid(os.getuid()).pw_dir

    assert find_home({"HOME": value}) == own
    assert find_home({"HOME": value, "USERPROFILE": "/there"}) == "/there"
    assert find_home({"HOME": "/here"}) == "/here"

    def unknown(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(NoHomeError):
        find_home({"HOME": value})
    with pytest.raises(SetupFault) as caught:
        home_dir({"HOME": value})
    assert (caught.value.code, caught.value.hint) == ("no_home", REMEDY)


# ------------------------------------------------------------------------------------ not UTF-8


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, dict[str, str]]]:
    """A machine whose home, with all that is in it, has a name that is not UTF-8."""
    root = tmp_path_factory.mktemp("foreign")
    machine = make_machine(root / "m", ["codex"])
    home = root / os.fsdecode(b"h\xe9\xff")
    try:
        home.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (home / ".config" / "aimux" / "cli.d" / "codex").mkdir(parents=True)
    (home / ".config" / "aimux" / "default.yaml").write_text(
        "server: {max_chars: 99}\n", encoding="utf-8"
    )
    profile = home / ".config" / "aimux" / "cli.d" / "codex" / "profile.yaml"
    profile.write_text("{name: codex, timeout_s: 99}\n", encoding="utf-8")
    shutil.move(machine.project, home / "project")
    shutil.move(machine.root / "bin", home / "bin")
    env = machine.env(HOME=str(home), PATH=f"{home / 'bin'}:/usr/bin:/bin")
    for name in ("AIMUX_STATE_DIR", "AIMUX_CONFIG_DIR", "AIMUX_CACHE_DIR", "AIMUX_RUNTIME_DIR"):
        del env[name]
    env["AIMUX_RUNTIME_DIR"] = str(machine.runtime / home.name)
    yield machine, env
    play(("daemon", "stop"), env, home / "project", is_daemon=True)


@pytest.mark.parametrize(("words", "is_daemon"), some(ASKED, each=4))
def test_a_home_that_is_not_utf_8_is_a_home(
    foreign: tuple[Machine, dict[str, str]], words: tuple[str, ...], is_daemon: bool
) -> None:
    """What cannot be shown of it is replaced."""
    _, env = foreign
    project = Path(env["HOME"]) / "project"
    if not is_daemon:  # one server at a time owns the store
        play(("daemon", "stop"), env, project, is_daemon=True)
    said = play(words, env, project, is_daemon=is_daemon)

    assert "Traceback" not in said.out + said.err
    assert "internal error" not in said.out + said.err
    if words[0] != "daemon":
        assert said.code == 0, said.err + said.out
    if "--json" in words:
        json.loads(said.out)
    if words[:2] == ("config", "show"):
        values = {each["key"]: each["value"] for each in json.loads(said.out)}
        assert values["server.max_chars"] == 99


# --------------------------------------------------------------------------------- closed or gone


@contextlib.contextmanager
def closed(place: Path) -> Iterator[None]:
    """Nobody may look into a directory; root may look everywhere, so it is nobody for a while."""
    is_root = os.geteuid() == 0
    above = [each for each in place.parents if is_root and each.stat().st_mode & 0o005 != 0o005]
    modes = {each: each.stat().st_mode for each in (place, *above)}
    for each in above:
        each.chmod(0o755)
    place.chmod(0)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for each, mode in modes.items():
            each.chmod(mode)


@pytest.mark.parametrize("name", ["user", "user/cli.d", "user/prompts.d/roles", "project/.aimux"])
def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    """Not taken for an empty one: settings that are there would not count in silence."""
    for each in ("user/cli.d/x", "user/prompts.d/roles", "project/.aimux"):
        (tmp_path / each).mkdir(parents=True)
    for each in ("user/default.yaml", "user/cli.d/x/profile.yaml", "project/.aimux/config.yaml"):
        (tmp_path / each).write_text("{}", encoding="utf-8")
    client = ClientContext(cwd=tmp_path / "project", env={}, config_dir=tmp_path / "user")
    loader = Loader()
    loader.load(attrs.evolve(client, cwd=tmp_path))  # what is imported, nobody could
    with closed(tmp_path / name):
        told = [each for each in loader.load(client).errors if "ermission" in each.message]

    assert told
    assert all(str(tmp_path / name) in each.where for each in told)


@pytest.mark.parametrize("name", ["state", "user", "state/deep", "project"])
def test_the_doctor_looks_at_closed_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each finding has a remedy or a place; nothing is raised."""
    for each in ("state/deep", "user", "project"):
        (tmp_path / each).mkdir(parents=True)
    (tmp_path / "user" / "default.yaml").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("AIMUX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AIMUX_CONFIG_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("AIMUX_DB_PATH", "deep/sessions.db")
    monkeypatch.setattr("aimux.console._config.load", lambda client: Loader().load(client))
    monkeypatch.chdir(tmp_path / "project")
    _own_files()  # what is imported, nobody could
    with closed(tmp_path / name):
        found = _own_files()
    bad = [each for each in found if each.verdict == BAD]

    assert all(each.remedy or str(tmp_path) in each.said for each in bad)
    assert bad or name == "project"


def test_a_store_in_a_closed_directory_is_told(tmp_path: Path) -> None:
    """It is there or it is not: nobody can say, so it is not fine."""
    place = tmp_path / "deep"
    place.mkdir()
    with closed(place):
        found = _store(StateFiles(store=place / "sessions.db", log=place / "aimux.log"))

    assert (found.verdict, found.is_vital) == (BAD, True)
    assert str(place) in found.said
    assert "server.db_path" in found.remedy


def test_a_working_directory_that_is_gone_stops_no_command(tmp_path: Path) -> None:
    """The root stands in for it."""
    machine = make_machine(tmp_path, ["codex"])
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    for words in (("doctor",), ("clis",), ("config", "check"), ("ps",)):
        done = subprocess.run(
            ["sh", "-c", script, "sh", *own_command(), *words],
            cwd=tmp_path, env=machine.env(), capture_output=True, encoding="utf-8",
            stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False,
        )  # fmt: skip

        assert "Traceback" not in done.stderr, words
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_where_a_command_stands_is_asked_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that knows what to do where that is gone; and the shim, which imports nothing."""
    package = Path(aimux.__file__).parent
    asking = {
        each.relative_to(package).as_posix()
        for each in package.rglob("*.py")
        if re.search(r"\bPath\.cwd\(|\bos\.getcwd\(", each.read_text(encoding="utf-8"))
    }
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert asking == {"daemon/_stdio.py", "shim/address.py"}
    assert own_directory() == Path("/")
    assert json.loads(hello(DaemonAddress("/state", "/config", "/run"), {}))["cwd"] == "/"


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_doctor_knows_a_store_of_a_later_version(tmp_path: Path, journal: str) -> None:
    """It is not fine, and no call would work."""
    machine = make_machine(tmp_path, ["codex"])
    assert machine.aimux("ps").code == 0
    store = sqlite3.connect(tmp_path / "state" / "sessions.db", isolation_level=None)
    store.execute(f"PRAGMA journal_mode = {journal}")
    store.execute("PRAGMA user_version = 99")
    said = machine.aimux("doctor")
    store.close()

    assert said.code == 1
    assert "bad  store" in said.out
    assert "schema 99 is newer than this version" in said.out
    assert "-> update aimux" in said.out


@pytest.mark.parametrize("is_daemon", [False, True])
def test_under_a_umask_that_forbids_all_ours_is_still_ours(tmp_path: Path, is_daemon: bool) -> None:
    """Files that their owner could not read would stop the next command."""
    machine = make_machine(tmp_path, ["codex"])
    env = machine.env() | {"AIMUX_DAEMON": "on" if is_daemon else "off"}
    script = 'umask 777 && exec "$@"'
    before = set(tmp_path.rglob("*"))
    try:
        for words in (("run", "-q", "-c", "codex", "hello"), ("ps",), ("doctor",)):
            done = subprocess.run(
                ["sh", "-c", script, "sh", *own_command(), *words],
                cwd=machine.project, env=env, capture_output=True, encoding="utf-8",
                stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False,
            )  # fmt: skip

            assert "Traceback" not in done.stderr, words
            assert done.returncode == 0, (words, done.stdout, done.stderr)
    finally:
        play(("daemon", "stop"), env, machine.project, is_daemon=True)
    made = {each: each.stat().st_mode & 0o777 for each in tmp_path.rglob("*") if each not in before}

    assert any(each.name == "sessions.db" for each in made)
    assert {f"{each}: {mode:o}" for each, mode in made.items() if mode & 0o600 != 0o600} == set()
    assert {f"{each}: {mode:o}" for each, mode in made.items() if mode & 0o077} == set()
