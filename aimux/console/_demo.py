"""`aimux demo`: the main job, as a host would run it, on real CLIs or on the emulated ones."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table

from aimux.errors import SetupFault
from aimux.files.shipped import shipped

from ._client import Json, McpClient, open_client

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


@click.command(epilog="Example: aimux demo --emulated")
@click.option("--emulated", is_flag=True, help="Use the emulated CLIs even if real ones are there.")
def demo(emulated: bool) -> None:
    """Run one code review with live progress.

    On emulated CLIs, in a throw-away directory, where no CLI is installed.
    """
    sys.exit(trio.run(partial(run_demo, Console(), emulated=emulated)))


async def run_demo(console: Console, *, emulated: bool) -> int:
    """Show the CLIs, run one review with live progress, print the result; 0 if it completed.

    With `emulated`, or when no CLI is installed, the embedded emulators stand in; they live in a
    throw-away directory with a store of their own.
    """
    with tempfile.TemporaryDirectory(prefix="aimux-demo-") as place:
        work = Path(place) / "project"
        work.mkdir()
        (work / "orders.py").write_text(SAMPLE, encoding="utf-8")
        if not emulated:
            async with open_client() as client:
                health = await client.call("sessions", {"action": "health"})
                if health.get("clis_ready"):
                    return await _show(console, client, health, work)
            console.print("No AI coding CLI is installed here, so the emulated ones stand in.\n")
        async with open_client(env=emulated_env(Path(place))) as client:
            health = await client.call("sessions", {"action": "health"})
            return await _show(console, client, health, work)


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


async def _show(console: Console, client: McpClient, health: Json, work: Path) -> int:
    console.print(_clis(health))
    console.print(f'\n[bold]exec[/bold](role="codereview", prompt="{PROMPT}")')

    def progress(line: str) -> None:
        console.print(f"  [dim]… {line}[/dim]", highlight=False)

    with trio.fail_after(300):
        result = await client.call(
            "exec",
            {"role": "codereview", "prompt": PROMPT, "cwd": str(work)},
            on_progress=progress,
        )
    shown = f"{result.get('cli')} · {result.get('status')} · {result.get('duration_ms')} ms"
    console.print(Panel(Markdown(str(result.get("content", ""))), title=shown))
    error = result.get("error")
    if isinstance(error, dict):
        console.print(f"[red]{error.get('code')}: {error.get('message')}[/red]")
        if error.get("hint"):
            console.print(f"  {error['hint']}")
    store = health.get("store")
    path = store.get("path") if isinstance(store, dict) else None
    console.print(
        f"job {result.get('job_id')}, session {result.get('session_id')}, kept in {path}",
        highlight=False,
    )
    return 0 if result.get("status") == "completed" else 1


def _clis(health: Json) -> Table:
    table = Table(title="AI coding CLIs")
    for column in ("CLI", "state", "version", "where or why"):
        table.add_column(column)
    states = health.get("clis")
    for state in states if isinstance(states, list) else []:
        style = "green" if state["is_ready"] else "dim"
        table.add_row(
            state["name"],
            state["state"],
            state.get("version") or "",
            state.get("path") or state.get("reason") or "",
            style=style,
        )
    return table
