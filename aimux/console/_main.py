"""The operator's commands: which there are, and what becomes of a fault."""

import importlib
import io
import sys
from typing import Final

import click

from aimux import __version__
from aimux.errors import AimuxError

# command -> module of this package; the command is the module's attribute of the same name. A
# module is imported when its command is used: each shows and asks with libraries of its own.
COMMANDS: Final = {
    "run": "_run",
    "ps": "_jobs",
    "logs": "_jobs",
    "show": "_jobs",
    "cancel": "_jobs",
    "kill": "_jobs",
    "sessions": "_jobs",
    "gc": "_jobs",
    "clis": "_clis",
    "doctor": "_doctor",
    "profile": "_profile",
    "config": "_config",
    "setup": "_setup",
    "daemon": "_daemon",
    "connect": "_connect",
    "demo": "_demo",
}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        del ctx
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(importlib.import_module(f"aimux.console.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "One MCP server and local daemon in front of many AI coding CLIs. Without a command it "
        "serves MCP on stdin and stdout: that is what a client's configuration names "
        "(`aimux setup CLIENT` writes it)."
    ),
    epilog="Exit codes: 0 done, 1 the job or the check failed, 2 usage or a fault of ours, "
    "130 interrupted.",
)
@click.version_option(__version__, prog_name="aimux")
def commands() -> None:
    """The group; sub-commands do the work."""


def main() -> None:
    """Run one command; a fault of ours is one line on stderr, not a traceback."""
    _take_any_character()
    try:
        commands()
    except AimuxError as error:
        click.echo(f"aimux: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(2)


def _take_any_character() -> None:
    """Answers hold any character. A code page does not (Windows, for files and pipes)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")
