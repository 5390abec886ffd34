"""How a job ends before its CLI does: cancelled, killed, timed out; and that nothing is left."""

import json
from pathlib import Path

import pytest
import trio

from ._each import each
from ._host import Host, Json, error_of, payload
from ._stand import CLIS, Stand, make_stand

NO_SHELL = {"aider", "gemini"}  # none at all; none in the mode for edits


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """Room for all twelve: they mostly sleep here."""
    return make_stand(module_dir / "machine", max_concurrent_jobs=12, max_concurrent_turns=12)


async def _begun(host: Host, prompt: str, cli: str, **more: object) -> tuple[int, Json]:
    """A call in flight whose child is at work, and its progress so far."""
    host.server.last_id += 1
    call_id = host.server.last_id
    arguments = {"prompt": prompt, "cli": cli, **more}
    params = {"name": "exec", "arguments": arguments, "_meta": {"progressToken": call_id}}
    await host.say({"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params})
    return call_id, (await host.progress(call_id))[0]


async def _jobs(host: Host, status: str = "active") -> list[Json]:
    listed = await host.call("sessions", action="list", status=status, limit=100)
    jobs: list[Json] = []
    for session in listed["sessions"]:  # type: ignore[attr-defined]
        info = await host.call("sessions", action="info", session_id=session["id"])
        jobs += info["jobs"]  # type: ignore[arg-type]
    return jobs


@pytest.mark.requirement("cancel:notification")
@pytest.mark.requirement("cancel:no_process_left")
async def test_cancelling_a_request_ends_its_child(host: Host, stand: Stand) -> None:
    """For each CLI while a tool of its own sleeps: no answer, a cancelled job, no process."""

    async def one(cli: str) -> int:
        prompt = "[[sleep 300]] go" if cli in NO_SHELL else "[[tool 300]] go"
        call_id, _ = await _begun(host, prompt, cli, mode="write")
        return call_id

    with trio.fail_after(60):
        call_ids = await each(one, at_once=12)
        while len(stand.turns_log()) < len(CLIS) - len(NO_SHELL):
            await _jobs(host)
        for call_id in call_ids.values():
            await host.notify("notifications/cancelled", requestId=call_id, reason="enough")
        while await _jobs(host):
            pass
    jobs = {str(job["cli"]): job["status"] for job in await _jobs(host, "all")}
    answered = [message["id"] for message in host.heard if message.get("id") in call_ids.values()]

    assert jobs == dict.fromkeys(CLIS, "cancelled")
    assert answered == []
    assert stand.survivors() == {}
    assert host.server.children() == {}


@pytest.mark.requirement("cancel:action")
@pytest.mark.parametrize("action", ["cancel", "kill"])
async def test_ending_a_job_by_id_keeps_what_it_said(host: Host, stand: Stand, action: str) -> None:
    """The waiting call is answered with the cancelled job; its siblings go on."""
    sibling, _ = await _begun(host, "[[sleep 1]] [[say 50]]", "gemini")
    call_id, _ = await _begun(host, "[[say 80]] [[fault hang_after_result]]", "gptme")
    with trio.fail_after(30):
        while not (jobs := [job for job in await _jobs(host) if job["cli"] == "gptme"]):
            pass
        while not (await host.call("status", job_id=jobs[0]["id"]))["content_length"]:
            pass
    job_id = jobs[0]["id"]
    done = await host.call("sessions", action=action, job_id=job_id)
    body = payload(await host.answer(call_id))
    again = await host.call("sessions", action=action, job_id=job_id)

    assert (body["status"], error_of(body)) == ("cancelled", ("cancelled", "cancelled"))
    assert len(str(body["content"])) == 80
    assert done["already_terminal"] is False
    assert again["already_terminal"] is True
    assert payload(await host.answer(sibling))["status"] == "completed"
    assert stand.survivors() == {}


@pytest.mark.requirement("kill:session")
async def test_killing_a_session_spares_others(host: Host, stand: Stand) -> None:
    """Also a child that ignores every polite signal."""
    stubborn = "[[fault hang_before; ignore_term; ignore_int]]"
    doomed = await host.call("exec", **{"prompt": stubborn, "cli": "cline", "async": True})
    other = await host.call("exec", **{"prompt": "[[sleep 0.5]]", "cli": "qwen", "async": True})
    killed = await host.call("sessions", action="kill", session_id=doomed["session_id"])
    rest = await host.call("status", job_id=other["job_id"], wait_seconds=30)

    assert killed["killed_jobs"] == [doomed["job_id"]]
    assert (await host.call("status", job_id=doomed["job_id"]))["status"] == "cancelled"
    assert rest["status"] == "completed"
    assert stand.survivors() == {}


@pytest.mark.requirement("timeout:whole_call")
async def test_a_deadline_is_kept(host: Host, stand: Stand) -> None:
    """Tenths of seconds are possible, and the error says what to do."""
    body = await host.exec("[[sleep 600]] go", cli="claude", timeout_seconds=0.6)
    error = body["error"]
    assert isinstance(error, dict)

    assert (body["status"], error["class"], error["code"]) == ("timed_out", "timeout", "timed_out")
    assert "timeout_seconds" in error["hint"]
    assert error["retryable"] is True
    assert stand.survivors() == {}


@pytest.mark.requirement("stdio:end_of_input")
async def test_jobs_of_a_client_that_hangs_up_are_marked(host: Host) -> None:
    """Cancelled calls answer nothing more, whatever comes after."""
    call_id, _ = await _begun(host, "[[sleep 300]]", "codex")
    await host.notify("notifications/cancelled", requestId=call_id)
    await host.notify("notifications/cancelled", requestId=call_id)
    await host.notify("notifications/cancelled", requestId="never seen")
    ping = await host.answer(await host.post("ping"))

    assert ping["result"] == {}
    assert json.dumps(call_id) not in {json.dumps(message.get("id")) for message in host.heard}
