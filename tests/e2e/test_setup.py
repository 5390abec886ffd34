"""Machines that are not as they should be: the server starts, runs, and says what is wrong."""

import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import trio

from ._host import ANSWER_S, Host, Json, Server, attach, start_server
from ._stand import CLIS, Stand, make_stand

Play = Callable[[Host], Awaitable[None]]


def _play(stand: Stand, play: Play, **env: str) -> None:
    """Start a server on the stand and play a scene with it."""

    async def attached(server: Server) -> None:
        async with attach(server) as host:
            await play(host)

    with _started(stand, **env) as server:
        trio.run(attached, server)


@contextmanager
def _started(stand: Stand, **env: str) -> Iterator[Server]:
    with start_server({**stand.env, **env}, stand.project(), stand.root / "stderr") as server:
        yield server


@pytest.fixture
def bare(tmp_path: Path) -> Stand:
    """A machine with configuration but no CLI."""
    stand = Stand(root=tmp_path)
    stand.home.mkdir()
    stand.bin.mkdir()
    stand.configure()
    return stand


def _state_of(health: Json, name: str) -> Json:
    clis = health["clis"]
    assert isinstance(clis, list)
    found: Json = next(state for state in clis if state["name"] == name)
    return found


@pytest.mark.requirement("setup:no_cli")
def test_a_server_without_any_cli_starts_and_says_what_to_do(bare: Stand) -> None:
    """Tools are listed, health has a remedy for each, exec names the way out."""

    async def play(host: Host) -> None:
        tools = await host.answer(await host.post("tools/list"))
        health = await host.call("sessions", action="health")
        body = await host.exec("hello")
        named = await host.exec("hello", cli="codex")

        assert "result" in tools
        assert health["clis_ready"] == []
        assert health["guidance"]["state"] == "no_cli"  # type: ignore[index]
        assert {state["state"] for state in health["clis"]} == {"missing"}  # type: ignore[attr-defined]
        assert all(state["remedy"] for state in health["clis"])  # type: ignore[attr-defined]
        assert body["status"] == named["status"] == "failed"
        assert "install" in str(body["error"]["hint"])  # type: ignore[index]
        assert "codex" in named["error"]["message"]  # type: ignore[index]

    _play(bare, play)


@pytest.mark.requirement("setup:not_installed")
def test_a_cli_that_is_not_installed_is_told_from_an_unknown_one(bare: Stand) -> None:
    """With those that are installed."""
    bare.emulate(["codex"])

    async def play(host: Host) -> None:
        error = (await host.exec("hello", cli="gemini"))["error"]
        assert isinstance(error, dict)

        assert "install" in str(error)
        assert "codex" in str(error)
        assert (await host.exec("hello", cli="codex"))["status"] == "completed"

    _play(bare, play)


@pytest.mark.requirement("setup:bad_profile")
def test_bad_profiles_are_skipped_and_reported(bare: Stand) -> None:
    """With file and line and what was meant; what is shipped stays in use."""
    bare.emulate(["codex", "gemini", "claude", "goose"])
    bare.overlay("codex", completion_pattern="(unclosed")
    bare.overlay("gemini", binry="gemini")
    bare.overlay("claude", exclusive=[["--verbose", "-p"]])
    bare.overlay("own", binary="own")

    async def play(host: Host) -> None:
        health = await host.call("sessions", action="health")
        problems = health["problems"]
        assert isinstance(problems, list)
        told = {
            cli: next((p for p in problems if f"/cli.d/{cli}/" in p["where"]), {})
            for cli in ("codex", "gemini", "claude", "own")
        }

        assert "completion_pattern" in told["codex"]["message"]
        assert told["codex"]["where"].rpartition(":")[2].isdigit()
        assert told["gemini"]["suggestion"] == "binary"
        assert "contradict" in told["claude"]["message"]
        assert "missing" in told["own"]["message"]
        assert {"codex", "gemini", "claude", "goose"} <= set(health["clis_ready"])  # type: ignore[call-overload]
        assert (await host.exec("hello", cli="codex"))["status"] == "completed"

    _play(bare, play)


@pytest.mark.requirement("setup:bad_settings")
def test_unknown_settings_are_reported_with_a_suggestion(bare: Stand) -> None:
    """The server starts with the rest."""
    bare.configure(server={"max_concurent_jobs": 3, "sync_wait_seconds": "often"})

    async def play(host: Host) -> None:
        problems = (await host.call("sessions", action="health"))["problems"]
        assert isinstance(problems, list)

        assert "max_concurrent_jobs" in {problem["suggestion"] for problem in problems}
        assert any("sync_wait_seconds" in problem["message"] for problem in problems)

    _play(bare, play)


