"""What transcripts cannot say about a peer."""

from types import MappingProxyType

import orjson
import pytest
from hypothesis import given, strategies as st

from aimux.protocol import (
    Answered,
    Called,
    Client,
    Fault,
    Filter,
    HttpFacts,
    Listening,
    Offer,
    Outgoing,
    Peer,
    Reply,
    ServerInfo,
    missing_capability,
    resource_not_found,
)
from aimux.protocol._peer import MAX_OPEN_CALLS

from .transcript import make_peer

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "sampling": {}},
}


def line(method: str, request_id: object = None, **params: object) -> bytes:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "params": params}
    if request_id is not None:
        message["id"] = request_id
    return orjson.dumps(message)


def ready(version: str = "2025-11-25", **capabilities: object) -> Peer:
    peer = make_peer()
    peer.receive(line("initialize", "i", protocolVersion=version, capabilities=capabilities))
    peer.receive(line("notifications/initialized"))
    return peer


def called(peer: Peer, raw: bytes) -> Called:
    (event,) = peer.receive(raw)
    assert isinstance(event, Called)
    return event


def body(outgoing: Outgoing | None) -> dict[str, object]:
    assert outgoing is not None
    said = orjson.loads(outgoing.data)
    assert isinstance(said, dict)
    return said


SCRIPT = b"\n".join(
    [
        line("tools/list", 1),
        b"junk",
        line("initialize", "é", protocolVersion="2025-03-26"),
        b"[" + line("ping", 2) + b"," + line("tools/call", 3, name="ü") + b"]\r",
        b"",
        line("notifications/cancelled", requestId=1),
        b"x" * 5000,
        line("ping", 0),
    ]
)


@pytest.mark.slow
@given(cuts=st.lists(st.integers(1, len(SCRIPT) - 1), max_size=8).map(sorted))
def test_bytes_cut_anywhere_give_the_same_events(cuts: list[int]) -> None:
    def play(edges: list[int]) -> list[object]:
        peer = Peer(server=ServerInfo(name="t", version="1"), offer=Offer(), max_bytes=4000)
        pieces = [SCRIPT[a:b] for a, b in zip([0, *edges], [*edges, None], strict=True)]
        return [event for piece in [*(p for p in pieces if p), b""] for event in peer.feed(piece)]

    assert play(cuts) == play([])


def test_oversize_line_is_refused_and_the_next_one_answered() -> None:
    peer = Peer(server=ServerInfo(name="t", version="1"), offer=Offer(), max_bytes=100)

    refused, answered = peer.feed(b"x" * 101 + b"\n" + line("ping", 1) + b"\n")

    assert isinstance(refused, Reply)
    assert body(refused.outgoing)["error"] == {
        "code": -32600,
        "message": "message larger than 100 bytes",
    }
    assert isinstance(answered, Reply)
    assert peer.statistics().faults == 1


@pytest.mark.parametrize("raw", [b'{"id":"\xff"}', b"\xc3", b'{"a":"\xed\xa0\x80"}', b'{"a":NaN}'])
def test_what_is_not_utf8_json_is_a_parse_error(raw: bytes) -> None:
    (event,) = make_peer().receive(raw)

    assert isinstance(event, Reply)
    assert event.outgoing.error_code == -32700


def test_results_that_are_not_json_leave_the_call_open() -> None:
    """The dispatcher can still answer with an error."""
    peer = make_peer()
    call_id = called(peer, line("tools/call", 1, name="x")).call_id

    with pytest.raises(TypeError):
        peer.answer(call_id, {"content": [object()]})
    with pytest.raises(TypeError):
        peer.fail(call_id, 1, "x", object())
    assert body(peer.fail(call_id, -32603, "broken"))["id"] == 1


def test_unknown_calls_are_lookup_errors_and_late_words_are_swallowed() -> None:
    peer = make_peer()
    call_id = called(peer, line("tools/call", 1, name="x", _meta={"progressToken": 0})).call_id
    peer.answer(call_id, {})

    for ending in (
        lambda: peer.answer(call_id, {}),
        lambda: peer.fail(call_id, 1, "x"),
        lambda: peer.require_input(call_id, {}, "s"),
    ):
        with pytest.raises(LookupError):
            ending()
    assert peer.progress(call_id, 1) is None
    assert peer.log("error", "x", call_id=call_id) is None
    assert peer.release(call_id) is None
    assert peer.ask("roots/list", {}, call_id) is None


