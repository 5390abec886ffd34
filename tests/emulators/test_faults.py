"""Every fault does what its name says, and model failures end as the real programs end them."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
import trio

from emulators.faults import DEATHS

from .. import needs
from ._theatre import CLIS, PATIENCE_S, WRITE, Case, Theatre, answer, words

AT_ONCE = {"EMULATOR_TIME_SCALE": "0"}
FAILURES = {  # what a reader of the output has to go by
    "auth": r"API key|401|[Aa]uthentic",
    "quota": r"quota|[Uu]sage limit",
    "rate_limit": r"429|[Rr]ate.?limit|exhausted",
    "model_missing": r"does not exist|not found|may not exist",
    "context": r"context|too long|token",
    "server_error": r"500|[Ii]nternal|high demand|error while processing",
}
CODES: dict[str, dict[str, int]] = {
    **{cli: dict.fromkeys(FAILURES, 1) for cli in CLIS},
    "gemini": {
        "auth": 144,
        "context": 144,
        "quota": 173,
        "rate_limit": 173,
        "model_missing": 1,
        "server_error": 500 % 256,
    },
    "aider": dict.fromkeys(FAILURES, 0),
    "goose": {**dict.fromkeys(FAILURES, 0), "auth": 1},
    "gptme": {**dict.fromkeys(FAILURES, 1), "auth": 76, "model_missing": 77},
}
CUT = {"codex": 1, "qwen": 1, "cline": 1}
EMPTY = {"qwen": 1, "cline": 1, "gptme": 1}
NORMAL = "(emulated) received"


@contextmanager
def started(child: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """End the child and its group, whatever happens."""
    try:
        yield child
    finally:
        if os.name != "nt":
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


async def read_some(child: "subprocess.Popen[bytes]") -> bytes:
    """The next piece of the child's stdout."""
    assert child.stdout is not None
    return await trio.to_thread.run_sync(os.read, child.stdout.fileno(), 1 << 16)


async def read_until(child: "subprocess.Popen[bytes]", wanted: bytes, times: int = 1) -> bytes:
    """Read stdout until something stands in it so many times."""
    kept = b""
    with trio.fail_after(PATIENCE_S):
        while kept.count(wanted) < times:
            piece = await read_some(child)
            assert piece, kept[-500:]
            kept += piece
    return kept


async def until(found: Callable[[], object]) -> None:
    """Wait for what another process does to the file system: no event tells."""
    with trio.fail_after(PATIENCE_S):
        while not found():  # noqa: ASYNC110
            await trio.sleep(0.01)


def children(theatre: Theatre) -> list[int]:
    """The processes a fault or a tool left in this HOME."""
    listed = theatre.home / ".emulator" / "children"
    return (
        [int(pid) for pid in listed.read_text(encoding="utf-8").split()] if listed.exists() else []
    )


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def form(cli: str, prompt: str) -> tuple[str, ...]:
    return words(WRITE[cli], f"{prompt} say hi")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAILURES)
async def test_model_failures_end_as_recorded(theatre: Theatre, kind: str) -> None:
    """Code and words for all twelve; waits between attempts are left out."""
    with trio.fail_after(30):
        results = await theatre.all(
            Case(words=form(cli, f"[[fault {kind}]]"), env=AT_ONCE) for cli in CLIS
        )

    for cli, done in zip(CLIS, results, strict=True):
        assert done.code == CODES[cli][kind], cli
        said = " ".join((done.text + done.errors).split())  # consoles wrap at 80 columns
        assert re.search(FAILURES[kind], said), cli
        assert NORMAL not in done.text, cli


@pytest.mark.slow
async def test_a_cut_stream_ends_as_measured(theatre: Theatre) -> None:
    """Some fail, most pass the fragment off as an answer, one starts over for ever."""
    clis = [cli for cli in CLIS if cli != "opencode"]
    results = await theatre.all(Case(words=form(cli, "[[fault cut]]"), env=AT_ONCE) for cli in clis)

    assert [done.code for done in results] == [CUT.get(cli, 0) for cli in clis]
    whole = [cli for cli, done in zip(clis, results, strict=True) if "(turn 1)" in done.text]
    assert whole == ["claude"]  # asked again without a stream


