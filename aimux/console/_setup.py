"""`aimux setup`: the MCP configuration of a client, shown or written, with a way back.

Each client is a row of `CLIENTS`: where its file is, under which key servers stand, and what one
server looks like. Timeouts are in the client's own unit, and long enough that aimux hands a job
over (45 s) before the client gives up on the call.
"""

import codecs
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import click
import orjson

from aimux.config import home_dir
from aimux.errors import SetupFault
from aimux.shim.command import own_command

from ._jsonc import parse, with_value
from ._output import note, say

NAME: Final = "aimux"
CALL_S: Final = 300  # for one call: most clients cut at 60
CLINE_STORAGE: Final = "Code/User/globalStorage/saoudrizwan.claude-dev"
START_S: Final = 30  # for the first answer of a machine under load

# the longer first: one begins like the other
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"", "utf-8"),
)

Json = dict[str, object]
Entry = Callable[[Sequence[str]], Json]


@attrs.frozen(kw_only=True)
class ClientKind:
    """One client, and the files where it looks for servers.

    `paths` are tried in order, the first is made if none exists; `~` is the home, `{config}` the
    directory where desktop programs keep settings.
    """

    title: str
    paths: Sequence[str]
    keys: Sequence[str]  # where the servers stand in the file
    entry: Entry
    hint: str = ""

    @property
    def is_toml(self) -> bool:
        """TOML instead of JSON."""
        return self.paths[0].endswith(".toml")


def _plain(command: Sequence[str]) -> Json:
    return {"command": command[0], "args": list(command[1:])}


def _with(**more: object) -> Entry:
    return lambda command: {**_plain(command), **more}


def _opencode(command: Sequence[str]) -> Json:
    return {
        "type": "local",
        "command": list(command),
        "enabled": True,
        "timeout": CALL_S * 1000,
    }


CLIENTS: Final[Mapping[str, ClientKind]] = {
    "claude-code": ClientKind(
        title="Claude Code",
        paths=("~/.claude.json",),
        keys=("mcpServers",),
        # no timeout: its own for a call over stdio is longer than any job, and one given here
        # would not be extended by progress
        entry=lambda command: {"type": "stdio", **_plain(command)},
        hint="the same with its own command: claude mcp add -s user aimux -- aimux",
    ),
    "codex": ClientKind(
        title="Codex",
        paths=("~/.codex/config.toml",),
        keys=("mcp_servers",),
        entry=_with(startup_timeout_sec=START_S, tool_timeout_sec=CALL_S),
        hint="Codex passes few variables on: name the keys your CLIs need in env_vars",
    ),
    "gemini": ClientKind(
        title="Gemini CLI",
        paths=("~/.gemini/settings.json",),
        keys=("mcpServers",),
        entry=_with(timeout=CALL_S * 1000),
    ),
    "cursor": ClientKind(
        title="Cursor",
        paths=("~/.cursor/mcp.json",),
        keys=("mcpServers",),
        entry=_plain,
    ),
    "vscode": ClientKind(
        title="VS Code",
        paths=("{config}/Code/User/mcp.json",),
        keys=("servers",),
        entry=lambda command: {"type": "stdio", **_plain(command)},
    ),
    "cline": ClientKind(
        title="Cline",
        paths=(
            f"{{config}}/{CLINE_STORAGE}/settings/cline_mcp_settings.json",
            "~/.cline/data/settings/cline_mcp_settings.json",
        ),
        keys=("mcpServers",),
        entry=_with(timeout=CALL_S, disabled=False),
    ),
    "opencode": ClientKind(
        title="OpenCode",
        paths=("~/.config/opencode/opencode.json", "~/.config/opencode/opencode.jsonc"),
        keys=("mcp",),
        entry=_opencode,
    ),
}