def test_answer_of_a_result_type_that_the_era_lacks_is_our_bug() -> None:
    peer = ready()
    call_id = called(peer, line("tools/call", 1, name="x")).call_id

    with pytest.raises(ValueError, match="input_required"):
        peer.answer(call_id, {"resultType": "input_required", "requestState": "s"})
    with pytest.raises(ValueError, match="cannot ask"):
        peer.require_input(call_id, {}, "s")


def test_input_is_required_by_a_result() -> None:
    """F-13: keys, requests and state; elicitationId does not exist any more."""
    peer = make_peer()
    call_id = called(peer, line("tools/call", 1, name="x", _meta=ENVELOPE)).call_id
    asked = {"method": "elicitation/create", "params": {"message": "m", "elicitationId": "e"}}

    said = body(
        peer.require_input(
            call_id, {"who": asked, "s": {"method": "sampling/createMessage"}}, "state"
        )
    )

    result = said["result"]
    assert isinstance(result, dict)
    assert result["resultType"] == "input_required"
    assert result["requestState"] == "state"
    assert result["inputRequests"] == {
        "who": {"method": "elicitation/create", "params": {"message": "m"}},
        "s": {"method": "sampling/createMessage", "params": {}},
    }
    assert not {"ttlMs", "cacheScope"} & result.keys()


def test_input_that_was_not_declared_is_refused_with_what_is_missing() -> None:
    """F-14, E-4: an empty elicitation means forms only."""
    peer = make_peer()
    call_id = called(peer, line("tools/call", 1, name="x", _meta=ENVELOPE)).call_id
    asked = {"method": "elicitation/create", "params": {"mode": "url", "url": "https://a.example"}}

    outgoing = peer.require_input(call_id, {"who": asked})

    assert outgoing is not None
    assert outgoing.error_code == -32021
    assert body(outgoing)["error"] == {
        "code": -32021,
        "message": "client capability not declared: elicitation",
        "data": {"requiredCapabilities": {"elicitation": {"url": {}}}},
    }


def test_input_needs_a_request_or_a_state_and_a_method_that_can_be_repeated() -> None:
    peer = make_peer()
    call_id = called(peer, line("tools/call", 1, name="x", _meta=ENVELOPE)).call_id
    list_id = called(peer, line("tools/list", 2, _meta=ENVELOPE)).call_id
    stateless = called(peer, line("prompts/get", 3, name="p", _meta=ENVELOPE)).call_id

    with pytest.raises(ValueError, match="needs a request or a state"):
        peer.require_input(call_id, {})
    with pytest.raises(ValueError, match="cannot ask"):
        peer.require_input(list_id, {}, "s")
    said = body(peer.require_input(call_id, {}, "only a state"))["result"]
    assert isinstance(said, dict)
    assert "inputRequests" not in said
    asked = {"k": {"method": "elicitation/create"}}
    said = body(peer.require_input(stateless, asked))["result"]
    assert isinstance(said, dict)
    assert "requestState" not in said


def test_a_retry_carries_answers_and_state() -> None:
    peer = make_peer()
    retry = called(
        peer,
        line("tools/call", 1, name="x", inputResponses={"k": {}}, requestState="", _meta=ENVELOPE),
    )
    plain = called(peer, line("tools/call", 2, name="x", _meta=ENVELOPE))
    old = called(peer, line("tools/call", 3, name="x", inputResponses={}, task={}))

    assert (retry.input_responses, retry.request_state, retry.is_retry) == ({"k": {}}, "", True)
    assert (plain.input_responses, plain.request_state, plain.is_retry) == (None, None, False)
    assert (old.input_responses, old.task) == (None, {})
    assert plain.task is None


@pytest.mark.parametrize("token", [True, 1.5, None, [], {}])
def test_odd_progress_tokens_are_no_tokens(token: object) -> None:
    peer = make_peer()
    call = called(peer, line("tools/call", 1, name="x", _meta={"progressToken": token}))

    assert call.progress_token is None
    assert peer.progress(call.call_id, 1) is None


