"""Each family's request reads the same: prompt, earlier messages, results, tools."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from emulators.model_server._requests import Entry, ModelRequest, read_request

Turn = tuple[str, str | None, str | None, str | None]
Turns = Sequence[Turn]  # prompt, tool, its result, answer
Make = Callable[[Turns], ModelRequest]


def request(*entries: tuple[str, str], tools: Sequence[Any] = ()) -> ModelRequest:
    return ModelRequest("chat", "m", False, tuple(Entry(*entry) for entry in entries), tools)


def chat(turns: Turns) -> ModelRequest:
    messages = [{"role": "system", "content": "be brief"}]
    for prompt, tool, result, answer in turns:
        messages.append({"role": "user", "content": [{"type": "text", "text": prompt}]})
        if tool:
            call = {"id": "1", "function": {"name": tool, "arguments": "{}"}}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": "1", "content": result})
        if answer:
            messages.append({"role": "assistant", "content": answer})
    tools = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}]
    return read_request("chat", {"model": "m", "messages": messages, "tools": tools})


def responses(turns: Turns) -> ModelRequest:
    items = []
    for prompt, tool, result, answer in turns:
        items.append({"role": "user", "content": [{"type": "input_text", "text": prompt}]})
        if tool:
            items.append({"type": "function_call", "name": tool, "call_id": "1", "arguments": "{}"})
            items.append({"type": "function_call_output", "call_id": "1", "output": result})
        if answer:
            said = {"type": "output_text", "text": answer}
            items.append({"type": "message", "role": "assistant", "content": [said]})
    tools = [{"type": "function", "name": "t", "parameters": {}}, {"type": "web_search"}]
    body = {"model": "m", "instructions": "be brief", "input": items, "tools": tools}
    return read_request("responses", body)


def messages(turns: Turns) -> ModelRequest:
    items = []
    for prompt, tool, result, answer in turns:
        items.append({"role": "user", "content": prompt})
        if tool:
            call = {"type": "tool_use", "id": "1", "name": tool, "input": {}}
            said = [{"type": "text", "text": result}]
            back = {"type": "tool_result", "tool_use_id": "1", "content": said}
            items.append({"role": "assistant", "content": [call]})
            items.append({"role": "user", "content": [back]})
        if answer:
            items.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    system = [{"type": "text", "text": "be brief"}]
    tools = [{"name": "t", "input_schema": {}}]
    return read_request(
        "messages", {"model": "m", "system": system, "messages": items, "tools": tools}
    )


def gemini(turns: Turns) -> ModelRequest:
    items = []
    for prompt, tool, result, answer in turns:
        items.append({"role": "user", "parts": [{"text": prompt}]})
        if tool:
            call = {"functionCall": {"name": tool, "args": {}}}
            back = {"functionResponse": {"name": tool, "response": {"output": result}}}
            items.append({"role": "model", "parts": [{"text": "hm", "thought": True}, call]})
            items.append({"role": "user", "parts": [back]})
        if answer:
            items.append({"role": "model", "parts": [{"text": answer}]})
    tools = [{"functionDeclarations": [{"name": "t", "parametersJsonSchema": {}}]}]
    system = {"parts": [{"text": "be brief"}]}
    body = {"systemInstruction": system, "contents": items, "tools": tools}
    return read_request("gemini", body, model="m")


every_family = pytest.mark.parametrize("make", [chat, responses, messages, gemini])
TURNS = [("first", "t", "r1", "done"), ("second", "t", "r2", None)]


@every_family
def test_this_turn_is_told_from_earlier_ones(make: Make) -> None:
    found = make(TURNS)

    assert found.model == "m"
    assert found.prompt == "second"
    assert found.earlier == ("first",)
    assert [tool.name for tool in found.tools] == ["t"]


@every_family
def test_result_of_this_turn_is_seen_and_older_ones_are_not(make: Make) -> None:
    (result,) = make(TURNS).results

    assert "r2" in result
    assert make([("first", "t", "r1", "done"), ("second", None, None, None)]).results == ()


@every_family
def test_empty_result_is_a_result(make: Make) -> None:
    found = make([("first", "t", "", None)])

    assert found.has_called
    assert len(found.results) == 1


def test_input_of_responses_may_be_bare_text() -> None:
    assert read_request("responses", {"input": "hello"}).prompt == "hello"


def test_prompt_is_the_text_with_the_directive() -> None:
    found = request(("user", "[[say x]]"), ("user", "<env>cwd</env>"), ("user", "be careful"))

    assert found.prompt == "[[say x]]"


def test_prompt_is_not_the_context_a_cli_adds() -> None:
    assert request(("user", "hello"), ("user", "<env>cwd</env>")).prompt == "hello"
    assert request(("user", "<input>hello</input>")).prompt == "<input>hello</input>"


def test_directive_from_a_file_is_found_in_the_system_text() -> None:
    system = ("system", "<context>[[say x]]</context>")

    assert request(system, ("user", "see above")).prompt == system[1]
    assert request(system, ("user", "[[say y]]")).prompt == "[[say y]]"


def test_directive_of_an_earlier_turn_is_over() -> None:
    found = request(("user", "[[say x]]"), ("assistant", "x"), ("user", "and now"))

    assert found.prompt == "and now"


def test_nag_for_a_finish_is_not_a_turn() -> None:
    asked = ("user", "No tool call detected in last message. Did you mean to finish?")
    found = request(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), asked)

    assert found.is_nagged
    assert found.prompt == "c"
    assert found.earlier == ("a",)


def test_title_request_is_a_side_call_unless_it_offers_tools() -> None:
    title = ("system", "You are a title generator. You output ONLY a thread title.")

    assert request(title, ("user", "hi")).is_side_call
    assert not request(("system", "You are an agent."), ("user", "a title")).is_side_call


@pytest.mark.parametrize(
    "body", [{}, {"messages": None}, {"messages": [1, {"role": "user", "content": [None]}]}]
)
def test_odd_bodies_read_as_empty(body: dict[str, object]) -> None:
    assert read_request("chat", body).prompt == ""
