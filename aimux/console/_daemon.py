"""`aimux daemon …`: run, start, stop, restart, look at, and install the daemon."""

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import click
import psutil
import trio

from aimux.config import home_dir
from aimux.daemon import (
    RENEW_WITHIN_S,
    DaemonSilent,
    Holder,
    NetworkListener,
    ask,
    forget_last,
    own_address,
    run_daemon,
    wait_holder,
)
from aimux.errors import AimuxError, SetupFault
from aimux.shim.address import DaemonAddress, ShimFault
from aimux.shim.command import own_command

from ._output import note, say, say_json
from ._process import find_process, holds, send_signal, wait_over, wait_reaped

STOP_S: Final = 60.0  # for a daemon to drain; `drain_seconds` is 10 unless somebody set it
# on Windows the first ends it as hard as the second does elsewhere
LAST: Final = (signal.SIGTERM,) if sys.platform == "win32" else (signal.SIGTERM, signal.SIGKILL)
KILL_S: Final = 2.0  # from the last signal to the end
POLL_S: Final = 0.1  # between questions whether a daemon has become the next one


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
@click.option(
    "-C",
    "--directory",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="Where network clients work; this directory if not given.",
)
@click.option("--page", default="", hidden=True, help="Serve the dashboard there, on loopback.")
def run(http: str | None, bind_public: bool, directory: Path | None, page: str) -> None:
    """Be the daemon, in the foreground, until a signal."""
    place = {} if directory is None else {"directory": directory}
    listener = NetworkListener(
        address=http or "", is_wanted=http is not None, is_public=bind_public, page=page, **place
    )
    sys.exit(run_daemon(listeners=[listener], options=listener.options()))


@daemon.command()
def start() -> None:
    """Start the daemon in the background; nothing to do if it is there."""
    sys.exit(trio.run(_start))


async def _start() -> int:
    address = own_address()
    before = await wait_holder(address)
    await trio.to_thread.run_sync(have_daemon, address)
    facts = await ask(address, "status")  # what is said is what answers, not what a file holds
    if facts is None:
        raise SetupFault(
            f"a daemon started and left; see {address.state_dir}/daemon.out",
            code="daemon_not_started",
        )
    is_old = before is not None and before.pid == facts["pid"]
    word = "already running" if is_old else "started"
    say(f"{word}: pid {facts['pid']}, state {address.state_dir}")
    return 0


def have_daemon(address: DaemonAddress) -> None:
    """Start one, unless it is there.

    Raises:
        SetupFault: none can be had.
    """
    wake, alarm = os.pipe()
    try:
        if address.is_pipe:
            from aimux.shim import pipe  # each command imports what it needs

            pipe.start_daemon(address, dict(os.environ)).close()
        else:
            from aimux.shim.start import start_daemon

            sock = start_daemon(address, dict(os.environ), wake)
            if sock is not None:
                sock.close()
    except ShimFault as fault:
        raise SetupFault(str(fault), code="daemon_not_started") from fault
    finally:
        os.close(wake)
        os.close(alarm)


@daemon.command()
@click.option("--force", is_flag=True, help="End it by signals if it does not answer or leave.")
def stop(force: bool) -> None:
    """Stop the daemon; its jobs may finish within server.drain_seconds.

    When this returns with 0 the process is gone.
    """
    sys.exit(trio.run(_stop, force))


async def _stop(force: bool) -> int:
    address = own_address()
    holder = await wait_holder(address)
    process = find_process(holder.pid) if holder is not None and holder.pid else None
    if holder is not None and not holder.pid:
        note(unreachable(address, holder))
        return 1
    if process is None:
        forget_last(address)
        say(f"not running: {address.state_dir}")
        return 0
    silent: AimuxError | None = None
    try:
        facts = await ask(address, "stop")
    except AimuxError as error:
        silent, facts = error, None
    if silent is not None and not force:
        raise silent
    is_asked = facts is not None or force or await _ask_by_signal(address, process)
    if not is_asked:
        return 1
    for number, limit_s in (
        (None, KILL_S if force else STOP_S),
        *((each, KILL_S) for each in LAST),
    ):
        if number and not force:
            break
        if number:
            say(f"pid {process.pid} is still there: {number.name}")
            send_signal(process, number)
        with trio.move_on_after(limit_s) as patience:
            await wait_over(process)
        if not patience.cancelled_caught:
            await wait_reaped(process)
            say(f"stopped: pid {process.pid}")
            return 0
    note(f"pid {process.pid} does not leave; aimux daemon stop --force")
    return 1


async def _ask_by_signal(address: DaemonAddress, process: psutil.Process) -> bool:
    """Ask the holder of the lock to stop where it cannot be reached; whether that could be done."""
    holder = await wait_holder(address)
    if holder is None or holder.pid != process.pid or holder.is_leaving:
        return True  # it leaves, or has left
    said = unreachable(address, holder)
    if sys.platform == "win32" or not holds(process, address.daemon_lock):
        note(f"{said}: end it, then remove {address.daemon_lock}")
        return False
    note(f"{said}; asked by a signal")
    send_signal(process, signal.SIGTERM)
    return True


