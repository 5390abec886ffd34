"""Jobs whose owner died: each turn that was begun has one end, and the job what they came to."""

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from aimux.model import (
    Attempt,
    AttemptFailed,
    ChildExited,
    ChildStarted,
    Entry,
    Event,
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    Message,
    Mode,
    NativeSession,
    Noted,
    Outcome,
    Reasoning,
    SeatSession,
    SessionId,
    Text,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
    Usage,
)
from aimux.rules import total_usage
from aimux.store import Store, _jobs, _orphans
from aimux.store._files import connect_memory
from aimux.store._migrations import migrate

from ..extent import examples
from ._values import at, finish, log, make_job, make_session

DEATH = Failure(
    failure_class=FailureClass.UNKNOWN,
    code="aborted",
    message="the daemon that ran this job died under it",
    retryable=True,
    hint="ask again; with the session id where the CLI can resume",
)
QUOTA = Failure(failure_class=FailureClass.QUOTA, code="quota", message="none left" * 100)


async def outcome_of(store: Store, job_id: str = "job_1") -> Outcome:
    outcome = (await store.job(JobId(job_id))).outcome
    assert outcome is not None
    return outcome


def ends_of(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    """The ends in a log: turn and kind."""
    kinds = {"turn_finished", "turn_failed", "job_finished"}
    return [(each.turn, each.event.kind) for each in entries if each.event.kind in kinds]


# ------------------------------------------------------------------------------- whose they are


async def test_open_jobs_of_another_owner_are_aborted(store: Store) -> None:
    await finish(store, 1)
    await store.create(make_job(2), make_session(2))
    await store.create(make_job(3, owner="two"), make_session(3))
    before = await store.job(JobId("job_1"))

    orphans = await store.abort_orphans("two", at(500))
    again = await store.abort_orphans("two", at(600))

    assert [orphan.job_id for orphan in orphans] == ["job_2"]
    assert again == []
    ended = await store.job(JobId("job_2"))
    assert (ended.status, ended.finished_at, ended.last_seq) == (JobStatus.ABORTED, at(500), 1)
    assert (await store.session(SessionId("ses_2"))).status is JobStatus.ABORTED
    assert (await store.job(JobId("job_3"))).status is JobStatus.QUEUED
    assert await store.job(JobId("job_1")) == before


async def test_what_a_work_had_told_so_far_is_the_data_of_its_end(store: Store) -> None:
    """Its last word counts, other notes do not."""
    told = [Noted(text="a", data={"so_far": {"n": n}}) for n in (1, 2)]
    notes = log(JobStarted(), *told, Noted(text="b", data={"n": 3}))
    await store.create(make_job(1), make_session(1), notes)
    await store.create(make_job(2), make_session(2), log(JobStarted()))
    await store.abort_orphans("two", at(500))
    ended = [(await store.job(JobId(f"job_{number}"))).outcome for number in (1, 2)]

    assert [each and each.data for each in ended] == [{"n": 2}, None]


async def test_orphans_are_told_by_birth_with_their_steps(store: Store) -> None:
    await store.create(make_job(1), make_session(1), log(JobStarted()))
    await store.create(make_job(3, session=1, parent_id=JobId("job_1")), None, log(JobStarted()))
    await store.create(make_job(2), make_session(2))

    orphans = await store.abort_orphans("two", at(500))

    assert [orphan.job_id for orphan in orphans] == ["job_1", "job_3", "job_2"]
    assert (await store.job(JobId("job_3"))).parent_id == "job_1"


async def test_a_session_shows_its_last_job_whoever_died(store: Store) -> None:
    """What died before has nothing to say about a conversation that went on."""
    known = {"": SeatSession(cli="codex", native_id="known", turns=1)}
    await store.create(make_job(1), make_session(1, seats=known))
    said = [TurnStarted(turn=1, cli="codex"), NativeSession(native_id="other")]
    await store.append(JobId("job_1"), log(*said, turn=1))
    later = make_job(2, session=1, owner="two")
    await store.create(later)

    await store.abort_orphans("two", at(500))

    session = await store.session(SessionId("ses_1"))
    assert (session.status, session.seats) == (JobStatus.QUEUED, known)


# ----------------------------------------------------------------------------- what they leave


async def test_an_orphan_keeps_what_it_said_and_leaves_a_trail(store: Store) -> None:
    await store.create(
        make_job(),
        make_session(),
        [
            *log(JobStarted()),
            *log(
                TurnStarted(turn=1, cli="codex", model="a"),
                ChildStarted(pid=10, started=1.5),
                Text(text="of a turn before"),
                ChildExited(exit_code=1),
                first=2,
                turn=1,
            ),
            *log(
                TurnStarted(turn=2, cli="gemini", model="b", effort="high", mode=Mode.WRITE),
                ChildStarted(pid=20, started=2.5),
                NativeSession(native_id="native"),
                Text(text="Hel"),
                Message(text="Hello. "),
                Text(text="And"),
                first=6,
                turn=2,
            ),
            *log(ChildStarted(pid=30, started=3), first=12, turn=3),
        ],
    )

    (orphan,) = await store.abort_orphans("two", at(500))

    assert orphan.session_id == "ses_1"
    assert orphan.children == [(20, 2.5), (30, 3.0)]
    job = await store.job(orphan.job_id)
    outcome = await outcome_of(store)
    second = TurnResult(
        turn=2,
        status=JobStatus.ABORTED,
        content="Hello. \n\nAnd",
        cli="gemini",
        model="b",
        effort="high",
        mode=Mode.WRITE,
        native_session="native",
        failure=DEATH,
        duration_ms=5_000,
    )
    assert attrs.evolve(outcome, turns=()) == Outcome(
        content="Hello. \n\nAnd",
        cli="gemini",
        model="b",
        effort="high",
        duration_ms=11_000,  # from its start to the last it was heard of
        native_session="native",
        error=DEATH,
    )
    assert [(turn.turn, turn.content_chars) for turn in outcome.turns] == [(1, 16), (2, 12), (3, 0)]
    ends = (await store.entries(job.id))[-4:]
    assert [(end.seq, end.at) for end in ends] == [(seq, at(500)) for seq in (13, 14, 15, 16)]
    assert [end.turn for end in ends] == [1, 2, 3, 0]
    assert ends[1].event == TurnFailed(result=second)
    assert ends[3].event == JobFinished(status=JobStatus.ABORTED, reason="owner_died")
    assert job.last_seq == 16
    assert await store.turn(job.id, 2) == second
    session = await store.session(orphan.session_id)
    assert session.seats == {"": SeatSession(cli="gemini", model="b", native_id="native", turns=2)}
    assert (session.cli, (await store.sessions(cli="gemini")).sessions) == ("gemini", [session])


async def test_turns_side_by_side_are_ended_apart(store: Store) -> None:
    """One had its end, the other had not; their lines stand between each other's in the log."""
    answer = TurnResult(
        turn=1,
        seat="A",
        status=JobStatus.COMPLETED,
        content="for it",
        cli="codex",
        usage=Usage(input_tokens=100, cost_usd=0.5),
        native_session="a",
        attempts=(Attempt(cli="codex", outcome="completed"),),
    )
    turns: list[tuple[int, Event]] = [
        (1, TurnStarted(turn=1, seat="A", cli="codex")),
        (2, TurnStarted(turn=2, seat="B", cli="gemini", model="g")),
        (1, ChildStarted(pid=1, started=1.5)),
        (2, ChildStarted(pid=2, started=2.5)),
        (2, NativeSession(native_id="b")),
        (1, NativeSession(native_id="a")),
        (1, Text(text="for ")),
        (2, Text(text="against ")),
        (1, Text(text="it")),
        (2, Usage(input_tokens=7)),
        (1, Usage(input_tokens=100, cost_usd=0.5)),
        (1, ChildExited(exit_code=0)),
        (1, TurnFinished(result=answer)),
        (2, Text(text="it")),
    ]
    entries = log(JobStarted())
    for seq, (turn, event) in enumerate(turns, 2):
        entries += log(event, first=seq, turn=turn)
    await store.create(make_job(), make_session(), entries)

    (orphan,) = await store.abort_orphans("two", at(500))

    outcome = await outcome_of(store)
    assert orphan.children == [(2, 2.5)]
    assert ends_of(await store.entries(orphan.job_id)) == [
        (1, "turn_finished"),
        (2, "turn_failed"),
        (0, "job_finished"),
    ]
    assert await store.turn(orphan.job_id, 1) == answer
    assert await store.turn(orphan.job_id, 2) == TurnResult(
        turn=2,
        seat="B",
        status=JobStatus.ABORTED,
        content="against it",
        cli="gemini",
        model="g",
        usage=Usage(input_tokens=7),
        native_session="b",
        failure=DEATH,
        duration_ms=12_000,
    )
    assert outcome.content == "## A (completed)\n\nfor it\n\n## B (aborted)\n\nagainst it"
    assert outcome.usage == Usage(input_tokens=107, cost_usd=0.5)
    assert outcome.attempts == answer.attempts
    assert (outcome.cli, outcome.native_session, outcome.error) == ("", "", DEATH)
    assert [(turn.seat, turn.status) for turn in outcome.turns] == [
        ("A", JobStatus.COMPLETED),
        ("B", JobStatus.ABORTED),
    ]
    session = await store.session(SessionId("ses_1"))
    assert session.seats == {
        "A": SeatSession(cli="codex", native_id="a", turns=1),
        "B": SeatSession(cli="gemini", model="g", native_id="b", turns=1),
    }
    assert session.cli == "codex"


async def test_a_turn_pays_for_all_its_attempts(store: Store) -> None:
    """It is shown with the last one's words and CLI, and lists those that failed."""
    events = [
        TurnQueued(turn=1, seat="A", position=1),
        TurnStarted(turn=1, seat="A", cli="codex", model="m", effort="low", attempt=1),
        NativeSession(native_id="codex's"),
        Text(text="I begin"),
        Usage(input_tokens=1),
        Usage(input_tokens=10, output_tokens=1),  # the CLI's own sum so far
        AttemptFailed(turn=1, attempt=1, failure=QUOTA),
        TurnStarted(turn=1, seat="A", cli="codex", model="n", attempt=2),
        Usage(output_tokens=5),
        AttemptFailed(turn=1, attempt=2, failure=attrs.evolve(QUOTA, message="none")),
        AttemptFailed(turn=1, attempt=3, failure=QUOTA),  # it could not even be started
        TurnStarted(turn=1, seat="A", cli="gemini", attempt=4),
        Text(text="and I go on"),
        Usage(input_tokens=100),
    ]
    await store.create(
        make_job(), make_session(), [*log(JobStarted()), *log(*events, first=2, turn=1)]
    )

    await store.abort_orphans("two", at(500))

    turn = await store.turn(JobId("job_1"), 1)
    assert (
        turn
        == TurnResult(
            turn=1,
            seat="A",
            status=JobStatus.ABORTED,
            content="and I go on",
            cli="gemini",
            usage=Usage(input_tokens=110, output_tokens=6),
            native_session="",  # another CLI's means nothing here
            attempts=(
                Attempt(
                    cli="codex",
                    model="m",
                    effort="low",
                    outcome="quota",
                    code="quota",
                    message=QUOTA.message[:300],
                    duration_ms=5_000,
                ),
                Attempt(
                    cli="codex",
                    model="n",
                    outcome="quota",
                    code="quota",
                    message="none",
                    duration_ms=2_000,
                ),
            ),
            failure=DEATH,
            duration_ms=12_000,  # from its first attempt on
        )
    )
    outcome = await outcome_of(store)
    assert (outcome.usage, outcome.attempts) == (turn.usage, turn.attempts)


async def test_a_repeated_attempt_goes_on_with_the_native_session(store: Store) -> None:
    events = [
        TurnStarted(turn=1, cli="codex", attempt=1),
        NativeSession(native_id="abc"),
        TurnStarted(turn=1, cli="codex", attempt=2),
    ]
    await store.create(make_job(), make_session(), log(*events, turn=1))

    await store.abort_orphans("two", at(500))

    assert (await outcome_of(store)).native_session == "abc"
    assert (await store.session(SessionId("ses_1"))).seat().native_id == "abc"


async def test_a_turn_that_never_had_a_slot_has_its_end_too(store: Store) -> None:
    events = [
        TurnQueued(turn=1, seat="A", position=2),
        TurnQueued(turn=1, seat="A", position=1),
    ]
    await store.create(
        make_job(), make_session(), [*log(JobQueued(position=1)), *log(*events, first=2, turn=1)]
    )

    await store.abort_orphans("two", at(500))

    assert await store.turn(JobId("job_1"), 1) == TurnResult(
        turn=1, seat="A", status=JobStatus.ABORTED, failure=DEATH, duration_ms=1_000
    )
    assert (await store.job(JobId("job_1"))).started_at is None
    session = await store.session(SessionId("ses_1"))
    assert (session.status, session.seats) == (JobStatus.ABORTED, {})


async def test_an_orphan_without_session_or_words_is_ended_too(store: Store) -> None:
    await store.create(make_job(session_id=SessionId("")), None, log(ChildExited(exit_code=1)))

    (orphan,) = await store.abort_orphans("two", at(500))

    assert (orphan.session_id, orphan.children) == ("", [])
    assert (await store.job(orphan.job_id)).status is JobStatus.ABORTED
    assert await outcome_of(store) == Outcome(error=DEATH)
    assert ends_of(await store.entries(orphan.job_id)) == [(0, "job_finished")]


async def test_an_orphan_without_a_session_keeps_its_turns(store: Store) -> None:
    events = [TurnStarted(turn=1, cli="codex"), Text(text="half"), Usage(input_tokens=1)]
    await store.create(make_job(session_id=SessionId("")), None, log(*events, turn=1))

    await store.abort_orphans("two", at(500))

    outcome = await outcome_of(store)
    assert (outcome.content, outcome.usage) == ("half", Usage(input_tokens=1))
    assert (await store.tally()).sessions == {}


async def test_an_endless_orphan_keeps_its_end(store: Store) -> None:
    await store.create(make_job(), make_session())
    chunk = "x" * 10_000
    texts = [Text(text=chunk) for _ in range(30)]
    await store.append(JobId("job_1"), log(*texts, Text(text="the end"), turn=1))

    await store.abort_orphans("two", at(500))

    outcome = await outcome_of(store)
    assert len(outcome.content) == 64_000
    assert outcome.content.endswith("xxthe end")
    assert outcome.is_cut


async def test_an_answer_that_ended_is_kept_whole(store: Store) -> None:
    """Only what a lost turn had said is cut."""
    answer = TurnResult(turn=1, status=JobStatus.COMPLETED, content="y" * 100_000, cli="codex")
    await store.create(make_job(), make_session(), log(TurnFinished(result=answer), turn=1))

    await store.abort_orphans("two", at(500))

    outcome = await outcome_of(store)
    assert (len(outcome.content), outcome.is_cut) == (100_000, False)


# --------------------------------------------------------------------- what another version wrote


async def rewrite(store: Store, sql: str, *values: object) -> None:
    await store._write(lambda connection: connection.execute(sql, values))


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind": "turn_finished", "result": {"turn": 1, "status": "splendid"}}',
        b'{"kind": "turn_finished", "outcome": {}}',
        b'{"kind": "turn_finished", "result": []}',
    ],
)
async def test_an_end_that_cannot_be_read_is_an_end(store: Store, body: bytes) -> None:
    """The log tells what the turn said; a second end would contradict the first."""
    answer = TurnResult(turn=1, status=JobStatus.COMPLETED, cli="codex")
    said = [TurnStarted(turn=1, cli="codex"), Text(text="all"), TurnFinished(result=answer)]
    await store.create(make_job(), make_session(), log(*said, turn=1))
    await rewrite(store, "UPDATE entries SET body = ? WHERE kind = 'turn_finished'", body)

    await store.abort_orphans("two", at(500))

    assert len(await store.entries(JobId("job_1"))) == 4
    outcome = await outcome_of(store)
    assert outcome.content == "all"
    assert [turn.status for turn in outcome.turns] == [JobStatus.ABORTED]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("usage", b'{"kind": "usage", "input_tokens": "many"}'),
        ("text", b'{"kind": "text", "words": 3}'),
        ("text", b'["text"]'),
        ("text", b"\xff{"),
        ("attempt_failed", b'{"kind": "attempt_failed", "attempt": 1, "failure": {"mood": 1}}'),
        ("attempt_failed", b'{"kind": "attempt_failed", "attempt": 1, "failure": null}'),
        ("child_started", b'{"kind": "child_started", "pid": "x", "started": null}'),
        ("native_session", b'{"kind": "native_session", "native_id": 7}'),
    ],
)
async def test_a_line_that_cannot_be_read_spares_the_others(
    store: Store, kind: str, body: bytes
) -> None:
    said = [
        TurnStarted(turn=1, cli="codex"),
        Text(text="so far"),
        Reasoning(text="to be rewritten"),
        Usage(output_tokens=3),
    ]
    await store.create(make_job(), make_session(), log(*said, turn=1))
    await rewrite(store, "UPDATE entries SET kind = ?, body = ? WHERE seq = 3", kind, body)

    (orphan,) = await store.abort_orphans("two", at(500))

    outcome = await outcome_of(store)
    assert (outcome.content, outcome.usage) == ("so far", Usage(output_tokens=3))
    assert (outcome.attempts, outcome.native_session, orphan.children) == ((), "", [])


