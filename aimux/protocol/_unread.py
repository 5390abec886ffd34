"""Who is to be answered where a message was not read: it is no JSON, too deep or too long.

A request without an answer never ends for whoever sent it, and an answer without an id is nobody's.
So the ids are looked for (``aimux.skim``), and each request that has one is refused by it. What the
client answers to a question of ours may be unreadable, too; then whoever asked is told.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import orjson

from aimux.protocol._errors import Fault
from aimux.skim import Skimmer, skim


class Unread(NamedTuple):
    """The requests in a text, by id, and the requests of ours that it answers."""

    asked: tuple[int | str | float, ...] = ()
    answered: tuple[int, ...] = ()
    is_batch: bool = False


def find_unread(raw: bytes) -> Unread:
    """Return whom a text is from and for that was not read."""
    return unread_of(skim(raw))


def unread_of(found: Skimmer) -> Unread:
    """Return the same of what a skimmer has found so far."""
    messages = [{**each, "id": _read_id(each.get("id", b""))} for each in found.messages]
    return _sorted_out(messages, is_batch=found.is_batch)


def unread_in(batch: Sequence[object]) -> Unread:
    """Return the same of a batch that was read and is not wanted."""
    return _sorted_out([each for each in batch if isinstance(each, dict)], is_batch=True)


def _sorted_out(messages: Sequence[Mapping[str, object]], *, is_batch: bool) -> Unread:
    asked: list[int | str | float] = []
    answered: list[int] = []
    for message in messages:
        call_id = known_id(message.get("id"))
        if call_id is None:
            continue
        if "method" in message or not ("result" in message or "error" in message):
            asked.append(call_id)
        elif type(call_id) is int:
            answered.append(call_id)
    return Unread(tuple(asked), tuple(answered), is_batch)


def _read_id(token: bytes) -> object:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        return None


def known_id(value: object) -> int | str | float | None:
    """Return an id as it may stand in an answer; a fraction is refused, but by its name."""
    if type(value) is float:
        return value if isfinite(value) else None
    return value if type(value) is int or type(value) is str else None


def error_data(fault: Fault, request_id: object) -> bytes:
    """Return an error response."""
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": fault.body()})


def errors_data(fault: Fault, ids: Sequence[object], *, is_batch: bool) -> bytes:
    """Return the refusal of one text: of each request in it, of nobody's where there is none."""
    if not is_batch or not ids:
        return error_data(fault, ids[0] if ids else None)
    return b"[" + b",".join([error_data(fault, each) for each in ids]) + b"]"
