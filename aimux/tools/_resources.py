"""Resources: what can be read and watched by URI, and what completes their templates.

`aimux://health` and `aimux://metrics` are the server's state, `aimux://jobs` its newest jobs,
`aimux://jobs/{id}` a job's result, `…/output` its whole content, `…/events` its log, `…/raw` what
its CLIs printed, `…/why` which rules ended it, `…/replay` whether it reads the same today,
`aimux://usage` what turns have used, `aimux://ended/{since}` the jobs that have ended since a time,
`aimux://sessions/{id}` a conversation, `aimux://investigations/{id}` an investigation as a page,
`aimux://clis/{name}` and `aimux://roles/{name}` what a call can name, `aimux://schemas/{tool}` what
a tool takes and answers.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine import Engine
from aimux.errors import NotFound
from aimux.model import TERMINAL, JobId, SessionId, Stream, dump_bytes
from aimux.rules import did_you_mean, mask_between
from aimux.times import utc_now

from ._calls import Client
from ._context import ToolContext
from ._health import health_json
from ._results import Json, View, entries_json, job_json, job_row, session_json, stamp
from ._whole_log import whole_log
from .catalog import SCHEME, TOOLS

JSON_TYPE: Final = "application/json"
LISTED_JOBS: Final = 50  # newest first; older ones are found through sessions
RAW_BYTES: Final = 65_536  # of a stream's beginning, and of its end
RAW_MARGIN: Final = 8_192  # read beyond a cut: more than the longest secret
JOB_LIST: Final = f"{SCHEME}jobs"
COMPLETIONS: Final = 100  # what the protocol allows in one answer


@attrs.frozen
class Text:
    """A resource's content."""

    text: str
    mime_type: str = JSON_TYPE


def _dumped(value: object) -> Text:
    return Text(dump_bytes(value).decode())


_SERVER_STATE: Final[Sequence[Json]] = (
    {
        "uri": "aimux://health",
        "name": "health",
        "description": "Whether all is well, and why not: CLIs, breakers, jobs, queue, store",
        "mimeType": JSON_TYPE,
    },
    {
        "uri": JOB_LIST,
        "name": "jobs",
        "description": "The jobs that are open and the newest that have ended, with their parents",
        "mimeType": JSON_TYPE,
    },
    {
        "uri": "aimux://metrics",
        "name": "metrics",
        "description": "Turns, errors, latencies, tokens and cost per CLI, model and role",
        "mimeType": JSON_TYPE,
    },
    {
        "uri": "aimux://usage",
        "name": "usage",
        "description": "Turns, tokens and cost of all kept jobs by day, CLI, model and role",
        "mimeType": JSON_TYPE,
    },
)

_SCHEMAS: Final[Sequence[Json]] = [
    {
        "uri": f"{SCHEME}schemas/{tool}",
        "name": f"schema-{tool}",
        "description": f"What {tool} takes and answers, its data included, as JSON Schema",
        "mimeType": JSON_TYPE,
    }
    for tool in TOOLS
]


class Resources:
    """What is there to read and to watch.

    Its methods only read, so cancelling one leaves nothing behind.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    async def listed(self) -> list[Json]:
        """What `resources/list` shows: the server's state, schemas and the newest jobs."""
        page = await self._context.engine.store.jobs(limit=LISTED_JOBS, with_outcomes=False)
        jobs: list[Json] = [
            {
                "uri": f"{SCHEME}jobs/{job.id}",
                "name": job.id,
                "description": f"{job.tool}{f' on {job.cli}' if job.cli else ''}: {job.status}",
                "mimeType": JSON_TYPE,
                "annotations": {"lastModified": stamp(job.finished_at or job.created_at)},
            }
            for job in page.jobs
        ]
        return [*_SERVER_STATE, *_SCHEMAS, *jobs]

    async def read(self, client: Client, uri: str) -> Json:
        """One resource's content block.

        Raises:
            NotFound: there is no such resource.
        """
        await self._context.engine.own.reload()
        kind, _, rest = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME):
            raise _missing(uri)
        if uri == JOB_LIST:
            return await _block(uri, _job_list(self._context))
        reader = _READERS.get((kind, rest.partition("/")[2] if kind == "jobs" else ""))
        name = rest.partition("/")[0] if kind == "jobs" else rest
        is_as_named = kind in _MAY_BE_NAMED or bool(name) == (kind in _NAMED)
        if reader is None or not is_as_named:
            raise _missing(uri)
        try:
            return await _block(uri, reader(self._context, client, name))
        except NotFound as error:
            raise _missing(uri, error) from error

    async def complete(self, client: Client, uri_template: str, value: str) -> Sequence[str]:
        """Values that complete the variable of a template, best first; empty for an unknown one."""
        engine = self._context.engine
        kind = uri_template.removeprefix(SCHEME).partition("/")[0]
        match kind:
            case "jobs":
                page = await engine.store.jobs(limit=COMPLETIONS, with_outcomes=False)
                names: list[str] = [job.id for job in page.jobs]
            case "sessions":
                found = await engine.store.sessions(limit=COMPLETIONS)
                names = [session.id for session in found.sessions]
            case "investigations":
                rows = await engine.store.investigations.listing(limit=COMPLETIONS)
                names = [each.id for each in rows.investigations]
            case "clis":
                names = list((await engine.config.snapshot(client)).profiles)
            case "roles":
                names = list((await engine.config.snapshot(client)).roles)
            case "schemas":
                names = list(TOOLS)
            case _:
                names = []
        folded = value.casefold()
        return [name for name in names if name.casefold().startswith(folded)][:COMPLETIONS]

    async def wait_listed_change(self) -> bool:
        """True once a job has begun or ended. Cancelling it only ends the waiting."""
        await self._context.engine.supervisor.wait_change()
        return True

    async def wait_change(self, uri: str) -> bool:
        """True once a resource may have changed; False if it never will again.

        Cancelling it only ends the waiting.

        Raises:
            NotFound: there is no such resource.
        """
        engine = self._context.engine
        kind, _, rest = uri.removeprefix(SCHEME).partition("/")
        if kind != "jobs" or uri == JOB_LIST:
            await engine.supervisor.wait_change()
            return True
        job_id = rest.partition("/")[0]
        # no checkpoint before the wait where it can be helped: a change meanwhile would be lost
        job, handle = engine.jobs.get_nowait(job_id) or await engine.jobs.get(job_id)
        if handle is None:
            return False
        if job.status not in TERMINAL:
            await handle.log.entries.wait_change()
        if handle.job.status not in TERMINAL:
            return True
        await handle.done.wait()  # an end is told when it is stored
        return False


