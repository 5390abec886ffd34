"""`think`: a pattern over the caller's own fields, sessions kept; CLIs are asked if it says so."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs
import trio

from aimux.engine import new_id
from aimux.errors import InvalidArguments, PeerFault
from aimux.guidance import guide_think
from aimux.model import ThoughtId, ThoughtSession
from aimux.rules import as_meant, compile_schema, cut, problems, shallow
from aimux.think import (
    ALONE,
    HARNESS,
    WATCH_INPUTS,
    Choice,
    Result,
    Schema,
    Step,
    answer as answer_of,
    choose,
    placed,
    renamed,
    render,
    run,
    schema_for,
    schema_of,
    size_of,
    stored,
    watched,
    watched_answer,
)
from aimux.times import utc_now

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._results import Json
from ._roots import is_answer, roots_of
from ._think_mode import (
    AUTO,
    CONSENSUS,
    RUNNING,
    SOLO,
    Asked,
    decide,
    needs_matter,
    plan_alone,
    requested_mode,
)
from ._think_sessions import LOOKING, answer_looking

T = TypeVar("T")

OWN: Final = frozenset(
    {"pattern", "prompt", "input", "session_id", "action", "mode", "consensus", "clis", "max_chars"}
) | frozenset(RUNNING)
HEAVY: Final = 20_000  # beyond it thinking takes milliseconds: a thread does it

_ALONE: Final = Asked(requested=SOLO, mode=SOLO, reason="")

# the field of an action that a prompt fills
TEXT_OF: Final = {"start": "task", "step": "work_product", "finalize": "proposed_answer"}

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
    is_heavy: bool  # it would keep other callers waiting

    def run(self, body: Json | None = None) -> Step:
        """The step itself."""
        return run(self.choice, self.fields, self.mapped, body)


def answer_nowait(context: ToolContext, call: ToolCall) -> Payload | None:
    """The answer of a call that keeps no session and is light; else None.

    Raises:
        NotFound: no such pattern.
        InvalidArguments: the fields are not the pattern's.
    """
    given = call.arguments
    if given.get("action", "run") != "run" or given.get("session_id"):
        return None
    if requested_mode(given) != SOLO:
        return None
    thinking = _prepared(call)
    if thinking.choice.is_stateful or thinking.is_heavy:
        return None
    threshold = context.engine.own.settings.think.auto_consensus_threshold
    shown = _shown(thinking.run(), None, _ALONE, threshold)
    return _payload(context, call, *shown, thinking)


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """One step of thinking, and CLIs asked about it.

    Cancelling it leaves the session as the step left it, or as it was, and cancels a job that was
    not handed over yet.

    Raises:
        NotFound: no such pattern or session.
        InvalidArguments: the fields are not the pattern's.
        PeerFault: arguments contradict each other.
    """
    if call.state is not None and not is_answer(call):
        from ._think_panel import go_on_with_panel  # strategies, only where CLIs are asked

        return await go_on_with_panel(context, call)
    given = call.arguments
    action = str(given.get("action", "run"))
    if action in LOOKING:
        return await answer_looking(context, call, action)
    requested = requested_mode(given)
    session_id = given.get("session_id")
    kept = ThoughtId(str(session_id)) if session_id else None
    if action != "run":
        if requested != SOLO:
            raise PeerFault(
                f"action={action} asks no CLIs",
                code="contradictory_arguments",
                hint="leave clis, consensus and mode out",
            )
        return await _watched(context, call, action, kept)
    thinking = _prepared(call)
    settings = context.engine.own.settings
    if requested != SOLO:  # the client's own layers matter where CLIs are asked
        settings = (await context.engine.config.snapshot(call.client)).settings
    threshold = settings.think.auto_consensus_threshold
    asked = decide(requested, thinking.choice, thinking.fields, threshold)
    if asked.mode == CONSENSUS and not needs_matter(thinking.choice, thinking.fields):
        return await _with_clis(context, call, thinking, kept, asked, threshold)
    if given.get("dry_run"):
        return plan_alone(asked.reason)
    step, new = await _taken(context, call, thinking, kept)
    return _payload(context, call, *_shown(step, new, asked, threshold), thinking)


async def _with_clis(
    context: ToolContext,
    call: ToolCall,
    thinking: Thinking,
    kept: ThoughtId | None,
    asked: Asked,
    threshold: int,
) -> Payload | InputRequired:
    """The step, and CLIs asked about it. Nobody is asked about a step that is blocked."""
    from ._think_panel import Unasked, ask_panel, plan, seat

    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    matter = str(thinking.fields.get(thinking.choice.primary) or thinking.choice.name)
    seating = await seat(context, call, roots, matter)
    if call.arguments.get("dry_run"):
        return plan(seating)
    step, new = await _taken(context, call, thinking, kept)
    shown, result = _shown(step, new, asked, threshold)
    if result.blocked:
        return _payload(context, call, shown, result, thinking)
    answered = await ask_panel(context, call, step, shown, seating)
    if not isinstance(answered, Unasked):
        return answered
    alone = _payload(context, call, answered.shown, result, thinking)
    return Payload({**alone.body, "status": "partial", "error": answered.error})


async def _taken(
    context: ToolContext, call: ToolCall, thinking: Thinking, kept: ThoughtId | None
) -> tuple[Step, str | None]:
    """The step, its session kept; and the session's id, if there is one."""
    if kept is None and not thinking.choice.is_stateful:
        if thinking.is_heavy:
            return await trio.to_thread.run_sync(thinking.run), None
        await trio.lowlevel.checkpoint()
        return thinking.run(), None

    def work(body: Json) -> tuple[Json | None, Step]:
        step = thinking.run(body)
        return stored(step.session) if step.session else None, step

    return await _carried_on(context, call, kept, thinking.choice.name, work)


