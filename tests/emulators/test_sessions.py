"""Conversations are kept where the real programs keep them, and resumed with their flags."""

import json

import pytest

from ._theatre import WRITE, Case, Theatre, answer, words

FIRST, RECALL = "remember the word plum", "[[recall]] now"
UUID = "11111111-2222-4333-8444-555555555555"


def line(out: str, key: str) -> str:
    """The first value of a key in the JSON lines."""
    for one in out.splitlines():
        if key in (record := json.loads(one)):
            return str(record[key])
    raise AssertionError(key)


async def turn(theatre: Theatre, cli: str, *form: str) -> str:
    done = await theatre.run(*form)
    assert done.code == 0, done.errors
    return answer(cli, done.text)


CODEX = ("codex", "exec", "--json")
CLAUDE = ("claude", "-p", "--output-format", "stream-json", "--verbose")
GEMINI = ("gemini", "-o", "stream-json")
QWEN = ("qwen", "-o", "stream-json")
GOOSE = ("goose", "run", "-q", "--output-format", "stream-json")
GPTME = ("gptme", "-n", "--output-format", "json")
CN = ("cn", "-p", "--format", "json")
DROID = ("droid", "exec", "-o", "stream-json")
OPENCODE = ("opencode", "run", "--format", "json")
# cli: first turn, key of the session id, resuming turn (ID stands for the id)
RESUMES = {
    "codex": ((*CODEX, FIRST), "thread_id", (*CODEX, "resume", "ID", RECALL)),
    "claude": ((*CLAUDE, FIRST), "session_id", (*CLAUDE, "--resume", "ID", "--", RECALL)),
    "gemini": (
        (*GEMINI, f"--prompt={FIRST}"),
        "session_id",
        (*GEMINI, "-r", "ID", f"--prompt={RECALL}"),
    ),
    "qwen": (
        (*QWEN, f"--prompt={FIRST}"),
        "session_id",
        (*QWEN, "-r", "ID", f"--prompt={RECALL}"),
    ),
    "droid": ((*DROID, FIRST), "session_id", (*DROID, "--fork", "ID", "--", RECALL)),
    "opencode": ((*OPENCODE, FIRST), "sessionID", (*OPENCODE, "-s", "ID", RECALL)),
}
LATEST = {
    "codex": ((*CODEX, FIRST), (*CODEX, "resume", "--last", RECALL)),
    "claude": ((*CLAUDE, FIRST), (*CLAUDE, "-c", "--", RECALL)),
    "gemini": ((*GEMINI, f"--prompt={FIRST}"), (*GEMINI, "-r", "latest", f"--prompt={RECALL}")),
    "qwen": ((*QWEN, f"--prompt={FIRST}"), (*QWEN, "-c", f"--prompt={RECALL}")),
    "goose": ((*GOOSE, "-t", FIRST), (*GOOSE, "-r", "-t", RECALL)),
    "crush": (("crush", "run", "-q", FIRST), ("crush", "run", "-q", "-C", RECALL)),
    "gptme": ((*GPTME, "--name", "talk", FIRST), (*GPTME, "--name", "talk", RECALL)),
    "continue": ((*CN, FIRST), (*CN, "--resume", RECALL)),
    "opencode": ((*OPENCODE, FIRST), (*OPENCODE, "-c", RECALL)),
}


@pytest.mark.slow
@pytest.mark.parametrize("cli", RESUMES)
async def test_resume_by_id_remembers(theatre: Theatre, cli: str) -> None:
    """The earlier prompt is there, and nothing of another session."""
    first, key, again = RESUMES[cli]
    await theatre.run(*words(WRITE[cli], "something else"))
    done = await theatre.run(*first)
    ident = line(done.text, key)
    recalled = await turn(theatre, cli, *(ident if word == "ID" else word for word in again))

    earlier = json.loads(recalled)
    assert [one.strip('"') for one in earlier] == [FIRST]


@pytest.mark.slow
@pytest.mark.parametrize("cli", LATEST)
async def test_resume_of_the_latest_remembers(theatre: Theatre, cli: str) -> None:
    """Without an id it is the one used last."""
    first, again = LATEST[cli]
    await turn(theatre, cli, *first)

    earlier = json.loads(await turn(theatre, cli, *again))
    assert [one.strip('"') for one in earlier] == [FIRST]


@pytest.mark.slow
async def test_a_new_run_remembers_nothing(theatre: Theatre) -> None:
    """Every CLI starts afresh."""
    clis = [cli for cli in WRITE if cli != "aider"]
    await theatre.all(Case(words=words(WRITE[cli], FIRST)) for cli in clis)
    results = await theatre.all(Case(words=words(WRITE[cli], RECALL)) for cli in clis)

    assert [answer(cli, done.text) for cli, done in zip(clis, results, strict=True)] == ["[]"] * 11


