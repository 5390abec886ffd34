"""What all sessions share: the list of tools at once, the engine and the tools on demand.

This module is on the path to the first answer: nothing below the protocol is imported before a call
needs it. Hosts start a server twice to probe it, and a probe must be cheap, take no lock and
recover nothing.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import trio

from aimux import __version__
from aimux.errors import AimuxError, InvalidArguments
from aimux.files.shipped import import_part
from aimux.files.skills import has_skills
from aimux.protocol import Offer, Seal, ServerInfo
from aimux.waiting import Broadcast

from ._calls import Client, InputRequired, Payload, ToolCall, error_json
from ._changes import CONFIGURATION, PROMPTS as PROMPTS_SOURCE, FileSource, compare_prompts
from .catalog import ABOUT, PROMPTS, TOOLS, listed, meant, templates

if TYPE_CHECKING:  # the engine costs as much to import as Trio: not before it is needed
    from aimux.engine import Engine

    from ._open_tools import OpenTools

MakeEngine = Callable[[], "AbstractAsyncContextManager[Engine]"]

SEAL_BYTES: Final = 32
_BY_NEED: Final = "\n".join(f"- {tool}: {about.when}" for tool, about in ABOUT.items())
INSTRUCTIONS: Final = f"""\
aimux runs prompts on the AI coding CLIs installed on this machine, alone or several together. Which
tool when:
{_BY_NEED}
What takes long is handed over as status=running with a job_id; status(job_id, wait_seconds=45)
waits without polling. Every answer carries guidance.next: calls that can be sent as they stand, the
first of which leads on, and guidance.do_not. Nothing writes unless a role or mode=write lets it.
Do not name a cli where a role says enough, nor take consensus where one CLI is installed:
sessions(action=health) tells who is ready."""


class App:
    """One per process; every session works on it. Made by `open_app`."""

    server_info: Final = ServerInfo(name="aimux", version=__version__, title="aimux")
    offer: Final = Offer(
        tools=True,
        prompts=True,
        resources=True,
        completions=True,
        logging=True,
        tasks=True,
        list_changed=True,
        subscribe=True,
    )

    def __init__(self, make_engine: MakeEngine, nursery: trio.Nursery) -> None:
        self._make_engine = make_engine
        self._nursery = nursery
        self._opening = trio.Lock()
        self._open: OpenTools | None = None
        self._listed = listed()
        self._clients: Counter[str] = Counter()
        self._on_open: list[Callable[[], None]] = []
        self._moved = Broadcast()
        prompts = FileSource(name=PROMPTS_SOURCE, read=self.prompts, compare=compare_prompts)
        self._sources = {PROMPTS_SOURCE: prompts}
        # of this process alone: a state is about a job, and that would not outlive it either
        self.seal = Seal(os.urandom(SEAL_BYTES))

    def __repr__(self) -> str:
        return f"<App: {self._clients.total()} clients, {self._open!r}>"

    def instructions(self, client: Client) -> str:
        """What a model should know of this server, in a few lines."""
        del client
        return INSTRUCTIONS

    @contextmanager
    def attached(self, client: Client) -> Iterator[None]:
        """Count a client while it is connected."""
        self._count(client.transport, 1)
        try:
            yield
        finally:
            self._count(client.transport, -1)

    def _count(self, transport: str, step: int) -> None:
        self._clients[transport] += step
        self._moved.notify()

    async def wait_moved(self) -> None:
        """Return when the next client has come or gone.

        Cancelling it only ends the waiting.
        """
        await self._moved.wait()

    def clients(self) -> dict[str, int]:
        """Connected clients per transport."""
        return {transport: count for transport, count in self._clients.items() if count}

    # ------------------------------------------------------------------ files

    @property
    def source_names(self) -> frozenset[str]:
        """What files decide, by name; looking at any but the prompts may open the engine."""
        return frozenset({CONFIGURATION, *self._sources})

    def register(self, source: FileSource) -> None:
        """Have one more of what files decide; the name is its own."""
        assert source.name not in self.source_names
        self._sources[source.name] = source

    async def source(self, name: str) -> FileSource:
        """One of them. Cancelled while the engine opens, it stops the opening.

        Raises:
            SetupFault: it needs the engine, which cannot be opened now.
        """
        if name != CONFIGURATION:
            await trio.lowlevel.checkpoint()
            return self._sources[name]
        return (await self.ready()).configuration

    # ------------------------------------------------------------------ tools

    def tools(self) -> list[dict[str, object]]:
        """The list for `tools/list`, in the newest revision's shape."""
        return self._listed

    async def prompts(self, client: Client) -> list[dict[str, object]]:
        """The list for `prompts/list`, in the newest revision's shape.

        Cancelling it leaves nothing. Where neither the user nor the project has a skill it opens no
        engine: hosts ask for it when they start.
        """
        if await trio.to_thread.run_sync(has_skills, client.env, str(client.cwd)):
            prompts = await (await self.ready()).prompts()
            return await prompts.listed(client)
        return PROMPTS

    def resource_templates(self) -> list[dict[str, object]]:
        """The list for `resources/templates/list`."""
        return templates()

    def meant(self, name: str, arguments: dict[str, object]) -> tuple[str, dict[str, object]]:
        """A call under the name that is listed, where its own is another for it."""
        return meant(name, arguments)

    def unknown_tool(self, name: str) -> str | None:
        """What to say of a tool name that is not ours; None for one that is."""
        return None if name in TOOLS else f"unknown tool: {name}; tools: {', '.join(TOOLS)}"

    def answer_nowait(self, call: ToolCall, *, is_task: bool = False) -> Payload | None:
        """The answer of a call that needs no waiting, nor becomes a task if that is wanted.

        Raises:
            InvalidArguments: they do not fit the schema.
        """
        if self._open is None:
            return None
        return self._open.runner.answer_nowait(call, is_task=is_task)

    async def call(self, call: ToolCall) -> Payload | InputRequired:
        """Run a tool. Cancelling it ends what the tool began for this call.

        Raises:
            AimuxError: the call cannot be served; `failure` makes an answer of it.
        """
        tools = await self.ready()
        return await tools.runner.call(call)

    def failure(self, error: AimuxError, tool: str, arguments: Mapping[str, object]) -> Payload:
        """The answer of a call of `tool` that failed before or beside a job."""
        from aimux.guidance import guide_refusal  # not on the way to the first answer

        shown = error_json(error)
        meant = error.meant if isinstance(error, InvalidArguments) else None
        body: dict[str, object] = {
            "status": "failed",
            "content": "",
            "error": shown,
            "guidance": guide_refusal(shown, tool, arguments, meant),
        }
        if error.warnings:
            body["warnings"] = [dict(each) for each in error.warnings]
        return Payload(body, is_error=True)

    def metrics(self) -> str | None:
        """All figures as text for a scraper; None before the engine is open: looking opens none."""
        if self._open is None:
            return None
        from ._metrics import metrics_text  # where one is scraped

        return metrics_text(self._open.context.engine, self.clients())

    # ------------------------------------------------------------------ the engine

    @property
    def engine(self) -> "Engine | None":
        """The engine if it is open; looking does not open it."""
        return None if self._open is None else self._open.context.engine

    async def ready(self) -> "OpenTools":
        """The tools on an open engine; opens it if this is the first call.

        Cancelled while the engine opens, it stops the opening; the next call tries again.

        Raises:
            SetupFault: it cannot be opened now (the store is locked, the directory is not
                writable, a part of the installation is gone); the next call tries again.
        """
        if self._open is None:
            async with self._opening:
                if self._open is None:
                    self._open = await self._nursery.start(self._serve_engine)
        return self._open

    def on_open(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the engine is open; at once if it is."""
        if self._open is None:
            self._on_open.append(tell)
        else:
            tell()

    def off_open(self, tell: Callable[[], None]) -> None:
        """Do not call `tell` any more: whoever wanted it is gone."""
        if tell in self._on_open:
            self._on_open.remove(tell)

    async def _serve_engine(
        self, *, task_status: "trio.TaskStatus[OpenTools]" = trio.TASK_STATUS_IGNORED
    ) -> None:
        # in a thread: other clients are served while the modules are read
        module = await trio.to_thread.run_sync(import_part, "aimux.tools._open_tools")
        async with self._make_engine() as engine:
            tools = module.OpenTools(engine, self.clients)
            self._open = tools  # before anybody is told: who asked for it runs later
            task_status.started(tools)
            waiting, self._on_open = self._on_open, []
            for tell in waiting:
                tell()
            await tools.runner.serve_reloads()


@asynccontextmanager
async def open_app(make_engine: MakeEngine) -> AsyncIterator[App]:
    """An app whose engine opens on demand.

    Leaving it, cancelled or not, ends every job and closes the engine.
    """
    async with trio.open_nursery() as nursery:
        try:
            yield App(make_engine, nursery)
        finally:
            nursery.cancel_scope.cancel(reason="app closes")
