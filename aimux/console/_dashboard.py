"""`aimux dashboard`: the page on which jobs can be watched and answered, opened in the browser."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from typing import Final

import click
import trio

from aimux.daemon import DaemonSilent, ask, own_address
from aimux.errors import SetupFault

from ._daemon import have_daemon
from ._output import note, say

OPEN_S: Final = 60.0  # for a daemon on a machine that has much to do


@click.command(epilog="Example: aimux dashboard --no-open")
@click.option("--no-open", "is_quiet", is_flag=True, help="Print the address instead.")
def dashboard(*, is_quiet: bool) -> None:
    """Open the page on which jobs are watched, answered and ended.

    The daemon is started if it is not there, and serves the page on this machine only. The address
    is good for two minutes and once: it opens the page for whoever has it.
    """
    sys.exit(trio.run(_dashboard, is_quiet))


async def _dashboard(is_quiet: bool) -> int:
    url = ""
    with trio.move_on_after(OPEN_S):
        while not url:
            url = await _link()
    if not url:
        raise SetupFault(
            f"the daemon did not open the page within {OPEN_S:g} s",
            code="dashboard_not_ready",
            hint="aimux daemon status; then try again",
        )
    if is_quiet:
        say(url)
        return 0
    is_open = has_screen(os.environ) and await trio.to_thread.run_sync(webbrowser.open, url)
    if not is_open:
        note("no browser can be started here; open this within two minutes:")
        say(url)
        return 0
    note(f"opened {url.partition('#')[0]}")
    return 0


def has_screen(env: Mapping[str, str], system: str = sys.platform) -> bool:
    """Whether a browser with a window can be there: one for terminals cannot show the page."""
    if system in {"win32", "darwin"} or env.get("BROWSER"):
        return True
    return bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") or env.get("WSL_DISTRO_NAME"))


async def _link() -> str:
    address = own_address()
    await trio.to_thread.run_sync(have_daemon, address)
    try:
        facts = await ask(address, "dashboard")
    except DaemonSilent as error:
        if "no such question" in error.message:
            raise SetupFault(
                "the daemon that runs is older than this command",
                code="daemon_too_old",
                hint="aimux daemon restart",
            ) from error
        raise
    if facts is None:
        raise SetupFault(
            f"a daemon started and left; see {address.state_dir}/daemon.out",
            code="daemon_not_started",
        )
    return str(facts["url"] or "")
