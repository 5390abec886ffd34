"""One turn: what ends it, what is kept of it, and what is gone afterwards."""

import json
import pathlib
import tracemalloc
from collections.abc import Sequence
from typing import Final

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.engine import JobHandle
from aimux.engine.turns._terminal import QUESTION_S
from aimux.engine.turns._turns import STDERR_TAIL_CHARS
from aimux.errors import BinaryMissing, PeerFault
from aimux.model import (
    BreakerSettings,
    ChildExited,
    FailureClass,
    Job,
    JobStatus,
    LimitRule,
    Mode,
    ModelRule,
    Outcome,
    OutputRule,
    PromptRule,
    PromptWay,
    SilenceRule,
    StopRule,
    Stream,
    TurnStarted,
)
from aimux.testing import Say, Turn

from .house import (
    ALPHA,
    BETA,
    Heard,
    House,
    answers,
    fails,
    make_profile,
    open_house,
    record,
)

Clock = trio.testing.MockClock
ONE = make_profile("alpha", priority=1)  # one model: what happens to it is the end


def outcome_of(job: Job) -> Outcome:
    assert job.outcome is not None
    return job.outcome


def warned(job: Job) -> list[str]:
    return [each.code for each in outcome_of(job).warnings]


async def kinds(house: House, job: Job) -> list[str]:
    return [entry.event.kind for entry in await house.store.entries(job.id)]


# -------------------------------------------------------------------------------------- how it ends


