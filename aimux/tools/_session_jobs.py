"""`sessions(action=answer|retry)`: a question of a running job answered, an ended job run again."""

from typing import Final

from aimux.errors import InvalidArguments, PeerFault, Refusal
from aimux.model import TERMINAL, Job, JobStatus, SessionId

from ._calls import InputRequired, ToolCall
from ._context import ToolContext
from ._results import Json

AGAIN: Final = ("exec", "background")  # whose prompt is all that was asked
ANSWERED: Final = (JobStatus.COMPLETED, JobStatus.PARTIAL)


async def answer_question(context: ToolContext, call: ToolCall) -> Json:
    """Give a running job the answer that its CLI waits for: the oldest question of it.

    Cancelling it answers nothing.

    Raises:
        NotFound: no such job.
        Refusal: it asks nothing, or not any more.
    """
    given = call.arguments
    job_id, text = str(given.get("job_id", "")), given.get("text")
    if not job_id or not isinstance(text, str):
        missing = "text" if job_id else "job_id"
        raise InvalidArguments(
            f"sessions(action=answer) needs {missing}",
            problems=[{"path": missing, "value": None, "expected": "job_id, and text to type"}],
        )
    job, handle = await context.engine.jobs.get(job_id)
    open_ones = handle.questions.open_ones if handle is not None else []
    if handle is None or not open_ones or not handle.questions.answer(open_ones[0].number, text):
        raise Refusal(
            f"{job_id} ({job.status}) asks nothing now",
            code="no_question",
            hint="status(job_id) shows `question` while a CLI waits for an answer",
            retryable=False,
        )
    asked = open_ones[0]
    left = [each.text for each in handle.questions.open_ones]
    return {
        "job_id": job_id,
        "status": str(handle.job.status),
        "question": asked.text,
        "cli": asked.cli,
        "turn": asked.turn,
        "answered": True,
        "open_questions": left,
    }


async def retry_job(context: ToolContext, call: ToolCall) -> Json:
    """Run a job again, or the last one of a session, with what it was asked: a new job.

    Cancelled before its row is written, there is none.

    Raises:
        NotFound: no such job or session.
        PeerFault: it is still at work, or more than its prompt was asked.
    """
    job = await _meant(context, call)
    if job.status not in TERMINAL:
        raise PeerFault(
            f"{job.id} is {job.status}: there is nothing to repeat yet",
            code="job_at_work",
            hint="wait for it with status, or end it with sessions(action=cancel)",
        )
    if job.tool not in AGAIN or not job.session_id:  # without a session it was a pair
        raise PeerFault(
            f"{job.id} is a job of several turns, whose arguments are not kept",
            code="retry_not_known",
            hint=f"send its call of {job.tool} again",
        )
    cli = str(call.arguments.get("cli", ""))
    known = {"role": job.role, "effort": job.effort}
    if not job.role:
        known |= {"cli": job.cli, "model": job.model}
    arguments: Json = {name: value for name, value in known.items() if value} | {
        **job.asked,
        "prompt": job.prompt,
        "mode": str(job.mode),
        "async": True,
        "pair": False,
    }
    if cli:
        arguments["cli"] = cli
        arguments.pop("model", None)  # another CLI's
    if not cli and await _has_answers_besides(context, job):
        arguments["session_id"] = job.session_id
    elif job.cwd:
        arguments["cwd"] = job.cwd
    again = ToolCall(name="exec", arguments=arguments, client=call.client, caller=call.caller)
    payload = await context.run_tool(again)
    assert not isinstance(payload, InputRequired)  # it says where it works
    return {"retried": job.id, **payload.body}


async def _meant(context: ToolContext, call: ToolCall) -> Job:
    """The job to repeat, as it stands."""
    job_id, session_id = call.arguments.get("job_id"), call.arguments.get("session_id")
    if job_id:
        job, _ = await context.engine.jobs.get(str(job_id))
        return job
    if not session_id:
        raise InvalidArguments(
            "sessions(action=retry) needs job_id or session_id",
            problems=[{"path": "job_id", "value": None, "expected": "the job or session to retry"}],
        )
    session = await context.engine.store.session(SessionId(str(session_id)))
    busy = context.engine.supervisor.of_session(session.id)
    if busy is not None:
        return busy.job
    page = await context.engine.store.jobs(session_id=session.id, limit=1)
    if not page.jobs:
        raise Refusal(
            f"session {session.id} has no job left to repeat",
            code="session_empty",
            hint="its jobs were cleared away: send the prompt again",
            retryable=False,
        )
    return page.jobs[0]


async def _has_answers_besides(context: ToolContext, job: Job) -> bool:
    """Whether the job's session has something to go on from, the job itself left aside."""
    if not job.session_id:
        return False
    page = await context.engine.store.jobs(session_id=SessionId(job.session_id))
    return any(each.status in ANSWERED and each.id != job.id for each in page.jobs)
