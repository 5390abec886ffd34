"""Spans made from the events of a job's log."""

import datetime
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.model import (
    Attempt,
    AttemptFailed,
    ChildExited,
    ChildStarted,
    Entry,
    Event,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    JobTrace,
    Message,
    NativeSession,
    Outcome,
    SessionId,
    Text,
    TraceContext,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
    TurnSummary,
    Usage,
    Warned,
)
from aimux.rules.traces import (
    MARK_KINDS,
    MARKS,
    MAX_CHARS,
    Span,
    SpanKind,
    child_span_id,
    has_exported_spans,
    span_id,
    spans_of,
    trace_env,
)

BIRTH = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
ABOVE = TraceContext(trace_id="a" * 32, span_id="b" * 16, flags=1)
SECRET = "ghp_" + "a1B2" * 9
USAGE = Usage(input_tokens=7, output_tokens=3, cached_tokens=2, cost_usd=0.5)

Line = tuple[float, int, Event]  # seconds since birth, turn, event


def make_job(outcome: Outcome | None = None, **more: object) -> Job:
    made = Job(
        id=JobId("job_1"),
        session_id=SessionId("ses_1"),
        tool="exec",
        role="review",
        client="an editor",
        prompt="the prompt",
        prompt_preview="the prompt",
        created_at=BIRTH,
        outcome=outcome,
        trace=JobTrace(above=ABOVE, has_spans=True),
    )
    return attrs.evolve(made, **more)


def entries(lines: Sequence[Line]) -> list[Entry]:
    return [
        Entry(seq=seq, offset_s=at_s, at=BIRTH, turn=turn, event=event)
        for seq, (at_s, turn, event) in enumerate(lines, 1)
    ]


def spans(lines: Sequence[Line], job: Job | None = None) -> list[Span]:
    return spans_of(job or make_job(), entries(lines))


def only(found: Sequence[Span], what: str) -> list[Span]:
    return [each for each in found if each.attributes["aimux.span"] == what]


def failure(code: str = "quota_spent") -> Failure:
    return Failure(failure_class=FailureClass.QUOTA, code=code, message="the answer says so")


def seconds(span: Span) -> tuple[float, float]:
    return (span.start_at - BIRTH).total_seconds(), (span.end_at - BIRTH).total_seconds()


def result(status: JobStatus = JobStatus.COMPLETED, **more: object) -> TurnResult:
    made = TurnResult(turn=1, status=status, content="the answer", cli="codex", model="gpt-5.4")
    return attrs.evolve(made, **more)


ATTEMPT = Attempt(cli="codex", model="gpt-5.4", outcome="completed")
WHOLE: Sequence[Line] = (
    (0.0, 0, JobQueued(position=1)),
    (1.0, 1, TurnQueued(turn=1, seat="A", position=1)),
    (2.0, 0, JobStarted()),
    (
        2.0,
        1,
        TurnStarted(
            turn=1,
            seat="A",
            cli="codex",
            model="gpt-5.4",
            effort="high",
            argv=("/usr/bin/codex", "exec", "<prompt>"),
            cwd="/home/me/secret-project",
        ),
    ),
    (2.5, 1, ChildStarted(pid=42, started=1.0)),
    (2.6, 1, NativeSession(native_id="native-7")),
    (3.0, 1, Text(text="the answer")),
    (3.5, 1, Message(text="the answer")),
    (4.0, 1, ChildExited(exit_code=0, cpu_ms=12, max_rss_bytes=99)),
    (4.5, 1, TurnFinished(result=result(attempts=(ATTEMPT,), usage=USAGE))),
    (5.0, 0, JobFinished(status=JobStatus.COMPLETED)),
)
OUTCOME = Outcome(
    content="the answer",
    cli="codex",
    model="gpt-5.4",
    usage=USAGE,
    turns=(TurnSummary(turn=1, status=JobStatus.COMPLETED),),
)


@pytest.mark.requirement("traces:spans")
def test_a_job_is_four_spans_one_below_the_other() -> None:
    """Each with its own time, and all below the client's span."""
    job, turn, attempt, child = spans(WHOLE, make_job(OUTCOME))

    assert [each.name for each in (job, turn, attempt, child)] == [
        *("job exec", "turn", "invoke_agent codex", "codex"),
    ]
    assert [seconds(each) for each in (job, turn, attempt, child)] == [
        *((0.0, 5.0), (1.0, 4.5), (2.0, 4.5), (2.5, 4.0)),
    ]
    assert [each.parent_id for each in (job, turn, attempt, child)] == [
        *(ABOVE.span_id, job.span_id, turn.span_id, attempt.span_id),
    ]
    assert [each.is_parent_remote for each in (job, turn)] == [True, False]
    assert [each.kind for each in (job, turn, attempt, child)] == [
        *(SpanKind.SERVER, SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.INTERNAL),
    ]
    assert [each.error for each in (job, turn, attempt, child)] == ["", "", "", ""]


