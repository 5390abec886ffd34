"""What the floors say: the least that a client of either era accepts."""

import json

TOOL = {"name": "echo", "description": "Say it again", "inputSchema": {"type": "object"}}


def answer_line(message: dict) -> bytes:
    """The answer to a message; nothing for a notification."""
    if "id" not in message:
        return b""
    match message["method"]:
        case "initialize":
            version = message["params"]["protocolVersion"]
            info = {"name": "floor", "version": "1"}
            result = {
                "protocolVersion": version,
                "capabilities": {"tools": {}},
                "serverInfo": info,
            }
        case "tools/list":
            result = {"tools": [TOOL]}
        case _:
            text = message["params"]["arguments"]["text"]
            result = {"content": [{"type": "text", "text": text}], "isError": False}
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode() + b"\n"
