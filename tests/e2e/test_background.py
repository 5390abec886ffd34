"""`background`, and what can be done with a job later: its question answered, the job repeated."""

from typing import Final

import pytest
import trio

from ._host import ANSWER_S, Host, Json, codes
from .test_asking import TASKED

POLL_S: Final = 45


def part(body: Json, name: str) -> Json:
    """An object in an answer."""
    found = body[name]
    assert isinstance(found, dict), body
    return found


async def ended(host: Host, job_id: object) -> Json:
    """A job at its end."""
    body = await host.call("status", job_id=job_id, wait_seconds=ANSWER_S)
    assert body["status"] not in {"queued", "running"}, body
    return body


@pytest.mark.requirement("tools:background")
async def test_a_job_is_started_and_nobody_waits_for_it(host: Host) -> None:
    """The answer has the job, its role and the call that asks for it; that call works."""
    body = await host.call("background", prompt="[[say 5]] [[sleep 1]]", cli="codex")

    data = part(body, "data")
    assert body["status"] in {"queued", "running"}
    call = data["status"]
    assert call == {
        "tool": "status",
        "arguments": {"job_id": body["job_id"], "wait_seconds": POLL_S},
    }
    assert call in [
        {name: each[name] for name in ("tool", "arguments")}
        for each in part(body, "guidance")["next"]
    ]
    later = await host.call(call["tool"], **call["arguments"])
    assert later["status"] == "completed"


@pytest.mark.requirement("tools:background")
@pytest.mark.requirement("background:guess")
async def test_a_role_is_read_from_the_prompt_and_only_reads(host: Host) -> None:
    """It is told; who names the role gets its stance."""
    guessed = await host.call("background", prompt="Implement the change of the parser")
    named = await host.call("background", prompt="Go.", role="coding")
    plain = await host.call("background", prompt="Good morning")

    assert part(guessed, "data")["role_inferred"] is True
    assert "coding" in str(part(guessed, "data")["why"])
    assert (guessed["role"], guessed["mode"]) == ("coding", "read")
    assert (named["role"], named["mode"]) == ("coding", "write")
    assert part(named, "data")["role_inferred"] is False
    assert part(plain, "data")["role_inferred"] is False
    for each in (guessed, named, plain):
        await ended(host, each["job_id"])


@pytest.mark.requirement("tools:background")
async def test_a_job_in_the_queue_has_its_place(host: Host) -> None:
    """Four may run; the fifth and sixth wait, and are told so."""
    bodies = [await host.call("background", prompt="[[sleep 60]]", cli="codex") for _ in range(6)]
    for each in bodies:
        await host.call("sessions", action="cancel", job_id=each["job_id"])

    places = [part(each, "data")["position"] for each in bodies]
    assert [place for place in places if place] == [1, 2], places


async def test_a_server_in_its_client_says_that_the_job_is_tied_to_it(host: Host) -> None:
    """There is no daemon here."""
    body = await host.call("background", prompt="hello", cli="codex")
    await ended(host, body["job_id"])

    assert "tied_to_client" in codes(body)


@pytest.mark.requirement("sessions:answer")
async def test_a_question_of_a_running_job_is_answered(host: Host) -> None:
    """The child goes on with what was typed; afterwards it asks nothing."""
    prompt = "[[fault ask 1]] [[say 20]]"
    begun = await host.call("exec", prompt=prompt, cli="codex", tty=True, **{"async": True})
    job_id = begun["job_id"]
    with trio.fail_after(ANSWER_S):
        while True:
            seen = await host.call("status", job_id=job_id, wait_seconds=1)
            if seen.get("question"):
                break
    answered = await host.call("sessions", action="answer", job_id=job_id, text="yes please")
    body = await ended(host, job_id)
    late = await host.call("sessions", action="answer", job_id=job_id, text="no")

    assert "May step 1 be taken?" in str(answered["question"])
    assert (answered["answered"], answered["open_questions"]) == (True, [])
    assert "Typed: yes please" in str(body["content"])
    assert part(late, "error")["code"] == "no_question"


@pytest.mark.requirement("sessions:retry")
async def test_a_job_is_run_again_with_what_it_was_asked(host: Host) -> None:
    """By its id or as the last of its session; on another CLI if one is named."""
    first = await host.exec("tell PELICAN", cli="codex", mode="read")
    again = await host.call("sessions", action="retry", session_id=first["session_id"])
    done = await ended(host, again["job_id"])
    other = await host.call("sessions", action="retry", job_id=first["job_id"], cli="gemini")
    moved = await ended(host, other["job_id"])

    assert again["retried"] == other["retried"] == first["job_id"]
    assert again["job_id"] != first["job_id"]
    assert "tell PELICAN" in str(done["content"])
    assert (done["cli"], done["mode"]) == ("codex", "read")
    assert (moved["cli"], moved["content"]) == ("gemini", moved["content"])
    assert "tell PELICAN" in str(moved["content"])
    assert part(again, "guidance")["next"]


@pytest.mark.requirement("sessions:retry")
async def test_a_failed_turn_of_a_session_is_repeated_in_it(host: Host) -> None:
    """The session goes on from what was answered before."""
    first = await host.exec("the word is HERON", cli="codex")
    session_id = first["session_id"]
    failed = await host.exec("[[fault auth]] go on", session_id=session_id)
    again = await host.call("sessions", action="retry", session_id=session_id)
    body = await ended(host, again["job_id"])

    assert failed["status"] == "failed"
    assert again["retried"] == failed["job_id"]
    assert body["session_id"] == session_id


async def test_what_cannot_be_repeated_is_refused(host: Host) -> None:
    """A job at work; one whose arguments are not kept; a session that nobody knows."""
    running = await host.call("background", prompt="[[sleep 60]]", cli="codex")
    busy = await host.call("sessions", action="retry", job_id=running["job_id"])
    await host.call("sessions", action="cancel", job_id=running["job_id"])
    agent = await host.call(
        "agents", action="run", agent_id="generalist", prompt="x", cli="codex", max_turns=1
    )
    other = await host.call("sessions", action="retry", job_id=agent["job_id"])
    nobody = await host.call("sessions", action="retry", session_id="ses_0")

    assert part(busy, "error")["code"] == "job_at_work"
    assert part(other, "error")["code"] == "retry_not_known"
    assert nobody["status"] == "failed"


async def test_what_makes_a_job_may_be_had_as_a_task_and_what_makes_none_is_answered(
    host: Host,
) -> None:
    """A background job and an agent's run become tasks; who fits is told at once."""
    calls: list[Json] = [
        {"name": "background", "arguments": {"prompt": "hello", "cli": "codex"}},
        {
            "name": "agents",
            "arguments": {"action": "run", "prompt": "x", "cli": "codex", "max_turns": 1},
        },
        {"name": "agents", "arguments": {"action": "find", "prompt": "why does it crash?"}},
    ]
    results = [
        part(await host.answer(await host.post("tools/call", {**call, "_meta": TASKED})), "result")
        for call in calls
    ]

    assert [str(each.get("taskId", ""))[:4] for each in results] == ["job_", "job_", ""]
    assert "debugger" in str(results[2]["structuredContent"])
    for each in results[:2]:
        await ended(host, each["taskId"])
