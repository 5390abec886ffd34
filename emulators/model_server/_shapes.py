"""Replies as each API family writes them: whole bodies and event streams."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ._replies import Reply
from ._requests import ModelRequest

Json = dict[str, object]
EPOCH_S: Final = (
    1_700_000_000  # `created` is not a measurement here; a fixed value keeps logs equal
)


def body_of(request: ModelRequest, reply: Reply) -> Json:
    """The whole answer as one object."""
    return _BODIES[request.family](request, reply)


@dataclasses.dataclass(frozen=True)
class Event:
    """One server-sent event; the name is empty where the family has none."""

    name: str
    data: Json | str
    is_piece: bool = False  # carries text of the answer


def events_of(request: ModelRequest, reply: Reply) -> Iterator[Event]:
    """The answer as a stream, one event for each piece of text."""
    return _STREAMS[request.family](request, reply)


def output_tokens(reply: Reply) -> int:
    """A count that grows with the answer: a token a word."""
    return len(reply.pieces) or 1


def arguments_text(reply: Reply) -> str:
    """The arguments of the reply's call as the OpenAI families carry them: JSON in a string."""
    assert reply.call is not None
    given = reply.call.arguments
    return given if isinstance(given, str) else json.dumps(given)


# --- chat completions


def _chat_usage(request: ModelRequest, reply: Reply) -> Json:
    came, went = request.input_tokens, output_tokens(reply)
    return {"prompt_tokens": came, "completion_tokens": went, "total_tokens": came + went}


def _chat_calls(reply: Reply) -> list[Json]:
    if reply.call is None:
        return []
    function = {"name": reply.call.tool, "arguments": arguments_text(reply)}
    return [{"index": 0, "id": f"call_{reply.serial}", "type": "function", "function": function}]


def _chat_body(request: ModelRequest, reply: Reply) -> Json:
    calls = _chat_calls(reply)
    message: Json = {"role": "assistant", "content": None if calls else reply.text}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {
        "id": f"chatcmpl-{reply.serial}",
        "object": "chat.completion",
        "created": EPOCH_S,
        "model": request.model,
        "choices": [choice],
        "usage": _chat_usage(request, reply),
    }


def _chat_events(request: ModelRequest, reply: Reply) -> Iterator[Event]:
    head: Json = {
        "id": f"chatcmpl-{reply.serial}",
        "object": "chat.completion.chunk",
        "created": EPOCH_S,
    }
    head["model"] = request.model

    def chunk(delta: Json, reason: str | None = None, *, is_piece: bool = False) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return Event("", head | {"choices": [choice]}, is_piece)

    calls = _chat_calls(reply)
    yield chunk({"role": "assistant", "content": ""} if not calls else {"role": "assistant"})
    if calls:
        yield chunk({"tool_calls": calls})
    for piece in reply.pieces:
        yield chunk({"content": piece}, is_piece=True)
    yield chunk({}, "tool_calls" if calls else "stop")
    if request.wants_usage:
        yield Event("", head | {"choices": [], "usage": _chat_usage(request, reply)})
    yield Event("", "[DONE]")


# --- responses


def _responses_item(reply: Reply) -> Json:
    if reply.call is None:
        part = {"type": "output_text", "text": reply.text, "annotations": []}
        head = {"type": "message", "id": f"msg_{reply.serial}", "status": "completed"}
        return head | {"role": "assistant", "content": [part]}
    tool = reply.call.tool
    item: Json = {"id": f"fc_{reply.serial}", "call_id": f"call_{reply.serial}"}
    item |= {"name": tool, "status": "completed"}
    namespace, dot, name = tool.rpartition(".")
    if dot:
        item |= {"namespace": namespace, "name": name}
    if isinstance(reply.call.arguments, str):
        return item | {"type": "custom_tool_call", "input": reply.call.arguments}
    return item | {"type": "function_call", "arguments": arguments_text(reply)}


def _responses_body(request: ModelRequest, reply: Reply) -> Json:
    came, went = request.input_tokens, output_tokens(reply)
    return {
        "id": f"resp_{reply.serial}",
        "object": "response",
        "created_at": EPOCH_S,
        "status": "completed",
        "model": request.model,
        "output": [_responses_item(reply)],
        "usage": {
            "input_tokens": came,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": went,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": came + went,
        },
    }


