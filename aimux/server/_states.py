"""What a call that ends with a question hands to the client, and takes back when it is repeated.

The state is sealed for whoever called: what they proved to come in. All local clients are one user,
all network clients hold one token; neither has a name of its own, and a modern client may repeat
its call on another connection.
"""

from collections.abc import Mapping

from aimux.protocol import Called, Code, Fault, Json, Seal, SealBroken
from aimux.times import utc_now
from aimux.tools import Client


def close_state(seal: Seal, client: Client, called: Called, state: Mapping[str, object]) -> str:
    """A state for the call's repetition."""
    return seal.close(
        state,
        principal=client.transport,
        method=called.method,
        params=called.params,
        now=utc_now(),
    )


def open_state(seal: Seal, client: Client, called: Called) -> Json | Fault | None:
    """The state that a call brings back, None if it repeats none, or why it is refused.

    Answers without a state are refused too: what they were about is not known, and beginning anew
    would do the work twice.
    """
    if not called.is_retry:
        return None
    if called.request_state is None:
        return Fault(Code.INVALID_PARAMS, "inputResponses need the requestState they belong to")
    try:
        return seal.open(
            called.request_state,
            principal=client.transport,
            method=called.method,
            params=called.params,
            now=utc_now(),
        )
    except SealBroken as broken:
        return Fault(Code.INVALID_PARAMS, str(broken))
