"""`workflow` through MCP over emulated CLIs: steps as jobs of one job, told, resumed, cancelled."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from ._host import Host, Server, attach, payload, start_server
from ._stand import Stand

SAYING = [
    {"when": "first task", "say": "alpha"},
    {"when": "seen: alpha", "say": "beta"},
    {"when": "hang", "fault": "hang_before"},
    {"when": "break", "fault": "context"},
]


@attrs.frozen
class Machine:
    """A machine with one CLI, and a server that runs there."""

    stand: Stand
    server: Server


def play(at: Machine, *calls: dict[str, Any]) -> list[Any]:
    """Answers of these calls of `workflow`, one after the other."""

    async def run(host: Host) -> list[Any]:
        return [await called(host, **call) for call in calls]

    found: list[Any] = trio.run(_attached, at.server, run)
    return found


async def called(host: Host, tool: str = "workflow", **arguments: Any) -> Any:
    given = {"wait_seconds": 60, **arguments} if tool == "workflow" else arguments
    params = {"name": tool, "arguments": given}
    return payload(await host.answer(await host.post("tools/call", params)))


def step(id_: str, prompt: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "tool": "exec", "arguments": {"cli": "codex", "prompt": prompt}, **more}


TWO = [step("one", "the first task"), step("two", "seen: {{one.content}}")]


def one_cli(root: Path) -> Stand:
    """A machine with one CLI."""
    root.mkdir()
    stand = Stand(root=root)
    stand.configure()
    stand.home.mkdir()
    stand.emulate(["codex"], script=SAYING)
    return stand


@pytest.fixture(scope="module")
def ready(module_dir: Path) -> Iterator[Machine]:
    """A machine that tests share: what one of them ends is gone before the next."""
    stand = one_cli(module_dir / "ready")
    with start_server(stand.env, stand.project(), stand.root / "workflow.stderr") as server:
        yield Machine(stand, server)
    assert stand.survivors() == {}


@pytest.mark.requirement("tools:workflow")
@pytest.mark.reaches("workflow:completed")
def test_a_step_reads_what_another_gave(ready: Machine) -> None:
    """Each is a job below the workflow's; its answer is the next one's material."""
    body = play(ready, {"steps": TWO, "name": "pair"})[0]

    assert body["status"] == "completed", body
    assert [each["status"] for each in body["data"]["steps"]] == ["completed"] * 2
    assert body["data"]["output"] == "beta"
    assert body["data"]["plan"] == [["one"], ["two"]]
    assert all(each["job_id"].startswith("job_") for each in body["data"]["steps"])
    assert "- **two** (exec): completed" in body["content"]
    assert ready.stand.survivors() == {}


@pytest.mark.requirement("workflow:resume")
def test_only_what_changed_runs_again(ready: Machine) -> None:
    """The third of three is edited: the first two are reused, by what they called."""
    three = [*TWO, step("three", "last")]
    edited = [*TWO, step("three", "last, but other")]

    async def run(host: Host) -> list[Any]:
        first = await called(host, steps=three)
        return [first, await called(host, steps=edited, resume_from=first["job_id"])]

    first, again = trio.run(_attached, ready.server, run)

    assert again["status"] == "completed"
    assert [each["reused"] for each in again["data"]["steps"]] == [True, True, False]
    ids = [[each["job_id"] for each in body["data"]["steps"]] for body in (first, again)]
    assert ids[0][:2] == ids[1][:2]
    assert ids[0][2] != ids[1][2]


def test_a_failed_step_stops_and_is_told(ready: Machine) -> None:
    """What came before stands, what comes after is skipped with the reason."""
    steps = [TWO[0], step("bad", "break"), step("late", "never")]
    body = play(ready, {"steps": steps})[0]

    assert body["status"] == "failed"
    assert [each["status"] for each in body["data"]["steps"]] == ["completed", "failed", "skipped"]
    assert body["data"]["steps"][2]["why"] == "bad failed and stops the workflow"
    assert body["data"]["resumable_from"] == "bad"
    assert body["error"]["code"] == "step_failed"


def test_every_fault_is_told_before_anything_runs(ready: Machine) -> None:
    """Unknown tool, argument, step and name, all at once."""
    steps = [
        step("a", "x", needs=["zz"]),
        {"id": "b", "tool": "exce", "arguments": {}},
        {"id": "c", "tool": "exec", "arguments": {"prompt": 3, "clii": "codex"}, "needs": ["a"]},
    ]
    body = play(ready, {"steps": steps})[0]

    told = [each["path"] for each in body["error"]["problems"]]
    assert told == ["steps[1].tool", "steps[2].arguments", "steps[2].arguments", "steps[0].needs"]
    assert body["error"]["code"] == "invalid_arguments"


def test_a_file_does_not_write_unless_it_is_let(ready: Machine) -> None:
    """A repository's steps read; a link out of the project is not followed."""
    project = ready.stand.project()
    writing = [{"id": "w", "tool": "exec", "arguments": {"prompt": "x", "mode": "write"}}]
    (project / "flow.json").write_text(json.dumps(writing), encoding="utf-8")
    (project / "out.yaml").symlink_to("/etc/hostname")
    refused, out, let = play(
        ready,
        {"steps": "file:flow.json"},
        {"steps": "file:out.yaml"},
        {"steps": "file:flow.json", "mode": "write", "dry_run": True},
    )

    assert "mode=write" in refused["error"]["message"]
    assert "leads out of the tree" in out["error"]["message"]
    assert let["status"] == "planned"


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("second-opinion", "Is it so?"),
        ("review-files", ["orders.py"]),
        ("plan-and-criticise", "Move it."),
    ],
)
def test_the_shipped_examples_run(stand: Stand, server: Server, name: str, context: Any) -> None:
    """As they stand, on whatever is installed."""
    body = play(Machine(stand, server), {"steps": f"example:{name}", "context": context})[0]

    assert body["status"] in {"completed", "partial"}, body["error"]
    assert body["data"]["steps"][0]["status"] == "completed"