def _responses_events(request: ModelRequest, reply: Reply) -> Iterator[Event]:
    number = -1

    def event(name: str, data: Json, *, is_piece: bool = False) -> Event:
        nonlocal number
        number += 1
        return Event(name, {"type": name, "sequence_number": number, **data}, is_piece)

    whole = _responses_body(request, reply)
    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    item = _responses_item(reply)
    blank = {"message": "content", "function_call": "arguments", "custom_tool_call": "input"}
    empty: object = [] if item["type"] == "message" else ""
    opening = item | {"status": "in_progress", blank[str(item["type"])]: empty}
    at: Json = {"item_id": item["id"], "output_index": 0}
    yield event("response.created", {"response": begun})
    yield event("response.in_progress", {"response": begun})
    yield event("response.output_item.added", {"output_index": 0, "item": opening})
    if item["type"] == "message":
        at["content_index"] = 0
        part = {"type": "output_text", "text": "", "annotations": []}
        yield event("response.content_part.added", at | {"part": part})
        for piece in reply.pieces:
            yield event("response.output_text.delta", at | {"delta": piece}, is_piece=True)
        yield event("response.output_text.done", at | {"text": reply.text})
        yield event("response.content_part.done", at | {"part": part | {"text": reply.text}})
    elif item["type"] == "function_call":
        text = arguments_text(reply)
        yield event("response.function_call_arguments.delta", at | {"delta": text})
        yield event("response.function_call_arguments.done", at | {"arguments": text})
    yield event("response.output_item.done", {"output_index": 0, "item": item})
    yield event("response.completed", {"response": whole})


# --- messages


def _messages_block(reply: Reply) -> Json:
    if reply.call is None:
        return {"type": "text", "text": reply.text}
    given = reply.call.arguments
    data = {"input": given} if isinstance(given, str) else given
    return {
        "type": "tool_use",
        "id": f"toolu_{reply.serial}",
        "name": reply.call.tool,
        "input": data,
    }


def _messages_body(request: ModelRequest, reply: Reply) -> Json:
    return {
        "id": f"msg_{reply.serial}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [_messages_block(reply)],
        "stop_reason": "tool_use" if reply.call else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": request.input_tokens, "output_tokens": output_tokens(reply)},
    }


def _messages_events(request: ModelRequest, reply: Reply) -> Iterator[Event]:
    def event(name: str, *, is_piece: bool = False, **data: object) -> Event:
        return Event(name, {"type": name, **data}, is_piece)

    whole = _messages_body(request, reply)
    usage = {"input_tokens": request.input_tokens, "output_tokens": 0}
    begun = whole | {"content": [], "stop_reason": None, "usage": usage}
    yield event("message_start", message=begun)
    block = _messages_block(reply)
    empty: Json = {"input": {}} if reply.call else {"text": ""}
    yield event("content_block_start", index=0, content_block=block | empty)
    if reply.call:
        delta: Json = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield event("content_block_delta", index=0, delta=delta)
    for piece in reply.pieces:
        delta = {"type": "text_delta", "text": piece}
        yield event("content_block_delta", is_piece=True, index=0, delta=delta)
    yield event("content_block_stop", index=0)
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=end, usage={"output_tokens": output_tokens(reply)})
    yield event("message_stop")


# --- gemini


def _gemini_chunk(request: ModelRequest, reply: Reply, parts: list[Json], *, is_last: bool) -> Json:
    content = {"role": "model", "parts": parts}
    candidate: Json = {"content": content, "index": 0}
    if is_last:
        candidate["finishReason"] = "STOP"
    came, went = request.input_tokens, output_tokens(reply)
    usage = {"promptTokenCount": came, "candidatesTokenCount": went, "totalTokenCount": came + went}
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": request.model,
        "responseId": f"resp_{reply.serial}",
    }


def _gemini_parts(reply: Reply) -> list[Json]:
    if reply.call is None:
        return [{"text": reply.text}]
    given = reply.call.arguments
    data = {"input": given} if isinstance(given, str) else given
    return [{"functionCall": {"name": reply.call.tool, "args": data}}]


def _gemini_body(request: ModelRequest, reply: Reply) -> Json:
    return _gemini_chunk(request, reply, _gemini_parts(reply), is_last=True)


def _gemini_events(request: ModelRequest, reply: Reply) -> Iterator[Event]:
    for piece in reply.pieces:
        yield Event("", _gemini_chunk(request, reply, [{"text": piece}], is_last=False), True)
    last: list[Json] = _gemini_parts(reply) if reply.call else [{"text": ""}]
    yield Event("", _gemini_chunk(request, reply, last, is_last=True))


_BODIES: Final[Mapping[str, Callable[[ModelRequest, Reply], Json]]] = {
    "chat": _chat_body,
    "responses": _responses_body,
    "messages": _messages_body,
    "gemini": _gemini_body,
}
_STREAMS: Final[Mapping[str, Callable[[ModelRequest, Reply], Iterator[Event]]]] = {
    "chat": _chat_events,
    "responses": _responses_events,
    "messages": _messages_events,
    "gemini": _gemini_events,
}
