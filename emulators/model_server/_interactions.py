"""The interactions API: research in the background, which is begun, looked at and cancelled.

Shapes are those of the vendor's Python library 3.6, which reads them. What happens to an
interaction is scripted by directives in its text; `_script` lists them.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import threading
from collections.abc import Mapping
from typing import Final, Protocol

from ._faults import FAULTS
from ._requests import Json
from ._script import Directive, Script, directives, read_script

FAMILY: Final = "interactions"
ROUTE: Final = re.compile(r"/v1(?:beta)?/interactions(?:/([\w.-]+)(/cancel)?)?$")
ODD: Final = ("hang", "malformed")  # faults that are no HTTP errors
OPEN: Final = ("queued", "in_progress")


class Serving(Protocol):
    """What an interaction needs of the server."""

    def count(self, prompt: str) -> int:
        """How many requests with this prompt came before."""
        ...

    def serial(self) -> int:
        """A number no other answer has."""
        ...

    def base_script(self) -> Script:
        """What a prompt leaves open."""
        ...


@dataclasses.dataclass(frozen=True)
class Step:
    """What goes back: a body, or a fault. `facts` are for the request log."""

    body: dict[str, object] = dataclasses.field(default_factory=dict)
    fault: str = ""
    delay_s: float = 0.0
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        """One word for the log."""
        return self.fault or str(self.body.get("status", ""))


@dataclasses.dataclass
class Running:
    """One interaction."""

    id: str
    prompt: str
    named: dict[str, str]  # agent or model
    wanted: dict[str, Directive]
    looks: int = 0
    status: str = "queued"
    refused: int = 0


def route_of(command: str, route: str) -> tuple[str, str] | None:
    """What is done (begin, look, cancel) and with which; None for another route."""
    found = ROUTE.search(route)
    if found is None:
        return None
    name, ending = found[1] or "", found[2]
    if command == "POST" and not name:
        return "begin", ""
    if command == "POST" and ending:
        return "cancel", name
    return ("look", name) if command == "GET" and name and not ending else None


class Interactions:
    """All interactions of one server; whoever steps holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._known: dict[str, Running] = {}

    def step(self, what: str, name: str, parsed: Json, server: Serving) -> Step:
        """Do one thing with an interaction."""
        if what == "begin":
            return self._begin(parsed, server)
        running = self._known.get(name)
        if running is None:
            return Step(fault="route", facts={"interaction": name})
        facts = {"interaction": name, "step": what}
        if what == "cancel":
            if running.status not in OPEN:
                return Step(fault="bad", facts=facts)
            running.status = "cancelled"
            return Step(_body(running), facts=facts)
        fault = _midway(running)
        if fault:
            return Step(fault=fault, facts=facts)
        _go_on(running)
        return Step(_body(running), facts=facts)

    def _begin(self, parsed: Json, server: Serving) -> Step:
        prompt, files = _input(parsed)
        named = {key: str(parsed[key]) for key in ("agent", "model") if parsed.get(key)}
        facts: dict[str, object] = {"step": "begin", "files": files, **named}
        facts["background"] = parsed.get("background")
        if len(named) != 1 or parsed.get("background") is not True or not prompt.strip():
            return Step(fault="bad", facts=facts)
        delivery = read_script(prompt).over(server.base_script()).delivery
        if delivery is not None and delivery.name == "behave":
            name, _, times = delivery.argument.partition(" ")
            seen = server.count(prompt)
            if (name in FAULTS or name in ODD) and (not times.isdecimal() or seen < int(times)):
                return Step(fault=name, facts=facts)
        delay_s = 0.0
        if delivery is not None and delivery.name == "slow":
            delay_s = float(delivery.argument or 1)
        if delivery is not None and delivery.name == "hang":
            return Step(fault="hang", facts=facts)
        wanted = {found.name: found for found in directives(prompt)}
        running = Running(f"v1_{server.serial()}", prompt, named, wanted)
        self._known[running.id] = running
        facts["interaction"] = running.id
        return Step(_body(running), delay_s=delay_s, facts=facts)


def _input(parsed: Json) -> tuple[str, list[dict[str, object]]]:
    """The text of an input, and what is attached to it."""
    given = parsed.get("input")
    if isinstance(given, str):
        return given, []
    texts, files = [], []
    for part in _parts(given):
        if not isinstance(part, dict):
            continue
        if part.get("type") == "text":
            texts.append(str(part.get("text", "")))
            continue
        data = base64.b64decode(str(part.get("data", "")))
        digest = hashlib.sha256(data).hexdigest()
        files.append(
            {"type": part.get("type"), "mime_type": part.get("mime_type"), "sha256": digest}
        )
    return "\n".join(texts), files


def _parts(given: object) -> list[object]:
    """Contents, which stand in the steps of a conversation or by themselves."""
    found: list[object] = []
    for each in given if isinstance(given, list) else []:
        is_step = isinstance(each, dict) and each.get("type") == "user_input"
        inside = each.get("content") if is_step else [each]
        found += inside if isinstance(inside, list) else []
    return found


def _midway(running: Running) -> str:
    """The fault of this look, if it has one."""
    wanted = running.wanted.get("midway")
    if wanted is None or running.looks == 0:
        return ""
    name, _, times = wanted.argument.partition(" ")
    if name not in FAULTS and name not in ODD:
        return ""
    if times.isdecimal() and running.refused >= int(times):
        return ""
    running.refused += 1
    return name


def _go_on(running: Running) -> None:
    running.looks += 1
    if running.status not in OPEN:
        return
    polls = running.wanted.get("polls")
    needed = 1 if polls is None else int(polls.argument) if polls.argument.isdecimal() else None
    if running.wanted.get("midway") is not None and needed == 1:
        needed = 2
    running.status = "in_progress"
    if needed is not None and running.looks >= needed:
        finish = running.wanted.get("finish")
        running.status = "completed" if finish is None else finish.argument


def _body(running: Running) -> dict[str, object]:
    body: dict[str, object] = {
        "id": running.id,
        "object": "interaction",
        "status": running.status,
        "created": "2026-05-20T10:00:00Z",
        "updated": "2026-05-20T10:00:00Z",
        **running.named,
    }
    if running.status in OPEN:
        return body
    if running.status == "failed":
        return body | {"errors": [{"code": "internal", "message": "the research agent gave up"}]}
    usage = {"total_input_tokens": 120, "total_output_tokens": 80, "total_thought_tokens": 40}
    return body | {"steps": _steps(running), "usage": usage}


def _steps(running: Running) -> list[dict[str, object]]:
    """A search, and the report; its last statement is cited by every source."""
    said = running.wanted.get("say")
    first = "Größe zählt." if said is None else said.argument
    if said is None and running.status != "completed":
        return []
    report = f"{first}\nTwo sources agree."
    start, end = len(first.encode()) + 1, len(report.encode())
    count = running.wanted.get("sources")
    number = 2 if count is None else int(count.argument)
    notes = [
        {"type": "url_citation", "url": f"https://example.com/{at}", "title": f"Source {at}",
         "start_index": start, "end_index": end}
        for at in range(1, number + 1)
    ]  # fmt: skip
    search = {"type": "google_search_call", "id": "s1", "arguments": {"queries": ["first query"]}}
    thought = {"type": "thought", "summary": [{"type": "text", "text": "looking"}]}
    content = {"type": "text", "text": report, "annotations": notes}
    return [thought, search, {"type": "model_output", "content": [content]}]
