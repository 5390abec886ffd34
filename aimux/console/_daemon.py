"""`aimux daemon …`: run, start, stop, restart, look at, and install the daemon."""

import contextlib
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import click
import orjson
import trio

from aimux.daemon import NetworkListener, ask, own_address, run_daemon, running, wait_gone
from aimux.errors import AimuxError, SetupFault
from aimux.shim.address import DaemonAddress, ShimFault

STOP_S: Final = 60.0  # for a daemon to drain; `drain_seconds` is 10 unless somebody set it
# on Windows the first ends it as hard as the second does elsewhere
LAST: Final = (signal.SIGTERM,) if sys.platform == "win32" else (signal.SIGTERM, signal.SIGKILL)
KILL_S: Final = 2.0  # from the last signal to the end


@click.group()
def daemon() -> None:
    """The long-lived server behind every `aimux`."""


@daemon.command()
@click.option(
    "--http",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    help="Serve the network too (Streamable HTTP, SSE, WebSocket): 8080, :8080 or host:8080; "
    "without a value server.transport.port.",
)
@click.option("--bind-public", is_flag=True, help="Let other machines in; needs a token.")
def run(http: str | None, bind_public: bool) -> None:
    """Be the daemon, in the foreground, until a signal."""
    listener = NetworkListener(
        address=http or "", is_wanted=http is not None, is_public=bind_public
    )
    sys.exit(run_daemon(listeners=[listener], options=listener.options()))


@daemon.command()
def start() -> None:
    """Start the daemon in the background; nothing to do if it is there."""
    from aimux.shim.start import start_daemon  # each command imports what it needs

    place = own_address()
    pid = running(place)
    wake, alarm = os.pipe()
    try:
        if place.is_pipe:
            _start_by_pipe(place)
        elif sock := start_daemon(place, dict(os.environ), wake):
            sock.close()
    except ShimFault as fault:
        raise SetupFault(str(fault), code="daemon_not_started") from fault
    finally:
        os.close(wake)
        os.close(alarm)
    word = "already running" if running(place) == pid else "started"
    click.echo(f"{word}: pid {running(place)}, state {place.state_dir}")


def _start_by_pipe(place: DaemonAddress) -> None:
    from aimux.shim import pipe

    pipe.start_daemon(place, dict(os.environ)).close()


@daemon.command()
@click.option("--force", is_flag=True, help="End it by signals if it does not answer or leave.")
def stop(force: bool) -> None:
    """Stop the daemon; its jobs may finish within server.drain_seconds."""
    sys.exit(trio.run(_stop, force))


async def _stop(force: bool) -> int:
    place = own_address()
    pid = running(place)
    if not pid:
        click.echo(f"not running: {place.state_dir}")
        return 0
    silent: AimuxError | None = None
    try:
        await ask(place, "stop")
    except AimuxError as error:
        silent = error
    if silent is not None and not force:
        raise silent
    for number, limit_s in ((0, KILL_S if force else STOP_S), *((each, KILL_S) for each in LAST)):
        if number and not force:
            break
        if number:
            click.echo(f"pid {pid} is still there: {signal.Signals(number).name}")
            with contextlib.suppress(OSError):  # gone; Windows has no error of its own for that
                os.kill(pid, number)  # it holds the lock, so the number is its own
        with trio.move_on_after(limit_s):
            await wait_gone(place)
        if running(place) != pid:
            click.echo(f"stopped: pid {pid}")
            return 0
    click.echo(f"pid {pid} does not leave; aimux daemon stop --force", err=True)
    return 1


@daemon.command()
def restart() -> None:
    """Have the daemon begin anew, as the installed version, as soon as no job runs."""
    sys.exit(trio.run(_restart))


async def _restart() -> int:
    place = own_address()
    before = await ask(place, "restart")
    if before is None:
        click.echo("not running: aimux daemon start")
        return 1
    busy = _busy(before)
    if busy:
        click.echo(f"pid {before['pid']} restarts when its {busy} job(s) are done")
        return 0
    if place.is_pipe:  # it is another process: the name of the pipe is free for a moment
        with trio.move_on_after(STOP_S):
            while running(place) == before["pid"]:
                await wait_gone(place)
        await trio.to_thread.run_sync(_start_by_pipe, place)
    after = await ask(place, "status")
    if after is None:
        click.echo("it stopped and did not come back; see daemon.out", err=True)
        return 1
    click.echo(f"restarted: pid {after['pid']}, version {after['version']}")
    return 0


def _busy(facts: object) -> int:
    jobs = facts.get("jobs") if isinstance(facts, dict) else None
    if not isinstance(jobs, dict):
        return 0
    return sum(each for each in jobs.values() if isinstance(each, int))


