"""Prompts arrive byte for byte, and stdin is read as the real programs read it."""

import hashlib
import os
import subprocess

import attrs
import pytest
import trio

from .. import needs
from ._theatre import CLIS, PATIENCE_S, STDIN, WRITE, Case, Theatre, answer, words
from .test_faults import read_until, started

HASH = {"EMULATOR_DIRECTIVES": "[[sha256]]"}
NASTY = {
    "one byte": "x",
    "6,001 characters": "word " * 1200 + "z",
    "lines": " first\r\n\tsecond \n\n\nlast\n",
    "dashes": "--output-format json, -p and --",
    "quotes": "a ' b \" c ` d ´ “e” «f» \\ \\\\ $HOME $(x) %PATH% ^ & | < > ; * ? ! # ~ {} []",  # noqa: RUF001
    "unicode": "größe 日本語 🙂 e\u0301 \u200f\u2028 end",
}
BIG = ("größe 日本語 🙂 \"quoted\" 'text'\n\t--flag " * 5000)[:160_000]


def digest(prompt: str) -> str:
    data = prompt.encode()
    return f"sha256 {hashlib.sha256(data).hexdigest()} bytes {len(data)}"


def expected(cli: str, prompt: str) -> str:
    """opencode wraps an argument that holds a space; that is what the model gets."""
    if cli == "opencode" and " " in prompt:
        escaped = prompt.replace('"', '\\"')
        return digest(f'"{escaped}"')
    return digest(prompt)


@pytest.mark.slow
async def test_arguments_arrive_byte_for_byte(theatre: Theatre) -> None:
    """Every nasty prompt as one guarded argument; cline takes none without a space."""
    pairs = [
        (cli, name)
        for cli in CLIS
        for name, prompt in NASTY.items()
        if cli != "cline" or " " in prompt
    ]
    with trio.fail_after(60):
        results = await theatre.all(
            Case(words=words(WRITE[cli], NASTY[name]), env=HASH) for cli, name in pairs
        )

    wrong = [
        (cli, name, done.code, done.errors[-200:])
        for (cli, name), done in zip(pairs, results, strict=True)
        if expected(cli, NASTY[name]) not in answer(cli, done.text)
    ]
    assert not wrong


@pytest.mark.slow
async def test_stdin_arrives_byte_for_byte(theatre: Theatre) -> None:
    """One byte and two hundred kilobytes."""
    assert len(BIG.encode()) > 200_000

    for prompt in ("x", BIG):
        (theatre.project / "prompt.txt").write_bytes(prompt.encode())
        results = await theatre.all(
            Case(words=STDIN[cli], stdin=prompt.encode() if cli != "aider" else b"", env=HASH)
            for cli in CLIS
        )
        got = [answer(cli, done.text) for cli, done in zip(CLIS, results, strict=True)]

        assert [digest(prompt) in text for text in got] == [True] * len(CLIS)


async def test_stdin_and_argument_are_joined_as_by_the_real_ones(theatre: Theatre) -> None:
    """Order and glue differ from CLI to CLI."""
    glue = {
        "codex": "do it\n\n<stdin>\nctx from stdin\n</stdin>",
        "claude": "do it\nctx from stdin",
        "gemini": "ctx from stdin\n\ndo it",
        "qwen": "ctx from stdin\n\ndo it",
        "crush": "ctx from stdin\n\ndo it",
        "gptme": "do it\n\n````stdin\nctx from stdin\n````",
        "cline": "do it\n\nctx from stdin",
        "opencode": '"do it"\nctx from stdin',
        "aider": "do it",
        "goose": "do it",
        "continue": "do it",
        "droid": "do it",
    }
    patient = attrs.evolve(theatre, fast=False)  # real waits: the writer must not lose a race
    results = await patient.all(
        Case(words=words(WRITE[cli], "do it"), stdin=b"ctx from stdin", env=HASH) for cli in glue
    )

    wrong = [
        cli
        for (cli, text), done in zip(glue.items(), results, strict=True)
        if digest(text) not in answer(cli, done.text)
    ]
    assert not wrong