def _missing(uri: str, of: NotFound | None = None) -> NotFound:
    """That there is no such resource; `of` is the thing that it would be of."""
    why: Json = {"why": of.message} if of is not None else {}
    hint = of.hint if of is not None else None
    data = {"uri": uri, **why}
    return NotFound(f"no resource {uri}", code="resource_not_found", hint=hint, data=data)


async def _health(context: ToolContext, client: Client, _: str) -> Text:
    return _dumped(await health_json(context.engine, client, context.clients()))


async def _metrics(context: ToolContext, _: Client, __: str) -> Text:  # noqa: ASYNC124  # one of a table
    engine = context.engine
    return _dumped(
        {
            "uptime_seconds": round((utc_now() - engine.started_at).total_seconds(), 1),
            **engine.metrics.shown(),
        }
    )


async def _block(uri: str, reading: Awaitable[Text]) -> Json:
    text = await reading
    return {"uri": uri, "mimeType": text.mime_type, "text": text.text}


async def _job_list(context: ToolContext) -> Text:
    """The newest jobs and every open one, newest first, as rows with their parents."""
    engine = context.engine
    page = await engine.store.jobs(limit=LISTED_JOBS)
    found = {job.id: job for job in page.jobs}
    found |= {handle.id: handle.job for handle in engine.supervisor.open_handles()}
    jobs = sorted(found.values(), key=lambda job: job.created_at, reverse=True)
    return _dumped({"jobs": [job_row(job) for job in jobs]})


async def _job(context: ToolContext, _: Client, job_id: str) -> Text:
    job, handle = await context.engine.jobs.get(job_id)
    view = View(max_chars=context.settings.max_chars)
    return _dumped(job_json(job, handle.log if handle is not None else None, view))


async def _output(context: ToolContext, _: Client, job_id: str) -> Text:
    job, handle = await context.engine.jobs.get(job_id)
    if job.status not in TERMINAL and handle is not None:
        return Text(handle.log.text_so_far, "text/plain")
    return Text(job.outcome.content if job.outcome is not None else "", "text/plain")


async def _audit_markdown(context: ToolContext, _: Client, job_id: str) -> Text:
    from ._audit_exports import audit_markdown  # what an audit is made of, only where there is one

    job, _handle = await context.engine.jobs.get(job_id)
    return Text(await trio.to_thread.run_sync(audit_markdown, job), "text/markdown")


async def _audit_sarif(context: ToolContext, _: Client, job_id: str) -> Text:
    from ._audit_exports import audit_sarif

    job, _handle = await context.engine.jobs.get(job_id)
    return Text(await trio.to_thread.run_sync(audit_sarif, job), "application/sarif+json")


async def _events(context: ToolContext, _: Client, job_id: str) -> Text:
    job, _handle = await context.engine.jobs.get(job_id)
    entries = await whole_log(context.engine, job)
    return _dumped(await trio.to_thread.run_sync(entries_json, entries, 0))


async def _raw(context: ToolContext, _: Client, job_id: str) -> Text:
    """What each turn printed, secrets masked; the middle of much is left out."""
    job, _handle = await context.engine.jobs.get(job_id)
    store, parts = context.engine.store, list[str]()
    for turn, attempt in await store.raw_attempts(job.id):
        for stream in Stream:
            read = partial(_raw_bytes, context.engine, job.id, turn, attempt, stream)
            begin, total = await read(0, 2 * RAW_BYTES)
            if not total:
                continue
            again = f", attempt {attempt}" if attempt > 1 else ""
            parts.append(f"--- turn {turn}{again}, {stream}: {total} bytes\n")
            end = b""
            if total > 2 * RAW_BYTES:
                end, _total = await read(total - RAW_BYTES - RAW_MARGIN, RAW_BYTES + RAW_MARGIN)
            shown = await trio.to_thread.run_sync(_shown_raw, begin, end, total)
            parts.append(shown if shown.endswith("\n") else f"{shown}\n")
    return Text("".join(parts), "text/plain")


