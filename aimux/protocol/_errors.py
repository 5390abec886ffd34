"""Error codes of the protocol, and errors as values."""

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple

from aimux.protocol._revisions import MODERN_VERSIONS, Revision


class Code(enum.IntEnum):
    """Every code of the protocol; codes of our own would be positive."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    HEADER_MISMATCH = -32020
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022
    RESOURCE_NOT_FOUND = -32002
    URL_ELICITATION_REQUIRED = -32042
    CANCELLED = -32800  # ends the response to a cancelled call on handshake HTTP


class Fault(NamedTuple):
    """A JSON-RPC error: ours before it is written, or the client's after it was read."""

    code: int
    message: str
    data: object = None

    def body(self) -> dict[str, object]:
        """Return the ``error`` member."""
        if self.data is None:
            return {"code": int(self.code), "message": self.message}
        return {"code": int(self.code), "message": self.message, "data": self.data}


# A code that a revision must not see, and what stands in for it there.
STAND_INS: Final[Mapping[int, tuple[str, Code]]] = {
    Code.RESOURCE_NOT_FOUND: ("error.resource_not_found", Code.INVALID_PARAMS),
    Code.URL_ELICITATION_REQUIRED: ("error.url_elicitation_required", Code.INVALID_PARAMS),
    Code.MISSING_CAPABILITY: ("error.missing_capability", Code.INVALID_REQUEST),
}


def code_for(code: int, revision: Revision) -> int:
    """Return the code that ``revision`` has for what ``code`` says."""
    stand_in = STAND_INS.get(code)
    if stand_in is None or revision.has(stand_in[0]):
        return code
    return stand_in[1]


def missing_capability(required: Mapping[str, object]) -> Fault:
    """Return the refusal of a request that needs what its client did not declare."""
    named = ", ".join(required)
    return Fault(
        Code.MISSING_CAPABILITY,
        f"client capability not declared: {named}",
        {"requiredCapabilities": dict(required)},
    )


def unsupported_version(requested: object) -> Fault:
    """Return the refusal of a protocol version that an envelope or a header named."""
    return Fault(
        Code.UNSUPPORTED_VERSION,
        f"unsupported protocol version: {requested}",
        {"supported": list(MODERN_VERSIONS), "requested": requested},
    )


def resource_not_found(uri: str, why: str = "", hint: str = "") -> Fault:
    """Return the answer for an unknown URI; the peer adapts its code to the revision."""
    said = f"resource not found: {uri}" + (f" ({why})" if why else "")
    told = {"why": why, "hint": hint}
    data = {"uri": uri} | {name: text for name, text in told.items() if text}
    return Fault(Code.RESOURCE_NOT_FOUND, said, data)
