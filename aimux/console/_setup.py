"""`aimux setup`: the MCP configuration of a client, shown or written, with a way back."""

import difflib
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from aimux.errors import SetupFault
from aimux.shim.command import own_command

from ._client_files import UNREADABLE, FileText, backups, read, remove, restore, write
from ._client_formats import FORMATS, entry_of, is_same_without, with_entry, without_entry
from ._clients import CLIENTS, NAME, ClientKind, find_file
from ._output import note, say, table
from ._table import Column

COLUMNS = ("client", "state", Column("file", flex=12, keeps_end=True), Column("known by", drop=1))


@click.command(
    epilog="""\b
Examples:
  aimux setup --list                 # the clients, their files, and how we know them
  aimux setup claude-code            # show the block, and where it belongs
  aimux setup codex --dry-run        # what --write would change in the file, as a diff
  aimux setup codex --write          # write it; the file as it was is kept beside it
  aimux setup codex --undo           # put that back
  aimux setup --links                # links that install it in the clients that take them"""
)
@click.argument("client", type=click.Choice(list(CLIENTS)), required=False, metavar="[CLIENT]")
@click.option("--write", is_flag=True, help="Edit the file, after a backup.")
@click.option("--undo", is_flag=True, help="Put the file back as it was.")
@click.option("--dry-run", is_flag=True, help="Show what --write would change.")
@click.option("--links", is_flag=True, help="Print links that install it.")
@click.option("--list", is_flag=True, help="List the clients and their files.")
@click.option(
    "--file", "given", type=click.Path(dir_okay=False, path_type=Path),
    help="The client's file, if it is not in the usual place.",
)  # fmt: skip
def setup(client: str | None, given: Path | None, **chosen: bool) -> None:
    """Show or write the MCP configuration of CLIENT.

    `aimux setup --list` names the clients. Without an option it only shows the block and the file
    it belongs to. Comments, layout, order and encoding of the file stay as they are.
    """
    actions = [name.replace("_", "-") for name, is_on in chosen.items() if is_on]
    if len(actions) > 1:
        raise click.UsageError(f"--{actions[0]} and --{actions[1]} are two things: give one")
    action = actions[0] if actions else None
    if given is not None and action in {"list", "links"}:
        raise click.UsageError(f"--file says nothing to --{action}")
    if action == "list" or (client is None and action is None and given is None):
        _list([client] if client is not None else list(CLIENTS))
        return
    if action == "links":
        _links(client)
        return
    if client is None:
        raise click.UsageError(f"which client? One of {', '.join(CLIENTS)}")
    kind = CLIENTS[client]
    path = _path_of(kind, given)
    match action:
        case "undo":
            _undo(kind, path)
        case "dry-run":
            _diff(client, kind, path)
        case "write":
            _write(client, kind, path)
        case _:
            is_there = path.exists()
            say(edited(kind, "", client_command(), path), nl=False)
            note(f"{'change' if is_there else 'make'} {path}: aimux setup {client} --write")
            _hint(kind)


def _path_of(kind: ClientKind, given: Path | None) -> Path:
    """The client's file, links followed: it is what they lead to that is edited."""
    try:
        path = (given or find_file(kind, os.environ)).resolve()
        path.exists()
    except SetupFault as fault:  # there is no home; the state directory is not what helps here
        raise SetupFault(
            fault.message, code=fault.code, hint="set HOME, or name the client's file with --file"
        ) from fault
    except (OSError, RuntimeError) as error:  # too long, not to be seen, a circle of links
        raise SetupFault(f"the file of {kind.title} cannot be looked at: {error}") from error
    return path


def _hint(kind: ClientKind) -> None:
    if kind.hint:
        note(kind.hint.replace("{command}", shlex.join(client_command())))


def _list(names: Sequence[str]) -> None:
    rows: list[list[object]] = []
    for name in names:
        kind = CLIENTS[name]
        path = _path_of(kind, None)
        rows.append([name, _state_of(kind, path), path, kind.known_by])
    table(COLUMNS, rows)


def _state_of(kind: ClientKind, path: Path) -> str:
    """What there is of us in a client's file, in a word."""
    try:
        before = read(path)
        if before.data is None:
            return "no file"
        is_ours = entry_of(FORMATS[kind.format].meaning(before.text), [*kind.keys, NAME])
    except (SetupFault, ValueError):
        return "unreadable"
    return "set up" if is_ours is not None else "not set up"


