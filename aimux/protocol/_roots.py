"""The directories a client works in, as it tells them."""

import os
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final
from urllib.parse import unquote, urlsplit

MAX_ROOTS: Final = 100  # the others are passed over
LOCAL: Final = frozenset({"", "localhost"})
_DRIVE: Final = re.compile(r"/[A-Za-z]:(/|$)")


def read_roots(result: object) -> list[str] | None:
    """The directories in the answer to `roots/list`, in its order; None if it is not one.

    What is no file of this machine is left out.
    """
    if not isinstance(result, Mapping) or not isinstance(result.get("roots"), list):
        return None
    roots: list[object] = result["roots"][:MAX_ROOTS]
    paths = [_path_of(each.get("uri")) for each in roots if isinstance(each, Mapping)]
    return [path for path in paths if path]


def _path_of(uri: object) -> str:
    if not isinstance(uri, str):
        return ""
    try:
        parts = urlsplit(uri)
    except ValueError:  # a bracket that is not closed
        return ""
    if parts.scheme != "file" or parts.netloc.lower() not in LOCAL:
        return ""
    path = unquote(parts.path, errors="surrogateescape")
    if os.name == "nt" and _DRIVE.match(path):
        path = path[1:]
    return path if PurePath(path).is_absolute() and "\0" not in path else ""
