"""The ticket in what a page posts."""

import orjson

from aimux.errors import InvalidArguments

KIND = "application/json"  # a form of another page cannot send it without being asked first


def read_ticket(kind: str, body: bytes | None) -> str:
    """The ticket in a posted body.

    Raises:
        InvalidArguments: there is none.
    """
    said = kind.partition(";")[0].strip().lower()
    try:
        posted = orjson.loads(body or b"") if said == KIND else None
    except orjson.JSONDecodeError:
        posted = None
    ticket = posted.get("ticket") if isinstance(posted, dict) else None
    if not isinstance(ticket, str) or not ticket:
        raise InvalidArguments(
            f'post {KIND} like {{"ticket": "..."}}, with the ticket of the link',
            problems=[{"path": "ticket", "value": None, "expected": "the ticket of the link"}],
        )
    return ticket
