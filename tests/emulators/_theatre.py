"""Runs emulators as children in a throw-away HOME and project."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import trio

MAIN = Path(__file__).parents[2] / "emulators" / "__main__.py"
AT_ONCE = 3  # two cores: one more than that keeps them busy
PATIENCE_S = 60.0  # the machine may be slow; nothing here waits that long on a good day
KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "TEMP", "TMP")


@attrs.frozen(kw_only=True)
class Done:
    """What a finished child left."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def errors(self) -> str:
        return self.err.decode(errors="replace")


@attrs.frozen(kw_only=True)
class Case:
    """One run: the words after the program's name, what stdin holds, extra variables."""

    words: tuple[str, ...]
    stdin: bytes = b""
    env: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Theatre:
    """A HOME and a project for emulators to play in."""

    home: Path
    project: Path
    fast: bool = True

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        scale = "0.01" if self.fast else "1"
        return {
            **kept,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "EMULATOR_TIME_SCALE": scale,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            **extra,
        }

    def argv(self, words: Iterable[str]) -> list[str]:
        return [sys.executable, "-I", "-S", str(MAIN), *words]

    async def run(
        self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Done:
        """Run one emulator to its end."""
        done = await trio.run_process(
            self.argv(words),
            stdin=stdin,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=self.project,
            env=self.environment(env or {}),
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    async def all(self, cases: Iterable[Case]) -> list[Done]:
        """Run several, a few at a time, and return them in order."""
        listed = list(cases)
        results: list[Done | None] = [None] * len(listed)
        limiter = trio.CapacityLimiter(AT_ONCE)

        async def one(index: int, case: Case) -> None:
            async with limiter:
                results[index] = await self.run(*case.words, stdin=case.stdin, env=case.env)

        async with trio.open_nursery() as nursery:
            for index, case in enumerate(listed):
                nursery.start_soon(one, index, case)
        return [done for done in results if done is not None]

    def start(
        self, *words: str, stdin: int = subprocess.DEVNULL, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one in its own session and leave it to the test."""
        return subprocess.Popen(
            self.argv(words),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.project,
            env=self.environment(env or {}),
            start_new_session=True,
        )


# how each CLI is run once, in a writing and in a reading mode; P stands for the prompt
WRITE = {
    "codex": ("codex", "exec", "--json", "-s", "workspace-write", "--", "P"),
    "claude": (
        *("claude", "-p", "--output-format", "stream-json", "--verbose"),
        *("--permission-mode", "acceptEdits", "--", "P"),
    ),
    "gemini": ("gemini", "-o", "stream-json", "--approval-mode", "yolo", "--prompt=P"),
    "qwen": ("qwen", "-o", "stream-json", "--approval-mode", "yolo", "--prompt=P"),
    "aider": (
        *("aider", "--no-auto-commits", "--yes-always", "--no-pretty", "--no-stream"),
        *("--no-gitignore", "--no-show-model-warnings", "--message=P"),
    ),
    "goose": ("goose", "run", "-q", "--output-format", "stream-json", "--text=P"),
    "crush": ("crush", "run", "-q", "--", "P"),
    "gptme": ("gptme", "-n", "--output-format", "json", "--", "P"),
    "cline": ("cline", "--json", "--data-dir", "DATA", "--", "P"),
    "continue": ("cn", "-p", "--format", "json", "--auto", "--", "P"),
    "droid": ("droid", "exec", "-o", "stream-json", "--auto", "low", "--", "P"),
    "opencode": ("opencode", "run", "--format", "json", "--", "P"),
}
READ = {
    "codex": ("codex", "exec", "--json", "-s", "read-only", "--", "P"),
    "claude": (
        *("claude", "-p", "--output-format", "stream-json", "--verbose"),
        *("--permission-mode", "plan", "--", "P"),
    ),
    "gemini": ("gemini", "-o", "stream-json", "--approval-mode", "plan", "--prompt=P"),
    "qwen": ("qwen", "-o", "stream-json", "--approval-mode", "plan", "--prompt=P"),
    "aider": ("aider", "--chat-mode", "ask", "--no-pretty", "--message=P"),
    "goose": ("goose", "run", "-q", "--output-format", "stream-json", "--text=P"),
    "crush": ("crush", "run", "-q", "--", "P"),
    "gptme": ("gptme", "-n", "--output-format", "json", "-t", "read-only", "--", "P"),
    "cline": ("cline", "--json", "--plan", "--data-dir", "DATA", "--", "P"),
    "continue": ("cn", "-p", "--format", "json", "--readonly", "--", "P"),
    "droid": ("droid", "exec", "-o", "stream-json", "--", "P"),
    "opencode": ("opencode", "run", "--format", "json", "--agent", "plan", "--", "P"),
}
CLIS = tuple(WRITE)


# how each CLI gets its prompt on stdin (aider: in a file), where it can
STDIN = {
    "codex": ("codex", "exec", "--json", "-"),
    "claude": ("claude", "-p", "--output-format", "stream-json", "--verbose"),
    "gemini": ("gemini", "-o", "stream-json"),
    "qwen": ("qwen", "-o", "stream-json"),
    "aider": ("aider", "--no-pretty", "--message-file", "prompt.txt"),
    "goose": ("goose", "run", "-q", "--output-format", "stream-json", "-i", "-"),
    "crush": ("crush", "run", "-q"),
    "gptme": ("gptme", "-n", "--output-format", "json"),
    "cline": ("cline", "--data-dir", "DATA"),
    "continue": ("cn", "--format", "json", "-p"),
    "droid": ("droid", "exec", "-o", "stream-json"),
    "opencode": ("opencode", "run", "--format", "json"),
}


def answer(cli: str, out: str) -> str:
    """The answer in what a CLI printed in its form above."""
    if cli in ("aider", "crush") or not out.startswith(("{", "[")):
        return out.strip()
    if cli == "continue" and not out.startswith('{"response"'):
        return out.strip()  # the model's own JSON
    lines = [json.loads(line) for line in out.split("\n") if line.startswith("{")]
    texts: list[str] = []
    for line in lines:
        match line:
            case {"item": {"type": "agent_message", "text": text}}:
                texts = [text]
            case {"type": "result", "result": text} | {"type": "run_result", "text": text}:
                texts = [text]
            case {"type": "completion", "finalText": text} | {"response": text}:
                texts = [text]
            case {"type": "message", "role": "assistant", "content": text, "delta": True}:
                texts.append(text)
            case {"type": "message", "role": "assistant", "content": text}:
                texts = [text]
            case {"type": "message", "message": {"role": "assistant", "content": blocks}}:
                texts += [block["text"] for block in blocks if "text" in block]
            case {"type": "text", "part": {"text": text}}:
                texts = [text]
            case {"type": "error" | "system" | "assistant" | "user" | "tool_call"}:
                continue
    return "".join(texts)


def words(form: tuple[str, ...], prompt: str) -> tuple[str, ...]:
    """A command form with its prompt filled in."""
    return tuple(
        word[:-1] + prompt if word == "P" or word.endswith("=P") else word for word in form
    )