@pytest.mark.slow
async def test_an_empty_answer_ends_as_measured(theatre: Theatre) -> None:
    """Nobody invents text."""
    results = await theatre.all(
        Case(words=form(cli, "[[fault empty]]"), env=AT_ONCE) for cli in CLIS
    )

    assert [done.code for done in results] == [EMPTY.get(cli, 0) for cli in CLIS]
    assert [NORMAL in done.text for done in results] == [False] * len(CLIS)


@pytest.mark.slow
async def test_exit_0_can_be_a_failure_everywhere(theatre: Theatre) -> None:
    """The code says success, the output has no real answer."""
    results = await theatre.all(
        Case(words=form(cli, "[[fault exit0_error]]"), env=AT_ONCE) for cli in CLIS
    )

    assert [done.code for done in results] == [0] * len(CLIS)
    assert [
        f"{NORMAL}: [[fault exit0_error]] say hi (turn 1)" in done.text for done in results
    ] == [False] * len(CLIS)


@pytest.mark.slow
@pytest.mark.parametrize("cli", CLIS)
async def test_endless_steps_never_end(theatre: Theatre, cli: str) -> None:
    """Output goes on until somebody stops it."""
    with started(theatre.start(*form(cli, "[[fault endless_steps]]"))) as child:
        await read_until(child, b"\n", 40)

        assert child.poll() is None


async def test_hang_before_prints_nothing(theatre: Theatre) -> None:
    """Not a byte in half a second, and no end."""
    with started(theatre.start(*form("codex", "[[fault hang_before]]"))) as child:
        with trio.move_on_after(0.5):
            assert child.stdout is not None
            await trio.lowlevel.wait_readable(child.stdout.fileno())
            raise AssertionError("it printed something")
        assert child.poll() is None


async def test_hang_after_result_has_printed_everything(theatre: Theatre) -> None:
    """The closing record is there, the process too."""
    with started(theatre.start(*form("codex", "[[fault hang_after_result]]"))) as child:
        await read_until(child, b"turn.completed")

        with trio.move_on_after(0.3):
            await trio.to_thread.run_sync(child.wait, abandon_on_cancel=True)
        assert child.poll() is None


@needs.posix
@pytest.mark.parametrize(
    ("cli", "fault", "number"),
    [("codex", "ignore_term", signal.SIGTERM), ("opencode", "ignore_int", signal.SIGINT)],
)
async def test_signals_can_be_ignored(
    theatre: Theatre, cli: str, fault: str, number: signal.Signals
) -> None:
    """The default would have ended it by that signal; only SIGKILL does."""
    prompt = f"[[fault {fault}; fork_holds_stdout 60]] [[sleep 60]]"
    with started(theatre.start(*form(cli, prompt))) as child:
        await until(lambda: children(theatre))  # written after the signals are set
        child.send_signal(number)
        child.send_signal(signal.SIGKILL)

        assert child.wait() == -signal.SIGKILL


@needs.posix
async def test_fork_holds_stdout_keeps_the_pipe_open(theatre: Theatre) -> None:
    """The leader is gone, a child of the same session still has the pipe."""
    with started(theatre.start(*form("codex", "[[fault fork_holds_stdout]]"))) as child:
        await read_until(child, b"turn.completed")
        with trio.fail_after(PATIENCE_S):
            assert await trio.to_thread.run_sync(child.wait) == 0
        (holder,) = children(theatre)
        with trio.move_on_after(0.3) as waited:
            assert child.stdout is not None
            await trio.lowlevel.wait_readable(child.stdout.fileno())

        assert waited.cancelled_caught
        assert os.getsid(holder) == child.pid
        os.kill(holder, signal.SIGKILL)
        with trio.fail_after(PATIENCE_S):
            assert await read_some(child) == b""


@needs.posix
async def test_orphan_session_outlives_its_cli(theatre: Theatre) -> None:
    """A killed group does not reach it."""
    with started(theatre.start(*form("codex", "[[fault orphan_session]]"))) as child:
        await trio.to_thread.run_sync(child.wait)
    (orphan,) = children(theatre)

    assert is_alive(orphan)
    assert os.getsid(orphan) == orphan
    os.kill(orphan, signal.SIGKILL)