def test_cacheable_results_carry_what_the_server_says() -> None:
    """E-12: ttlMs and cacheScope, in the modern era only."""
    peer = make_peer()
    modern = called(peer, line("tools/list", 1, _meta=ENVELOPE))
    old = called(peer, line("tools/list", 2))

    said = body(peer.answer(modern.call_id, {"tools": []}, ttl_ms=5, cache_scope="public"))
    assert isinstance(said["result"], dict)
    assert (said["result"]["ttlMs"], said["result"]["cacheScope"]) == (5, "public")
    said = body(peer.answer(old.call_id, {"tools": []}, ttl_ms=5, cache_scope="public"))
    assert said["result"] == {"tools": []}


def test_results_of_the_server_are_not_changed_in_place() -> None:
    tools = {"tools": [{"name": "a", "title": "A"}], "resultType": "complete"}
    before = orjson.dumps(tools)
    for version in ("2024-11-05", "2025-11-25"):
        peer = ready(version)
        peer.answer(called(peer, line("tools/list", 1)).call_id, tools)

    assert orjson.dumps(tools) == before


def test_client_answers_reach_whoever_asked() -> None:
    """B-4: a malformed answer ends the wait too."""
    peer = ready(roots={})
    call_id = called(peer, line("tools/call", 7, name="x")).call_id
    answers: list[dict[str, object]] = [
        {"result": {"roots": []}},
        {"error": {"code": -1, "message": "no", "data": [1]}},
        {"result": {}, "error": {"code": -1, "message": "no"}},
        {"error": {"code": "x"}},
        {"result": 7},
        {"result": None},
    ]
    told = []
    for answer in answers:
        asked = peer.ask("roots/list", call_id=call_id)
        assert asked is not None
        ask_id, outgoing = asked
        assert outgoing.call_id == call_id
        told += peer.receive(orjson.dumps({"jsonrpc": "2.0", "id": ask_id, **answer}))
        assert peer.receive(orjson.dumps({"jsonrpc": "2.0", "id": ask_id, **answer})) == []

    malformed = Fault(-32600, "malformed response")
    assert [(one.result, one.error) for one in told if isinstance(one, Answered)] == [
        ({"roots": []}, None),
        (None, Fault(-1, "no", [1])),
        (None, malformed),
        (None, malformed),
        (None, malformed),
        (None, malformed),
    ]
    assert peer.statistics().pending_asks == 0


@pytest.mark.parametrize("cut", [b'"\\ud800"', b'"%s"' % (b"x" * 2_000)])
def test_an_answer_that_cannot_be_read_ends_the_wait(cut: bytes) -> None:
    """Nothing is said to the client: its own call may have the same id."""
    peer = ready(roots={})
    peer._lines.max_bytes = 1_000
    asked = peer.ask("roots/list")
    assert asked is not None
    own = called(peer, line("tools/call", asked[0], name="x"))
    text = b'{"jsonrpc":"2.0","id":%d,"result":{"roots":[%s]}}\n' % (asked[0], cut)
    events = peer.feed(text)

    assert [type(each) for each in events] == [Answered]
    assert isinstance(events[0], Answered)
    assert events[0].error is not None
    assert peer.answer(own.call_id, {}) is not None


def test_a_question_can_be_withdrawn() -> None:
    peer = ready(roots={})
    asked = peer.ask("roots/list")
    assert asked is not None

    assert peer.ask("sampling/createMessage", {"messages": []}) is None
    assert body(peer.withdraw(asked[0]))["params"] == {"requestId": asked[0]}
    assert peer.withdraw(asked[0]) is None


def test_log_levels_are_the_eight_of_syslog() -> None:
    peer = ready()

    assert peer.log("debug", "x") is None
    assert body(peer.log("info", {"a": 1}))["params"] == {"level": "info", "data": {"a": 1}}
    with pytest.raises(ValueError, match="loud"):
        peer.log("loud", "x")
    silent = Peer(server=ServerInfo(name="t", version="1"), offer=Offer())
    assert silent.log("emergency", "x") is None


