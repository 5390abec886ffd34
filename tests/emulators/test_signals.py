"""Signals end each stand-in as they ended the real program."""

import json
import os
import signal
from pathlib import Path

import pytest
import trio

from .. import needs
from ._theatre import CLIS, PATIENCE_S, WRITE, Theatre, words
from .test_faults import children, is_alive, read_until, started, until

pytestmark = [needs.posix, pytest.mark.slow]
# to the leader: code after SIGINT, code after SIGTERM; None: it goes on
ENDS: dict[str, tuple[int | None, int | None]] = {
    "codex": (1, -15),
    "claude": (0, 143),
    "gemini": (None, None),
    "qwen": (-2, -15),
    "aider": (0, -15),
    "goose": (1, -15),
    "crush": (0, -15),
    "gptme": (0, 143),
    "cline": (0, None),
    "continue": (130, 0),
    "droid": (0, 0),
    "opencode": (-2, -15),
}


async def kept_session(theatre: Theatre) -> None:
    """Wait until the run has begun: it saves the prompt after its signals are set."""

    def found() -> list[Path]:
        roots = (theatre.home, theatre.project)
        files = [path for root in roots for path in root.rglob("*.json")]
        return [path for path in files if path.stat().st_size]  # a name is taken before that

    await until(found)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("cli", CLIS)
async def test_signal_to_the_leader(theatre: Theatre, cli: str, number: signal.Signals) -> None:
    """While the model is thinking."""
    expected = ENDS[cli][number == signal.SIGTERM]
    with started(theatre.start(*words(WRITE[cli], "[[sleep 60]] say hi"))) as child:
        await kept_session(theatre)
        child.send_signal(number)
        if expected is None:
            child.send_signal(signal.SIGKILL)

        with trio.fail_after(PATIENCE_S):
            code = await trio.to_thread.run_sync(child.wait)
        assert code == (-signal.SIGKILL if expected is None else expected)


async def test_gemini_without_relaunch_leaves_with_0(theatre: Theatre) -> None:
    """The signal reaches the worker; there is no result line."""
    env = {"GEMINI_CLI_NO_RELAUNCH": "true"}
    with started(theatre.start(*words(WRITE["gemini"], "[[sleep 60]]"), env=env)) as child:
        out = await read_until(child, b'"role":"user"')
        await kept_session(theatre)
        child.send_signal(signal.SIGTERM)
        with trio.fail_after(PATIENCE_S):
            code = await trio.to_thread.run_sync(child.wait)

        assert code == 0
        assert b'"result"' not in out


async def test_qwen_worker_survives_its_leader_but_not_the_group(theatre: Theatre) -> None:
    """Signals to the launcher are not passed on."""
    with started(theatre.start(*words(WRITE["qwen"], "[[sleep 60]]"))) as child:
        await read_until(child, b'"init"')
        await kept_session(theatre)
        child.send_signal(signal.SIGTERM)
        await trio.to_thread.run_sync(child.wait)

        os.killpg(child.pid, 0)  # somebody is left in the group
        os.killpg(child.pid, signal.SIGTERM)
        with trio.fail_after(PATIENCE_S):
            assert child.stdout is not None
            assert b'"result"' not in await trio.to_thread.run_sync(child.stdout.read)


async def test_interrupted_claude_prints_an_error_result(theatre: Theatre) -> None:
    """Exit 0, and only the record tells."""
    line = ("claude", "-p", "--output-format", "json", "--", "[[sleep 60]]")
    with started(theatre.start(*line)) as child:
        await kept_session(theatre)
        child.send_signal(signal.SIGINT)
        out = await read_until(child, b"\n")
    result = json.loads(out)

    assert (result["is_error"], result["subtype"]) == (True, "error_during_execution")
    assert result["terminal_reason"] == "aborted_streaming"


async def test_interrupted_goose_says_so_in_its_last_line(theatre: Theatre) -> None:
    """The stream has an error record."""
    with started(theatre.start(*words(WRITE["goose"], "[[sleep 60]]"))) as child:
        await kept_session(theatre)
        child.send_signal(signal.SIGINT)
        out = await read_until(child, b"\n")

    assert json.loads(out) == {"type": "error", "error": "Headless run interrupted"}


@pytest.mark.parametrize(
    ("cli", "number", "survives"),
    [
        ("claude", signal.SIGTERM, False),
        ("claude", signal.SIGKILL, True),
        ("opencode", signal.SIGTERM, True),
        ("cline", signal.SIGINT, False),
    ],
)
async def test_tools_in_their_own_session(
    theatre: Theatre, cli: str, number: signal.Signals, survives: bool
) -> None:
    """A signal to the group ends them only where the CLI cleans up."""
    with started(theatre.start(*words(WRITE[cli], "[[tool 60]] say hi"))) as child:
        await until(lambda: children(theatre))
        (tool,) = children(theatre)
        os.killpg(child.pid, number)
        with trio.fail_after(PATIENCE_S):
            await trio.to_thread.run_sync(child.wait)

    assert os.getpgid(0) != tool
    if survives:
        assert is_alive(tool)
        assert os.getsid(tool) == tool
        os.kill(tool, signal.SIGKILL)
    await until(lambda: not is_alive(tool))  # who is killed may still be seen for a moment


async def test_droid_cancels_its_tool_and_completes(theatre: Theatre) -> None:
    """The model is asked once more before it leaves."""
    with started(theatre.start(*words(WRITE["droid"], "[[tool 60]] say hi"))) as child:
        await until(lambda: children(theatre))
        child.send_signal(signal.SIGTERM)
        out = await read_until(child, b'"completion"')
        with trio.fail_after(PATIENCE_S):
            code = await trio.to_thread.run_sync(child.wait)

    assert code == 0
    assert b"Command terminated by signal: SIGTERM" in out


async def test_cline_leaves_a_hub_unless_it_has_a_data_directory(theatre: Theatre) -> None:
    """One per HOME, in a session of its own."""
    await theatre.run("cline", "--json", "--data-dir", "DATA", "say hi")
    pid_file = theatre.home / ".cline" / "hub.pid"
    isolated = pid_file.exists()
    await theatre.run("cline", "--json", "say hi")
    hub = int(pid_file.read_text(encoding="utf-8"))
    await theatre.run("cline", "--json", "say hi")

    try:
        assert not isolated
        assert int(pid_file.read_text(encoding="utf-8")) == hub
        assert os.getsid(hub) == hub
    finally:
        os.kill(hub, signal.SIGKILL)