async def test_output_faults_of_size(theatre: Theatre) -> None:
    """Much on stderr, one long line, much on stdout; the answer comes after all of it."""
    flood, line, many = await theatre.all(
        [
            Case(words=form("codex", "[[fault flood_stderr 300000]]")),
            Case(words=form("claude", "[[fault big_line 10000000]]")),
            Case(words=form("droid", "[[fault big_output 2000000]]")),
        ]
    )

    assert len(flood.err) > 300_000
    assert max(len(one) for one in line.out.split(b"\n")) == 9_999_999
    assert len(many.out) > 2_000_000
    assert NORMAL in answer("codex", flood.text)
    assert NORMAL in answer("claude", line.text)
    assert NORMAL in answer("droid", many.text)


async def test_output_faults_of_form(theatre: Theatre) -> None:
    """Last newline, noise, spinner, marker, wrong bytes, a refusal."""
    plain, bare, noisy, spinner, marker, bad, refused = await theatre.all(
        [
            Case(words=form("codex", "")),
            Case(words=form("codex", "[[fault no_final_newline]]")),
            Case(words=form("codex", "[[fault noise 2]]")),
            Case(words=form("codex", "[[fault cr_spinner]]")),
            Case(words=form("codex", "[[fault marker_in_text]]")),
            Case(words=form("codex", "[[fault bad_utf8]]")),
            Case(words=form("codex", "[[fault refuse]]")),
        ]
    )

    assert plain.out.endswith(b"}\n")
    assert bare.out.endswith(b"}")
    assert bare.out.count(b"\n") == plain.out.count(b"\n") - 1
    assert noisy.out.count(b"emulator noise") == 2 * plain.out.count(b"\n")
    assert spinner.out.count(b"\r\x1b[2K{") == plain.out.count(b"\n")
    assert '{"type":"turn.completed"} but this is not it.' in answer("codex", marker.text)
    assert b"\xff\xfe" in bad.out
    assert answer("codex", refused.text).startswith("I'm sorry, but I can't help")


async def test_split_utf8_writes_half_a_character(theatre: Theatre) -> None:
    """Some piece read from the pipe is not text by itself, the whole is."""
    with started(theatre.start(*form("codex", "[[fault split_utf8]]"))) as child:
        pieces: list[bytes] = []
        with trio.fail_after(PATIENCE_S):
            while piece := await read_some(child):
                pieces.append(piece)
    halves = [piece for piece in pieces if piece[-1:] >= b"\xc0"]

    assert halves
    assert "日本語" in b"".join(pieces).decode()


async def test_drip_and_silence_take_their_time(theatre: Theatre) -> None:
    """A lower bound only: the machine may be slow, and pieces then come together."""
    begun = time.perf_counter()
    await theatre.run(*form("codex", "[[fault silent 0.3]]"))
    silent = time.perf_counter() - begun
    begun = time.perf_counter()
    done = await theatre.run(*form("codex", "[[fault drip 0.02]]"))
    drip = time.perf_counter() - begun

    assert silent > 0.3
    assert drip > 0.02 * 4 * len(done.text.splitlines())


async def test_crash_mid_json_leaves_half_a_line(theatre: Theatre) -> None:
    """The last line does not parse and the code is the one asked for."""
    done = await theatre.run(*form("codex", "[[fault crash_mid_json 139]]"))
    last = done.text.split("\n")[-1]

    assert done.code == 139
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(last)


async def test_plain_text_comes_whatever_was_asked_for(theatre: Theatre) -> None:
    """Exit code 0, the answer, and no record at all."""
    results = await theatre.all(Case(words=form(cli, "[[fault plain]]")) for cli in CLIS)

    assert [done.code for done in results] == [0] * len(CLIS)
    assert [NORMAL in done.text for done in results] == [True] * len(CLIS)
    assert [done.text.lstrip().startswith("{") for done in results] == [False] * len(CLIS)


@pytest.mark.parametrize("kind", DEATHS)
async def test_a_death_in_the_runtime_leaves_its_words_on_stderr(
    theatre: Theatre, kind: str
) -> None:
    """And the exit code that goes with it."""
    done = await theatre.run(*form("codex", f"[[fault die {kind}]]"))

    assert done.code == DEATHS[kind][0]
    assert DEATHS[kind][1].splitlines()[-1].replace("{cli}", "codex") in done.errors


