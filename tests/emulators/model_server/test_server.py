"""The endpoint over real HTTP: every family, every behaviour, nothing left behind."""

import contextlib
import gzip
import hashlib
import http.client
import json
import signal
import subprocess
import sys
import threading  # noqa: TID251 -- counts what the server leaves
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import emulators.model_server
from emulators.model_server import ModelServer, serve_model

ROOT = Path(emulators.model_server.__file__).parents[2]
FAMILIES = ["chat", "responses", "messages", "gemini"]
every_family = pytest.mark.parametrize("family", FAMILIES)
LIMIT_S = 10


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serve_model() as running:
        yield running


def body(
    family: str, prompt: str, *, stream: bool = False, tools: Sequence[Any] = (), model: str = "m"
) -> tuple[str, dict[str, Any]]:
    """A request of a family and the path it goes to."""
    match family:
        case "chat":
            path = "/v1/chat/completions"
            made = {"messages": [{"role": "user", "content": prompt}]}
            made["stream_options"] = {"include_usage": True}
            made["tools"] = [
                {"type": "function", "function": {"name": n, "parameters": s}} for n, s in tools
            ]
        case "responses":
            path = "/v1/responses"
            made = {"input": [{"role": "user", "content": prompt}]}
            made["tools"] = [{"type": "function", "name": n, "parameters": s} for n, s in tools]
        case "messages":
            path = "/v1/messages?beta=true"
            made = {"messages": [{"role": "user", "content": prompt}]}
            made["tools"] = [{"name": n, "input_schema": s} for n, s in tools]
        case "gemini":
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            path = f"/v1beta/models/{model}:{verb}"
            made = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
            declared = [{"name": n, "parametersJsonSchema": s} for n, s in tools]
            made["tools"] = [{"functionDeclarations": declared}]
    if family != "gemini":
        made |= {"model": model, "stream": stream}
    return path, made


def send(
    server: ModelServer,
    path: str,
    data: object,
    *,
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and bytes of one response; a torn body comes back as far as it came."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    with contextlib.closing(connection):
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        connection.request(method, path, raw, headers or {})
        response = connection.getresponse()
        try:
            got = response.read()
        except http.client.IncompleteRead as torn:
            got = torn.partial
        return response.status, dict(response.getheaders()), got


def ask(server: ModelServer, family: str, prompt: str, **options: Any) -> tuple[int, Any]:
    """The parsed answer: an object, or the list of events of a stream."""
    path, made = body(family, prompt, **options)
    status, _, got = send(server, path, made)
    if not options.get("stream") or status != 200:
        return status, json.loads(got)
    blocks = [block for block in got.decode().split("\n\n") if block]
    datas = [block.partition("data: ")[2] for block in blocks]
    return status, [json.loads(data) if data != "[DONE]" else data for data in datas]


def text_of(family: str, answer: Any) -> str:
    """The words of an answer in either form."""
    if isinstance(answer, list):
        match family:
            case "chat":
                chunks = [one["choices"][0] for one in answer if one != "[DONE]" and one["choices"]]
                return "".join(chunk["delta"].get("content") or "" for chunk in chunks)
            case "responses":
                deltas = [one for one in answer if one["type"] == "response.output_text.delta"]
                return "".join(one["delta"] for one in deltas)
            case "messages":
                deltas = [one["delta"] for one in answer if one["type"] == "content_block_delta"]
                return "".join(delta.get("text", "") for delta in deltas)
            case "gemini":
                return "".join(text_of(family, one) for one in answer)
    match family:
        case "chat":
            return answer["choices"][0]["message"]["content"]
        case "responses":
            return answer["output"][0]["content"][0]["text"]
        case "messages":
            return answer["content"][0]["text"]
        case "gemini":
            return answer["candidates"][0]["content"]["parts"][0]["text"]


def call_of(family: str, answer: Any) -> tuple[str, object]:
    """Name and arguments of the call in a whole answer."""
    match family:
        case "chat":
            made = answer["choices"][0]["message"]["tool_calls"][0]["function"]
            return made["name"], json.loads(made["arguments"])
        case "responses":
            made = answer["output"][0]
            return made["name"], json.loads(made["arguments"])
        case "messages":
            return answer["content"][0]["name"], answer["content"][0]["input"]
        case "gemini":
            made = answer["candidates"][0]["content"]["parts"][0]["functionCall"]
            return made["name"], made["args"]


LAST = {
    "chat": "[DONE]",
    "responses": "response.completed",
    "messages": "message_stop",
    "gemini": "STOP",
}


def is_finished(family: str, events: list[Any]) -> bool:
    """Whether a stream carries its family's end mark."""
    last = events[-1]
    match family:
        case "gemini":
            return last["candidates"][0].get("finishReason") == LAST[family]
        case "chat":
            return last == LAST[family]
    return last["type"] == LAST[family]


@every_family
@pytest.mark.parametrize("stream", [False, True])
def test_answer_derives_from_the_prompt(server: ModelServer, family: str, stream: bool) -> None:
    status, answer = ask(server, family, "hello  there", stream=stream)

    assert status == 200
    assert text_of(family, answer) == "You said: hello there"


@every_family
def test_stream_says_the_same_as_the_whole(server: ModelServer, family: str) -> None:
    prompt = "[[say  two  spaces\nand lines ]]"

    _, whole = ask(server, family, prompt)
    _, events = ask(server, family, prompt, stream=True)

    assert text_of(family, whole) == text_of(family, events) == "two  spaces\nand lines"
    assert is_finished(family, events)


@every_family
@pytest.mark.parametrize("stream", [False, True])
def test_empty_answer_is_well_formed(server: ModelServer, family: str, stream: bool) -> None:
    status, answer = ask(server, family, "[[empty]]", stream=stream)

    assert status == 200
    assert text_of(family, answer) == ""


@every_family
def test_tool_is_called_once_and_its_result_quoted(server: ModelServer, family: str) -> None:
    schema = {"type": "object", "properties": {"path": {}, "content": {}}}
    _, answer = ask(server, family, "[[write /p/a hi]]", tools=[("write_file", schema)])

    assert call_of(family, answer) == ("write_file", {"path": "/p/a", "content": "hi"})


def test_tool_result_is_quoted_in_the_final_answer(server: ModelServer) -> None:
    path, made = body("messages", "[[tool Read {}]]", tools=[("Read", {})])
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    back = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "denied by rule"}
    made["messages"] += [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [back]},
    ]

    _, _, got = send(server, path, made)

    assert text_of("messages", json.loads(got)) == "The tool said: denied by rule"