@click.command(
    epilog="""\b
Examples:
  aimux setup claude-code            # show what would be written, and where
  aimux setup codex --write          # write it; the file as it was is kept beside it
  aimux setup codex --undo           # put that back"""
)
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--write", "action", flag_value="write", help="Edit the file, after a backup.")
@click.option("--undo", "action", flag_value="undo", help="Put the latest backup back.")
@click.option("--dry-run", "action", flag_value="show", default="show", help="Only show (default).")
@click.option(
    "--file", "given", type=click.Path(dir_okay=False, path_type=Path),
    help="The client's file, if it is not in the usual place.",
)  # fmt: skip
def setup(client: str, action: str, given: Path | None) -> None:
    """Show or write the MCP configuration of CLIENT.

    Without an option it only shows the block and the file it belongs to. Comments, layout and
    encoding of the file stay as they are.
    """
    kind = CLIENTS[client]
    try:
        path = (given or find_file(kind, os.environ)).resolve()
        is_there = path.exists()
    except (OSError, RuntimeError) as error:  # too long, not to be seen, a circle of links
        raise SetupFault(f"the file of {kind.title} cannot be looked at: {error}") from error
    if action == "undo":
        kept = undo(path)
        say(f"{path}: as it was, from {kept}")
        return
    if action == "show":
        say(edited(kind, "", client_command(), path), nl=False)
        note(f"{'change' if is_there else 'make'} {path}: aimux setup {client} --write")
        if kind.hint:
            note(kind.hint)
        return
    before, mark, encoding = read(path)
    after = edited(kind, before, client_command(), path)
    if before == after:
        say(f"{path}: nothing to do")
    else:
        saved = write(path, mark + encoded(after, encoding))
        say(f"wrote {path}" + (f"; as it was: {saved}" if saved else ""))
        note(f"restart {kind.title}; to take it back: aimux setup {client} --undo")
    if kind.hint:
        note(kind.hint)


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


def find_file(kind: ClientKind, env: Mapping[str, str]) -> Path:
    """The client's file, or where it would be."""
    home = home_dir(env)
    if sys.platform == "darwin":
        config = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        config = Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    else:
        config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    places = [
        Path(each.replace("{config}", str(config)).replace("~", str(home), 1))
        for each in kind.paths
    ]
    return next((place for place in places if place.exists()), places[0])


def edited(kind: ClientKind, text: str, command: Sequence[str], path: Path) -> str:
    """The file's text with our server in it; everything else says what it said.

    Raises:
        SetupFault: it cannot be read as what it should be; nothing is lost, edit it by hand.
    """
    make = _toml if kind.is_toml else _json
    try:
        return make(kind, text, command)
    except (ValueError, TypeError) as error:  # TypeError: our own path is not UTF-8
        raise SetupFault(
            f"{path} cannot be edited: {error}",
            code="client_config_unreadable",
            hint="add the block of `aimux setup` by hand",
        ) from error


def _json(kind: ClientKind, text: str, command: Sequence[str]) -> str:
    tree = parse(text).value
    servers: dict[str, object] = {"": tree}
    for key in ("", *kind.keys):
        found = servers.get(key, {})
        if not isinstance(found, dict):
            raise ValueError(f"{key or 'the whole'} is not an object")  # noqa: TRY004  # of the file's text
        servers = found
    known, entry, path = servers.get(NAME), kind.entry(command), [*kind.keys, NAME]
    after, wanted = text, dict(entry)
    if isinstance(known, dict):
        wanted = {**known, **entry}
        for key, value in entry.items():
            after = with_value(after, [*path, key], value)
    else:
        after = with_value(after, path, entry)
    for key in reversed(path):
        wanted = {key: wanted}
    if parse(after).value != _merged(tree, wanted):
        raise ValueError(f"{'.'.join(path)} is written in a way that is not understood")
    return after


def _merged(tree: object, more: object) -> object:
    if not isinstance(tree, dict) or not isinstance(more, dict):
        return more
    return {**tree, **{key: _merged(tree.get(key), value) for key, value in more.items()}}


