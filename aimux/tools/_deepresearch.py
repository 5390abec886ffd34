"""`deepresearch`: a report with sources from a vendor, else what a CLI knows."""

import datetime
import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine import JobRequest, PreparedJob, ResearchWork, SameResearch
from aimux.errors import InvalidArguments, StoreUnavailable
from aimux.files.tree import TreeReader
from aimux.model import (
    AttachedFile,
    JobId,
    JobStatus,
    Mode,
    Report,
    Research,
    ResearchProvider,
    ResearchTask,
    RouteRequest,
    Seat,
    Warned,
    Work,
)
from aimux.research import INSTALL, Attachment, is_installed, request_body
from aimux.rules.research import (
    DEFAULT_FORMAT,
    KEY_NAMES,
    MAX_FILES_BYTES,
    judge_attachment,
    key_of,
    report_research,
    research_key,
    research_prompt,
)
from aimux.strategies import Ask, Note
from aimux.times import utc_now

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, number, run_job
from ._roots import KnownRoots, is_answer, roots_of

answer_nowait: Final = None  # it waits for the store at least
ROLE: Final = "research"


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Research a topic. Cancelling it before it is handed over cancels the job, at the vendor too.

    Raises:
        AimuxError: a file cannot go along, or nobody can be asked.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    request = _request(call, roots)
    prepared = await context.engine.prepare(request)
    attached = await trio.to_thread.run_sync(_attached, call.arguments.get("files"), prepared.cwd)
    key = key_of(call.client.env)
    missing = _missing(key)
    wanted = _wanted(call, prepared, [each.file for each in attached], is_fallback=bool(missing))
    same: SameResearch | None = None
    if not call.arguments.get("force") and prepared.snapshot.settings.research.cache_days:
        same = SameResearch(key=wanted.key, find=partial(_kept, context, prepared, wanted))
        report = await same.find()
        if report is not None:
            return await run_job(context, call, prepared, _again(report))
    if not missing:
        prompt = research_prompt(wanted.topic, wanted.output_format)
        settings = prepared.snapshot.settings.research
        task = ResearchTask(
            job_id=JobId(prepared.job_id),
            base_url=settings.base_url,
            model=wanted.model,
            output_format=wanted.output_format,
            cache_key=wanted.key,
            limit_s=prepared.limit_s,
            poll_s=settings.poll_seconds,
            request_limit_s=settings.request_timeout_seconds,
            files=wanted.files,
        )
        body = request_body(wanted.model, prompt, attached)
        work = ResearchWork(task=task, key=key, body=body, keeps_answer=settings.cache_days > 0)
        return await run_job(context, call, prepared, work, same)
    told = [Warned(code="no_vendor", message=f"a CLI answers of what it knows: {missing}")]
    if call.arguments.get("model"):
        told.append(Warned(code="model_ignored", message="model is the vendor's, no CLI knows it"))
    seat = Seat(route=RouteRequest(role=ROLE), mode=Mode.READ)
    request = attrs.evolve(
        request,
        prompt=_fallback_prompt(wanted),
        route=seat.route,
        has_seats=True,
        warnings=[*request.warnings, *told],
    )
    prepared = await context.engine.prepare(request)
    by_cli = _by_cli(context, prepared, wanted)
    asked = attrs.evolve(prepared.request, prompt=wanted.topic)  # what its row says was wanted
    return await run_job(context, call, attrs.evolve(prepared, request=asked), by_cli, same)


def _missing(key: str) -> str:
    """What to do before the vendor can be asked; empty if it can."""
    todo = [] if key else [f"set {' or '.join(KEY_NAMES)} in the client's environment"]
    if not is_installed():
        todo.append(f"run {INSTALL}")
    return " and ".join(todo)


@attrs.frozen(kw_only=True)
class ResearchRequest:
    """What is to be found out, and under which key its answer is kept."""

    topic: str
    output_format: str
    model: str
    files: Sequence[AttachedFile]
    key: str


