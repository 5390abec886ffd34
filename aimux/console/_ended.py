"""A call of a tool to the end of its job, with progress while it works."""

from typing import Final

from ._client import Json, McpClient
from ._output import open_progress

LONG_POLL_S: Final = 45  # for a job that was handed over


async def call_to_end(client: McpClient, tool: str, arguments: Json, *, is_quiet: bool) -> Json:
    """The result of a job, waited for however long it takes, with all of its content.

    Cancelling it cancels the call that waits.
    """
    with open_progress(is_quiet=is_quiet) as on_progress:
        body = await client.call(tool, arguments, on_progress)
        while body.get("status") in {"queued", "running"}:  # handed over
            follow = {"job_id": body["job_id"], "wait_seconds": LONG_POLL_S}
            body = await client.call("status", follow, on_progress)
    if body.get("truncated"):
        body = await client.call("status", {"job_id": body["job_id"], "include_content": True})
    return body
