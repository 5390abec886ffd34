"""The real CLIs straight against the model server, without aimux in between.

When `run.py` fails, this tells whether the CLI or aimux is to blame; when a CLI gets a new version,
it tells what changed. One row per CLI, one column per feature:

    python tests/realclis/direct.py                  # every installed CLI
    python tests/realclis/direct.py codex --show     # with what each run printed
    python tests/realclis/direct.py codex --keep DIR # stdout and stderr of each run as files
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import install
import isolate
import setup

ROOT: Final = install.HERE.parents[1]
RUN_LIMIT_S: Final = 120
LARGE_CHARS: Final = 200_000
DENY: Final = json.dumps({"permission": {"edit": "deny", "bash": "deny"}})
AIDER_FLAGS: Final = (
    *("--no-auto-commits", "--no-dirty-commits", "--yes-always", "--no-pretty", "--no-stream"),
    *("--no-gitignore", "--no-check-update", "--no-show-release-notes"),
    *("--no-show-model-warnings", "--analytics-disable"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """One run to start."""

    words: Sequence[str]
    stdin: bytes | None = None
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DirectTurn:
    """What a run is for: `session` to go on with one, `is_large` for stdin or a file."""

    prompt: str
    mode: str = "read"
    session: str = ""
    is_large: bool = False


@dataclasses.dataclass(frozen=True)
class Printed:
    """What a run left."""

    code: int
    stdout: str
    stderr: str
    requests: list[dict[str, object]]  # what the model server was asked meanwhile


def compose(ready: setup.Prepared, ask: DirectTurn) -> Command:
    """The command line of a CLI for one turn."""
    return _COMMANDS[ready.cli](ready, ask)


def _claude(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["-p", "--output-format", "stream-json", "--verbose", "--model", ready.model]
    words += ["--permission-mode", "plan" if ask.mode == "read" else "acceptEdits"]
    words += ["--resume", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, "--", ask.prompt])


def _codex(ready: setup.Prepared, ask: DirectTurn) -> Command:
    sandbox = "read-only" if ask.mode == "read" else "workspace-write"
    words = ["exec", "--json", "--skip-git-repo-check", "-s", sandbox, "-m", ready.model]
    words += ["resume", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=[*words, "-"], stdin=ask.prompt.encode())
    return Command(words=[*words, "--", ask.prompt])


def _gemini(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["--skip-trust", "-o", "stream-json", "-m", ready.model]
    words += ["--approval-mode", "plan" if ask.mode == "read" else "yolo"]
    words += ["-r", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, f"--prompt={ask.prompt}"])


def _qwen(_ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["--auth-type", "openai", "-o", "stream-json"]
    words += ["--approval-mode", "plan" if ask.mode == "read" else "yolo"]
    words += ["-r", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, f"--prompt={ask.prompt}"])


def _opencode(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["run", "--format", "json", "-m", ready.model]
    words += ["-s", ask.session] if ask.session else []
    env = {"OPENCODE_CONFIG_CONTENT": DENY} if ask.mode == "read" else {}
    return Command(words=words, stdin=ask.prompt.encode(), env=env)


def _aider(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = [*AIDER_FLAGS, "--model", ready.model]
    words += ["--chat-mode", "ask"] if ask.mode == "read" else []
    words += ["--restore-chat-history"] if ask.session else []
    if ask.is_large:
        file = ready.home / "prompt.txt"
        file.write_text(ask.prompt, encoding="utf-8")
        return Command(words=[*words, "--message-file", str(file)])
    return Command(words=[*words, f"--message={ask.prompt}"])


def _gptme(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["-n", "--output-format", "json", "-m", ready.model]
    words += ["-t", "read-only"] if ask.mode == "read" else []
    words += ["--name", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, "--", ask.prompt])


def _cline(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["--data-dir", str(ready.home / ".cline" / "data"), "-m", ready.model]
    words += ["--plan"] if ask.mode == "read" else []
    if ask.is_large:  # it refuses stdin together with --json
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=["--json", *words, "--", ask.prompt])


def _continue(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["-p", "--format", "json", "--readonly" if ask.mode == "read" else "--auto"]
    words += ["--resume"] if ask.session else []
    if ask.is_large:
        file = ready.home / "prompt.txt"
        file.write_text(ask.prompt, encoding="utf-8")
        return Command(words=[*words, "--prompt", str(file), "--", "see above"])
    return Command(words=[*words, "--", ask.prompt])


def _droid(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["exec", "-o", "stream-json", "-m", ready.model]
    words += ["--only-tools", "Read,LS,Grep,Glob"] if ask.mode == "read" else ["--auto", "low"]
    words += ["--fork", ask.session] if ask.session else []
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, "--", ask.prompt])


def _goose(_ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["run", "-q", "--output-format", "stream-json"]
    name = ask.session.removeprefix("new:")
    words += ["-n", name] if name else []
    words += ["-r"] if name and name == ask.session else []
    env = {"GOOSE_MODE": "chat" if ask.mode == "read" else "auto"}
    if ask.is_large:
        return Command(words=[*words, "-i", "-"], stdin=ask.prompt.encode(), env=env)
    return Command(words=[*words, f"--text={ask.prompt}"], env=env)


def _crush(ready: setup.Prepared, ask: DirectTurn) -> Command:
    words = ["run", "-q", "-m", ready.model, *(["-C"] if ask.session else [])]
    if ask.is_large:
        return Command(words=words, stdin=ask.prompt.encode())
    return Command(words=[*words, "--", ask.prompt])


_COMMANDS: Final[Mapping[str, Callable[[setup.Prepared, DirectTurn], Command]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "qwen": _qwen,
    "opencode": _opencode,
    "aider": _aider,
    "gptme": _gptme,
    "cline": _cline,
    "continue": _continue,
    "droid": _droid,
    "goose": _goose,
    "crush": _crush,
}
# where the id of a finished run stands, for CLIs that print one
SESSION_KEYS: Final = {
    "claude": "session_id",
    "codex": "thread_id",
    "gemini": "session_id",
    "qwen": "session_id",
    "opencode": "sessionID",
    "droid": "session_id",
}
# these are told the name of the session instead, the last three only go on with the latest one
NAMED: Final = ("gptme", "goose")
LATEST: Final = ("aider", "continue", "crush")
SOFT: Final = ("continue", "cline", "crush")  # a shell command writes in their read mode
# what a CLI itself gets wrong, so that a new failure stands out
KNOWN: Final = {("gptme", "large"): "tears characters at its read boundaries on stdin"}


class Bench:
    """Runs one prepared CLI and keeps what it printed."""

    def __init__(
        self, ready: setup.Prepared, log: Path, keep: Path | None, *, is_showing: bool
    ) -> None:
        self.ready = ready
        self._log = log
        self._keep = keep
        self._is_showing = is_showing

    def run(self, name: str, ask: DirectTurn) -> Printed:
        """One turn to its end, or to RUN_LIMIT_S and the end of its process group."""
        command = compose(self.ready, ask)
        argv = [str(self.ready.binary), *command.words]
        before = len(_lines(self._log))
        child = subprocess.Popen(
            argv,
            env={**self.ready.env, **command.env},
            cwd=self.ready.project,
            stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = child.communicate(command.stdin, timeout=RUN_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
        texts = (out.decode(errors="replace"), err.decode(errors="replace"))
        done = Printed(child.returncode, *texts, _lines(self._log)[before:])
        if self._is_showing:
            print(f"--- {self.ready.cli} {name}: exit {done.code}\n{_clip(done.stdout)}")
            print(f"--- stderr\n{_clip(done.stderr)}" if done.stderr else "", flush=True)
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            for kind, text in (("stdout", done.stdout), ("stderr", done.stderr)):
                file = self._keep / f"{self.ready.cli}.{name}.{kind}"
                file.write_text(text, encoding="utf-8")
        return done


def _lines(log: Path) -> list[dict[str, object]]:
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def _clip(text: str, limit: int = 3000) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]}\n[...]\n{text[-limit // 2 :]}"


def check_turn(bench: Bench) -> str:
    """A prompt goes in and its answer comes out."""
    # the digest is in the answer alone: several CLIs echo the prompt
    return _arrives(bench, "turn", f"say {uuid.uuid4().hex[:8]} please", is_large=False)


def check_resume(bench: Bench) -> str:
    """The second turn sees the prompt of the first."""
    cli = bench.ready.cli
    if cli == "cline":
        return "- terminal only"
    word = f"remember-{uuid.uuid4().hex[:8]}"
    name = f"s{uuid.uuid4().hex[:8]}" if cli in NAMED else ""
    start = f"new:{name}" if cli == "goose" else name
    first = bench.run("resume1", DirectTurn(f"Take note of {word} please", session=start))
    session = name or ("latest" if cli in LATEST else session_id(cli, first.stdout))
    if not session:
        return "no session id printed"
    second = bench.run("resume2", DirectTurn("What was it? [[recall]]", session=session))
    recalled = [line["said"] for line in second.requests if "Earlier" in str(line.get("said"))]
    if any(word in str(said) for said in recalled):
        return ""
    return f"exit {second.code}, the first turn is not seen"


def session_id(cli: str, stdout: str) -> str:
    """The session id a CLI printed, or nothing."""
    found = re.search(rf'"{SESSION_KEYS[cli]}"\s*:\s*"([^"]+)"', stdout)
    return found[1] if found else ""


def check_read(bench: Bench) -> str:
    """In read mode neither the edit tool nor the shell tool leaves a file."""
    return _refused(bench, "read", "[[write {path} spoiled]]")


def check_read_shell(bench: Bench) -> str:
    """In read mode the shell tool leaves no file."""
    return _refused(bench, "readsh", "[[shell-write {path}]]")


def _refused(bench: Bench, name: str, directive: str) -> str:
    path = bench.ready.project / f"{name}.txt"
    done = bench.run(name, DirectTurn(f"Make a file. {directive.format(path=path)} Thanks."))
    if path.exists():
        path.unlink()
        return "soft: wrote" if bench.ready.cli in SOFT else "WROTE"
    replies = [str(line["reply"]) for line in done.requests]
    if any(reply.startswith("tool:") for reply in replies):
        return "ok: refused"
    said = " ".join(str(line.get("said")) for line in done.requests)
    is_known = "No tool for" in said or (bench.ready.cli == "aider" and "```" in said)
    return "ok: no tool" if is_known else f"exit {done.code}, not tried"


def check_write(bench: Bench) -> str:
    """In write mode the file the model asks for is there."""
    path = bench.ready.project / "made.txt"
    name = path.name if bench.ready.cli == "aider" else path
    done = bench.run(
        "write", DirectTurn(f"Make a file. [[write {name} made]] Thanks.", mode="write")
    )
    if not path.exists():
        return f"exit {done.code}, not written"
    return "" if path.read_text(encoding="utf-8").strip() == "made" else "written wrongly"


def check_dash(bench: Bench) -> str:
    """A prompt that begins with dashes arrives as it is."""
    return _arrives(bench, "dash", "--version -x 'a' \"b\" $HOME `id` \\n", is_large=False)


def check_large(bench: Bench) -> str:
    """200 KB of several lines and scripts arrive as they are, over stdin or a file."""
    line = "a line with é, 日本, 😀 and \"quotes\" and 'more'\n"
    return _arrives(bench, "large", line * (LARGE_CHARS // len(line)), is_large=True)


def _arrives(bench: Bench, name: str, part: str, *, is_large: bool) -> str:
    # the part comes twice: first as the very beginning of the prompt, then between the marks
    marked = f"[[begin]]{part}[[end]] [[sha256]]"
    done = bench.run(
        name, DirectTurn(marked if is_large else f"{part} {marked}", is_large=is_large)
    )
    if hashlib.sha256(part.encode()).hexdigest() in done.stdout:
        return ""
    seen = re.search(r"size (\d+)", " ".join(str(line.get("said")) for line in done.requests))
    return f"{seen[1]} of {len(part.encode())} B" if seen else f"exit {done.code}, no digest"


CHECKS: Final[Mapping[str, Callable[[Bench], str]]] = {
    "turn": check_turn,
    "resume": check_resume,
    "read": check_read,
    "read-shell": check_read_shell,
    "write": check_write,
    "dash": check_dash,
    "large": check_large,
}


@contextlib.contextmanager
def model_server(log: Path) -> Iterator[int]:
    """The port of a model server in a process of its own, which ends with this one."""
    words = [sys.executable, "-m", "emulators.model_server", "--until-eof", "--log", str(log)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())["port"]
        finally:
            child.terminate()


def main() -> int:
    """Print the table; 1 when a cell failed."""
    recipes = install.read_recipes()
    known = [name for name in recipes if name != "node"]
    parser = argparse.ArgumentParser(description="The real CLIs against the model server.")
    parser.add_argument("cli", nargs="*", metavar="CLI", help="every installed one by default")
    parser.add_argument("--check", action="append", choices=list(CHECKS), help="only these")
    parser.add_argument("--show", action="store_true", help="print what each run printed")
    parser.add_argument("--keep", type=Path, help="write what each run printed into this directory")
    options = parser.parse_args()
    unknown = sorted(set(options.cli) - set(known))
    if unknown:
        parser.error(f"unknown CLI {', '.join(unknown)}; known: {', '.join(known)}")
    checks = options.check or list(CHECKS)
    failed = False
    whole = isolate.cut_network()
    print(f"network left open: {whole}" if whole else "network: loopback only", flush=True)
    with tempfile.TemporaryDirectory(prefix="realclis-") as temp:
        log = Path(temp) / "requests.jsonl"
        with model_server(log) as port:
            print(f"{'CLI':<10}{'version':<10}" + " ".join(f"{name:<14}" for name in checks))
            for cli in options.cli or known:
                here = Path(temp) / cli
                try:
                    project = setup.make_project(here / "project")
                    ready = setup.prepare(cli, here / "home", project, port)
                except setup.NotPrepared as problem:
                    print(f"{cli:<10}{problem}", flush=True)
                    continue
                bench = Bench(ready, log, options.keep, is_showing=options.show)
                print(f"{cli:<10}{ready.version:<10}", end="", flush=True)
                for name in checks:
                    verdict = CHECKS[name](bench)
                    if (cli, name) in KNOWN and verdict:
                        verdict = f"- {verdict}"
                    failed |= bool(verdict) and not verdict.startswith(("-", "ok", "soft"))
                    print(f"{verdict or 'ok':<14}", end=" ", flush=True)
                print()
        if options.keep is not None:
            (options.keep / "requests.jsonl").write_bytes(log.read_bytes())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
