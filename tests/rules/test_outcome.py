"""What a job came to is made of its turns, however it ended."""

import datetime
import math
import random
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.errors import BinaryMissing, PeerFault
from aimux.model import (
    Attempt,
    Failure,
    FailureClass,
    JobStatus,
    Mode,
    Outcome,
    Report,
    SeatSession,
    Session,
    SessionId,
    TurnResult,
    TurnSummary,
    Usage,
    Warned,
)
from aimux.rules import (
    add_usage,
    failure_of,
    outcome_of,
    report_turn,
    session_after,
    summarise,
    total_usage,
)
from aimux.rules._outcome import MAX_CONTENT_CHARS

AT = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
LATER = AT + datetime.timedelta(hours=1)
FIGURES = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_usd")
CANCELLED = Failure(
    failure_class=FailureClass.CANCELLED, code="cancelled", message="enough of that"
)
TOO_LATE = Failure(failure_class=FailureClass.TIMEOUT, code="timed_out", message="too late")
UNFIT = Failure(failure_class=FailureClass.UNKNOWN, code="answer_contract", message="no fit")


def made(number: int = 1, seat: str = "", **other: object) -> TurnResult:
    """Turn `number`, answered by codex."""
    result = TurnResult(
        turn=number,
        seat=seat,
        status=JobStatus.COMPLETED,
        content=f"answer {number}",
        cli="codex",
        model="m",
        usage=Usage(input_tokens=10, output_tokens=1),
        native_session=f"native {number}",
        attempts=(Attempt(cli="codex", outcome="completed", duration_ms=number),),
        exit_code=0,
    )
    return attrs.evolve(result, **other)


def stopped(number: int, seat: str = "", content: str = "", **other: object) -> TurnResult:
    """Turn `number`, cancelled after it had said `content`."""
    return made(
        number,
        seat,
        status=JobStatus.CANCELLED,
        content=content,
        failure=CANCELLED,
        native_session="",
        attempts=(),
        exit_code=None,
        **other,
    )


def waiting(number: int, seat: str = "") -> TurnResult:
    """Turn `number`, cancelled before it had a slot."""
    return TurnResult(turn=number, seat=seat, status=JobStatus.CANCELLED, failure=CANCELLED)


# ---------------------------------------------------------------------------------------- usage

SOME = st.none() | st.integers(0, 10**9)
USAGES = st.none() | st.builds(
    Usage,
    input_tokens=SOME,
    output_tokens=SOME,
    cached_tokens=SOME,
    reasoning_tokens=SOME,
    cost_usd=st.none() | st.floats(0, 1_000),
)


@given(USAGES, USAGES)
def test_two_usages_add_up_figure_by_figure(first: Usage | None, second: Usage | None) -> None:
    """What only one of them tells is that one's; what neither tells stays unknown."""
    both = [each for each in (first, second) if each is not None]
    total = add_usage(first, second)

    assert (total is None) is (not both)
    for name in FIGURES:
        told = [figure for each in both if (figure := getattr(each, name)) is not None]
        found = None if total is None else getattr(total, name)
        assert found == (sum(told) if told else None)


@given(
    st.lists(st.tuples(USAGES, st.sampled_from(JobStatus), st.sampled_from(["", "A", "B"]))),
    st.randoms(use_true_random=False),
)
def test_the_usage_of_a_job_is_the_sum_over_its_turns_in_any_order(
    drawn: list[tuple[Usage | None, JobStatus, str]], shuffler: random.Random
) -> None:
    """Whatever became of each, and whoever asks."""
    turns = [
        made(number, seat, usage=usage, status=status)
        for number, (usage, status, seat) in enumerate(drawn, 1)
    ]
    shuffled = list(turns)
    shuffler.shuffle(shuffled)
    found = outcome_of(turns, failure=CANCELLED).usage
    other = outcome_of(shuffled, report=Report(status=JobStatus.PARTIAL)).usage

    for name in FIGURES:
        told = [
            figure
            for usage, _, _ in drawn
            if usage is not None and (figure := getattr(usage, name)) is not None
        ]
        for usage in (found, other):
            figure = None if usage is None else getattr(usage, name)
            assert (figure is None) is (not told)
            assert math.isclose(figure or 0, math.fsum(told), abs_tol=1e-9)


