"""What a tool may say to the client of one call while it works."""

from collections.abc import Mapping

import attrs

from aimux.protocol import Called, Json, Peer, Phase
from aimux.tools import Caller, Reach

from ._input_requests import InputRequests
from ._outbox import Outbox
from ._roots import METHOD, ClientRoots


@attrs.frozen(eq=False)
class ClientLink:
    """The ways to one client, which all its calls share."""

    peer: Peer
    outbox: Outbox
    input_requests: InputRequests
    roots: ClientRoots = attrs.field(
        default=attrs.Factory(lambda self: ClientRoots(self.input_requests), takes_self=True)
    )


class SessionCaller(Caller):
    """The client behind one call of a session."""

    __slots__ = ("_called", "_count", "_link", "_meta")

    def __init__(self, link: ClientLink, called: Called, meta: Json | None = None) -> None:
        """`meta` goes with every request to the client."""
        self._link = link
        self._called = called
        self._meta = meta
        self._count = 0

    @property
    def wants_progress(self) -> bool:
        """Whether the call brought a progress token."""
        return self._called.progress_token is not None

    def progress(self, message: str) -> None:
        """Tell one more step; dropped if the client is behind."""
        self._count += 1
        link = self._link
        told = link.peer.progress(self._called.call_id, self._count, None, message)
        link.outbox.push_droppable(told)

    def log(self, level: str, data: object) -> None:
        """Tell a log message; dropped if the client is behind or does not want it."""
        link = self._link
        link.outbox.push_droppable(link.peer.log(level, data, "aimux", self._called.call_id))

    @property
    def reach(self) -> Reach:
        """Whether and how a question gets to the person, with what the client declared."""
        has_questions = self._called.revision.has("elicitation")
        return self._reach("elicitation/create") if has_questions else Reach.NOBODY

    @property
    def roots_reach(self) -> Reach:
        """Whether and how the client can be asked for its roots."""
        return self._reach(METHOD)

    def _reach(self, method: str) -> Reach:
        if not self._called.client.accepts(method):
            return Reach.NOBODY
        if self._called.revision.has("input_required"):
            return Reach.BY_RESULT
        return Reach.BY_REQUEST if self._link.peer.phase is Phase.READY else Reach.NOBODY

    async def roots(self) -> object:
        """What the client answers about its roots; cancelled, the request is taken back."""
        return await self._link.roots.ask(self._called.call_id)

    async def ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        """What the client answers to a request of ours; None if it cannot or does not.

        Cancelling it takes the request back.
        """
        if self._meta is not None:
            params = {**params, "_meta": self._meta}
        asked = await self._link.input_requests.ask(method, params, self._called.call_id)
        return None if asked is None else asked.result
