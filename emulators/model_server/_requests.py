"""What a request says, whichever API family it speaks.

Each family reader turns a body into a `ModelRequest`: the conversation as a flat list of entries,
the tools on offer, and the schema the answer must fit. CLIs wrap prompts in context of their own
(reminders, environment, example turns), so `ModelRequest.prompt` judges which text is the prompt.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ._script import read_script

Json = Mapping[str, object]

# gptme asks this after every answer that is not a tool call; it is no prompt of the user's
NAGS: Final = re.compile(
    r"did you mean to finish|no tool call detected|use the .?complete.? tool", re.IGNORECASE
)
SIDE_CALL: Final = re.compile(r"\b(titles?|summar\w+|short description|topic of)\b", re.IGNORECASE)
WORKS_IN: Final = re.compile(r"currently working in the directory: (/\S+)")
SIDE_HEAD_CHARS: Final = 400  # how far into the system prompt a side call says what it is


@dataclasses.dataclass(frozen=True)
class Entry:
    """One piece of the conversation. `kind` is system, user, assistant, call or result."""

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Tool:
    """A tool on offer. `kind` is function, or custom for one that takes bare text."""

    name: str
    schema: Json
    kind: str = "function"


@dataclasses.dataclass(frozen=True)
class ModelRequest:
    """A model request, free of its family's shape."""

    family: str
    model: str
    is_stream: bool
    entries: tuple[Entry, ...]
    tools: tuple[Tool, ...] = ()
    schema: Json | None = None
    wants_usage: bool = True

    @property
    def is_nagged(self) -> bool:
        """Whether the CLI, not the user, asks on after an answer."""
        users = [entry for entry in self.entries if entry.kind == "user"]
        return bool(users) and bool(NAGS.search(users[-1].text))

    @functools.cached_property
    def _parts(self) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """What came before this turn, and the turn: all since the last answer in words."""
        entries = list(self.entries)
        if self.is_nagged:
            entries = [entry for entry in entries if not _is_nag(entry)]
            while entries and entries[-1].kind == "assistant":
                entries.pop()
        said = [at + 1 for at, entry in enumerate(entries) if entry.kind == "assistant"]
        start = said[-1] if said else 0
        if not any(entry.kind == "user" for entry in entries[start:]):
            start = 0
        return tuple(entries[:start]), tuple(entries[start:])

    @property
    def turn(self) -> tuple[Entry, ...]:
        """This turn's prompt, calls and results."""
        return self._parts[1]

    @property
    def prompt(self) -> str:
        """The user's text: the latest with a directive, else the latest that is not all markup.

        Some CLIs put a prompt that came from a file into the system text, so that counts too when
        it holds a directive and no user text does.
        """
        texts = [entry.text for entry in reversed(self.turn) if entry.kind == "user"]
        given = [entry.text for entry in reversed(self.entries) if entry.kind == "system"]
        scripted = [text for text in [*texts, *given] if not read_script(text).is_empty]
        plain = [text for text in texts if not text.lstrip().startswith("<")]
        return next(iter([*scripted, *plain, *texts]), "")

    @property
    def earlier(self) -> tuple[str, ...]:
        """User texts before this turn's prompt, oldest first."""
        return tuple(entry.text for entry in self._parts[0] if entry.kind == "user")

    @property
    def results(self) -> tuple[str, ...]:
        """Tool results that arrived since the prompt."""
        return tuple(entry.text for entry in self.turn if entry.kind == "result")

    @property
    def has_called(self) -> bool:
        """Whether this turn had its call: a second one would make some CLIs go on for ever."""
        return any(entry.kind in ("call", "result") for entry in self.turn)

    @property
    def directory(self) -> str | None:
        """The directory the CLI works in, if it tells its model; the latest it told."""
        for entry in reversed(self.entries):
            if entry.kind in ("system", "user") and (told := WORKS_IN.findall(entry.text)):
                return str(told[-1])
        return None

    @property
    def is_side_call(self) -> bool:
        """Whether the CLI asks for a title or summary beside the user's turn."""
        if self.tools:
            return False
        system = "\n".join(entry.text for entry in self.entries if entry.kind == "system")
        return bool(SIDE_CALL.search(system[:SIDE_HEAD_CHARS]))

    @property
    def input_tokens(self) -> int:
        """A count that grows with the request: a token for four characters."""
        return max(1, sum(len(entry.text) for entry in self.entries) // 4)


def _is_nag(entry: Entry) -> bool:
    return entry.kind == "user" and bool(NAGS.search(entry.text))


def read_request(
    family: str, body: Json, *, model: str = "", is_stream: bool = False
) -> ModelRequest:
    """The request of a body. Gemini names model and streaming in the path, the others inside."""
    return _READERS[family](body, model, is_stream)


def _read_chat(body: Json, _model: str, _stream: bool) -> ModelRequest:
    entries: list[Entry] = []
    for message in _objects(body.get("messages")):
        role = str(message.get("role"))
        if role == "tool":  # an empty result is a result
            entries.append(Entry("result", _flat(message.get("content"))))
        else:
            kind = {"developer": "system"}.get(role, role)
            entries += _texts(kind, message.get("content"))
        for call in _objects(message.get("tool_calls")):
            entries.append(Entry("call", str(_object(call.get("function")).get("name"))))
    tools = [_object(tool.get("function")) for tool in _objects(body.get("tools"))]
    wanted = _object(_object(body.get("response_format")).get("json_schema"))
    return ModelRequest(
        family="chat",
        model=str(body.get("model", "")),
        is_stream=body.get("stream") is True,
        entries=tuple(entries),
        tools=tuple(
            Tool(str(t["name"]), _object(t.get("parameters"))) for t in tools if "name" in t
        ),
        schema=_schema(wanted.get("schema")),
        wants_usage=_object(body.get("stream_options")).get("include_usage") is True,
    )


def _read_responses(body: Json, _model: str, _stream: bool) -> ModelRequest:
    entries = _texts("system", body.get("instructions"))
    items = body.get("input")
    if isinstance(items, str):
        entries += _texts("user", items)
    for item in _objects(items):
        kind = str(item.get("type", "message"))
        if kind == "message":
            role = str(item.get("role"))
            entries += _texts({"developer": "system"}.get(role, role), item.get("content"))
        elif kind.endswith("_call_output"):
            entries.append(Entry("result", _flat(item.get("output"))))
        elif kind.endswith("_call"):
            entries.append(Entry("call", str(item.get("name", kind))))
    wanted = _object(_object(body.get("text")).get("format"))
    return ModelRequest(
        family="responses",
        model=str(body.get("model", "")),
        is_stream=body.get("stream") is True,
        entries=tuple(entries),
        tools=tuple(_responses_tools(body.get("tools"))),
        schema=_schema(wanted.get("schema")),
    )


def _responses_tools(tools: object) -> Iterator[Tool]:
    for tool in _objects(tools):
        if tool.get("type") in ("function", "custom"):
            yield Tool(str(tool.get("name")), _object(tool.get("parameters")), str(tool["type"]))
        elif tool.get("type") == "namespace":  # codex: the tools of one MCP server
            for each in _responses_tools(tool.get("tools")):
                yield dataclasses.replace(each, name=f"{tool.get('name')}.{each.name}")


def _read_messages(body: Json, _model: str, _stream: bool) -> ModelRequest:
    entries = _texts("system", body.get("system"))
    for message in _objects(body.get("messages")):
        entries += _texts(str(message.get("role")), message.get("content"))
        for block in _objects(message.get("content")):
            if block.get("type") == "tool_use":
                entries.append(Entry("call", str(block.get("name"))))
            elif block.get("type") == "tool_result":
                entries.append(Entry("result", _flat(block.get("content"))))
    tools = _objects(body.get("tools"))
    wanted = _object(_object(body.get("output_config")).get("format"))
    return ModelRequest(
        family="messages",
        model=str(body.get("model", "")),
        is_stream=body.get("stream") is True,
        entries=tuple(entries),
        tools=tuple(
            Tool(str(tool["name"]), _object(tool.get("input_schema")))
            for tool in tools
            if "name" in tool
        ),
        schema=_schema(wanted.get("schema")),
    )


def _read_gemini(body: Json, model: str, is_stream: bool) -> ModelRequest:
    entries: list[Entry] = []
    system = _object(body.get("systemInstruction"))
    entries += _texts("system", system.get("parts"))
    for content in _objects(body.get("contents")):
        kind = "assistant" if content.get("role") == "model" else "user"
        entries += _texts(kind, content.get("parts"))
        for part in _objects(content.get("parts")):
            if "functionCall" in part:
                entries.append(Entry("call", str(_object(part["functionCall"]).get("name"))))
            elif "functionResponse" in part:
                answer = _object(part["functionResponse"]).get("response")
                entries.append(Entry("result", _flat(answer)))
    declared = [
        declaration
        for tool in _objects(body.get("tools"))
        for declaration in _objects(tool.get("functionDeclarations"))
    ]
    config = _object(body.get("generationConfig"))
    return ModelRequest(
        family="gemini",
        model=model,
        is_stream=is_stream,
        entries=tuple(entries),
        tools=tuple(
            Tool(str(d.get("name")), _object(d.get("parametersJsonSchema") or d.get("parameters")))
            for d in declared
        ),
        schema=_schema(config.get("responseJsonSchema") or config.get("responseSchema")),
    )


_READERS: Final[Mapping[str, Callable[[Json, str, bool], ModelRequest]]] = {
    "chat": _read_chat,
    "responses": _read_responses,
    "messages": _read_messages,
    "gemini": _read_gemini,
}


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _schema(value: object) -> Json | None:
    return value if isinstance(value, dict) and value else None


def _texts(kind: str, content: object) -> list[Entry]:
    """An entry for each piece of text, since reminders stand beside the prompt as own parts."""
    if isinstance(content, str):
        return [Entry(kind, content)] if content else []
    parts = [part.get("text") for part in _objects(content) if not part.get("thought")]
    return [Entry(kind, text) for text in parts if isinstance(text, str) and text]


def _flat(value: object) -> str:
    """A tool result as text, whatever it was wrapped in."""
    if isinstance(value, str):
        return value
    texts = [entry.text for entry in _texts("result", value)]
    return "\n".join(texts) if texts else json.dumps(value, ensure_ascii=False)
