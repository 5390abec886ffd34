"""What follows a failed attempt, and what a job tells of all of them."""

import json
import pathlib
import subprocess
from collections.abc import Callable, Mapping

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.model import (
    HookError,
    HookSettings,
    HookTime,
    Job,
    JobStatus,
    Mode,
    ModeRule,
    OutputRule,
    ResumeRule,
    RouteRequest,
    Stream,
    Strength,
)
from aimux.testing import Say, Turn

from .house import ALPHA, BETA, GAMMA, House, answers, fails, make_profile, open_house, record

Clock = trio.testing.MockClock
ALONE = attrs.evolve(ALPHA, model=attrs.evolve(ALPHA.model, fallback=()))
SOFT = make_profile(
    "alpha",
    priority=1,
    modes={Mode.READ: ModeRule(flags=["--read"], strength=Strength.SOFT), Mode.WRITE: ModeRule()},
)


def tried(job: Job) -> list[tuple[str, str, str]]:
    assert job.outcome is not None
    return [(each.cli, each.model, each.outcome) for each in job.outcome.attempts]


def codes(job: Job) -> list[str]:
    assert job.outcome is not None
    return [each.code for each in job.outcome.warnings]


def error_of(job: Job) -> str:
    assert job.outcome is not None
    return job.outcome.error.code if job.outcome.error is not None else ""


# ---------------------------------------------------------------------------------------- the table


@pytest.mark.parametrize(
    ("message", "then"),
    [
        ("out of quota", ("alpha", "a2")),
        ("no such model", ("alpha", "a2")),
        ("log in first", ("beta", "")),
        ("server hiccup", ("alpha", "")),
        ("strange flag", ("beta", "")),
        ("context overflow", None),
        ("nobody knows what", ("beta", "")),
    ],
)
async def test_what_follows_a_failure(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    message: str,
    then: tuple[str, str] | None,
) -> None:
    """Model chain before another CLI, transient once more, auth and flags leave the CLI."""
    async with open_house(tmp_path, [fails(message), answers()]) as house:
        job = await house.run()

    first, *rest = tried(job)
    assert first[:2] == ("alpha", "")
    if then is None:
        assert rest == []
        assert job.status is JobStatus.FAILED
    else:
        assert rest == [(*then, "completed")]
        assert job.status is JobStatus.COMPLETED