@daemon.command()
@click.option("--json", "as_json", is_flag=True, help="The facts as one line of JSON.")
def status(as_json: bool) -> None:
    """Show the daemon; exit code 1 if there is none."""
    sys.exit(trio.run(_status, as_json))


async def _status(as_json: bool) -> int:
    place = own_address()
    facts = await ask(place, "status")
    if as_json:
        shown = {"running": facts is not None, "state_dir": place.state_dir, **(facts or {})}
        click.echo(orjson.dumps({key: value for key, value in shown.items() if key != "aimux"}))
        return int(facts is None)
    if facts is None:
        pid = running(place)
        click.echo(f"pid {pid} is leaving" if pid else f"not running: {place.state_dir}")
        return 1
    clients = facts.get("clients")
    per_way = clients.items() if isinstance(clients, dict) else ()
    for name, value in (
        ("version", facts["version"]),
        ("pid", facts["pid"]),
        ("up", f"{facts['uptime_seconds']} s"),
        ("clients", ", ".join(f"{count} {way}" for way, count in per_way) or "none"),
        ("jobs", f"{_busy(facts)}"),
        ("state", facts["state_dir"]),
        ("socket", facts["socket"]),
    ):
        click.echo(f"{name:8} {value}")
    if facts.get("restart_wanted"):
        click.echo("restarts when no job runs")
    return 0


# ---------------------------------------------------------------------------------- installing


@daemon.command()
@click.option("--print", "is_print", is_flag=True, help="Show the file and where it belongs only.")
@click.option(
    "--kind",
    type=click.Choice(["systemd", "launchd"]),
    default="launchd" if sys.platform == "darwin" else "systemd",
    show_default=True,
)
def install(is_print: bool, kind: str) -> None:
    """Have the system start the daemon when you log in."""
    if kind == "systemd":
        path = Path("~/.config/systemd/user/aimux.service").expanduser()
        text, then = systemd_unit(), "systemctl --user enable --now aimux"
    else:
        path = Path("~/Library/LaunchAgents/aimux.plist").expanduser()
        text, then = launchd_plist(), f"launchctl load -w {path}"
    if is_print:
        click.echo(text, nl=False)
        click.echo(f"save it as {path}, then: {then}", err=True)
        return
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise SetupFault(
            f"{path} is there and differs", hint="compare it with: aimux daemon install --print"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {path}; now: {then}")


def _command() -> list[str]:
    return [sys.executable, "-m", "aimux", "daemon", "run"]


def _variables() -> dict[str, str]:
    """What the daemon needs to be the one that this environment's clients look for."""
    place = own_address()
    named = ("AIMUX_STATE_DIR", "AIMUX_CONFIG_DIR", "AIMUX_RUNTIME_DIR")
    found = (place.state_dir, place.config_dir, place.runtime_dir)
    told = {name: value for name, value in zip(named, found, strict=True) if os.environ.get(name)}
    return {**told, "PATH": os.environ.get("PATH", os.defpath)}


def systemd_unit() -> str:
    """The user unit that runs this installation's daemon."""
    settings = "".join(
        f'Environment="{name}={_in_unit(value)}"\n' for name, value in _variables().items()
    )
    return (
        "[Unit]\n"
        "Description=aimux: one MCP server in front of AI coding CLIs\n\n"
        "[Service]\n"
        f"ExecStart={_in_unit(shlex.join(_command()))}\n"
        "ExecReload=kill -HUP $MAINPID\n"
        f"{settings}"
        # it ends its own children, in order; what is left is ended by the system
        "KillMode=mixed\n"
        "TimeoutStopSec=90\n"
        "Restart=on-failure\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def _in_unit(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def launchd_plist() -> str:
    """The agent that runs this installation's daemon."""
    words = "".join(f"    <string>{escape(word)}</string>\n" for word in _command())
    settings = "".join(
        f"    <key>{escape(name)}</key><string>{escape(value)}</string>\n"
        for name, value in _variables().items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
        '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        '<plist version="1.0">\n<dict>\n'
        "  <key>Label</key><string>aimux</string>\n"
        f"  <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n"
        f"  <key>EnvironmentVariables</key>\n  <dict>\n{settings}  </dict>\n"
        "  <key>RunAtLoad</key><true/>\n"
        "  <key>KeepAlive</key>\n  <dict><key>SuccessfulExit</key><false/></dict>\n"
        "  <key>ExitTimeOut</key><integer>90</integer>\n"
        "</dict>\n</plist>\n"
    )
