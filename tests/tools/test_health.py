"""`sessions` with `action=health`: CLIs, breakers, jobs, clients, logins."""

import pathlib

import attrs
import trio

from aimux.drivers import ProcessSpec
from aimux.model import BreakerSettings, Failure, FailureClass, Problem, Severity
from aimux.testing import Say, Turn

from ..engine.house import ALPHA, BETA, answers, fails, open_house
from .calls import HANG, Clock, ask, fault, route

AUTH = Failure(failure_class=FailureClass.AUTH, code="auth", message="m")
QUOTA = Failure(failure_class=FailureClass.QUOTA, code="rate_limited", message="m")


async def test_health_tells_everything(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """CLIs, breakers, cool-downs, jobs, clients, store and what is wrong in the configuration."""
    prompts = {b"quota": fails("out of quota"), b"what": fails("what?"), b"hang": HANG}

    def turns(spec: ProcessSpec) -> Turn:
        if spec.argv[-1] == "--version":
            return Turn(says=[Say(b"alpha 1.2.3")])
        return prompts[spec.stdin or b""]

    problem = Problem(severity=Severity.WARNING, where="default.yaml:3", message="unknown key")
    async with open_house(
        tmp_path,
        turns,
        profiles=[attrs.evolve(ALPHA, model=BETA.model), BETA],
        breaker=BreakerSettings(failure_threshold=1),
        installed=[],
        problems=[problem],
    ) as house:
        empty = await ask(house, "sessions", action="health", refresh=True)
        assert empty["guidance"]["state"] == "no_cli"
        assert empty["guidance"]["do_not"]
        assert (empty["clis_ready"], empty["problems"][0]["where"]) == ([], "default.yaml:3")
        assert [state["name"] for state in empty["clis"]] == ["alpha", "beta"]
        assert all(state["remedy"] for state in empty["clis"])

    async with open_house(
        tmp_path,
        turns,
        profiles=[attrs.evolve(ALPHA, model=BETA.model), BETA],
        breaker=BreakerSettings(failure_threshold=1),
    ) as house:
        await house.run("quota", route=route(cli="beta"))
        await house.run("what", route=route(cli="alpha"))
        house.engine.guard.reset("beta")
        house.engine.guard.cool("alpha", "a1", 60.0, QUOTA)
        await house.ask("exec", prompt="hang", cli="beta", wait_seconds=1)
        with house.app.attached(house.client):
            body = await ask(house, "sessions", action="health")

        assert body["breakers"]["alpha"]["state"] == "open"
        assert body["cooldowns"] == [
            {"cli": "alpha", "model": "a1", "code": "rate_limited", "seconds_left": 59.0}
        ]
        assert [state["version"] for state in body["clis"]] == ["1.2.3", "1.2.3"]
        assert body["clis_ready"] == ["alpha", "beta"]
        assert body["jobs"]["running"] == 1
        assert body["jobs"]["by_status"] == {"failed": 2, "running": 1}
        assert body["clients"] == {"stdio": 1}
        assert body["total_sessions"] == 3
        assert body["running_jobs"] == 1
        listed = await ask(house, "sessions", action="list", limit=1)
        assert (listed["count"], listed["total_sessions"], listed["running_jobs"]) == (1, 3, 1)
        assert listed["totals"] == {"failed": 2, "running": 1}
        assert body["uptime_seconds"] >= 0


async def test_logins_are_verified_when_asked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """One tiny prompt on each CLI tells whether its login works."""

    def turns(spec: ProcessSpec) -> Turn:
        if spec.argv[-1] == "--version":
            return Turn(says=[Say(b"1.2.3")])
        return answers() if spec.argv[0].endswith("alpha") else fails("log in first")

    async with open_house(tmp_path, turns, profiles=[ALPHA, BETA]) as house:
        before = await ask(house, "sessions", action="health")
        after = await ask(house, "sessions", action="health", verify=True)

        assert [state["verified"] for state in before["clis"]] == [None, None]
        assert [state["verified"] for state in after["clis"]] == ["ok", "not_authenticated"]
        assert after["verification"] == {"tried": ["alpha", "beta"], "running": [], "left": []}
        assert house.engine.supervisor.statistics().running == 0


async def test_a_login_that_does_not_answer_is_handed_over(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A call waits as long as any: trials go on, the rest is told and comes first the next time."""
    names = ["alpha", "beta", "gamma", "delta"]

    def turns(spec: ProcessSpec) -> Turn:
        if spec.argv[-1] == "--version":
            return Turn(says=[Say(b"1.2.3")])
        return answers() if spec.argv[0].endswith("delta") else HANG

    profiles = [attrs.evolve(ALPHA, name=name, binary=name, command=[name]) for name in names]
    async with open_house(tmp_path, turns, profiles=profiles) as house:
        began = trio.current_time()
        first = await ask(house, "sessions", action="health", verify=True)
        took = trio.current_time() - began
        jobs = [each["job_id"] for each in first["verification"]["running"]]
        second = await ask(house, "sessions", action="health", verify=True)
        ends = [await ask(house, "status", job_id=job, wait_seconds=45) for job in jobs]

        assert took == 45
        assert [each["cli"] for each in first["verification"]["running"]] == names[:3]
        assert (first["verification"]["tried"], first["verification"]["left"]) == ([], ["delta"])
        assert first["guidance"]["state"] == "verifying"
        assert [step["tool"] for step in first["guidance"]["next"]] == [*["status"] * 3, "sessions"]
        assert second["verification"] == {"tried": names, "running": [], "left": []}
        assert [state["verified"] for state in second["clis"]] == [None, None, None, "ok"]
        assert [each["status"] for each in ends] == ["timed_out"] * 3
        assert house.engine.supervisor.statistics().running == 0


async def test_whoever_gives_up_ends_the_trials(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Those of its own."""

    def turns(spec: ProcessSpec) -> Turn:
        return Turn(says=[Say(b"1.2.3")]) if spec.argv[-1] == "--version" else HANG

    async with open_house(tmp_path, turns, profiles=[ALPHA]) as house:
        with trio.move_on_after(10):
            await ask(house, "sessions", action="health", verify=True)
        await trio.sleep(1)

        assert house.engine.supervisor.statistics().running == 0


async def test_a_reset_cli_is_asked_again_at_once(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Its breaker closes and its cool-downs end; those of others stay."""
    script = [fails("what?"), answers(), answers()]
    async with open_house(tmp_path, script, breaker=BreakerSettings(failure_threshold=1)) as house:
        await house.run("what", route=route(cli="beta", fallback=False))
        refused = await fault(house, "exec", prompt="x", cli="beta", fallback=False)
        assert "sessions(action=reset, cli=beta)" in str(refused.hint)
        assert "aimux clis --reset beta" in str(refused.hint)
        house.engine.guard.cool("beta", "b1", 60.0, QUOTA)
        house.engine.guard.cool("alpha", "", 60.0, QUOTA)
        house.engine.guard.learn("beta", AUTH)
        body = await ask(house, "sessions", action="reset", cli="BETA")
        answered = await house.run("again", route=route(cli="beta", fallback=False))
        left = house.engine.guard.cooled()
        again = await ask(house, "sessions", action="reset", cli="beta")
        unknown = await fault(house, "sessions", action="reset", cli="bet")
        unnamed = await fault(house, "sessions", action="reset")

    assert (body["cli"], body["breaker_was"], body["breaker"]) == ("beta", "open", "closed")
    assert (body["failures_forgotten"], body["cooldowns_ended"]) == (1, ["b1"])
    assert body["login_was_refused"] == "not logged in: m"
    assert answered.status == "completed"
    assert [each.cli for each in left] == ["alpha"]
    assert (again["breaker_was"], again["failures_forgotten"]) == ("closed", 0)
    assert (again["cooldowns_ended"], again["login_was_refused"]) == ([], None)
    assert (unknown.code, unknown.hint) == ("cli_unknown", "did you mean beta?")
    assert unnamed.code == "invalid_arguments"