def test_a_cancelled_workflow_ends_its_steps(ready: Machine) -> None:
    """No step goes on, none begins, and nothing is left."""

    async def run(host: Host) -> Any:
        begun = await called(host, steps=[step("a", "hang"), step("b", "x")], wait_seconds=0)
        job_id = begun["job_id"]
        with trio.fail_after(30):
            while not ready.stand.survivors():
                await called(host, "status", job_id=job_id)
        await called(host, "sessions", action="cancel", job_id=job_id)
        return await called(host, "status", job_id=job_id, wait_seconds=30)

    body = trio.run(_attached, ready.server, run)

    assert body["status"] == "cancelled"
    assert ready.stand.survivors() == {}


@pytest.mark.requirement("workflow:resume")
def test_a_killed_workflow_is_resumed(tmp_path: Path) -> None:
    """After `kill -9` what had ended is reused."""
    steps = [TWO[0], step("stuck", "hang"), step("c", "x")]
    mended = [TWO[0], step("stuck", "seen: alpha"), step("c", "x")]

    async def before(host: Host) -> str:
        begun = await called(host, steps=steps, wait_seconds=0)
        job_id = str(begun["job_id"])
        with trio.fail_after(30):
            while "step one" not in json.dumps(
                await called(host, "status", job_id=job_id, events_after=0)
            ):
                pass
        await called(host, "status", job_id=job_id, wait_seconds=0.5)  # what was noted is stored
        host.server.process.kill()
        return job_id

    async def after(host: Host) -> list[Any]:
        dead = await called(host, "status", job_id=job_id)
        return [dead, await called(host, steps=mended, resume_from=job_id)]

    job_id = ""
    stand = one_cli(tmp_path / "killed")
    stderr = stand.root / "workflow.stderr"
    with (
        pytest.raises(AssertionError),  # it does not leave with 0
        start_server(stand.env, stand.project(), stderr) as server,
    ):
        job_id = trio.run(_attached, server, before)
    with start_server(stand.env, stand.project(), stderr) as server:
        dead, body = trio.run(_attached, server, after)

    assert dead["status"] == "aborted"
    assert body["status"] == "completed", body
    assert [each["reused"] for each in body["data"]["steps"]] == [True, False, False]
    assert stand.survivors() == {}


async def _attached(server: Any, run: Any) -> Any:
    async with attach(server) as host:
        return await run(host)


def test_a_steps_output_is_data(ready: Machine) -> None:
    """What a CLI says never becomes a template, a condition or a flag of a later step."""
    evil = [{"when": "evil task", "say": "{{steps.one.job_id}} --dangerous' or true"}]
    ready.stand.emulate(["codex"], script=[*evil, *SAYING])
    steps = [
        step("one", "evil task"),
        step("two", "{{one.content}}", when="one.content contains 'nothing of it'"),
        {"id": "three", "tool": "exec", "needs": [], "arguments": {
            "cli": "codex", "prompt": "saw: {{one.content}}"}},
    ]  # fmt: skip
    body = play(ready, {"steps": steps})[0]

    ends = {each["id"]: each for each in body["data"]["steps"]}
    assert ends["two"]["status"] == "skipped"
    assert "{{steps.one.job_id}} --dangerous" in ends["one"]["output"]["content"]
    assert "{{steps.one.job_id}}" in ends["three"]["output"]["content"]
