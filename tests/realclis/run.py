"""Every real CLI through aimux: MCP over stdio at one end, the model server at the other.

    python tests/realclis/run.py                     # install and check all of versions.toml
    python tests/realclis/run.py codex claude        # some
    python tests/realclis/run.py codex --check turn  # some columns
    python tests/realclis/run.py --latest            # newest versions instead of pinned ones

Prints one row per CLI, one cell per feature, and what went wrong below the row; exits 1 when
a cell failed. A CLI that cannot be installed here gets a row with the reason and fails nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import direct
import install
import isolate
import mcp_client as mcp
import pairs
import setup

TURN_LIMIT_S: Final = 180
START_LIMIT_S: Final = 30
GONE_LIMIT_S: Final = 10  # nothing may be left so long after a cancellation
POLL_S: Final = 0.1
ENDLESS: Final = "tail -f /dev/null"  # a bare sleep is refused by some CLIs
LARGE_CHARS: Final = 200_000
GARBLES_STDIN: Final = frozenset({"gptme"})  # other characters than ASCII
OK: Final = "ok"
HARD: Final = ("sandbox", "policy")


class Failed(Exception):
    """A feature does not work; the message is the cell's text."""


class NotOffered(Exception):
    """The CLI has no such feature, and aimux said so with an error of its own."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What `exec` gave back."""

    body: dict[str, Any]
    progress: int

    @property
    def content(self) -> str:
        """The answer's text."""
        return str(self.body.get("content") or "")

    @property
    def fault(self) -> str:
        """Error code and message, or the status when there is no error; empty on success."""
        error = self.body.get("error")
        if isinstance(error, dict):
            return f"{error.get('code')}: {error.get('message')}"
        status = str(self.body.get("status"))
        return "" if status == "completed" else status


class Bench:
    """One prepared CLI behind one aimux."""

    def __init__(
        self,
        ready: setup.Prepared,
        client: mcp.Client,
        log: Path,
        reviewer: setup.Prepared | None = None,
    ) -> None:
        self.ready = ready
        self.reviewer = reviewer
        self.client = client
        self._log = log

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What the model server was asked so far."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def arguments(self, prompt: str, **more: object) -> dict[str, object]:
        """The arguments of an `exec` on this CLI."""
        where = {"cli": self.ready.cli, "model": self.ready.model, "cwd": str(self.ready.project)}
        return {**where, "prompt": prompt, "mode": "read", **more}

    def ask(self, prompt: str, **more: object) -> Answer:
        """One `exec` to its end, with progress. Raises Failed when there is no result at all."""
        number = self.client.start("exec", self.arguments(prompt, **more))
        try:
            result = self.client.wait(number, TURN_LIMIT_S)
        except (mcp.NoAnswer, mcp.RpcError) as problem:
            raise Failed(str(problem)) from problem
        body = result.get("structuredContent")
        if not isinstance(body, dict):
            raise Failed("no structuredContent")
        return Answer(body, len(self.client.progress.get(f"p{number}", [])))

    def leftovers(self) -> list[str]:
        """Commands of living processes of this CLI's home, aimux itself excepted."""
        mark = f"HOME={self.ready.home}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == self.client.process.pid:
                continue
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found.append(words.decode(errors="replace").strip() or "(zombie)")
            except OSError:
                continue  # gone, or not ours
        return found

    def wait_gone(self) -> None:
        """Return once nothing of the CLI is left. Raises Failed after GONE_LIMIT_S."""
        left: list[str] = []
        for _ in range(int(GONE_LIMIT_S / POLL_S)):
            left = self.leftovers()
            if not left:
                return
            time.sleep(POLL_S)  # noqa: TID251 -- no loop in this script
        raise Failed(f"{len(left)} left: {left[0][:60]}")


