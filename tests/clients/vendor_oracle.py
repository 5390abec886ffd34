"""The vendor's own library beside our few calls of the interactions API: `nox -s oracle`.

A script, not a test: the library is installed in that session's environment only. Both clients play
the same scenes at the stand-in on loopback, through a proxy that keeps what was sent. What they
send must be the same, and what they read of an answer too. It says nothing of the real service.
"""

import http.server
import json
import sys
import threading  # noqa: TID251  # a script without a loop of its own
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import trio
from google import genai
from google.genai import types

sys.path.append(str(Path(__file__).resolve().parents[2]))  # emulators

from aimux.model import AttachedFile, RemoteStatus
from aimux.research import Attachment, Interaction, Refused, open_gemini, request_body
from emulators.model_server import serve_model

Json = dict[str, Any]

KEY: Final = "AIza-oracle"
LIMIT_S: Final = 5.0
AGENT: Final = "deep-research-preview-04-2026"
MODEL: Final = "gemini-3-flash"
ENDS: Final = [each.value for each in RemoteStatus if each is not RemoteStatus.UNKNOWN]
FAULTS: Final = {429: "rate_limited", 403: "auth_failed", 404: "model_not_found"}
PDF: Final = b"%PDF-1.7\n\xff\x00"
PNG: Final = b"\x89PNG\r\n\x1a\n"


@attrs.frozen
class Sent:
    """A request as it came: `key` is the header that the vendor reads it from."""

    method: str
    path: str
    key: str
    body: object


@attrs.frozen
class Read:
    """What a client makes of an answer."""

    status: str
    report: str = ""
    sources: Sequence[tuple[str, str, str]] = ()  # address, title, the words that it stands behind
    queries: Sequence[str] = ()
    tokens: Sequence[int | None] = ()


@contextmanager
def recording(target: str, sent: list[Sent]) -> Iterator[str]:
    """The address of a proxy in front of `target` that notes every request."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def _pass(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(size)
            path = self.path.partition("?")[0]  # the library says `stream=false`, the default
            key = self.headers.get("x-goog-api-key") or ""
            sent.append(Sent(self.command, path, key, json.loads(data) if data else None))
            headers = {"content-type": "application/json", "x-goog-api-key": key}
            request = urllib.request.Request(  # loopback
                target + self.path, data or None, headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                    status, told = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, told = error.code, error.read()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = _pass  # noqa: N815  # the library's names

        def log_message(self, *_: object) -> None:
            """Nothing: the scenes say what happened."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# ------------------------------------------------------------------ the two clients


def ours(url: str, body: Json, *, is_cancelled: bool) -> Read | str:
    """What our calls read at the end of a research, or the code of what went wrong."""

    async def play() -> Read | str:
        async with open_gemini(url, KEY, LIMIT_S) as vendor:
            found = await vendor.begin(body)
            if isinstance(found, Interaction):
                name = found.id
                found = await (vendor.cancel(name) if is_cancelled else vendor.fetch(name))
            if isinstance(found, Refused):
                return found.failure.code
            usage = found.usage
            return Read(
                status=found.status_text,
                report=found.report,
                sources=[
                    (each.url, each.title, found.report[start:end])
                    for each in found.sources
                    for start, end in each.cited_at
                ],
                queries=list(found.queries),
                tokens=[]
                if usage is None
                else [usage.input_tokens, usage.output_tokens, usage.reasoning_tokens],
            )

    return trio.run(play)


def theirs(url: str, body: Json, *, is_cancelled: bool) -> Read | str:
    """What the vendor's library reads, or the HTTP status of what went wrong."""
    options = types.HttpOptions(base_url=url, timeout=round(LIMIT_S * 1_000))
    client = genai.Client(api_key=KEY, http_options=options)
    try:
        begun = client.interactions.create(**body)
        if not begun.id:
            return "malformed"
        calls = client.interactions
        found = calls.cancel(begun.id) if is_cancelled else calls.get(begun.id)
    except Exception as error:  # noqa: BLE001  # its errors have no public base
        return str(getattr(error, "status_code", type(error).__name__))
    told = found.model_dump(mode="json", exclude_none=True)
    steps = told.get("steps", [])
    outputs = [each for each in steps if each["type"] == "model_output"]
    texts = outputs[-1]["content"] if outputs else []
    coded = [(each["text"].encode(), each.get("annotations", [])) for each in texts]
    usage = told.get("usage")
    return Read(
        status=told["status"],
        report=found.output_text or "",
        sources=[
            (note["url"], note["title"], text[note["start_index"] : note["end_index"]].decode())
            for text, notes in coded
            for note in notes
        ],
        queries=[
            query
            for each in steps
            if each["type"] == "google_search_call"
            for query in each["arguments"]["queries"]
        ],
        tokens=[]
        if usage is None
        else [usage.get(f"total_{name}_tokens") for name in ("input", "output", "thought")],
    )


