"""MCP payloads: results cut to what a revision has, and the shapes the peer makes itself.

A handler writes the newest shape. ``adapter_for`` returns the function that turns it into what an
older revision can read: unknown fields go, content types that did not exist yet become text, so
that nothing a person should read is lost. Values are never changed in place.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

import attrs
import orjson

from aimux.protocol._revisions import Revision

Json: TypeAlias = dict[str, object]
Adapter: TypeAlias = Callable[[Json], Json]

META: Final = "io.modelcontextprotocol/"
VERSION_KEY: Final = f"{META}protocolVersion"
CAPABILITIES_KEY: Final = f"{META}clientCapabilities"
CLIENT_KEY: Final = f"{META}clientInfo"
LOG_LEVEL_KEY: Final = f"{META}logLevel"
SUBSCRIPTION_KEY: Final = f"{META}subscriptionId"
SERVER_KEY: Final = f"{META}serverInfo"
RELATED_TASK_KEY: Final = f"{META}related-task"

LOG_LEVELS: Final = (
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
)


def rank_of(level: str) -> int:
    """Return how grave a log level is, 0 for debug.

    Raises:
        ValueError: not one of the eight.
    """
    if level not in LOG_LEVELS:
        raise ValueError(f"unknown log level: {level}; one of {', '.join(LOG_LEVELS)}")
    return LOG_LEVELS.index(level)


@attrs.frozen(kw_only=True)
class ServerInfo:
    """Who we are: the Implementation of the protocol."""

    name: str
    version: str
    title: str | None = None
    description: str | None = None
    website_url: str | None = None
    icons: tuple[Mapping[str, object], ...] = attrs.field(default=(), hash=False)

    def shape(self, revision: Revision) -> Json:
        """Return the fields that ``revision`` has."""
        full: Json = {
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "description": self.description,
            "websiteUrl": self.website_url,
            "icons": [dict(icon) for icon in self.icons] or None,
        }
        lacking = revision.lacks("Implementation")
        return {
            key: value for key, value in full.items() if value is not None and key not in lacking
        }


def input_required(
    requests: Mapping[str, Mapping[str, object]], request_state: str | None = None
) -> Json:
    """Return the result that asks the client for input before the call can be completed.

    ``requests`` maps a key of ours to ``{"method": ..., "params": ...}``.

    Raises:
        ValueError: neither a request nor a state: the client could do nothing with it.
    """
    if not requests and request_state is None:
        raise ValueError("input_required needs a request or a state")
    shape: Json = {"resultType": "input_required"}
    if requests:
        shape["inputRequests"] = {key: dict(request) for key, request in requests.items()}
    if request_state is not None:
        shape["requestState"] = request_state
    return shape


def adapter_for(method: str, revision: Revision) -> Adapter | None:
    """Return what cuts a result of ``method`` to ``revision``; None when nothing has to go."""
    make = _ADAPTERS.get(method)
    return make(revision) if make is not None else None


def _objects(value: object) -> Iterable[Json]:
    return cast(list[Json], value) if isinstance(value, list | tuple) else ()


def _without(item: Mapping[str, object], lacking: frozenset[str]) -> Json:
    return {key: value for key, value in item.items() if key not in lacking}


def _list_adapter(member: str, cut: Adapter | None) -> Adapter | None:
    if cut is None:
        return None

    def adapt(result: Json) -> Json:
        return {**result, member: [cut(item) for item in _objects(result.get(member))]}

    return adapt


def _tools_list(revision: Revision) -> Adapter | None:
    lacking = revision.lacks("Tool")

    def cut(tool: Json) -> Json:
        kept = _without(tool, lacking)
        schema = kept.get("outputSchema")
        if (
            "outputSchema.any" in lacking
            and isinstance(schema, dict)
            and schema.get("type") != "object"
        ):
            del kept["outputSchema"]
        return kept

    return _list_adapter("tools", cut)


def _prompts_list(revision: Revision) -> Adapter | None:
    lacking = revision.lacks("Prompt")
    lacking_arguments = revision.lacks("PromptArgument")
    if not lacking and not lacking_arguments:
        return None

    def cut(prompt: Json) -> Json:
        kept = _without(prompt, lacking)
        if "arguments" in kept:
            kept["arguments"] = [
                _without(argument, lacking_arguments) for argument in _objects(kept["arguments"])
            ]
        return kept

    return _list_adapter("prompts", cut)


def _resource_cutter(revision: Revision) -> Adapter | None:
    lacking = revision.lacks("Resource")
    lacking_annotations = revision.lacks("Annotations")
    if not lacking and not lacking_annotations:
        return None
    return lambda resource: _cut_annotations(_without(resource, lacking), lacking_annotations)


def _cut_annotations(item: Json, lacking: frozenset[str]) -> Json:
    annotations = item.get("annotations")
    if lacking and isinstance(annotations, dict):
        item["annotations"] = _without(annotations, lacking)
    return item


def _contents_cutter(revision: Revision) -> Adapter | None:
    lacking = revision.lacks("ResourceContents")
    return (lambda contents: _without(contents, lacking)) if lacking else None


def content_cutter(revision: Revision) -> Adapter | None:
    """Return what cuts one content block to ``revision``; None when every block is allowed."""
    lacking = revision.lacks("ContentBlock")
    lacking_annotations = revision.lacks("Annotations")
    cut_link = _resource_cutter(revision)
    cut_contents = _contents_cutter(revision)
    has_audio = revision.has("content.audio")
    has_links = revision.has("content.resource_link")
    if cut_link is None and has_audio:
        return None

    def cut(block: Json) -> Json:
        kind = block.get("type")
        if kind == "audio" and not has_audio:
            return _text(f"[audio left out: {block.get('mimeType', 'unknown type')}]")
        if kind == "resource_link":
            if not has_links:
                label = block.get("title") or block.get("name") or "resource"
                return _text(f"{label}: {block.get('uri')}")
            return cut_link(block) if cut_link is not None else block
        kept = _cut_annotations(_without(block, lacking), lacking_annotations)
        embedded = kept.get("resource")
        if cut_contents is not None and isinstance(embedded, dict):
            kept["resource"] = cut_contents(embedded)
        return kept

    return cut


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _tools_call(revision: Revision) -> Adapter:
    cut = content_cutter(revision)
    has_structured = revision.has("CallToolResult.structuredContent")
    has_any = revision.has("CallToolResult.structuredContent.any")

    def adapt(result: Json) -> Json:
        if "content" not in result:
            if "task" in result:
                return result
            result = {**result, "content": []}
        if not has_any and "structuredContent" in result:
            structured = result["structuredContent"]
            # a fragment is JSON the server has serialised already: always an object
            is_object = isinstance(structured, dict | orjson.Fragment)
            if not has_structured or not is_object:
                result = _without(result, frozenset({"structuredContent"}))
                if not result["content"]:  # the data must not be lost with its field
                    result["content"] = [_text(orjson.dumps(structured).decode())]
        if cut is not None:
            result = {**result, "content": [cut(block) for block in _objects(result["content"])]}
        return result

    return adapt


def _prompts_get(revision: Revision) -> Adapter | None:
    cut = content_cutter(revision)
    if cut is None:
        return None

    def message(item: Json) -> Json:
        content = item.get("content")
        return {**item, "content": cut(content)} if isinstance(content, dict) else item

    return _list_adapter("messages", message)


_ADAPTERS: Final[Mapping[str, Callable[[Revision], Adapter | None]]] = {
    "tools/list": _tools_list,
    "tools/call": _tools_call,
    "prompts/list": _prompts_list,
    "prompts/get": _prompts_get,
    "resources/list": lambda revision: _list_adapter("resources", _resource_cutter(revision)),
    "resources/templates/list": lambda revision: _list_adapter(
        "resourceTemplates", _resource_cutter(revision)
    ),
    "resources/read": lambda revision: _list_adapter("contents", _contents_cutter(revision)),
}
