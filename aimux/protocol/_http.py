"""What an HTTP request says before a peer sees it: era, headers, and the status of errors.

Theory of operation. ``judge_post`` reads headers and body of one POST and decides, in the order of
the specification: parse, envelope complete, headers agree, version supported, parameter headers
agree. What passes is an ``HttpFacts`` for ``Peer.receive``, which judges the rest (method,
capability, parameters); what does not is a ``Rejection`` with status and body. Nothing here knows a
socket, and nothing is remembered.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import orjson

from aimux.protocol._envelope import is_envelope, missing_in
from aimux.protocol._errors import Code, Fault, unsupported_version
from aimux.protocol._revisions import HANDSHAKE_VERSIONS, MODERN, MODERN_VERSIONS, VERSIONS
from aimux.protocol._shapes import VERSION_KEY, Json
from aimux.protocol._unread import Unread, errors_data, find_unread, known_id, unread_in

VERSION_HEADER: Final = "mcp-protocol-version"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
PARAM_PREFIX: Final = "mcp-param-"
ANNOTATION: Final = "x-mcp-header"

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

# the parameter that Mcp-Name repeats
NAMED_BY: Final[Mapping[str, str]] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}

# status of an error that is decided before the response has begun
_STATUS: Final[Mapping[int, int]] = {
    Code.PARSE_ERROR: 400,
    Code.INVALID_REQUEST: 400,
    Code.INVALID_PARAMS: 400,
    Code.HEADER_MISMATCH: 400,
    Code.MISSING_CAPABILITY: 400,
    Code.UNSUPPORTED_VERSION: 400,
    Code.METHOD_NOT_FOUND: 404,
}
_HANDSHAKE_STATUS: Final[Mapping[int, int]] = {Code.PARSE_ERROR: 400, Code.INVALID_REQUEST: 400}

_BASE64_HEAD: Final = "=?base64?"
_BASE64_TAIL: Final = "?="
_TOKEN_CHARS: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

SchemaOf: TypeAlias = Callable[[str], Mapping[str, object] | None]


class Headers:
    """Header fields by lower-case name, each with its values in order, blanks trimmed."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1").strip(" \t")
            )
        self._values = values

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return self._values.get(name, [])

    def get(self, name: str) -> str | None:
        """Return the first value of a field."""
        values = self._values.get(name)
        return values[0] if values else None

    def names(self) -> Collection[str]:
        """Return the names that occur."""
        return self._values.keys()


class HttpFacts(NamedTuple):
    """A POST that may be given to a peer: to a throw-away one when it is modern."""

    message: object  # the body, parsed
    is_modern: bool
    version: str | None  # of the header; None when there was none
    is_initialize: bool
    is_request: bool  # something in it wants an answer: else the status is 202


class Rejection(NamedTuple):
    """A POST that no peer sees: answer with this status and body."""

    status: int
    data: bytes
    error_code: int


class Accepts(NamedTuple):
    """What a client can read. A wildcard is consent to JSON, never to a stream."""

    json: bool
    stream: bool


def judge_post(
    headers: Headers, body: bytes, schema_of: SchemaOf | None = None
) -> HttpFacts | Rejection:
    """Decide what a POST on the MCP endpoint is, or why it is refused.

    ``schema_of`` gives the input schema of a tool by name, for its ``x-mcp-header`` properties;
    without it parameter headers are not compared.
    """
    versions = headers.all(VERSION_HEADER)
    version = versions[0] if versions else None
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        return _reject_unread(find_unread(body), Fault(Code.PARSE_ERROR, f"not JSON: {broken}"))
    if len(versions) > 1:
        return _reject(_mismatch(f"{VERSION_HEADER} given twice"), _id_of(message))
    if type(message) is list:
        if version is not None and version not in HANDSHAKE_VERSIONS:
            fault = Fault(Code.INVALID_REQUEST, "no batches in this revision")
            return _reject_unread(unread_in(message), fault)
        is_request = not message or any(_is_request(member) for member in message)
        return HttpFacts(message, False, version, False, is_request)
    if type(message) is not dict:
        return _reject(Fault(Code.INVALID_REQUEST, "a message must be an object"), None)
    request_id, method = _id_of(message), message.get("method")
    params = message.get("params")
    meta = params.get("_meta") if type(params) is dict else None
    if type(method) is not str:
        if version in MODERN_VERSIONS:
            fault = Fault(Code.INVALID_REQUEST, "a modern client posts requests and notifications")
            return _reject(fault, request_id)
    elif "id" in message:
        if version in MODERN_VERSIONS or (type(meta) is dict and is_envelope(meta)):
            refused = _judge_envelope(headers, version, method, params, meta, schema_of)
            if refused is not None:
                return _reject(refused, request_id)
            return HttpFacts(message, True, version, False, True)
    elif version in MODERN_VERSIONS:
        return HttpFacts(message, True, version, False, False)
    if version is not None and version not in VERSIONS:
        return _reject(unsupported_version(version), request_id)
    is_initialize = method == "initialize"
    return HttpFacts(message, False, version, is_initialize, _is_request(message))


