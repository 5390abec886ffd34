"""A whole engine without processes, threads or files to read: for the clock of a test.

`open_house` gives the engine, the app on top of it and what can be scripted below: a `FakeDriver`,
a `FakeStore`, profiles and roles made here. Work that goes to a thread is run on the loop instead,
because `autojump_clock` would jump while a thread is at work.
"""

import datetime
import json
import pathlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
import trio

from aimux.config import ClientContext, ConfigPaths, Loader, Snapshot
from aimux.drivers import Driver, ProcessSpec
from aimux.engine import Engine, JobHandle, JobRequest, PreparedJob, TurnLog, open_engine
from aimux.engine._tracer import Exporter, open_otlp
from aimux.model import (
    BreakerSettings,
    ErrorRule,
    FailureClass,
    Fields,
    HookSettings,
    Job,
    JobId,
    JobStatus,
    Mode,
    ModelRule,
    ModeRule,
    OutputFormat,
    OutputRule,
    Problem,
    Profile,
    PromptRule,
    PromptWay,
    Report,
    ResumeRule,
    Role,
    RouteRequest,
    ServerSettings,
    Session,
    SessionId,
    Settings,
    Strength,
    TelemetrySettings,
    Traces,
)
from aimux.strategies import single
from aimux.testing import FakeDriver, FakeStore, Say, Turn
from aimux.tools import App, Client, Payload, Reach, ToolCall, open_app

LONGEST_S = 200_000.0  # of the clock of a test: one that waits for what never comes fails
BIRTH = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
PATTERNS: Mapping[FailureClass, Sequence[str]] = {
    FailureClass.QUOTA: ["out of quota"],
    FailureClass.MODEL_UNAVAILABLE: ["no such model"],
    FailureClass.AUTH: ["log in first"],
    FailureClass.TRANSIENT: ["server hiccup"],
    FailureClass.USAGE: ["strange flag"],
    FailureClass.FATAL: ["context overflow"],
}


# ------------------------------------------------------------------------------------- what is said


def record(**fields: object) -> bytes:
    """One line of the made-up CLIs' output."""
    return json.dumps(fields).encode() + b"\n"


def answers(text: str = "a fine answer", *, native: str = "", **more: Any) -> Turn:
    """A turn that answers, says that it is over, and leaves."""
    said = {"answer": text, "input": 10, "output": 5, "cost": 0.25}
    if native:
        said["session"] = native
    return Turn(says=[Say(record(**said)), Say(record(type="end"))], **more)


def fails(message: str, *, exit_code: int = 1, said: str = "") -> Turn:
    """A turn that says an error and leaves."""
    before = [Say(record(answer=said))] if said else []
    return Turn(says=[*before, Say(record(type="error", message=message))], exit_code=exit_code)


def make_profile(name: str, **more: Any) -> Profile:
    """A CLI that prints JSON lines, reads its prompt on stdin and has a policy for reading."""
    values: dict[str, Any] = {
        "name": name,
        "binary": name,
        "command": [name, "run"],
        "priority": 10,
        "prompt": PromptRule(ways=(PromptWay.STDIN,)),
        "output": OutputRule(
            format=OutputFormat.JSONL,
            dialect="jsonl",
            fields=Fields(
                answer="answer",
                delta="delta",
                session_id="session",
                end_when={"type": "end"},
                error_when={"type": "error"},
                error="message",
                input_tokens="input",
                output_tokens="output",
                cost_usd="cost",
            ),
        ),
        "modes": {
            Mode.READ: ModeRule(flags=["--read"], strength=Strength.POLICY),
            Mode.WRITE: ModeRule(flags=["--write"]),
            Mode.DANGER: ModeRule(flags=["--danger"]),
        },
        "model": ModelRule(flag="--model"),
        "resume": ResumeRule(flags=["--resume", "{id}"]),
        "errors": ErrorRule(patterns=PATTERNS),
        "timeout_s": 600.0,
    }
    return Profile(**(values | more))


SERVER = ServerSettings(rate_limit_rps=0)  # no limit: tests call fast
NO_HOOKS: Mapping[str, HookSettings] = {}
BREAKER = BreakerSettings()
ALPHA = make_profile("alpha", priority=1, model=ModelRule(flag="--model", fallback=["a2", "a3"]))
BETA = make_profile("beta", priority=2)
GAMMA = make_profile("gamma", priority=3)
ROLES = {
    "default": Role(name="default"),
    "review": Role(name="review", text="You are a reviewer.", summary="reads"),
    "coding": Role(name="coding", mode=Mode.WRITE),
}


