"""Read modes refuse or leak as measured; write modes really write."""

import json

import pytest
import trio

from ._theatre import CLIS, READ, WRITE, Case, Theatre, answer, words

EDIT, SHELL = "[[write by-edit-{0}.txt text of the file]]", "[[shell-write by-shell-{0}.txt]]"
# which of the two writes gets through in the read mode (crush has none, goose's is a variable)
LEAKS = {
    **dict.fromkeys(CLIS, (False, False)),
    "cline": (False, True),
    "continue": (False, True),
    "crush": (True, True),
    "droid": (False, True),
    "opencode": (False, True),
}
CHAT = {"GOOSE_MODE": "chat"}


async def tried(
    theatre: Theatre, forms: dict[str, tuple[str, ...]]
) -> dict[str, tuple[bool, bool]]:
    """Which files exist after one run per write, each in a run of its own."""
    with trio.fail_after(60):
        results = await theatre.all(
            Case(
                words=words(forms[cli], f"{request.format(cli)} please"),
                env=CHAT if forms is READ else {},
            )
            for cli in CLIS
            for request in (EDIT, SHELL)
        )
    assert {done.code for done in results} <= {0}
    return {
        cli: (
            (theatre.project / f"by-edit-{cli}.txt").exists(),
            (theatre.project / f"by-shell-{cli}.txt").exists(),
        )
        for cli in CLIS
    }


@pytest.mark.slow
async def test_read_modes_leak_as_measured(theatre: Theatre) -> None:
    """Hard ones let nothing through, soft ones their shell."""
    assert await tried(theatre, READ) == LEAKS


@pytest.mark.slow
async def test_write_modes_write(theatre: Theatre) -> None:
    """Edits land with their text; claude asks before a shell write and aider has no shell."""
    result = await tried(theatre, WRITE)

    assert result == {
        **dict.fromkeys(CLIS, (True, True)),
        "claude": (True, False),
        "aider": (True, False),
    }
    texts = {(theatre.project / f"by-edit-{cli}.txt").read_text(encoding="utf-8") for cli in CLIS}
    assert texts == {"text of the file"}


async def test_a_refused_write_is_told_in_the_answer(theatre: Theatre) -> None:
    """The model does not pretend."""
    prompt = "[[write no.txt x]] please"
    clis = ("codex", "claude", "gemini", "qwen", "droid", "opencode")
    results = await theatre.all(Case(words=words(READ[cli], prompt)) for cli in clis)

    for cli, done in zip(clis, results, strict=True):
        assert answer(cli, done.text).startswith("Could not write no.txt: "), cli


async def test_continue_falls_silent_when_a_tool_is_missing(theatre: Theatre) -> None:
    """Exit 0, not a byte on stdout, even in json."""
    done = await theatre.run(*words(READ["continue"], "[[write no.txt x]] please"))

    assert (done.code, done.out, done.err) == (0, b"", b"")


async def test_codex_workspace_write_ends_at_the_workspace(theatre: Theatre) -> None:
    """Outside only an added directory is writable."""
    outside = theatre.project.parent / "outside"
    prompt = f"[[write {outside}/x.txt x]]"
    base = ("codex", "exec", "--json", "-s", "workspace-write")
    done = await theatre.run(*base, prompt)
    before = outside.exists()
    await theatre.run(*base, "--add-dir", str(outside), prompt)

    assert '"status":"failed"' in done.text
    assert (before, (outside / "x.txt").exists()) == (False, True)


async def test_opencode_denies_by_configuration(theatre: Theatre) -> None:
    """The real read-only switch takes both tools away."""
    denied = {"OPENCODE_CONFIG_CONTENT": '{"permission":{"edit":"deny","bash":"deny"}}'}
    prompt = f"{EDIT.format('oc')} {SHELL.format('oc')}"
    done = await theatre.run(*words(WRITE["opencode"], prompt), env=denied)

    assert list(theatre.project.glob("by-*")) == []
    assert "tool_use" not in done.text


async def test_droid_read_tools_are_hard(theatre: Theatre) -> None:
    """With reading tools only, nothing is called at all."""
    prompt = f"{EDIT.format('d')} {SHELL.format('d')}"
    done = await theatre.run(
        *("droid", "exec", "-o", "stream-json", "--only-tools", "Read,LS,Grep,Glob", prompt)
    )

    assert list(theatre.project.glob("by-*")) == []
    assert "tool_call" not in done.text


async def test_goose_approve_mode_ends_a_headless_run(theatre: Theatre) -> None:
    """Nobody is there to approve."""
    done = await theatre.run(
        *words(WRITE["goose"], "[[write no.txt x]]"), env={"GOOSE_MODE": "approve"}
    )

    assert done.code == 1
    assert "Tool approval required in non-interactive mode with GooseMode::approve" in done.errors


async def test_claude_lists_denials_in_its_result(theatre: Theatre) -> None:
    """And counts as a success."""
    done = await theatre.run("claude", "-p", "--output-format", "json", "--", "[[write no.txt x]]")
    result = json.loads(done.text)

    assert [one["tool_name"] for one in result["permission_denials"]] == ["Write"]
    assert (result["subtype"], result["is_error"]) == ("success", False)


async def test_aider_commits_only_when_it_may(theatre: Theatre) -> None:
    """Its own files and the ignore list are touched unless told otherwise."""
    (theatre.project / ".git").rmdir()
    await trio.run_process(["git", "init", "-q"], cwd=theatre.project)
    safe = words(WRITE["aider"], "[[write one.txt x]]")
    await theatre.run(*safe)
    ignored = (theatre.project / ".gitignore").exists()
    loose = await theatre.run("aider", "--no-pretty", "-m", "[[write two.txt x]]")
    log = await trio.run_process(
        ["git", "log", "--format=%s"], cwd=theatre.project, capture_stdout=True
    )

    assert not ignored
    assert ".aider*" in (theatre.project / ".gitignore").read_text(encoding="utf-8")
    assert log.stdout == b"two.txt\n"
    assert "Commit " in loose.text