@pytest.mark.requirement("traces:spans")
def test_spans_say_facts_in_the_fields_own_words() -> None:
    """Models, tokens, ids; what is not known is left out."""
    job, turn, attempt, child = spans(WHOLE, make_job(OUTCOME))

    tokens = {
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "aimux.cost_usd": 0.5,
    }
    assert job.attributes == tokens | {
        "aimux.span": "job",
        "aimux.job.id": "job_1",
        "aimux.status": "completed",
        "aimux.role": "review",
        "aimux.mode": "read",
        "aimux.client": "an editor",
        "aimux.queued_ms": 2000,
        "aimux.turns": 1,
        "gen_ai.tool.name": "exec",
        "gen_ai.conversation.id": "ses_1",
        "gen_ai.agent.name": "codex",
        "gen_ai.response.model": "gpt-5.4",
    }
    assert turn.attributes == tokens | {
        "aimux.span": "turn",
        "aimux.job.id": "job_1",
        "aimux.turn": 1,
        "aimux.seat": "A",
        "aimux.status": "completed",
        "aimux.attempts": 1,
        "aimux.queued_ms": 1000,
        "gen_ai.agent.name": "codex",
        "gen_ai.response.model": "gpt-5.4",
    }
    assert attempt.attributes == tokens | {
        "aimux.span": "attempt",
        "aimux.job.id": "job_1",
        "aimux.attempt": 1,
        "aimux.mode": "read",
        "aimux.effort": "high",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "codex",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.conversation.id": "native-7",
    }
    assert child.attributes == {
        "aimux.span": "child",
        "aimux.job.id": "job_1",
        "process.pid": 42,
        "process.executable.name": "codex",
        "process.exit.code": 0,
        "aimux.process.cpu_ms": 12,
        "aimux.process.max_rss_bytes": 99,
    }


@pytest.mark.requirement("traces:private")
def test_no_text_and_no_secret_is_in_a_span() -> None:
    """Not the prompt, the answer, a message, an argument, a path; a caller's words are masked."""
    lines: list[Line] = [*WHOLE[:-2]]
    failed = result(JobStatus.FAILED, failure=failure("strange"), content="the answer")
    lines += [
        (4.5, 1, Warned(code="x", message="the answer")),
        (4.6, 1, TurnFailed(result=attrs.evolve(failed, model=f"my {SECRET} model"))),
        (5.0, 0, JobFinished(status=JobStatus.FAILED, reason="the answer")),
    ]
    outcome = attrs.evolve(OUTCOME, error=failure("strange"), stderr_tail="the answer")
    found = spans(lines, make_job(outcome, client="c" * 9_999, role=SECRET))

    said = repr(found)
    for secret in ("the prompt", "the answer", "secret-project", "<prompt>", SECRET, SECRET[8:]):
        assert secret not in said
    assert max(len(str(each)) for each in found[0].attributes.values()) == MAX_CHARS


@pytest.mark.requirement("traces:child")
def test_the_childs_span_is_the_one_its_environment_named() -> None:
    """Known before it started, and the same afterwards."""
    job = make_job(OUTCOME)
    child = only(spans(WHOLE, job), "child")[0]

    named = trace_env(job.trace, job.id, 1, 1)["TRACEPARENT"]
    assert named == f"00-{ABOVE.trace_id}-{child.span_id}-01"