def _toml(kind: ClientKind, text: str, command: Sequence[str]) -> str:
    tree = tomllib.loads(text)
    (key,) = kind.keys
    servers = tree.get(key, {})
    if not isinstance(servers, dict) or not isinstance(servers.get(NAME, {}), dict):
        raise ValueError(f"{key} is not a table")  # noqa: TRY004  # of the file's text
    entry = kind.entry(command)
    wanted = {**servers.get(NAME, {}), **entry}
    if servers.get(NAME) == wanted:
        return text
    # a JSON string, number or list of strings is the same in TOML
    lines = [f"{name} = {orjson.dumps(value).decode()}" for name, value in entry.items()]
    after = _with_table(text, f"[{key}.{NAME}]", lines, dropped=entry)
    if tomllib.loads(after) != {**tree, key: {**servers, NAME: wanted}}:
        raise ValueError(f"{key}.{NAME} is written in a way that is not understood")
    return after


def _with_table(text: str, head: str, lines: Sequence[str], *, dropped: Container[str]) -> str:
    """The text with `lines` first in the table of that head, and without its `dropped` keys."""
    ends = "\r\n" if "\r\n" in text else "\n"
    before = text.removesuffix(ends).split(ends) if text else []
    if head not in before:
        return ends.join([*before, *([""] if before else []), head, *lines, ""])
    start = before.index(head) + 1
    rest = before[start:]
    end = next((n for n, line in enumerate(rest) if line.lstrip().startswith("[")), len(rest))
    kept = [line for line in rest[:end] if line.partition("=")[0].strip() not in dropped]
    return ends.join([*before[:start], *lines, *kept, *rest[end:], ""])


def decoded(data: bytes) -> tuple[str, bytes, str]:
    """A file's text, the mark that it begins with, and its encoding.

    Raises:
        ValueError: it is not UTF-8, nor does a mark say what it is.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding), mark, encoding
    raise AssertionError("every file begins with nothing")


def encoded(text: str, encoding: str) -> bytes:
    """A file's text as bytes. Raises SetupFault: our own path cannot be written so."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise SetupFault(
            "the path of aimux is not UTF-8, so a client's file cannot name it",
            hint="install it elsewhere",
        ) from error


def read(path: Path) -> tuple[str, bytes, str]:
    """What `decoded` finds in a file; nothing in one that is not there.

    Raises:
        SetupFault: it cannot be read.
    """
    try:
        return decoded(path.read_bytes())
    except FileNotFoundError:
        return decoded(b"")
    except OSError as error:
        raise SetupFault(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SetupFault(
            f"{path} is in an encoding that is not known: {error}",
            code="client_config_unreadable",
            hint="save it as UTF-8, or add the block of `aimux setup` by hand",
        ) from error


def write(path: Path, data: bytes) -> Path | None:
    """Put `data` in the file's place at once, and say where the old one is; None if there was none.

    The file keeps its mode. Raises SetupFault: it cannot be written.
    """
    saved: Path | None = None
    fresh = path.with_name(f".{path.name}.{os.getpid()}.aimux")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_bytes(data)
        if path.exists():
            shutil.copymode(path, fresh)
            saved = path.with_name(f"{path.name}.aimux-backup-{len(_backups(path)) + 1}")
            shutil.copy2(path, saved)
        fresh.replace(path)
    except OSError as error:
        raise SetupFault(f"{path} cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return saved


def undo(path: Path) -> Path:
    """Put the latest backup back and drop it; its path. Raises SetupFault: there is none."""
    backups = _backups(path)
    if not backups:
        raise SetupFault(f"{path}: aimux keeps no backup of it", code="no_backup")
    backups[-1].replace(path)
    return backups[-1]


def _backups(path: Path) -> list[Path]:
    """Oldest first."""
    marked = f"{path.name}.aimux-backup-"
    found = [each for each in path.parent.glob("*") if each.name.startswith(marked)]
    return sorted(found, key=lambda each: int(each.name.removeprefix(marked)))
