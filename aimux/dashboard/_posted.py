"""The token of a link in what a page posts."""

import orjson

from aimux.errors import InvalidArguments

KIND = "application/json"  # a form of another page cannot send it without being asked first


def read_link_token(kind: str, body: bytes | None) -> str:
    """The token of a link in a posted body.

    Raises:
        InvalidArguments: there is none.
    """
    said = kind.partition(";")[0].strip().lower()
    try:
        posted = orjson.loads(body or b"") if said == KIND else None
    except orjson.JSONDecodeError:
        posted = None
    link_token = posted.get("link_token") if isinstance(posted, dict) else None
    if not isinstance(link_token, str) or not link_token:
        raise InvalidArguments(
            f'post {KIND} like {{"link_token": "..."}}, the token of the link',
            problems=[{"path": "link_token", "value": None, "expected": "the token of the link"}],
        )
    return link_token