@pytest.mark.requirement("traces:spans")
def test_a_fallback_is_an_attempt_each_and_only_the_failed_one_is_an_error() -> None:
    """With the code of what failed; tokens of several attempts are the turn's alone."""
    attempts = (
        Attempt(cli="gemini", outcome="quota", code="quota_spent"),
        Attempt(cli="crush", outcome="not_run", code="binary_missing", duration_ms=100),
        ATTEMPT,
    )
    lines: list[Line] = [
        (1.0, 0, JobStarted()),
        (1.0, 1, TurnStarted(turn=1, cli="gemini", attempt=1)),
        (1.1, 1, ChildStarted(pid=1, started=1.0)),
        (2.0, 1, ChildExited(exit_code=3)),
        (2.1, 1, AttemptFailed(turn=1, attempt=1, failure=failure())),
        (2.2, 1, AttemptFailed(turn=1, attempt=2, failure=failure("binary_missing"))),
        (3.0, 1, TurnStarted(turn=1, cli="codex", attempt=3)),
        (3.1, 1, ChildStarted(pid=2, started=1.0)),
        (4.0, 1, ChildExited(signal="SIGTERM")),
        (5.0, 1, TurnFinished(result=result(attempts=attempts, usage=USAGE))),
        (5.0, 0, JobFinished(status=JobStatus.COMPLETED)),
    ]
    found = spans(lines)
    tried = {each.attributes["aimux.attempt"]: each for each in only(found, "attempt")}
    children = only(found, "child")

    assert {number: each.error for number, each in tried.items()} == {
        1: "quota_spent",
        2: "binary_missing",
        3: "",
    }
    assert [seconds(tried[number]) for number in (1, 2, 3)] == [(1.0, 2.1), (4.9, 5.0), (3.0, 5.0)]
    assert tried[1].attributes["error.type"] == "quota_spent"
    assert "gen_ai.usage.input_tokens" not in tried[3].attributes
    assert only(found, "turn")[0].attributes["gen_ai.usage.input_tokens"] == 7
    assert {each.span_id: each.error for each in children} == {
        child_span_id("job_1", 1, 1): "3",
        child_span_id("job_1", 1, 3): "SIGTERM",
    }
    assert "gen_ai.provider.name" not in tried[2].attributes  # nobody knows whom it asks


def test_an_attempt_without_an_end_of_its_own_ends_where_the_next_begins() -> None:
    """As it does where a hook let it fail."""
    lines: list[Line] = [
        (1.0, 1, TurnStarted(turn=1, cli="gemini", attempt=1)),
        (2.0, 1, TurnStarted(turn=1, cli="gemini", attempt=2)),
        (3.0, 1, AttemptFailed(turn=1, attempt=7, failure=failure())),
        (4.0, 1, TurnFailed(result=result(JobStatus.FAILED, failure=failure("late")))),
        (4.0, 0, JobFinished(status=JobStatus.FAILED)),
    ]
    found = only(spans(lines), "attempt")

    assert sorted(seconds(each) for each in found) == [(1.0, 2.0), (2.0, 4.0)]
    assert sorted(each.error for each in found) == ["", "late"]


@pytest.mark.requirement("traces:spans")
@pytest.mark.parametrize(
    ("status", "turn_failure", "outcome", "job_error", "turn_error"),
    [
        (JobStatus.FAILED, failure(), failure("nobody"), "nobody", "quota_spent"),
        (JobStatus.FAILED, failure(""), None, "failed", "quota"),
        (JobStatus.CANCELLED, None, None, "cancelled", "cancelled"),
        (JobStatus.TIMED_OUT, None, None, "timed_out", "timed_out"),
        (JobStatus.PARTIAL, failure(), failure(), "", ""),
        (JobStatus.COMPLETED, None, None, "", ""),
    ],
)
def test_an_error_is_its_stable_code(
    status: JobStatus,
    turn_failure: Failure | None,
    outcome: Failure | None,
    job_error: str,
    turn_error: str,
) -> None:
    """A part of an answer is none."""
    lines: list[Line] = [
        (1.0, 1, TurnStarted(turn=1, cli="codex", argv=("C:\\bin\\codex.exe",))),
        (1.0, 1, ChildStarted(pid=1, started=1.0)),
        (2.0, 1, ChildExited(exit_code=0)),
        (2.0, 1, TurnFailed(result=result(status, failure=turn_failure))),
        (3.0, 0, JobFinished(status=status)),
    ]
    job = make_job(None if outcome is None else attrs.evolve(OUTCOME, error=outcome))
    found = spans(lines, job)

    assert found[0].error == job_error
    assert only(found, "turn")[0].error == turn_error
    assert only(found, "attempt")[0].error == turn_error
    assert only(found, "child")[0].name == "codex.exe"
    assert found[0].attributes.get("error.type", "") == job_error


@pytest.mark.requirement("traces:restart")
def test_what_a_dead_server_left_open_is_closed_as_an_error() -> None:
    """With the end that recovery wrote for the turn, and without any."""
    begun = [line for line in WHOLE if line[0] < 3.0]
    ended = result(JobStatus.ABORTED, failure=failure("aborted"))
    recovered: list[Line] = [
        *begun,
        (9.0, 1, TurnFailed(result=ended)),
        (9.0, 0, JobFinished(status=JobStatus.ABORTED, reason="owner_died")),
    ]
    for lines, end_s in ((recovered, 9.0), (begun, 2.6)):
        found = spans(lines)

        assert [each.attributes["aimux.span"] for each in found] == [
            *("job", "turn", "attempt", "child"),
        ]
        assert {each.error for each in found} == {"aborted"}
        assert {seconds(each)[1] for each in found} == {end_s}