@pytest.mark.requirement("setup:binaries")
def test_bad_binaries_are_seen_in_health(bare: Stand) -> None:
    """Missing, a directory, not executable, of another version, dead: state, reason, remedy."""
    (bare.bin / "gemini").mkdir()
    (bare.bin / "claude").write_text("#!/bin/sh\n", encoding="utf-8")
    for name, text in (("goose", "echo 0.0.1"), ("qwen", "exit 127"), ("droid", "echo 0.215.0")):
        (bare.bin / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (bare.bin / name).chmod(0o755)

    async def play(host: Host) -> None:
        health = await host.call("sessions", action="health")
        seen = {name: _state_of(health, name) for name in CLIS}
        states = {name: state["state"] for name, state in seen.items()}
        bad = [name for name, state in states.items() if state != "ready"]

        assert states["codex"] == "missing"
        assert (states["gemini"], states["claude"], states["qwen"]) == ("broken",) * 3
        assert "directory" in str(seen["gemini"]["reason"])
        assert "not executable" in str(seen["claude"]["reason"])
        assert states["goose"] == "untested_version"
        assert seen["goose"]["version"] == "0.0.1"
        assert states["droid"] == "ready"
        assert [name for name in bad if not (seen[name]["reason"] and seen[name]["remedy"])] == []
        assert (await host.exec("x", cli="gemini"))["status"] == "failed"

    _play(bare, play)


@pytest.mark.requirement("setup:state_directory")
def test_an_unwritable_state_directory_is_told_at_the_call(bare: Stand) -> None:
    """Listing works, a call says which directory; when it is there, the next call works."""
    bare.emulate(["codex"])
    blocked = bare.root / "blocked"
    blocked.write_text("a file where the directory should be", encoding="utf-8")

    async def play(host: Host) -> None:
        body = await host.exec("hello", cli="codex")
        tools = await host.answer(await host.post("tools/list"))
        error = body["error"]
        assert isinstance(error, dict)

        assert body["status"] == "failed"
        assert str(blocked) in error["message"] + str(error["hint"])
        assert "result" in tools
        blocked.unlink()
        assert (await host.exec("hello", cli="codex"))["status"] == "completed"

    _play(bare, play, AIMUX_STATE_DIR=str(blocked))


@pytest.mark.requirement("setup:one_owner")
def test_a_second_server_on_one_store_is_refused(bare: Stand) -> None:
    """It says who has it, stays alive, and works as soon as the first has left."""
    bare.emulate(["codex"])
    with _started(bare) as second:
        with _started(bare) as first:
            trio.run(_exec_on, first, "completed")
            error = trio.run(_exec_on, second, "failed")["error"]
        after = trio.run(_exec_on, second, "completed")

        assert str(first.pid) in str(error) or "another" in str(error)
        assert after["error"] is None


async def _exec_on(server: Server, status: str) -> Json:
    async with attach(server) as host:
        body = await host.exec("hello", cli="codex")
    assert body["status"] == status, body
    return body


@pytest.mark.requirement("restart:kill_9")
def test_a_killed_server_leaves_no_child_and_its_jobs_are_known(tmp_path: Path) -> None:
    """Children die with it; the next one calls its jobs aborted, and reads finished ones."""
    stand = make_stand(tmp_path / "machine")
    known: dict[str, Json] = {}

    async def begin(server: Server) -> None:
        async with attach(server) as host:
            known["done"] = await host.exec("say PELICAN", cli="codex")
            for cli in ("codex", "claude", "crush"):
                prompt = "[[say 60]] [[fault hang_after_result; ignore_term]]"
                call = {"prompt": prompt, "cli": cli, "async": True}
                known[cli] = await host.call("exec", **{**call, "prompt": "[[tool 300]]", "mode": "write"})  # fmt: skip  # noqa: E501
            with trio.fail_after(ANSWER_S):
                while len(stand.turns_log()) < 3:
                    await host.call("sessions", action="list")
            server.process.kill()

    async def check(host: Host) -> None:
        for cli in ("codex", "claude", "crush"):
            body = await host.call("status", job_id=known[cli]["job_id"])
            assert (body["status"], body["error"]["code"]) == ("aborted", "aborted")  # type: ignore[index]
        done = await host.call("status", job_id=known["done"]["job_id"])
        again = await host.exec("[[recall]]", session_id=known["done"]["session_id"])

        assert (done["status"], done["content"]) == ("completed", known["done"]["content"])
        assert "PELICAN" in str(again["content"])

    with pytest.raises(AssertionError), _started(stand) as server:  # it did not leave with 0
        trio.run(begin, server)
    dying: list[psutil.Process] = []
    for pid in stand.survivors():
        with contextlib.suppress(psutil.NoSuchProcess):  # it is dead by now
            dying.append(psutil.Process(pid))
    psutil.wait_procs(dying, timeout=10)

    assert stand.survivors() == {}
    _play(stand, check)


@pytest.mark.requirement("recursion:depth")
def test_a_nested_server_refuses_beyond_three_levels(bare: Stand) -> None:
    """By the token that every child gets."""
    bare.emulate(["codex"])
    spy = bare.bin / "spy"
    spy.write_text('#!/bin/sh\necho "$AIMUX_LINEAGE"\n', encoding="utf-8")
    spy.chmod(0o755)
    bare.overlay("spy", schema_version=1, binary="spy", command=["spy"])
    seen: list[Json] = []

    async def play(host: Host) -> None:
        seen.append(await host.exec("hello", cli="spy"))

    token = ""
    for _ in range(5):
        _play(bare, play, AIMUX_LINEAGE=token)
        token = str(seen[-1]["content"]).strip()

    assert [body["status"] for body in seen] == ["completed"] * 4 + ["failed"]
    assert seen[-1]["error"]["code"] == "too_deep"  # type: ignore[index]
    assert seen[-1].get("job_id") is None


@pytest.mark.requirement("stdio:first_line")
def test_a_bare_list_is_answered_and_the_end_of_input_ends_it(bare: Stand) -> None:
    """As in the README: one line in, one line out, exit 0."""
    done = subprocess.run(
        [sys.executable, "-m", "aimux"],
        input=b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}\n',
        capture_output=True,
        env=bare.env,
        cwd=bare.root,
        timeout=60,
        check=True,
    )

    assert b'"exec"' in done.stdout
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
    assert not bare.state.exists()  # a probe opens nothing
