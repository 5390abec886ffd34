"""Identifiers: ULIDs with a prefix, sortable by birth, unguessable by their 80 random bits."""

from typing import Final, NewType

JobId = NewType("JobId", str)
SessionId = NewType("SessionId", str)
ThoughtId = NewType("ThoughtId", str)

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32
RANDOM_BYTES: Final = 10  # 80 bits


def ulid(millis: int, entropy: bytes) -> str:
    """The 26 characters of a ULID for a Unix time in milliseconds and ten random bytes."""
    if len(entropy) != RANDOM_BYTES:
        msg = f"entropy of {len(entropy)} bytes: a ULID takes {RANDOM_BYTES}"
        raise ValueError(msg)
    number = (millis << 80) | int.from_bytes(entropy)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