async def _watched(
    context: ToolContext, call: ToolCall, action: str, kept: ThoughtId | None
) -> Payload:
    """An action of reasoning under watch."""
    given = _given(call)
    text = str(call.arguments.get("prompt") or "")
    if text:
        given.setdefault(TEXT_OF[action], text)
    if action == "step" and call.arguments.get("pattern"):
        given.setdefault("chosen_move", call.arguments["pattern"])
    shape = WATCH_INPUTS[action]
    mapped: list[str] = []
    fields, told, _ = _checked(action, schema_of(shape), renamed(shape, given, mapped))
    observed = None
    move_input = fields.get("move_input")
    if isinstance(move_input, Mapping) and move_input:
        choice = choose(str(fields["chosen_move"]))
        observed = _thinking(choice, move_input, "").run().result

    def work(body: Json) -> tuple[Json | None, Result]:
        result, after = watched(action, fields, body, observed)
        return after, result

    if action == "start":
        kept = None
    result, new = await _carried_on(context, call, kept, HARNESS, work)
    return _payload(context, call, watched_answer(action, result, new), result, told)


async def _carried_on(
    context: ToolContext,
    call: ToolCall,
    kept: ThoughtId | None,
    name: str,
    work: Callable[[Json], tuple[Json | None, T]],
) -> tuple[T, str | None]:
    """What `work` makes of a session's body, the session kept; and its id, if there is one."""

    def step(
        before: ThoughtSession | None,
    ) -> tuple[ThoughtSession | None, tuple[T, str | None]]:
        body, made = work(dict(before.body) if before else {})
        if body is None:
            return None, (made, before.id if before else None)
        now = utc_now()
        after = before or ThoughtSession(
            id=ThoughtId(new_id("thk")),
            pattern=name,
            client=call.client.name,
            created_at=now,
            last_active_at=now,
        )
        return attrs.evolve(after, body=body, last_active_at=now), (made, after.id)

    return await context.engine.store.change_thought(kept, step)


def _given(call: ToolCall) -> Json:
    """The fields of a call: those in `input`, and over them those beside it."""
    inner = call.arguments.get("input")
    beside = {name: value for name, value in call.arguments.items() if name not in OWN}
    return {**(inner if isinstance(inner, Mapping) else {}), **beside}