# ------------------------------------------------------------------ scenes


@attrs.frozen
class Scene:
    """One research that both do. `fault` is what the stand-in answers in its place."""

    name: str
    body: Json
    is_cancelled: bool = False
    fault: int | str = ""


def scenes() -> list[Scene]:
    """Agents, models, files, every end, a cancellation, faults."""
    files = [_attached("a.pdf", "application/pdf", PDF), _attached("b.png", "image/png", PNG)]
    notes = _attached("c.md", "text/plain", "Größe".encode())
    agent = request_body(AGENT, "why?", [])
    found = [
        Scene("an agent", dict(agent)),
        Scene("a model with the web", dict(request_body(MODEL, "why?", []))),
        Scene("files", dict(request_body(AGENT, "why?", [*files, notes]))),
        Scene("forty sources", dict(request_body(AGENT, "x [[sources 40]]", []))),
        Scene("no source", dict(request_body(AGENT, "x [[sources 0]]", []))),
        Scene("cancelled", dict(request_body(AGENT, "x [[polls never]]", [])), is_cancelled=True),
        Scene("malformed", dict(request_body(AGENT, "x [[behave malformed]]", [])), fault="m"),
    ]
    for end in ENDS:
        said = f"x [[finish {end}]] [[say half]]"
        found.append(Scene(f"ends as {end}", dict(request_body(AGENT, said, []))))
    for status in FAULTS:
        body = dict(request_body(AGENT, f"x [[behave {status}]]", []))
        found.append(Scene(f"HTTP {status}", body, fault=status))
    return found


def _attached(path: str, mime_type: str, data: bytes) -> Attachment:
    file = AttachedFile(path=path, mime_type=mime_type, size_bytes=len(data), sha256="")
    return Attachment(file=file, data=data)


def compare(scene: Scene, url: str) -> list[str]:
    """What differs between the two in a scene."""
    our_requests, our_reading = _played(ours, scene, url)
    their_requests, their_reading = _played(theirs, scene, url)
    found = []
    if scene.fault:  # the library repeats what may pass
        our_requests, their_requests = our_requests[:1], their_requests[:1]
    if len(our_requests) != len(their_requests):
        found.append(f"requests: {our_requests} / {their_requests}")
    for one, other in zip(our_requests, their_requests, strict=False):
        found += [
            f"{field.name}: {getattr(one, field.name)} / {getattr(other, field.name)}"
            for field in attrs.fields(Sent)
            if _plain(getattr(one, field.name)) != _plain(getattr(other, field.name))
        ]
    if scene.fault == "m":
        expected: tuple[object, object] = ("malformed_answer", "malformed")
    elif isinstance(scene.fault, int):
        expected = (FAULTS[scene.fault], str(scene.fault))
    else:
        expected = (our_reading, our_reading)
    if (our_reading, their_reading) != expected:
        found.append(f"read: {our_reading} / {their_reading}")
    return found


def _plain(value: object) -> object:
    """Without the number of an interaction, which differs; no body and an empty one are one."""
    if isinstance(value, str):
        return "/".join("v1_N" if part.startswith("v1_") else part for part in value.split("/"))
    return value or None


def _played(
    client: Callable[..., Read | str], scene: Scene, url: str
) -> tuple[list[Sent], Read | str]:
    sent: list[Sent] = []
    with recording(url, sent) as near:
        reading = client(near, scene.body, is_cancelled=scene.is_cancelled)
    return sent, reading


def main() -> int:
    """Play every scene and tell what differs; 1 if anything does."""
    differing = 0
    with serve_model(key=KEY) as vendor:
        for scene in scenes():
            found = compare(scene, vendor.url)
            differing += bool(found)
            print(f"{'DIFFERS' if found else 'same'}: {scene.name}", *found, sep="\n  ")
    print(f"google-genai {genai.__version__}: {len(scenes())} scenes, {differing} differ")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