async def test_a_turn_whose_start_says_less_is_still_followed(store: Store) -> None:
    await store.create(make_job(), make_session(), log(Text(text="x"), Text(text="y"), turn=1))
    start = b'{"kind": "turn_started", "cli": "codex", "mode": "fly"}'
    await rewrite(store, "UPDATE entries SET kind = 'turn_started', body = ? WHERE seq = 1", start)

    await store.abort_orphans("two", at(500))

    turn = await store.turn(JobId("job_1"), 1)
    assert turn is not None
    assert (turn.cli, turn.model, turn.mode, turn.content) == ("codex", "", Mode.READ, "y")


async def test_a_session_that_cannot_be_read_keeps_what_it_knows(store: Store) -> None:
    """One odd row must not keep a server from starting."""
    said = [TurnStarted(turn=1, cli="codex"), Text(text="x")]
    await store.create(make_job(), make_session(), log(*said, turn=1))
    await rewrite(store, "UPDATE sessions SET body = ?", b'{"id": "ses_1", "mood": 1}')

    (orphan,) = await store.abort_orphans("two", at(500))

    assert orphan.session_id == "ses_1"
    assert (await store.job(orphan.job_id)).status is JobStatus.ABORTED
    assert (await store.tally()).sessions == {JobStatus.ABORTED: 1}