@pytest.mark.slow
async def test_an_open_pipe_hangs_four_and_not_the_others(theatre: Theatre) -> None:
    """stdin is a pipe that nobody writes to or closes, the prompt an argument."""
    hanging = {"codex", "opencode", "cline", "crush"}
    children = {
        cli: theatre.start(*words(WRITE[cli], "say hi"), stdin=subprocess.PIPE) for cli in CLIS
    }
    try:
        with trio.fail_after(PATIENCE_S):
            for cli in CLIS:
                if cli not in hanging:
                    code = await trio.to_thread.run_sync(children[cli].wait)
                    assert code == 0, cli
        assert {cli for cli, child in children.items() if child.poll() is None} == hanging

        for cli in hanging:  # the end of stdin sets them free
            pipe = children[cli].stdin
            assert pipe is not None
            pipe.close()
            with trio.fail_after(PATIENCE_S):
                assert await trio.to_thread.run_sync(children[cli].wait) == 0
    finally:
        for child in children.values():
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()


async def test_claude_waits_for_slow_stdin_and_says_so(theatre: Theatre) -> None:
    """The warning comes after three seconds, here scaled down."""
    reader, writer = os.pipe()
    try:
        done = await trio.run_process(
            theatre.argv(["claude", "-p", "say hi"]),
            stdin=reader,
            capture_stdout=True,
            capture_stderr=True,
            cwd=theatre.project,
            env=theatre.environment({}),
        )
    finally:
        os.close(reader)
        os.close(writer)

    assert b"Warning: no stdin data received in 3s, proceeding without it." in done.stderr
    assert done.stdout.startswith(b"Claude Code (emulated) received: say hi")


@needs.posix
async def test_a_closed_stdin_breaks_gptme_only(theatre: Theatre) -> None:
    """The others take it for an empty one."""
    codes = {}
    for cli in CLIS:
        line = theatre.argv(words(WRITE[cli], "say hi"))
        done = await trio.run_process(
            ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *line],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=theatre.project,
            env=theatre.environment({}),
        )
        codes[cli] = done.returncode

    assert codes == {**dict.fromkeys(CLIS, 0), "gptme": 1}


async def test_a_prompt_on_stdin_may_come_late(theatre: Theatre) -> None:
    """Scaling the waits down does not make a race of it."""
    env = {"EMULATOR_TIME_SCALE": "0"}
    for cli in ("claude", "continue"):
        with started(theatre.start(*STDIN[cli], stdin=subprocess.PIPE, env=env)) as child:
            assert child.stdin is not None
            await trio.sleep(0.2)  # the lateness itself
            child.stdin.write(b"late prompt")
            child.stdin.close()
            out = await read_until(child, b"late prompt")

        assert b"(emulated) received: late prompt" in out


async def test_continue_does_not_read_stdin_when_a_value_follows_its_print_flag(
    theatre: Theatre,
) -> None:
    """``-p --format json`` reads nothing, ``--format json -p`` does."""
    after, before = await theatre.all(
        [
            Case(words=("cn", "-p", "--format", "json"), stdin=b"piped prompt"),
            Case(words=("cn", "--format", "json", "-p"), stdin=b"piped prompt"),
        ]
    )

    assert (after.code, before.code) == (1, 0)
    assert "A prompt is required" in after.errors
    assert "piped prompt" in before.text


async def test_claude_takes_streamed_user_messages(theatre: Theatre) -> None:
    """With the stream-json input format stdin holds JSON lines."""
    line = b'{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hello"}]}}\n'
    done = await theatre.run(
        *("claude", "-p", "--input-format", "stream-json"),
        *("--output-format", "stream-json", "--verbose"),
        stdin=line,
        env=HASH,
    )

    assert answer("claude", done.text) == digest("hello")
