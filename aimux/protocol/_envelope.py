"""The modern envelope: what a request says of itself under ``params._meta``."""

from collections.abc import Mapping

from aimux.protocol._errors import Code, Fault, unsupported_version
from aimux.protocol._events import Client
from aimux.protocol._revisions import MODERN_VERSIONS, REVISIONS, Revision
from aimux.protocol._shapes import (
    CAPABILITIES_KEY,
    CLIENT_KEY,
    LOG_LEVEL_KEY,
    LOG_LEVELS,
    VERSION_KEY,
)


def is_envelope(meta: Mapping[str, object]) -> bool:
    """Tell whether a ``_meta`` means a modern request, complete or not."""
    return VERSION_KEY in meta or CAPABILITIES_KEY in meta


def missing_in(meta: Mapping[str, object]) -> Fault | None:
    """Return what an envelope lacks or has in the wrong type, whatever version it names."""
    if not isinstance(meta.get(VERSION_KEY), str):
        return Fault(Code.INVALID_PARAMS, f"_meta needs {VERSION_KEY}: a string")
    if not isinstance(meta.get(CAPABILITIES_KEY), dict):
        return Fault(Code.INVALID_PARAMS, f"_meta needs {CAPABILITIES_KEY}: an object")
    return None


def read_envelope(meta: Mapping[str, object]) -> tuple[Revision, Client] | Fault:
    """Return the revision and the client that a request declares, or why it is refused."""
    fault = missing_in(meta)
    if fault is not None:
        return fault
    version = meta[VERSION_KEY]
    if version not in MODERN_VERSIONS:
        return unsupported_version(version)
    level = meta.get(LOG_LEVEL_KEY)
    if level is not None and level not in LOG_LEVELS:
        shown = level if isinstance(level, str) else f"a {type(level).__name__}"
        return Fault(Code.INVALID_PARAMS, f"unknown log level: {shown}")
    capabilities, info = meta[CAPABILITIES_KEY], meta.get(CLIENT_KEY)
    assert isinstance(version, str)
    assert isinstance(capabilities, dict)
    return REVISIONS[version], Client(capabilities, info if isinstance(info, dict) else {})
