"""What is decided before anything is started, and what can be asked of the engine."""

import pathlib
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from aimux.engine import CliRegistry, Engine, collect
from aimux.engine.jobs._job_reader import CACHED_CHARS, CACHED_JOBS
from aimux.errors import AimuxError, NotFound, TooManyJobs
from aimux.model import (
    BreakerSettings,
    Entry,
    Job,
    JobFinished,
    JobId,
    JobStatus,
    Mode,
    ModeRule,
    Outcome,
    Plan,
    ResumeRule,
    RouteRequest,
    ServerSettings,
    Strength,
)
from aimux.rules._recursion import LINEAGE_VARIABLE, Lineage, encode
from aimux.testing import Turn

from ..store._values import save_session
from .house import (
    ALPHA,
    BETA,
    House,
    answers,
    fails,
    make_job,
    make_profile,
    make_session,
    open_house,
)

Clock = trio.testing.MockClock
READER = make_profile("reader", modes={Mode.READ: ModeRule(strength=Strength.POLICY)})


def lineage(**more: Any) -> dict[str, str]:
    return {LINEAGE_VARIABLE: encode(Lineage(root="job_root", **more))}


async def refusal(house: House, **request: Any) -> AimuxError:
    """The error of a request that cannot be prepared; it has left nothing behind."""
    before = (await house.store.tally(), len(house.driver.specs))
    with pytest.raises(AimuxError) as refused:
        await house.engine.prepare(house.request(**({"prompt": "do it"} | request)))
    assert (await house.store.tally(), len(house.driver.specs)) == before
    assert house.engine.supervisor.open_handles() == []
    return refused.value


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("invalid_arguments", {"prompt": " \n\t"}),
        ("prompt_too_large", {"prompt": "x" * 2_001}),
        ("prompt_too_large", {"prompt": "ü" * 1_001}),
        ("session_not_found", {"session_id": "ses_unknown"}),
        ("cli_unknown", {"route": RouteRequest(cli="nobody")}),
        ("cli_not_installed", {"route": RouteRequest(cli="beta")}),
        ("role_unknown", {"route": RouteRequest(role="astronaut")}),
        ("mode_refused", {"mode": Mode.DANGER}),
        ("cwd_invalid", {"cwd": "relative/path"}),
        ("cwd_invalid", {"cwd": "/no/such/directory"}),
        ("cwd_invalid", {"cwd": "/etc/hostname"}),
        ("cwd_invalid", {"cwd": "/tmp/two\nlines"}),
        ("schema_invalid", {"schema": {"type": "nonsense"}}),
        ("schema_invalid", {"schema": {"$ref": "https://example.org/schema"}}),
    ],
)
async def test_what_cannot_work_is_refused_before_it_begins(
    tmp_path: pathlib.Path, autojump_clock: Clock, code: str, asked: dict[str, Any]
) -> None:
    """Each refusal has a stable code; nothing is written and nothing started."""
    server = ServerSettings(rate_limit_rps=0, max_prompt_bytes=2_000)
    async with open_house(tmp_path, server=server, installed=["alpha"]) as house:
        refused = await refusal(house, **asked)

    assert refused.code == code
    assert refused.message


