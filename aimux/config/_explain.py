"""Each value in effect with the file or variable it is from: `aimux config show --origin`."""

import enum
from collections.abc import Iterator, Mapping

import attrs

from ._layers import BUILT_IN
from ._load import Snapshot
from ._merge import Origin

HIDDEN = "***"  # in place of a secret


@attrs.frozen(kw_only=True)
class Row:
    """One key. `origin` names the layer (shipped, user, project, environment, flag)."""

    key: str
    value: object
    origin: str
    where: str


def explain(snapshot: Snapshot) -> list[Row]:
    """Every key with the value in effect, sections in the order of `default.yaml`.

    Role overrides of the environment are shown as the role's values; secrets are not shown.
    """
    rows = [
        Row(key=key, value=_shown(key, value), origin=_layer(origin), where=str(origin))
        for key, value in _leaves(attrs.asdict(snapshot.settings, recurse=True))
        for origin in [_origin(snapshot, key)]
    ]
    for role, route in sorted(snapshot.overrides.items()):
        parts = {"cli": route.cli, "model": route.model, "reasoning_effort": route.effort}
        keys = {f"roles.{role}.{part}": value for part, value in parts.items()}
        rows = [each for each in rows if each.key not in keys]
        rows += [
            Row(key=key, value=value, origin="environment", where=route.why)
            for key, value in keys.items()
        ]
    rows += [
        Row(
            key=f"profiles.{name}",
            value=profile.binary,
            origin=_of(snapshot, profile.origin),
            where=profile.origin,
        )
        for name, profile in snapshot.profiles.items()
    ]
    rows += [
        Row(
            key=f"prompts.{id_}",
            value=f"{len(prompt.text)} characters",
            origin=prompt.source.name.lower(),
            where=prompt.origin,
        )
        for id_, prompt in sorted(snapshot.prompts.items())
    ]
    return rows


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _origin(snapshot: Snapshot, key: str) -> Origin:
    while key:
        if key in snapshot.origins:
            return snapshot.origins[key]
        key = key.rpartition(".")[0]
    return BUILT_IN


def _layer(origin: Origin) -> str:
    return origin.source.name.lower()


def _of(snapshot: Snapshot, path: str) -> str:
    return "shipped" if path.startswith(str(snapshot.paths.shipped)) else "user"


def _shown(key: str, value: object) -> object:
    if key == "server.auth_token" and value:
        return HIDDEN
    return value.value if isinstance(value, enum.Enum) else value
