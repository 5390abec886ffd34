"""From a call to its tool, once the engine is open."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.errors import AimuxError, InvalidArguments, Refusal
from aimux.files.cache import Lru
from aimux.guidance import ToolClass, guide_plan
from aimux.rules import (
    Bucket,
    as_meant,
    boolean_as_meant,
    compile_schema,
    mended,
    problems,
    shallow,
    take,
    told_problem,
)

from ._calls import InputRequired, Payload, ToolCall
from ._classes import class_of
from ._context import ToolContext, ToolModule
from ._results import with_warning
from ._roots import asks_first, is_answer
from .catalog import TOOLS, Tool

KEPT_BUCKETS: Final = 1_000  # clients whose rate is known; one that is forgotten starts anew


class ToolRunner:
    """Checks a call's arguments and its client's rate, and calls the tool's module."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._engine = context.engine
        self._fits = {name: compile_schema(tool.input_schema) for name, tool in TOOLS.items()}
        self._modules: dict[str, ToolModule] = {}
        self._buckets: Lru[tuple[str, str], Bucket] = Lru(KEPT_BUCKETS)
        self._stale = trio.Event()  # an answer without a wait went by settings that may be old

    def __repr__(self) -> str:
        return f"<ToolRunner: {self._engine!r}>"

    def answer_nowait(self, call: ToolCall, *, is_task: bool = False) -> Payload | None:
        """The answer of a call that needs no waiting, else None.

        With `is_task` a call that makes a job is none.

        Raises:
            InvalidArguments: they do not fit the schema.
        """
        tool = TOOLS[call.name]
        module = self._modules.get(tool.name) or self._load(tool)
        answer_nowait = module.answer_nowait
        if answer_nowait is None:
            return None
        self._engine.keys.offer(call.client.env)
        if self._engine.own.is_reload_due():  # after the answer: a reload takes ten times as long
            self._stale.set()
        checked = self._checked(tool, call)
        if is_task and _makes_job(checked):
            return None
        warnings = _warnings_of(tool, call, checked)
        with _also_on_errors(warnings):
            payload = answer_nowait(self._context, checked)
        return None if payload is None else _with_warnings(payload, warnings)

    def makes_job(self, call: ToolCall) -> bool:
        """Whether a call is of an action that makes a job, so that it can be had as a task.

        Raises:
            InvalidArguments: they do not fit the schema.
        """
        return _makes_job(self._checked(TOOLS[call.name], call))

    async def serve_reloads(self) -> None:
        """Reload our own files behind answers without a wait, until cancelled."""
        while True:
            await self._stale.wait()
            self._stale = trio.Event()
            await self._engine.own.reload()

    async def call(self, call: ToolCall) -> Payload | InputRequired:
        """Run a tool. Cancelling it ends what the tool began for this call.

        Raises:
            AimuxError: the call cannot be served.
        """
        tool = TOOLS[call.name]
        checked = self._checked(tool, call)
        warnings = _warnings_of(tool, call, checked)
        await self._engine.own.reload()
        self._engine.keys.offer(call.client.env)
        with _also_on_errors(warnings):
            if _starts_something(checked):
                self._take_token(call)
            module = self._modules.get(tool.name) or self._load(tool)
            payload = await module.answer(self._context, checked)
        if isinstance(payload, InputRequired):
            return payload
        if payload.body.get("status") == "planned":
            guidance = guide_plan(tool.name, checked.arguments)
            payload = attrs.evolve(payload, body={**payload.body, "guidance": guidance})
        return _with_warnings(payload, warnings)

    def _load(self, tool: Tool) -> ToolModule:
        """A tool's code is read when it is first called."""
        module = importlib.import_module(tool.module)
        assert isinstance(module, ToolModule)
        self._modules[tool.name] = module
        return module

    def _checked(self, tool: Tool, call: ToolCall) -> ToolCall:
        """The call under our own names; the same object if it uses them already.

        Raises:
            InvalidArguments: with every fault at once.
        """
        given = call.arguments
        told: list[str] = []
        fits = self._fits[tool.name]
        is_renamed = not tool.aliases.keys().isdisjoint(given)
        if is_renamed:
            given, told = _unaliased(tool, given)
        if fits(given):
            return attrs.evolve(call, arguments=given, taken=told) if is_renamed else call
        given, taken = as_meant(tool.input_schema, given)
        if taken and fits(given):
            return attrs.evolve(call, arguments=given, taken=[*told, *taken])
        found = problems(tool.input_schema, shallow(given))
        listed_problems = "; ".join(told_problem(each) for each in found)
        meant = mended(given, found)
        raise InvalidArguments(
            f"{tool.name}: {listed_problems}",
            problems=found,
            meant=meant if meant is not None and fits(meant) else None,
        )

    def _take_token(self, call: ToolCall) -> None:
        settings = self._context.settings
        rate, burst = settings.rate_limit_rps, settings.rate_limit_burst
        key = (call.client.key, call.name)
        bucket = self._buckets.get(key)
        if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):  # settings change
            bucket = Bucket(rate=rate, burst=burst)
        bucket, wait_s = take(bucket, trio.current_time())
        self._buckets.put(key, bucket)
        if wait_s:
            raise Refusal(
                f"more than {settings.rate_limit_rps:g} {call.name} calls a second",
                code="rate_limited",
                hint=f"try again in {wait_s:.1f} s",
                data={"retry_after_ms": round(wait_s * 1000)},
            )


def _makes_job(call: ToolCall) -> bool:
    return class_of(call) is ToolClass.ASYNC_MANDATORY


def _starts_something(call: ToolCall) -> bool:
    """Not one that asks where to work before it does, nor one that goes on with its job."""
    if call.parent_id or not _makes_job(call):  # its client's call has paid for a step
        return False
    return (call.state is None or is_answer(call)) and not asks_first(call)


def _warnings_of(tool: Tool, call: ToolCall, checked: ToolCall) -> list[Mapping[str, object]]:
    """Which other names were used, what ours are, and what was taken how."""
    if checked is call:
        return []
    renamed = [
        f"{name} is called {tool.aliases[name]} here"
        for name, value in call.arguments.items()
        if name in tool.aliases and value is not None
    ]
    return [
        *({"code": "alias", "message": told} for told in renamed),
        *({"code": "taken_as_meant", "message": told} for told in checked.taken),
    ]


def _with_warnings(payload: Payload, warnings: Sequence[Mapping[str, object]]) -> Payload:
    for each in warnings:
        payload = with_warning(payload, each)
    return payload


@contextlib.contextmanager
def _also_on_errors(warnings: Sequence[Mapping[str, object]]) -> Iterator[None]:
    """An error of the body says them too: what was taken may be why it failed."""
    try:
        yield
    except AimuxError as error:
        error.warnings = warnings
        raise


def _unaliased(tool: Tool, given: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """Other names users know become ours; ours wins where both are given."""
    named: dict[str, object] = {}
    told: list[str] = []
    for name, value in given.items():
        if name not in tool.aliases:
            continue
        if value is None:
            told.append(f"{name}: null was taken as not given")
        elif name == "read_only":
            is_reading = boolean_as_meant(value)
            if isinstance(is_reading, bool):
                named.setdefault("mode", "read" if is_reading else "write")
                if is_reading is not value:
                    told.append(f"{name}: the text was taken as {str(is_reading).lower()}")
            else:
                named[name] = value
        else:
            named[tool.aliases[name]] = value
    ours = {
        name: value
        for name, value in given.items()
        if name not in tool.aliases and (value is not None or name not in named)
    }
    return named | ours, told
