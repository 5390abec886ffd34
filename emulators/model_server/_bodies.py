"""Request bodies off the wire: sized or chunked, plain or compressed, then JSON."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Final

BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024


class BadBody(Exception):
    """The request body is not a JSON object, or larger than the limit."""


def read_body(stream: BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    """The decoded body. Raises BadBody, after which the connection is of no further use."""
    headers = {name.lower(): value for name, value in headers.items()}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _read_chunks(stream)
    else:
        size = _number(headers.get("content-length", "0"), 10)
        body = stream.read(size)
    try:
        match headers.get("content-encoding", "identity").lower():
            case "identity" | "":
                return body
            case "gzip":
                return gzip.decompress(body)
            case "deflate":
                return zlib.decompress(body)
    except (OSError, EOFError, zlib.error) as problem:
        raise BadBody from problem
    raise BadBody


def parse_body(body: bytes) -> Mapping[str, object]:
    """The JSON object of a body; an empty body is an empty object. Raises BadBody."""
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise BadBody from None
    if not isinstance(parsed, dict):
        raise BadBody
    return parsed


def _read_chunks(stream: BufferedIOBase) -> bytes:
    parts: list[bytes] = []
    left = BODY_LIMIT_BYTES
    while True:
        size = _number(stream.readline().split(b";")[0].decode("latin-1"), 16, left)
        if size == 0:
            while stream.readline().strip():  # trailers
                pass
            return b"".join(parts)
        left -= size
        parts.append(stream.read(size))
        stream.readline()


def _number(text: str, base: int, limit: int = BODY_LIMIT_BYTES) -> int:
    try:
        size = int(text, base)
    except ValueError:
        raise BadBody from None
    if not 0 <= size <= limit:
        raise BadBody
    return size