@every_family
def test_streamed_call_carries_the_same_arguments(server: ModelServer, family: str) -> None:
    tools = [("Bash", {"type": "object", "properties": {"command": {"type": "string"}}})]
    _, events = ask(server, family, "[[shell ls -l]]", stream=True, tools=tools)

    said = json.dumps(events)
    assert "Bash" in said
    assert "ls -l" in said
    assert is_finished(family, events)


def test_tool_that_is_not_offered_is_named_in_words(server: ModelServer) -> None:
    _, answer = ask(server, "chat", "[[tool Write {}]]", tools=[("Read", {})])

    assert text_of("chat", answer) == "No tool for tool; offered: Read"


def test_without_any_tool_a_file_is_written_in_words(server: ModelServer) -> None:
    _, answer = ask(server, "chat", "[[write made.txt hi]]")

    assert text_of("chat", answer) == "made.txt\n```\nhi\n```\n"


STATUS = {"401": 401, "403": 403, "404": 404, "429": 429, "quota": 429, "500": 500, "503": 503}
STATUS |= {"529": 529, "context": 400}


@every_family
@pytest.mark.parametrize("name", STATUS)
def test_fault_has_its_familys_shape(server: ModelServer, family: str, name: str) -> None:
    status, answer = ask(server, family, f"[[behave {name}]]", stream=True)
    error = answer["error"]

    expected = (
        {"401": 400, "529": 503}.get(name, STATUS[name]) if family == "gemini" else STATUS[name]
    )
    assert status == expected
    assert error["message"]
    if family == "gemini":
        assert error["code"] == status
        assert error["status"].isupper()
    elif family == "messages":
        assert answer["type"] == "error"
        assert error["type"].endswith("_error")
    else:
        assert set(error) == {"message", "type", "param", "code"}


def test_rate_limit_says_when_to_come_back(server: ModelServer) -> None:
    path, made = body("messages", "[[behave 429]]")

    _, headers, _ = send(server, path, made)

    assert headers["retry-after"] == "1"


def test_fault_for_the_first_requests_wears_off(server: ModelServer) -> None:
    prompt = "[[behave 500 2]] [[say fine]]"
    answers = [ask(server, "chat", prompt) for _ in range(3)]

    assert [status for status, _ in answers] == [500, 500, 200]
    assert text_of("chat", answers[2][1]) == "fine"


def test_unknown_behaviour_is_named(server: ModelServer) -> None:
    _, answer = ask(server, "chat", "[[behave badly]]")

    assert text_of("chat", answer).startswith("No behaviour named badly; known: ok, slow")