async def test_a_resumed_thread_keeps_its_id_and_adds_up_its_usage(theatre: Theatre) -> None:
    """codex reports the sum over the thread."""
    first = await theatre.run(*CODEX, "[[usage 11 7]] a")
    again = await theatre.run(*CODEX, "resume", "--last", "[[usage 11 7]] b")
    total = json.loads(again.text.splitlines()[-1])["usage"]

    assert line(first.text, "thread_id") == line(again.text, "thread_id")
    assert (total["input_tokens"], total["output_tokens"]) == (22, 14)


async def test_claude_forks_and_guards_its_ids(theatre: Theatre) -> None:
    """A chosen id is used once; a fork gets a new one and the memory."""
    chosen = await theatre.run(*CLAUDE, "--session-id", UUID, "--", FIRST)
    twice = await theatre.run(*CLAUDE, "--session-id", UUID, "--", FIRST)
    fork = await theatre.run(*CLAUDE, "--resume", UUID, "--fork-session", "--", RECALL)

    assert line(chosen.text, "session_id") == UUID
    assert (twice.code, twice.errors) == (1, f"Error: Session ID {UUID} is already in use.\n")
    assert line(fork.text, "session_id") != UUID
    assert json.loads(answer("claude", fork.text)) == [FIRST]


async def test_goose_resumes_by_name(theatre: Theatre) -> None:
    """A name is not an id, and an unknown one is an error on stdout."""
    await theatre.run(*GOOSE, "-n", "mine", "-t", FIRST)
    await theatre.run(*GOOSE, "-n", "other", "-t", "else")
    again = await theatre.run(*GOOSE, "-r", "-n", "mine", "-t", RECALL)
    missing = await theatre.run(*GOOSE, "-r", "-n", "nobody", "-t", RECALL)

    assert json.loads(answer("goose", again.text)) == [FIRST]
    assert (missing.code, missing.errors) == (1, "")
    assert "Cannot resume session nobody - no such session exists" in missing.text


async def test_continue_forks_known_ids_and_starts_over_for_unknown_ones(theatre: Theatre) -> None:
    """Without a word."""
    await theatre.run(*CN, FIRST)
    listed = json.loads((await theatre.run("cn", "ls", "--json")).text)["sessions"]
    fork = await theatre.run(*CN, "--fork", listed[0]["id"], RECALL)
    missing = await theatre.run(*CN, "--fork", "nope", RECALL)

    assert listed[0]["firstUserMessage"] == FIRST
    assert fork.text == json.dumps([FIRST]) + "\n"
    assert (missing.text, missing.errors) == ("[]\n", "")


async def test_gemini_lists_and_resumes_by_number(theatre: Theatre) -> None:
    """The list numbers the sessions of the project."""
    await theatre.run(*GEMINI, f"--prompt={FIRST}")
    listed = await theatre.run("gemini", "--list-sessions")
    again = await theatre.run(*GEMINI, "-r", "1", f"--prompt={RECALL}")

    assert f"  1. {FIRST} (Just now) [" in listed.text
    assert json.loads(answer("gemini", again.text)) == [FIRST]


async def test_cline_keeps_history_but_cannot_resume(theatre: Theatre) -> None:
    """Headless resume does not exist; the model of one run becomes the default of the next."""
    base = ("cline", "--json", "--data-dir", "DATA")
    await theatre.run(*base, "-m", "other-model", FIRST)
    again = await theatre.run(*base, FIRST)
    history = await theatre.run("cline", "--data-dir", "DATA", "history", "--json")
    result = json.loads(again.text.splitlines()[-1])

    assert result["model"]["id"] == "other-model"
    assert [one["prompt"] for one in json.loads(history.text)] == [FIRST, FIRST]


async def test_crush_resumes_by_unique_prefix(theatre: Theatre) -> None:
    """Its own list gives the id."""
    await theatre.run("crush", "run", "-q", FIRST)
    last = json.loads((await theatre.run("crush", "session", "last", "--json")).text)
    again = await theatre.run("crush", "run", "-q", "-s", last["id"][:9], RECALL)

    assert json.loads(again.text) == [FIRST]


async def test_aider_remembers_through_its_history_file(theatre: Theatre) -> None:
    """Only when told to restore it."""
    await theatre.run("aider", "-m", FIRST)
    plain = await theatre.run("aider", "--no-pretty", "-m", RECALL)
    restored = await theatre.run("aider", "--no-pretty", "--restore-chat-history", "-m", RECALL)

    assert "\n[]\n" in plain.text
    assert f'\n["{FIRST}", "{RECALL}"]\n' in restored.text


async def test_codex_home_moves_the_sessions(theatre: Theatre) -> None:
    """A session of one home is unknown in another."""
    elsewhere = {"CODEX_HOME": str(theatre.project / "codex-home")}
    done = await theatre.run(*CODEX, FIRST, env=elsewhere)
    ident = line(done.text, "thread_id")
    missing = await theatre.run(*CODEX, "resume", ident, RECALL)
    found = await theatre.run(*CODEX, "resume", ident, RECALL, env=elsewhere)

    assert missing.code == 1
    assert json.loads(answer("codex", found.text)) == [FIRST]