def check_turn(bench: Bench) -> str:
    """A prompt in, its answer out, with progress, a session and the CLI named."""
    part = f"say {uuid.uuid4().hex}"
    answer = _arrives(bench, part, f"{part} [[begin]]{part}[[end]] [[sha256]]")
    for key, wanted in (("cli", bench.ready.cli), ("status", "completed")):
        if answer.body.get(key) != wanted:
            raise Failed(f"{key} is {answer.body.get(key)}")
    if not str(answer.body.get("session_id")).startswith("ses_"):
        raise Failed("no session id")
    if not answer.progress:
        raise Failed("no progress")
    return OK


def check_usage(bench: Bench) -> str:
    """Tokens are counted where the CLI reports them."""
    answer = _good(bench.ask("[[say five words are said here]]"))
    usage = answer.body.get("usage") or {}
    if not usage.get("input_tokens"):
        return "none" if bench.ready.cli in ("continue", "crush") else _fail("no tokens")
    return OK


def check_resume(bench: Bench) -> str:
    """A second call with the session's id sees the first prompt."""
    word = f"remember-{uuid.uuid4().hex[:8]}"
    first = _good(bench.ask(f"Take note of {word} please"))
    second = bench.ask("What was it? [[recall]]", session_id=first.body.get("session_id"))
    if word in second.content:
        codes = [warning.get("code") for warning in second.body.get("warnings") or []]
        return "retold" if "session_retold" in codes else OK
    error = second.body.get("error") or {}
    if error.get("class") in ("refusal", "peer", "usage") or "resum" in str(error.get("code")):
        raise NotOffered(str(error.get("code")))
    raise Failed(second.fault or f"not seen: {second.content[:60]}")


def check_read(bench: Bench) -> str:
    """Read mode leaves no file, whether the model uses the edit tool or the shell."""
    dry = bench.ask("dry", dry_run=True)
    if "plan" not in dry.body:
        raise Failed(f"no plan; {dry.fault}")
    strength = str(dry.body["plan"]["candidates"][0].get("read_strength"))
    project = bench.ready.project
    for directive, name in (("write {} spoiled", "read.txt"), ("shell-write {}", "readsh.txt")):
        # where read mode is soft the turn runs in a copy, which an absolute path would leave
        path = str(project / name) if strength in HARD else name
        before = len(bench.requests)
        bench.ask(f"Make a file. [[{directive.format(path)}]] Thanks.")
        if (project / name).exists():
            raise Failed(f"{name} was written")
        said = [f"{one.get('reply')} {one.get('said')}" for one in bench.requests[before:]]
        if not any("tool" in one or "```" in one for one in said):
            raise Failed(f"{name} was not tried")
    return strength


def check_write(bench: Bench) -> str:
    """Write mode writes the file the model asks for."""
    path = bench.ready.project / "made.txt"
    name = path.name if bench.ready.cli == "aider" else path
    answer = bench.ask(f"Make a file. [[write {name} made]] Thanks.", mode="write")
    if not path.exists():
        raise Failed(f"not written; {answer.fault or answer.content[:60]}")
    if path.read_text(encoding="utf-8").strip() != "made":
        raise Failed("written wrongly")
    return OK


def check_dash(bench: Bench) -> str:
    """A prompt that begins with dashes and holds every kind of quote arrives as it is."""
    part = "--version -x 'a' \"b\" `id` $HOME \\n"
    _arrives(bench, part, f"{part}[[begin]]{part}[[end]] [[sha256]]")
    return OK


