"""Any order of calls, cancellations and answers keeps the peer's promises."""

import orjson
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from aimux.protocol import CallCancelled, Called, CallId, Outgoing, Peer, Reply

from ..extent import examples
from .transcript import make_peer

IDS = st.one_of(st.integers(-2, 2), st.sampled_from(["", "0", "1", "a"]))
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Conversation(RuleBasedStateMachine):
    """The state that a test expects, beside the peer's."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.peer: Peer = make_peer()
        self.open: dict[tuple[type, int | str], CallId] = {}
        self.cancelled: set[CallId] = set()
        self.answered: set[CallId] = set()
        self.requests: dict[CallId, int | str] = {}

    def send(self, message: object) -> list[object]:
        return list(self.peer.receive(orjson.dumps(message)))

    @rule(
        target=calls,
        request_id=IDS,
        is_modern=st.booleans(),
        token=st.none() | st.sampled_from([0, "", "t"]),
    )
    def call(self, request_id: int | str, is_modern: bool, token: object) -> CallId | None:
        meta: dict[str, object] = dict(ENVELOPE) if is_modern else {}
        if token is not None:
            meta["progressToken"] = token
        params = {"name": "x", "_meta": meta}
        message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
        (event,) = self.send(message)
        key = (type(request_id), request_id)
        if key in self.open:
            assert isinstance(event, Reply)
            said = orjson.loads(event.outgoing.data)
            assert said["error"]["code"] == -32600
            assert said["id"] == request_id
            assert type(said["id"]) is type(request_id)
            return None
        assert isinstance(event, Called)
        assert event.progress_token == token
        assert event.revision.is_modern is is_modern
        self.open[key] = event.call_id
        self.requests[event.call_id] = request_id
        return event.call_id

    @rule(request_id=IDS)
    def cancel(self, request_id: int | str) -> None:
        params = {"requestId": request_id}
        events = self.send(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        )
        call_id = self.open.pop((type(request_id), request_id), None)
        if call_id is None:
            assert events == []
        else:
            assert events == [CallCancelled(call_id, request_id, None)]
            self.cancelled.add(call_id)

    @rule(call_id=calls, progress=st.integers(0, 5))
    def progress(self, call_id: CallId | None, progress: int) -> None:
        if call_id is None:
            return
        told = self.peer.progress(call_id, progress)
        if call_id in self.cancelled | self.answered:
            assert told is None

    @rule(call_id=consumes(calls), ending=st.sampled_from(["answer", "fail", "release"]))
    def end(self, call_id: CallId | None, ending: str) -> None:
        if call_id is None:
            return
        said: Outgoing | None
        if ending == "answer":
            said = self.peer.answer(call_id, {"content": []})
        elif ending == "fail":
            said = self.peer.fail(call_id, -32603, "no")
        else:
            said = self.peer.release(call_id)
        request_id = self.requests[call_id]
        if call_id in self.cancelled or ending == "release":
            assert said is None
        else:
            assert said is not None
            assert said.is_final
            body = orjson.loads(said.data)
            assert body["id"] == request_id
            assert type(body["id"]) is type(request_id)
            assert ("error" in body) is (ending == "fail") is (said.error_code is not None)
        self.open = {key: one for key, one in self.open.items() if one != call_id}
        self.answered.add(call_id)
        try:
            self.peer.answer(call_id, {})
        except LookupError:
            return
        raise AssertionError("answered twice")

    @rule(version=st.sampled_from(["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28", "x"]))
    def open_handshake(self, version: str) -> None:
        message = {
            "jsonrpc": "2.0",
            "id": "init",
            "method": "initialize",
            "params": {"protocolVersion": version},
        }
        is_fresh = self.peer.phase == "fresh"
        (event,) = self.send(message)
        assert isinstance(event, Reply)
        assert ("result" in orjson.loads(event.outgoing.data)) is is_fresh

    @invariant()
    def states_agree(self) -> None:
        counted = self.peer.statistics()
        assert counted.open_calls == len(self.open)
        assert counted.cancelled_calls == len(self.cancelled - self.answered)


TestConversation = pytest.mark.slow(Conversation.TestCase)
TestConversation.settings = settings(max_examples=examples(25, 60), stateful_step_count=30)
