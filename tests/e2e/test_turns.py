"""What each of the twelve CLIs does for a call over stdio: a turn, and the next one."""

import pytest

from ._each import each
from ._host import Host, Json, codes
from ._stand import CLIS

# no id to continue with: earlier turns are told in the prompt
RETOLD = {"aider", "cline", "continue", "crush"}


@pytest.mark.requirement("turn:answer")
async def test_every_cli_answers_one_turn(host: Host) -> None:
    """One prompt, one answer, and the result says who gave it."""

    async def one(cli: str) -> Json:
        return await host.exec("say hello to PELICAN", cli=cli)

    found = await each(one)

    assert {cli: body["status"] for cli, body in found.items()} == dict.fromkeys(CLIS, "completed")
    assert {cli: body["cli"] for cli, body in found.items()} == {cli: cli for cli in CLIS}
    assert [cli for cli, body in found.items() if "PELICAN" not in str(body["content"])] == []
    assert [cli for cli, body in found.items() if body["error"] is not None] == []
    assert [cli for cli, body in found.items() if len(body["attempts"]) != 1] == []  # type: ignore[arg-type]


@pytest.mark.requirement("turn:resume")
@pytest.mark.requirement("turn:retell")
async def test_every_cli_goes_on_with_its_conversation(host: Host) -> None:
    """Who can resume does so: the emulator itself remembers. The others are told what was said:
    the first prompt stands in the second one, and its directive is obeyed again.
    """

    async def one(cli: str) -> tuple[Json, Json, Json]:
        first = await host.exec('remember [[json {"word": "PELICAN"}]]', cli=cli)
        second = await host.exec("[[recall]] what was it?", session_id=first["session_id"])
        return first, second, await host.exec("[[recall]] what was it?", cli=cli)

    found = await each(one)
    told = {cli for cli, (_, body, _) in found.items() if "session_retold" in codes(body)}
    forgot = {cli for cli, (_, body, _) in found.items() if "PELICAN" not in str(body["content"])}
    is_same = {cli: a["session_id"] == b["session_id"] for cli, (a, b, _) in found.items()}

    assert {body["status"] for _, body, _ in found.values()} == {"completed"}
    assert is_same == dict.fromkeys(CLIS, True)
    assert told == RETOLD
    assert forgot == set()
    assert [cli for cli, (_, _, new) in found.items() if "PELICAN" in str(new["content"])] == []


@pytest.mark.requirement("turn:usage")
async def test_token_counts_come_from_the_cli(host: Host) -> None:
    """Where its format has them, they are what it printed."""

    async def one(cli: str) -> object:
        body = await host.exec("[[usage 4321 987]] count", cli=cli)
        usage = body["usage"]
        return usage and usage["output_tokens"]  # type: ignore[index]

    found = await each(one)
    silent = {cli for cli, tokens in found.items() if tokens is None}

    assert silent <= {"continue", "crush"}
    assert {cli: n for cli, n in found.items() if cli not in silent and n != 987} == {
        "gptme": 3 * 987  # it asks the model thrice whether it is done
    }


@pytest.mark.requirement("turn:messages")
async def test_several_messages_keep_their_order(host: Host) -> None:
    """The last thing said is in the answer, and what was said is in the order it came."""

    async def one(cli: str) -> str:
        return str((await host.exec("[[parts one fish|two fish|red fish]] go", cli=cli))["content"])

    found = await each(one)

    assert [cli for cli, said in found.items() if "red fish" not in said] == []
    assert [cli for cli, said in found.items() if said.find("one") > said.find("two") >= 0] == []


@pytest.mark.requirement("turn:one_session_one_job")
async def test_a_session_has_one_job_at_a_time(host: Host) -> None:
    """A second call on a busy session is refused and says whom to wait for."""
    first = await host.exec("hello", cli="codex")
    session_id = first["session_id"]
    busy = await host.call(
        "exec", **{"prompt": "[[sleep 60]]", "session_id": session_id, "async": True}
    )
    refused = await host.exec("me too", session_id=session_id)
    await host.call("sessions", action="kill", session_id=session_id)

    assert refused["error"]["code"] == "session_busy"  # type: ignore[index]
    assert refused["error"]["job_id"] == busy["job_id"]  # type: ignore[index]