def _judge_envelope(
    headers: Headers,
    version: str | None,
    method: str,
    params: object,
    meta: object,
    schema_of: SchemaOf | None,
) -> Fault | None:
    """Return what is wrong with a modern request, as far as headers and envelope tell."""
    if not isinstance(params, dict) or not isinstance(meta, dict):
        return Fault(Code.INVALID_PARAMS, f"a modern request needs params._meta with {VERSION_KEY}")
    fault = missing_in(meta)
    if fault is not None:
        return fault
    if version is None:
        return _mismatch(f"{VERSION_HEADER} is missing")
    if version != meta[VERSION_KEY]:
        return _mismatch(f"{VERSION_HEADER} is not the version of the envelope")
    if version == MODERN:  # an unknown revision may name its headers differently
        fault = _judge_names(headers, method, params)
        if fault is not None:
            return fault
    else:
        return unsupported_version(version)
    if method == "tools/call" and schema_of is not None and isinstance(params.get("name"), str):
        schema = schema_of(params["name"])
        if schema is not None:
            return judge_params(headers, schema, params.get("arguments"))
    return None


def _judge_names(headers: Headers, method: str, params: Json) -> Fault | None:
    """Compare Mcp-Method and Mcp-Name with the body."""
    expected: list[tuple[str, str]] = [(METHOD_HEADER, method)]
    name = params.get(NAMED_BY.get(method, ""))
    if isinstance(name, str):  # a missing one is the peer's to refuse: bad parameters
        expected.append((NAME_HEADER, name))
    for field, value in expected:
        values = headers.all(field)
        if len(values) != 1:
            return _mismatch(f"{field} is {'given twice' if values else 'missing'}")
        given = decode_value(values[0]) if field == NAME_HEADER else values[0]
        if given != value:
            return _mismatch(f"{field} is not what the body says")
    return None


def judge_params(headers: Headers, schema: Mapping[str, object], arguments: object) -> Fault | None:
    """Compare the Mcp-Param headers with the arguments of a call, as the tool's schema asks."""
    for name, path in annotated(schema):
        field = PARAM_PREFIX + name.lower()
        values = headers.all(field)
        value: object = arguments
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            if values:
                return _mismatch(f"{field} has no argument in the body")
            continue
        if len(values) != 1:
            return _mismatch(f"{field} is {'given twice' if values else 'missing'}")
        given = decode_value(values[0])
        if given is None or not _is_same(given, value):
            return _mismatch(f"{field} is not what the body says")
    return None


def _is_same(given: str, value: object) -> bool:
    match value:
        case bool():
            return given == ("true" if value else "false")
        case int() | float():
            try:
                return float(given) == value if "_" not in given else False
            except ValueError:
                return False
        case _:
            return given == value