def unreachable(address: DaemonAddress, holder: Holder) -> str:
    """What there is to say about a daemon that no client finds."""
    who = f"pid {holder.pid}" if holder.pid else "a process that does not say its number"
    where = holder.socket or address.socket
    return f"{who} holds {address.state_dir} and cannot be reached at {where}"


@daemon.command()
def restart() -> None:
    """Have the daemon begin anew once no job runs.

    It is then of the installed version.
    """
    sys.exit(trio.run(_restart))


async def _restart() -> int:
    address = own_address()
    before = await ask(address, "restart")
    if before is None:
        holder = await wait_holder(address)
        if holder is None:
            say("not running: aimux daemon start")
        elif holder.is_leaving:
            say(f"pid {holder.pid} is leaving; then: aimux daemon start")
        else:
            note(f"{unreachable(address, holder)}; aimux daemon stop")
        return 1
    with trio.move_on_after(STOP_S):
        while (after := await _status_of(address)) is not None:
            if after.get("instance") != before.get("instance"):
                say(f"restarted: pid {after['pid']}, version {after['version']}")
                return 0
            if busy := _busy(after):
                jobs = "1 job is" if busy == 1 else f"{busy} jobs are"
                say(
                    f"pid {before['pid']} restarts when its {jobs} done, "
                    f"within {RENEW_WITHIN_S / 60:g} minutes"
                )
                return 0
            await trio.sleep(POLL_S)
        if after is None:
            note(f"it stopped and did not come back; see {address.state_dir}/daemon.out")
            return 1
    note(f"pid {before['pid']} has not begun anew yet; aimux daemon status")
    return 1


async def _status_of(address: DaemonAddress) -> Mapping[str, object] | None:
    """What the daemon says of itself, also while it becomes another; None if none is there."""
    while True:
        facts: Mapping[str, object] | None = None
        with contextlib.suppress(DaemonSilent):  # it went from under the question
            facts = await ask(address, "status")
        if facts is not None:
            return facts
        # by a pipe it is another process: nobody is there for a moment
        if await wait_holder(address) is None and not address.is_pipe:
            return None
        await trio.sleep(POLL_S)


def _busy(facts: object) -> int:
    jobs = facts.get("jobs") if isinstance(facts, dict) else None
    if not isinstance(jobs, dict):
        return 0
    return sum(each for each in jobs.values() if isinstance(each, int))


@daemon.command()
@click.option("--json", "as_json", is_flag=True, help="The facts as one line of JSON.")
def status(as_json: bool) -> None:
    """Show the daemon.

    Exit code 1 if there is none, or none that can be reached.
    """
    sys.exit(trio.run(_status, as_json))


async def _status(as_json: bool) -> int:
    address = own_address()
    facts = await ask(address, "status")
    if facts is None:
        return await _status_of_none(address, as_json=as_json)
    if as_json:
        shown = {"running": True, **facts}
        say_json({key: value for key, value in shown.items() if key != "aimux"}, is_line=True)
        return 0
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
        say(f"{name:8} {value}")
    if facts.get("restart_wanted"):
        say(f"restarts when no job runs, within {RENEW_WITHIN_S / 60:g} minutes")
    return 0


async def _status_of_none(address: DaemonAddress, *, as_json: bool) -> int:
    holder = await wait_holder(address)
    if as_json:
        shown: dict[str, object] = {"running": False, "state_dir": address.state_dir}
        if holder is not None:
            shown |= {"pid": holder.pid, "leaving": holder.is_leaving, "reachable": False}
        say_json(shown, is_line=True)
    elif holder is None:
        say(f"not running: {address.state_dir}")
    elif holder.is_leaving:
        say(f"pid {holder.pid} is leaving")
    else:
        say(f"{unreachable(address, holder)}; aimux daemon stop")
    return 1


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
        path = home_dir(os.environ) / ".config/systemd/user/aimux.service"
        text, then = systemd_unit(), "systemctl --user enable --now aimux"
    else:
        path = home_dir(os.environ) / "Library/LaunchAgents/aimux.plist"
        text, then = launchd_plist(), f"launchctl load -w {path}"
    if is_print:
        say(text, nl=False)
        note(f"save it as {path}, then: {then}")
        return
    if path.exists() and path.read_bytes() != os.fsencode(text):
        raise SetupFault(
            f"{path} is there and differs", hint="compare it with: aimux daemon install --print"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(text))  # a path in it need not be UTF-8
    say(f"wrote {path}; now: {then}")


def _command() -> list[str]:
    return own_command("daemon", "run")


def _variables() -> dict[str, str]:
    """What the daemon needs to be the one that this environment's clients look for."""
    address = own_address()
    named = ("AIMUX_STATE_DIR", "AIMUX_CONFIG_DIR", "AIMUX_RUNTIME_DIR")
    found = (address.state_dir, address.config_dir, address.runtime_dir)
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
