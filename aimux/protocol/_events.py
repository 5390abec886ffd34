"""What a peer can tell us, and what we hand to a transport.

Named tuples, not attrs classes: two or three are made for every call, and a tuple costs a quarter.
"""

from collections.abc import Mapping
from typing import NamedTuple, NewType, TypeAlias, cast

from aimux.protocol._errors import Fault
from aimux.protocol._revisions import Revision
from aimux.protocol._shapes import Json

CallId = NewType(
    "CallId", int
)  # ours, unique for the life of a peer; a client's ids may come again
AskId = NewType("AskId", int)
RequestId: TypeAlias = int | str
ProgressToken: TypeAlias = int | str


class Client(NamedTuple):
    """What a client says of itself, for a session or (modern) for one request."""

    capabilities: Mapping[str, object]
    info: Mapping[str, object]

    def accepts(self, method: str, params: Mapping[str, object] | None = None) -> bool:
        """Tell whether the client declared that it can be asked this."""
        return self.lacking(method, params) is None

    def lacking(
        self, method: str, params: Mapping[str, object] | None = None
    ) -> dict[str, object] | None:
        """Return the capability that asking this needs and the client did not declare.

        The value has the shape of ClientCapabilities; None means that it may be asked.
        """
        params = params or {}
        match method:
            case "ping":
                return None
            case "elicitation/create":
                mode = "url" if params.get("mode") == "url" else "form"
                declared = self.capabilities.get("elicitation")
                if isinstance(declared, dict) and (
                    mode in declared or (mode == "form" and not declared)
                ):
                    return None
                return {"elicitation": {mode: {}}}
            case "sampling/createMessage":
                declared = self.capabilities.get("sampling")
                if "tools" in params or "toolChoice" in params:
                    has_tools = isinstance(declared, dict) and "tools" in declared
                    return None if has_tools else {"sampling": {"tools": {}}}
                return None if isinstance(declared, dict) else {"sampling": {}}
            case "roots/list":
                declared = self.capabilities.get("roots")
                return None if isinstance(declared, dict) else {"roots": {}}
            case _:
                return {"experimental": {method: {}}}

    def has_extension(self, name: str) -> bool:
        """Tell whether an extension was declared."""
        extensions = self.capabilities.get("extensions")
        return isinstance(extensions, dict) and name in extensions


class Called(NamedTuple):
    """The client wants an answer: end it with ``Peer.answer``, ``fail`` or ``release``."""

    call_id: CallId
    request_id: RequestId
    method: str
    params: Json
    meta: Json
    revision: Revision
    client: Client

    @property
    def progress_token(self) -> ProgressToken | None:
        """The token that progress goes to. 0 and "" are tokens; None means there is none."""
        token = self.meta.get("progressToken")
        return cast(ProgressToken, token) if type(token) in (int, str) else None

    @property
    def task(self) -> Json | None:
        """The ``task`` parameter of a 2025-11-25 call that wants to become a task."""
        task = self.params.get("task") if self.revision.has("tasks.core") else None
        return task if isinstance(task, dict) else None

    @property
    def input_responses(self) -> Json | None:
        """The answers that a modern client brings along when it repeats a call."""
        responses = self.params.get("inputResponses") if self.revision.is_modern else None
        return responses if isinstance(responses, dict) else None

    @property
    def is_retry(self) -> bool:
        """Whether this call repeats one that was answered by asking for input."""
        if not self.revision.is_modern:
            return False
        return self.input_responses is not None or self.request_state is not None

    @property
    def request_state(self) -> str | None:
        """The sealed state of a repeated call, as the client sent it: not to be trusted."""
        state = self.params.get("requestState") if self.revision.is_modern else None
        return state if isinstance(state, str) else None


class Notified(NamedTuple):
    """The client says something that has no answer and no meaning to the peer itself."""

    method: str
    params: Json
    revision: Revision


class CallCancelled(NamedTuple):
    """Stop working on a call: nothing more is written for it, whatever is handed to the peer."""

    call_id: CallId
    request_id: RequestId
    reason: str | None


class Answered(NamedTuple):
    """The client answered a request of ours: exactly one of ``result`` and ``error`` is set."""

    ask_id: AskId
    call_id: CallId | None
    result: Json | None
    error: Fault | None


class Filter(NamedTuple):
    """The kinds of change a modern client listens for, as far as they are honoured."""

    kinds: frozenset[str] = frozenset()  # of toolsListChanged, promptsListChanged, ...
    uris: frozenset[str] = frozenset()
    task_ids: frozenset[str] = frozenset()


class Listening(NamedTuple):
    """A ``subscriptions/listen`` was opened (and acknowledged); ``Peer.answer`` ends it."""

    call_id: CallId
    request_id: RequestId
    filter: Filter
    revision: Revision
    client: Client


class Outgoing(NamedTuple):
    """One JSON text for the client, without a line end.

    ``call_id`` says whose stream it belongs to; None is the connection's own (or, for a
    ``Reply``, the response to the request that brought the message). ``is_final`` marks the last
    message of a call; ``error_code`` is set when it is an error response.
    """

    data: bytes
    call_id: CallId | None = None
    is_final: bool = False
    error_code: int | None = None


class Reply(NamedTuple):
    """Something the peer answers by itself: write it now."""

    outgoing: Outgoing


Event: TypeAlias = Called | Notified | CallCancelled | Answered | Listening | Reply
