"""Commands of the user's around every turn.

One before it blocks, skips or changes the turn; one after it annotates or rejects its answer.

A hook gets the turn as JSON on stdin and answers with JSON on stdout; an empty answer changes
nothing. It runs as a child like any other: in its own session, under its limit, stopped as a group.
What its own failure means is the user's choice (`on_error`); a failure is never silent.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
import orjson
import trio

from aimux.drivers import Driver, ProcessSpec
from aimux.errors import AimuxError
from aimux.model import HookError, HookSettings, HookTime, Plan, Stream, Warned
from aimux.rules import excerpt

ANSWER_BYTES: Final = 4_000_000  # a changed prompt may be long
GRACE_S: Final = 0.5
ACTIONS: Final[Mapping[HookTime, frozenset[str]]] = {
    HookTime.BEFORE: frozenset({"proceed", "block", "skip"}),
    HookTime.AFTER: frozenset({"accept", "annotate", "reject"}),
}

Json = dict[str, object]


@attrs.frozen(kw_only=True)
class Said:
    """What all hooks of one moment amount to. `refusal` is set if one blocked or rejected."""

    refusal: str = ""
    by: str = ""  # the hook that refused or skipped
    prompt: str | None = None  # the last changed prompt wins
    content: str | None = None  # stands for the answer of a skipped turn
    warnings: Sequence[Warned] = ()


@attrs.frozen
class _Answer:
    action: str
    body: Mapping[str, object]


class _HookFailed(Exception):
    """A hook did not answer as it should; the text says how."""


async def consult_hooks(
    hooks: Mapping[str, HookSettings],
    when: HookTime,
    plan: Plan,
    role: str,
    turn: Json,
    drive: Driver,
) -> Said:
    """Consult the hooks of one moment in the order of their names; the first refusal ends it.

    Cancelling it stops the hook that runs.
    """
    said = Said()
    warnings: list[Warned] = []
    for name, hook in _wanted(hooks, when, plan.cli, role):
        try:
            answer = await _consult(hook, when, plan, turn, drive)
        except _HookFailed as failure:
            warnings.append(Warned(code="hook_failed", message=f"hook {name}: {failure}"))
            if hook.on_error is HookError.CLOSED:
                said = attrs.evolve(said, refusal=f"hook {name} failed: {failure}", by=name)
                break
            continue
        reason = str(answer.body.get("reason", "")) or "no reason given"
        match answer.action:
            case "block" | "reject":
                said = attrs.evolve(said, refusal=f"hook {name}: {reason}", by=name)
                break
            case "skip":
                content = str(answer.body.get("content", ""))
                said = attrs.evolve(said, content=content, by=name)
                break
            case _:
                prompt = answer.body.get("prompt")
                if when is HookTime.BEFORE and isinstance(prompt, str):
                    turn = {**turn, "prompt": prompt}
                    said = attrs.evolve(said, prompt=prompt)
                warnings += _annotations(name, answer.body)
    return attrs.evolve(said, warnings=tuple(warnings))


def _wanted(
    hooks: Mapping[str, HookSettings], when: HookTime, cli: str, role: str
) -> Iterator[tuple[str, HookSettings]]:
    for name in sorted(hooks):
        hook = hooks[name]
        if hook.when is not when or not hook.command:
            continue
        if (not hook.clis or cli in hook.clis) and (not hook.roles or role in hook.roles):
            yield name, hook


def _annotations(name: str, body: Mapping[str, object]) -> list[Warned]:
    notes = body.get("annotations")
    told = notes if isinstance(notes, list) else []
    return [Warned(code="hook", message=f"{name}: {note}") for note in told]


async def _consult(
    hook: HookSettings, when: HookTime, plan: Plan, turn: Json, drive: Driver
) -> _Answer:
    printed = bytearray()
    complained = bytearray()

    def take(stream: Stream, data: bytes) -> None:
        kept = printed if stream is Stream.STDOUT else complained
        kept += data[: ANSWER_BYTES - len(kept)]

    process = ProcessSpec(
        argv=hook.command,
        cwd=plan.cwd,
        env=plan.env,
        stdin=orjson.dumps({"when": str(when), **turn}),
        grace_s=GRACE_S,
    )
    try:
        with trio.move_on_after(hook.timeout_seconds) as limit:
            gone = await drive(process, take)
    except AimuxError as error:
        raise _HookFailed(error.message) from error
    if limit.cancelled_caught:
        raise _HookFailed(f"no answer within {hook.timeout_seconds:g} s")
    if gone.exit_code != 0:
        said = excerpt(complained.decode(errors="replace"), 300).strip()
        raise _HookFailed(f"left with {gone.exit_code or gone.signal}: {said}")
    return _parsed(bytes(printed), when)


def _parsed(printed: bytes, when: HookTime) -> _Answer:
    if not printed.strip():
        return _Answer("proceed" if when is HookTime.BEFORE else "accept", {})
    try:
        body = orjson.loads(printed)
    except orjson.JSONDecodeError as error:
        raise _HookFailed(f"its answer is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _HookFailed("its answer is not a JSON object")
    default = "proceed" if when is HookTime.BEFORE else "accept"
    action = body.get("action", default)
    if action not in ACTIONS[when]:
        known = ", ".join(sorted(ACTIONS[when]))
        raise _HookFailed(f"unknown action {action!r}; known for {when}: {known}")
    return _Answer(str(action), body)