def _links(client: str | None) -> None:
    chosen = [client] if client is not None else list(CLIENTS)
    linked = {name: CLIENTS[name].link for name in chosen}
    if not any(linked.values()):
        have = ", ".join(name for name, kind in CLIENTS.items() if kind.link is not None)
        raise SetupFault(f"{client} takes no links", code="no_link", hint=f"{have} do; try --write")
    for name, link in linked.items():
        if link is not None:
            say(f"{name}: {link(CLIENTS[name].entry(client_command()))}")


def _diff(client: str, kind: ClientKind, path: Path) -> None:
    before = read(path)
    after = edited(kind, before.text, client_command(), path)
    if before.text == after:
        say(f"{path}: nothing to do")
        return
    lines = difflib.unified_diff(
        before.text.splitlines(keepends=True),
        after.splitlines(keepends=True),
        fromfile=str(path) if before.data is not None else os.devnull,
        tofile=str(path),
    )
    for line in lines:
        whole = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        say(whole.replace("\r\n", "\n"), nl=False)
    note(f"nothing was written: aimux setup {client} --write")


def _write(client: str, kind: ClientKind, path: Path) -> None:
    before = read(path)
    after = edited(kind, before.text, client_command(), path)
    if before.data is not None and before.text == after:
        say(f"{path}: nothing to do")
    else:
        saved = write(path, before, after)
        say(f"wrote {path}" + (f"; as it was: {saved}" if saved else ""))
        note(f"restart {kind.title}; to take it back: aimux setup {client} --undo")
    _hint(kind)


def _undo(kind: ClientKind, path: Path) -> None:
    """The file as it was before our last edit; if others have edited it since, our entry alone."""
    keys = [*kind.keys, NAME]
    kept = backups(path)
    now = read(path)
    try:
        if not kept:
            _undo_made(kind, path, now)
            return
        old = read(kept[-1])
        if now.data is None or is_same_without(kind.format, old.text, now.text, keys):
            restore(path, kept[-1])
            say(f"{path}: as it was, from {kept[-1]}")
            return
        known = entry_of(FORMATS[kind.format].meaning(old.text), keys)
        bare = without_entry(kind.format, now.text, keys)
        after = with_entry(kind.format, bare, keys, known) if isinstance(known, dict) else bare
    except ValueError as error:
        raise SetupFault(
            f"{path} cannot be edited: {error}",
            code=UNREADABLE,
            hint=f"the file as it was: {kept[-1]}" if kept else "take aimux out of it by hand",
        ) from error
    if after == now.text:
        raise SetupFault(
            f"{path} was changed since, and aimux is not in it",
            code="no_backup",
            hint=f"the file as it was: {kept[-1]}",
        )
    write(path, now, after, keep=False)
    what = "our older entry was put back" if isinstance(known, dict) else "aimux was taken out"
    say(f"{path}: changed since, so only {what}; as it was: {kept[-1]}")


def _undo_made(kind: ClientKind, path: Path, now: FileText) -> None:
    """Take back what was written where there was no file."""
    keys = [*kind.keys, NAME]
    if now.data is None or entry_of(FORMATS[kind.format].meaning(now.text), keys) is None:
        raise SetupFault(f"{path}: aimux keeps no backup of it, and is not in it", code="no_backup")
    if is_same_without(kind.format, now.text, "", keys):
        remove(path)
        say(f"{path}: removed, as it held nothing else")
        return
    write(path, now, without_entry(kind.format, now.text, keys), keep=False)
    say(f"{path}: aimux was taken out")


def client_command() -> list[str]:
    """How a client starts this installation: by whole paths, for desktop programs lack our PATH."""
    running = Path(sys.argv[0])
    # PATH as far as it does not depend on where we stand: a project may have an aimux too
    places = os.pathsep.join(each for each in os.get_exec_path() if Path(each).is_absolute())
    is_script = running.stem == NAME and len(running.parts) > 1
    script = shutil.which(running) if is_script else shutil.which(NAME, path=places)
    if script and (is_script or Path(script).is_absolute()):
        return [str(Path(script).absolute())]
    return own_command()


def edited(kind: ClientKind, text: str, command: Sequence[str], path: Path) -> str:
    """The file's text with our server in it; everything else says what it said.

    Raises:
        SetupFault: it cannot be read as what it should be; nothing is lost, edit it by hand.
    """
    try:
        return with_entry(kind.format, text, [*kind.keys, NAME], kind.entry(command))
    except (ValueError, TypeError) as error:  # TypeError: our own path is not UTF-8
        raise SetupFault(
            f"{path} cannot be edited: {error}",
            code=UNREADABLE,
            hint="add the block of `aimux setup` by hand",
        ) from error