async def _raw_bytes(
    engine: Engine, job_id: JobId, turn: int, attempt: int, stream: Stream, offset: int, wanted: int
) -> tuple[bytes, int]:
    """`wanted` bytes from `offset` on, and how many there are; the store gives them in pieces."""
    data, total = b"", 0
    while len(data) < wanted:
        at = offset + len(data)
        piece = await engine.store.raw_output(
            job_id, turn, stream, at, wanted - len(data), attempt=attempt
        )
        total = piece.total
        data += piece.data
        if not piece.data:
            break
    return data, total


def _shown_raw(begin: bytes, end: bytes, total: int) -> str:
    """The beginning of a stream and, if that is not all, its end; each was read some bytes beyond
    the cut, because a secret may lie across it.
    """
    if not end:
        return mask_between(begin.decode(errors="replace"))
    first, beyond = begin[:RAW_BYTES], begin[RAW_BYTES : RAW_BYTES + RAW_MARGIN]
    before, last = end[:RAW_MARGIN], end[RAW_MARGIN:]
    return "".join(
        [
            mask_between(first.decode(errors="replace"), after=beyond.decode(errors="replace")),
            f"\n--- {total - len(first) - len(last)} bytes are left out here\n",
            mask_between(last.decode(errors="replace"), before=before.decode(errors="replace")),
        ]
    )


async def _why(context: ToolContext, _: Client, job_id: str) -> Text:
    from ._past import why_json  # what looks back is only there for who does

    return _dumped(await why_json(context.engine, job_id))


async def _replay(context: ToolContext, client: Client, job_id: str) -> Text:
    from ._replay import replay_json

    return _dumped(await replay_json(context.engine, client, job_id))


async def _usage(context: ToolContext, _: Client, since: str) -> Text:
    from ._past import usage_json

    return _dumped(await usage_json(context.engine, since))


async def _ended(context: ToolContext, _: Client, since: str) -> Text:
    from ._past import ended_json

    return _dumped(await ended_json(context.engine, since))


async def _session(context: ToolContext, _: Client, session_id: str) -> Text:
    session = await context.engine.store.session(SessionId(session_id))
    page = await context.engine.store.jobs(session_id=session.id)
    return _dumped({"session": session_json(session), "jobs": [job_row(job) for job in page.jobs]})


async def _investigation(context: ToolContext, client: Client, investigation_id: str) -> Text:
    from ._investigation_json import page_of  # only where there is one

    state = await context.engine.store.investigations.get(investigation_id)
    domain = (await context.engine.config.domains(client)).domains.get(state.domain)
    page = await trio.to_thread.run_sync(page_of, state, domain)
    return Text(page, "text/markdown")


async def _cli(context: ToolContext, client: Client, name: str) -> Text:
    health = await health_json(context.engine, client, context.clients())
    states = health["clis"]
    assert isinstance(states, list)
    for state in states:
        if state["name"] == name:
            return _dumped(state)
    known = [str(state["name"]) for state in states]
    raise NotFound(f"no CLI {name}", hint=did_you_mean(name, known))


async def _role(context: ToolContext, client: Client, name: str) -> Text:
    snapshot = await context.engine.config.snapshot(client)
    role = snapshot.roles.get(name)
    if role is None:
        raise NotFound(f"no role {name}", hint=did_you_mean(name, snapshot.roles))
    return _dumped(attrs.asdict(role))


async def _schema(_: ToolContext, __: Client, tool: str) -> Text:
    def read() -> Text:
        from .schemas import schemas_of  # as large as all tools together: only where it is read

        return _dumped(schemas_of(tool))

    return await trio.to_thread.run_sync(read)


_Reader = Callable[[ToolContext, Client, str], Awaitable[Text]]
_READERS: Final[Mapping[tuple[str, str], _Reader]] = {
    ("health", ""): _health,
    ("metrics", ""): _metrics,
    ("jobs", ""): _job,
    ("jobs", "output"): _output,
    ("jobs", "events"): _events,
    ("jobs", "raw"): _raw,
    ("jobs", "why"): _why,
    ("jobs", "replay"): _replay,
    ("jobs", "audit.md"): _audit_markdown,
    ("jobs", "audit.sarif"): _audit_sarif,
    ("sessions", ""): _session,
    ("investigations", ""): _investigation,
    ("clis", ""): _cli,
    ("roles", ""): _role,
    ("schemas", ""): _schema,
    ("ended", ""): _ended,
    ("usage", ""): _usage,
}
_NAMED: Final = frozenset(
    {"jobs", "sessions", "investigations", "clis", "roles", "schemas", "ended"}
)
_MAY_BE_NAMED: Final = frozenset({"usage"})
