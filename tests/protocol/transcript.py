"""Golden transcripts of a peer.

A script is text. Lines that begin with ``>> `` are messages of the client, ``# `` is a remark and
``:: `` what the server does: ``answer ID RESULT``, ``fail ID CODE TEXT``, ``progress ID N``,
``log LEVEL TEXT [ID]``, ``notify METHOD PARAMS``, ``ask METHOD PARAMS [ID]``, ``withdraw N``,
``release ID``. ``<< `` is what the peer writes and ``.. `` the events it reports. ``<any>`` in a
golden line matches one value.
"""

import re
from typing import assert_never

import orjson

from aimux.protocol import (
    Answered,
    CallCancelled,
    Called,
    CallId,
    Event,
    Listening,
    Notified,
    Offer,
    Outgoing,
    Peer,
    Reply,
    ServerInfo,
)

EVERYTHING = Offer(
    tools=True,
    prompts=True,
    resources=True,
    completions=True,
    logging=True,
    tasks=True,
    task_list=True,
    list_changed=True,
    subscribe=True,
)
SERVER = ServerInfo(
    name="golden",
    version="1.0",
    title="Golden",
    description="For transcripts",
    website_url="https://example.org",
    icons=({"src": "data:image/png;base64,AA=="},),
)


def make_peer(offer: Offer = EVERYTHING) -> Peer:
    """Return a peer that offers everything."""
    return Peer(server=SERVER, offer=offer, instructions="be kind")


class Stage:
    """Plays a script and writes down what comes out."""

    def __init__(self) -> None:
        self.peer = make_peer()
        self.calls: dict[object, CallId] = {}

    def play(self, line: str) -> list[str]:
        """Return the lines that follow an input line."""
        if line.startswith(">> "):
            return [
                told for event in self.peer.receive(line[3:].encode()) for told in self.tell(event)
            ]
        if line.startswith(":: "):
            return self.act(*line[3:].split(" ", 1))
        return []

    def tell(self, event: Event) -> list[str]:
        match event:
            case Reply(outgoing):
                return self.show(outgoing)
            case Called():
                self.calls[event.request_id] = event.call_id
                return [f".. called {event.request_id!r} {event.method} {event.revision.version}"]
            case Listening():
                self.calls[event.request_id] = event.call_id
                return [f".. listening {event.request_id!r}"]
            case CallCancelled():
                return [f".. cancelled {event.request_id!r} {event.reason}"]
            case Notified():
                return [f".. notified {event.method} {orjson.dumps(event.params).decode()}"]
            case Answered():
                said = event.result if event.error is None else event.error.body()
                return [f".. answered {event.ask_id} {orjson.dumps(said).decode()}"]
            case _:
                assert_never(event)

    def show(self, *outgoing: Outgoing | None) -> list[str]:
        lines = [f"<< {one.data.decode()}" for one in outgoing if one is not None]
        return lines or [".. nothing"]

    def act(self, verb: str, rest: str) -> list[str]:
        words = rest.split(" ")
        peer = self.peer
        match verb:
            case "answer":
                request_id, result = rest.split(" ", 1)
                return self.show(peer.answer(self.call(request_id), orjson.loads(result)))
            case "fail":
                return self.show(
                    peer.fail(self.call(words[0]), int(words[1]), " ".join(words[2:]), {"k": 1})
                )
            case "progress":
                call_id = self.call(words[0])
                return self.show(peer.progress(call_id, int(words[1]), 100, "going on"))
            case "log":
                call_id = self.call(words[2]) if len(words) > 2 else None
                return self.show(peer.log(words[0], words[1], "golden", call_id))
            case "notify":
                return self.show(*peer.notify(words[0], orjson.loads(words[1])))
            case "ask":
                call_id = self.call(words[2]) if len(words) > 2 else None
                asked = peer.ask(words[0], orjson.loads(words[1]), call_id)
                return self.show(None if asked is None else asked[1])
            case "withdraw":
                return self.show(peer.withdraw(int(words[0]), "enough"))
            case "release":
                return self.show(peer.release(self.call(words[0])))
        raise AssertionError(f"no verb {verb}")

    def call(self, request_id: str) -> CallId:
        return self.calls[orjson.loads(request_id)]


def replay(script: str) -> str:
    """Return the script with everything that comes out of it, golden wildcards kept."""
    stage = Stage()
    said: list[str] = []
    pending: list[str] = []
    golden = [line for line in script.splitlines() if line.startswith(("<< ", ".. "))]
    for line in script.splitlines():
        if line.startswith(("<< ", ".. ")):
            continue
        said.append(line)
        for told in stage.play(line):
            pending.append(told)
            expected = golden[len(pending) - 1] if len(pending) <= len(golden) else ""
            said.append(expected if is_match(expected, told) else told)
    return "\n".join(said) + "\n"


def is_match(expected: str, told: str) -> bool:
    """Tell whether a golden line with wildcards covers a line."""
    return re.fullmatch(".+?".join(map(re.escape, expected.split("<any>"))), told) is not None
