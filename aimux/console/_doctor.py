"""`aimux doctor`: everything that has to be right, looked at once, with the way out."""

import os
import platform
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import click
import orjson
import psutil
import trio

from aimux import __version__
from aimux.config import Snapshot, state_dir
from aimux.daemon import (
    StateFiles,
    ask,
    find_state_files,
    own_address,
    own_directory,
    wait_holder,
)
from aimux.engine import temporary_roots
from aimux.errors import AimuxError
from aimux.files.private import make_private
from aimux.files.temporary import leftovers
from aimux.model import Problem, Severity, plural

from ._client import Json, open_client
from ._config import is_there, library_problems, own_snapshot, paths_of
from ._daemon import unreachable
from ._others import find_traces
from ._output import as_text, one_line, say, say_json, say_marked
from ._resting import way_back, why_resting
from ._screen import DONE, FAILED, json_option, part_of, rows_of

SHOWN_LEFTOVERS: Final = 3
ANSWER_S: Final = 60.0  # the first probe of the CLIs asks each for its version
OFF: Final = frozenset({"off", "0", "false", "no"})  # as the entry module reads AIMUX_DAEMON
OK, WARN, BAD = "ok", "warn", "bad"


@attrs.frozen
class Finding:
    """One thing that was looked at. `is_vital` ones make the difference between 0 and 1."""

    what: str
    verdict: str
    said: str
    remedy: str = ""
    is_vital: bool = False


@click.command(epilog="Example: aimux doctor --json > report.json")
@json_option
def doctor(*, as_json: bool) -> None:
    """Check everything and name remedies.

    Looks at configuration, state, daemon, server and each CLI.

    Exit code 1 if nothing could be run here: no CLI is ready, the state directory cannot be
    written, or the server does not answer.
    """
    found = [*_versions(), *_own_files(), *trio.run(_daemon), *trio.run(_server)]
    if as_json:
        say_json([attrs.asdict(each) for each in found])
    else:
        _show(found)
    sys.exit(FAILED if any(each.is_vital and each.verdict == BAD for each in found) else DONE)


def _show(found: Sequence[Finding]) -> None:
    colours = {OK: "green", WARN: "yellow", BAD: "red"}
    for each in found:
        mark = f"{each.verdict:4}"
        say_marked(mark, colours[each.verdict], f" {each.what:14} {one_line(each.said)}")
        if each.remedy:
            say(f"{'':20}-> {one_line(each.remedy)}")


def _versions() -> list[Finding]:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    said = (
        f"aimux {__version__}, Python {platform.python_version()} ({sys.executable}), "
        f"trio {trio.__version__}, SQLite {sqlite3.sqlite_version}, {system}"
    )
    return [Finding("versions", OK, said)]


def _own_files() -> list[Finding]:
    """Configuration and state, as far as this user has places for them."""
    try:
        snapshot = own_snapshot()
        return [*_configuration(snapshot), *_libraries(), *_state(snapshot), *_others(snapshot)]
    except AimuxError as error:
        return [Finding("home", BAD, error.message, error.hint or "", is_vital=True)]


def _problem(what: str, problem: Problem) -> Finding:
    verdict = BAD if problem.severity is Severity.ERROR else WARN
    meant = f"did you mean {problem.suggestion}?" if problem.suggestion else ""
    return Finding(what, verdict, f"{problem.message} @ {problem.where}", meant)


def _libraries() -> list[Finding]:
    """Faults of skills, agents, domains, audit rules and workflows; nothing where there is none."""
    return [_problem("configuration", each) for each in library_problems()]


def _configuration(snapshot: Snapshot) -> list[Finding]:
    found = [_problem("configuration", each) for each in snapshot.problems]
    said = f"{len(snapshot.profiles)} profiles, {len(snapshot.roles)} roles"
    own = [str(place) for what, place in paths_of(snapshot) if " settings" in what]
    there = [path for path in own[1:] if is_there(Path(path))]
    return [Finding("configuration", OK, f"{said}; {', '.join(there) or 'shipped only'}"), *found]


def _state(snapshot: Snapshot) -> list[Finding]:
    place = state_dir(os.environ)
    try:
        make_private(place)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        said = f"{place}: {error.strerror}"
        return [Finding("state", BAD, said, "name a writable AIMUX_STATE_DIR", is_vital=True)]
    found = [Finding("state", OK, f"{place} is writable", is_vital=True)]
    if os.name == "posix" and stat.S_IMODE(place.stat().st_mode) & 0o077:
        said = f"{place} is open to others: prompts and answers are kept there"
        found.append(Finding("state", WARN, said, f"chmod 700 {place}"))
    found += _leftovers(place)
    return [*found, _store(find_state_files(snapshot.settings.server, os.environ))]


def _store(files: StateFiles) -> Finding:
    store = files.store
    if files.refusal is not None:
        refusal = files.refusal
        return Finding("store", BAD, refusal.message, refusal.hint or "", is_vital=True)
    try:
        size = f", {store.stat().st_size / 1_000_000:.1f} MB"
    except FileNotFoundError:
        size = ", not made yet"
    except OSError as error:
        remedy = "make it readable, or name another file in server.db_path"
        return Finding("store", BAD, f"{store}: {error.strerror}", remedy, is_vital=True)
    owner = _store_owner(store)
    by = f", open in process {owner}" if owner else ""
    return Finding("store", OK, f"{store}{size}{by}")


