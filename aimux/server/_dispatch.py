"""From a call to its answer: the only place where exceptions become wire errors.

Bad calls (unknown tool, missing parameter of a method) are JSON-RPC errors. Bad argument *values*
and failed work are tool results with `isError`, so that a model can read them and act (mcp.md
F-2). This is firewall 2 of 2: what is not an `AimuxError` is logged with its traceback and told as
internal.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import attrs

from aimux.errors import AimuxError, InternalFault, InvalidArguments, NotFound
from aimux.protocol import (
    Called,
    Code,
    Fault,
    judge_cancel,
    judge_task,
    related,
    render_cancelled,
    render_created,
    render_result,
    render_state,
    resource_not_found,
    unknown_task,
)
from aimux.tools import App, Client, InputRequired, Payload, Reach, ToolCall, error_json

from ._caller import ClientLink, SessionCaller
from ._states import close_state, open_state
from ._tasks import support_of, takes_async, task_of, tool_result

STATIC_TTL_MS: Final = 300_000  # the tool list changes with a release
LIVE_TTL_MS: Final = 0  # jobs change all the time
TRACE_KEYS: Final = ("traceparent", "tracestate")  # the W3C's, plain in `_meta`
PROMPTS_TTL_MS: Final = 5_000  # as long as it takes to tell of a change

log = logging.getLogger("aimux.dispatch")


class Result(NamedTuple):
    """A result in the newest revision's shape, with what caches may know of it."""

    body: Mapping[str, object]
    ttl_ms: int | None = None
    cache_scope: str | None = None


@attrs.frozen
class InputRequiredResult:
    """What the client has to answer before the call can be; it repeats the call with `state`."""

    requests: Mapping[str, Mapping[str, object]]
    state: str


Answer = Result | InputRequiredResult | Fault


