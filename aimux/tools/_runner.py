"""The road from a call to its tool, once the engine is open."""

import importlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Final

import attrs
import trio

from aimux.engine import Engine, line_for
from aimux.errors import InvalidArguments, Refusal
from aimux.model import TERMINAL, Job, ServerSettings
from aimux.rules import Bucket, compile_schema, problems, take

from . import _resources
from ._asking import put_questions, requests_of, take_responses
from ._calls import Caller, Client, InputRequired, JobView, Payload, Reach, ToolCall
from ._catalog import TOOLS, Tool
from ._results import View, is_bad, job_json, with_warning

RATE_LIMITED: Final = frozenset({"exec"})
KEPT_PAYLOADS: Final = 64
KEPT_PAYLOAD_CHARS: Final = 100_000  # of content; a longer answer is made again
KEPT_BUCKETS: Final = 1_000  # clients whose rate is known; one that is forgotten starts anew


class ToolRunner:
    """The tools at work: checks arguments, keeps rates, calls the tool's module."""

    def __init__(self, engine: Engine, clients: Callable[[], Mapping[str, int]]) -> None:
        self.engine = engine
        self.clients = clients
        self._fits = {name: compile_schema(tool.input_schema) for name, tool in TOOLS.items()}
        self._modules: dict[str, ModuleType] = {}
        self._kept: OrderedDict[tuple[object, ...], Payload] = OrderedDict()
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._stale = trio.Event()  # a quick answer went by settings that may be old

    def __repr__(self) -> str:
        return f"<ToolRunner: {self.engine!r}>"

    @property
    def settings(self) -> ServerSettings:
        """The daemon's own settings."""
        return self.engine.settings.server

    def answer_nowait(self, call: ToolCall) -> Payload | None:
        """The answer of a call that needs no waiting, else None.

        Raises:
            InvalidArguments: they do not fit the schema.
        """
        tool = TOOLS[call.name]
        answer_now = getattr(self._module(tool), "answer_nowait", None)
        if answer_now is None:
            return None
        if self.engine.is_reload_due():  # after the answer: a look takes ten times as long
            self._stale.set()
        payload: Payload | None = answer_now(self, self._checked(tool, call))
        return payload

    async def serve_reloads(self) -> None:
        """Look at our own files behind quick answers, until cancelled."""
        while True:
            await self._stale.wait()
            self._stale = trio.Event()
            await self.engine.reload()

    async def call(self, call: ToolCall) -> Payload | InputRequired:
        """Run a tool. Cancelling it ends what the tool began for this call.

        Raises:
            AimuxError: the call cannot be served.
        """
        tool = TOOLS[call.name]
        checked = self._checked(tool, call)
        await self.engine.reload()
        if tool.name in RATE_LIMITED and call.state is None:  # a repeated call starts nothing
            self._take_token(call)
        payload: Payload | InputRequired = await self._module(tool).answer(self, checked)
        if checked is call or isinstance(payload, InputRequired):
            return payload
        return _with_alias_warnings(tool, call, payload)

    # ------------------------------------------------------------------ resources and tasks

    async def list_resources(self) -> list[dict[str, object]]:
        """What `resources/list` shows."""
        return await _resources.listed(self)

    async def read_resource(self, client: Client, uri: str) -> dict[str, object]:
        """One resource's content block. Raises NotFound: there is none."""
        await self.engine.reload()
        text = await _resources.read(self, client, uri)
        return {"uri": uri, "mimeType": text.mime_type, "text": text.text}

    async def complete(self, client: Client, template: str, value: str) -> Sequence[str]:
        """Values that complete a template's variable."""
        return await _resources.complete(self, client, template, value)

    async def wait_change(self) -> bool:
        """True once a job has begun or ended."""
        await self.engine.supervisor.wait_change()
        return True

    async def wait_resource(self, uri: str) -> bool:
        """True once a resource may have changed; False if it never will again.

        Raises:
            NotFound: no such resource.
        """
        kind, _, rest = uri.removeprefix(_resources.SCHEME).partition("/")
        if kind != "jobs":
            await self.engine.supervisor.wait_change()
            return True
        job_id = rest.partition("/")[0]
        # no checkpoint before the wait where it can be helped: a change meanwhile would be lost
        job, handle = self.engine.job_nowait(job_id) or await self.engine.job(job_id)
        if handle is None:
            return False
        if job.status not in TERMINAL:
            await handle.log.wait_change()
        if handle.job.status not in TERMINAL:
            return True
        await handle.done.wait()  # an end is told when it is stored
        return False

    async def job_view(self, job_id: str) -> JobView:
        """A job as a task. Raises NotFound: no such job."""
        await self.engine.reload()
        job, handle = await self.engine.job(job_id)
        joblog = handle.log if handle is not None else None
        body = job_json("exec", job, joblog, View(max_chars=self.settings.max_chars))
        lines = [line_for(entry) for entry in joblog.since(0)] if joblog is not None else []
        said = [line for line in lines if line]
        return JobView(
            job_id=job.id,
            status=str(job.status),
            created_at=job.created_at,
            updated_at=job.finished_at or job.started_at or job.created_at,
            ttl_ms=round(self.settings.session_ttl_hours * 3_600_000),
            line=said[-1] if said else "",
            payload=Payload(body, is_bad(body), self.links(job)),
            requests=requests_of(handle.questions.current) if handle is not None else {},
        )

    async def wait_job(self, job_id: str, caller: Caller) -> None:
        """Return once a job has ended, putting its questions to the caller meanwhile.

        Raises:
            NotFound: no such job.
        """
        _, handle = await self.engine.job(job_id)
        if handle is None:
            return
        async with trio.open_nursery() as waiting:
            if caller.reach is Reach.BY_REQUEST:
                waiting.start_soon(put_questions, handle, caller)
            await handle.done.wait()
            waiting.cancel_scope.cancel(reason="the job ended")

    def expect_answers(self, job_id: str) -> None:
        """Somebody will look at this job for questions to answer, again and again."""
        handle = self.engine.supervisor.find(job_id)
        if handle is not None:
            handle.questions.expect()

    async def answer_job(self, job_id: str, responses: Mapping[str, object]) -> None:
        """Settle what a job asks with what is there for it; anything else is passed over.

        Raises:
            NotFound: no such job.
        """
        _, handle = await self.engine.job(job_id)
        if handle is not None:
            take_responses(handle.questions, responses)

    async def cancel_job(self, job_id: str, cause: str) -> None:
        """End a job and wait for its end. Raises NotFound: no such job."""
        _, handle = await self.engine.job(job_id)
        if handle is not None and handle.cancel(cause):
            await handle.done.wait()

    def kept(self, key: tuple[object, ...], make: Callable[[], Payload]) -> Payload:
        """What `make` gives, remembered: for answers that cannot change any more under `key`."""
        payload = self._kept.get(key)
        if payload is None:
            payload = make()
            if len(str(payload.body.get("content", ""))) <= KEPT_PAYLOAD_CHARS:
                self._kept[key] = payload
            if len(self._kept) > KEPT_PAYLOADS:
                self._kept.popitem(last=False)
        return payload

    def links(self, job: Job) -> list[dict[str, object]]:
        """Content blocks that lead to the rest of a long answer."""
        if job.outcome is None or len(job.outcome.content) <= self.settings.max_chars:
            return []
        return [
            {
                "type": "resource_link",
                "uri": f"{_resources.SCHEME}jobs/{job.id}/output",
                "name": f"{job.id} output",
                "description": f"the whole answer, {len(job.outcome.content)} characters",
                "mimeType": "text/plain",
            }
        ]

    def _module(self, tool: Tool) -> ModuleType:
        module = self._modules.get(tool.name)
        if module is None:
            module = self._modules[tool.name] = importlib.import_module(tool.module)
        return module

    def _checked(self, tool: Tool, call: ToolCall) -> ToolCall:
        """The call under our own names; the same object if it uses them already.

        Raises:
            InvalidArguments: with every fault at once.
        """
        given = call.arguments
        if not tool.aliases.keys().isdisjoint(given):
            given = _unaliased(tool, given)
            call = attrs.evolve(call, arguments=given)
        if self._fits[tool.name](given):
            return call
        found = problems(tool.input_schema, given)
        listed_problems = "; ".join(_told(each) for each in found)
        raise InvalidArguments(f"{tool.name}: {listed_problems}", problems=found)

    def _take_token(self, call: ToolCall) -> None:
        settings = self.settings
        rate, burst = settings.rate_limit_rps, settings.rate_limit_burst
        key = (call.client.key, call.name)
        bucket = self._buckets.get(key)
        if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):  # settings change
            bucket = Bucket(rate=rate, burst=burst)
        self._buckets[key], wait_s = take(bucket, trio.current_time())
        self._buckets.move_to_end(key)
        while len(self._buckets) > KEPT_BUCKETS:
            self._buckets.popitem(last=False)
        if wait_s:
            raise Refusal(
                f"more than {settings.rate_limit_rps:g} {call.name} calls a second",
                code="rate_limited",
                hint=f"try again in {wait_s:.1f} s",
                data={"retry_after_ms": round(wait_s * 1000)},
            )


def _with_alias_warnings(tool: Tool, call: ToolCall, payload: Payload) -> Payload:
    """The answer, telling which other names were used and what ours are."""
    for name in call.arguments:
        if name in tool.aliases:
            told = f"{name} is called {tool.aliases[name]} here"
            payload = with_warning(payload, {"code": "alias", "message": told})
    return payload


def _unaliased(tool: Tool, given: Mapping[str, object]) -> dict[str, object]:
    """Other names users know become ours; ours wins where both are given."""
    named: dict[str, object] = {}
    for name, value in given.items():
        if name == "read_only":
            if isinstance(value, bool):
                named.setdefault("mode", "read" if value else "write")
            else:
                named[name] = value
        else:
            named[tool.aliases.get(name, name)] = value
    ours = {name: value for name, value in given.items() if name not in tool.aliases}
    return named | ours


def _told(problem: Mapping[str, object]) -> str:
    suggestion = problem.get("suggestion")
    meant = f", did you mean {suggestion}?" if suggestion else ""
    return f"{problem['path']}: expected {problem['expected']}{meant}"
