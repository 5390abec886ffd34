"""Server-sent events: bytes of the stream."""


def encode_event(
    data: bytes, *, event: str = "message", event_id: str | None = None, retry_ms: int | None = None
) -> bytes:
    r"""Return the bytes of one event. ``data`` may be empty (a priming event needs that).

    Raises:
        ValueError: a line break or NUL in ``event`` or ``event_id``: it would forge a field.
    """
    for field in (event, event_id or ""):
        if not {"\r", "\n", "\0"}.isdisjoint(field):
            raise ValueError(f"line break in an event field: {field!r}")
    parts = [b"event: ", event.encode(), b"\n"]
    if event_id is not None:
        parts += [b"id: ", event_id.encode(), b"\n"]
    if retry_ms is not None:
        parts.append(b"retry: %d\n" % retry_ms)
    for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        parts += [b"data: ", line, b"\n"] if line else [b"data:\n"]
    parts.append(b"\n")
    return b"".join(parts)


def encode_comment() -> bytes:
    """Return a comment, which keeps a quiet stream alive and means nothing."""
    return b": ping\n\n"