def test_no_usage_is_no_figure() -> None:
    assert total_usage([]) is None
    assert total_usage([None, None]) is None
    assert total_usage([None, Usage(), Usage(input_tokens=0)]) == Usage(input_tokens=0)


# ------------------------------------------------------------------------------- one turn, listed


def test_a_turn_is_listed_without_its_text() -> None:
    result = made(
        3,
        "judge",
        status=JobStatus.PARTIAL,
        content="käse",
        mode=Mode.WRITE,
        failure=UNFIT,
        duration_ms=7,
        stderr_tail="noise",
    )

    assert summarise(result) == TurnSummary(
        turn=3,
        seat="judge",
        status=JobStatus.PARTIAL,
        cli="codex",
        model="m",
        mode=Mode.WRITE,
        usage=result.usage,
        attempts=result.attempts,
        failure=UNFIT,
        content_chars=4,
        duration_ms=7,
    )


def test_the_report_of_one_turn_is_that_turn() -> None:
    result = made(2, status=JobStatus.PARTIAL, is_cut=True, data=[1], failure=UNFIT)

    assert report_turn(result) == Report(
        status=JobStatus.PARTIAL,
        content="answer 2",
        is_cut=True,
        data=[1],
        failure=UNFIT,
        turn=2,
    )


def test_an_error_of_ours_is_a_failure_with_its_way_out() -> None:
    error = PeerFault("no such thing", code="odd", hint="name another", retryable=True)

    assert failure_of(error) == Failure(
        failure_class=FailureClass.FATAL,
        code="odd",
        message="no such thing",
        hint="name another",
        retryable=True,
    )
    assert failure_of(BinaryMissing("codex")).hint == (BinaryMissing("codex").hint or "")


# ------------------------------------------------------------------------------- a job that reports


def test_a_job_of_one_turn_is_that_turn() -> None:
    warned = Warned(code="of the turn", message="x")
    turn = made(
        effort="high",
        mode=Mode.WRITE,
        data={"ok": True},
        is_cut=True,
        warnings=(warned,),
        stderr_tail="hm",
    )

    outcome = outcome_of([turn], report=report_turn(turn), duration_ms=12)

    assert outcome == Outcome(
        content="answer 1",
        is_cut=True,
        data={"ok": True},
        cli="codex",
        model="m",
        effort="high",
        mode=Mode.WRITE,
        usage=turn.usage,
        exit_code=0,
        duration_ms=12,
        attempts=turn.attempts,
        warnings=(warned,),
        stderr_tail="hm",
        native_session="native 1",
        turns=(summarise(turn),),
    )


def test_a_repair_that_fits_is_the_answer_and_the_first_is_paid_for() -> None:
    first = made(1, status=JobStatus.PARTIAL, failure=UNFIT)
    second = made(2, data={"ok": True})

    outcome = outcome_of([first, second], report=report_turn(second))

    assert (outcome.content, outcome.data, outcome.error) == ("answer 2", {"ok": True}, None)
    assert outcome.native_session == "native 2"
    assert outcome.usage == Usage(input_tokens=20, output_tokens=2)
    assert [each.duration_ms for each in outcome.attempts] == [1, 2]
    assert [each.turn for each in outcome.turns] == [1, 2]


def test_a_repair_that_failed_leaves_the_first_answer() -> None:
    """Its tokens and its attempts count all the same."""
    first = made(1, status=JobStatus.PARTIAL, failure=UNFIT)
    second = made(
        2,
        status=JobStatus.FAILED,
        content="",
        cli="gemini",
        exit_code=1,
        stderr_tail="boom",
        failure=CANCELLED,
    )

    outcome = outcome_of([first, second], report=report_turn(first))

    assert (outcome.content, outcome.error) == ("answer 1", UNFIT)
    assert (outcome.cli, outcome.exit_code, outcome.stderr_tail) == ("codex", 0, "")
    assert outcome.native_session == "native 1"
    assert outcome.usage == Usage(input_tokens=20, output_tokens=2)
    assert len(outcome.attempts) == len(outcome.turns) == 2