def _prepared(call: ToolCall) -> Thinking:
    choice = choose(str(call.arguments.get("pattern") or "think"))
    return _thinking(choice, _given(call), str(call.arguments.get("prompt") or ""))


def _thinking(choice: Choice, given: Mapping[str, object], prompt: str) -> Thinking:
    """Fields in their slots and checked.

    Raises:
        InvalidArguments: with every fault at once.
    """
    fields, mapped = placed(choice, given, prompt)
    fields, told, work = _checked(choice.name, schema_for(choice), fields)
    return Thinking(choice=choice, fields=fields, mapped=mapped, told=told, is_heavy=work > HEAVY)


def _checked(name: str, schema: Schema, fields: Json) -> tuple[Json, list[str], int]:
    """Fields that fit, what of them was taken for something else, and how much work they are."""
    work = _weighed(name, fields)
    fits = _FITS.get(name)
    if fits is None:
        fits = _FITS[name] = compile_schema(schema)
    if fits(fields):
        return fields, [], work
    fields, told = as_meant(schema, fields)
    work = _weighed(name, fields)  # a text that was JSON
    if not fits(fields):
        raise _refused(name, problems(schema, shallow(fields)))
    return fields, told, work


def _weighed(name: str, fields: Json) -> int:
    size = size_of(fields)
    if size.excess:
        raise _refused(name, [{"path": "input", "value": None, "expected": size.excess}])
    return size.weight


def _refused(name: str, found: list[dict[str, object]]) -> InvalidArguments:
    said = "; ".join(f"{each['path']}: expected {each['expected']}" for each in found)
    error = InvalidArguments(f"{name}: {said}", problems=found)
    if name not in WATCH_INPUTS:
        error.hint = f"think(pattern={name}) alone says which fields it takes"
    return error


def _shown(step: Step, session_id: str | None, asked: Asked, threshold: int) -> tuple[Json, Result]:
    """The solo answer, with what was wanted; and the result it is of."""
    shown = answer_of(step, session_id, threshold)
    shown["requested_mode"] = asked.requested
    if asked.requested == AUTO:
        shown["mode_reason"] = f"{asked.mode}: {asked.reason}"
    return shown, step.result


def _payload(
    context: ToolContext,
    call: ToolCall,
    shown: Json,
    result: Result,
    taken: Thinking | list[str],
) -> Payload:
    """The answer of a step; `taken` is the step's own call, or what was taken for something."""
    told = taken.told if isinstance(taken, Thinking) else taken
    refusal = result.blocked
    chars = call.arguments.get("max_chars")
    part = cut(render(shown), chars if isinstance(chars, int) else context.settings.max_chars)
    body: Json = {
        "job_id": None,
        "session_id": shown["session_id"],
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
        "warnings": [{"code": "think", "message": each} for each in result.warnings]
        + [{"code": "taken_as_meant", "message": each} for each in told],
        "error": None,
    }
    if refusal:
        known = refusal.fields.get("known")
        body["error"] = {
            "code": refusal.code,
            "class": "peer",
            "message": refusal.message,
            "retryable": False,
            "hint": f"there are: {', '.join(map(str, known))}" if known else None,  # type: ignore[call-overload]  # a list
        }
    asking = None
    if isinstance(taken, Thinking) and not refusal:
        asking = _asking(call, taken, is_taken=not result.missing)
    body["guidance"] = guide_think(body, asking=asking)
    return Payload(body, is_error=refusal is not None)


def _asking(call: ToolCall, thinking: Thinking, *, is_taken: bool) -> Json | None:
    """The same call with CLIs asked; None if it asked them, or if none may be asked about it.

    A step that was taken is not taken a second time.
    """
    if is_taken and thinking.choice.is_stateful:
        return None
    has_contract = thinking.choice.name not in ALONE
    if not has_contract or needs_matter(thinking.choice, thinking.fields):
        return None
    if requested_mode(call.arguments) == CONSENSUS:
        return None
    same = {name: value for name, value in call.arguments.items() if name not in ("mode", *RUNNING)}
    return {**same, "pattern": same.get("pattern", "think"), "consensus": True}
