"""What all sessions share: the engine, the catalog, and the road from a call to its tool."""

import importlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import ModuleType
from typing import Final

import trio

from aimux import __version__
from aimux.engine import Client, Engine
from aimux.errors import AimuxError, InvalidArguments, Refusal
from aimux.model import Job, ServerSettings
from aimux.protocol import Offer, ServerInfo
from aimux.rules import Bucket, compile_schema, nearest, problems, take

from ._calls import Payload, ToolCall
from ._catalog import TOOLS, Tool, listed
from ._results import error_json

RATE_LIMITED: Final = frozenset({"exec"})
LINKED_CHARS: Final = 16_384  # a longer content is worth a link to the whole


MakeEngine = Callable[[], AbstractAsyncContextManager[Engine]]


class App:
    """One per process; every session works on it.

    The engine is opened by the first call that needs it: hosts start a server twice to probe it,
    and a probe must take no lock and recover nothing.
    """

    server_info: Final = ServerInfo(name="aimux", version=__version__, title="aimux")
    offer: Final = Offer(tools=True, logging=True)

    def __init__(self, make_engine: MakeEngine, nursery: trio.Nursery) -> None:
        self._make_engine = make_engine
        self._nursery = nursery
        self._opening = trio.Lock()
        self._engine: Engine | None = None
        self._listed = listed()
        self._fits = {name: compile_schema(tool.input_schema) for name, tool in TOOLS.items()}
        self._modules: dict[str, ModuleType] = {}
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._clients: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<App: {self._clients.total()} clients, {self._engine!r}>"

    @property
    def engine(self) -> Engine:
        """The engine; `ready` has opened it for whatever runs as a tool."""
        assert self._engine is not None
        return self._engine

    async def ready(self) -> Engine:
        """The engine, opened if this is the first time.

        Raises:
            SetupFault: it cannot be opened now (the store is locked, the directory is not
                writable); the next call tries again.
        """
        async with self._opening:
            if self._engine is None:
                self._engine = await self._nursery.start(self._serve_engine)
            return self._engine

    async def _serve_engine(
        self, *, task_status: trio.TaskStatus[Engine] = trio.TASK_STATUS_IGNORED
    ) -> None:
        async with self._make_engine() as engine:
            task_status.started(engine)
            await trio.sleep_forever()

    @property
    def settings(self) -> ServerSettings:
        """The daemon's own settings."""
        return self.engine.settings.server

    def instructions(self, client: Client) -> str:
        """What a model should know of this server, in a few lines."""
        del client
        return INSTRUCTIONS

    @contextmanager
    def attached(self, client: Client) -> Iterator[None]:
        """Count a client while it is connected."""
        self._clients[client.transport] += 1
        try:
            yield
        finally:
            self._clients[client.transport] -= 1

    def clients(self) -> dict[str, int]:
        """Connected clients per transport."""
        return {transport: count for transport, count in self._clients.items() if count}

    # ------------------------------------------------------------------ tools

    def tools(self) -> list[dict[str, object]]:
        """The list for `tools/list`, in the newest revision's shape."""
        return self._listed

    def unknown_tool(self, name: str) -> str | None:
        """What to say of a tool name that is not ours; None for one that is."""
        if name in TOOLS:
            return None
        guess = nearest(name, TOOLS)
        meant = f"; did you mean {guess}?" if guess else ""
        return f"unknown tool: {name}; tools: {', '.join(TOOLS)}{meant}"

    def quick(self, call: ToolCall) -> Payload | None:
        """The answer of a call that needs no waiting, else None.

        Raises:
            InvalidArguments: they do not fit the schema.
        """
        tool = TOOLS[call.name]
        arguments = self._checked(tool, call.arguments)
        if self._engine is None:
            return None
        answer_now = getattr(self._module(tool), "quick", None)
        if answer_now is None:
            return None
        payload: Payload | None = answer_now(self, _with(call, arguments))
        return payload

    async def call(self, call: ToolCall) -> Payload:
        """Run a tool. Cancelling it ends what the tool began for this call.

        Raises:
            AimuxError: the call cannot be served; `failure` makes an answer of it.
        """
        tool = TOOLS[call.name]
        arguments = self._checked(tool, call.arguments)
        await self.ready()
        if tool.name in RATE_LIMITED:
            self._take_token(call)
        payload: Payload = await self._module(tool).answer(self, _with(call, arguments))
        return payload

    def failure(self, call: ToolCall, error: AimuxError) -> Payload:
        """The answer of a call that failed before or beside a job."""
        shown = error_json(error)
        body: dict[str, object] = {
            "status": "failed",
            "content": "",
            "error": shown,
            "guidance": {
                "state": "failed",
                "next": [],
                "do_not": [] if error.retryable else ["do not send the same call again unchanged"],
            },
        }
        return Payload(body, is_error=True)

    def links(self, job: Job) -> list[dict[str, object]]:
        """Content blocks that lead to the rest of a long answer."""
        del job
        return []

    def _module(self, tool: Tool) -> ModuleType:
        module = self._modules.get(tool.name)
        if module is None:
            module = self._modules[tool.name] = importlib.import_module(tool.module)
        return module

    def _checked(self, tool: Tool, given: Mapping[str, object]) -> Mapping[str, object]:
        """The arguments under our own names. Raises InvalidArguments with every fault at once."""
        if not tool.aliases.keys().isdisjoint(given):
            given = _unaliased(tool, given)
        if self._fits[tool.name](given):
            return given
        found = problems(tool.input_schema, given)
        listed_problems = "; ".join(_told(each) for each in found)
        raise InvalidArguments(f"{tool.name}: {listed_problems}", problems=found)

    def _take_token(self, call: ToolCall) -> None:
        settings = self.settings
        key = (call.client.key, call.name)
        bucket = self._buckets.get(key) or Bucket(
            rate=settings.rate_limit_rps, burst=settings.rate_limit_burst
        )
        self._buckets[key], wait_s = take(bucket, trio.current_time())
        if wait_s:
            raise Refusal(
                f"more than {settings.rate_limit_rps:g} {call.name} calls a second",
                code="rate_limited",
                hint=f"try again in {wait_s:.1f} s",
                data={"retry_after_ms": round(wait_s * 1000)},
            )


@asynccontextmanager
async def open_app(make_engine: MakeEngine) -> AsyncIterator[App]:
    """An app whose engine opens on demand. Leaving it ends every job and closes the engine."""
    async with trio.open_nursery() as nursery:
        try:
            yield App(make_engine, nursery)
        finally:
            nursery.cancel_scope.cancel(reason="app closes")


def _with(call: ToolCall, arguments: Mapping[str, object]) -> ToolCall:
    if arguments is call.arguments:
        return call
    return ToolCall(name=call.name, arguments=arguments, client=call.client, caller=call.caller)


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


INSTRUCTIONS: Final = """\
aimux runs prompts on the AI coding CLIs installed on this machine.
- exec(prompt, role=…): one prompt on one CLI. Prefer a role over naming a cli. Read-only unless the
  role writes. A long run is handed over as status=running with a job_id.
- status(job_id, wait_seconds=45): wait for a job without polling; offset and tail page through
text. - sessions(action=list|info|cancel|kill|gc|health): what ran, what runs, which CLIs are ready.
Continue a conversation with exec(session_id=…). Every answer carries guidance.next: calls that can
be sent as they stand."""