# ------------------------------------------------------------------------------------ any log

SEATS = {1: "A", 2: "B", 3: ""}
SOMETIMES = st.sampled_from(sorted(SEATS))


def said_in(turn: int) -> st.SearchStrategy[Event]:
    """Anything but an end that a turn may put into the log; what it says is its own."""
    seat, mine = SEATS[turn], f"<{turn}>"
    return st.one_of(
        st.just(TurnQueued(turn=turn, seat=seat, position=1)),
        st.just(TurnStarted(turn=turn, seat=seat, cli=f"cli{turn}")),
        st.just(Text(text=mine)),
        st.just(Message(text=mine)),
        st.just(NativeSession(native_id=mine)),
        st.integers(0, 9).map(lambda tokens: Usage(input_tokens=tokens * 10 ** (2 * turn))),
        st.just(ChildStarted(pid=turn, started=1.5)),
        st.just(ChildExited(exit_code=0)),
        st.just(AttemptFailed(turn=turn, attempt=1, failure=QUOTA)),
    )


LOGS = st.lists(SOMETIMES.flatmap(lambda turn: st.tuples(st.just(turn), said_in(turn))))


@pytest.mark.slow
@settings(max_examples=examples(40, 200))
@given(lines=LOGS, ended=st.sets(SOMETIMES))
def test_whatever_stands_in_the_log_every_turn_has_one_end(
    lines: list[tuple[int, Event]], ended: set[int]
) -> None:
    events = list(lines)
    for turn in sorted(ended):
        result = TurnResult(
            turn=turn,
            seat=SEATS[turn],
            status=JobStatus.COMPLETED,
            content=f"<{turn}>",
            usage=Usage(input_tokens=10 ** (2 * turn)),
        )
        events.append((turn, TurnFinished(result=result)))
    entries = [
        entry
        for seq, (turn, event) in enumerate(events, 1)
        for entry in log(event, first=seq, turn=turn)
    ]
    connection = connect_memory()
    migrate(connection)
    _jobs.create(connection, make_job(), make_session(), entries)

    (orphan,) = _orphans.abort(connection, "two", at(500))
    job = _jobs.read(connection, orphan.job_id)
    kept = _jobs.read_entries(connection, orphan.job_id, 0, 10_000)
    begun = sorted({turn for turn, _ in events})
    results = [_jobs.read_turn(connection, orphan.job_id, turn) for turn in begun]
    connection.close()

    assert job.outcome is not None
    assert [entry.seq for entry in kept] == list(range(1, job.last_seq + 1))
    assert kept[-1].event == JobFinished(status=JobStatus.ABORTED, reason="owner_died")
    assert sorted(turn for turn, _ in ends_of(kept)) == [0, *begun]
    assert [turn.turn for turn in job.outcome.turns] == begun
    for turn, result in zip(begun, results, strict=True):
        assert result is not None
        assert result.status is (JobStatus.COMPLETED if turn in ended else JobStatus.ABORTED)
        assert set(result.content.replace(f"<{turn}>", "")) <= {"\n"}
        assert result.native_session in ("", f"<{turn}>")
        tokens = result.usage.input_tokens or 0 if result.usage is not None else 0
        assert tokens % 10 ** (2 * turn) == 0
    used = [result.usage for result in results if result is not None]
    assert job.outcome.usage == total_usage(used)


@pytest.mark.slow
def test_two_thousand_orphans_are_ended_each_once() -> None:
    connection = connect_memory()
    migrate(connection)
    connection.execute("BEGIN")
    for number in range(2_000):
        said = [TurnStarted(turn=1, cli="codex"), Text(text=f"text {number}")]
        entries = log(*said, turn=1)
        _jobs.create(connection, make_job(number), make_session(number), entries)
    connection.execute("COMMIT")

    orphans = _orphans.abort(connection, "two", at(5_000))
    again = _orphans.abort(connection, "two", at(5_001))
    page = _jobs.read(connection, JobId("job_1999"))
    counted = connection.execute("SELECT kind, count(*) FROM entries GROUP BY kind").fetchall()
    connection.close()

    assert [orphan.job_id for orphan in orphans] == [f"job_{number}" for number in range(2_000)]
    assert again == []
    assert page.outcome is not None
    assert page.outcome.content == "text 1999"
    assert dict(counted) == dict.fromkeys(
        ("turn_started", "text", "turn_failed", "job_finished"), 2_000
    )
