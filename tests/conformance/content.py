"""The prompts and resources of the suite."""

from aimux.protocol import Called, Code, Fault, Json, resource_not_found

from .catalogue import IMAGE, text
from .questions import accepted, form
from .steps import Cached, InputRequired, Outcome, messages


def get_prompt(called: Called) -> Outcome:
    """Return the messages of a prompt, or what it lacks."""
    given = called.params.get("arguments") or {}
    assert isinstance(given, dict)
    match called.params["name"]:
        case "test_simple_prompt":
            return messages(text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            missing = [key for key in ("arg1", "arg2") if key not in given]
            if missing:
                return Fault(Code.INVALID_PARAMS, f"missing argument: {', '.join(missing)}")
            said = f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"
            return messages(text(said))
        case "test_prompt_with_embedded_resource":
            uri = given.get("resourceUri")
            contents = {"uri": uri, "mimeType": "text/plain", "text": "Embedded for testing."}
            embedded = {"type": "resource", "resource": contents}
            return messages(embedded, text("Please process the embedded resource above."))
        case "test_prompt_with_image":
            return messages(IMAGE, text("Please analyze the image above."))
        case "test_input_required_result_prompt":
            content = accepted(called.input_responses, "user_context")
            if content is None:
                return InputRequired({"user_context": form("Context?", context={"type": "string"})})
            return messages(text(f"Context: {content.get('context')}"))
        case name:
            return Fault(Code.INVALID_PARAMS, f"unknown prompt: {name}")


def read_resource(uri: str) -> Outcome:
    """Return the contents of a resource."""
    contents: Json
    match uri:
        case "test://static-text" | "test://watched-resource":
            said = "This is the content of the static text resource."
            contents = {"uri": uri, "mimeType": "text/plain", "text": said}
        case "test://static-binary":
            contents = {"uri": uri, "mimeType": "image/png", "blob": IMAGE["data"]}
        case _ if uri.startswith("test://template/") and uri.endswith("/data"):
            name = uri.removeprefix("test://template/").removesuffix("/data")
            said = f'{{"id":"{name}","templateTest":true,"data":"Data for ID: {name}"}}'
            contents = {"uri": uri, "mimeType": "application/json", "text": said}
        case _:
            return resource_not_found(uri)
    return Cached({"contents": [contents]}, 0, "private")
