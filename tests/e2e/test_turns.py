"""What each of the twelve CLIs does for a call over stdio: turns, resume, prompts, modes."""



from ._each import each
from ._host import Host, Json
from ._stand import CLIS

RETELLS = {"cline", "continue", "crush", "aider"}  # these cannot continue a conversation headless
SOFT = {"cline", "continue", "crush", "droid", "opencode"}


async def test_every_cli_answers_one_turn(host: Host) -> None:
    """One prompt, one answer, and the result says who gave it."""

    async def one(cli: str) -> Json:
        return await host.exec("say hello to PELICAN", cli=cli)

    found = await each(one)

    assert {cli: body["status"] for cli, body in found.items()} == dict.fromkeys(CLIS, "completed")
    assert {cli: body["cli"] for cli, body in found.items()} == {cli: cli for cli in CLIS}
    assert [cli for cli, body in found.items() if "PELICAN" not in str(body["content"])] == []
    assert [cli for cli, body in found.items() if body["error"] is not None] == []
