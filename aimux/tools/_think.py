"""`think`: a pattern over the caller's own fields; sessions are kept, nothing is started."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine import new_id
from aimux.errors import InvalidArguments
from aimux.guidance import guide
from aimux.model import ThoughtId, ThoughtSession
from aimux.rules import as_meant, compile_schema, cut, problems, shallow
from aimux.think import (
    Choice,
    Step,
    answer as answer_of,
    choose,
    oversize,
    placed,
    render,
    run,
    schema_for,
    stored,
    weight,
)
from aimux.times import utc_now

from ._calls import Payload, ToolCall
from ._context import ToolContext
from ._results import Json

OWN: Final = frozenset({"pattern", "prompt", "input", "session_id", "action"})
HEAVY: Final = 20_000  # beyond it thinking takes milliseconds: a thread does it

_FITS: Final[
    dict[str, Callable[[object], bool]]
] = {}  # pattern -> its check, made when it is first used


@attrs.frozen(kw_only=True)
class Thinking:
    """A call that is ready to be run."""

    choice: Choice
    fields: Json
    mapped: list[str]
    told: list[str]

    @property
    def is_heavy(self) -> bool:
        """Whether it would keep other callers waiting."""
        return weight(self.fields) > HEAVY

    def run(self, body: Json | None = None) -> Step:
        """The step itself."""
        return run(self.choice, self.fields, self.mapped, body)


def answer_nowait(context: ToolContext, call: ToolCall) -> Payload | None:
    """The answer of a call that keeps no session and is light; else None.

    Raises:
        NotFound: no such pattern.
        InvalidArguments: the fields are not the pattern's.
    """
    if call.arguments.get("action", "run") != "run" or call.arguments.get("session_id"):
        return None
    thinking = _prepared(call)
    if thinking.choice.is_stateful or thinking.is_heavy:
        return None
    return _payload(context, thinking, thinking.run())


async def answer(context: ToolContext, call: ToolCall) -> Payload:
    """One step of thinking. Cancelling it leaves the session as the step left it, or as it was.

    Raises:
        NotFound: no such pattern or session.
        InvalidArguments: the fields are not the pattern's.
    """
    session_id = call.arguments.get("session_id")
    thinking = _prepared(call)
    if not session_id and not thinking.choice.is_stateful:
        if thinking.is_heavy:
            step = await trio.to_thread.run_sync(thinking.run)
        else:
            await trio.lowlevel.checkpoint()
            step = thinking.run()
        return _payload(context, thinking, step)
    kept = ThoughtId(str(session_id)) if session_id else None
    work = partial(_carry_on, thinking, call.client.name)
    step, new = await context.engine.store.change_thought(kept, work)
    return _payload(context, thinking, step, new)


def _carry_on(
    thinking: Thinking, client: str, kept: ThoughtSession | None
) -> tuple[ThoughtSession | None, tuple[Step, str | None]]:
    """The step on the session of a row, or on a new one; the row as it is then."""
    step = thinking.run(dict(kept.body) if kept else {})
    if step.session is None:
        return None, (step, kept.id if kept else None)
    now = utc_now()
    body = stored(step.session)
    if kept is None:
        kept = ThoughtSession(
            id=ThoughtId(new_id("thk")),
            pattern=thinking.choice.name,
            client=client,
            created_at=now,
            last_active_at=now,
        )
    return attrs.evolve(kept, body=body, last_active_at=now), (step, kept.id)


def _prepared(call: ToolCall) -> Thinking:
    given = call.arguments
    choice = choose(str(given.get("pattern") or "think"))
    own = given.get("input")
    beside = {name: value for name, value in given.items() if name not in OWN}
    merged = {**(own if isinstance(own, Mapping) else {}), **beside}
    fields, mapped = placed(choice, merged, str(given.get("prompt") or ""))
    schema = schema_for(choice)
    fits = _FITS.get(choice.name)
    if fits is None:
        fits = _FITS[choice.name] = compile_schema(schema)
    told: list[str] = []
    if not fits(fields):
        fields, told = as_meant(schema, fields)
    if fault := oversize(fields):
        raise _refused(choice, [{"path": "input", "value": None, "expected": fault}])
    if not fits(fields):
        raise _refused(choice, problems(schema, shallow(fields)))
    return Thinking(choice=choice, fields=fields, mapped=mapped, told=told)


def _refused(choice: Choice, found: list[dict[str, object]]) -> InvalidArguments:
    said = "; ".join(f"{each['path']}: expected {each['expected']}" for each in found)
    error = InvalidArguments(f"{choice.name}: {said}", problems=found)
    error.hint = f"think(pattern={choice.name}) alone says which fields it takes"
    return error


def _payload(
    context: ToolContext, thinking: Thinking, step: Step, session_id: str | None = None
) -> Payload:
    shown = answer_of(step, session_id)
    refusal = step.result.blocked
    part = cut(render(shown), context.settings.max_chars)
    body: Json = {
        "job_id": None,
        "session_id": session_id,
        "status": "failed" if refusal else "completed",
        "role": None,
        "cli": None,
        "model": None,
        "mode": None,
        "content": part.text,
        "data": shown,
        "content_length": part.total,
        "truncated": part.truncated,
        "usage": None,
        "duration_ms": None,
        "exit_code": None,
        "attempts": [],
        "warnings": [{"code": "think", "message": each} for each in step.result.warnings]
        + [{"code": "taken_as_meant", "message": each} for each in thinking.told],
        "error": None,
    }
    if refusal:
        body["error"] = {
            "code": refusal.code,
            "class": "peer",
            "message": refusal.message,
            "retryable": False,
            "hint": None,
        }
    body["guidance"] = guide("think", body)
    return Payload(body, is_error=refusal is not None)
