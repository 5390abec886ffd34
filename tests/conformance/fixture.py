"""The server that the conformance suite talks to, without a transport.

``Fixture.serve`` answers one ``Called``; what it may do meanwhile is ``Steps``, which the mount
implements with its own clock, streams and nursery. ``conclude`` turns the outcome into bytes
through the peer. The names and behaviours are those the suite looks for, in both eras.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

import attrs

from aimux.protocol import (
    Called,
    Code,
    Fault,
    Json,
    Offer,
    Outgoing,
    Peer,
    Seal,
    SealBroken,
    ServerInfo,
    Task,
    TaskStatus,
    TaskSupport,
    accept_input,
    judge_cancel,
    judge_task,
    missing_capability,
    related,
    render_cancelled,
    render_created,
    render_list,
    render_notice,
    render_result,
    render_state,
    resource_not_found,
    unknown_task,
)

from .catalogue import (
    AUDIO,
    DEFAULTS_SCHEMA,
    ENUMS_SCHEMA,
    IMAGE,
    PROMPTS,
    RESOURCES,
    TASK_SUPPORT,
    TEMPLATES,
    TOOLS,
    text,
)

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
PRINCIPAL = "anonymous"  # the fixture knows no credentials
STEP_S = 0.05  # between notifications, as the suite asks


class Steps(Protocol):
    """What a handler can do while its call is open; the mount provides it."""

    async def progress(self, progress: float, total: float) -> None:
        """Send progress, if the call has a token."""

    async def log(self, level: str, data: object) -> None:
        """Send a log message on the call's stream, if the client wants it."""

    async def ask(self, method: str, params: Mapping[str, object]) -> Json | Fault | None:
        """Ask a handshake client and wait; None where it cannot be asked."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; it is tried again after each ``changed`` of any call."""

    async def drop_stream(self) -> None:
        """Close the call's stream early, so that the client has to come back for the answer."""

    def changed(self, method: str, params: Mapping[str, object]) -> None:
        """Offer a notification to every peer (``Peer.notify``)."""

    def spawn(self, work: Callable[["Steps"], Awaitable[None]]) -> None:
        """Run something that outlives the call."""

    def now(self) -> datetime:
        """Return the time, aware."""

    def new_id(self) -> str:
        """Return an id that cannot be guessed."""


@attrs.frozen
class InputRequired:
    """An outcome: the call can be completed once the client has answered."""

    requests: Mapping[str, Mapping[str, object]]
    state: str | None = None


@attrs.frozen
class Cached:
    """An outcome: a result with caching hints."""

    result: Json
    ttl_ms: int
    scope: str


Outcome = Json | Fault | InputRequired | Cached
Tool = Callable[[Called, Json, Steps], Awaitable[Outcome]]


def conclude(peer: Peer, called: Called, outcome: Outcome) -> Outgoing | None:
    """End a call with its outcome and return what to write."""
    match outcome:
        case Fault():
            return peer.fail_with(called.call_id, outcome)
        case InputRequired() if not called.revision.has("input_required"):
            return peer.fail(called.call_id, Code.INVALID_PARAMS, "asks by its result: 2026-07-28")
        case InputRequired():
            return peer.require_input(called.call_id, outcome.requests, outcome.state)
        case Cached():
            return peer.answer(
                called.call_id, outcome.result, ttl_ms=outcome.ttl_ms, cache_scope=outcome.scope
            )
        case _:
            return peer.answer(called.call_id, outcome)


