"""The operator's commands."""

import sys
from functools import partial

import click
import trio
from rich.console import Console

from aimux import __version__
from aimux.errors import AimuxError

from ._daemon import daemon


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "One MCP server and local daemon in front of many AI coding CLIs. Without a command it "
        "serves MCP on stdin and stdout: that is what a client's configuration names."
    ),
)
@click.version_option(__version__, prog_name="aimux")
def commands() -> None:
    """The group; sub-commands do the work."""


commands.add_command(daemon)


@commands.command()
@click.option("--emulated", is_flag=True, help="Use the emulated CLIs even if real ones are there.")
def demo(emulated: bool) -> None:
    """Run one code review with live progress and show where it is kept."""
    from ._demo import run_demo  # each command imports what it shows with

    sys.exit(trio.run(partial(run_demo, Console(), emulated=emulated)))


def main() -> None:
    """Run one command; a fault of ours is one line on stderr, not a traceback."""
    try:
        commands()
    except AimuxError as error:
        click.echo(f"aimux: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(2)
