"""Calls as clients make them: in the background, handed over, in pages, with progress."""

import json

import pytest
import trio

from ._host import Host, Json, codes, error_of, payload


async def _with_token(host: Host, token: object, **arguments: object) -> Json:
    host.server.last_id += 1
    call_id = host.server.last_id
    params = {"name": "exec", "arguments": arguments, "_meta": {"progressToken": token}}
    await host.say({"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params})
    return await host.answer(call_id)


@pytest.mark.requirement("exec:async")
@pytest.mark.requirement("status:wait_seconds")
async def test_async_hands_back_a_job_and_status_waits(host: Host) -> None:
    """The id comes at once, the answer when it is there, both in one shape."""
    call = {"prompt": "[[sleep 0.5]] [[say 40]]", "cli": "codex", "async": True}
    begun = await host.call("exec", **call)
    early = await host.call("status", job_id=begun["job_id"])
    waited = await host.call("status", job_id=begun["job_id"], wait_seconds=60)

    assert begun["status"] in ("queued", "running")
    assert begun["guidance"]["next"][0]["tool"] == "status"  # type: ignore[index]
    assert early["status"] in ("queued", "running")
    assert (waited["status"], len(str(waited["content"]))) == ("completed", 40)
    assert waited["session_id"] == begun["session_id"]


@pytest.mark.requirement("exec:hand_over")
async def test_a_long_call_is_handed_over(host: Host) -> None:
    """After wait_seconds the caller has the job and the call that goes on with it."""
    body = await host.call("exec", prompt="[[sleep 1]] hello", cli="codex", wait_seconds=0.2)
    following = body["guidance"]["next"][0]  # type: ignore[index]
    done = await host.call(following["tool"], **following["arguments"])

    assert body["status"] == "running"
    assert body["error"] is None
    assert (done["job_id"], done["status"]) == (body["job_id"], "completed")


@pytest.mark.requirement("status:paging")
async def test_long_answers_come_in_pages(host: Host) -> None:
    """offset, tail and include_content give exactly the parts of one text."""
    first = await host.exec("[[say 1000]]", cli="codex", max_chars=400)
    job_id = first["job_id"]
    pages, body = [str(first["content"])], first
    while body["next_offset"] is not None:
        body = await host.call("status", job_id=job_id, offset=body["next_offset"], max_chars=400)
        pages.append(str(body["content"]))
    whole = await host.call("status", job_id=job_id, include_content=True)
    tail = await host.call("status", job_id=job_id, tail=100)
    beyond = await host.call("status", job_id=job_id, offset=5_000)

    assert (first["truncated"], first["content_length"], len(pages)) == (True, 1000, 3)
    assert "".join(pages) == whole["content"]
    assert len(str(whole["content"])) == 1000
    assert tail["content"] == str(whole["content"])[-100:]
    assert (beyond["content"], beyond["next_offset"]) == ("", None)


@pytest.mark.requirement("status:events_after")
async def test_events_are_listed_from_where_one_stopped(host: Host) -> None:
    """Every event once, in order, however it is cut."""
    job_id = (await host.exec("[[tool]] go", cli="codex", mode="write"))["job_id"]
    everything = (await host.call("status", job_id=job_id, events_after=0))["events_list"]
    assert isinstance(everything, list)
    rest = (await host.call("status", job_id=job_id, events_after=3))["events_list"]
    kinds = [event["kind"] for event in everything]

    assert [event["seq"] for event in everything] == list(range(1, len(everything) + 1))
    assert rest == everything[3:]
    assert kinds.count("job_finished") == 1
    assert kinds[-1] == "job_finished"
    assert {"turn_started", "child_started", "child_exited", "tool_use"} <= set(kinds)


@pytest.mark.requirement("progress:token")
@pytest.mark.requirement("progress:monotonic")
@pytest.mark.requirement("progress:discreet")
@pytest.mark.parametrize("token", ["a token", 0, ""], ids=["text", "zero", "empty"])
async def test_progress_goes_by_the_callers_token(host: Host, token: object) -> None:
    """Strictly increasing, none after the answer, and never a word of the prompt."""
    others = len(host.told("somebody else"))
    response = await _with_token(
        host, token, cli="codex", prompt="[[sleep 0.8]] [[say 30]] SECRET-WORD of the prompt"
    )
    told = [
        (position, message)
        for position, message in enumerate(host.heard)
        if message.get("method") == "notifications/progress"
    ]
    answered_at = host.heard.index(response)
    await host.answer(await host.post("ping"))
    steps = [params["progress"] for params in host.told(token)]

    assert payload(response)["status"] == "completed"
    assert steps == sorted(set(steps))
    assert len(steps) >= 3  # started, at least one heartbeat, answered
    assert max(position for position, _ in told) < answered_at
    assert [m for _, m in told if m["params"]["progressToken"] != token] == []  # type: ignore[index]
    assert "SECRET-WORD" not in json.dumps([message for _, message in told])
    assert others == 0


@pytest.mark.requirement("progress:only_asked")
async def test_without_a_token_there_is_no_progress(host: Host) -> None:
    """Nothing but the answer comes."""
    await host.exec("[[sleep 0.6]]", cli="codex")

    methods = {message.get("method") for message in host.heard}

    assert "notifications/progress" not in methods


SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "minLength": 3}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.mark.requirement("exec:schema")
async def test_an_answer_that_fits_its_schema_comes_as_data(host: Host) -> None:
    """Parsed, beside the text."""
    body = await host.exec('[[json {"verdict": "good"}]]', cli="gemini", schema=SCHEMA)

    assert (body["status"], body["data"]) == ("completed", {"verdict": "good"})
    assert len(body["attempts"]) == 1  # type: ignore[arg-type]


@pytest.mark.requirement("exec:schema_repair")
async def test_an_answer_that_does_not_fit_is_asked_for_once_more(host: Host) -> None:
    """In the same conversation: the first answer, an empty list, is too short for the schema."""
    wanted = {"type": "array", "minItems": 1, "description": "[[recall]]"}
    body = await host.exec("remember PELICAN", cli="gemini", schema=wanted)
    data = body["data"]
    assert isinstance(data, list)

    assert (body["status"], body["error"], len(data)) == ("completed", None, 1)
    assert data[0].startswith("remember PELICAN")
    assert len(body["attempts"]) == 2  # type: ignore[arg-type]


@pytest.mark.requirement("exec:schema_partial")
async def test_an_answer_that_never_fits_is_partial(host: Host) -> None:
    """After one repair: what was answered, and what is wrong with it."""
    wanted = {**SCHEMA, "description": "[[json {}]]"}
    body = await host.exec("judge", cli="gemini", schema=wanted)
    error = body["error"]
    assert isinstance(error, dict)

    assert (body["status"], error["code"]) == ("partial", "answer_contract")
    assert "verdict" in error["message"]
    assert body["content"] == "{}"
    assert len(body["attempts"]) == 2  # type: ignore[arg-type]


@pytest.mark.requirement("exec:schema_checked")
async def test_a_bad_schema_is_refused(host: Host) -> None:
    """Before anything runs."""
    body = await host.exec("hello", cli="gemini", schema={"type": "objekt"})

    assert body["status"] == "failed"
    assert body.get("job_id") is None


@pytest.mark.requirement("exec:dry_run")
async def test_a_dry_run_starts_nothing(host: Host) -> None:
    """The plan with argv, names of variables, deadline; no job, no session, no child."""
    before = await host.call("sessions", action="health")
    body = await host.call("exec", prompt="do a thing", cli="codex", dry_run=True)
    after = await host.call("sessions", action="health")
    plan = body["plan"]
    assert isinstance(plan, dict)
    argv = plan["candidates"][0]["argv"]

    assert body["status"] == "planned"
    assert (body["job_id"], body["session_id"]) == (None, None)
    assert argv[0].endswith("/bin/codex")
    assert "do a thing" not in argv
    assert plan["prompt_bytes"] == len("do a thing")
    assert "HOME" in plan["candidates"][0]["env_names"]
    assert after["jobs"]["by_status"] == before["jobs"]["by_status"]  # type: ignore[index]
    assert host.server.children() == {}


@pytest.mark.requirement("exec:terminal")
async def test_a_terminal_can_be_had(host: Host) -> None:
    """tty=true: the same answer through a pseudo-terminal."""
    body = await host.exec("say PELICAN", cli="codex", tty=True)

    assert body["status"] == "completed"
    assert "PELICAN" in str(body["content"])


@pytest.mark.requirement("exec:effort")
async def test_an_effort_the_cli_does_not_know_is_clamped_and_told(host: Host) -> None:
    """The nearest it has, with a warning."""
    body = await host.exec("hello", cli="codex", effort="max")

    assert "effort_clamped" in codes(body)
    assert body["effort"] == "xhigh"


@pytest.mark.requirement("exec:concurrent_answers")
async def test_answers_come_in_the_order_they_are_ready(host: Host) -> None:
    """A slow call does not hold up a quick one."""
    slow = await host.post(
        "tools/call", {"name": "exec", "arguments": {"prompt": "[[sleep 2]]", "cli": "codex"}}
    )
    with trio.fail_after(30):
        await host.call("sessions", action="list")
    is_waiting = all(message.get("id") != slow for message in host.heard)
    done = payload(await host.answer(slow))

    assert is_waiting
    assert (done["status"], error_of(done)) == ("completed", (None, None))