def form(message: str, /, **properties: Mapping[str, object]) -> Json:
    """Return an elicitation request."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    params = {"mode": "form", "message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


NAME = form("What is your name?", name={"type": "string"})
COLOR = form("What colour?", color={"type": "string"})
SAMPLE: Json = {
    "method": "sampling/createMessage",
    "params": {
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "What is the capital of France?"}}
        ],
        "maxTokens": 100,
    },
}
ROOTS: Json = {"method": "roots/list", "params": {}}


def accepted(responses: Mapping[str, object] | None, key: str) -> Json | None:
    """Return what a form answer says; None when it is missing, malformed or not an accept."""
    answer = (responses or {}).get(key)
    if not isinstance(answer, dict) or answer.get("action") != "accept":
        return None
    content = answer.get("content")
    return content if isinstance(content, dict) else None


def answered(responses: Mapping[str, object] | None, *keys: str) -> bool:
    """Tell whether every key has an answer of the right type."""
    return all(isinstance((responses or {}).get(key), dict) for key in keys)


class Fixture:
    """Tools, resources, prompts and tasks of the suite; one for all peers."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)
        self.tasks: dict[str, Task] = {}
        self._on_input: dict[str, Callable[[Mapping[str, object]], Json]] = {}
        self._answers: dict[str, dict[str, object]] = {}

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
                return Cached({"prompts": PROMPTS}, 300_000, "public")
            case "prompts/get":
                return self._prompt(called)
            case "resources/list":
                return Cached({"resources": RESOURCES}, 0, "private")
            case "resources/templates/list":
                return Cached({"resourceTemplates": TEMPLATES}, 300_000, "public")
            case "resources/read":
                return _read(str(params["uri"]))
            case "resources/subscribe" | "resources/unsubscribe":
                return {}
            case "completion/complete":
                return {"completion": {"values": ["paris", "park"], "total": 2, "hasMore": False}}
            case _:
                return await self._task(called, steps)

    # tools

    async def _call(self, called: Called, steps: Steps) -> Outcome:
        name = str(called.params["name"])
        arguments = called.params.get("arguments") or {}
        assert isinstance(arguments, dict)
        tool: Tool | None = self._tools().get(name)
        if tool is None:
            return Fault(Code.INVALID_PARAMS, f"unknown tool: {name}")
        return await tool(called, arguments, steps)

    def _tools(self) -> Mapping[str, Tool]:
        return {
            "test_simple_text": _plain(text("This is a simple text response for testing.")),
            "test_x_mcp_header": _plain(text("header seen")),
            "test_image_content": _plain(IMAGE),
            "test_audio_content": _plain(AUDIO),
            "test_embedded_resource": _plain(_EMBEDDED),
            "test_multiple_content_types": _plain(
                text("Multiple content types test:"), IMAGE, _MIXED
            ),
            "json_schema_2020_12_tool": _plain(text("schema seen")),
            "test_error_handling": _failing,
            "test_tool_with_logging": _logging,
            "test_logging_tool": _logging,
            "test_tool_with_progress": _progressing,
            "test_sampling": _sampling,
            "test_elicitation": _eliciting,
            "test_elicitation_sep1034_defaults": _form_tool(DEFAULTS_SCHEMA),
            "test_elicitation_sep1330_enums": _form_tool(ENUMS_SCHEMA),
            "test_reconnection": _reconnecting,
            "test_missing_capability": _needing_sampling,
            "test_streaming_elicitation": _needing_elicitation,
            "test_trigger_tool_change": _changing("notifications/tools/list_changed"),
            "test_trigger_prompt_change": _changing("notifications/prompts/list_changed"),
            "test_input_required_result_elicitation": self._ask_name,
            "test_input_required_result_sampling": _asking_once("answer", SAMPLE),
            "test_input_required_result_list_roots": _asking_once("roots", ROOTS),
            "test_input_required_result_request_state": self._with_state({"confirm": NAME}),
            "test_input_required_result_tampered_state": self._with_state({"confirm": NAME}),
            "test_input_required_result_multiple_inputs": self._with_state(
                {"user_name": NAME, "greeting": SAMPLE, "client_roots": ROOTS}
            ),
            "test_input_required_result_multi_round": self._multi_round,
            "test_input_required_result_capabilities": _asking_what_is_declared,
            "greet": _greet,
            "slow_compute": self._slow_compute,
            "failing_job": self._failing_job,
            "protocol_error_job": self._protocol_error_job,
            "confirm_delete": self._input_task({"confirm": form("Delete?", confirm=_YES_NO)}),
            "multi_input": self._input_task({"first": NAME, "second": COLOR}),
            "test_tool_with_task": self._ask_then_task,
        }

    async def _ask_name(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        content = accepted(called.input_responses, "user_name")
        if content is None:
            return InputRequired({"user_name": NAME})
        return result(text(f"Hello, {content.get('name')}!"))

    def _opened(self, called: Called, steps: Steps) -> Json | Fault | None:
        """Return the state that came along, if any."""
        state = called.request_state
        if state is None:
            return None
        try:
            return self._seal.open(
                state,
                principal=PRINCIPAL,
                method=called.method,
                params=called.params,
                now=steps.now(),
            )
        except SealBroken as broken:
            return Fault(Code.INVALID_PARAMS, str(broken))

    def _sealed(self, called: Called, steps: Steps, payload: Json) -> str:
        return self._seal.close(
            payload,
            principal=PRINCIPAL,
            method=called.method,
            params=called.params,
            now=steps.now(),
        )

    def _with_state(self, requests: Mapping[str, Json]) -> Tool:
        async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
            opened = self._opened(called, steps)
            if isinstance(opened, Fault):
                return opened
            if opened is None or not answered(called.input_responses, *requests):
                return InputRequired(requests, self._sealed(called, steps, {"step": 1}))
            return result(text("state-ok"))

        return run

    async def _multi_round(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        opened = self._opened(called, steps)
        if isinstance(opened, Fault):
            return opened
        if opened is None:
            return InputRequired({"step1": NAME}, self._sealed(called, steps, {"step": 1}))
        if opened["step"] == 1:
            content = accepted(called.input_responses, "step1")
            if content is None:
                return InputRequired({"step1": NAME}, self._sealed(called, steps, {"step": 1}))
            state = self._sealed(called, steps, {"step": 2, "name": content.get("name")})
            return InputRequired({"step2": COLOR}, state)
        content = accepted(called.input_responses, "step2")
        if content is None:
            return InputRequired({"step2": COLOR}, self._sealed(called, steps, opened))
        return result(text(f"{opened['name']} likes {content.get('color')}"))

    # tasks

    def _create(self, called: Called, steps: Steps, status: TaskStatus) -> Task:
        now = steps.now()
        task = Task(
            task_id=steps.new_id(),
            status=status,
            created_at=now,
            updated_at=now,
            ttl_ms=300_000,
            poll_ms=100,
        )
        self.tasks[task.task_id] = task
        return task

    def _settle(self, task: Task, steps: Steps) -> None:
        """Move a task on, unless it is over."""
        if self.tasks[task.task_id].is_terminal:
            return
        task = attrs.evolve(task, updated_at=steps.now())
        self.tasks[task.task_id] = task
        for is_modern in (True, False):
            steps.changed(*render_notice(task, is_modern=is_modern))

    async def _slow_compute(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        seconds = float(str(arguments.get("seconds", 0)))
        done = result(text(f"{arguments.get('label', 'work')} took {seconds:g} s"))
        return await self._maybe_task(called, steps, seconds, result=done)

    async def _failing_job(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        failed: Json = {**result(text("the job failed")), "isError": True}
        return await self._maybe_task(called, steps, 1.0, result=failed)

    async def _protocol_error_job(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        error = Fault(Code.INTERNAL_ERROR, "the job broke the protocol")
        return await self._maybe_task(called, steps, 0.2, error=error)

    async def _maybe_task(
        self,
        called: Called,
        steps: Steps,
        seconds: float,
        *,
        result: Json | None = None,
        error: Fault | None = None,
    ) -> Outcome:
        """Run as a task where that is wanted, else right here."""
        is_task = judge_task(called, TASK_SUPPORT[str(called.params["name"])])
        if isinstance(is_task, Fault):
            return is_task
        if not is_task:
            await steps.sleep(seconds)
            return error if error is not None else result or {}
        task = self._create(called, steps, TaskStatus.WORKING)

        async def work(steps: Steps) -> None:
            await steps.sleep(seconds)
            status = TaskStatus.FAILED if error is not None else TaskStatus.COMPLETED
            done = attrs.evolve(task, status=status, result=result, error=error)
            self._settle(done, steps)

        steps.spawn(work)
        return render_created(task, called.revision)

    def _input_task(self, requests: Mapping[str, Json]) -> Tool:
        async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
            is_task = judge_task(called, TaskSupport.REQUIRED)
            if isinstance(is_task, Fault):
                return is_task
            task = self._create(called, steps, TaskStatus.WORKING)

            def finish(answers: Mapping[str, object]) -> Json:
                return result(text(f"answered: {', '.join(sorted(answers))}"))

            self._on_input[task.task_id] = finish
            self._answers[task.task_id] = {}

            async def work(steps: Steps) -> None:
                asking = attrs.evolve(
                    task, status=TaskStatus.INPUT_REQUIRED, input_requests=requests
                )
                self._settle(asking, steps)
                if called.revision.is_modern:
                    return
                for key, request in requests.items():  # 2025-11-25 asks by requests of its own
                    params = request["params"]
                    assert isinstance(params, dict)
                    tied = {**params, "_meta": related(task.task_id)}
                    said = await steps.ask(str(request["method"]), tied)
                    self._update(task.task_id, {key: said}, steps)

            steps.spawn(work)
            return render_created(task, called.revision)

        return run

    def _update(self, task_id: str, responses: Mapping[str, object], steps: Steps) -> None:
        task, fresh = accept_input(self.tasks[task_id], responses)
        if not fresh:
            return
        answers = self._answers[task_id]
        answers.update(fresh)
        self._settle(task, steps)
        if not task.input_requests:
            done = self._on_input[task_id](answers)
            self._settle(attrs.evolve(task, status=TaskStatus.COMPLETED, result=done), steps)

    async def _ask_then_task(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        is_task = judge_task(called, TaskSupport.REQUIRED)
        if isinstance(is_task, Fault):
            return is_task
        if not called.revision.is_modern:
            return await self._maybe_task(called, steps, 0.1, result=result(text("Hello!")))
        content = accepted(called.input_responses, "user_name")
        if content is None:
            return InputRequired({"user_name": NAME})
        done = result(text(f"Hello, {content.get('name')}!"))
        return await self._maybe_task(called, steps, 0.1, result=done)

    async def _task(self, called: Called, steps: Steps) -> Outcome:
        revision = called.revision
        if called.method == "tasks/list":
            return render_list(list(self.tasks.values()), revision)
        task_id = str(called.params["taskId"])
        if task_id not in self.tasks:
            return unknown_task(task_id)
        match called.method:
            case "tasks/get":
                return render_state(self.tasks[task_id], revision)
            case "tasks/result":
                await steps.wait_until(lambda: self.tasks[task_id].is_terminal)
                return render_result(self.tasks[task_id], revision)
            case "tasks/update":
                responses = called.params["inputResponses"]
                assert isinstance(responses, dict)
                self._update(task_id, responses, steps)
                return {}
            case "tasks/cancel":
                is_running = judge_cancel(self.tasks[task_id], revision)
                if isinstance(is_running, Fault):
                    return is_running
                cancelled = attrs.evolve(
                    self.tasks[task_id], status=TaskStatus.CANCELLED, input_requests={}
                )
                self._settle(cancelled, steps)
                return render_cancelled(self.tasks[task_id], revision)
            case _:
                return Fault(Code.METHOD_NOT_FOUND, f"not served here: {called.method}")

    # prompts

    def _prompt(self, called: Called) -> Outcome:
        given = called.params.get("arguments") or {}
        assert isinstance(given, dict)
        match called.params["name"]:
            case "test_simple_prompt":
                return messages(text("This is a simple prompt for testing."))
            case "test_prompt_with_arguments":
                missing = [key for key in ("arg1", "arg2") if key not in given]
                if missing:
                    return Fault(Code.INVALID_PARAMS, f"missing argument: {', '.join(missing)}")
                said = f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"
                return messages(text(said))
            case "test_prompt_with_embedded_resource":
                uri = given.get("resourceUri")
                contents = {"uri": uri, "mimeType": "text/plain", "text": "Embedded for testing."}
                embedded = {"type": "resource", "resource": contents}
                return messages(embedded, text("Please process the embedded resource above."))
            case "test_prompt_with_image":
                return messages(IMAGE, text("Please analyze the image above."))
            case "test_input_required_result_prompt":
                content = accepted(called.input_responses, "user_context")
                if content is None:
                    return InputRequired(
                        {"user_context": form("Context?", context={"type": "string"})}
                    )
                return messages(text(f"Context: {content.get('context')}"))
            case name:
                return Fault(Code.INVALID_PARAMS, f"unknown prompt: {name}")


def result(*content: Mapping[str, object]) -> Json:
    """Return a tool result."""
    return {"content": list(content)}


def messages(*content: Mapping[str, object]) -> Json:
    """Return a prompt of user messages."""
    return {"messages": [{"role": "user", "content": block} for block in content]}


_YES_NO = {"type": "boolean"}
_EMBEDDED = {
    "type": "resource",
    "resource": {
        "uri": "test://embedded-resource",
        "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    },
}
_MIXED = {
    "type": "resource",
    "resource": {
        "uri": "test://mixed-content-resource",
        "mimeType": "application/json",
        "text": '{"test":"data","value":123}',
    },
}


def _read(uri: str) -> Outcome:
    contents: Json
    match uri:
        case "test://static-text" | "test://watched-resource":
            said = "This is the content of the static text resource."
            contents = {"uri": uri, "mimeType": "text/plain", "text": said}
        case "test://static-binary":
            contents = {"uri": uri, "mimeType": "image/png", "blob": IMAGE["data"]}
        case _ if uri.startswith("test://template/") and uri.endswith("/data"):
            name = uri.removeprefix("test://template/").removesuffix("/data")
            said = f'{{"id":"{name}","templateTest":true,"data":"Data for ID: {name}"}}'
            contents = {"uri": uri, "mimeType": "application/json", "text": said}
        case _:
            return resource_not_found(uri)
    return Cached({"contents": [contents]}, 0, "private")


def _plain(*content: Mapping[str, object]) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        return result(*content)

    return run


def _changing(method: str) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        steps.changed(method, {})
        return result(text("changed"))

    return run


def _form_tool(schema: Json) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        return await _elicit(steps, "Please fill in the form", schema)

    return run


def _asking_once(key: str, request: Json) -> Tool:
    async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
        responses = called.input_responses or {}
        if not any(isinstance(answer, dict) for answer in responses.values()):
            return InputRequired({key: request})
        return result(text("thank you"))

    return run


async def _failing(called: Called, arguments: Json, steps: Steps) -> Outcome:
    said = text("This tool intentionally returns an error for testing")
    return {**result(said), "isError": True}


async def _logging(called: Called, arguments: Json, steps: Steps) -> Outcome:
    for step in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await steps.log("info", step)
        await steps.sleep(STEP_S)
    return result(text("logged"))


async def _progressing(called: Called, arguments: Json, steps: Steps) -> Outcome:
    for done in (0, 50, 100):
        await steps.progress(done, 100)
        await steps.sleep(STEP_S)
    return result(text("progressed"))


async def _sampling(called: Called, arguments: Json, steps: Steps) -> Outcome:
    content = text(str(arguments.get("prompt", "")))
    params = {"messages": [{"role": "user", "content": content}], "maxTokens": 100}
    said = await steps.ask("sampling/createMessage", params)
    if not isinstance(said, dict):
        return {**result(text("the client cannot sample")), "isError": True}
    block = said.get("content")
    answer = block.get("text") if isinstance(block, dict) else block
    return result(text(f"LLM response: {answer}"))


async def _eliciting(called: Called, arguments: Json, steps: Steps) -> Outcome:
    schema: Json = {
        "type": "object",
        "properties": {"username": {"type": "string"}, "email": {"type": "string"}},
        "required": ["username", "email"],
    }
    return await _elicit(steps, str(arguments.get("message", "")), schema)


async def _elicit(steps: Steps, message: str, schema: Json) -> Outcome:
    said = await steps.ask("elicitation/create", {"message": message, "requestedSchema": schema})
    if not isinstance(said, dict):
        return {**result(text("the client cannot be asked")), "isError": True}
    return result(text(f"User response: {said.get('action')}: {said.get('content')}"))


async def _reconnecting(called: Called, arguments: Json, steps: Steps) -> Outcome:
    await steps.drop_stream()
    await steps.sleep(STEP_S)
    return result(text("Reconnection test completed successfully"))


async def _needing_sampling(called: Called, arguments: Json, steps: Steps) -> Outcome:
    lacking = called.client.lacking("sampling/createMessage")
    return result(text("sampling is declared")) if lacking is None else missing_capability(lacking)


async def _needing_elicitation(called: Called, arguments: Json, steps: Steps) -> Outcome:
    lacking = called.client.lacking("elicitation/create")
    return result(text("asked nothing")) if lacking is None else missing_capability(lacking)


async def _asking_what_is_declared(called: Called, arguments: Json, steps: Steps) -> Outcome:
    candidates = {"who": NAME, "sample": SAMPLE, "roots": ROOTS}
    asked = {
        key: request
        for key, request in candidates.items()
        if called.client.accepts(str(request["method"]))
    }
    if not asked or answered(called.input_responses, *asked):
        return result(text("nothing left to ask"))
    return InputRequired(asked)


async def _greet(called: Called, arguments: Json, steps: Steps) -> Outcome:
    return result(text(f"Hello, {arguments.get('name', 'World')}!"))