class Dispatcher:
    """Answers the calls of one client."""

    def __init__(self, app: App, link: ClientLink, *, strict: bool = False) -> None:
        self._app = app
        self._link = link
        self._strict = strict

    def answer_nowait(self, client: Client, called: Called) -> Answer | None:
        """The answer that needs no waiting, or None if the call has to wait for something."""
        match called.method:
            case "tools/list":
                return Result({"tools": self._app.tools()}, STATIC_TTL_MS, "public")
            case "tools/call":
                return self._answer_tool_nowait(client, called)
            case "resources/templates/list":
                shown = {"resourceTemplates": self._app.resource_templates()}
                return Result(shown, STATIC_TTL_MS, "public")
            case _:
                return None

    def _answer_tool_nowait(self, client: Client, called: Called) -> Answer | None:
        call = self._tool_call(client, called)
        if isinstance(call, Fault):
            return call
        is_task = judge_task(called, support_of(call.name))
        if called.is_retry or isinstance(is_task, Fault):
            return None  # goes on with a job; or the reason why it cannot be a task
        try:
            payload = self._app.answer_nowait(call, is_task=is_task)
        except AimuxError as error:
            payload = self._app.failure(error, call.name, call.arguments)
        except Exception:
            log.exception("call of %s failed", call.name)
            payload = self._bug(call)
            if self._strict:
                raise
        return None if payload is None else Result(tool_result(payload))

    async def answer(self, client: Client, called: Called) -> Answer:
        """The answer of a call that waits. Cancelling it ends the work the call began."""
        try:
            match called.method:
                case "tools/call":
                    return await self._call_tool(client, called)
                case "prompts/list":
                    placed = await self._in_project(client, called)
                    shown = {"prompts": await self._app.prompts(placed)}
                    return Result(shown, PROMPTS_TTL_MS, "private")
                case "prompts/get":
                    return await self._get_prompt(client, called)
                case "resources/list" | "resources/read":
                    return await self._answer_resources(client, called)
                case "completion/complete":
                    return await self._complete(client, called)
                case "resources/subscribe" | "resources/unsubscribe":
                    return Result({})
                case _:
                    return await self._answer_tasks(called)
        except NotFound as error:
            if error.code == "resource_not_found":
                why = str(error.data.get("why", ""))
                return resource_not_found(str(error.data["uri"]), why, error.hint or "")
            return Fault(Code.INVALID_PARAMS, error.message)
        except InvalidArguments as error:
            return Fault(Code.INVALID_PARAMS, error.message, error_json(error))
        except AimuxError as error:
            return Fault(Code.INTERNAL_ERROR, error.message, error_json(error))
        except Exception:  # firewall 2 of 2
            log.exception("%s failed", called.method)
            if self._strict:
                raise
            return Fault(Code.INTERNAL_ERROR, f"internal error in {called.method}; see the log")

    async def _call_tool(self, client: Client, called: Called) -> Answer:
        call = self._tool_call(client, called)
        if isinstance(call, Fault):
            return call
        # a call that is repeated goes on with its job, if there is one: what it may begin was
        # decided before
        has_job = call.state is not None and "job_id" in call.state
        is_task = not has_job and judge_task(called, support_of(call.name))
        if isinstance(is_task, Fault):
            return is_task
        payload: Payload | InputRequired
        try:
            if is_task and (await self._app.ready()).runner.makes_job(call):
                payload = await self._start_task(call)
                # one that did without a job has its answer: auto alone, a step that is blocked
                if isinstance(payload, Payload) and payload.body.get("job_id"):
                    return await self._created(call, called, payload)
            else:
                payload = await self._app.call(call)
        except AimuxError as error:
            payload = self._app.failure(error, call.name, call.arguments)
        except Exception:  # firewall 2 of 2
            log.exception("call of %s failed", call.name)
            payload = self._bug(call)
            if self._strict:
                raise
        if isinstance(payload, InputRequired):
            state = close_state(self._app.seal, client, called, payload.state)
            return InputRequiredResult(payload.requests, state)
        return Result(tool_result(payload))

    async def _start_task(self, call: ToolCall) -> Payload | InputRequired:
        """Begin the job of a task; it may have to be asked where."""
        arguments = dict(call.arguments)
        arguments.pop("wait_seconds", None)
        if takes_async(call.name):
            arguments["async"] = True
        return await self._app.call(attrs.evolve(call, arguments=arguments))

    async def _created(self, call: ToolCall, called: Called, payload: Payload) -> Answer:
        """The job becomes a task: it runs on, the client looks at it with `tasks/get`."""
        tasks = (await self._app.ready()).tasks
        job_id = str(payload.body["job_id"])
        if call.caller.reach is not Reach.NOBODY:
            tasks.expect_answers(job_id)
        view = await tasks.job_view(job_id)
        return Result(render_created(task_of(view), called.revision))

    async def _answer_resources(self, client: Client, called: Called) -> Answer:
        resources = (await self._app.ready()).resources
        if called.method == "resources/list":
            return Result({"resources": await resources.listed()}, LIVE_TTL_MS, "private")
        content = await resources.read(client, str(called.params["uri"]))
        return Result({"contents": [content]}, LIVE_TTL_MS, "private")

    async def _in_project(self, client: Client, called: Called) -> Client:
        """The client where it works, by its roots where it can be asked in the course of the call.

        A list cannot end with a question, so the newest revision's clients are where they began.
        """
        caller = SessionCaller(self._link, called)
        if caller.roots_reach is Reach.BY_REQUEST:
            await self._link.roots.locate(called.call_id)
        return self._link.roots.placed(client)

    async def _get_prompt(self, client: Client, called: Called) -> Answer:
        client = await self._in_project(client, called)
        prompts = await (await self._app.ready()).prompts()
        given = called.params.get("arguments")
        arguments = given if isinstance(given, dict) else {}
        return Result(await prompts.get(client, str(called.params["name"]), arguments))

    async def _complete(self, client: Client, called: Called) -> Answer:
        tools = await self._app.ready()
        match called.params:
            case {"ref": {"type": "ref/resource", "uri": str(template)}, "argument": dict(given)}:
                value = str(given.get("value", ""))
                values = await tools.resources.complete(client, template, value)
                return _completion(values, len(values))
            case {
                "ref": {"type": "ref/prompt", "name": str(name)},
                "argument": {"name": str(argument), "value": str(value)},
            }:
                prompts = await tools.prompts()
                placed = await self._in_project(client, called)
                found = await prompts.complete(placed, name, argument, value)
                return _completion(found.values, found.total)
            case _:
                wanted = (
                    "completion/complete needs ref {type: ref/prompt, name} or {type: "
                    "ref/resource, uri}, and argument {name, value}"
                )
                return Fault(Code.INVALID_PARAMS, wanted)

    async def _answer_tasks(self, called: Called) -> Answer:
        task_id = str(called.params.get("taskId", ""))
        caller = SessionCaller(self._link, called, related(task_id))
        tasks = (await self._app.ready()).tasks
        try:
            view = await tasks.job_view(task_id)
            task = task_of(view, can_ask=caller.reach is not Reach.NOBODY)
            match called.method:
                case "tasks/get":
                    return Result(render_state(task, called.revision))
                case "tasks/result":
                    await tasks.wait_job(task_id, caller)
                    task = task_of(await tasks.job_view(task_id))
                    result = render_result(task, called.revision)
                    return result if isinstance(result, Fault) else Result(result)
                case "tasks/cancel":
                    wanted = judge_cancel(task, called.revision)
                    if isinstance(wanted, Fault):
                        return wanted
                    if wanted:
                        await tasks.cancel_job(task_id, "cancelled by tasks/cancel")
                        task = task_of(await tasks.job_view(task_id))
                    return Result(render_cancelled(task, called.revision))
                case "tasks/update":
                    await tasks.answer_job(task_id, called.input_responses or {})
                    return Result({})
                case _:
                    return Fault(Code.METHOD_NOT_FOUND, f"not served here: {called.method}")
        except NotFound:
            return unknown_task(task_id)

    def _bug(self, call: ToolCall) -> Payload:
        fault = InternalFault(f"internal error in {call.name}; see the log")
        return self._app.failure(fault, call.name, call.arguments)

    def _tool_call(self, client: Client, called: Called) -> ToolCall | Fault:
        name = called.params.get("name")
        arguments = called.params.get("arguments", {})
        if arguments is None:
            arguments = {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return Fault(Code.INVALID_PARAMS, "tools/call needs a name and an object of arguments")
        name, arguments = self._app.meant(name, arguments)
        unknown = self._app.unknown_tool(name)
        if unknown is not None:
            return Fault(Code.INVALID_PARAMS, unknown)
        state = open_state(self._app.seal, client, called)
        if isinstance(state, Fault):
            return state
        return ToolCall(
            name=name,
            arguments=arguments,
            client=_as_called(client, called),
            caller=SessionCaller(self._link, called),
            state=state,
            responses=called.input_responses or {},
        )


def _as_called(client: Client, called: Called) -> Client:
    """The client, with what this call of it says: of its trace, and, without a handshake, its name.

    The engine reads both.
    """
    name, meta = called.client.info.get("name"), called.meta
    if isinstance(name, str) and name != client.name:
        client = attrs.evolve(client, name=name)
    if TRACE_KEYS[0] not in meta:
        return client
    return attrs.evolve(client, trace={key: meta[key] for key in TRACE_KEYS if key in meta})


def _completion(values: Sequence[str], total: int) -> Result:
    shown = {"values": list(values), "total": total, "hasMore": total > len(values)}
    return Result({"completion": shown})
