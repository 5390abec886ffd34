"""What the conformance fixture lists: plain data, in the newest shape."""

import base64
import struct
import zlib

from aimux.protocol import TaskSupport

Json = dict[str, object]


def _png() -> bytes:

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + pixel + chunk(b"IEND", b"")


def _wav() -> bytes:
    samples = b"\x80" * 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def text(said: str) -> Json:
    """Return a text block."""
    return {"type": "text", "text": said}


IMAGE: Json = {
    "type": "image",
    "data": base64.b64encode(_png()).decode(),
    "mimeType": "image/png",
}
AUDIO: Json = {
    "type": "audio",
    "data": base64.b64encode(_wav()).decode(),
    "mimeType": "audio/wav",
}

DEFAULTS_SCHEMA: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}


def _titled(*names: str) -> list[Json]:
    return [{"const": name, "title": name.title()} for name in names]


ENUMS_SCHEMA: Json = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": _titled("value1", "value2", "value3")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
        },
        "titledMulti": {"type": "array", "items": {"anyOf": _titled("value1", "value2", "value3")}},
    },
    "required": [],
}

TASK_SUPPORT = {
    "slow_compute": TaskSupport.OPTIONAL,
    "failing_job": TaskSupport.REQUIRED,
    "protocol_error_job": TaskSupport.REQUIRED,
    "confirm_delete": TaskSupport.REQUIRED,
    "multi_input": TaskSupport.REQUIRED,
    "test_tool_with_task": TaskSupport.REQUIRED,
}


def _tool(name: str, description: str, /, **properties: Json) -> Json:
    tool: Json = {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties},
    }
    if name in TASK_SUPPORT:
        tool["execution"] = {"taskSupport": str(TASK_SUPPORT[name])}
    return tool


_STRING: Json = {"type": "string"}

_JSON_SCHEMA_TOOL: Json = {
    "name": "json_schema_2020_12_tool",
    "description": "Tool with JSON Schema 2020-12 features",
    "inputSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}

TOOLS: list[Json] = [
    _tool("test_simple_text", "Returns one text block"),
    _tool("test_image_content", "Returns one image block"),
    _tool("test_audio_content", "Returns one audio block"),
    _tool("test_embedded_resource", "Returns an embedded resource"),
    _tool("test_multiple_content_types", "Returns text, image and resource"),
    _tool("test_tool_with_logging", "Logs three times"),
    _tool("test_tool_with_progress", "Reports progress three times"),
    _tool("test_error_handling", "Fails as a tool"),
    _tool("test_sampling", "Asks the client's model", prompt=_STRING),
    _tool("test_elicitation", "Asks the user", message=_STRING),
    _tool("test_elicitation_sep1034_defaults", "Asks with defaults"),
    _tool("test_elicitation_sep1330_enums", "Asks with every kind of enum"),
    _tool("test_reconnection", "Closes its stream and answers later"),
    _JSON_SCHEMA_TOOL,
    _tool("test_missing_capability", "Needs sampling"),
    _tool("test_streaming_elicitation", "Needs elicitation, asks nothing on the stream"),
    _tool("test_logging_tool", "Logs only when asked to"),
    _tool("test_trigger_tool_change", "Announces a change of the tool list"),
    _tool("test_trigger_prompt_change", "Announces a change of the prompt list"),
    _tool(
        "test_x_mcp_header",
        "Has a parameter that travels as a header too",
        region={"type": "string", "x-mcp-header": "Region"},
    ),
    _tool("test_input_required_result_elicitation", "Asks for a name, then greets"),
    _tool("test_input_required_result_sampling", "Asks the model by its result"),
    _tool("test_input_required_result_list_roots", "Asks for roots by its result"),
    _tool("test_input_required_result_request_state", "Asks with a state"),
    _tool("test_input_required_result_multiple_inputs", "Asks three things at once"),
    _tool("test_input_required_result_multi_round", "Asks twice"),
    _tool("test_input_required_result_tampered_state", "Refuses a changed state"),
    _tool("test_input_required_result_capabilities", "Asks only what is declared"),
    _tool("greet", "Greets", name=_STRING),
    _tool("slow_compute", "Takes its time", seconds={"type": "number"}, label=_STRING),
    _tool("failing_job", "A job whose tool fails"),
    _tool("protocol_error_job", "A job that fails with a protocol error"),
    _tool("confirm_delete", "A job that asks before it deletes", filename=_STRING),
    _tool("multi_input", "A job that asks two things at once"),
    _tool("test_tool_with_task", "Asks for a name, then becomes a task"),
]

RESOURCES: list[Json] = [
    {
        "uri": "test://static-text",
        "name": "Static text",
        "description": "A text resource",
        "mimeType": "text/plain",
    },
    {
        "uri": "test://static-binary",
        "name": "Static binary",
        "description": "A binary resource",
        "mimeType": "image/png",
    },
    {
        "uri": "test://watched-resource",
        "name": "Watched",
        "description": "A resource to subscribe to",
        "mimeType": "text/plain",
    },
]

TEMPLATES: list[Json] = [
    {
        "uriTemplate": "test://template/{id}/data",
        "name": "Template",
        "description": "JSON with the id",
        "mimeType": "application/json",
    }
]


def _argument(name: str) -> Json:
    return {"name": name, "description": f"Argument {name}", "required": True}


PROMPTS: list[Json] = [
    {"name": "test_simple_prompt", "description": "A prompt without arguments"},
    {
        "name": "test_prompt_with_arguments",
        "description": "A prompt with two arguments",
        "arguments": [_argument("arg1"), _argument("arg2")],
    },
    {
        "name": "test_prompt_with_embedded_resource",
        "description": "A prompt with a resource in it",
        "arguments": [_argument("resourceUri")],
    },
    {"name": "test_prompt_with_image", "description": "A prompt with an image in it"},
    {"name": "test_input_required_result_prompt", "description": "A prompt that asks first"},
]
