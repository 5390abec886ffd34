"""The methods a client may call: in which revisions, behind which offer, with which parameters.

Theory of operation. ``METHODS`` is the table; ``routes_for`` reads it once per offer into one
look-up per revision, so that a peer decides "does this method exist here" with one dict access.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import attrs

from aimux.protocol._revisions import REVISIONS, Revision
from aimux.protocol._shapes import Json, adapter_for

TASKS_EXTENSION: Final = "io.modelcontextprotocol/tasks"


@attrs.frozen(kw_only=True)
class Offer:
    """What the server serves. What is not offered is not declared, and its methods do not exist."""

    tools: bool = True
    prompts: bool = False
    resources: bool = False
    completions: bool = False
    logging: bool = False
    tasks: bool = False
    task_list: bool = False  # only where callers can be told apart
    list_changed: bool = False
    subscribe: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse an offer that contradicts itself."""
        if self.subscribe and not self.resources:
            raise ValueError("subscribe is offered without resources")
        if self.task_list and not self.tasks:
            raise ValueError("task_list is offered without tasks")

    def capabilities(self, revision: Revision) -> Json:
        """Return the ServerCapabilities for a revision."""
        changed: Json = {"listChanged": True} if self.list_changed else {}
        told: Json = {}
        if self.tools:
            told["tools"] = dict(changed)
        if self.prompts:
            told["prompts"] = dict(changed)
        if self.resources:
            told["resources"] = ({"subscribe": True} if self.subscribe else {}) | changed
        if self.completions and revision.has("capability.completions"):
            told["completions"] = {}
        if self.logging:
            told["logging"] = {}
        if self.tasks and revision.has("capability.tasks"):
            listed: Json = {"list": {}} if self.task_list else {}
            told["tasks"] = listed | {"cancel": {}, "requests": {"tools": {"call": {}}}}
        if self.tasks and revision.has("capability.extensions"):
            told["extensions"] = {TASKS_EXTENSION: {}}
        return told

    @property
    def subscription_kinds(self) -> frozenset[str]:
        """The keys of a listen filter that can be honoured."""
        kinds = {
            "toolsListChanged": self.tools and self.list_changed,
            "promptsListChanged": self.prompts and self.list_changed,
            "resourcesListChanged": self.resources and self.list_changed,
            "resourceSubscriptions": self.subscribe,
            "taskIds": self.tasks,
        }
        return frozenset(kind for kind, is_served in kinds.items() if is_served)


class Param(NamedTuple):
    """One parameter that is checked before anybody sees the call."""

    name: str
    kind: type
    is_required: bool = True

    def fault(self, params: Mapping[str, object]) -> str | None:
        """Return what is wrong with a value that is not of the kind, if anything."""
        if params.get(self.name) is None and not self.is_required:
            return None  # clients send null for what they leave out
        if self.name not in params:
            return f"missing parameter: {self.name}"
        return f"parameter {self.name} must be {_JSON_NAMES[self.kind]}"


_JSON_NAMES: Final[Mapping[type, str]] = {str: "a string", dict: "an object"}
_CURSOR: Final = (Param("cursor", str, is_required=False),)
_URI: Final = (Param("uri", str),)
_NAMED: Final = (Param("name", str), Param("arguments", dict, is_required=False))
_TASK: Final = (Param("taskId", str),)
_RETRY: Final = (
    Param("inputResponses", dict, is_required=False),
    Param("requestState", str, is_required=False),
)

# method -> (first revision, last revision, offer it belongs to, parameters)
METHODS: Final[Mapping[str, tuple[str, str, str | None, tuple[Param, ...]]]] = {
    "initialize": ("2024-11-05", "2025-11-25", None, ()),
    "ping": ("2024-11-05", "2025-11-25", None, ()),
    "logging/setLevel": ("2024-11-05", "2025-11-25", "logging", ()),
    "server/discover": ("2026-07-28", "2026-07-28", None, ()),
    "subscriptions/listen": ("2026-07-28", "2026-07-28", "subscription_kinds", ()),
    "tools/list": ("2024-11-05", "2026-07-28", "tools", _CURSOR),
    "tools/call": ("2024-11-05", "2026-07-28", "tools", _NAMED),
    "prompts/list": ("2024-11-05", "2026-07-28", "prompts", _CURSOR),
    "prompts/get": ("2024-11-05", "2026-07-28", "prompts", _NAMED),
    "resources/list": ("2024-11-05", "2026-07-28", "resources", _CURSOR),
    "resources/templates/list": ("2024-11-05", "2026-07-28", "resources", _CURSOR),
    "resources/read": ("2024-11-05", "2026-07-28", "resources", _URI),
    "resources/subscribe": ("2024-11-05", "2025-11-25", "subscribe", _URI),
    "resources/unsubscribe": ("2024-11-05", "2025-11-25", "subscribe", _URI),
    "completion/complete": (
        "2024-11-05",
        "2026-07-28",
        "completions",
        (Param("ref", dict), Param("argument", dict)),
    ),
    "tasks/get": ("2025-11-25", "2026-07-28", "tasks", _TASK),
    "tasks/cancel": ("2025-11-25", "2026-07-28", "tasks", _TASK),
    "tasks/result": ("2025-11-25", "2025-11-25", "tasks", _TASK),
    "tasks/list": ("2025-11-25", "2025-11-25", "task_list", _CURSOR),
    "tasks/update": (
        "2026-07-28",
        "2026-07-28",
        "tasks",
        (*_TASK, Param("inputResponses", dict)),
    ),
}

CACHEABLE: Final = frozenset(
    {
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    }
)
RETRIABLE: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
OWN: Final = frozenset(
    {"initialize", "ping", "logging/setLevel", "server/discover", "subscriptions/listen"}
)
MODERN_ONLY: Final = frozenset({"server/discover", "subscriptions/listen", "tasks/update"})


class Route(NamedTuple):
    """A method as one revision of one offer has it."""

    method: str
    params: tuple[Param, ...]
    adapt: Callable[[Json], Json] | None  # None: every field of a result is allowed
    is_own: bool  # the peer answers it by itself
    is_cacheable: bool
    needs_tasks: bool


Routes = Mapping[str, Mapping[str, Route]]


@functools.lru_cache(maxsize=64)
def routes_for(offer: Offer) -> Routes:
    """Return version -> method -> route for an offer; computed once per offer."""
    return {
        version: {
            method: Route(
                method,
                (*params, *_RETRY) if revision.is_modern and method in RETRIABLE else params,
                adapter_for(method, revision),
                method in OWN,
                revision.is_modern and method in CACHEABLE,
                revision.is_modern and method.startswith("tasks/"),
            )
            for method, (first, last, needs, params) in METHODS.items()
            if first <= version <= last and (needs is None or getattr(offer, needs))
        }
        for version, revision in REVISIONS.items()
    }