@every_family
def test_cut_stream_has_a_piece_and_no_end(server: ModelServer, family: str) -> None:
    _, events = ask(server, family, "[[say one two]] [[cut]]", stream=True)

    assert text_of(family, events) == "one "
    assert not is_finished(family, events)


def test_cut_body_is_shorter_than_promised(server: ModelServer) -> None:
    path, made = body("chat", "[[cut]]")
    _, headers, got = send(server, path, made)

    assert 0 < len(got) < int(headers["Content-Length"])


def test_slow_answer_is_spread(server: ModelServer) -> None:
    path, made = body("chat", "[[slow 0.3]] [[say 3]]", stream=True)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(made))
        response = connection.getresponse()
        early = response.readline()
        rest = response.read()

    assert b"assistant" in early
    assert b"word3" in rest


def test_hanging_answer_ends_with_its_client() -> None:
    with serve_model() as server:
        path, made = body("chat", "[[hang]]")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.2)
        connection.request("POST", path, json.dumps(made))
        with pytest.raises(TimeoutError):
            connection.getresponse()
        busy = [thread for thread in threading.enumerate() if "process_request" in thread.name]
        connection.close()
        for thread in busy:
            thread.join(LIMIT_S)

        assert busy
        assert not [thread for thread in busy if thread.is_alive()]


def test_recall_lists_what_came_before_latest_first(server: ModelServer) -> None:
    path, made = body("chat", "first")
    made["messages"] += [
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": "<env>x</env> third [[recall]]"},
    ]
    _, _, got = send(server, path, made)

    assert text_of("chat", json.loads(got)) == "Earlier you said:\n1. x third\n2. second\n3. first"


@every_family
def test_prompt_arrives_byte_for_byte(server: ModelServer, family: str) -> None:
    part = "-- \"'`$\\ \n\té😀" + "x" * 200_000
    _, answer = ask(server, family, f'"[[sha256]] [[begin]]{part}[[end]]"')

    digest = hashlib.sha256(part.encode()).hexdigest()
    assert text_of(family, answer) == f"sha256 {digest} size {len(part.encode())}"


def test_schema_is_answered_with_a_value_that_fits(server: ModelServer) -> None:
    path, made = body("gemini", "choose")
    schema = {"type": "OBJECT", "properties": {"pick": {"enum": ["b", "c"]}}, "required": ["pick"]}
    made["generationConfig"] = {"responseSchema": schema}
    _, _, got = send(server, path, made)

    assert json.loads(text_of("gemini", json.loads(got))) == {"pick": "b"}


def test_gemini_streams_an_array_when_events_are_not_asked_for(server: ModelServer) -> None:
    _, made = body("gemini", "[[say a b]]")
    _, _, got = send(server, "/v1beta/models/m:streamGenerateContent", made)

    assert text_of("gemini", list(json.loads(got))) == "a b"


def test_title_call_ignores_the_prompts_directives(server: ModelServer) -> None:
    path, made = body("chat", "[[behave 500]]")
    made["messages"].insert(0, {"role": "system", "content": "Generate a short title."})
    status, _, got = send(server, path, made)

    assert status == 200
    assert text_of("chat", json.loads(got)) == "A short title"


def test_compressed_and_chunked_bodies_are_read(server: ModelServer) -> None:
    path, made = body("chat", "hi")
    packed = gzip.compress(json.dumps(made).encode())
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (packed[:7], packed[7:]))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    wire = head.encode() + b"Content-Encoding: gzip\r\n\r\n" + chunks + b"0\r\n\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    with contextlib.closing(connection):
        connection.connect()
        connection.sock.sendall(wire)
        response = http.client.HTTPResponse(connection.sock)
        response.begin()

        assert text_of("chat", json.loads(response.read())) == "You said: hi"


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"{not json", {}),
        (b"[1]", {}),
        (b"\xff\xfe", {}),
        (b"{}", {"Content-Encoding": "gzip"}),
        (b"{}", {"Content-Encoding": "br"}),
        (b"", {"Content-Length": "99999999999"}),
        (b"", {"Content-Length": "-1"}),
        (b"", {"Content-Length": "many"}),
    ],
)
def test_bad_body_gets_a_400_and_the_server_lives(
    server: ModelServer, data: bytes, headers: dict[str, str]
) -> None:
    status, _, got = send(server, "/v1/messages", data, headers=headers)

    assert status == 400
    assert json.loads(got)["type"] == "error"
    assert ask(server, "chat", "hi")[0] == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/v2/x"), ("GET", "/v1/responses")])