def test_the_turn_that_a_report_names_stands_for_the_job() -> None:
    turns = [
        made(1, "A", cli="codex", mode=Mode.WRITE),
        made(2, "B", cli="gemini", model="g"),
        made(3, "judge", cli="qwen", model="q", effort="low", exit_code=2, stderr_tail="e"),
    ]
    report = Report(status=JobStatus.COMPLETED, content="B is right", data=[2], turn=3)

    outcome = outcome_of(turns, report=report)

    assert (outcome.content, outcome.data) == ("B is right", [2])
    assert (outcome.cli, outcome.model, outcome.effort) == ("qwen", "q", "low")
    assert (outcome.exit_code, outcome.stderr_tail) == (2, "e")
    assert outcome.native_session == "native 3"


@pytest.mark.parametrize("named", [None, 9])
def test_several_clis_without_a_named_turn_are_no_cli(named: int | None) -> None:
    turns = [made(1, "A"), made(2, "B", cli="gemini")]

    outcome = outcome_of(turns, report=Report(status=JobStatus.COMPLETED, turn=named))

    assert (outcome.cli, outcome.model, outcome.effort) == ("", "", "")
    assert (outcome.exit_code, outcome.stderr_tail, outcome.native_session) == (None, "", "")


def test_seats_that_all_sit_on_one_cli_and_model_are_shown_with_it() -> None:
    """One that never ran does not speak against it."""
    turns = [made(1, "A"), made(2, "B"), waiting(3, "C")]

    outcome = outcome_of(turns, report=Report(status=JobStatus.COMPLETED))
    other = outcome_of([*turns, made(4, "D", model="n")], report=Report(status=JobStatus.COMPLETED))

    assert (outcome.cli, outcome.model) == ("codex", "m")
    assert (outcome.exit_code, outcome.native_session) == (None, "")  # nobody's in particular
    assert (other.cli, other.model) == ("", "")


def test_warnings_of_the_job_come_first_then_the_reports_then_the_turns() -> None:
    def warned(code: str) -> Warned:
        return Warned(code=code, message="")

    turns = [made(1, warnings=(warned("c"), warned("d"))), made(2, warnings=(warned("e"),))]
    report = Report(status=JobStatus.PARTIAL, warnings=[warned("b")])

    outcome = outcome_of(turns, report=report, warnings=[warned("a")])
    unreported = outcome_of(turns, warnings=[warned("a")])

    assert [each.code for each in outcome.warnings] == ["a", "b", "c", "d", "e"]
    assert [each.code for each in unreported.warnings] == ["a", "c", "d", "e"]


def test_a_report_beats_what_turns_said_and_why_the_job_ended() -> None:
    """Work that came back in time is not unmade by what follows."""
    report = Report(status=JobStatus.COMPLETED, content="whole", is_cut=False)

    outcome = outcome_of([made(1, is_cut=True)], report=report, failure=CANCELLED)

    assert (outcome.content, outcome.is_cut, outcome.error) == ("whole", False, None)


# --------------------------------------------------------------------------- a job that was ended


def test_what_a_work_had_told_is_the_data_of_a_job_that_was_ended() -> None:
    """A report says it all, also that there is no data."""
    failure = Failure(failure_class=FailureClass.CANCELLED, code="cancelled", message="enough")
    ended = outcome_of([], failure=failure, so_far={"solo": 1})
    whole = outcome_of([], report=Report(status=JobStatus.COMPLETED, content="x"), so_far={"a": 1})

    assert (ended.data, ended.error) == ({"solo": 1}, failure)
    assert whole.data is None


def test_a_job_without_turns_is_only_why_it_ended() -> None:
    outcome = outcome_of([], failure=TOO_LATE, duration_ms=5)

    assert outcome == Outcome(error=TOO_LATE, duration_ms=5)


def test_an_ended_job_of_one_seat_keeps_what_it_said_last() -> None:
    turns = [made(1), stopped(2, content="half of a sec", is_cut=True)]

    outcome = outcome_of(turns, failure=CANCELLED)

    assert (outcome.content, outcome.is_cut) == ("half of a sec", True)
    assert (outcome.cli, outcome.exit_code, outcome.error) == ("codex", None, CANCELLED)
    assert outcome.usage == Usage(input_tokens=20, output_tokens=2)