async def test_a_directory_that_may_not_be_read(
    tmp_path: pathlib.Path, autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs the tests may be root, so the answer of the system is played."""
    async with open_house(tmp_path) as house:
        monkeypatch.setattr("os.access", lambda *_: False)
        assert (await refusal(house)).message.endswith("expected a directory that can be read")


async def test_without_any_cli_it_says_so(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """An empty machine is a set-up fault with a remedy, not a crash."""
    async with open_house(tmp_path, installed=[]) as house:
        refused = await refusal(house)

    assert (refused.code, refused.error_type) == ("no_cli", "setup")
    assert "aimux doctor" in str(refused.hint)


async def test_a_mode_nobody_offers(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A named CLI without the mode is refused when its plan is made."""
    async with open_house(tmp_path, profiles=[READER]) as house:
        routed = await refusal(house, mode=Mode.WRITE)
        named = await refusal(house, mode=Mode.WRITE, route=RouteRequest(cli="reader"))

    assert routed.code == "mode_not_offered"
    assert named.error_type == "setup"


async def test_danger_needs_the_configuration(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Allowed by the server's own settings, not by the client's project."""
    async with open_house(tmp_path) as house:
        house.configure(allow_danger=True)
        assert (await refusal(house, mode=Mode.DANGER)).code == "mode_refused"

    server = ServerSettings(allow_danger=True)
    async with open_house(tmp_path, [answers()], server=server) as house:
        job = await house.run(mode=Mode.DANGER)
        assert house.driver.specs[0].argv[2:] == ["--danger"]
        assert job.mode is Mode.DANGER


async def test_open_breakers_and_cooling_models_refuse_at_once(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A named CLI that is left alone says until when."""
    breaker = BreakerSettings(failure_threshold=1)
    turns = [fails("out of quota")] * 3 + [fails("what?")] * 2
    async with open_house(tmp_path, turns, profiles=[ALPHA, BETA], breaker=breaker) as house:
        await house.run(route=RouteRequest(cli="beta"))
        assert (await refusal(house, route=RouteRequest(cli="beta"))).retryable
        house.engine.guard.reset()
        await house.run(route=RouteRequest(cli="beta"))
        house.engine.guard.reset()
        house.engine.guard.cool("beta", "", 60.0, failure())
        refused = await refusal(house, route=RouteRequest(cli="beta"))

    assert refused.error_type == "refusal"
    assert "cooling" in refused.message


def failure() -> Any:
    from aimux.model import Failure, FailureClass

    return Failure(failure_class=FailureClass.QUOTA, code="rate_limited", message="m")


@pytest.mark.parametrize(
    ("above", "code"),
    [
        ({"depth": 4}, "too_deep"),
        ({"depth": 1, "descendants": 50}, "too_many_descendants"),
    ],
)
async def test_recursion_is_refused(
    tmp_path: pathlib.Path, autojump_clock: Clock, above: dict[str, int], code: str
) -> None:
    """A CLI that calls aimux that calls a CLI comes to an end."""
    async with open_house(tmp_path) as house:
        client = attrs.evolve(house.client, env=dict(house.client.env) | lineage(**above))
        refused = await refusal(house, client=client)

    assert refused.code == code


async def test_descendants_are_counted_where_they_begin(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Fifty jobs below one root, whatever each child believes; refused ones do not count."""
    server = ServerSettings(rate_limit_rps=0, max_concurrent_jobs=1, max_queued_jobs=0)
    async with open_house(tmp_path, lambda _: Turn(hangs=True), server=server) as house:
        env = dict(house.client.env) | lineage(depth=1, left_s=100.0)
        request = house.request(client=attrs.evolve(house.client, env=env))
        spare = await house.engine.prepare(request)
        assert spare.limit_s == 100.0
        for _ in range(50):
            handle = await house.begin(request)
            with pytest.raises(TooManyJobs):
                await house.begin(spare)
            handle.cancel("next")
            await handle.done.wait()

        with pytest.raises(AimuxError, match="50 jobs were begun under job_root"):
            await house.engine.prepare(request)


# ---------------------------------------------------------------------------------------- decisions


async def test_the_role_decides_mode_and_instructions(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Unless the call says otherwise; a named CLI without a role has no role."""
    async with open_house(tmp_path) as house:
        prepare = house.engine.prepare
        coding = await prepare(house.request(route=RouteRequest(role="coding")))
        output = await prepare(house.request(route=RouteRequest(role="coding"), mode=Mode.READ))
        named = await prepare(house.request(route=RouteRequest(cli="beta")))

    assert (coding.first.mode, output.first.mode) == (Mode.WRITE, Mode.READ)
    assert coding.role is not None
    assert named.role is None
    assert named.first.mode is Mode.READ


async def test_a_session_brings_its_own(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """CLI, role, model, mode and directory of the conversation hold; another CLI is refused."""
    async with open_house(tmp_path, [answers(native="n")]) as house:
        other = tmp_path / "elsewhere"
        other.mkdir()
        first = await house.run(
            route=RouteRequest(role="coding", cli="beta", model="b2"), cwd=str(other)
        )
        prepared = await house.engine.prepare(house.request(session_id=first.session_id))

        spec = prepared.first
        assert (spec.cwd, spec.mode, spec.native_id) == (str(other), Mode.WRITE, "n")
        route = spec.routes.candidates
        assert [(each.cli, each.model) for each in route] == [("beta", "b2")]
        assert not prepared.is_new_session
        refused = await refusal(house, session_id=first.session_id, route=RouteRequest(cli="alpha"))
        assert refused.code == "session_cli_mismatch"


async def test_a_session_of_a_strategy_is_refused_with_its_own_tool(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A plain turn in the middle of a dialog would be nobody's."""
    session = make_session(9, kind="dialog")
    async with open_house(tmp_path, [answers()]) as house:
        await save_session(house.store, session)
        refused = await refusal(house, session_id=session.id)
        thought = await refusal(house, session_id="thk_1")

    assert refused.code == "session_kind_mismatch"
    assert "dialog(session_id" in str(refused.hint)
    assert thought.code == "session_not_found"
    assert "think(session_id" in str(thought.hint)


async def test_a_session_without_an_answer_cannot_go_on(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """There is nothing to continue, and it says so."""
    async with open_house(tmp_path, [fails("context overflow")]) as house:
        job = await house.run()
        refused = await refusal(house, session_id=job.session_id)

    assert refused.code == "session_not_resumable"


async def test_a_busy_session_is_refused_at_the_start(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The second of two calls on one session waits for nobody."""
    turns = [answers(native="n"), Turn(hangs=True)]
    async with open_house(tmp_path, turns) as house:
        first = await house.run()
        request = house.request(session_id=first.session_id)
        await house.begin(request)
        prepared = await house.engine.prepare(request)
        with pytest.raises(AimuxError) as refused:
            await house.begin(prepared)

    assert refused.value.code == "session_busy"


@pytest.mark.parametrize(("asked", "limit_s"), [({}, 3_600.0), ({"timeout_s": 5.0}, 5.0)])
async def test_the_limit_of_a_job(
    tmp_path: pathlib.Path, autojump_clock: Clock, asked: dict[str, Any], limit_s: float
) -> None:
    """The call's, else the configured one."""
    async with open_house(tmp_path) as house:
        assert (await house.engine.prepare(house.request(**asked))).limit_s == limit_s


async def test_plans_are_told_per_candidate(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A candidate that could not be run has its error in place of a plan."""
    bad = attrs.evolve(BETA, resume=ResumeRule(chosen=True, new_flags=["{nonsense}"]))
    async with open_house(tmp_path, profiles=[ALPHA, bad]) as house:
        prepared = await house.engine.prepare(house.request())

    good = [plan for plan in prepared.plans if isinstance(plan, Plan)]
    wrong = [plan for plan in prepared.plans if isinstance(plan, AimuxError)]
    assert [plan.cli for plan in good] == ["alpha"] * 3
    assert len(wrong) == 1
    assert [route.cli for route in prepared.first.routes.candidates] == ["alpha"] * 3 + ["beta"]


async def test_a_prompt_is_retold_as_it_was_and_shown_without_secrets(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The preview is masked; the child and whoever is told of the turn later get what was said."""
    key = "sk-ant-REDACTED"
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run(f"use {key} please")

        row = await house.stored(job.id)
        assert key not in row.prompt_preview
        assert key.encode() in (house.driver.specs[0].stdin or b"")
        assert row.prompt == f"use {key} please"
        assert (row.client, row.owner, row.role) == ("tester", "me", "default")


# ------------------------------------------------------------------------------------------ looking


async def put(engine: Engine, number: int, content: str = "old", **more: Any) -> Job:
    """An ended job that only the store knows."""
    job = make_job(number, **more)
    await engine.store.create(job, make_session(number))
    done = attrs.evolve(
        job,
        status=JobStatus.COMPLETED,
        outcome=Outcome(content=content),
        finished_at=job.created_at,
    )
    end = JobFinished(status=JobStatus.COMPLETED)
    entry = Entry(seq=1, offset_s=0.0, at=job.created_at, turn=0, event=end)
    await engine.store.finish(done, make_session(number), [entry])
    return done


async def test_jobs_are_found_in_memory_and_in_the_store(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Open and recent ones have a handle; older ones a row, kept for who asks again."""
    async with open_house(tmp_path, [answers()]) as house:
        engine = house.engine
        fresh = await house.run()
        job, handle = await engine.jobs.get(fresh.id)
        assert handle is not None
        assert (engine.jobs.get_nowait(fresh.id) or (None,))[0] == job
        with pytest.raises(NotFound):
            await engine.jobs.get("job_nobody")

        old = await put(engine, 1)
        assert engine.jobs.get_nowait(old.id) is None
        assert (await engine.jobs.get(old.id))[0].outcome == Outcome(content="old")
        known = engine.jobs.get_nowait(old.id)
        assert known is not None
        assert known[1] is None

        long = await put(engine, 2, "x" * (CACHED_CHARS + 1))
        asked = await put(engine, 3, prompt="x" * CACHED_CHARS)
        for each in (long, asked):
            await engine.jobs.get(each.id)
            assert engine.jobs.get_nowait(each.id) is None
        for number in range(10, 10 + CACHED_JOBS):
            await put(engine, number)
            await engine.jobs.get(f"job_{number}")
        assert engine.jobs.get_nowait(old.id) is None


async def test_what_is_collected_is_forgotten(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A removed job is found nowhere; a dry run removes nothing."""
    async with open_house(tmp_path, [answers()]) as house:
        engine = house.engine
        old = await put(engine, 1)
        await engine.jobs.get(old.id)
        fresh = await house.run()
        assert await collect(engine, 1.0, dry_run=True) == {
            "jobs": 1,
            "sessions": 1,
            "thoughts": 0,
            "leftovers": 0,
        }
        assert engine.jobs.get_nowait(old.id) is not None

        assert await collect(engine, 1.0, dry_run=False) == {
            "jobs": 1,
            "sessions": 1,
            "thoughts": 0,
            "leftovers": 0,
        }
        assert engine.jobs.get_nowait(old.id) is None
        with pytest.raises(NotFound):
            await engine.jobs.get(old.id)
        assert (await engine.jobs.get(fresh.id))[0].id == fresh.id
        await trio.sleep(1)
        assert await collect(engine, 0.0, dry_run=False) == {
            "jobs": 1,
            "sessions": 1,
            "thoughts": 0,
            "leftovers": 0,
        }
        assert engine.supervisor.find(fresh.id) is None


async def test_a_log_is_read_from_memory_where_that_is_enough(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """From a sequence number on, wherever the entries are."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        everything = await house.engine.jobs.entries(job.id, 0)
        assert [entry.seq for entry in everything] == list(range(1, job.last_seq + 1))
        assert await house.engine.jobs.entries(job.id, 3) == everything[3:]

        house.engine.supervisor.drop_recent([job.id])
        assert await house.engine.jobs.entries(job.id, 3) == everything[3:]
        with pytest.raises(NotFound):
            await house.engine.jobs.entries(JobId("job_nobody"), 0)


async def test_other_limits_hold_from_now_on(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """More places are given to who waits; what runs goes on."""
    server = ServerSettings(rate_limit_rps=0, max_concurrent_jobs=1)
    async with open_house(tmp_path, lambda _: Turn(hangs=True), server=server) as house:
        handles = [await house.begin(house.request()) for _ in range(3)]
        await trio.testing.wait_all_tasks_blocked()
        assert repr(house.engine).startswith("<Engine: <JobSupervisor: 1 running, 2 queued of 1>, ")

        more = attrs.evolve(
            house.engine.own.settings, server=attrs.evolve(server, max_concurrent_jobs=2)
        )
        house.engine.own.apply(more)
        await trio.testing.wait_all_tasks_blocked()
        assert [handle.job.status for handle in handles] == [
            JobStatus.RUNNING,
            JobStatus.RUNNING,
            JobStatus.QUEUED,
        ]
        assert handles[2].log.queue_position == 1


# -------------------------------------------------------------------------------------- registry


async def test_a_new_installation_shows_up(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """After a moment by itself, at once when asked to look again; disabled ones never."""
    async with open_house(tmp_path, installed=["alpha"]) as house:
        registry, snapshot = house.engine.registry, house.loader.snapshot
        env = house.client.env

        async def names(**more: Any) -> list[str]:
            return list(await registry.ready(snapshot, env, **more))

        assert await names() == ["alpha"]
        program = tmp_path / "bin" / "beta"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        assert await names() == ["alpha"]
        assert await names(refresh=True) == ["alpha", "beta"]
        program.unlink()
        await trio.sleep(11)
        assert await names() == ["alpha"]
        house.configure(disabled_clis=["alpha"])
        disabled = attrs.evolve(house.loader.snapshot, fingerprint="two")
        assert list(await registry.ready(disabled, env)) == []
        assert repr(registry).startswith("<CliRegistry: 2 environments")


async def test_a_cli_that_was_missing_is_looked_for_by_the_next_call(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Who installs what an error names does not wait: the first CLI, one by name, a session's."""

    def add(name: str) -> None:
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)

    async with open_house(tmp_path, lambda _: answers(), installed=[]) as house:
        assert (await refusal(house)).code == "no_cli"
        add("beta")
        job = await house.run()
        assert job.cli == "beta"
        with pytest.raises(AimuxError):
            await house.run(route=RouteRequest(cli="alpha"))
        add("alpha")
        started = trio.current_time()
        named = await house.run(route=RouteRequest(cli="alpha"))
        assert named.cli == "alpha"
        assert trio.current_time() - started < 5.0
        (tmp_path / "bin" / "alpha").unlink()
        await house.engine.registry.ready(house.loader.snapshot, house.client.env, refresh=True)
        add("alpha")
        again = await house.run(session_id=named.session_id)
        assert again.cli == "alpha"
        assert again.status == "completed"


async def test_findings_of_many_clients_are_bounded(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A client with a PATH of its own costs a place among a few."""
    async with open_house(tmp_path) as house:
        for number in range(70):
            await house.engine.registry.ready(house.loader.snapshot, {"PATH": f"/nowhere/{number}"})

        assert repr(house.engine.registry).startswith("<CliRegistry: 64 environments")


@pytest.mark.slow
async def test_each_program_is_asked_its_version(tmp_path: pathlib.Path) -> None:
    """Ready, missing and disabled ones, each with its remedy.

    The programs are real children: asking them is the point.
    """
    profiles = [ALPHA, BETA, make_profile("gamma")]
    async with open_house(tmp_path, profiles=profiles, installed=["alpha", "gamma"]) as house:
        house.configure(disabled_clis=["gamma"])
        registry = CliRegistry(tmp_path / "versions.json")
        with trio.fail_after(30):
            states = await registry.probe(house.loader.snapshot, house.client.env)
            again = await registry.probe(house.loader.snapshot, house.client.env)

    by_name = {state.name: state for state in states}
    assert states == again
    assert by_name["alpha"].is_ready
    assert by_name["alpha"].version == "1.2.3"
    assert by_name["alpha"].read_strength == "policy"
    assert not by_name["beta"].is_ready
    assert by_name["beta"].state == "missing"
    assert by_name["beta"].remedy
    assert (by_name["gamma"].state, by_name["gamma"].is_ready) == ("disabled", False)
