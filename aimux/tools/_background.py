"""`background`: `exec` that never waits; the kind of work is read from the prompt if not named."""

from collections.abc import Mapping
from typing import Final

import attrs
import trio

from aimux.model import Mode, Role
from aimux.rules.agents import Candidate, Selection, select_candidate

from . import _exec
from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._results import Json, with_warning

answer_nowait: Final = None  # it waits for the store
TIED: Final[Mapping[str, object]] = {
    "code": "tied_to_client",
    "message": "this server runs inside its client (no daemon), so the job ends with it",
}


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Start a job and tell where it stands. Cancelled before its row is written, there is none.

    Raises:
        AimuxError: nothing was started.
    """
    arguments: Json = {**call.arguments, "async": True}
    found: Selection | None = None
    if any(call.arguments.get(each) for each in ("role", "cli", "session_id")):
        await trio.lowlevel.checkpoint()
    else:
        roles = (await context.engine.config.snapshot(call.client)).roles
        found = role_for(str(call.arguments["prompt"]), roles)
        if found is not None:
            arguments["role"] = found.id
            if roles[found.id].mode is not Mode.READ:  # a guess is no leave to write
                arguments.setdefault("mode", str(Mode.READ))
    payload = await _exec.answer(context, attrs.evolve(call, arguments=arguments))
    if isinstance(payload, InputRequired):
        return payload
    payload = _told(payload, found)
    return with_warning(payload, TIED) if "stdio" in context.clients() else payload


def role_for(prompt: str, roles: Mapping[str, Role]) -> Selection | None:
    """The role that fits a prompt; None where none does, so that the default role is taken."""
    candidates = [
        Candidate(id=role.name, description=role.summary, when=" ".join(role.tags))
        for role in roles.values()
        if role.text
    ]
    return select_candidate(prompt, candidates)


def _told(payload: Payload, found: Selection | None) -> Payload:
    """The payload with how to ask for the job, its place, and how its role was found."""
    body = dict(payload.body)
    job_id = body["job_id"]
    body["data"] = {
        "role": body.get("role"),
        "role_inferred": found is not None,
        "why": None if found is None else found.why,
        "position": body.get("position"),
        "status": {"tool": "status", "arguments": {"job_id": job_id, "wait_seconds": 45}},
    }
    body["content"] = str(body.get("content") or "") or f"{job_id} runs in the background"
    body["content_length"] = len(str(body["content"]))
    return Payload(body, payload.is_error, payload.links)
