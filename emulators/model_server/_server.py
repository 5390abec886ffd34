"""The HTTP side: routes, bodies, delivery, the request log.

One thread per connection. An event stream ends with its connection, as with `Connection: close`;
a reply that is slow or never comes ends early when the client leaves or the server stops.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import hashlib
import http.server
import json
import re
import select
import socket
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

from ._bodies import BadBody, parse_body, read_body
from ._faults import FAULTS, error_of
from ._interactions import FAMILY, Interactions, route_of
from ._replies import DELIVERIES, Reply, decide
from ._requests import Json, ModelRequest, read_request
from ._script import Script, read_script
from ._shapes import body_of, events_of

POLL_S: Final = 0.1  # how soon a waiting reply notices that its client left
SAID_CHARS: Final = 2000  # of an answer in the log
DEFAULT_MODELS: Final = ("test-model",)
GEMINI_ROUTE: Final = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+):(\w+)$")
ROUTES: Final = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/messages": "messages",
}


class ModelServer:
    """A running endpoint: where it is, what it was asked, and the script it follows."""

    def __init__(
        self,
        *,
        script: str = "",
        log: Path | None = None,
        key: str = "",
        models: Sequence[str] = (),
    ) -> None:
        self.script = script
        self.key = key
        self.models = tuple(models)
        self.stopping = threading.Event()
        self._log = log
        self._lines: list[dict[str, object]] = []
        self._seen: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self.interactions = Interactions()
        self.http: _Listener | None = None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        assert self.http is not None
        return int(self.http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[dict[str, object]]:
        """The log lines so far, oldest first."""
        with self._lock:
            return list(self._lines)

    def base_script(self) -> Script:
        """The run's own script, read anew for each request so that a test can change it."""
        return read_script(self.script)

    def count(self, prompt: str) -> int:
        """How many requests with this prompt came before this one."""
        digest = hashlib.sha256(prompt.encode()).hexdigest()
        with self._lock:
            self._seen[digest] += 1
            return self._seen[digest] - 1

    def serial(self) -> int:
        """A number no other answer of this server has."""
        with self._lock:
            self._seen["serial"] += 1
            return self._seen["serial"]

    def record(self, line: dict[str, object]) -> None:
        """Keep a log line, and append it to the log file where there is one."""
        with self._lock:
            self._lines.append(line)
            if self._log is not None:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, model: ModelServer) -> None:
        self.model = model
        super().__init__(("127.0.0.1", port), _Responder)

    def handle_error(self, request: object, client_address: object) -> None:
        # a client that was killed in the middle of an answer is what these tests are about
        del request, client_address


@contextlib.contextmanager
def serve_model(
    *,
    port: int = 0,
    script: str = "",
    log: Path | None = None,
    key: str = "",
    models: Sequence[str] = (),
) -> Iterator[ModelServer]:
    """Serve on loopback while the body runs; port 0 takes a free one.

    `script` holds directives for whatever a prompt leaves open. With `key` every other key is
    refused; with `models` every other model is unknown. Leaving ends replies that still wait.
    """
    server = ModelServer(script=script, log=log, key=key, models=models)
    with _Listener(port, server) as listener:
        server.http = listener
        # the interval is how long leaving may take
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            listener.shutdown()
            thread.join()


