"""What the fixture asks a client, and what an answer to it says."""

from collections.abc import Mapping

from aimux.protocol import Json


def form(message: str, /, **properties: Mapping[str, object]) -> Json:
    """Return an elicitation request."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    params = {"mode": "form", "message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


NAME = form("What is your name?", name={"type": "string"})
COLOR = form("What colour?", color={"type": "string"})
SAMPLE: Json = {
    "method": "sampling/createMessage",
    "params": {
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "What is the capital of France?"}}
        ],
        "maxTokens": 100,
    },
}
ROOTS: Json = {"method": "roots/list", "params": {}}


def accepted(responses: Mapping[str, object] | None, key: str) -> Json | None:
    """Return what a form answer says; None when it is missing, malformed or not an accept."""
    answer = (responses or {}).get(key)
    if not isinstance(answer, dict) or answer.get("action") != "accept":
        return None
    content = answer.get("content")
    return content if isinstance(content, dict) else None


def answered(responses: Mapping[str, object] | None, *keys: str) -> bool:
    """Tell whether every key has an answer of the right type."""
    return all(isinstance((responses or {}).get(key), dict) for key in keys)
