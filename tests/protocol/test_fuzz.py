"""Nothing that a client can send raises, and nothing is answered twice."""

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from aimux.protocol import (
    Called,
    Headers,
    HttpFacts,
    Listening,
    Peer,
    Rejection,
    Reply,
    judge_post,
    judge_source,
    read_accept,
)
from aimux.protocol._methods import METHODS

from ..extent import examples
from .transcript import make_peer

WORDS = [
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "code",
    "message",
    "_meta",
    "name",
    "arguments",
    "uri",
    "requestId",
    "progressToken",
    "notifications",
    "taskIds",
    "protocolVersion",
    "capabilities",
    "level",
    "inputResponses",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
]
VALUES = ["2.0", "2025-03-26", "2026-07-28", "info", "", "x", *METHODS, "notifications/cancelled"]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.just(0.5), st.sampled_from(VALUES)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=12,
)
META = st.fixed_dictionaries(
    {},
    optional={
        "progressToken": SCALARS,
        "io.modelcontextprotocol/protocolVersion": SCALARS | st.just("2026-07-28"),
        "io.modelcontextprotocol/clientCapabilities": JSON | st.just({}),
    },
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | SCALARS,
        "id": st.integers(0, 3) | SCALARS,
        "method": st.sampled_from(sorted(METHODS)) | SCALARS,
        "params": JSON
        | st.fixed_dictionaries(
            {"_meta": META},
            optional=dict.fromkeys(("name", "uri", "notifications", "taskId", "level"), JSON),
        ),
        "result": JSON,
        "error": JSON,
    },
)
TRAFFIC = st.lists(MESSAGE | JSON | st.lists(MESSAGE, max_size=3), max_size=6)
BYTES = st.text(max_size=12).map(lambda text: text.encode())


def answer_all(peer: Peer, events: list[object]) -> list[object]:
    """Answer what was called and return the ids of every response."""
    said: list[object] = []
    for event in events:
        if isinstance(event, Reply):
            said.append(orjson.loads(event.outgoing.data))
        elif isinstance(event, Called | Listening):
            outgoing = peer.answer(event.call_id, {})
            if outgoing is not None:
                said.append(orjson.loads(outgoing.data))
    flat = [one for body in said for one in (body if isinstance(body, list) else [body])]
    return [one["id"] for one in flat if "method" not in one]


@pytest.mark.slow
@given(version=st.sampled_from([None, "2025-03-26", "2025-11-25"]), traffic=TRAFFIC)
@settings(max_examples=examples(25, 60))
def test_any_traffic_is_survived(version: str | None, traffic: list[object]) -> None:
    peer = make_peer()
    if version is not None:
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {}}
        opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        peer.receive(orjson.dumps(opening))
    for message in traffic:
        answered = answer_all(peer, list(peer.receive(orjson.dumps(message))))
        asked = message if isinstance(message, list) else [message]
        requests = [one for one in asked if isinstance(one, dict)]
        for request_id in answered:
            assert request_id is None or any(
                type(one.get("id")) is type(request_id) and one.get("id") == request_id
                for one in requests
            )
        assert len(answered) <= max(1, len(asked))

    assert peer.statistics().open_calls == 0


@given(raw=st.binary(max_size=40))
def test_any_bytes_are_survived(raw: bytes) -> None:
    peer = make_peer()

    for event in peer.receive(raw):
        assert isinstance(event, Reply)


DEEP = b"[" * 990 + b"]" * 990  # as deep as is read
PLACES = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%s}}',
    b'{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":%s}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%s}}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":%s}',
    b'{"jsonrpc":"2.0","id":%s,"method":"ping"}',
    (
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{'
        b'"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
        b'"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":%s}}}'
    ),
)


@pytest.mark.parametrize("place", PLACES)
def test_values_too_deep_to_be_written_are_survived(place: bytes) -> None:
    """What is read may be deeper than what can be put into an error."""
    peer = make_peer()

    for event in peer.receive(place % DEEP):
        assert isinstance(event, Called | Reply)


def test_extreme_numbers_and_depths_are_survived() -> None:
    peer = make_peer()
    deep = b"[" * 100_000 + b"]" * 100_000

    for raw in (b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % 2**70, deep, b'{"id":1e999}'):
        (event,) = peer.receive(raw)
        assert isinstance(event, Reply)
        assert event.outgoing.error_code in {-32700, -32600}


@pytest.mark.slow
@given(
    message=MESSAGE | JSON | st.lists(MESSAGE, max_size=3),
    fields=st.lists(
        st.tuples(
            st.sampled_from(
                [b"MCP-Protocol-Version", b"mcp-method", b"mcp-name", b"mcp-param-x", b"accept"]
            ),
            st.sampled_from([value.encode() for value in VALUES]) | BYTES,
        ),
        max_size=4,
    ),
)
@settings(max_examples=examples(30, 80))
def test_any_post_is_judged_and_what_passes_is_received(
    message: object, fields: list[tuple[bytes, bytes]]
) -> None:
    headers = Headers(fields)
    judged = judge_post(headers, orjson.dumps(message), lambda _name: {"properties": {}})
    if isinstance(judged, Rejection):
        assert judged.status in {400, 404}
        said = orjson.loads(judged.data)
        for each in said if isinstance(said, list) else [said]:
            assert each["error"]["code"] == judged.error_code
    else:
        assert isinstance(judged, HttpFacts)
        peer = make_peer()
        events = list(peer.receive(b"", via_http=judged))
        if judged.is_request:
            assert events
        answer_all(peer, events)
        assert peer.statistics().open_calls == 0


@given(host=BYTES, origin=BYTES, accept=BYTES)
def test_any_header_is_survived(host: bytes, origin: bytes, accept: bytes) -> None:
    headers = Headers([(b"host", host), (b"origin", origin), (b"accept", accept)])

    refused = judge_source(headers)

    assert refused is None or refused.status in {403, 421}
    assert read_accept(headers).stream is False