class FakeLoader(Loader):
    """Gives the same snapshot to every client; the test may put another one in its place."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def load(self, client: ClientContext) -> Snapshot:
        del client
        return self.snapshot


# -------------------------------------------------------------------------------------- the house


@attrs.define(eq=False)
class Heard:
    """A caller that keeps what a tool says while it works."""

    wants_progress: bool = False
    can_be_asked: bool = True
    answer: str | None = None  # of the person; None declines
    roots_by: Reach = Reach.NOBODY
    told_roots: object = None
    questions: list[str] = attrs.field(factory=list)
    lines: list[str] = attrs.field(factory=list)
    logs: list[tuple[str, object]] = attrs.field(factory=list)

    def progress(self, message: str) -> None:
        self.lines.append(message)

    @property
    def reach(self) -> Reach:
        return Reach.BY_REQUEST if self.can_be_asked else Reach.NOBODY

    @property
    def roots_reach(self) -> Reach:
        return self.roots_by

    async def roots(self) -> object:
        await trio.lowlevel.checkpoint()
        return self.told_roots

    async def ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        await trio.lowlevel.checkpoint()
        assert method == "elicitation/create"
        self.questions.append(str(params["message"]))
        if self.answer is None:
            return {"action": "decline"}
        return {"action": "accept", "content": {"answer": self.answer}}

    def log(self, level: str, data: object) -> None:
        self.logs.append((level, data))


@attrs.define(eq=False)
class House:
    """What a test holds in its hands."""

    app: App
    engine: Engine
    store: FakeStore
    driver: FakeDriver
    loader: FakeLoader
    client: Client
    work: pathlib.Path

    def request(self, prompt: str = "do it", **more: Any) -> JobRequest:
        """A request of the house's client; `route=` and the rest as in `JobRequest`."""
        given = {"tool": "exec", "route": RouteRequest(), "client": self.client} | more
        return JobRequest(prompt=prompt, **given)

    async def run(self, prompt: str = "do it", **more: Any) -> Job:
        """Prepare, start and see a job to its end."""
        handle = await self.start(prompt, **more)
        await handle.done.wait()
        return handle.job

    async def start(self, prompt: str = "do it", **more: Any) -> JobHandle:
        """Prepare and start a job of one turn."""
        return await self.begin(self.request(prompt, **more))

    async def begin(self, wanted: JobRequest | PreparedJob) -> JobHandle:
        """Start a job of one turn."""
        prepared = wanted if isinstance(wanted, PreparedJob) else await self.engine.prepare(wanted)
        request = prepared.request
        return await self.engine.start(prepared, single(request.prompt, schema=request.schema))

    async def call(self, tool: str, caller: Heard | None = None, **arguments: Any) -> Payload:
        """Call a tool as the server does: the quick way first."""
        call = ToolCall(
            name=tool, arguments=arguments, client=self.client, caller=caller or Heard()
        )
        payload = self.app.answer_nowait(call) or await self.app.call(call)
        assert isinstance(payload, Payload)
        return payload

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The body of a call's answer."""
        return dict((await self.call(tool, **arguments)).body)

    async def stored(self, job_id: str) -> Job:
        """The job's row."""
        return await self.store.job(JobId(job_id))

    def configure(self, **server: Any) -> None:
        """Change settings of the client's configuration."""
        before = self.loader.snapshot
        settings = attrs.evolve(
            before.settings, server=attrs.evolve(before.settings.server, **server)
        )
        self.loader.snapshot = attrs.evolve(before, settings=settings)