def _leftovers(place: Path) -> list[Finding]:
    """Temporary files of servers that were killed."""
    left = leftovers(*temporary_roots(place))
    if not left:
        return []
    size = sum(each.size_bytes for each in left) / 1_000_000
    names = ", ".join(str(each.path) for each in left[:SHOWN_LEFTOVERS])
    more = ", …" if len(left) > SHOWN_LEFTOVERS else ""
    said = f"{len(left)} left by servers that were killed, {size:.1f} MB: {names}{more}"
    return [Finding("temporary", WARN, said, "aimux gc, or a start of the daemon, removes them")]


def _others(snapshot: Snapshot) -> list[Finding]:
    """Files of another server among ours."""
    foreign = find_state_files(snapshot.settings.server, os.environ).foreign
    traces = find_traces(snapshot, foreign, own_directory())
    return [
        Finding("Go server", WARN if each.remedy else OK, each.said, each.remedy) for each in traces
    ]


def _store_owner(store: Path) -> int:
    """The live process that the store's lock file names; 0 if there is none."""
    try:
        pid = orjson.loads(store.with_name(f"{store.name}.lock").read_bytes())["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return pid if isinstance(pid, int) and psutil.pid_exists(pid) else 0


async def _daemon() -> list[Finding]:
    is_off = os.environ.get("AIMUX_DAEMON", "").strip().lower() in OFF
    if is_off:
        await trio.lowlevel.checkpoint()
        why = "switched off by AIMUX_DAEMON: each client has a server of its own"
        return [Finding("daemon", OK, why)]
    try:
        place = own_address()
        facts = await ask(place, "status")
    except AimuxError as error:
        return [Finding("daemon", BAD, error.message, error.hint or "")]
    if facts is None:
        holder = await wait_holder(place)
        if holder is not None and holder.is_leaving:
            return [Finding("daemon", OK, f"pid {holder.pid} is leaving")]
        if holder is not None:
            return [Finding("daemon", WARN, unreachable(place, holder), "aimux daemon stop")]
        return [Finding("daemon", OK, f"none runs, clients start it; socket {place.socket}")]
    said = f"pid {facts['pid']}, version {facts['version']}, socket {place.socket}"
    if facts["version"] != __version__:
        return [Finding("daemon", WARN, f"{said}; this is {__version__}", "aimux daemon restart")]
    return [Finding("daemon", OK, said)]


async def _server() -> list[Finding]:
    began = trio.current_time()
    try:
        with trio.fail_after(ANSWER_S):
            async with open_client(name="aimux-doctor") as client:
                took = trio.current_time() - began
                body = await client.call("sessions", {"action": "health", "refresh": True})
    except trio.TooSlowError:
        said = f"no answer for {ANSWER_S:g} s"
        return [Finding("server", BAD, said, "see the log: aimux config path", is_vital=True)]
    except AimuxError as error:
        return [Finding("server", BAD, error.message, error.hint or "", is_vital=True)]
    ways = ", ".join(part_of(body, "clients"))
    said = f"answered in {took * 1000:.0f} ms, pid {body.get('pid')}, over {ways}"
    states = rows_of(body, "clis")
    ready = [as_text(each["name"]) for each in states if each.get("is_ready")]
    summary = Finding(
        "CLIs",
        OK if ready else BAD,
        f"{len(ready)} of {len(states)} ready",
        "" if ready else "install one of those below; aimux demo --emulated works without",
        is_vital=True,
    )
    everywhere = _common_places(states)
    places = [Finding("places", OK, ", ".join(everywhere))] if everywhere else []
    found = [_cli(body, state, everywhere) for state in states]
    return [Finding("server", OK, said, is_vital=True), summary, *_traces(body), *places, *found]


def _traces(body: Json) -> list[Finding]:
    """Whether jobs are traced and what is in the way; nothing where nobody asked for it."""
    told = part_of(body, "traces")
    problem, remedy = as_text(told.get("problem")), as_text(told.get("remedy"))
    if not told.get("is_on"):
        return [Finding("traces", WARN, problem, remedy)] if problem else []
    jobs = part_of(told, "jobs")
    lost = [f"{jobs[each]} {each}" for each in ("failed", "dropped") if jobs.get(each)]
    said = ", ".join(
        [problem or f"on, {plural(int(str(jobs.get('exported', 0))), 'job')} exported", *lost]
    )
    if lost and not remedy:
        remedy = "see that the collector runs; why it failed is in the log: aimux config path"
    return [Finding("traces", WARN if problem or lost else OK, said, remedy)]


def _common_places(states: Sequence[Json]) -> list[str]:
    """Where every CLI that is missing was looked for, in that order."""
    looked = [_places(each) for each in states if not each.get("path") and _places(each)]
    first, *others = looked or [[]]
    return [place for place in first if all(place in each for each in others)]


def _places(state: Json) -> list[str]:
    found = state.get("places")
    return [str(each) for each in found] if isinstance(found, list) else []


def _cli(health: Json, state: Json, everywhere: Sequence[str]) -> Finding:
    name = as_text(state["name"])
    resting = why_resting(health, name) if state.get("is_ready") else ""
    facts = [as_text(state.get(key)) for key in ("state", "version", "path", "reason")]
    said = ", ".join(each for each in (*facts, resting) if each)
    if not state.get("path") and state.get("state") != "disabled":
        own = [each for each in _places(state) if each not in everywhere]
        said += f"; looked in the places above{''.join(f', {each}' for each in own)}"
    verdict = OK if state.get("state") in {"ready", "disabled"} and not resting else WARN
    remedy = way_back(health, name) if resting else as_text(state.get("remedy"))
    return Finding(name, verdict, said, remedy)