def test_a_strategys_turns_run_side_by_side_without_mixing() -> None:
    """Each with its seat, its own attempts and children."""
    lines: list[Line] = [(0.5, 0, JobStarted())]
    for turn in (1, 2, 3):
        lines.append((turn, turn, TurnStarted(turn=turn, seat=f"S{turn}", cli="codex")))
        lines.append((turn + 0.1, turn, ChildStarted(pid=turn, started=1.0)))
    for turn in (3, 1, 2):
        ended = attrs.evolve(result(attempts=(ATTEMPT,)), turn=turn, seat=f"S{turn}")
        lines.append((6.0 + turn, turn, ChildExited(exit_code=0)))
        lines.append((6.5 + turn, turn, TurnFinished(result=ended)))
    lines.append((12.0, 0, JobFinished(status=JobStatus.COMPLETED)))
    found = spans(lines)
    turns = only(found, "turn")

    assert [each.attributes["aimux.seat"] for each in turns] == ["S3", "S1", "S2"]
    assert {each.parent_id for each in turns} == {found[0].span_id}
    for turn in (1, 2, 3):
        below = span_id("job_1", turn, 1, "attempt")
        child = next(each for each in only(found, "child") if each.parent_id == below)
        assert child.span_id == child_span_id("job_1", turn, 1)
        assert child.attributes["process.pid"] == turn


def test_a_turn_of_a_vendor_has_no_child() -> None:
    """Its attempt is the call."""
    lines: list[Line] = [
        (1.0, 1, TurnStarted(turn=1, cli="gemini-api", model="deep")),
        (1.0, 1, ChildExited(exit_code=0)),
        (2.0, 1, TurnFinished(result=result())),
        (2.0, 0, JobFinished(status=JobStatus.COMPLETED)),
    ]

    assert [each.name for each in spans(lines)] == ["job exec", "turn", "invoke_agent gemini-api"]


def test_a_step_is_inside_and_a_job_without_a_client_is_the_first() -> None:
    """A step is no request of a client's; what begins a trace has nothing above."""
    step = spans(WHOLE, make_job(OUTCOME, parent_id=JobId("job_0")))[0]
    begun = attrs.evolve(ABOVE, span_id="")
    first = spans(WHOLE, make_job(OUTCOME, trace=JobTrace(above=begun, has_spans=True)))[0]

    assert (step.kind, step.is_parent_remote) == (SpanKind.INTERNAL, False)
    assert step.attributes["aimux.parent_job.id"] == "job_0"
    assert (first.parent_id, first.is_parent_remote) == ("", False)


@pytest.mark.requirement("traces:sampled")
def test_only_traces_that_are_kept_and_ours_are_sent() -> None:
    """Not those of a client alone."""
    kept = JobTrace(above=ABOVE, has_spans=True)
    unkept = attrs.evolve(kept, above=attrs.evolve(ABOVE, flags=0))

    assert has_exported_spans(make_job(trace=kept))
    assert not has_exported_spans(make_job(trace=unkept))
    assert not has_exported_spans(make_job(trace=JobTrace(above=ABOVE)))
    assert not has_exported_spans(make_job(trace=None))


def test_the_marks_alone_make_the_same_spans() -> None:
    """So a long log need not be read whole."""
    marked = [line for line in WHOLE if isinstance(line[2], MARKS)]

    assert len(marked) < len(WHOLE)
    assert {line[2].kind for line in marked} <= set(MARK_KINDS)
    assert spans(marked, make_job(OUTCOME)) == spans(WHOLE, make_job(OUTCOME))


EVENTS: Sequence[Event] = (
    *(line[2] for line in WHOLE),
    AttemptFailed(turn=1, attempt=1, failure=failure()),
    TurnFailed(result=result(JobStatus.CANCELLED)),
    TurnStarted(turn=1, cli="claude", attempt=2),
)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 3), st.sampled_from(EVENTS)), max_size=25)
)
def test_any_log_makes_a_tree(lines: list[Line]) -> None:
    """One job on top, every parent there, nothing ends before it begins or outside the job."""
    found = spans(sorted(lines, key=lambda line: line[0]))
    ids = {each.span_id for each in found}

    assert found[0].attributes["aimux.span"] == "job"
    assert {each.parent_id for each in found[1:]} <= ids
    assert all(each.start_at <= each.end_at for each in found)
    for each in found:
        assert found[0].start_at <= each.start_at
        assert each.end_at <= found[0].end_at
