"""Every state that an answer leaves its caller in is seen over MCP, tool by tool."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import trio

from ._host import ANSWER_S, Host, Json, attach, payload, start_server
from ._stand import CLIS, GRACE_S, Stand, make_stand

# what makes a job, with two CLIs where it takes several
CALLS: Final[Mapping[str, Json]] = {
    "exec": {"prompt": "Say it.", "cli": "codex"},
    "background": {"prompt": "Say it.", "cli": "codex"},
    "consensus": {"prompt": "Is it so?", "clis": ["codex", "claude"]},
    "audit": {"mode": "quick", "clis": ["codex"]},
    "dialog": {"prompt": "Plan it", "cli_a": "codex", "cli_b": "claude"},
    "debate": {"topic": "Cache it?", "pro_cli": "codex", "con_cli": "claude"},
    "workflow": {"steps": [{"id": "one", "tool": "exec",
                            "arguments": {"prompt": "Say it.", "cli": "codex"}}]},
    "think": {"pattern": "premortem", "prompt": "Move it", "clis": ["codex", "claude"]},
    "investigate": {"action": "auto", "question": "Why is it slow?", "clis": ["codex"]},
    "deepresearch": {"topic": "Caches", "force": True},
    "agents": {"action": "run", "agent_id": "generalist", "prompt": "Do it", "cli": "codex"},
}  # fmt: skip
STEPS: Final = [
    {"id": "one", "tool": "exec", "arguments": {"prompt": "x", "cli": "droid"},
     "on_error": "continue"},
    {"id": "two", "tool": "sessions", "arguments": {"action": "health"}},
]  # fmt: skip
OFFER: Final = "I am in read-only mode, so I cannot apply the change. Shall I apply it?"
ROOM: Final[Mapping[str, int]] = {
    "max_concurrent_jobs": 60, "max_concurrent_turns": 60, "max_turns_per_cli": 60,
    "max_turns_per_client": 60,
}  # fmt: skip


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine on which many jobs run at once."""
    return make_stand(module_dir / "machine", **ROOM)


async def ask(host: Host, tool: str, **arguments: object) -> Json:
    """The answer to one call."""
    params = {"name": tool, "arguments": arguments}
    return payload(await host.answer(await host.post("tools/call", params)))


async def begin(host: Host) -> dict[str, str]:
    """A job of each tool that makes one, at once: its id."""
    begun: dict[str, str] = {}
    for tool, arguments in CALLS.items():
        at_once = {} if tool == "background" else {"async": True}
        begun[tool] = str((await ask(host, tool, **arguments, **at_once))["job_id"])
    return begun


async def until(host: Host, job_id: str, *states: str) -> None:
    """Return once the job guides from one of these states."""
    wait: Json = {}
    with trio.fail_after(ANSWER_S):
        while True:
            body = await host.call("status", job_id=job_id, **wait)
            guidance = body["guidance"]
            assert isinstance(guidance, dict)
            if guidance["state"] in states:
                return
            wait = {"wait_seconds": 0.5, "events_after": body.get("events", 0)}


async def cancel_all(host: Host, jobs: Mapping[str, str]) -> None:
    """End jobs at the same time, and look at each."""

    async def cancel(job_id: str) -> None:
        await host.call("sessions", action="cancel", job_id=job_id)
        await host.call("status", job_id=job_id)

    async with trio.open_nursery() as ending:
        for job_id in jobs.values():
            ending.start_soon(cancel, job_id)