class _Responder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        try:
            body = read_body(self.rfile, dict(self.headers.items()))
        except BadBody:
            self.close_connection = True  # what is left of the body cannot be told from a request
            self._send_fault(self._family(self._route()), "bad", "")
            return
        self._answer(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Nothing: the request log is the JSON one."""

    def _route(self) -> str:
        return urllib.parse.urlsplit(self.path).path.rstrip("/")

    def _family(self, route: str) -> str:
        if GEMINI_ROUTE.search(route) or route.startswith("/v1beta") or "/interactions" in route:
            return "gemini"
        known = (family for end, family in ROUTES.items() if route.endswith(end))
        return "messages" if route.endswith("/count_tokens") else next(known, "chat")

    def _answer(self, body: bytes) -> None:
        model = self.server.model
        route, family = self._route(), self._family(self._route())
        line: dict[str, object] = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "method": self.command,
            "path": self.path,
            "family": family,
            "model": "",
            "stream": False,
            "bytes": len(body),
            "tools": [],
            "sha256": "",
        }
        try:
            parsed = parse_body(body) if self.command == "POST" else {}
        except BadBody:
            model.record(line | {"reply": "bad"})
            self._send_fault(family, "bad", "")
            return
        if model.key and self._key() != model.key:
            model.record(line | {"reply": "401"})
            self._send_fault(family, "401", "")
            return
        asked = route_of(self.command, route)
        if asked is not None:
            self._follow(line, asked, parsed)
            return
        request = self._turn_request(route, family, parsed)
        if request is None:
            answer = self._side_answer(route, family, parsed)
            model.record(line | {"reply": "route" if answer is None else "facts"})
            if answer is None:
                self._send_fault(family, "route", "")
            else:
                self._send_json(HTTPStatus.OK, answer)
            return
        prompt = request.prompt
        reply = self._reply(request, prompt)
        model.record(
            line
            | {"model": request.model, "stream": request.is_stream, "reply": reply.label}
            | {"tools": [tool.name for tool in request.tools], "side": request.is_side_call}
            | {"sha256": hashlib.sha256(prompt.encode()).hexdigest(), "prompt_chars": len(prompt)}
            | {"said": reply.text[:SAID_CHARS]}
        )
        self._deliver(request, reply)

    def _follow(self, line: dict[str, object], asked: tuple[str, str], parsed: Json) -> None:
        """An interaction: begun, looked at or cancelled."""
        model = self.server.model
        with model.interactions.lock:
            step = model.interactions.step(*asked, parsed, model)
        model.record(line | {"family": FAMILY, "reply": step.label} | dict(step.facts))
        if step.fault == "hang":
            self.close_connection = True
            self._wait(None)
        elif step.fault == "malformed":
            self._send_json(HTTPStatus.OK, {"neither": "id", "nor": "status"})
        elif step.fault:
            self._send_fault("gemini", step.fault, str(step.facts.get("model", "")))
        elif self._wait(step.delay_s):
            self._send_json(HTTPStatus.OK, step.body)

    def _reply(self, request: ModelRequest, prompt: str) -> Reply:
        model = self.server.model
        if model.models and request.model not in model.models:
            return Reply(fault="404")
        reply = decide(request, model.base_script(), model.count(prompt))
        if reply.fault and reply.fault not in FAULTS:
            known = ", ".join([*DELIVERIES, *FAULTS])
            reply = Reply(text=f"No behaviour named {reply.fault}; known: {known}")
        return dataclasses.replace(reply, serial=model.serial())

    def _turn_request(self, route: str, family: str, parsed: Json) -> ModelRequest | None:
        if self.command != "POST":
            return None
        named = GEMINI_ROUTE.search(route)
        if named and named[2] in ("generateContent", "streamGenerateContent"):
            is_stream = named[2].startswith("stream")
            return read_request(family, parsed, model=named[1], is_stream=is_stream)
        if any(route.endswith(end) for end in ROUTES):
            return read_request(family, parsed)
        return None

    def _side_answer(self, route: str, family: str, parsed: Json) -> Json | None:
        """The answer of a route that is no model turn; None for an unknown one."""
        names = self.server.model.models or DEFAULT_MODELS
        if self.command == "GET" and route.endswith("/models"):
            if family == "gemini":
                ways = ["generateContent", "streamGenerateContent", "countTokens"]
                facts = {"inputTokenLimit": 1_048_576, "supportedGenerationMethods": ways}
                return {"models": [{"name": f"models/{name}", **facts} for name in names]}
            cards = [{"id": name, "object": "model", "owned_by": "loopback"} for name in names]
            return {"object": "list", "data": cards}
        if self.command == "POST" and route.endswith(":countTokens"):
            inner = parsed.get("generateContentRequest")
            body = inner if isinstance(inner, dict) else parsed
            return {"totalTokens": read_request("gemini", body).input_tokens}
        if self.command == "POST" and route.endswith("/messages/count_tokens"):
            return {"input_tokens": read_request("messages", parsed).input_tokens}
        if self.command == "POST" and route.endswith("/embeddings"):
            return _embeddings(parsed)
        return None

    def _deliver(self, request: ModelRequest, reply: Reply) -> None:
        if reply.fault:
            self._send_fault(request.family, reply.fault, request.model)
        elif reply.delivery == "hang":
            self.close_connection = True
            self._wait(None)
        elif request.is_stream:
            self._send_stream(request, reply)
        else:
            if self._wait(reply.spread_s):
                self._send_json(HTTPStatus.OK, body_of(request, reply), cut=reply.delivery == "cut")

    def _send_stream(self, request: ModelRequest, reply: Reply) -> None:
        # Gemini streams an array when the client does not ask for events
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        is_array = request.family == "gemini" and query.get("alt") != ["sse"]
        kind = "application/json" if is_array else "text/event-stream; charset=utf-8"
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        pause_s = reply.spread_s / max(1, len(reply.pieces))
        is_first = True
        for event in events_of(request, reply):
            if event.is_piece and not self._wait(pause_s):
                return
            text = event.data if isinstance(event.data, str) else json.dumps(event.data)
            if is_array:
                text = ("[" if is_first else ",") + text
            else:
                text = (f"event: {event.name}\n" if event.name else "") + f"data: {text}\n\n"
            self.wfile.write(text.encode())
            self.wfile.flush()
            is_first = False
            if reply.delivery == "cut" and (event.is_piece or reply.call):
                return
        if is_array:
            self.wfile.write(b"]")

    def _send_fault(self, family: str, name: str, model: str) -> None:
        status, body, retry_after_s = error_of(family, name, model)
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        self._send_json(status, body, headers=headers)

    def _send_json(
        self, status: int, body: Json, *, headers: dict[str, str] | None = None, cut: bool = False
    ) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if cut:
            self.close_connection = True
            data = data[: len(data) // 2]
        self.wfile.write(data)
        self.wfile.flush()

    def _wait(self, limit_s: float | None) -> bool:
        """Wait so long, None for ever. False when the client left or the server stops."""
        left_s = limit_s if limit_s is not None else float("inf")
        while left_s > 0:
            if self.server.model.stopping.wait(min(POLL_S, left_s)) or self._is_left():
                return False
            left_s -= POLL_S
        return True

    def _is_left(self) -> bool:
        ready, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _key(self) -> str:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("key", [""])
        named = (self.headers.get("x-api-key"), self.headers.get("x-goog-api-key"), bearer)
        return next((key for key in named if key), query[0])


def _embeddings(parsed: Json) -> Json:
    """A vector of eight numbers for each input, the same for the same text."""
    given = parsed.get("input")
    texts = given if isinstance(given, list) else [given]
    data = []
    for index, text in enumerate(texts):
        digest = hashlib.sha256(str(text).encode()).digest()[:8]
        vector = [byte / 255 - 0.5 for byte in digest]
        data.append({"object": "embedding", "index": index, "embedding": vector})
    size = sum(len(str(text)) for text in texts) // 4
    usage = {"prompt_tokens": size, "total_tokens": size}
    return {"object": "list", "data": data, "model": parsed.get("model", ""), "usage": usage}