async def test_a_child_that_leaves_by_itself(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The whole story of a plain turn is in the log, in order, and what it cost in the result."""
    async with open_house(tmp_path, [answers("forty-two!!", native="n-1")]) as house:
        job = await house.run("what is it?")

        assert job.status is JobStatus.COMPLETED
        outcome = outcome_of(job)
        assert (outcome.content, outcome.native_session) == ("forty-two!!", "n-1")
        assert (outcome.exit_code, len(outcome.turns)) == (0, 1)
        assert outcome.usage is not None
        assert (outcome.usage.input_tokens, outcome.usage.cost_usd) == (10, 0.25)
        assert await kinds(house, job) == [
            "job_started",
            "turn_started",
            "child_started",
            "native_session",
            "usage",
            "message",
            "child_exited",
            "turn_finished",
            "job_finished",
        ]
        order = house.driver.specs[0]
        assert order.stdin == b"what is it?"
        assert order.cwd == str(house.work)
        started = next(
            e.event for e in await house.store.entries(job.id) if isinstance(e.event, TurnStarted)
        )
        assert started.argv[1:] == ("run", "--read")
        assert "AIMUX_LINEAGE" in started.env_names


async def test_the_closing_record_ends_the_turn(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A CLI that hangs after its last record is given a moment, then stopped: a success."""
    profile = attrs.evolve(ONE, stop=StopRule(leave_s=3.0, grace_s=2.0))
    hanging = answers("done and hanging", hangs=True, stubborn=True)
    async with open_house(tmp_path, [hanging], profiles=[profile]) as house:
        began = trio.current_time()
        job = await house.run()

        assert job.status is JobStatus.COMPLETED
        assert outcome_of(job).content == "done and hanging"
        assert trio.current_time() - began == 5.0
        exited = [
            e.event for e in await house.store.entries(job.id) if isinstance(e.event, ChildExited)
        ]
        assert [each.signal for each in exited] == ["SIGKILL"]


async def test_silence_warns_stalls_and_ends(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Three tiers, each told once; the last one stops the child and keeps what it had said."""
    mute = Turn(
        says=[
            Say(record(answer="first words")),
        ],
        hangs=True,
    )
    async with open_house(tmp_path, [mute], profiles=[ONE]) as house:
        house.configure(
            streaming_grace_seconds=10,
            streaming_soft_warning_seconds=20,
            streaming_hard_stall_seconds=30,
            streaming_auto_cancel_seconds=40,
        )
        began = trio.current_time()
        job = await house.run()

        assert trio.current_time() - began == 40.0
        assert job.status is JobStatus.TIMED_OUT
        outcome = outcome_of(job)
        assert outcome.content == "first words"
        assert outcome.error is not None
        assert (outcome.error.failure_class, outcome.error.code) == (FailureClass.TIMEOUT, "silent")
        assert outcome.error.message == "alpha printed nothing for 40 s"
        assert warned(job) == ["warning", "stalled"]


async def test_a_byte_ends_the_silence(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Who speaks in time is left alone, and a second silence is warned of again."""
    slow = Turn(
        says=[
            Say(record(delta="a"), after_s=25),
            Say(record(delta="b"), after_s=25),
            Say(record(answer="abracadabra") + record(type="end"), after_s=5),
        ]
    )
    profile = attrs.evolve(ONE, silence=SilenceRule(start_s=1, warn_s=20, stall_s=30, cancel_s=40))
    async with open_house(tmp_path, [slow], profiles=[profile]) as house:
        job = await house.run()

    assert job.status is JobStatus.COMPLETED
    assert warned(job) == ["warning", "warning"]


async def test_who_prints_only_at_the_end_has_only_its_deadline(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`streams: false` is exempt from silence."""
    late = Turn(says=[Say(record(answer="after an hour") + record(type="end"), after_s=3_000)])
    profile = attrs.evolve(ONE, silence=SilenceRule(streams=False), timeout_s=3_600)
    async with open_house(tmp_path, [late], profiles=[profile]) as house:
        job = await house.run()

    assert job.status is JobStatus.COMPLETED
    assert warned(job) == []


@pytest.mark.parametrize("own", [True, False])
async def test_the_deadline_keeps_partial_text_and_the_exit(
    tmp_path: pathlib.Path, autojump_clock: Clock, own: bool
) -> None:
    """The caller's limit or the profile's: timed out, text and exit code kept, no second try."""
    chatty = Turn(
        says=[Say(record(delta=f"{n} "), after_s=1) for n in range(100)],
        last_words=b"",
        stop_code=7,
    )
    profile = attrs.evolve(ALPHA, timeout_s=600.0 if own else 10.5)
    async with open_house(tmp_path, [chatty], profiles=[profile, BETA]) as house:
        began = trio.current_time()
        job = await house.run(timeout_s=10.5 if own else None)

        assert trio.current_time() - began == 10.5
        assert job.status is JobStatus.TIMED_OUT
        outcome = outcome_of(job)
        assert outcome.content == "0 1 2 3 4 5 6 7 8 9"
        assert outcome.exit_code == 7
        assert outcome.error is not None
        assert outcome.error.message == "alpha did not finish within 10 s"
        assert outcome.error.hint == "give a larger timeout_seconds, or a smaller task"
        assert len(outcome.attempts) == 1


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (LimitRule(max_bytes=1_000), "printed more than 1000 bytes"),
        (LimitRule(max_events=20), "made more than 20 events"),
    ],
)
async def test_a_runaway_is_ended(
    tmp_path: pathlib.Path, autojump_clock: Clock, limits: LimitRule, what: str
) -> None:
    """Caps on bytes and events end a loop; nobody else is tried with the same prompt."""
    loop = Turn(says=[Say(record(delta="again "), after_s=0.1)] * 10_000)
    profile = attrs.evolve(ALPHA, limits=limits)
    async with open_house(tmp_path, [loop], profiles=[profile, BETA]) as house:
        job = await house.run()

    assert job.status is JobStatus.PARTIAL
    outcome = outcome_of(job)
    assert outcome.content.startswith("again again")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("runaway", f"alpha {what}")


async def test_too_many_tool_steps_are_a_runaway(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Steps are counted by what the CLI says of its own loop."""
    step = record(type="item.started", item={"id": "1", "type": "command_execution"})
    loop = Turn(says=[Say(step, after_s=0.1)] * 50)
    profile = attrs.evolve(ONE, output=OutputRule(dialect="codex"), limits=LimitRule(max_steps=3))
    steps = [
        record(type="item.started", item={"id": str(n), "type": "command_execution"})
        for n in range(50)
    ]
    loop = Turn(says=[Say(each, after_s=0.1) for each in steps])
    async with open_house(tmp_path, [loop], profiles=[profile]) as house:
        job = await house.run()

    error = outcome_of(job).error
    assert error is not None
    assert error.message == "alpha took more than 3 tool steps"


async def test_caps_do_not_spoil_an_answer_that_is_there(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What a CLI prints after its closing record makes no failure of a success."""
    turn = Turn(says=[Say(record(answer="a fine answer") + record(type="end") + b"x" * 5_000)])
    profile = attrs.evolve(ONE, limits=LimitRule(max_bytes=500))
    async with open_house(tmp_path, [turn], profiles=[profile]) as house:
        job = await house.run()

    assert job.status is JobStatus.COMPLETED


# ------------------------------------------------------------------------------------- what is kept


MEBIBYTES: Final = 2**20
LINE = b"The quick brown fox jumps over the lazy dog, and nobody minds at all today.\n"


def _claude_says(text: str) -> bytes:
    said = {"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "stream", "data"),
    [
        pytest.param("text", Stream.STDOUT, LINE * 862, id="text"),
        pytest.param("text", Stream.STDOUT, ("schön 🎉\n" * 5_000).encode(), id="wide"),
        pytest.param("text", Stream.STDERR, LINE * 862, id="stderr"),
        pytest.param("text", Stream.STDOUT, b"x" * 65_536, id="line"),
        pytest.param("claude", Stream.STDOUT, b"x" * 65_536, id="record"),
        pytest.param("claude", Stream.STDOUT, _claude_says("word " * 10_000), id="messages"),
        pytest.param("claude", Stream.STDOUT, _claude_says("wörd🎉 " * 8_000), id="wide messages"),
    ],
)
async def test_a_flood_costs_little_memory(
    tmp_path: pathlib.Path, autojump_clock: Clock, dialect: str, stream: Stream, data: bytes
) -> None:
    """Much flows through; what is held of it has limits, to the stored answer."""
    count = (10 if stream is Stream.STDERR else 50) * MEBIBYTES // len(data)
    end = b"\nthe end\n" if dialect == "text" else record(type="result", result="the end")
    turn = Turn(says=[*[Say(data, stream=stream)] * count, Say(end)])
    profile = attrs.evolve(ONE, output=OutputRule(dialect=dialect))
    async with open_house(tmp_path, [turn], profiles=[profile]) as house:
        tracemalloc.start()
        try:
            job = await house.run()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 48 * MEBIBYTES
    if dialect == "text" and stream is Stream.STDOUT:
        assert outcome_of(job).is_cut


async def test_text_of_a_turn_that_was_ended_is_cut_openly(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What is left of it is the beginning, and the outcome says so."""
    loop = Turn(says=[Say(record(delta="x" * 2**18), after_s=1)] * 10, hangs=True)
    profile = attrs.evolve(ONE, timeout_s=20)
    async with open_house(tmp_path, [loop], profiles=[profile]) as house:
        job = await house.run()

    assert job.status is JobStatus.TIMED_OUT
    assert len(outcome_of(job).content) == 2**20
    assert outcome_of(job).is_cut


async def test_the_end_of_stderr_is_kept_without_secrets(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """At most a few kilobytes, from the end, with keys masked; only of a turn that failed."""
    flood = b"noise noise noise\n" * 2_000
    secret = b"Authorization: Bearer sk-ant-REDACTED\n"
    turn = Turn(
        says=[Say(flood, stream=Stream.STDERR), Say(secret, stream=Stream.STDERR)], exit_code=3
    )
    async with open_house(tmp_path, [turn, answers()], profiles=[ONE]) as house:
        job = await house.run()
        tail = outcome_of(job).stderr_tail
        assert len(tail) <= STDERR_TAIL_CHARS
        assert tail.count("noise") > 100
        assert "Authorization" in tail
        assert "abcdefghij" not in tail

        assert outcome_of(await house.run()).stderr_tail == ""


async def test_the_prompt_file_is_private_and_removed(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A prompt that goes by file is there for the child only."""
    seen: list[tuple[bytes, int]] = []

    def read(order: object) -> Turn:
        argv: Sequence[str] = order.argv  # type: ignore[attr-defined]
        path = pathlib.Path(argv[-1])
        seen.append((path.read_bytes(), path.stat().st_mode & 0o777))
        paths.append(path)
        return answers()

    paths: list[pathlib.Path] = []
    rule = PromptRule(ways=(PromptWay.FILE,), file_flag="--prompt-file")
    profile = attrs.evolve(ONE, prompt=rule)
    async with open_house(tmp_path, read, profiles=[profile]) as house:
        job = await house.run("a prompt\nof two lines")
        assert job.status is JobStatus.COMPLETED

        hung = await house.engine.prepare(house.request("another"))
        house.driver._turn_for = lambda order: (read(order), Turn(hangs=True))[1]
        handle = await house.begin(hung)
        await trio.testing.wait_all_tasks_blocked()
        assert paths[1].exists()
        handle.cancel("enough")
        await handle.done.wait()

    assert seen == [(b"a prompt\nof two lines", 0o600), (b"another", 0o600)]
    assert not any(path.exists() for path in paths)


async def test_warnings_of_a_good_answer_are_kept(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A suspicious answer is an answer with a warning."""
    async with open_house(tmp_path, [answers("ok")]) as house:
        job = await house.run()

    assert job.status is JobStatus.COMPLETED
    assert warned(job) == ["short_answer"]


# ---------------------------------------------------------------------------------- beginning, end


async def test_a_driver_that_refuses_the_child(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A missing binary has a next candidate; a fault of the caller's ends the job."""
    turns = [
        Turn(fault=BinaryMissing("no such program")),
        answers(),
        Turn(fault=PeerFault("an argument is too long", code="argument_too_long")),
    ]
    async with open_house(tmp_path, turns) as house:
        good = await house.run()
        bad = await house.run()

    assert [(a.cli, a.outcome, a.code) for a in outcome_of(good).attempts] == [
        ("alpha", "not_run", "cli_not_installed"),
        ("beta", "completed", ""),
    ]
    assert bad.status is JobStatus.FAILED
    error = outcome_of(bad).error
    assert error is not None
    assert error.code == "argument_too_long"


async def test_cancelled_while_it_runs(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The child is stopped politely and gone before the job is over; nothing is judged."""
    turn = Turn(says=[Say(record(delta="so far"))], hangs=True, last_words=b"bye")
    async with open_house(tmp_path, [turn]) as house:
        handle = await start(house)
        await trio.testing.wait_all_tasks_blocked()
        handle.cancel("by hand")
        await handle.done.wait()

        assert handle.job.status is JobStatus.CANCELLED
        assert house.driver.running == 0
        assert house.driver.children[0].stopping.is_set() or house.driver.running == 0
        assert outcome_of(handle.job).content == "so far"
        assert (await kinds(house, handle.job)).count("turn_failed") == 1
        assert house.engine.guard.view("alpha").failures == 0


async def test_a_kill_skips_the_polite_signal(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A stubborn child costs a cancelled job its grace and a killed one nothing."""
    stubborn = Turn(hangs=True, stubborn=True)
    async with open_house(tmp_path, [stubborn, stubborn]) as house:
        for is_kill, cost_s in ((False, ALPHA.stop.grace_s), (True, 0.0)):
            handle = await start(house)
            await trio.testing.wait_all_tasks_blocked()
            began = trio.current_time()
            handle.cancel("now", is_kill=is_kill)
            await handle.done.wait()

            assert trio.current_time() - began == cost_s


async def start(house: House, **more: object) -> JobHandle:
    return await house.begin(house.request(**more))


# ------------------------------------------------------------------------------------------ breaker


async def test_an_opening_breaker_takes_the_silent_turns(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Turns that have said nothing are cancelled when their CLI is given up; others go on."""
    silent = Turn(hangs=True)
    talking = Turn(
        says=[
            Say(record(delta="I am ")),
            Say(record(answer="I am at work") + record(type="end"), after_s=60),
        ]
    )
    failing = Turn(says=[Say(b"log in first", Stream.STDERR, after_s=5)], exit_code=1)
    alphas = {b"silent": silent, b"talking": talking, b"failing": failing}

    def turns(order: ProcessSpec) -> Turn:
        if order.argv[0].endswith("beta"):
            return answers("beta to the rescue")
        return alphas[order.stdin or b""]

    async with open_house(
        tmp_path, turns, profiles=[ONE, BETA], breaker=BreakerSettings(failure_threshold=1)
    ) as house:
        handles = [await start(house, prompt=each.decode()) for each in alphas]
        for handle in handles:
            await handle.done.wait()

        rescued, worked, failed = (handle.job for handle in handles)
        assert [a.outcome for a in outcome_of(failed).attempts] == ["auth", "completed"]
        assert worked.status is JobStatus.COMPLETED
        assert outcome_of(worked).content == "I am at work"
        assert rescued.status is JobStatus.COMPLETED
        assert [(a.cli, a.outcome, a.code) for a in outcome_of(rescued).attempts] == [
            ("alpha", "not_run", "circuit_open"),
            ("beta", "completed", ""),
        ]


# ----------------------------------------------------------------------------------------- terminal


@pytest.mark.parametrize("answer", ["yes", None])
async def test_a_question_on_a_terminal_reaches_the_person(
    tmp_path: pathlib.Path, autojump_clock: Clock, answer: str | None
) -> None:
    """A child that asks and falls silent is answered by who waits; if nobody can, that is told."""
    turn = Turn(
        says=[
            Say(b"Welcome\nTrust this folder? [y/n] "),
            Say(b"\nthank you, here is the answer\n", after_s=QUESTION_S * 3),
            Say(b"Trust this folder? [y/n] ", after_s=0.1),
            Say(b"\nbye\n", after_s=QUESTION_S * 3),
        ]
    )
    profile = attrs.evolve(ONE, output=OutputRule(dialect="text"))
    person = Heard(answer=answer)
    async with open_house(tmp_path, [turn], profiles=[profile]) as house:
        payload = await house.call("exec", person, prompt="go", tty=True)

        assert payload.body["status"] == "completed"
        question = "alpha asks: Trust this folder? [y/n]"
        assert person.questions == [question] * (2 if answer else 1)
        codes = [each["code"] for each in payload.body["warnings"]]  # type: ignore[attr-defined]
        assert codes == ([] if answer else ["waiting_for_input"])
        keyboard = house.driver.specs[0].keyboard
        assert keyboard is not None
        if answer:
            assert keyboard.receive_nowait() == b"yes\n"


async def test_a_statement_on_a_terminal_is_no_question(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Silence after a plain line asks nobody."""
    turn = Turn(
        says=[
            Say(b"working\n"),
            Say(b"still working\n", after_s=9),
            Say(b"a fine answer\n", after_s=9),
        ]
    )
    profile = attrs.evolve(ONE, output=OutputRule(dialect="text"))
    person = Heard(answer="x")
    async with open_house(tmp_path, [turn], profiles=[profile]) as house:
        payload = await house.call("exec", person, prompt="go", tty=True)

    assert payload.body["status"] == "completed"
    assert person.questions == []


async def test_one_model_after_the_other_is_named_in_the_argv(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The model of each attempt reaches its child, and the mode with it."""
    profile = attrs.evolve(ALPHA, model=ModelRule(flag="--model", default="a1", fallback=["a2"]))
    turns = [fails("out of quota"), answers()]
    async with open_house(tmp_path, turns, profiles=[profile]) as house:
        await house.run(mode=Mode.WRITE)

    argvs = [order.argv[1:] for order in house.driver.specs]
    assert argvs == [["run", "--write", "--model", "a1"], ["run", "--write", "--model", "a2"]] or (
        argvs == [["run", "--write"], ["run", "--write", "--model", "a2"]]
    )