@pytest.mark.slow
@pytest.mark.requirement("guidance:states")
@pytest.mark.reaches(
    "exec:running", "background:running", "consensus:running", "audit:running", "dialog:running",
    "debate:running", "workflow:running", "think:running", "investigate:delegate_running",
    "deepresearch:running", "agents:running",
    "exec:cancelled", "background:cancelled", "consensus:cancelled", "audit:cancelled",
    "dialog:cancelled", "debate:cancelled", "workflow:cancelled", "think:cancelled",
    "investigate:delegate_cancelled", "deepresearch:cancelled", "agents:cancelled",
    "sessions:cancel",
)  # fmt: skip
async def test_at_work_and_ended_by_somebody(host: Host, stand: Stand) -> None:
    """Every tool's job, while it hangs and once it was cancelled."""
    stand.emulate(faults="hang_before")
    jobs = await begin(host)
    for job_id in jobs.values():
        await until(host, job_id, "running", "delegate_running")
    await cancel_all(host, jobs)


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:asks", "background:asks", "consensus:asks", "audit:asks", "dialog:asks", "debate:asks",
    "think:asks", "investigate:asks", "deepresearch:asks", "agents:asks", "sessions:answer",
)  # fmt: skip
async def test_a_question_is_waiting(host: Host, stand: Stand) -> None:
    """On a terminal, whichever tool runs the CLI."""
    stop = {"grace_s": GRACE_S, "leave_s": GRACE_S}
    for cli in CLIS:
        stand.overlay(cli, needs_terminal=True, stop=stop)
    stand.emulate(faults="ask 1")
    jobs = await begin(host)
    for job_id in [job_id for tool, job_id in jobs.items() if tool != "workflow"]:
        await until(host, job_id, "asks")
    await host.call("sessions", action="answer", job_id=jobs["exec"], text="yes")
    await cancel_all(host, jobs)
    for cli in CLIS:
        stand.overlay(cli, stop=stop)


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:failed", "background:failed", "consensus:no_quorum", "dialog:failed", "debate:failed",
    "workflow:failed", "investigate:delegate_failed", "deepresearch:failed", "agents:failed",
    "think:partial", "audit:partial", "audit:failed",
)  # fmt: skip
async def test_nobody_is_logged_in(host: Host, stand: Stand) -> None:
    """What fails has failed; rules of an audit and thinking alone stand on their own."""
    stand.emulate(faults="auth")
    jobs = await begin(host)
    for job_id in jobs.values():
        await host.call("status", job_id=job_id, wait_seconds=ANSWER_S)
    await ask(host, "audit", rules_only=True, changed_since="nothing-of-the-kind")


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:timed_out", "background:timed_out", "deepresearch:timed_out", "agents:timed_out",
)  # fmt: skip
async def test_the_time_is_over(host: Host, stand: Stand) -> None:
    """Of those that are one conversation; several seats tell what was lost instead."""
    stand.emulate(faults="hang_before")
    for tool in ("exec", "background", "deepresearch", "agents"):
        begun = await ask(host, tool, **CALLS[tool], timeout_seconds=0.6)
        await host.call("status", job_id=begun["job_id"], wait_seconds=ANSWER_S)


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:partial", "background:partial", "consensus:partial", "dialog:partial", "debate:partial",
    "workflow:partial", "deepresearch:partial", "agents:partial",
    "exec:offers_changes", "background:offers_changes", "background:completed",
)  # fmt: skip
async def test_some_of_it_is_there(host: Host, stand: Stand) -> None:
    """An exit code, a seat, a step, a form or an end is missing."""
    stand.emulate(faults="exit 3")
    for tool in ("exec", "background"):
        await finish(host, tool)
    stand.emulate(script=[{"when": "", "say": OFFER}])
    for tool in ("exec", "background"):
        await finish(host, tool)
    stand.emulate()
    stand.emulate(["droid"], faults="auth")
    await finish(host, "background")
    await finish(host, "consensus", clis=["codex", "claude", "droid"])
    await finish(host, "dialog", cli_b="droid", max_turns=2)
    await finish(host, "debate", judge_cli="codex", max_turns=2)
    await finish(host, "workflow", steps=STEPS)
    await finish(host, "deepresearch", output_format="json")
    await finish(host, "agents", max_turns=1)


async def finish(host: Host, tool: str, **more: object) -> None:
    """A job of a tool, to its end."""
    begun = await ask(host, tool, **{**CALLS[tool], **more})
    await host.call("status", job_id=begun["job_id"], wait_seconds=ANSWER_S)


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:queued", "background:queued", "consensus:queued", "audit:queued", "dialog:queued",
    "debate:queued", "workflow:queued", "think:queued", "investigate:delegate_running",
    "deepresearch:queued", "agents:queued",
    "exec:aborted", "background:aborted", "consensus:aborted", "audit:aborted", "dialog:aborted",
    "debate:aborted", "workflow:aborted", "think:aborted", "investigate:delegate_failed",
    "deepresearch:aborted", "agents:aborted",
)  # fmt: skip
def test_waiting_for_a_slot_and_the_server_killed(tmp_path: Path) -> None:
    """One turn at a time, and it hangs: all others wait, and end with their server."""
    stand = make_stand(tmp_path / "machine", **{**ROOM, "max_concurrent_turns": 1})
    stand.emulate(faults="hang_before")
    jobs: dict[str, str] = {}

    async def before() -> None:
        async with attach(server) as host:
            first = await ask(host, "exec", **CALLS["exec"], **{"async": True})
            await until(host, str(first["job_id"]), "running")
            jobs.update(await begin(host))
            for job_id in jobs.values():
                await host.call("status", job_id=job_id)
            server.process.kill()

    async def after() -> None:
        async with attach(server) as host:
            for job_id in jobs.values():
                await host.call("status", job_id=job_id)

    stderr = stand.root / "stderr"
    with (
        pytest.raises(AssertionError),  # it does not leave with 0
        start_server(stand.env, stand.project(), stderr) as server,
    ):
        trio.run(before)
    assert jobs
    with start_server(stand.env, stand.project(), stderr) as server:
        trio.run(after)
    assert stand.survivors() == {}


