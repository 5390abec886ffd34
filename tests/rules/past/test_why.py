"""Why a job ended, read from its log."""

import datetime
from collections.abc import Sequence

import attrs
import pytest

from aimux.model import (
    Attempt,
    AttemptFailed,
    ChildExited,
    Entry,
    Event,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobQueued,
    JobStatus,
    Outcome,
    SessionId,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
    TurnSummary,
    Warned,
)
from aimux.rules.past import explain_end

BIRTH = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
JOB = Job(id=JobId("job_1"), session_id=SessionId("ses_1"), tool="exec", created_at=BIRTH)


def log(*events: Event) -> list[Entry]:
    return [
        Entry(seq=at, offset_s=float(at), at=BIRTH, turn=_turn(event), event=event)
        for at, event in enumerate(events, 1)
    ]


def _turn(event: Event) -> int:
    return 0 if isinstance(event, JobQueued | JobFinished) else 1


def failure(kind: FailureClass, code: str, message: str = "so it said") -> Failure:
    return Failure(failure_class=kind, code=code, message=message)


def failed(fault: Failure, *attempts: str) -> TurnFailed:
    listed = [Attempt(cli=each, outcome=str(fault.failure_class)) for each in attempts]
    return TurnFailed(
        result=TurnResult(turn=1, status=JobStatus.FAILED, failure=fault, attempts=listed)
    )


def ended(status: JobStatus, error: Failure | None = None, *, is_turns: bool = True) -> Job:
    turns = [TurnSummary(turn=1, status=status, failure=error)] if is_turns else []
    return attrs.evolve(JOB, status=status, outcome=Outcome(error=error, turns=turns))


def told(job: Job, entries: Sequence[Entry]) -> list[tuple[int, str, str]]:
    return [(step.attempt, step.rule, step.said) for step in explain_end(job, entries).steps]


def test_each_attempt_is_told_with_the_row_of_the_table_that_followed() -> None:
    """A quota, a hiccup tried again, then an answer of another CLI."""
    quota = failure(FailureClass.QUOTA, "quota")
    hiccup = failure(FailureClass.TRANSIENT, "server_error")
    result = TurnResult(
        turn=1,
        status=JobStatus.COMPLETED,
        content="yes",
        attempts=[Attempt(cli=each, outcome="completed") for each in "abcd"],
    )
    entries = log(
        TurnStarted(turn=1, cli="codex", model="big"),
        ChildExited(exit_code=1, duration_ms=1500, swept=2),
        AttemptFailed(turn=1, attempt=1, failure=quota),
        TurnStarted(turn=1, cli="codex", model="small", attempt=2),
        AttemptFailed(turn=1, attempt=2, failure=hiccup),
        TurnStarted(turn=1, cli="codex", model="small", attempt=3),
        AttemptFailed(turn=1, attempt=3, failure=hiccup),
        TurnStarted(turn=1, cli="claude", attempt=4),
        TurnFinished(result=result),
        JobFinished(status=JobStatus.COMPLETED),
    )
    job = ended(JobStatus.COMPLETED)

    assert explain_end(job, entries).rule == "answer"
    assert told(job, entries) == [
        (1, "route", "codex big, mode read"),
        (1, "child", "the child left with exit code 1 after 1.5 s; 2 leftovers were ended"),
        (1, "class", "quota (quota): so it said"),
        (1, "retry", "after quota: the CLI's next model"),
        (2, "route", "codex small, mode read: the next model after big"),
        (2, "class", "transient (server_error): so it said"),
        (2, "retry", "after transient: once more on the same CLI and model"),
        (3, "route", "codex small, mode read: once more"),
        (3, "class", "transient (server_error): so it said"),
        (3, "retry", "after transient: once more on the same CLI and model"),
        (4, "route", "claude, mode read: another CLI after codex"),
        (4, "validator", "the answer of 3 characters is valid"),
        (0, "job", "completed"),
    ]


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (failure(FailureClass.TIMEOUT, "timed_out"), "deadline"),
        (failure(FailureClass.TIMEOUT, "silent"), "silence"),
        (failure(FailureClass.FATAL, "runaway"), "limit"),
        (failure(FailureClass.UNKNOWN, "circuit_open"), "breaker"),
        (failure(FailureClass.TRANSIENT, "empty_answer"), "validator"),
        (failure(FailureClass.FATAL, "answer_contract"), "contract"),
        (failure(FailureClass.FATAL, "hook_blocked"), "hook"),
        (failure(FailureClass.AUTH, "auth"), "class"),
        (failure(FailureClass.TIMEOUT, "late"), "deadline"),
    ],
)
def test_the_rule_that_ended_a_turn_ended_its_job(fault: Failure, rule: str) -> None:
    """By its code, else by its class."""
    status = (
        JobStatus.TIMED_OUT if fault.failure_class is FailureClass.TIMEOUT else JobStatus.FAILED
    )
    job = ended(status, fault)
    why = explain_end(job, log(failed(fault, "codex")))

    assert why.rule == rule
    assert why.said == f"{fault.failure_class} ({fault.code}): so it said"
    assert [step.rule for step in why.steps] == [rule, "retry"]


