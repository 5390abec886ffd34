"""The tools of the suite that keep nothing between calls."""

from collections.abc import Mapping
from typing import Final

from aimux.protocol import Called, Json, missing_capability

from .catalogue import AUDIO, DEFAULTS_SCHEMA, ENUMS_SCHEMA, IMAGE, text
from .questions import NAME, ROOTS, SAMPLE, answered
from .steps import InputRequired, Outcome, Steps, Tool, result

STEP_S: Final = 0.05  # between notifications, as the suite asks
_EMBEDDED = {
    "type": "resource",
    "resource": {
        "uri": "test://embedded-resource",
        "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    },
}
_MIXED = {
    "type": "resource",
    "resource": {
        "uri": "test://mixed-content-resource",
        "mimeType": "application/json",
        "text": '{"test":"data","value":123}',
    },
}


def _plain(*content: Mapping[str, object]) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        return result(*content)

    return run


def _changing(method: str) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        steps.changed(method, {})
        return result(text("changed"))

    return run


def _form_tool(schema: Json) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        return await _elicit(steps, "Please fill in the form", schema)

    return run


def _asking_once(key: str, request: Json) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        responses = called.input_responses or {}
        if not any(isinstance(answer, dict) for answer in responses.values()):
            return InputRequired({key: request})
        return result(text("thank you"))

    return run


async def _failing(called: Called, arguments: Json, steps: Steps) -> Outcome:
    said = text("This tool intentionally returns an error for testing")
    return {**result(said), "isError": True}


async def _logging(called: Called, arguments: Json, steps: Steps) -> Outcome:
    for step in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await steps.log("info", step)
        await steps.sleep(STEP_S)
    return result(text("logged"))


async def _progressing(called: Called, arguments: Json, steps: Steps) -> Outcome:
    for done in (0, 50, 100):
        await steps.progress(done, 100)
        await steps.sleep(STEP_S)
    return result(text("progressed"))


async def _sampling(called: Called, arguments: Json, steps: Steps) -> Outcome:
    content = text(str(arguments.get("prompt", "")))
    params = {"messages": [{"role": "user", "content": content}], "maxTokens": 100}
    said = await steps.ask("sampling/createMessage", params)
    if not isinstance(said, dict):
        return {**result(text("the client cannot sample")), "isError": True}
    block = said.get("content")
    answer = block.get("text") if isinstance(block, dict) else block
    return result(text(f"LLM response: {answer}"))


async def _eliciting(called: Called, arguments: Json, steps: Steps) -> Outcome:
    schema: Json = {
        "type": "object",
        "properties": {"username": {"type": "string"}, "email": {"type": "string"}},
        "required": ["username", "email"],
    }
    return await _elicit(steps, str(arguments.get("message", "")), schema)


async def _elicit(steps: Steps, message: str, schema: Json) -> Outcome:
    said = await steps.ask("elicitation/create", {"message": message, "requestedSchema": schema})
    if not isinstance(said, dict):
        return {**result(text("the client cannot be asked")), "isError": True}
    return result(text(f"User response: {said.get('action')}: {said.get('content')}"))


async def _reconnecting(called: Called, arguments: Json, steps: Steps) -> Outcome:
    await steps.drop_stream()
    await steps.sleep(STEP_S)
    return result(text("Reconnection test completed successfully"))


async def _needing_sampling(called: Called, arguments: Json, steps: Steps) -> Outcome:
    lacking = called.client.lacking("sampling/createMessage")
    return result(text("sampling is declared")) if lacking is None else missing_capability(lacking)


async def _needing_elicitation(called: Called, arguments: Json, steps: Steps) -> Outcome:
    lacking = called.client.lacking("elicitation/create")
    return result(text("asked nothing")) if lacking is None else missing_capability(lacking)


async def _asking_what_is_declared(called: Called, arguments: Json, steps: Steps) -> Outcome:
    candidates = {"who": NAME, "sample": SAMPLE, "roots": ROOTS}
    asked = {
        key: request
        for key, request in candidates.items()
        if called.client.accepts(str(request["method"]))
    }
    if not asked or answered(called.input_responses, *asked):
        return result(text("nothing left to ask"))
    return InputRequired(asked)


async def _greet(called: Called, arguments: Json, steps: Steps) -> Outcome:
    return result(text(f"Hello, {arguments.get('name', 'World')}!"))


# by name, as the suite calls them
PLAIN_TOOLS: Final[Mapping[str, Tool]] = {
    "test_simple_text": _plain(text("This is a simple text response for testing.")),
    "test_x_mcp_header": _plain(text("header seen")),
    "test_image_content": _plain(IMAGE),
    "test_audio_content": _plain(AUDIO),
    "test_embedded_resource": _plain(_EMBEDDED),
    "test_multiple_content_types": _plain(text("Multiple content types test:"), IMAGE, _MIXED),
    "json_schema_2020_12_tool": _plain(text("schema seen")),
    "test_error_handling": _failing,
    "test_tool_with_logging": _logging,
    "test_logging_tool": _logging,
    "test_tool_with_progress": _progressing,
    "test_sampling": _sampling,
    "test_elicitation": _eliciting,
    "test_elicitation_sep1034_defaults": _form_tool(DEFAULTS_SCHEMA),
    "test_elicitation_sep1330_enums": _form_tool(ENUMS_SCHEMA),
    "test_reconnection": _reconnecting,
    "test_missing_capability": _needing_sampling,
    "test_streaming_elicitation": _needing_elicitation,
    "test_trigger_tool_change": _changing("notifications/tools/list_changed"),
    "test_trigger_prompt_change": _changing("notifications/prompts/list_changed"),
    "test_input_required_result_sampling": _asking_once("answer", SAMPLE),
    "test_input_required_result_list_roots": _asking_once("roots", ROOTS),
    "test_input_required_result_capabilities": _asking_what_is_declared,
    "greet": _greet,
}