def decode_value(value: str) -> str | None:
    """Return what a header value stands for; None when its base64 is not canonical UTF-8.

    Without both markers the value stands for itself.
    """
    if not (
        value.startswith(_BASE64_HEAD)
        and value.endswith(_BASE64_TAIL)
        and len(value) >= len(_BASE64_HEAD) + len(_BASE64_TAIL)
    ):
        return value
    coded = value[len(_BASE64_HEAD) : -len(_BASE64_TAIL)]
    try:
        raw = base64.b64decode(coded.encode("ascii"), validate=True)
        text = raw.decode()
    except (binascii.Error, UnicodeError):
        return None
    return text if base64.b64encode(raw).decode() == coded else None


def annotated(schema: Mapping[str, object]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (header name, path of the argument) for the annotated properties of a schema.

    Only those reachable through a chain of ``properties`` count.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    pending: list[tuple[tuple[str, ...], Mapping[str, object]]] = [((), schema)]
    while pending:
        path, node = pending.pop()
        properties = node.get("properties")
        for name, child in properties.items() if isinstance(properties, dict) else ():
            if isinstance(child, dict):
                here = (*path, name)
                header = child.get(ANNOTATION)
                if isinstance(header, str):
                    found.append((header, here))
                pending.append((here, child))
    return found


def judge_source(headers: Headers, hosts: Collection[str] = LOCAL_HOSTS) -> Rejection | None:
    """Return the refusal of a foreign ``Origin`` (403) or ``Host`` (421), or None.

    ``hosts`` are names without port, IPv6 without brackets, in lower case. An origin is allowed
    when its host is in ``hosts``. A missing Origin is fine: command-line clients send none.
    """
    origin = headers.get("origin")
    if len(headers.all("host")) != 1 or _host_of(f"//{headers.get('host')}") not in hosts:
        return _reject(Fault(Code.INVALID_REQUEST, "host not served here"), None, 421)
    if origin is not None and _host_of(origin) not in hosts:
        return _reject(Fault(Code.INVALID_REQUEST, "origin not allowed"), None, 403)
    return None


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # a bracket that is not closed
        return None


def read_accept(headers: Headers) -> Accepts:
    """Return what the ``Accept`` fields allow; without any, JSON only."""
    types = {
        part.partition(";")[0].strip().lower()
        for value in headers.all("accept")
        for part in value.split(",")
    }
    is_open = not types or bool(types & {"*/*", "application/*", "application/json"})
    return Accepts(json=is_open, stream="text/event-stream" in types)


def status_of(error_code: int | None, *, is_modern: bool) -> int:
    """Return the HTTP status of a response that has not begun, by its JSON-RPC error code."""
    table = _STATUS if is_modern else _HANDSHAKE_STATUS
    return 200 if error_code is None else table.get(error_code, 200)


def cancelled_body(request_id: int | str) -> bytes:
    """Return what ends the response to a cancelled handshake call, where that is no stream."""
    return _error_body(Fault(Code.CANCELLED, "request cancelled"), request_id)


def _error_body(fault: Fault, request_id: object) -> bytes:
    body: Json = {"jsonrpc": "2.0", "error": fault.body()}
    if request_id is not None:
        body["id"] = request_id
    return orjson.dumps(body)


def _reject(fault: Fault, request_id: object, status: int = 0) -> Rejection:
    return Rejection(status or _STATUS[fault.code], _error_body(fault, request_id), int(fault.code))


def _reject_unread(found: Unread, fault: Fault) -> Rejection:
    if not found.asked:
        return _reject(fault, None)
    data = errors_data(fault, found.asked, is_batch=found.is_batch)
    return Rejection(_STATUS[fault.code], data, int(fault.code))


def oversize_body(head: Unread, text: str) -> bytes:
    """Return what refuses a body that was not kept for its size."""
    fault = Fault(Code.INVALID_REQUEST, text)
    return _reject_unread(head, fault).data


def _mismatch(text: str) -> Fault:
    return Fault(Code.HEADER_MISMATCH, text)


def _id_of(message: object) -> object:
    return known_id(message.get("id")) if isinstance(message, dict) else None


def _is_request(message: object) -> bool:
    """Tell whether something must be answered: a request, or what is no message at all."""
    if not isinstance(message, dict):
        return True
    if "method" in message:
        return "id" in message
    return "result" not in message and "error" not in message