def check_large(bench: Bench) -> str:
    """200 KB of lines in several scripts arrive byte for byte.

    Where the CLI garbles what is not ASCII, aimux refuses that, and plain text arrives.
    """
    line = "a line with é, 日本, 😀 and \"quotes\" and 'more'\n"
    if bench.ready.cli in GARBLES_STDIN:
        part = line * (LARGE_CHARS // len(line))
        refused = bench.ask(part)
        if (refused.body.get("error") or {}).get("code") != "prompt_too_large":
            raise Failed("a prompt it would garble was not refused")
        line = line.encode("ascii", "ignore").decode()
    part = line * (LARGE_CHARS // len(line))
    _arrives(bench, part, f"[[begin]]{part}[[end]] [[sha256]]")
    return OK


def check_cancel(bench: Bench) -> str:
    """Cancelling the call in the middle of an answer leaves no process."""
    return _cancelled(bench, "[[slow 120]]", mode="read")


def check_cancel_tool(bench: Bench) -> str:
    """Cancelling while the CLI runs a shell tool takes the tool along."""
    if bench.ready.cli == "aider":
        raise NotOffered("no shell tool")
    # the one mode in which every CLI runs commands without asking
    return _cancelled(bench, f"[[shell {ENDLESS}]]", mode="danger")


def check_pair(bench: Bench) -> str:
    """With another CLI that reviews: what is verified and approved lands, nothing else does."""
    reviewer = bench.reviewer
    if reviewer is None:
        raise NotOffered("no reviewer")

    def ask(prompt: str, **more: object) -> Mapping[str, Any]:
        return bench.ask(prompt, **more).body

    faults = pairs.faults_of(ask, bench.ready, reviewer)
    if faults:
        raise Failed("; ".join(faults))
    return f"by {reviewer.cli}"


def check_empty(bench: Bench) -> str:
    """An answer without a word is a failure, whatever the CLI's exit code says."""
    answer = bench.ask("Anything? [[empty]]")
    if answer.body.get("status") == "completed":
        raise Failed(f"completed with {answer.content[:40]!r}")
    return OK


def check_auth(bench: Bench) -> str:
    """A refused key is told as such. Comes last: it may close the CLI for further calls."""
    answer = bench.ask("Anything? [[behave 401]]")
    error = answer.body.get("error") or {}
    if error.get("class") != "auth":
        raise Failed(f"{answer.body.get('status')}, class {error.get('class')}: {answer.fault}")
    return OK


def _cancelled(bench: Bench, directive: str, mode: str) -> str:
    client, before = bench.client, len(bench.requests)
    number = client.start("exec", bench.arguments(f"Begin now: {directive}", mode=mode))
    for _ in range(int(TURN_LIMIT_S / POLL_S)):
        if client.is_answered(number):
            body = client.wait(number, 0).get("structuredContent") or {}
            answer = Answer(body, 0)
            raise Failed(f"over already; {answer.fault or answer.content[:80]}")
        replies = [str(one["reply"]) for one in bench.requests[before:]]
        is_running = any(ENDLESS in words for words in bench.leftovers())
        if is_running if "shell" in directive else "slow" in replies:
            break
        time.sleep(POLL_S)  # noqa: TID251 -- no loop in this script
    else:
        raise Failed("the model was never asked, or its tool never ran")
    client.notify("notifications/cancelled", {"requestId": number, "reason": "enough"})
    bench.wait_gone()
    return OK


def _arrives(bench: Bench, part: str, prompt: str) -> Answer:
    answer = bench.ask(prompt)
    if hashlib.sha256(part.encode()).hexdigest() not in answer.content:
        raise Failed(answer.fault or f"not as sent: {answer.content[-70:]}")
    return _good(answer)


def _good(answer: Answer) -> Answer:
    if answer.fault:
        raise Failed(answer.fault)
    return answer


def _fail(text: str) -> str:
    raise Failed(text)


CHECKS: Final[Mapping[str, Callable[[Bench], str]]] = {
    "turn": check_turn,
    "usage": check_usage,
    "resume": check_resume,
    "read": check_read,
    "write": check_write,
    "dash": check_dash,
    "large": check_large,
    "cancel": check_cancel,
    "cancel-tool": check_cancel_tool,
    "pair": check_pair,
    "empty": check_empty,
    "auth": check_auth,
}


def run_cli(cli: str, here: Path, port: int, log: Path, checks: list[str]) -> list[str]:
    """The cells of one CLI's row, printed as they come; what failed, in words."""
    project = setup.make_project(here / "project")
    ready = setup.prepare(cli, here / "home", project, port)
    reviewer = pairs.beside(ready, port) if "pair" in checks else None
    state = here / "state"
    if cli == "cline":  # aimux gives it a data directory of its own
        setup.sign_in_cline(ready, f"http://127.0.0.1:{port}", state / "data" / "cline")
    config = here / "config" / "default.yaml"
    config.parent.mkdir()
    config.write_text("server:\n  allow_danger: true\n", encoding="utf-8")
    own = {"AIMUX_STATE_DIR": state, "AIMUX_CONFIG_DIR": here / "config"}
    own |= {"AIMUX_RUNTIME_DIR": here / "run", "AIMUX_CACHE_DIR": here / "cache"}
    whole = ready.env if reviewer is None else pairs.merged(ready, reviewer)
    env = {**whole, **{name: str(path) for name, path in own.items()}, "AIMUX_DAEMON": "off"}
    failures = []
    stderr = here / "aimux.stderr"
    argv = [sys.executable, "-m", "aimux"]
    with mcp.Client(argv, env=env, cwd=project, stderr=stderr) as client:
        client.initialize(START_LIMIT_S)
        bench = Bench(ready, client, log, reviewer)
        print(f"{cli:<10}{ready.version:<10}", end="", flush=True)
        for name in checks:
            try:
                cell = CHECKS[name](bench)
            except NotOffered as reason:
                cell = f"- {reason}"
            except Failed as reason:
                cell = "FAILED"
                failures.append(f"{cli} {name}: {reason}")
            print(f" {cell[:13]:<13}", end="", flush=True)
    left = bench.leftovers()
    if client.exit_code != 0:
        failures.append(f"{cli} exit: aimux left with {client.exit_code}")
    if left:
        failures.append(f"{cli} exit: {len(left)} left: {left[0][:80]}")
    print(f" {'FAILED' if client.exit_code or left else OK}")
    if failures:
        tail = stderr.read_text(encoding="utf-8", errors="replace").strip()[-600:]
        failures += [f"    {line}" for line in tail.splitlines()]
    return failures


def main() -> int:
    """Print the table; 1 when a cell failed."""
    recipes = install.read_recipes()
    known = [name for name in recipes if name != "node"]
    parser = argparse.ArgumentParser(description="Every real CLI through aimux.")
    parser.add_argument("cli", nargs="*", metavar="CLI", help=f"all by default: {' '.join(known)}")
    parser.add_argument("--check", action="append", choices=list(CHECKS), help="only these")
    parser.add_argument("--latest", action="store_true", help="newest versions instead of pinned")
    parser.add_argument("--installed", action="store_true", help="install nothing")
    options = parser.parse_args()
    unknown = sorted(set(options.cli) - set(known))
    if unknown:
        parser.error(f"unknown CLI {', '.join(unknown)}; known: {', '.join(known)}")
    wanted = options.cli or known
    checks = options.check or list(CHECKS)
    cache = install.cache_dir()
    if options.installed:
        found = [install.find_installed(recipes[cli], cache) for cli in wanted]
    else:
        found = install.install_all([recipes[cli] for cli in wanted], cache, latest=options.latest)
    whole = isolate.cut_network()
    print(f"network left open: {whole}" if whole else "network: loopback only", flush=True)
    failures: list[str] = []
    rows = 0
    with tempfile.TemporaryDirectory(prefix="realclis-", ignore_cleanup_errors=True) as temp:
        log = Path(temp) / "requests.jsonl"
        with direct.model_server(log) as port:
            names = "".join(f" {name:<13}" for name in checks)
            print(f"{'CLI':<10}{'version':<10}{names} exit")
            for outcome in found:
                if not outcome.is_usable:
                    print(f"{outcome.name:<10}not installed: {outcome.reason}", flush=True)
                    continue
                here = Path(temp) / outcome.name
                rows += 1
                try:
                    broken = run_cli(outcome.name, here, port, log, checks)
                except (setup.NotPrepared, mcp.NoAnswer, mcp.RpcError) as problem:
                    print(f"{outcome.name:<10}FAILED")
                    broken = [f"{outcome.name}: {problem}"]
                for line in broken:
                    print(f"    {line}", flush=True)
                failures += broken
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    if not Path("/proc").is_dir():
        sys.exit("run.py finds leftovers through /proc, so it wants Linux")
    os.environ.setdefault("PYTHONWARNDEFAULTENCODING", "1")
    sys.exit(main())
