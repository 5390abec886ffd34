"""What a client sees of the difference between two configurations."""

from collections.abc import Collection, Mapping, Sequence

from aimux.config import Snapshot

from ._changes import Changed
from .catalog import SCHEME


def compare_snapshots(before: object, after: object) -> Changed:
    """Roles and CLIs that are others than they were, and whether what is wrong has changed.

    The list of resources is another where there is one more or less of them to be read.
    """
    assert isinstance(before, Snapshot)
    assert isinstance(after, Snapshot)
    pairs: Sequence[tuple[str, Mapping[str, object], Mapping[str, object]]] = (
        ("roles", before.roles, after.roles),
        ("clis", before.profiles, after.profiles),
    )
    uris = {f"{SCHEME}{kind}/{name}" for kind, old, new in pairs for name in _differing(old, new)}
    if uris or before.settings != after.settings or before.problems != after.problems:
        uris.add(f"{SCHEME}health")
    is_other_list = any(old.keys() != new.keys() for _, old, new in pairs)
    return Changed(lists=frozenset({"resources"} if is_other_list else ()), uris=frozenset(uris))


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> Collection[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]