@pytest.mark.parametrize("cli", ["claude", "qwen"])
async def test_a_closing_record_can_be_without_the_answer(theatre: Theatre, cli: str) -> None:
    """It stands in the assistant's record only."""
    done = await theatre.run(*form(cli, "[[fault no_result]]"))
    last = json.loads(done.text.splitlines()[-1])

    assert last["type"] == "result"
    assert "result" not in last
    assert NORMAL in done.text


async def test_a_turn_can_be_closed_twice(theatre: Theatre) -> None:
    """The second time with what the helpers say."""
    done = await theatre.run(*form("claude", "[[fault second_result 0.05]]"))
    results = [json.loads(line) for line in done.text.splitlines() if '"type":"result"' in line]

    assert [each["is_error"] for each in results] == [False, False]
    assert results[1]["result"] == "The helpers agree."


async def test_auth_prompt_asks_and_waits(theatre: Theatre) -> None:
    """A login nobody can give."""
    with started(theatre.start(*form("gemini", "[[fault auth_prompt]]"))) as child:
        await read_until(child, b"enter the code: ")

        assert child.poll() is None


async def test_who_has_no_terminal_is_not_asked(theatre: Theatre) -> None:
    """The question and its echo need somebody who types."""
    done = await theatre.run(*form("codex", "[[fault ask 2]]"))

    assert done.code == 0
    assert "turn.completed" in done.text
    assert "May step" not in done.text
    assert "Typed" not in done.text


async def test_exit_code_is_replaced_after_a_whole_turn(theatre: Theatre) -> None:
    """A success record with a failing code."""
    done = await theatre.run(*form("codex", "[[fault exit 3]]"))

    assert done.code == 3
    assert "turn.completed" in done.text


async def test_fail_first_fails_and_then_works(theatre: Theatre) -> None:
    """Counted per CLI in HOME, also when it comes from the environment."""
    env = {**AT_ONCE, "EMULATOR_FAULTS": "fail_first 2 auth"}
    codes = [(await theatre.run(*form("codex", ""), env=env)).code for _ in range(3)]

    assert codes == [1, 1, 0]


async def test_unknown_faults_are_refused(theatre: Theatre) -> None:
    """A misspelt test must not pass."""
    done = await theatre.run(*form("codex", "[[fault hang_befor]]"))

    assert (done.code, done.errors.endswith("emulator: unknown fault 'hang_befor'\n")) == (2, True)


@needs.posix
async def test_a_double_fork_leaves_a_process_that_nothing_ties_to_its_cli(
    theatre: Theatre,
) -> None:
    """Its own session, nobody's child, and nothing in its environment."""
    done = await theatre.run(*form("codex", "[[fault double_fork 60]] say PELICAN"))
    (left,) = children(theatre)

    assert "PELICAN" in done.text
    assert os.getsid(left) != os.getsid(0)
    assert is_alive(left)
    os.kill(left, signal.SIGKILL)


@needs.posix
async def test_close_stdout_ends_the_output_and_not_the_process(theatre: Theatre) -> None:
    """Its readers come to the end of the turn, and it stays."""
    with started(theatre.start(*form("codex", "[[fault close_stdout]]"))) as child:
        await read_until(child, b"turn.completed")
        with trio.fail_after(PATIENCE_S):
            while await read_some(child):
                pass

        assert child.poll() is None


async def test_the_last_record_comes_twice(theatre: Theatre) -> None:
    """The turn is closed again, with the same words."""
    done = await theatre.run(*form("codex", "[[fault end_twice 0]]"))
    *_, first, second = done.text.splitlines()

    assert "turn.completed" in first
    assert first == second


async def test_strange_json_comes_before_the_answer(theatre: Theatre) -> None:
    """A number beyond floats, half a character, a depth; then all as usual."""
    done = await theatre.run(*form("codex", "[[fault strange_json]]"))

    assert "1e400" in done.text
    assert "\\ud800" in done.text
    assert NORMAL in answer("codex", done.text[done.text.index('{"type":"item') :])
