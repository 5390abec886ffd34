"""What headers and body of a POST say before a peer sees them."""

import base64

import orjson
import pytest
from hypothesis import given, strategies as st

from aimux.protocol import (
    Accepts,
    Headers,
    HttpFacts,
    Rejection,
    cancelled_body,
    judge_post,
    judge_source,
    read_accept,
    status_of,
)
from aimux.protocol._http import annotated, decode_value

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


def envelope(version: object = "2026-07-28") -> dict[str, object]:
    return {"_meta": {VERSION: version, CAPABILITIES: {}}}


def headers(**fields: str) -> Headers:
    return Headers(
        (name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()
    )


def post(
    method: str | None,
    params: object = None,
    request_id: object = 1,
    /,
    *,
    schema: dict[str, object] | None = None,
    **fields: str,
) -> HttpFacts | Rejection:
    message: dict[str, object] = {"jsonrpc": "2.0"}
    if method is not None:
        message["method"] = method
    if params is not None:
        message["params"] = params
    if request_id is not None:
        message["id"] = request_id
    given = {f"mcp_{name}": value for name, value in fields.items()}
    schema_of = {"x": schema}.get if schema is not None else None
    return judge_post(headers(**given), orjson.dumps(message), schema_of)


def refused(judged: HttpFacts | Rejection) -> tuple[int, int, object]:
    assert isinstance(judged, Rejection)
    body = orjson.loads(judged.data)
    assert body["error"]["code"] == judged.error_code
    return judged.status, judged.error_code, body.get("id")


MODERN = {"protocol_version": "2026-07-28", "method": "tools/list"}


@pytest.mark.parametrize(
    ("judged", "verdict"),
    [
        (post("tools/list", envelope("2025-11-25"), protocol_version="2025-06-18"), -32020),
        (post("tools/list", envelope("2025-11-25"), protocol_version="2025-11-25"), -32022),
        (post("tools/list", envelope()), -32020),
        (post("tools/list", {}, **MODERN), -32602),
        (post("tools/list", None, **MODERN), -32602),
        (post("tools/list", {"_meta": {VERSION: "2026-07-28"}}, **MODERN), -32602),
        (post("tools/list", {"_meta": {VERSION: 7, CAPABILITIES: {}}}, **MODERN), -32602),
        (post("tools/list", envelope("2025-11-25"), **MODERN), -32020),
        (post("tools/list", envelope("x"), protocol_version="x", method="tools/list"), -32022),
        (post("tools/list", {}, protocol_version="x"), -32022),
        (post(None, None, protocol_version="2026-07-28"), -32600),
        (post("tools/list", envelope(), protocol_version="2026-07-28"), -32020),
        (
            post("tools/list", envelope(), protocol_version="2026-07-28", method="tools/call"),
            -32020,
        ),
        (
            post("tools/list", envelope(), protocol_version="2026-07-28", method="Tools/list"),
            -32020,
        ),
    ],
)
def test_routing_table_refuses(judged: HttpFacts | Rejection, verdict: int) -> None:
    """Section 3's table and T-9, T-13: every refusal is 400 and names the request."""
    assert refused(judged) == (400, verdict, 1)


def test_routing_table_accepts() -> None:
    fresh = post("initialize", {"protocolVersion": "2025-11-25"})
    assert isinstance(fresh, HttpFacts)
    assert (fresh.is_modern, fresh.version, fresh.is_initialize, fresh.is_request) == (
        False,
        None,
        True,
        True,
    )
    old = post("tools/list", None, protocol_version="2025-06-18")
    assert isinstance(old, HttpFacts)
    assert (old.is_modern, old.version, old.is_initialize) == (False, "2025-06-18", False)
    modern = post("tools/list", envelope(), **MODERN)
    assert isinstance(modern, HttpFacts)
    assert (modern.is_modern, modern.is_request) == (True, True)
    notice = post("notifications/x", None, None, protocol_version="2026-07-28")
    assert isinstance(notice, HttpFacts)
    assert (notice.is_modern, notice.is_request) == (True, False)
    told = post("notifications/initialized", None, None)
    assert isinstance(told, HttpFacts)
    assert told.is_request is False
    removed = post("ping", envelope(), protocol_version="2026-07-28", method="ping")
    assert isinstance(removed, HttpFacts)  # the peer answers -32601


def test_unsupported_version_says_what_was_asked_and_what_there_is() -> None:
    judged = post("tools/list", {}, protocol_version="1999-01-01")

    assert isinstance(judged, Rejection)
    assert orjson.loads(judged.data)["error"]["data"] == {
        "supported": ["2026-07-28"],
        "requested": "1999-01-01",
    }


def test_bodies_that_are_no_message() -> None:
    """T-2, B-5: without a readable id the error has none."""
    modern = headers(mcp_protocol_version="2026-07-28")

    assert refused(judge_post(headers(), b"{")) == (400, -32700, None)
    assert refused(judge_post(headers(), b"7")) == (400, -32600, None)
    assert refused(judge_post(modern, b"[]")) == (400, -32600, None)
    twice = Headers([(b"MCP-Protocol-Version", b"2025-11-25")] * 2)
    assert refused(judge_post(twice, b'{"id":"a","method":"ping"}')) == (400, -32020, "a")
    assert refused(judge_post(twice, b"[7]")) == (400, -32020, None)


@pytest.mark.parametrize(
    ("body", "is_request"),
    [
        (b"[]", True),
        (b'[{"method":"a"},{"result":{}}]', False),
        (b'[{"method":"a"},{"method":"a","id":1}]', True),
        (b"[7]", True),
        (b'{"id":1,"result":{}}', False),
        (b'{"id":1,"error":{}}', False),
        (b'{"id":1}', True),
        (b'{"id":true,"method":"ping","params":[]}', True),
    ],
)
def test_what_wants_an_answer(body: bytes, is_request: bool) -> None:
    """B-6, L-1: an array of notifications and responses gets 202."""
    judged = judge_post(headers(mcp_protocol_version="2025-03-26"), body)

    assert isinstance(judged, HttpFacts)
    assert judged.is_request is is_request


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("tools/call", "name"),
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("tasks/get", "taskId"),
        ("tasks/update", "taskId"),
        ("tasks/cancel", "taskId"),
    ],
)
def test_name_header_repeats_the_named_thing(method: str, key: str) -> None:
    params = {**envelope(), key: "Zürich ü"}
    coded = f"=?base64?{base64.b64encode('Zürich ü'.encode()).decode()}?="
    common = {"protocol_version": "2026-07-28", "method": method}

    assert isinstance(post(method, params, name=coded, **common), HttpFacts)
    assert refused(post(method, params, name="zürich", **common))[1] == -32020
    assert refused(post(method, params, name="=?base64?!!!?=", **common))[1] == -32020
    assert refused(post(method, params, **common))[1] == -32020
    assert isinstance(post(method, envelope(), **common), HttpFacts)  # the peer misses the name


