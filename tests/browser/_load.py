"""A store with ten thousand jobs, one of them with a hundred thousand events, written at once."""

import datetime
from pathlib import Path
from typing import Final

import trio

from aimux.model import (
    Entry,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobStarted,
    JobStatus,
    Message,
    Outcome,
    SessionId,
    Text,
    ToolUse,
    TurnFinished,
    TurnResult,
    TurnStarted,
    TurnSummary,
    Usage,
)
from aimux.store import Store, open_store

JOBS: Final = 10_000
EVENTS: Final = 100_000
LONG: Final = JobId("job_01M0000000000000000000LONG")
AT_ONCE: Final = 200
BATCH: Final = 5_000
CLIS: Final = ("codex", "claude", "gemini", "qwen")
TOOLS: Final = ("exec", "consensus", "audit", "debate", "workflow")
BAD: Final = Failure(
    failure_class=FailureClass.QUOTA, code="quota", message="the plan's limit is reached"
)


def job_of(number: int, now: datetime.datetime) -> Job:
    """One of many: every seventh has failed, every fifth is a child of the one before."""
    at = now - datetime.timedelta(seconds=40 * number)
    is_bad = number % 7 == 0
    cli = CLIS[number % len(CLIS)]
    usage = Usage(input_tokens=500 + number % 900, output_tokens=number % 400, cost_usd=0.001)
    status = JobStatus.FAILED if is_bad else JobStatus.COMPLETED
    turn = TurnSummary(
        turn=1, status=status, cli=cli, model=f"{cli}-large", usage=usage, duration_ms=9_000
    )
    return Job(
        id=JobId(f"job_01M{number:023d}"),
        session_id=SessionId(""),
        parent_id=JobId(f"job_01M{number + 1:023d}" if number % 5 == 0 else ""),
        tool=TOOLS[number % len(TOOLS)],
        role=("codereview", "planner", "")[number % 3],
        cli=cli,
        prompt_preview=f"task {number}: look at module {number % 97} and say what is wrong with it",
        status=status,
        created_at=at,
        started_at=at + datetime.timedelta(milliseconds=300),
        finished_at=at + datetime.timedelta(seconds=9),
        last_seq=3,
        outcome=Outcome(
            content="An answer of some length. " * 80, cli=cli, model=f"{cli}-large", usage=usage,
            duration_ms=9_000, error=BAD if is_bad else None, turns=[turn],
        ),
    )  # fmt: skip


def entries_of(at: datetime.datetime, count: int) -> list[Entry]:
    """A log of one long turn."""
    found = []
    for seq in range(1, count + 1):
        if seq == 1:
            event: object = JobStarted()
        elif seq == 2:
            event = TurnStarted(turn=1, cli="codex", model="codex-large")
        elif seq == count - 2:
            event = Message(text="The end of it.")
        elif seq == count - 1:
            result = TurnResult(turn=1, status=JobStatus.COMPLETED, content="The end.", cli="codex")
            event = TurnFinished(result=result)
        elif seq == count:
            event = JobFinished(status=JobStatus.COMPLETED)
        elif seq % 10 == 0:
            event = ToolUse(name="shell", summary=f"grep -n needle{seq} src/module_{seq % 97}.py")
        else:
            event = Text(text=f"line {seq} of what is said, with some words more to fill the row\n")
        offset_s = 0.01 * seq + (40.0 if seq > count // 2 else 0.0)
        moment = at + datetime.timedelta(seconds=offset_s)
        found.append(
            Entry(
                seq=seq,
                offset_s=offset_s,
                at=moment,
                turn=0 if seq in {1, count} else 1,
                event=event,  # type: ignore[arg-type]
            )
        )
    return found


async def fill(path: Path, *, jobs: int = JOBS, events: int = EVENTS) -> None:
    """Write them into a store that nobody has open."""
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    path.parent.mkdir(parents=True, exist_ok=True)
    async with open_store(path, owner="fill") as store:
        for begin in range(jobs, 0, -AT_ONCE):  # parents first
            async with trio.open_nursery() as writing:
                for number in range(begin, max(0, begin - AT_ONCE), -1):
                    writing.start_soon(_one, store, number, now)
        at = now + datetime.timedelta(minutes=1)
        log = entries_of(at, events)
        long = Job(
            id=LONG, session_id=SessionId(""), tool="exec", cli="codex", created_at=at,
            prompt_preview="a job of very many events",
        )  # fmt: skip
        await store.create(long, None, log[:1])
        for begin in range(1, events - 1, BATCH):
            await store.append(LONG, log[begin : min(begin + BATCH, events - 1)])
        ended = Job(
            id=LONG, session_id=SessionId(""), tool="exec", cli="codex", created_at=at,
            prompt_preview="a job of very many events", status=JobStatus.COMPLETED,
            finished_at=log[-1].at, last_seq=events,
            outcome=Outcome(content="The end.", cli="codex", duration_ms=1_040_000),
        )  # fmt: skip
        await store.finish(ended, None, log[-1:])


async def _one(store: Store, number: int, now: datetime.datetime) -> None:
    await store.create(job_of(number, now), None, entries_of(now, 3))
