"""Trace context as the W3C writes it: read from what a client sends, given to children.

What is malformed is ignored, as the recommendation wants it: a bad `traceparent` is none, a bad
`tracestate` is dropped and its `traceparent` stays.
"""

import re
from collections.abc import Mapping
from typing import Final

from aimux.model import TraceContext

PARENT: Final = "traceparent"
STATE: Final = "tracestate"
PARENT_VARIABLE: Final = "TRACEPARENT"  # the same two in an environment
STATE_VARIABLE: Final = "TRACESTATE"

KNOWN_FLAGS: Final = 0x03  # sampled, random trace id; what is not known is passed on as zero
MAX_STATE_CHARS: Final = 512  # what everybody has to pass on; longer ones are dropped
MAX_STATE_MEMBERS: Final = 32
_NO_VERSION: Final = "ff"

_PARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-"
    r"(?P<flags>[0-9a-f]{2})(?P<more>-[\x21-\x7e]*)?"
)
_MEMBER: Final = re.compile(
    r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


def read_context(parent: object, state: object = None) -> TraceContext | None:
    """The context that a `traceparent` and its `tracestate` say; None without a sound one."""
    if type(parent) is not str:
        return None
    found = _PARENT.fullmatch(parent.strip(" \t"))
    if found is None or found["version"] == _NO_VERSION:
        return None
    if found["version"] == "00" and found["more"] is not None:
        return None
    if not int(found["trace"], 16) or not int(found["span"], 16):
        return None
    return TraceContext(
        trace_id=found["trace"],
        span_id=found["span"],
        flags=int(found["flags"], 16) & KNOWN_FLAGS,
        state=_state(state),
    )


def context_of_meta(meta: Mapping[str, object]) -> TraceContext | None:
    """The context in the `_meta` of a call."""
    return read_context(meta.get(PARENT), meta.get(STATE))


def context_of_env(env: Mapping[str, str]) -> TraceContext | None:
    """The context in an environment."""
    return read_context(env.get(PARENT_VARIABLE), env.get(STATE_VARIABLE))


def traceparent(context: TraceContext) -> str:
    """The context as a `traceparent` of version 00."""
    return f"00-{context.trace_id}-{context.span_id}-{context.flags:02x}"


def context_env(context: TraceContext) -> dict[str, str]:
    """The variables for a child that stands below."""
    env = {PARENT_VARIABLE: traceparent(context)}
    return env | {STATE_VARIABLE: context.state} if context.state else env


def _state(given: object) -> str:
    if type(given) is not str or len(given) > MAX_STATE_CHARS:
        return ""
    members = [each.strip(" \t") for each in given.split(",")]
    members = [each for each in members if each]  # empty ones are allowed, and say nothing
    keys = [each.partition("=")[0] for each in members]
    is_sound = (
        len(members) <= MAX_STATE_MEMBERS
        and len(set(keys)) == len(keys)
        and all(_MEMBER.fullmatch(each) for each in members)
    )
    return ",".join(members) if is_sound else ""