def _request(call: ToolCall, roots: KnownRoots) -> JobRequest:
    given = call.arguments
    return JobRequest(
        tool="deepresearch",
        prompt=str(given["topic"]),
        mode=Mode.READ,
        cwd=str(given.get("cwd", "")),
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        has_seats=False,
        keeps_session=False,
        timeout_s=number(given.get("timeout_seconds")),
    )


def _wanted(
    call: ToolCall, prepared: PreparedJob, files: Sequence[AttachedFile], *, is_fallback: bool
) -> ResearchRequest:
    given = call.arguments
    topic = str(given["topic"])
    output_format = str(given.get("output_format", "")).strip() or DEFAULT_FORMAT
    model = str(given.get("model", "")) or prepared.snapshot.settings.research.model
    provider = ResearchProvider.FALLBACK if is_fallback else ResearchProvider.GEMINI
    return ResearchRequest(
        topic=topic,
        output_format=output_format,
        model=model,
        files=files,
        key=research_key(provider, topic, output_format, model, files),
    )


def _attached(paths: object, cwd: str) -> list[Attachment]:
    """The files that go along, read from inside the directory.

    Raises:
        InvalidArguments: with every file that cannot.
    """
    reader = TreeReader(cwd)
    found: list[Attachment] = []
    problems: list[dict[str, object]] = []
    room = MAX_FILES_BYTES
    for at, path in enumerate(paths if isinstance(paths, list | tuple) else []):
        file = reader.read_bytes(str(path), room)
        if isinstance(file, str):
            mime_type, why = "", file
        else:
            mime_type, why = judge_attachment(file.path, file.data)
        if isinstance(file, str) or why:
            problems.append({"path": f"files[{at}]", "value": path, "expected": why})
            continue
        room -= len(file.data)
        told = AttachedFile(
            path=file.path,
            mime_type=mime_type,
            size_bytes=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest(),
        )
        found.append(Attachment(file=told, data=file.data))
    if problems:
        listed = "; ".join(f"{each['value']}: {each['expected']}" for each in problems)
        raise InvalidArguments(f"files cannot go along: {listed}", problems=problems)
    return found


async def _kept(
    context: ToolContext, prepared: PreparedJob, wanted: ResearchRequest
) -> Report | None:
    """The report of an answer that was kept and is not too old."""
    now = utc_now()
    since = now - datetime.timedelta(days=prepared.snapshot.settings.research.cache_days)
    kept = await context.engine.store.research.find(wanted.key, since=since, now=now)
    if kept is None:
        return None
    return report_research(
        kept,
        turn=None,
        cache_key=wanted.key,
        output_format=wanted.output_format,
        now=now,
        is_cached=True,
    )


def _again(report: Report) -> Work:
    """The work of giving an answer that was kept."""

    async def work(ask: Ask, note: Note) -> Report:
        del ask
        note("an answer that was kept")
        await trio.lowlevel.checkpoint()
        return report

    return work


def _by_cli(context: ToolContext, prepared: PreparedJob, wanted: ResearchRequest) -> Work:
    """The work of having a CLI answer instead; its answer is kept too, under a key of its own."""
    is_kept = prepared.snapshot.settings.research.cache_days > 0

    async def work(ask: Ask, note: Note) -> Report:
        turn = await ask(Seat(), prepared.request.prompt)
        research = Research(
            provider=ResearchProvider.FALLBACK,
            model=turn.model,
            report=turn.content,
            made_at=utc_now(),
            files=wanted.files,
            fallback_cli=turn.cli,
        )
        if turn.status is JobStatus.COMPLETED and is_kept:
            try:
                await context.engine.store.research.keep(wanted.key, research)
            except StoreUnavailable as fault:
                note(f"the answer is not kept: {fault.message}")
        return report_research(
            research,
            turn=turn,
            cache_key=wanted.key,
            output_format=wanted.output_format,
            now=utc_now(),
        )

    return work


def _fallback_prompt(wanted: ResearchRequest) -> str:
    prompt = research_prompt(wanted.topic, wanted.output_format)
    if not wanted.files:
        return prompt
    named = "\n".join(f"- {file.path}" for file in wanted.files)
    return f"{prompt}\n\nRead these files of the working directory first:\n{named}"
