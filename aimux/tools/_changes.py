"""What changes in files while nobody calls: found by looking, told to those who watch.

Theory of operation. A `FileSource` is something of a client's that files decide: its configuration,
its prompts. `view` reads every source; each is remembered by the facts of its files, so that a look
at what stands costs a `stat` for each. `compare` says which lists and which resources differ
between two looks. Nothing is kept here: who watches holds the look before.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import attrs

from aimux.config import Snapshot

from ._calls import Client
from ._context import ToolContext
from .catalog import SCHEME


@attrs.frozen(kw_only=True)
class Changed:
    """The lists (tools, prompts, resources) that are not what they were, and the resources."""

    lists: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class FileSource:
    """Something of a client's that files decide.

    `read` gives it as it is now, the same object while no file changed; `compare` says what a
    client sees of the difference between two of them. It is not asked about one and the same.
    """

    name: str
    read: Callable[[Client], Awaitable[object]]
    compare: Callable[[object, object], Changed]


Views = Mapping[str, object]  # by the name of the source


class Changes:
    """Everything that is looked at. Cancelled or not, a look reads files to their end."""

    def __init__(self, context: ToolContext) -> None:
        self._sources: dict[str, FileSource] = {}
        self.register(
            FileSource(
                name="configuration", read=context.engine.config.snapshot, compare=compare_snapshots
            )
        )

    def __repr__(self) -> str:
        return f"<Changes: {', '.join(self._sources)}>"

    def register(self, source: FileSource) -> None:
        """Views at one more; the name is its own."""
        assert source.name not in self._sources
        self._sources[source.name] = source

    async def view(self, client: Client) -> Views:
        """Every source as it is for a client."""
        return {name: await source.read(client) for name, source in self._sources.items()}

    def compare(self, before: Views, after: Views) -> Changed:
        """What a client sees of the difference; a source that was not looked at before is none."""
        found = [
            source.compare(before[name], after[name])
            for name, source in self._sources.items()
            if name in before and before[name] is not after[name]
        ]
        return Changed(
            lists=frozenset[str]().union(*(each.lists for each in found)),
            uris=frozenset[str]().union(*(each.uris for each in found)),
        )


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