def test_unknown_route_is_a_json_404(server: ModelServer, method: str, path: str) -> None:
    status, _, got = send(server, path, {}, method=method)

    assert status == 404
    assert json.loads(got)["error"]["code"] == "unknown_url"


def test_models_are_listed_in_both_shapes() -> None:
    with serve_model(models=["a", "b"]) as server:
        _, _, openai = send(server, "/v1/models", b"", method="GET")
        _, _, gemini = send(server, "/v1beta/models", b"", method="GET")

    assert [card["id"] for card in json.loads(openai)["data"]] == ["a", "b"]
    assert [card["name"] for card in json.loads(gemini)["models"]] == ["models/a", "models/b"]


@every_family
def test_other_models_are_unknown_when_models_are_given(family: str) -> None:
    with serve_model(models=["a"]) as server:
        known, _ = ask(server, family, "hi", model="a")
        unknown, answer = ask(server, family, "hi", model="zzz")

    assert (known, unknown) == (200, 404)
    assert "zzz" in answer["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer right"}, {"x-api-key": "right"}, {"x-goog-api-key": "right"}],
)
def test_key_is_accepted_in_each_header(headers: dict[str, str]) -> None:
    path, made = body("messages", "hi")
    with serve_model(key="right") as server:
        right, _, _ = send(server, path, made, headers=headers)
        wrong, _, _ = send(server, path, made, headers={"x-api-key": "wrong"})

    assert (right, wrong) == (200, 401)


def test_tokens_are_counted_in_both_shapes(server: ModelServer) -> None:
    _, made = body("messages", "x" * 400)
    _, _, anthropic = send(server, "/v1/messages/count_tokens", made)
    _, made = body("gemini", "x" * 400)
    _, _, google = send(server, "/v1beta/models/m:countTokens", {"generateContentRequest": made})

    assert json.loads(anthropic) == {"input_tokens": 100}
    assert json.loads(google) == {"totalTokens": 100}


def test_embedding_is_a_function_of_its_text(server: ModelServer) -> None:
    _, _, got = send(server, "/v1/embeddings", {"model": "m", "input": ["a", "b", "a"]})
    first, second, third = [item["embedding"] for item in json.loads(got)["data"]]

    assert first == third != second


def test_run_script_speaks_where_the_prompt_is_silent(server: ModelServer) -> None:
    server.script = "[[say from the run]]"
    silent = ask(server, "chat", "hi")[1]
    loud = ask(server, "chat", "[[say mine]]")[1]

    assert text_of("chat", silent) == "from the run"
    assert text_of("chat", loud) == "mine"


def test_log_tells_what_was_sent(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with serve_model(log=log) as server:
        path, made = body("chat", "[[behave 429]]", stream=True, tools=[("Bash", {})])
        send(server, path, made)
        kept = server.requests
    (line,) = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]

    assert [line] == kept
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "method": "POST",
        "path": path,
        "family": "chat",
        "model": "m",
        "stream": True,
        "bytes": len(json.dumps(made)),
        "tools": ["Bash"],
        "side": False,
        "sha256": hashlib.sha256(b"[[behave 429]]").hexdigest(),
        "prompt_chars": 14,
        "reply": "429",
        "said": "",
    }


def test_requests_are_served_at_the_same_time(server: ModelServer) -> None:
    prompts = [f"[[slow 0.2]] [[say answer{number}]]" for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda prompt: ask(server, "chat", prompt)[1], prompts))

    assert [text_of("chat", answer) for answer in answers] == [f"answer{n}" for n in range(20)]
    assert len({answer["id"] for answer in answers}) == 20


@pytest.mark.slow
@pytest.mark.parametrize("way", ["signal", "eof"])
def test_command_prints_its_port_and_stops_when_asked(tmp_path: Path, way: str) -> None:
    log = tmp_path / "log.jsonl"
    argv = [sys.executable, "-m", "emulators.model_server", "--log", log, "--until-eof"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            said = json.loads(child.stdout.readline())
            connection = http.client.HTTPConnection("127.0.0.1", said["port"], timeout=LIMIT_S)
            with contextlib.closing(connection):
                connection.request("GET", "/v1/models")
                assert connection.getresponse().status == 200
            child.send_signal(signal.SIGTERM) if way == "signal" else child.stdin.close()

            assert child.wait(LIMIT_S) == 0
        finally:
            child.kill()
    assert said["url"] == f"http://127.0.0.1:{said['port']}"
    assert json.loads(log.read_text(encoding="utf-8"))["reply"] == "facts"