def test_what_is_not_offered_does_not_exist() -> None:
    """E-8: declared capabilities equal what works."""
    peer = Peer(server=ServerInfo(name="t", version="1"), offer=Offer())
    for method in ("prompts/list", "completion/complete", "logging/setLevel", "tasks/list"):
        (event,) = peer.receive(line(method, 1))
        assert isinstance(event, Reply)
        assert body(event.outgoing)["error"] == {
            "code": -32601,
            "message": f"not served here: {method}",
        }
    (event,) = peer.receive(line("subscriptions/listen", 1, notifications={}, _meta=ENVELOPE))
    assert isinstance(event, Reply)
    assert event.outgoing.error_code == -32601
    assert peer.notify("notifications/tools/list_changed") == []
    (event,) = peer.receive(line("initialize", 1, protocolVersion="2025-11-25"))
    assert isinstance(event, Reply)
    assert body(event.outgoing)["result"] == {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "t", "version": "1"},
    }
    peer.receive(line("notifications/initialized"))
    assert peer.notify("notifications/tools/list_changed") == []
    no_tools = Peer(server=ServerInfo(name="t", version="1"), offer=Offer(tools=False, tasks=True))
    (event,) = no_tools.receive(line("server/discover", 1, _meta=ENVELOPE))
    assert isinstance(event, Reply)
    result = body(event.outgoing)["result"]
    assert isinstance(result, dict)
    assert result["capabilities"] == {"extensions": {"io.modelcontextprotocol/tasks": {}}}


def test_contradictory_offers_are_refused() -> None:
    with pytest.raises(ValueError, match="without resources"):
        Offer(subscribe=True)
    with pytest.raises(ValueError, match="without tasks"):
        Offer(task_list=True)


def test_task_list_is_declared_only_where_it_is_served() -> None:
    peer = Peer(server=ServerInfo(name="t", version="1"), offer=Offer(tasks=True))
    (event,) = peer.receive(line("initialize", 1, protocolVersion="2025-11-25"))

    assert isinstance(event, Reply)
    result = body(event.outgoing)["result"]
    assert isinstance(result, dict)
    assert result["capabilities"]["tasks"] == {"cancel": {}, "requests": {"tools": {"call": {}}}}


def test_instructions_are_asked_for_when_they_are_told() -> None:
    told = iter(["first", "second", ""])
    peer = Peer(
        server=ServerInfo(name="t", version="1"), offer=Offer(), instructions=lambda: next(told)
    )

    def discovered() -> object:
        (event,) = peer.receive(line("server/discover", 1, _meta=ENVELOPE))
        assert isinstance(event, Reply)
        result = body(event.outgoing)["result"]
        assert isinstance(result, dict)
        return result.get("instructions")

    assert [discovered(), discovered(), discovered()] == ["first", "second", None]


def test_http_message_without_session_is_2025_03_26() -> None:
    """Section 3: header absent, no session: the revision with batches is assumed."""
    peer = make_peer()
    message = [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]

    (event,) = peer.receive(b"", via_http=HttpFacts(message, False, None, False, True))
    assert isinstance(event, Called)
    assert event.revision.version == "2025-03-26"
    (event,) = peer.receive(
        b"", via_http=HttpFacts(message[0] | {"id": 2}, False, "2025-06-18", False, True)
    )
    assert isinstance(event, Called)
    assert event.revision.version == "2025-06-18"


def test_session_keeps_its_revision_over_http() -> None:
    """L-6: the header is not insisted on."""
    peer = ready("2024-11-05")
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    (event,) = peer.receive(b"", via_http=HttpFacts(message, False, "2025-11-25", False, True))

    assert isinstance(event, Called)
    assert event.revision.version == "2024-11-05"


def test_client_is_read_leniently() -> None:
    """H-7: what is mistyped counts as not said."""
    peer = make_peer()
    peer.receive(line("initialize", 1, protocolVersion="2025-11-25", capabilities=7, clientInfo=[]))

    assert peer.client == Client({}, {})
    assert peer.revision.version == "2025-11-25"
    peer.receive(line("initialize", 2, protocolVersion="2024-11-05"))
    assert peer.revision.version == "2025-11-25"


