"""Keys that were renamed: the old name still works, with a warning that names the new one.

This is the one place that knows old names. A value is moved to its new key before anything else is
decided, so that layers, origins and faults know no other. Within one layer a value of the new name
wins over one of the old.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from ._merge import paths
from ._shape import Kind

ALIASES: Final = {  # old -> new, in the same section of the top level
    "server.max_jobs_per_cli": "server.max_turns_per_cli",
    "server.max_jobs_per_client": "server.max_turns_per_client",
    "consensus.timeout_per_turn": "consensus.timeout_per_turn_seconds",
    "debate.timeout_per_turn": "debate.timeout_per_turn_seconds",
    "dialog.timeout_per_turn": "dialog.timeout_per_turn_seconds",
}

Warn = Callable[[str, str], None]  # old path, message


def with_aliases(keys: Mapping[str, Kind]) -> dict[str, Kind]:
    """Every name a setting may be given under, with its type."""
    return {**keys, **{old: keys[new] for old, new in ALIASES.items()}}


def keys_in(raw: object) -> Collection[str]:
    """The dotted keys that a file sets."""
    return set(paths(raw)) if isinstance(raw, Mapping) else ()


def rename(raw: object, given: Collection[str], warn: Warn) -> tuple[object, Mapping[str, str]]:
    """The tree under new names only, and from which old name each new one came.

    `given` are the keys that the whole layer sets: `raw` may be one part of it.
    """
    moved: dict[str, str] = {}
    if not isinstance(raw, Mapping):
        return raw, moved
    tree = dict(raw)  # files are read once for many clients
    for old, new in ALIASES.items():
        section, _, name = old.partition(".")
        part = tree.get(section)
        if not isinstance(part, Mapping) or name not in part:
            continue
        rest = {key: value for key, value in part.items() if key != name}
        if new in given:
            warn(old, f"an old name, and without effect beside {new}")
        else:
            warn(old, f"an old name, the key is {new} now")
            rest[new.partition(".")[2]] = part[name]
            moved[new] = old
        tree[section] = rest
    return tree, moved
