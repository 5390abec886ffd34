"""`aimux demo`: the main job, as a host would run it, on real CLIs or on the emulated ones."""

import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio

from aimux.errors import AimuxError, SetupFault
from aimux.files.home import NoHomeError, find_home
from aimux.files.shipped import shipped

from ._client import Json, McpClient, open_client
from ._output import one_line, say, say_panel, table
from ._screen import part_of, rows_of
from ._table import Column
from ._ways import at_a_terminal

SAMPLE: Final = '''\
"""Sums up orders for the monthly report."""
import json


def load_orders(path, seen=[]):
    """Read orders once each."""
    data = open(path).read()
    for order in json.loads(data):
        if order["id"] == None:
            continue
        seen.append(order)
    return seen


def total(orders):
    try:
        return sum(eval(order["amount"]) for order in orders)
    except:
        return 0
'''

PROMPT: Final = "Review orders.py. Name each problem with file:line, the worst first."
LIMIT_S: Final = 300.0  # a real model thinks
NAME: Final = "aimux"
PREFIX: Final = "aimux-demo-"
COLUMNS: Final = (
    "CLI",
    "state",
    Column("version", drop=2),
    Column("where or why", flex=12, drop=1, keeps_end=True),
)


@click.command(epilog="Example: aimux demo --emulated")
@click.option("--emulated", is_flag=True, help="Use the emulated CLIs even if real ones are there.")
def demo(emulated: bool) -> None:
    """Run one code review with live progress.

    On emulated CLIs where no CLI is installed. They are thrown away afterwards; their store is
    kept, and the last lines say where.
    """
    sys.exit(trio.run(partial(run_demo, emulated=emulated)))


async def run_demo(*, emulated: bool) -> int:
    """Show the CLIs, run one review with live progress, print the result; 0 if it completed.

    With `emulated`, or when no CLI is installed, the embedded emulators stand in; they live in a
    throw-away directory, their store in one that stays. Cancelling it leaves neither.

    Raises:
        SetupFault: there is no directory for temporary files, or the review does not end.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix=PREFIX)
    except OSError as error:
        raise SetupFault(
            f"there is no place for a project to review: {error.strerror or error}",
            hint="name a writable directory in TMPDIR",
            code="no_temporary_directory",
        ) from error
    with made as place:
        work = Path(place) / "project"
        work.mkdir()
        (work / "orders.py").write_text(SAMPLE, encoding="utf-8")
        if not emulated:
            code = await _show_real(work)
            if code is not None:
                return code
        state = Path(tempfile.mkdtemp(prefix=PREFIX))
        code = None
        try:
            env = {**emulated_env(Path(place)), "AIMUX_STATE_DIR": str(state)}
            async with open_client(env=env) as client:
                health = await client.call("sessions", {"action": "health"})
                code = await _show(client, health, work, state)
        finally:
            if code is None:  # nobody was told where it is
                shutil.rmtree(state, ignore_errors=True)
        return code


async def _show_real(work: Path) -> int | None:
    """The exit code of the review on a real CLI; None if there is none, which is said."""
    has_begun = False
    try:
        async with open_client() as client:
            health = await client.call("sessions", {"action": "health"})
            if health.get("clis_ready"):
                has_begun = True
                return await _show(client, health, work)
    except AimuxError as fault:  # nowhere to keep anything: the emulated ones need no such place
        if has_begun:
            raise
        way_out = f" ({fault.hint})" if fault.hint else ""
        say(f"{fault.message}{way_out}.\nFor now the emulated CLIs stand in.\n")
        return None
    say("No AI coding CLI is installed here, so the emulated ones stand in.\n")
    return None


def emulated_env(
    place: Path, names: Sequence[str] = (), *, time_scale: float | None = None
) -> Mapping[str, str]:
    """An environment in which only emulated CLIs exist (all, or these), with a home of its own.

    Raises:
        SetupFault: there is no emulator of that name.
    """
    binaries, home = place / "bin", place / "home"
    home.mkdir()
    source = shipped("emulators") / "install.py"
    spec = importlib.util.spec_from_file_location("aimux_demo_install", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    unknown = sorted(set(names) - set(module.ALL))
    if unknown:
        raise SetupFault(
            f"there is no emulator of {unknown[0]}",
            hint=f"there are emulators of {', '.join(module.ALL)}",
            code="emulator_unknown",
        )
    module.install(binaries, names or module.ALL, home=home, time_scale=time_scale)
    kept = {
        name: os.environ[name] for name in ("LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ
    }
    return {
        **kept,
        "PATH": os.pathsep.join([str(binaries), os.defpath]),
        "HOME": str(home),
        "AIMUX_STATE_DIR": str(place / "state"),
        "AIMUX_CACHE_DIR": str(place / "cache"),
        "AIMUX_DAEMON": "off",
    }


async def _show(client: McpClient, health: Json, work: Path, state: Path | None = None) -> int:
    table(COLUMNS, [_row(each) for each in rows_of(health, "clis")])
    say(f'\nexec(role="codereview", prompt="{PROMPT}")')
    result: Json | None = None
    with trio.move_on_after(LIMIT_S):
        result = await client.call(
            "exec",
            {"role": "codereview", "prompt": PROMPT, "cwd": str(work)},
            on_progress=lambda line: say(f"  … {one_line(line)}"),
        )
    if result is None:
        raise SetupFault(f"the review did not end within {LIMIT_S:g} s", hint="see: aimux ps -a")
    title = f"{result.get('cli')} · {result.get('status')} · {result.get('duration_ms')} ms"
    say_panel(title, str(result.get("content", "")))
    error = part_of(result, "error")
    if error:
        say(f"{error.get('code')}: {error.get('message')}")
        if error.get("hint"):
            say(f"  {at_a_terminal(str(error['hint']))}")
    job, path = result.get("job_id"), part_of(health, "store").get("path")
    say(f"job {job}, session {result.get('session_id')}")
    say(f"kept in {path}")
    if state is not None:
        own = f"AIMUX_DAEMON=off AIMUX_STATE_DIR={state} "
        try:
            find_home(os.environ)
        except NoHomeError:
            own += f"AIMUX_CONFIG_DIR={state} "
        say(f"look at it: {own}{_own_name()} show {job}")
        say(f"throw it away: rm -r {state}")
    return 0 if result.get("status") == "completed" else 1


def _own_name() -> str:
    """What somebody can type to start this program again: its name where PATH has it."""
    if shutil.which(NAME):
        return NAME
    typed = Path(sys.argv[0])
    is_script = typed.stem == NAME
    return shlex.quote(str(typed)) if is_script else f"{shlex.quote(sys.executable)} -m {NAME}"


def _row(cli: Json) -> list[object]:
    where = cli.get("path") or cli.get("reason")
    return [cli["name"], cli["state"], cli.get("version"), where]