def test_header_names_ignore_case_and_values_are_trimmed() -> None:
    """T-9."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": envelope()})
    fields = [(b"mCp-PROTOCOL-version", b"\t2026-07-28 "), (b"MCP-METHOD", b" tools/list\t")]

    assert isinstance(judge_post(Headers(fields), body), HttpFacts)
    assert isinstance(
        judge_post(Headers([*fields, (b"mcp-method", b"tools/list")]), body), Rejection
    )
    assert set(Headers(fields).names()) == {"mcp-protocol-version", "mcp-method"}


SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "deep": {
            "type": "object",
            "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}},
        },
        "odd": True,
    },
}


@pytest.mark.parametrize(
    ("arguments", "fields", "is_fine"),
    [
        ({}, {}, True),
        ({"region": None}, {}, True),
        ({"region": "eu"}, {"region": "eu"}, True),
        ({"region": "eu"}, {"region": "=?base64?ZXU=?="}, True),
        ({"region": "eu"}, {"region": "=?base64?ZXU?="}, False),
        ({"region": "eu"}, {"region": "EU"}, False),
        ({"region": "eu"}, {}, False),
        ({}, {"region": "eu"}, False),
        ({"count": 42}, {"count": "42"}, True),
        ({"count": 42}, {"count": "42.0"}, True),
        ({"count": 42}, {"count": "4_2"}, False),
        ({"count": 42}, {"count": "many"}, False),
        ({"deep": {"flag": True}}, {"flag": "true"}, True),
        ({"deep": {"flag": False}}, {"flag": "true"}, False),
        ({"deep": 7}, {}, True),
    ],
)
def test_parameter_headers_repeat_arguments(
    arguments: dict[str, object], fields: dict[str, str], is_fine: bool
) -> None:
    """T-10, T-11."""
    params = {**envelope(), "name": "x", "arguments": arguments}
    given = {f"param_{name}": value for name, value in fields.items()}
    judged = post(
        "tools/call",
        params,
        schema=SCHEMA,
        protocol_version="2026-07-28",
        method="tools/call",
        name="x",
        **given,
    )

    assert isinstance(judged, HttpFacts) is is_fine
    if not is_fine:
        assert refused(judged) == (400, -32020, 1)


def test_unknown_tools_have_no_parameter_headers() -> None:
    params = {**envelope(), "name": "y"}
    common = {"protocol_version": "2026-07-28", "method": "tools/call", "name": "y"}

    assert isinstance(post("tools/call", params, schema=SCHEMA, **common), HttpFacts)
    twice = Headers(
        [
            *((f"mcp-{k.replace('_', '-')}".encode(), v.encode()) for k, v in common.items()),
            (b"mcp-name", b"y"),
        ]
    )
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    assert refused(judge_post(twice, body))[1] == -32020


@given(text=st.text(max_size=20))
def test_coded_values_are_read_back(text: str) -> None:
    coded = base64.b64encode(text.encode()).decode()

    assert decode_value(f"=?base64?{coded}?=") == text


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("plain", "plain"),
        ("=?base64?", "=?base64?"),
        ("=?BASE64?ZXU=?=", "=?BASE64?ZXU=?="),
        ("=?base64?SGVsbG8?=", None),  # bad padding
        ("=?base64?SGVs bG8=?=", None),
        ("=?base64?SGVsbG9=?=", None),  # not canonical
        ("=?base64?/w==?=", None),  # not UTF-8
        ("=?base64?ü?=", None),
        ("=?base64??=", ""),
    ],
)
def test_decoding_is_strict(value: str, meaning: str | None) -> None:
    """T-10."""
    assert decode_value(value) == meaning


def test_annotations_are_found_through_properties_only() -> None:
    assert sorted(annotated(SCHEMA)) == [
        ("Count", ("count",)),
        ("Flag", ("deep", "flag")),
        ("Region", ("region",)),
    ]


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8080", None, None),
        ("127.0.0.1", "http://localhost:3000", None),
        ("[::1]:9", "http://[::1]", None),
        ("LOCALHOST", "https://localhost", None),
        ("localhost", "https://app.example", 403),
        ("evil.example", "http://evil.example", 421),
        ("localhost.evil.example", None, 421),
        ("localhost", "http://evil.example", 403),
        ("localhost", "null", 403),
        ("localhost", "http://[", 403),
        ("[", None, 421),
    ],
)
def test_foreign_hosts_and_origins_are_refused(
    host: str, origin: str | None, status: int | None
) -> None:
    """X-1: what is absent is fine for Origin, and only for it."""
    fields = {"host": host} | ({"origin": origin} if origin is not None else {})
    judged = judge_source(headers(**fields))

    assert (None if judged is None else judged.status) == status


def test_host_is_needed_once() -> None:
    for fields in ([], [(b"host", b"localhost"), (b"host", b"localhost")]):
        judged = judge_source(Headers(fields))
        assert judged is not None
        assert judged.status == 421


@pytest.mark.parametrize(
    ("accept", "verdict"),
    [
        (None, Accepts(json=True, stream=False)),
        ("*/*", Accepts(json=True, stream=False)),
        ("application/json, text/event-stream", Accepts(json=True, stream=True)),
        ("text/event-stream;q=0.9", Accepts(json=False, stream=True)),
        ("text/html", Accepts(json=False, stream=False)),
    ],
)
def test_wildcards_are_no_consent_to_a_stream(accept: str | None, verdict: Accepts) -> None:
    """T-5, L-4."""
    assert read_accept(headers(**({} if accept is None else {"accept": accept}))) == verdict


def test_status_of_errors() -> None:
    """Section 13."""
    modern = {code: status_of(code, is_modern=True) for code in (-32601, -32602, -32021, -32603, 7)}

    assert modern == {-32601: 404, -32602: 400, -32021: 400, -32603: 200, 7: 200}
    assert status_of(None, is_modern=True) == 200
    assert status_of(-32601, is_modern=False) == 200
    assert status_of(-32600, is_modern=False) == 400


def test_cancelled_call_has_a_body() -> None:
    """L-9."""
    assert orjson.loads(cancelled_body(0)) == {
        "jsonrpc": "2.0",
        "id": 0,
        "error": {"code": -32800, "message": "request cancelled"},
    }