@pytest.mark.parametrize("last", [stopped(2, content=" \n"), stopped(2, cli="gemini"), waiting(2)])
def test_a_repair_that_was_cut_off_before_it_spoke_leaves_the_first_answer(
    last: TurnResult,
) -> None:
    """Content and CLI are of one turn, also where the last one never ran."""
    outcome = outcome_of([made(1), last], failure=CANCELLED)

    assert (outcome.content, outcome.cli, outcome.model) == ("answer 1", "codex", "m")
    assert (outcome.exit_code, outcome.native_session) == (0, "native 1")
    assert [each.turn for each in outcome.turns] == [1, 2]


def test_a_seat_that_said_nothing_is_shown_with_the_cli_that_ran() -> None:
    outcome = outcome_of([stopped(1), waiting(2)], failure=CANCELLED)
    never = outcome_of([waiting(1)], failure=CANCELLED)

    assert (outcome.content, outcome.cli) == ("", "codex")
    assert (never.content, never.cli, never.turns) == ("", "", (summarise(waiting(1)),))


def test_an_ended_job_of_several_seats_tells_what_each_said() -> None:
    turns = [
        made(1, "A", content="for it"),
        stopped(2, "B", content="against", is_cut=True),
        stopped(3, "C", content=" "),
        waiting(4, "D"),
        made(5, "A", content="still for it"),
        made(6, "", content="who am I"),
    ]

    outcome = outcome_of(turns, failure=TOO_LATE)

    assert outcome.content == (
        "## A (completed)\n\nfor it\n\n"
        "## B (cancelled)\n\nagainst\n\n"
        "## A (completed)\n\nstill for it\n\n"
        "## 6 (completed)\n\nwho am I"
    )
    assert (outcome.is_cut, outcome.error, outcome.data) == (True, TOO_LATE, None)


def test_what_many_seats_said_together_has_a_bound() -> None:
    """Short texts stay whole, long ones are cut in the middle, and that is told."""
    long = "x" * MAX_CONTENT_CHARS
    turns = [stopped(1, "A", content=long), stopped(2, "B", content="short"), stopped(3, "C", long)]

    outcome = outcome_of(turns, failure=TOO_LATE)

    assert len(outcome.content) < MAX_CONTENT_CHARS + 500
    assert "## B (cancelled)\n\nshort\n\n" in outcome.content
    assert outcome.content.count("characters cut") == 2
    assert outcome.is_cut


