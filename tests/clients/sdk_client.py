"""What the official Python SDK makes of aimux. Runs in an environment of its own.

Arguments: transport (stdio, http, sse), mode (legacy, auto), target (URL or a JSON list of words).
Prints one line of JSON with what was seen.
"""

import json
import os
import sys
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult, ResourceTemplateReference

HEADERS = {"Authorization": f"Bearer {os.environ['AIMUX_AUTH_TOKEN']}"}


async def converse(server: object, mode: str) -> dict[str, object]:
    seen: dict[str, object] = {}
    steps: list[float] = []
    begun = anyio.Event()
    asked: list[str] = []

    async def on_question(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"answer": "yes please"})

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(done)

    async def on_slow(done: float, total: float | None, message: str | None) -> None:
        begun.set()

    async with Client(server, mode=mode, elicitation_callback=on_question) as client:  # type: ignore[arg-type]
        seen["version"] = client.protocol_version
        seen["tools"] = len((await client.list_tools()).tools)
        prompt = {"prompt": "[[sleep 1]] [[say 5]] hello", "cli": "codex"}
        done = await client.call_tool("exec", prompt, progress_callback=on_progress)
        seen["status"] = (done.structured_content or {}).get("status")
        seen["progress"] = len(steps)

        question = {"prompt": "[[fault ask 2]] [[say 5]]", "cli": "codex", "tty": True}
        told = await client.call_tool("exec", question, progress_callback=on_progress)
        content = str((told.structured_content or {}).get("content"))
        seen["typed"] = content.count("yes please")
        seen["asked"] = len(asked)

        await use_the_rest(client, seen)

        async def hold() -> None:
            slow = {"prompt": "[[sleep 300]] go", "cli": "codex"}
            await client.call_tool("exec", slow, progress_callback=on_slow)

        async with anyio.create_task_group() as calls:
            calls.start_soon(hold)
            await begun.wait()  # it runs: progress came
            calls.cancel_scope.cancel()
        running = None
        with anyio.move_on_after(15):
            while running != 0:
                listed = await client.call_tool("sessions", {"action": "list", "status": "active"})
                running = (listed.structured_content or {}).get("count")
        seen["left_running"] = running
    return seen


async def use_the_rest(client: Client, seen: dict[str, object]) -> None:
    """A completion, an agent, a background job and a prompt."""
    clis = ResourceTemplateReference(uri="aimux://clis/{name}")
    found = await client.complete(clis, {"name": "name", "value": "cod"})
    seen["completed"] = found.completion.values
    task = {"action": "run", "agent_id": "generalist", "prompt": "hello", "cli": "gemini"}
    agent = await client.call_tool("agents", task)
    seen["agent"] = (agent.structured_content or {}).get("status")
    begun = await client.call_tool("background", {"prompt": "[[say 5]] hello", "cli": "codex"})
    job_id = (begun.structured_content or {})["job_id"]
    ended = await client.call_tool("status", {"job_id": job_id, "wait_seconds": 60})
    seen["background"] = (ended.structured_content or {}).get("status")
    seen["prompts"] = len((await client.list_prompts()).prompts)
    shown = await client.get_prompt("debug", {"error": "it hangs"})
    seen["prompt"] = shown.messages[0].content.text  # type: ignore[union-attr]


async def main() -> None:
    transport, mode, target = sys.argv[1:4]
    if transport == "stdio":
        command, *words = json.loads(target)
        server: object = StdioServerParameters(
            command=command, args=words, env=dict(os.environ), cwd=Path.cwd()
        )
        seen = await converse(server, mode)
    elif transport == "sse":
        seen = await converse(sse_client(target, headers=HEADERS), mode)
    else:
        async with httpx2.AsyncClient(headers=HEADERS, timeout=60) as http:
            seen = await converse(streamable_http_client(target, http_client=http), mode)
    print(json.dumps(seen))


anyio.run(main)