@contextmanager
def threads_on_the_loop() -> Iterator[None]:
    """Run what would go to a thread right where it is asked for, after a checkpoint."""

    async def inline(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return work(*args)

    real = trio.to_thread.run_sync
    trio.to_thread.run_sync = inline  # type: ignore[assignment]
    try:
        yield
    finally:
        trio.to_thread.run_sync = real


def install(directory: pathlib.Path, names: Iterable[str]) -> str:
    """Put programs of these names into a directory; gives a PATH."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        program = directory / name
        program.write_text("#!/bin/sh\necho 1.2.3\n", encoding="utf-8")
        program.chmod(0o755)
    return str(directory)


def make_snapshot(
    root: pathlib.Path,
    profiles: Sequence[Profile],
    settings: Settings,
    *,
    roles: Mapping[str, Role] = ROLES,
    problems: Sequence[Problem] = (),
) -> Snapshot:
    """A configuration made of values."""
    return Snapshot(
        settings=settings,
        profiles={profile.name: profile for profile in profiles},
        roles=roles,
        overrides={},
        prompts={},
        problems=problems,
        origins={},
        paths=ConfigPaths(
            shipped=root / "shipped",
            prompts=root / "prompts",
            user=root / "user",
            project=root / "project",
        ),
        fingerprint="one",
    )


@asynccontextmanager
async def open_house(
    root: pathlib.Path,
    turns: Iterable[Turn] | Callable[[ProcessSpec], Turn] = (),
    *,
    profiles: Sequence[Profile] = (ALPHA, BETA, GAMMA),
    installed: Sequence[str] | None = None,
    server: ServerSettings = SERVER,
    breaker: BreakerSettings = BREAKER,
    hooks: Mapping[str, HookSettings] = NO_HOOKS,
    roles: Mapping[str, Role] = ROLES,
    problems: Sequence[Problem] = (),
    exporter: Exporter | None = None,
    store: FakeStore | None = None,
    strict: bool = True,
) -> AsyncIterator[House]:
    """An engine on fakes, with the app that serves it. Leaving it ends every job.

    With an `exporter` it makes traces; `store` is one of before.
    """
    names = [each.binary for each in profiles] if installed is None else installed
    work = root / "work"
    work.mkdir(exist_ok=True)
    telemetry = TelemetrySettings(traces=Traces.ON if exporter is not None else Traces.AUTO)
    settings = Settings(server=server, circuit_breaker=breaker, hooks=hooks, telemetry=telemetry)
    loader = FakeLoader(make_snapshot(root, profiles, settings, roles=roles, problems=problems))
    driver, store = FakeDriver(turns), store or FakeStore()
    client = Client(
        key="me",
        name="tester",
        cwd=work,
        env={"PATH": install(root / "bin", names), "HOME": str(root)},
    )

    def choose(*, is_terminal: bool) -> Driver:
        del is_terminal
        return driver

    with threads_on_the_loop(), trio.fail_after(LONGEST_S):
        async with (
            open_engine(
                settings=settings,
                store=store,
                state_dir=root / "state",
                loader=loader,
                own=ClientContext(cwd=work, env={}),
                owner="me",
                choose_driver=choose,
                open_exporter=lambda: exporter or open_otlp(),
                strict=strict,
            ) as engine,
            open_app(lambda: _lent(engine)) as app,
        ):
            await app.ready()
            yield House(app, engine, store, driver, loader, client, work)
    assert driver.running == 0


@asynccontextmanager
async def _lent(engine: Engine) -> AsyncIterator[Engine]:
    yield engine


# ------------------------------------------------------------------------------------ small values


def make_job(number: int = 1, session: int | None = None, **more: Any) -> Job:
    """Job `number` of its session."""
    made = Job(
        id=JobId(f"job_{number}"),
        session_id=SessionId(f"ses_{number if session is None else session}"),
        tool="exec",
        cli="alpha",
        owner="me",
        created_at=BIRTH,
        prompt=f"prompt {number}",
    )
    return attrs.evolve(made, **more)


def make_session(number: int = 1, **more: Any) -> Session:
    """Session `number`."""
    made = Session(
        id=SessionId(f"ses_{number}"), cli="alpha", created_at=BIRTH, last_active_at=BIRTH
    )
    return attrs.evolve(made, **more)


def finished(content: str = "done", status: JobStatus = JobStatus.COMPLETED) -> Report:
    """The report of a job that answered."""
    return Report(status=status, content=content)


@contextmanager
def speaking(handle: JobHandle, seat: str = "") -> Iterator[TurnLog]:
    """A turn of a job that ends as it does when it is cancelled."""
    turn = handle.log.open_turn(seat)
    try:
        yield turn
    finally:
        handle.log.end_turn(turn, turn.interrupted(JobStatus.CANCELLED, "cancelled"))


class SlowStore(FakeStore):
    """A store whose writes wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = trio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    def shut(self) -> None:
        """From now on writes wait."""
        self.gate = trio.Event()

    async def _write(self, work: Any) -> Any:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return await super()._write(work)