def test_open_calls_of_one_client_are_bounded() -> None:
    """Cancelled calls count until their handlers have ended; one that ends makes room."""
    peer = make_peer()
    first = called(peer, line("tools/call", 0, name="x"))
    for number in range(1, MAX_OPEN_CALLS):
        called(peer, line("tools/call", number, name="x"))
    peer.receive(line("notifications/cancelled", requestId=0))

    for _ in range(2):
        (event,) = peer.receive(line("tools/call", "more", name="x"))
        assert isinstance(event, Reply)
        assert event.outgoing.error_code == -32603
    (event,) = peer.receive(line("ping", "p"))
    assert isinstance(event, Reply)
    assert body(event.outgoing)["result"] == {}
    peer.release(first.call_id)
    called(peer, line("tools/call", "more", name="x"))


def test_results_may_be_any_mapping() -> None:
    peer = make_peer()
    call = called(peer, line("resources/read", 1, uri="a://b"))

    said = body(peer.answer(call.call_id, MappingProxyType({"contents": []})))

    assert said["result"] == {"contents": []}


def test_watched_uris_are_those_of_both_eras() -> None:
    peer = ready()
    call = called(peer, line("resources/subscribe", 1, uri="a://b"))
    assert peer.watched_uris == frozenset()
    peer.answer(call.call_id, {})
    _, listening = peer.receive(
        line(
            "subscriptions/listen",
            2,
            notifications={"resourceSubscriptions": ["a://c"]},
            _meta=ENVELOPE,
        )
    )
    assert isinstance(listening, Listening)
    assert listening.filter == Filter(frozenset(), frozenset({"a://c"}), frozenset())

    assert peer.watched_uris == {"a://b", "a://c"}


def test_repr_is_a_status_line() -> None:
    peer = ready(roots={})
    called(peer, line("tools/list", 1))
    called(peer, line("tools/list", 2))
    peer.receive(line("notifications/cancelled", requestId=2))
    peer.receive(line("subscriptions/listen", 3, notifications={}, _meta=ENVELOPE))
    peer.ask("roots/list")

    assert repr(peer) == "<Peer: ready 2025-11-25, 1 open calls, 1 listeners, 1 asks>"
    assert peer.statistics().cancelled_calls == 1
    assert peer.statistics().calls == 3
    assert repr(peer.revision) == "<Revision 2025-11-25>"


def test_faults_become_the_errors_of_each_revision() -> None:
    """Section 1: -32002 and -32021 exist in one era each."""
    peer = ready()
    old = called(peer, line("resources/read", 1, uri="a://b"))
    modern = called(peer, line("resources/read", 2, uri="a://b", _meta=ENVELOPE))
    needy = called(peer, line("tools/call", 3, name="x"))

    said = body(peer.fail_with(old.call_id, resource_not_found("a://b")))
    assert said["error"] == {
        "code": -32002,
        "message": "resource not found: a://b",
        "data": {"uri": "a://b"},
    }
    outgoing = peer.fail_with(modern.call_id, resource_not_found("a://b"))
    assert outgoing is not None
    assert outgoing.error_code == -32602
    outgoing = peer.fail_with(needy.call_id, missing_capability({"sampling": {}}))
    assert outgoing is not None
    assert outgoing.error_code == -32600


@pytest.mark.parametrize(
    ("declared", "method", "params", "lacking"),
    [
        ({}, "ping", {}, None),
        ({}, "elicitation/create", {}, {"elicitation": {"form": {}}}),
        ({"elicitation": {}}, "elicitation/create", {}, None),
        ({"elicitation": {"url": {}}}, "elicitation/create", {}, {"elicitation": {"form": {}}}),
        ({"elicitation": {"url": {}}}, "elicitation/create", {"mode": "url"}, None),
        ({"sampling": {}}, "sampling/createMessage", {}, None),
        ({}, "sampling/createMessage", {}, {"sampling": {}}),
        ({"sampling": {}}, "sampling/createMessage", {"tools": []}, {"sampling": {"tools": {}}}),
        ({"sampling": {"tools": {}}}, "sampling/createMessage", {"toolChoice": {}}, None),
        ({"roots": {}}, "roots/list", {}, None),
        ({}, "roots/list", {}, {"roots": {}}),
        ({}, "x/y", {}, {"experimental": {"x/y": {}}}),
    ],
)
def test_what_a_client_can_be_asked(
    declared: dict[str, object], method: str, params: dict[str, object], lacking: object
) -> None:
    client = Client(declared, {})

    assert client.lacking(method, params) == lacking
    assert client.accepts(method, params) is (lacking is None)
