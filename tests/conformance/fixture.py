"""The server that the conformance suite talks to, without a transport.

``Fixture.serve`` answers one ``Called``; what it may do meanwhile is ``Steps``, which those who
mount the fixture implement with their own clock, streams and nursery. ``conclude`` turns the
outcome into bytes through the peer. The names and behaviours are those the suite looks for, in both
eras.
"""

from collections.abc import Mapping

from aimux.protocol import Called, Code, Fault, Offer, Peer, Seal, ServerInfo
from aimux.tools.catalog import PROMPTS as OWN

from .catalogue import PROMPTS, RESOURCES, TEMPLATES, TOOLS
from .content import get_prompt, read_resource
from .prompts import own_prompt
from .rounds import Rounds
from .steps import Cached, Outcome, Steps, Tool
from .tasks import Tasks
from .tools import PLAIN_TOOLS

SERVER = ServerInfo(name="aimux-conformance", version="1.0.0", title="Conformance fixture")
OFFER = Offer(
    tools=True,
    prompts=True,
    resources=True,
    completions=True,
    logging=True,
    tasks=True,
    task_list=True,
    list_changed=True,
    subscribe=True,
)


class Fixture:
    """Tools, resources, prompts and tasks of the suite; one for all peers."""

    def __init__(self, key: bytes) -> None:
        self._tasks = Tasks()
        self._tools: Mapping[str, Tool] = {
            **PLAIN_TOOLS,
            **Rounds(Seal(key)).tools(),
            **self._tasks.tools(),
        }

    @staticmethod
    def peer() -> Peer:
        """Return a peer for one client."""
        return Peer(server=SERVER, offer=OFFER, instructions="Fixture of the conformance suite.")

    @staticmethod
    def schema_of(name: str) -> Mapping[str, object] | None:
        """Return the input schema of a tool, for parameter headers."""
        for tool in TOOLS:
            if tool["name"] == name:
                schema = tool["inputSchema"]
                assert isinstance(schema, dict)
                return schema
        return None

    async def serve(self, called: Called, steps: Steps) -> Outcome:
        """Answer a call."""
        params = called.params
        match called.method:
            case "tools/list":
                return Cached({"tools": TOOLS}, 300_000, "public")
            case "tools/call":
                return await self._call(called, steps)
            case "prompts/list":
                return Cached({"prompts": [*PROMPTS, *OWN]}, 300_000, "public")
            case "prompts/get":
                is_own = any(each["name"] == params["name"] for each in OWN)
                return own_prompt(called) if is_own else get_prompt(called)
            case "resources/list":
                return Cached({"resources": RESOURCES}, 0, "private")
            case "resources/templates/list":
                return Cached({"resourceTemplates": TEMPLATES}, 300_000, "public")
            case "resources/read":
                return read_resource(str(params["uri"]))
            case "resources/subscribe" | "resources/unsubscribe":
                return {}
            case "completion/complete":
                return {"completion": {"values": ["paris", "park"], "total": 2, "hasMore": False}}
            case _:
                return await self._tasks.serve(called, steps)

    async def _call(self, called: Called, steps: Steps) -> Outcome:
        name = str(called.params["name"])
        arguments = called.params.get("arguments") or {}
        assert isinstance(arguments, dict)
        tool = self._tools.get(name)
        if tool is None:
            return Fault(Code.INVALID_PARAMS, f"unknown tool: {name}")
        return await tool(called, arguments, steps)
