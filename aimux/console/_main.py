"""The operator's commands: which there are, and what becomes of a fault."""

import importlib
import io
import os
import sys
import traceback
from typing import Final

import click

from aimux import __version__
from aimux.errors import AimuxError, first_leaf
from aimux.files.shipped import build, installation_broken

from ._output import NobodyReads, abandon_output, is_gone, note, prepare_streams, say
from ._screen import DONE, INTERRUPTED

NAME: Final = "aimux"
COMPLETION: Final = "_AIMUX_COMPLETE"  # set by the shell function that click makes
FAULT: Final = 2  # usage, or a fault of ours or of the machine
MAX_MESSAGE_CHARS: Final = 2_000
ALONE: Final = """\
aimux serves MCP, the protocol of editors and agents, to the client that starts it; this is a
terminal. Here you can type:

  aimux demo             one code review, to see it work
  aimux clis             which AI coding CLIs are ready, and what the others need
  aimux run "..."        one prompt, its answer
  aimux setup CLIENT     put aimux into a client's configuration
  aimux --help           all commands
  aimux --stdio          speak MCP here all the same"""
NOBODY_READS: Final = 128 + 13  # SIGPIPE, as a shell counts

# command -> module of this package; the command is the module's attribute of the same name. A
# module is imported when its command is used: each shows and asks with libraries of its own.
COMMANDS: Final = {
    "run": "_run",
    "think": "_think",
    "investigate": "_investigate",
    "agents": "_agents",
    "skills": "_skills",
    "research": "_research",
    "ps": "_jobs",
    "logs": "_jobs",
    "show": "_jobs",
    "attach": "_attach",
    "why": "_why",
    "replay": "_replay",
    "events": "_events",
    "usage": "_usage",
    "answer": "_agents",
    "cancel": "_jobs",
    "kill": "_jobs",
    "sessions": "_jobs",
    "gc": "_jobs",
    "worktrees": "_worktrees",
    "clis": "_clis",
    "doctor": "_doctor",
    "profile": "_profile",
    "config": "_config",
    "dashboard": "_dashboard",
    "setup": "_setup",
    "daemon": "_daemon",
    "completion": "_completion",
    "connect": "_connect",
    "demo": "_demo",
}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names: those of the table in its order, after `run` those made of tools."""
        del ctx
        from ._made import made_commands  # reads the catalogue, which no other command needs

        first, *others = COMMANDS
        made = [each for each in made_commands() if each not in COMMANDS]
        return [first, *made, *others]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed; an unknown one is told with what it is most like."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from aimux.rules import did_you_mean  # only for mistakes

            close = did_you_mean(args[0], self.list_commands(ctx))
            if not close:
                raise
            said = f"{error.message} {close[:1].upper()}{close[1:]}"
            raise click.UsageError(said, ctx) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        del ctx
        module = COMMANDS.get(cmd_name)
        if module is None:
            from ._made import made_command

            return made_command(cmd_name)
        command = getattr(importlib.import_module(f"aimux.console.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    help=(
        "One MCP server and local daemon in front of many AI coding CLIs. Started by a client, "
        "without a command, it serves MCP on stdin and stdout (`aimux setup CLIENT` writes that "
        "into the client's configuration); --stdio does so at a terminal too, --in-process "
        "without the daemon."
    ),
    epilog="Exit codes: 0 done, 1 the job or the check failed, 2 usage or a fault of ours, "
    "130 interrupted, 141 nobody reads the output any more.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, is_asked: _show_version(context) if is_asked else None,
    help="Say which version and build this is, and which revisions of MCP it speaks.",
)
@click.pass_context
def commands(context: click.Context) -> None:
    """The group; sub-commands do the work. Alone, at a terminal, it says what could be typed."""
    if context.invoked_subcommand is None:
        note(ALONE)
        context.exit(FAULT)


def _show_version(context: click.Context) -> None:
    from aimux.protocol import VERSIONS  # only here

    say(f"{NAME}, version {__version__}")
    say(f"build: {build()}")
    say(f"MCP revisions: {', '.join(VERSIONS)}")
    context.exit()


def main() -> None:
    """Run one command and leave with its exit code; nothing ends in a traceback."""
    prepare_streams()
    if os.environ.get(COMPLETION):
        commands()  # a shell asks what could follow
    try:
        code = _run(sys.argv[1:])
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the edge of the process: it ends here
        leaf = first_leaf(error) if isinstance(error, BaseExceptionGroup) else error
        code = _explained(leaf)
    sys.exit(code)


def _run(words: list[str]) -> int:
    # not click's own way: it has other exit codes, and on Windows would expand `*` in a prompt
    with commands.make_context(NAME, words) as context:
        commands.invoke(context)
    return DONE


def _explained(error: BaseException) -> int:
    """Say on stderr why a command ended; its exit code."""
    match error:
        case click.exceptions.Exit():  # after --help
            return error.exit_code
        case click.ClickException():
            quoting = io.StringIO()  # what was typed, which may be anything
            error.show(file=quoting)
            note(_clipped(quoting.getvalue().rstrip("\n")))
            return error.exit_code
        case KeyboardInterrupt() | EOFError() | click.Abort():
            note("interrupted")
            return INTERRUPTED
        case NobodyReads():
            abandon_output()
            return NOBODY_READS
        case AimuxError():
            note(f"aimux: {_clipped(error.message)}")
            if error.hint:
                from ._ways import at_a_terminal  # only here

                note(f"  {at_a_terminal(error.hint)}")
        case OSError() if is_gone(error):  # of what click printed itself
            abandon_output()
            return NOBODY_READS
        case ImportError():
            fault = installation_broken(f"the module {error.name or error}")
            note(f"aimux: {fault.message}")
            note(f"  {fault.hint}")
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            note(f"aimux: {_clipped(where)}{error.strerror or error}")
        case _:
            note(f"aimux: internal fault: {type(error).__name__}: {error}")
            note("  please report it, with what AIMUX_LOG_LEVEL=debug in front of the command adds")
    if os.environ.get("AIMUX_LOG_LEVEL", "").strip().lower() == "debug":
        note("".join(traceback.format_exception(error)).rstrip())
    abandon_output()  # what could not be written would be tried again
    return FAULT


def _clipped(text: str) -> str:
    """A message without the middle of what it quotes, if that is very long."""
    if len(text) <= MAX_MESSAGE_CHARS:
        return text
    half = MAX_MESSAGE_CHARS // 2
    return f"{text[:half]}…{text[-half:]}"
