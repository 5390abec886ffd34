"""State that travels through a client and comes back: readable by it, not changeable.

A sealed state is ``base64url(json).base64url(hmac)``. The tag covers the payload, its expiry, who
it was given to and what was called, so a state cannot be changed, kept for later, handed to
somebody else or used with other arguments. It may be used twice: who must forbid that keeps a
ledger of uses.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs
import orjson

from aimux.protocol._shapes import Json

SEAL_TTL: Final = timedelta(seconds=600)  # what the reference SDKs give a person to answer
MIN_KEY_BYTES: Final = 32

_NOT_ARGUMENTS: Final = frozenset({"_meta", "inputResponses", "requestState", "task"})


class SealBroken(ValueError):
    """The state is not ours, is too old, or belongs to another caller or call."""


@attrs.frozen
class Seal:
    """Seals and opens states with one key. ``now`` is always an aware datetime."""

    key: bytes = attrs.field(repr=False)

    @key.validator
    def _is_long(self, _: object, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"a seal needs a key of {MIN_KEY_BYTES} bytes")

    def close(
        self,
        payload: Mapping[str, object],
        *,
        principal: str,
        method: str,
        params: Mapping[str, object],
        now: datetime,
    ) -> str:
        """Return ``payload`` as a ``requestState`` for this caller and this call."""
        expires = (now + SEAL_TTL).timestamp()
        body = orjson.dumps([expires, dict(payload)])
        tag = self._tag(body, principal, method, params)
        return f"{_coded(body)}.{_coded(tag)}"

    def open(
        self,
        state: str,
        *,
        principal: str,
        method: str,
        params: Mapping[str, object],
        now: datetime,
    ) -> Json:
        """Return the payload of a state that came back.

        Raises:
            SealBroken: answer the call with an error (-32602); asking again would invite guessing.
        """
        coded, _, coded_tag = state.partition(".")
        try:
            body, tag = _raw(coded), _raw(coded_tag)
        except (binascii.Error, UnicodeError) as fault:
            raise SealBroken("requestState is damaged") from fault
        if not hmac.compare_digest(tag, self._tag(body, principal, method, params)):
            raise SealBroken("requestState is not for this call")
        expires, payload = orjson.loads(body)
        if now.timestamp() >= expires:
            raise SealBroken("requestState has expired")
        assert isinstance(payload, dict)
        return payload

    def _tag(self, body: bytes, principal: str, method: str, params: Mapping[str, object]) -> bytes:
        bound = {key: value for key, value in params.items() if key not in _NOT_ARGUMENTS}
        call = orjson.dumps([principal, method, bound], option=orjson.OPT_SORT_KEYS)
        signed = hashlib.sha256(call).digest() + body
        return hmac.new(self.key, signed, hashlib.sha256).digest()


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(coded: str) -> bytes:
    padded = coded.encode("ascii") + b"=" * (-len(coded) % 4)
    raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    if _coded(raw) != coded:  # two spellings of one state would be two states to a ledger of uses
        raise binascii.Error("not canonical")
    return raw
