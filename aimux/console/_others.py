"""What the Go server of the same name has left where ours looks, and what it means here.

Both have their files under the same names. Ours reads its settings, profiles and prompts as far as
they mean something here, and leaves its store and log alone (docs/guide/migrating.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from aimux.config import Snapshot
from aimux.files.yaml import YamlFault, YamlReader
from aimux.model import Source

PAGE: Final = "docs/guide/migrating.md says what differs"
SECTIONS: Final = ("audit", "pair", "consensus", "debate", "research", "think")  # of `server`
KINDS: Final = ("roles", "snippets", "styles")  # of prompts, which ours looks for by directory
TEXTS: Final = frozenset({".md", ".txt"})
TIMEOUT: Final = "server.default_timeout_seconds"
SHIPPED_TIMEOUT_S: Final = 300  # in its settings file, where nothing read it
SHOWN: Final = 5


@attrs.frozen
class Trace:
    """One thing that is there, and what to do about it if anything."""

    said: str
    remedy: str = ""


def find_traces(snapshot: Snapshot, foreign: Sequence[Path], cwd: Path) -> list[Trace]:
    """Everything of the Go server that is in the way or means something else here."""
    user = snapshot.paths.user
    reader = YamlReader()
    files = [
        *(Trace(f"{each} is another program's and left as it is") for each in foreign),
        *_settings(snapshot, reader),
        *_profiles(user / "cli.d", reader),
        *_prompts(user / "prompts.d"),
        *_elsewhere(user, cwd),
    ]
    if not files:
        return []
    without_role = Trace(
        "a call without a role only reads here", "name a role that writes, or mode=write"
    )
    return [*files, *_timeout(snapshot), without_role]


def _read(path: Path, reader: YamlReader) -> Mapping[str, object]:
    try:
        data = reader.read(path).data
    except YamlFault:
        return {}
    return data if isinstance(data, dict) else {}


def _settings(snapshot: Snapshot, reader: YamlReader) -> Iterator[Trace]:
    path = snapshot.paths.user / "default.yaml"
    server = _read(path, reader).get("server")
    found = [name for name in SECTIONS if isinstance(server, Mapping) and name in server]
    if found:
        keys = ", ".join(f"server.{name}" for name in found)
        yield Trace(f"{path}: {keys} have no effect there: such sections stand beside server", PAGE)


def _timeout(snapshot: Snapshot) -> Iterator[Trace]:
    origin = snapshot.origins.get(TIMEOUT)
    value = snapshot.settings.server.default_timeout_seconds
    if origin is not None and origin.source is Source.USER and value == SHIPPED_TIMEOUT_S:
        yield Trace(
            f"default_timeout_seconds: 300 has an effect here: a job that names no limit of its "
            f"own ends after five minutes @ {origin}",
            "take the line out: an hour is the default",
        )


def _profiles(root: Path, reader: YamlReader) -> Iterator[Trace]:
    found = []
    for path in _below(root, "*/profile.yaml"):
        command = _read(path, reader).get("command")
        if isinstance(command, Mapping) and "args_template" in command:
            found.append(path.parent.name)
    if found:
        names = ", ".join(found)
        yield Trace(
            f"{root}: profiles for {names} are laid over the shipped ones, args_template left out",
            "remove those that change nothing: the shipped ones are measured on real CLIs",
        )


def _prompts(root: Path) -> Iterator[Trace]:
    """It takes a text by its file name, wherever it lies; ours by its directory."""
    unread = [
        str(path.relative_to(root))
        for path in _below(root, "**/*")
        if path.suffix in TEXTS
        and not (path.parent.parent == root and path.parent.name in KINDS)
        and path.is_file()
    ]
    if unread:
        more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        shown = ", ".join(unread[:SHOWN])
        yield Trace(
            f"{root}: not read here: {shown}{more}",
            f"move roles to roles/, included texts to snippets/, styles to styles/ of {root}",
        )


def _elsewhere(user: Path, cwd: Path) -> Iterator[Trace]:
    """It also looks for `config/` where it is started."""
    place = cwd / "config"
    try:
        is_there = (place / "cli.d").is_dir() and (place / "default.yaml").is_file()
        if is_there and not (user.exists() and place.samefile(user)):
            yield Trace(
                f"{place} is not read here", f"AIMUX_CONFIG_DIR={place}, or copy it to {user}"
            )
    except OSError:
        return


def _below(root: Path, pattern: str) -> list[Path]:
    try:
        return sorted(root.glob(pattern))
    except OSError:
        return []
