"""The queue of turns that have no slot: in which order they stand, and who is first.

Clients take turns; within a client it is first come first served. A client's turns stand in lines,
one for each CLI, those of active root jobs apart from the others: whatever keeps a turn from its
slot keeps its whole line, so finding who is first looks at the heads of lines only.
"""

import enum
import itertools
from collections.abc import Callable
from typing import TypeVar

import attrs

K = TypeVar("K")


@attrs.frozen(kw_only=True)
class SlotRequest:
    """One turn that wants to run."""

    key: str  # unique among the turns that wait or run: "job_.../3"
    cli: str
    client: str
    root: str  # the root job whose turn, or whose descendant's turn, this is
    lender: str = ""  # key of the running turn whose CLI called for this one


class TurnState(enum.Enum):
    """What a turn has."""

    WAITING = enum.auto()
    RUNNING = enum.auto()
    MOVING = enum.auto()
    BORROWING = enum.auto()


@attrs.define(eq=False, kw_only=True)
class Turn:
    """A turn that is known; only its ledger changes it."""

    request: SlotRequest
    number: int  # order of waiting
    cli: str  # the share it has, or waits for
    state: TurnState = TurnState.WAITING
    in_active: bool = False  # its line is one of active roots


Line = dict[str, Turn]  # key -> turn, in order of waiting


@attrs.define(eq=False)
class SlotQueue:
    """The turns that wait for a slot of their own."""

    _lines: dict[str, dict[tuple[str, bool], Line]] = attrs.field(factory=dict, init=False)
    """Client -> CLI and whether the root is active -> line. Clients stand in the order of turns."""
    _inactive: dict[str, Line] = attrs.field(factory=dict, init=False)  # by root

    def __len__(self) -> int:
        return sum(map(_length, self._lines.values()))

    @property
    def inactive_roots(self) -> int:
        """How many roots wait that are not active."""
        return len(self._inactive)

    def add(self, turn: Turn, *, is_active: bool) -> int:
        """At the end of its client's turns; the turn's number in the queue, from 1."""
        request = turn.request
        turn.in_active = is_active
        lines = self._lines.setdefault(request.client, {})
        lines.setdefault((turn.cli, is_active), {})[request.key] = turn
        if not is_active:
            self._inactive.setdefault(request.root, {})[request.key] = turn
        return self._last(request.client)

    def remove(self, turn: Turn) -> None:
        """The turn waits no longer."""
        request = turn.request
        lines = self._lines[request.client]
        remove(lines, (turn.cli, turn.in_active), request.key)
        if not lines:
            del self._lines[request.client]
        remove(self._inactive, request.root, request.key)

    def activate(self, root: str) -> None:
        """The root is active: its turns stand among those of active roots, by order of waiting."""
        for key, turn in self._inactive.pop(root, {}).items():
            lines = self._lines[turn.request.client]
            remove(lines, (turn.cli, False), key)
            turn.in_active = True
            line = lines.get((turn.cli, True), {}) | {key: turn}
            lines[turn.cli, True] = dict(sorted(line.items(), key=lambda each: each[1].number))

    def first(
        self,
        *,
        has_client_share: Callable[[str], bool],
        has_cli_share: Callable[[str], bool],
        has_root: bool,
    ) -> Turn | None:
        """Whose turn it is among those whose client and CLI have a share left.

        Without `has_root` only turns of active roots count.
        """
        for client, lines in self._lines.items():
            if not has_client_share(client):
                continue
            heads = [
                next(iter(line.values()))
                for (cli, is_active), line in lines.items()
                if (is_active or has_root) and has_cli_share(cli)
            ]
            if heads:
                return min(heads, key=lambda each: each.number)
        return None

    def rotate(self, client: str) -> None:
        """The client had its turn: the next one comes after everybody else's."""
        if client in self._lines:
            self._lines[client] = self._lines.pop(client)

    def keys(self) -> list[str]:
        """All keys as turns are taken now: one of each client in turn."""
        rows = [
            sorted((turn.number, key) for line in lines.values() for key, turn in line.items())
            for lines in self._lines.values()
        ]
        ranks = itertools.zip_longest(*rows)
        return [each[1] for each in itertools.chain.from_iterable(ranks) if each is not None]

    def _last(self, client: str) -> int:
        """The number of the client's last turn, as `keys` has it."""
        counts = {each: _length(lines) for each, lines in self._lines.items()}
        mine = counts[client]
        number, is_before = 0, True
        for each, count in counts.items():
            number += min(count, mine if is_before else mine - 1)
            is_before = is_before and each != client
        return number


def remove(lines: dict[K, Line], name: K, key: str) -> None:
    """Take a turn out of its line, if it is there, and an empty line out of the lines."""
    line = lines.get(name, {})
    line.pop(key, None)
    if name in lines and not line:
        del lines[name]


def _length(lines: dict[tuple[str, bool], Line]) -> int:
    return sum(map(len, lines.values()))