async def test_the_models_of_a_cli_come_before_another_cli(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Quota everywhere: a, a2, a3, then beta, then gamma; and each pair is left alone a while."""
    turns = [fails("out of quota")] * 5
    async with open_house(tmp_path, turns) as house:
        job = await house.run()

        assert [each[:2] for each in tried(job)] == [
            ("alpha", ""),
            ("alpha", "a2"),
            ("alpha", "a3"),
            ("beta", ""),
            ("gamma", ""),
        ]
        assert job.status is JobStatus.FAILED
        assert error_of(job) == "rate_limited"
        assert house.engine.guard.cooled_pairs() == {
            ("alpha", ""),
            ("alpha", "a2"),
            ("alpha", "a3"),
            ("beta", ""),
            ("gamma", ""),
        }
        await trio.sleep(61)
        assert house.engine.guard.cooled_pairs() == frozenset()


async def test_a_cooling_pair_is_not_tried(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The next call begins with the next model."""
    turns = [fails("out of quota"), answers(), answers()]
    async with open_house(tmp_path, turns) as house:
        await house.run()
        job = await house.run()

    assert tried(job) == [("alpha", "a2", "completed")]


async def test_a_transient_failure_is_tried_once_more(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Twice on one CLI, then the next one."""
    turns = [fails("server hiccup")] * 2 + [answers()]
    async with open_house(tmp_path, turns) as house:
        job = await house.run()

    assert tried(job) == [
        ("alpha", "", "transient"),
        ("alpha", "", "transient"),
        ("beta", "", "completed"),
    ]


async def test_an_empty_answer_is_tried_once_more(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Success without an answer is none."""
    empty = Turn(says=[Say(record(type="end"))])
    async with open_house(tmp_path, [empty, answers()]) as house:
        job = await house.run()

    assert [each[2] for each in tried(job)] == ["transient", "completed"]


async def test_a_named_cli_is_not_replaced(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Another CLI only with `fallback`; the caller's word is kept."""
    turns = [fails("log in first"), fails("log in first"), answers()]
    async with open_house(tmp_path, turns) as house:
        strict = await house.run(route=RouteRequest(cli="beta"))
        loose = await house.run(route=RouteRequest(cli="beta", fallback=True))

    assert tried(strict) == [("beta", "", "auth")]
    assert strict.status is JobStatus.FAILED
    assert [each[0] for each in tried(loose)] == ["beta", "alpha"]


async def test_partial_text_of_a_failed_turn_is_kept(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Some answer and a failure are `partial`, with both."""
    turns = [fails("context overflow", said="half of it")]
    async with open_house(tmp_path, turns) as house:
        job = await house.run()

    assert job.status is JobStatus.PARTIAL
    assert job.outcome is not None
    assert job.outcome.content == "half of it"
    assert job.outcome.exit_code == 1
    assert error_of(job) == "context_overflow"


async def test_a_write_turn_that_has_begun_is_never_repeated(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Its changes are in the tree: nobody else gets the same task."""
    codex = OutputRule(dialect="codex")
    step = record(type="item.started", item={"id": "1", "type": "command_execution"})
    broken = Turn(says=[Say(step), Say(b"server hiccup", Stream.STDERR)], exit_code=1)
    early = Turn(says=[Say(b"server hiccup", Stream.STDERR)], exit_code=1)
    done = Turn(
        says=[
            Say(
                record(
                    type="item.completed", item={"type": "agent_message", "text": "all done now"}
                )
            ),
            Say(record(type="turn.completed", usage={})),
        ]
    )
    profile = attrs.evolve(ALONE, output=codex)
    async with open_house(
        tmp_path, [broken, early, done, broken, done], profiles=[profile]
    ) as house:
        begun = await house.run(mode=Mode.WRITE)
        not_begun = await house.run(mode=Mode.WRITE)
        output = await house.run()

    assert [each[2] for each in tried(begun)] == ["transient"]
    assert codes(begun) == ["not_retried"]
    assert [each[2] for each in tried(not_begun)] == ["transient", "completed"]
    assert [each[2] for each in tried(output)] == ["transient", "completed"]


async def test_the_mode_survives_the_fallback(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A CLI that does not offer the mode is passed over, and that is told."""
    readonly = attrs.evolve(BETA, modes={Mode.READ: ModeRule(strength=Strength.POLICY)})
    turns = [fails("log in first"), answers()]
    async with open_house(tmp_path, turns, profiles=[ALPHA, readonly, GAMMA]) as house:
        job = await house.run(mode=Mode.WRITE)

        assert [each[0] for each in tried(job)] == ["alpha", "gamma"]
        assert [order.argv[2] for order in house.driver.specs] == ["--write", "--write"]
        assert codes(job) == ["candidate_skipped"]
        assert job.outcome is not None
        assert job.outcome.warnings[0].message == "beta: offers no write mode"


async def test_the_deadline_is_shared(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A second attempt has what the first one left."""
    slow = Turn(says=[Say(record(type="error", message="log in first"), after_s=8)], exit_code=1)
    hanging = Turn(says=[Say(b"\n", after_s=1)] * 50, hangs=True)
    async with open_house(tmp_path, [slow, hanging]) as house:
        began = trio.current_time()
        job = await house.run(timeout_s=10)

        assert trio.current_time() - began == 10
        assert [each[2] for each in tried(job)] == ["auth", "timeout"]
        assert job.status is JobStatus.TIMED_OUT


async def test_nothing_could_be_run(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Every candidate refused: failed, and each is listed with why."""
    async with open_house(tmp_path, [fails("nobody knows")] * 9) as house:
        prepared = await house.engine.prepare(
            house.request(route=RouteRequest(cli="alpha", fallback=True))
        )
        for _ in range(3):  # three in a row open the breakers, after the request was prepared
            await house.run()
        handle = await house.begin(prepared)
        await handle.done.wait()

    assert [each[2] for each in tried(handle.job)] == ["not_run"] * 3
    assert handle.job.status is JobStatus.FAILED
    assert error_of(handle.job) == "circuit_open"


# ----------------------------------------------------------------------------------------- sessions


async def test_a_session_goes_on_through_the_clis_own_resume(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The native id goes back into the argv; instructions are told once."""
    turns = [answers(native="n-1"), answers("and more")]
    async with open_house(tmp_path, turns) as house:
        first = await house.run("first", route=RouteRequest(role="review"))
        second = await house.run("second", session_id=first.session_id)

        one, two = house.driver.specs
        assert one.stdin == b"You are a reviewer.\n\nfirst"
        assert two.stdin == b"second"
        assert two.argv[3:] == ["--resume", "n-1"]
        assert second.session_id == first.session_id
        assert second.role == "review"
        session = await house.store.session(first.session_id)
        assert (session.turns, session.seat().native_id) == (2, "n-1")


async def test_a_cli_that_cannot_resume_is_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Earlier turns stand in the prompt, and a warning says so."""
    profile = attrs.evolve(ALPHA, resume=ResumeRule())
    async with open_house(
        tmp_path, [answers("blue"), answers("blue, as I said")], profiles=[profile]
    ) as house:
        first = await house.run("what colour?", route=RouteRequest(role="review"))
        second = await house.run("are you sure?", session_id=first.session_id)

        told = (house.driver.specs[1].stdin or b"").decode()
        assert told.startswith("You are a reviewer.\n\nThis conversation goes on.")
        assert "```\nwhat colour?\n```" in told
        assert "```\nblue\n```" in told
        assert told.endswith("Now, in the same conversation:\n\nare you sure?")
        assert codes(second) == ["session_retold"]


async def test_a_lost_session_is_retold(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The CLI has forgotten: the same turn is asked again with everything in the prompt."""
    lost = fails("No conversation found with session ID n-1")
    turns = [answers("blue", native="n-1"), lost, answers("still blue", native="n-2")]
    async with open_house(tmp_path, turns) as house:
        first = await house.run("what colour?")
        second = await house.run("sure?", session_id=first.session_id)

        assert second.status is JobStatus.COMPLETED
        assert codes(second) == ["session_retold"]
        again = house.driver.specs[2]
        assert "--resume" not in again.argv
        assert b"what colour?" in (again.stdin or b"")
        session = await house.store.session(first.session_id)
        assert session.seat().native_id == "n-2"


async def test_a_cli_whose_sessions_we_name(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The name we gave is the native id, and it resumes."""
    rule = ResumeRule(flags=["-r", "{id}"], chosen=True, new_flags=["-n", "{id}"])
    profile = attrs.evolve(ALPHA, resume=rule)
    async with open_house(tmp_path, [answers(), answers()], profiles=[profile]) as house:
        first = await house.run()
        await house.run("more", session_id=first.session_id)

        one, two = house.driver.specs
        assert one.argv[3] == "-n"
        assert two.argv[3:] == ["-r", one.argv[4]]
        assert one.argv[4] == first.session_id.replace("_", "-").lower()


# ----------------------------------------------------------------------------------------- contract

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
}


async def test_an_answer_that_fits_the_schema(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The schema stands in the prompt, the parsed answer in `data`."""
    async with open_house(tmp_path, [answers('Here: {"n": 3}')]) as house:
        job = await house.run("count", schema=SCHEMA)

        assert job.status is JobStatus.COMPLETED
        assert job.outcome is not None
        assert job.outcome.data == {"n": 3}
        assert b'"required"' in (house.driver.specs[0].stdin or b"")


@pytest.mark.parametrize("native", ["n-1", ""])
async def test_one_repair_is_asked_for(
    tmp_path: pathlib.Path, autojump_clock: Clock, native: str
) -> None:
    """In the same conversation if there is one, else with the rejected answer as material."""
    turns = [answers('{"n": "three"}', native=native), answers('{"n": 3}', native=native)]
    profile = ALPHA if native else attrs.evolve(ALPHA, resume=ResumeRule())
    async with open_house(tmp_path, turns, profiles=[profile]) as house:
        job = await house.run("count", schema=SCHEMA)

        assert job.status is JobStatus.COMPLETED
        assert job.outcome is not None
        assert (job.outcome.data, job.outcome.content) == ({"n": 3}, '{"n": 3}')
        again = house.driver.specs[1]
        assert b"does not fit the JSON Schema" in (again.stdin or b"")
        assert ("--resume" in again.argv) is bool(native)
        assert (b'{"n": "three"}' in (again.stdin or b"")) is not bool(native)
        assert [each[2] for each in tried(job)] == ["completed", "completed"]


@pytest.mark.parametrize("second", [answers('{"n": null}'), fails("log in first")])
async def test_an_answer_that_never_fits_is_partial(
    tmp_path: pathlib.Path, autojump_clock: Clock, second: Turn
) -> None:
    """One repair and no more; what was answered is kept, `data` is not made up."""
    turns = [answers("no JSON at all"), second]
    async with open_house(tmp_path, turns, installed=["alpha"]) as house:
        job = await house.run("count", schema=SCHEMA)

        assert len(house.driver.specs) == 2
        assert job.status is JobStatus.PARTIAL
        assert error_of(job) == "answer_contract"
        assert job.outcome is not None
        assert job.outcome.data is None
        assert job.outcome.content


# ------------------------------------------------------------------------------------------ scratch


def writer(path: str) -> Callable[[ProcessSpec], Turn]:
    """A CLI that writes although it should only read."""

    def turn_for(order: ProcessSpec) -> Turn:
        (pathlib.Path(order.cwd) / path).write_text("changed", encoding="utf-8")
        return answers()

    return turn_for


def make_repository(path: pathlib.Path) -> None:
    subprocess.run(["git", "init", "-q", str(path)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("is_git", [True, False])
async def test_a_soft_reader_never_touches_the_users_tree(
    tmp_path: pathlib.Path, autojump_clock: Clock, is_git: bool
) -> None:
    """It works on a copy; what it changes there is reported and thrown away.

    Git is a real child here: what it lists is the point.
    """
    async with open_house(tmp_path, writer("a.txt"), profiles=[SOFT]) as house:
        (house.work / "a.txt").write_text("mine", encoding="utf-8")
        (house.work / "junk.log").write_text("junk", encoding="utf-8")
        if is_git:
            (house.work / ".gitignore").write_text("*.log\n", encoding="utf-8")
            await trio.to_thread.run_sync(make_repository, house.work)
        job = await house.run()

        assert (house.work / "a.txt").read_text(encoding="utf-8") == "mine"
        seen = pathlib.Path(house.driver.specs[0].cwd)
        assert seen != house.work
        scratch = tmp_path / "state" / "tmp" / "me" / "scratch"
        assert str(seen).startswith(str(scratch))
        assert not list(scratch.iterdir())
        assert job.outcome is not None
        assert [(each.code, each.message) for each in job.outcome.warnings] == [
            ("mode_violated", "changed files although told to read only: a.txt")
        ]


async def test_a_writer_works_in_the_tree_itself(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Scratch copies are for reading with a soft CLI only."""
    async with open_house(tmp_path, [answers()], profiles=[SOFT]) as house:
        await house.run(mode=Mode.WRITE)

        assert house.driver.specs[0].cwd == str(house.work)


# -------------------------------------------------------------------------------------------- hooks


def hook_driver(
    said: Mapping[str, object] | bytes, **more: object
) -> Callable[[ProcessSpec], Turn]:
    """Hooks say this, CLIs answer."""
    data = said if isinstance(said, bytes) else json.dumps(said).encode()

    def turn_for(order: ProcessSpec) -> Turn:
        if order.argv[0] == "hook":
            return Turn(says=[Say(data)], **more)  # type: ignore[arg-type]
        return answers()

    return turn_for


def hooked(**more: object) -> Mapping[str, HookSettings]:
    return {"h": HookSettings(command=["hook", "now"], **more)}  # type: ignore[arg-type]


def runs(house: House) -> list[str]:
    return [pathlib.Path(order.argv[0]).name for order in house.driver.specs]


async def test_a_hook_sees_the_turn(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Before: what will be run. After: what came of it. Both from the CLI's own surroundings."""
    hooks = {
        "b": HookSettings(command=["hook"]),
        "a": HookSettings(command=["hook"], when=HookTime.AFTER),
    }
    async with open_house(tmp_path, hook_driver(b""), hooks=hooks) as house:
        job = await house.run("do it")

        assert runs(house) == ["hook", "alpha", "hook"]
        before = json.loads(house.driver.specs[0].stdin or b"")
        after = json.loads(house.driver.specs[2].stdin or b"")
        assert before == {
            "when": "before",
            "job_id": job.id,
            "session_id": job.session_id,
            "turn": 1,
            "seat": "",
            "cli": "alpha",
            "model": None,
            "role": "default",
            "mode": "read",
            "cwd": str(house.work),
            "prompt": "do it",
        }
        assert after == before | {
            "when": "after",
            "content": "a fine answer",
            "exit_code": 0,
            "duration_ms": 0,
            "failure": None,
        }


@pytest.mark.parametrize(
    ("when", "said", "ran", "status", "code"),
    [
        ("before", {"action": "block", "reason": "not today"}, ["hook"], "failed", "hook_blocked"),
        ("before", {"action": "skip", "content": "from the cache"}, ["hook"], "completed", ""),
        ("before", {"action": "proceed"}, ["hook", "alpha"], "completed", ""),
        ("after", {"action": "reject"}, ["alpha", "hook"], "partial", "hook_rejected"),
        ("after", {"action": "accept"}, ["alpha", "hook"], "completed", ""),
    ],
)
async def test_what_a_hook_may_say(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    when: str,
    said: dict[str, object],
    ran: list[str],
    status: str,
    code: str,
) -> None:
    """Block, skip, proceed before a turn; reject, accept after it."""
    hooks = hooked(when=HookTime(when))
    async with open_house(tmp_path, hook_driver(said), hooks=hooks) as house:
        job = await house.run()

        assert runs(house) == ran
        assert (str(job.status), error_of(job)) == (status, code)
        if said["action"] == "skip":
            assert job.outcome is not None
            assert job.outcome.content == "from the cache"
            assert codes(job) == ["hook_skipped"]


async def test_a_hook_changes_the_prompt_and_annotates(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The changed prompt is what the CLI gets, whole; notes become warnings."""
    said = {"prompt": "do it kindly", "annotations": ["was rude"]}
    async with open_house(tmp_path, hook_driver(said), hooks=hooked()) as house:
        job = await house.run("do it", route=RouteRequest(role="review"))

        assert house.driver.specs[1].stdin == b"do it kindly"
        assert codes(job) == ["hook", "hook_changed_prompt"]


@pytest.mark.parametrize("on_error", [HookError.OPEN, HookError.CLOSED])
@pytest.mark.parametrize(
    ("said", "more", "why"),
    [
        (b"nonsense", {}, "its answer is not JSON"),
        (b"[1]", {}, "its answer is not a JSON object"),
        (b'{"action": "dance"}', {}, "unknown action 'dance'"),
        (b"", {"exit_code": 3}, "left with 3"),
        (b"", {"hangs": True}, "no answer within 5 s"),
    ],
)
async def test_a_hook_that_fails_is_never_silent(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    on_error: HookError,
    said: bytes,
    more: dict[str, object],
    why: str,
) -> None:
    """Open goes on with a warning, closed refuses; the reason is told."""
    hooks = hooked(on_error=on_error)
    async with open_house(tmp_path, hook_driver(said, **more), hooks=hooks) as house:
        job = await house.run()

        assert job.outcome is not None
        assert why in job.outcome.warnings[0].message
        assert codes(job)[0] == "hook_failed"
        expected = JobStatus.FAILED if on_error is HookError.CLOSED else JobStatus.COMPLETED
        assert job.status is expected


async def test_a_hook_is_for_whom_it_names(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Hooks of other CLIs and roles, and those without a command, are not asked."""
    block = {"action": "block"}
    hooks = {
        "other_cli": HookSettings(command=["hook"], clis=["beta"]),
        "other_role": HookSettings(command=["hook"], roles=["coding"]),
        "empty": HookSettings(),
    }
    async with open_house(tmp_path, hook_driver(block), hooks=hooks) as house:
        plain = await house.run()
        coding = await house.run(route=RouteRequest(role="coding"))

    assert plain.status is JobStatus.COMPLETED
    assert error_of(coding) == "hook_blocked"
