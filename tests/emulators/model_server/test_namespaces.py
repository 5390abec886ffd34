"""Tools that the responses shape groups by namespace, as codex does with those of MCP servers."""

from emulators.model_server._replies import Reply
from emulators.model_server._requests import read_request
from emulators.model_server._shapes import body_of
from emulators.model_server._tools import Call

BODY = {
    "model": "m",
    "input": "hello",
    "tools": [
        {"type": "function", "name": "plain", "parameters": {}},
        {
            "type": "namespace",
            "name": "mcp__server",
            "tools": [{"type": "function", "name": "inner", "parameters": {}}],
        },
    ],
}


def test_tools_of_a_namespace_are_offered_with_its_name() -> None:
    request = read_request("responses", BODY)

    assert [tool.name for tool in request.tools] == ["plain", "mcp__server.inner"]


def test_call_of_such_a_tool_names_its_namespace() -> None:
    request = read_request("responses", BODY)
    (item,) = body_of(request, Reply(serial=1, call=Call("mcp__server.inner", {})))["output"]
    (plain,) = body_of(request, Reply(serial=2, call=Call("plain", {})))["output"]

    assert (item["namespace"], item["name"]) == ("mcp__server", "inner")
    assert ("namespace" in plain, plain["name"]) == (False, "plain")
