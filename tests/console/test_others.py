"""A machine that the Go server of the same name was used on: what becomes of its files."""

import json
import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

import pytest

from aimux.daemon import find_state_files
from aimux.model import ServerSettings

from .conftest import Machine, make_machine

pytestmark = pytest.mark.slow

SETTINGS: Final = """\
server:
  log_file: ~/.config/aimux/aimux.log
  db_path: ~/.config/aimux/sessions.db
  progress_interval_seconds: 15
  default_timeout_seconds: 300
  audit: {scanner_role: codereview, parallel_scanners: 3}
  pair: {max_rounds: 3}
  consensus: {default_blinded: true}
  debate: {max_turns: 6}
  research: {default_synthesize: true}
  think: {auto_consensus_threshold: 60}
roles:
  coding: {cli: codex, model: "", reasoning_effort: medium}
"""
PROFILE: Final = r"""
name: codex
binary: codex
features: {streaming: true, headless: true, jsonl: true, stdin_pipe: true}
output_format: jsonl
command:
  base: codex exec --json
  args_template: '{{if .Model}}-m {{.Model}}{{end}}'
prompt_flag: ""
prompt_flag_type: positional
stdin_threshold: 6000
completion_pattern: 'turn\.completed'
read_only_flags: [--sandbox, read-only]
headless_flags: [--full-auto, --json]
"""


def plant(machine: Machine, *, with_settings: bool) -> Path:
    """The files of a Go server at their usual places; the directory of its store."""
    place = machine.root / "home" / ".config" / "aimux"
    place.mkdir(parents=True)
    with sqlite3.connect(place / "sessions.db") as store:
        store.execute("CREATE TABLE sessions (id TEXT PRIMARY KEY, cli TEXT, metadata_json TEXT)")
        store.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, pheromones_json TEXT)")
        store.execute("INSERT INTO sessions VALUES ('s-1', 'codex', '{}')")
    store.close()
    (place / "aimux.log").write_text("2026-01-01 10:00:00.000 [INFO] up\n", encoding="utf-8")
    for each in place.iterdir():
        each.chmod(0o644)
    if with_settings:
        (machine.config / "default.yaml").write_text(SETTINGS, encoding="utf-8")
        (machine.config / "cli.d" / "codex").mkdir(parents=True)
        profile = machine.config / "cli.d" / "codex" / "profile.yaml"
        profile.write_text(PROFILE, encoding="utf-8")
        (machine.config / "prompts.d" / "roles").mkdir(parents=True)
        for name in ("roles/coding.md", "coding-rules.md"):
            text = "You write code.\n"
            (machine.config / "prompts.d" / name).write_text(text, encoding="utf-8")
    return place


def facts(path: Path) -> tuple[int, int, bytes]:
    """Mode, modification and content."""
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_mtime_ns, path.read_bytes()


@pytest.mark.parametrize("with_settings", [True, False])
def test_its_files_are_left_alone_and_work_goes_on(tmp_path: Path, with_settings: bool) -> None:
    """Whether its settings name the places, or nobody does."""
    machine = make_machine(tmp_path, ["codex"])
    place = plant(machine, with_settings=with_settings)
    before = {name: facts(place / name) for name in ("sessions.db", "aimux.log")}
    env = machine.env(AIMUX_STATE_DIR=str(place))
    plain = machine.aimux("run", "--json", "-c", "codex", "hello", env=env)
    coding = machine.aimux("run", "--json", "-r", "coding", "hello", env=env)
    listed = machine.aimux("sessions", "--json", env=env)
    doctor = machine.aimux("doctor", "--json", env=env)
    told = [each for each in json.loads(doctor.out) if each["what"] == "Go server"]
    said = "\n".join(f"{each['said']} {each['remedy']}" for each in told)
    names = {each.name for each in place.iterdir()}

    assert plain.code == coding.code == doctor.code == 0, (plain.err, coding.err, doctor.out)
    assert json.loads(plain.out)["mode"] == "read"
    assert json.loads(coding.out)["mode"] == "write"  # its text says nothing of that
    assert json.loads(listed.out)["total_sessions"] == 2
    assert {name: facts(place / name) for name in before} == before
    assert {"aimux-sessions.db", "aimux-daemon.log"} <= names
    assert "sessions.db.lock" not in names
    assert f"{place / 'sessions.db'} is another program's" in said
    assert f"{place / 'aimux.log'} is another program's" in said
    assert "a call without a role only reads here" in said
    assert ("default_timeout_seconds: 300 has an effect here" in said) is with_settings
    assert ("server.audit, server.pair" in said) is with_settings
    assert ("profiles for codex are laid over" in said) is with_settings
    assert ("not read here: coding-rules.md" in said) is with_settings


def test_a_place_that_was_chosen_is_not_exchanged(tmp_path: Path) -> None:
    """Every call says so, with the way out."""
    machine = make_machine(tmp_path, ["codex"])
    place = plant(machine, with_settings=False)
    (place / "sessions.db").rename(place / "mine.db")
    before = facts(place / "mine.db")
    env = machine.env(AIMUX_DB_PATH=str(place / "mine.db"))
    said = machine.aimux("run", "-c", "codex", "hello", env=env)
    doctor = machine.aimux("doctor", env=env)

    assert said.code == 2
    assert "a database of another program, which is left as it is" in said.err
    assert "server.db_path (AIMUX_DB_PATH)" in said.err
    assert doctor.code == 1
    assert "a database of another program" in doctor.out
    assert facts(place / "mine.db") == before


def test_a_configuration_where_it_was_started_is_told(tmp_path: Path) -> None:
    """It looks for one there, ours does not; with both ways to have it read."""
    machine = make_machine(tmp_path, ["codex"])
    there = machine.project / "config"
    (there / "cli.d").mkdir(parents=True)
    (there / "default.yaml").write_text("server: {}\n", encoding="utf-8")
    told = machine.aimux("doctor").out.replace("\n", " ")

    assert "config is not read here" in " ".join(told.split())
    assert f"AIMUX_CONFIG_DIR={there}" in told


def test_a_log_that_was_chosen_is_not_exchanged(tmp_path: Path) -> None:
    """One that nobody chose is, whatever is in it but lines of ours."""
    env = {"AIMUX_STATE_DIR": str(tmp_path)}
    for name in ("aimux.log", "mine.log"):
        (tmp_path / name).write_text("2026-01-01 [INFO] up\n", encoding="utf-8")
    usual = find_state_files(ServerSettings(), env)
    chosen = find_state_files(ServerSettings(log_file="mine.log"), env)

    assert (usual.log.name, usual.foreign) == ("aimux-daemon.log", (tmp_path / "aimux.log",))
    assert (chosen.log.name, chosen.foreign) == ("mine.log", ())


def test_our_own_files_are_nobody_elses(tmp_path: Path) -> None:
    """Before there are any, and once there are."""
    machine = make_machine(tmp_path, ["codex"])
    for _ in range(2):
        assert machine.aimux("run", "-q", "-c", "codex", "hello").code == 0
    files = find_state_files(ServerSettings(), machine.env())

    assert files.store == machine.root / "state" / "sessions.db"
    assert files.log == machine.root / "state" / "aimux.log"
    assert files.foreign == ()
    assert "Go server" not in machine.aimux("doctor").out


def test_a_log_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nor is a directory read."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes by name here")
    os.mkfifo(tmp_path / "aimux.log")
    env = {"AIMUX_STATE_DIR": str(tmp_path)}

    assert find_state_files(ServerSettings(), env).log == tmp_path / "aimux.log"