@pytest.mark.parametrize(
    ("job", "rule", "said"),
    [
        (JOB, "", "the job is queued"),
        (ended(JobStatus.ABORTED), "restart", "the server that ran it is gone"),
        (ended(JobStatus.PARTIAL), "strategy", "its work reported partial"),
        (
            ended(JobStatus.CANCELLED, failure(FailureClass.CANCELLED, "cancelled", "by hand")),
            "cancel",
            "by hand",
        ),
        (
            ended(JobStatus.FAILED, failure(FailureClass.FATAL, "no_quorum"), is_turns=False),
            "strategy",
            "fatal (no_quorum): so it said",
        ),
    ],
)
def test_what_no_turn_decided_is_the_jobs_own(job: Job, rule: str, said: str) -> None:
    """Open, aborted, cancelled, or by a strategy's own verdict."""
    why = explain_end(job, ())

    assert (why.rule, why.said) == (rule, said)


def test_work_that_had_begun_is_told_as_not_repeated() -> None:
    """And where the candidates were all tried, that."""
    fault = failure(FailureClass.AUTH, "auth")
    warned = Warned(code="not_retried", message="codex had begun to work")
    job = ended(JobStatus.FAILED, fault)
    begun = told(job, log(TurnStarted(turn=1, cli="codex"), warned, failed(fault, "codex")))
    spent = told(job, log(TurnStarted(turn=1, cli="codex"), failed(fault, "codex")))

    assert begun[-1][2] == "after auth: the next CLI, but it had begun to work: not repeated"
    assert spent[-1][2] == "after auth: the next CLI, but nothing is left to be tried"


def test_waits_silences_seats_and_secrets_are_shown_as_they_are() -> None:
    """A place in the queue, a warning about silence, the seat; a key is masked."""
    key = "sk-ant-REDACTED" + "a" * 40
    entries = log(
        JobQueued(position=2),
        TurnQueued(turn=1, seat="judge", position=3),
        TurnStarted(turn=1, seat="judge", cli="codex"),
        Warned(code="stalled", message=f"codex has printed nothing; {key}"),
        ChildExited(signal="SIGKILL"),
        JobFinished(status=JobStatus.FAILED, reason="so it is"),
    )
    steps = explain_end(JOB, entries).steps

    assert [step.rule for step in steps] == ["slot", "slot", "route", "silence", "child", "job"]
    assert [step.seat for step in steps] == ["", "judge", "judge", "judge", "judge", ""]
    assert key not in steps[3].said
    assert "SIGKILL" in steps[4].said
    assert steps[5].said == "failed: so it is"
    assert [step.turn for step in steps] == [0, 1, 1, 1, 1, 0]