@pytest.mark.reaches(
    "exec:planned", "consensus:planned", "audit:planned", "dialog:planned", "debate:planned",
    "workflow:planned", "think:planned", "agents:planned",
)  # fmt: skip
async def test_a_plan_is_told(host: Host) -> None:
    """By every tool that has a dry run."""
    for tool in ("exec", "consensus", "audit", "dialog", "debate", "workflow", "think", "agents"):
        await ask(host, tool, **CALLS[tool], dry_run=True)


@pytest.mark.reaches(
    "exec:refused", "background:refused", "status:refused", "sessions:refused",
    "consensus:refused", "audit:refused", "dialog:refused", "debate:refused", "workflow:refused",
    "think:refused", "investigate:refused", "deepresearch:refused", "agents:refused",
)  # fmt: skip
async def test_a_call_is_not_served(host: Host) -> None:
    """By no tool, when it is given what it does not know."""
    for tool in CALLS:
        await ask(host, tool, nonsense=1, **({"pattern": "nonsense"} if tool == "think" else {}))
    await ask(host, "status", job_id="job_0")
    await ask(host, "sessions", action="info", session_id="ses_0")


@pytest.mark.slow
@pytest.mark.reaches(
    "exec:completed", "status:turn", "sessions:list", "sessions:info", "sessions:kill",
    "sessions:gc", "sessions:reset", "sessions:health", "sessions:no_cli",
    "agents:listed", "agents:found", "agents:shown",
    "think:needs_input", "think:session_started", "think:step_N", "think:blocked",
    "think:complete", "think:list", "think:get", "think:delete",
    "investigate:notebook_ready", "investigate:report_blocked",
    "investigate:report_preliminary", "investigate:report_incomplete_forced",
    "investigate:list", "investigate:recall",
)  # fmt: skip
async def test_what_there_is_is_looked_at(host: Host, stand: Stand) -> None:
    """Sessions, agents, thoughts and notebooks; and a machine without any CLI."""
    stand.emulate()
    done = await host.exec("Say it.", cli="codex")
    await host.call("status", job_id=done["job_id"], turn=1)
    for action in ("list", "gc", "health"):
        await host.call("sessions", action=action)
    await host.call("sessions", action="info", job_id=done["job_id"])
    await host.call("sessions", action="kill", session_id=done["session_id"])
    await host.call("sessions", action="reset", cli="codex")
    await host.call("agents", action="list")
    await host.call("agents", action="find", prompt="why does the parser crash?")
    await host.call("agents", action="info", agent_id="generalist")
    await think_step_by_step(host)
    await take_notes(host)
    remove_all(stand)
    await host.call("sessions", action="health", refresh=True)
    stand.emulate()


@pytest.mark.reaches("sessions:verifying")
def test_a_login_is_tried_for_longer_than_a_call_waits(module_dir: Path) -> None:
    """What has not answered is handed over as a job."""
    stand = make_stand(module_dir / "slow", sync_wait_seconds=0)
    remove_all(stand)
    stand.emulate(["codex"], directives="[[sleep 30]]")

    async def verify() -> None:
        async with attach(server) as host:
            health = await host.call("sessions", action="health", verify=True)
            (job,) = health["verification"]["running"]
            await host.call("sessions", action="cancel", job_id=job["job_id"])

    with start_server(stand.env, stand.project(), stand.root / "stderr") as server:
        trio.run(verify)


def remove_all(stand: Stand) -> None:
    """No CLI is installed any more."""
    for binary in stand.bin.iterdir():
        binary.unlink()


async def think_step_by_step(host: Host) -> None:
    await host.call("think", pattern="premortem", prompt="Move it")
    await host.call("think", pattern="think", thought="The cache is slow because it is cold.")
    session: Json = {}
    for said in ("It is slow", "It is not slow"):
        shown = await host.call("think", pattern="sequential", thought=said, **session)
        session = {"session_id": shown["session_id"]}
    await host.call("think", action="step", prompt="x", chosen_move="swot")
    await host.call("think", action="list")
    for action in ("get", "delete"):
        await host.call("think", action=action, **session)


async def take_notes(host: Host) -> None:
    begun = await host.call("investigate", question="Why is it slow?", domain="generic")
    result = begun["result"]
    assert isinstance(result, dict)
    inv = result["session_id"]
    await host.call("investigate", action="report", session_id=inv)
    source = {"description": "It is one", "source": "orders.py:1"}
    await host.call("investigate", action="finding", session_id=inv, **source)
    await host.call("investigate", action="report", session_id=inv)
    await host.call("investigate", action="report", session_id=inv, force=True)
    await host.call("investigate", action="list")
    await host.call("investigate", action="recall", question="slow")