STATUSES = st.sampled_from([JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
TURNS = st.lists(
    st.builds(
        made,
        seat=st.sampled_from(["", "A", "B"]),
        status=STATUSES,
        content=st.sampled_from(["", " ", "one", "two"]),
        cli=st.sampled_from(["", "codex", "gemini"]),
        is_cut=st.booleans(),
    ),
    max_size=5,
).map(lambda turns: [attrs.evolve(each, turn=n) for n, each in enumerate(turns, 1)])


@given(TURNS)
def test_whatever_turns_there_are_nothing_said_is_hidden(turns: Sequence[TurnResult]) -> None:
    """Of one seat the last word, of several every word; CLI and content agree."""
    outcome = outcome_of(turns, failure=CANCELLED)
    said = [turn for turn in turns if turn.content.strip()]

    assert bool(outcome.content) is bool(said)
    assert len(outcome.turns) == len(turns)
    if len({turn.seat for turn in turns}) > 1:
        assert all(turn.content in outcome.content for turn in said)
        assert outcome.is_cut is any(turn.is_cut for turn in said)
    elif said:
        last = said[-1]
        assert (outcome.content, outcome.is_cut) == (last.content, last.is_cut)
        assert (outcome.cli, outcome.native_session) == (last.cli, last.native_session)


# -------------------------------------------------------------------------- the session after it


def make_session(cli: str = "codex", **seats: SeatSession) -> Session:
    return Session(id=SessionId("ses_1"), cli=cli, seats=seats, created_at=AT, last_active_at=AT)


def after(
    session: Session,
    turns: Sequence[TurnResult],
    cli: str = "codex",
    status: JobStatus = JobStatus.COMPLETED,
) -> Session:
    return session_after(session, turns, status=status, cli=cli, at=LATER)


def test_a_session_goes_on_where_its_turn_left_it() -> None:
    session = make_session()

    found = after(session, [made(1)], status=JobStatus.PARTIAL)

    assert found == attrs.evolve(
        session,
        seats={"": SeatSession(cli="codex", model="m", native_id="native 1", turns=1)},
        status=JobStatus.PARTIAL,
        last_active_at=LATER,
    )
    assert session.seats == {}


def test_a_session_without_turns_keeps_its_seats() -> None:
    session = make_session(**{"": SeatSession(cli="codex", native_id="abc", turns=4)})

    found = after(session, [], cli="", status=JobStatus.CANCELLED)

    assert found == attrs.evolve(session, status=JobStatus.CANCELLED, last_active_at=LATER)


def test_each_turn_goes_on_after_the_one_before() -> None:
    """Some CLIs give a session another id with every turn."""
    found = after(make_session(), [made(1), made(2, model="n"), made(3, model="")])

    assert found.seat() == SeatSession(cli="codex", model="n", native_id="native 3", turns=3)


def test_a_turn_that_told_no_native_session_leaves_the_known_one() -> None:
    session = make_session(**{"": SeatSession(cli="codex", model="m", native_id="abc", turns=1)})

    found = after(session, [stopped(1, model="")])

    assert found.seat() == SeatSession(cli="codex", model="m", native_id="abc", turns=2)


def test_a_seat_whose_native_session_nobody_knows_has_none() -> None:
    found = after(make_session(), [made(1, native_session="")])

    assert found.seat() == SeatSession(cli="codex", model="m", native_id="", turns=1)


def test_a_fallback_that_answered_takes_the_seat_over() -> None:
    """Neither model nor native session of the CLI before mean anything to the new one."""
    session = make_session(**{"": SeatSession(cli="codex", model="m", native_id="abc", turns=1)})

    told = after(session, [made(1, cli="gemini", model="g")], cli="gemini")
    untold = after(session, [made(1, cli="gemini", model="", native_session="")], cli="gemini")

    assert told.cli == untold.cli == "gemini"
    assert told.seat() == SeatSession(cli="gemini", model="g", native_id="native 1", turns=2)
    assert untold.seat() == SeatSession(cli="gemini", model="", native_id="", turns=2)


def test_a_fallback_that_said_nothing_leaves_the_seat_with_its_cli() -> None:
    """The conversation is where it was, and the next turn goes on there."""
    session = make_session(**{"": SeatSession(cli="codex", model="m", native_id="abc", turns=1)})

    found = after(session, [stopped(1, cli="gemini")], cli="gemini", status=JobStatus.FAILED)

    assert found.cli == "codex"
    assert found.seat() == SeatSession(cli="codex", model="m", native_id="abc", turns=2)


def test_a_turn_that_never_ran_changes_nothing_in_its_seat() -> None:
    session = make_session(A=SeatSession(cli="codex", native_id="abc", turns=1))

    found = after(session, [waiting(1, "A"), waiting(2, "B")], cli="")

    assert found.seats == session.seats


def test_seats_of_one_job_stay_apart() -> None:
    session = make_session(A=SeatSession(cli="codex", model="m", native_id="a0", turns=1))
    turns = [
        made(1, "A", native_session="a1"),
        made(2, "B", cli="gemini", model="g", native_session="b1"),
        made(3, "judge", cli="qwen", model="q", native_session=""),
        made(4, "B", cli="gemini", model="g", native_session="b2"),
        stopped(5, "A"),
    ]

    found = after(session, turns, cli="")

    assert found.seats == {
        "A": SeatSession(cli="codex", model="m", native_id="a1", turns=3),
        "B": SeatSession(cli="gemini", model="g", native_id="b2", turns=2),
        "judge": SeatSession(cli="qwen", model="q", native_id="", turns=1),
    }
    assert found.turns == 6
    assert found.cli == "codex"  # the job has none of its own


@given(TURNS)
def test_every_turn_that_ran_is_counted_once(turns: Sequence[TurnResult]) -> None:
    session = make_session(A=SeatSession(cli="codex", turns=10))
    found = after(session, turns)

    assert found.turns == 10 + sum(bool(turn.cli) for turn in turns)
    assert {seat.cli for seat in found.seats.values()} <= {"codex", "gemini"}
