"""codex 0.169.0: ``codex exec``."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from functools import partial

from . import _brain, _sessions, _stage
from ._grammar import SWITCH, Clap, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, dump, pause

VERSION = "0.169.0"
KNOWN_MODELS = ("gpt-", "o3", "o4", "codex-")
SANDBOXES = ("read-only", "workspace-write", "danger-full-access")
EXEC_USAGE = "Usage: codex exec [OPTIONS] [PROMPT]\n       codex exec [OPTIONS] <COMMAND> [ARGS]"
RESUME_USAGE = "Usage: codex exec resume [OPTIONS] [SESSION_ID] [PROMPT]"

CONFIG = [
    Flag("-c --config", label="key=value", repeat=True),
    *values("--enable,--disable", repeat=True),
]
SHARED = [
    *CONFIG,
    Flag("-m --model"),
    Flag("-i --image", repeat=True, label="FILE"),
    Flag("-o --output-last-message", label="FILE"),
    Flag("--output-schema", label="FILE"),
    *switches("--json,--ephemeral,--skip-git-repo-check,--ignore-user-config"),
    *switches("--dangerously-bypass-approvals-and-sandbox,-h --help"),
]
SURROUNDINGS = [
    Flag("-s --sandbox", choices=SANDBOXES, label="SANDBOX_MODE"),
    Flag("-C --cd", label="DIR"),
    Flag("--add-dir", repeat=True, label="DIR"),
    Flag("-p --profile", label="CONFIG_PROFILE"),
    Flag("--color", choices=("always", "never", "auto")),
    Flag("--worktree", label="NAME"),
    *switches("--approve-for-me,--trust,--strict-config,--oss"),
]
COMMANDS = ("exec", "e", "login", "logout", "mcp", "resume", "fork", "review", "apply")
TOP = Grammar(
    "codex",
    Clap(),
    [*CONFIG, Flag("-m --model"), *SURROUNDINGS, *switches("-V --version,-h --help,--search")],
    usage="Usage: codex [OPTIONS] [PROMPT]\n       codex [OPTIONS] <COMMAND> [ARGS]",
    commands=COMMANDS,
    max_words=1,
)
EXEC = Grammar(
    "codex exec",
    Clap(),
    [*SHARED, *SURROUNDINGS, Flag("-V --version", SWITCH)],
    usage=EXEC_USAGE,
    commands=("resume", "fork", "review"),
    max_words=1,
)
RESUME = Grammar(
    "codex exec resume",
    Clap(),
    [*SHARED, *switches("--last,--all")],
    usage=RESUME_USAGE,
    max_words=2,
)
RETRIED = {
    "auth": (
        (0.2, 0.4, 0.8, 1.6, 3.2),
        (
            "unexpected status 401 Unauthorized: Incorrect API key provided: test-key., "
            "url: http://127.0.0.1:8765/v1/responses"
        ),
    ),
    "rate_limit": ((1.0,) * 5, "exceeded retry limit, last status: 429 Too Many Requests"),
    "quota": (
        (1.0,) * 5,
        "You've hit your usage limit. Upgrade to Pro or try again later.",
    ),
    "server_error": (
        (5.0,) * 5,
        "We’re currently experiencing high demand, which may cause temporary errors.",  # noqa: RUF001
    ),
    "cut": (
        (0.2, 0.4, 0.8, 1.6, 3.2),
        "stream disconnected before completion: stream closed before response.completed",
    ),
}


class Codex:
    """One ``codex exec`` run."""

    def __init__(self, parsed: list[Parsed]) -> None:
        self.parsed = parsed
        self.json = self.has("json")
        self.stage = Stage("codex", "Codex", jsonl=self.json, marker='{"type":"turn.completed"}')
        self.sandbox = self.text("sandbox", "read-only")
        if self.has("approve_for_me"):
            self.sandbox = "workspace-write"
        if self.has("dangerously_bypass_approvals_and_sandbox"):
            self.sandbox = "danger-full-access"
        self.items = 0
        self.last = ""

    def has(self, key: str) -> bool:
        return any(one.has(key) for one in self.parsed)

    def text(self, key: str, default: str = "") -> str:
        return next((one.text(key) for one in reversed(self.parsed) if one.text(key)), default)

    def config(self, key: str, default: str = "") -> str:
        """The value of ``-c ...key=value``, whatever table it is in."""
        for one in self.parsed:
            for setting in one.texts("config"):
                name, _, value = setting.partition("=")
                if name == key or name.endswith(f".{key}"):
                    default = value.strip("\"'")
        return default

    # --- output

    def item(self, kind: str, **fields: object) -> dict[str, object]:
        item = {"id": f"item_{self.items}", "type": kind, **fields}
        self.items += 1
        return item

    def completed(self, item: dict[str, object], human: str = "") -> None:
        if self.json:
            self.stage.event({"type": "item.completed", "item": item})
        elif human:
            _stage.error(human)

    def opening(self, session: _sessions.Session) -> None:
        unknown = not self.model.startswith(KNOWN_MODELS)
        notice = (
            f"Model metadata for `{self.model}` not found. Defaulting to fallback metadata; "
            "this can degrade performance and cause issues."
        )
        if self.json:
            self.stage.event({"type": "thread.started", "thread_id": session.ident})
            if unknown:
                self.completed(self.item("error", message=notice))
            self.stage.event({"type": "turn.started"})
            return
        effort = self.config("model_reasoning_effort", "none")
        _stage.error(
            f"OpenAI Codex v{VERSION}\n--------\nworkdir: {os.getcwd()}\nmodel: {self.model}\n"
            f"provider: {self.config('model_provider', 'openai')}\napproval: never\n"
            f"sandbox: {self.sandbox}\nreasoning effort: {effort}\nreasoning summaries: none\n"
            f"session id: {session.ident}\n--------\nuser\n{self.stage.prompt}\n"
            + (f"warning: {notice}\n" if unknown else "")
        )

    @property
    def model(self) -> str:
        return self.text("model") or self.config("model") or _configured_model() or "gpt-5.4"

    # --- the turn

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        _stage.on_signal(signal.SIGINT, "stop")
        stage.begin(prompt, session, _schema(self.text("output_schema")))
        self.opening(session)
        failure = stage.ready()
        if failure or "cut" in stage.faults:
            return self.fail(failure or "cut")
        if "exit0_error" in stage.faults:
            stage.faults.add("empty")
        self.work(session)
        answer = self.answer()
        used = stage.usage(answer)
        session.finish(answer, used)
        if self.json:
            stage.event(
                {
                    "type": "turn.completed",
                    "usage": {
                        "input_tokens": session.usage[0],
                        "cached_input_tokens": 0,
                        "cache_write_input_tokens": 0,
                        "output_tokens": session.usage[1],
                        "reasoning_output_tokens": 0,
                    },
                }
            )
        else:
            _stage.error(f"tokens used\n{sum(used):,}\n")
            stage.line(answer)
        if path := self.text("output_last_message"):
            with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(answer)
        return stage.end()

    def work(self, session: _sessions.Session) -> None:
        stage = self.stage
        if stage.reply.reasoning:
            text = stage.reply.reasoning
            self.completed(self.item("reasoning", text=text), f"thinking\n{text}\n")
        for action in stage.reply.actions:
            allowed = self.may_write(action.path)
            if action.kind == "edit":
                self.patch(action, allowed)
                continue
            if action.kind == "tool":
                self.command(action.command, partial(self.tool, action))
            elif allowed:
                stage.write_file(action)
                self.command(action.command, partial(_result, "", 0))
            else:
                why = stage.refuse(
                    action, f"OSError: [Errno 30] Read-only file system: '{action.path}'"
                )
                self.command(action.command, partial(_result, f"{why}\n", 1))
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.command(f"echo step {number}", partial(_result, f"step {number}\n", 0))

    def may_write(self, path: str) -> bool:
        if self.sandbox == "danger-full-access":
            return True
        roots = [os.getcwd(), *(root for one in self.parsed for root in one.texts("add_dir"))]
        return self.sandbox == "workspace-write" and _stage.inside(path, roots)

    def tool(self, action: _brain.Action) -> tuple[str, int]:
        return self.stage.run_tool(action, own_session=False), 0

    def command(self, command: str, result: Callable[[], tuple[str, int]]) -> None:
        shown = "/bin/bash -lc " + _shell_quote(command)
        item = self.item(
            "command_execution",
            command=shown,
            aggregated_output="",
            exit_code=None,
            status="in_progress",
        )
        if self.json:
            self.stage.event({"type": "item.started", "item": item})
        output, code = result()
        status = "completed" if code == 0 else "failed"
        item |= {"aggregated_output": output, "exit_code": code, "status": status}
        self.completed(item, f"exec\n{shown} in {os.getcwd()}\n {status}:\n{output}")

    def patch(self, action: _brain.Action, allowed: bool) -> None:
        path = os.path.abspath(action.path)
        kind = "update" if os.path.exists(path) else "add"
        if allowed:
            self.stage.write_file(action)
            status = "completed"
        else:
            status = "failed"
            self.stage.refuse(
                action,
                f"patch rejected: writing is blocked by {self.sandbox} sandbox",
            )
        changes = [{"path": path, "kind": kind}]
        self.completed(
            self.item("file_change", changes=changes, status=status),
            f"file update: {path} {status}\n",
        )

    def answer(self) -> str:
        text = ""
        for text in self.stage.messages():
            self.completed(self.item("agent_message", text=text), f"codex\n{text}\n")
        return text

    def fail(self, kind: str) -> int:
        message = {
            "model_missing": f"The model `{self.model}` does not exist or you do not have access "
            "to it.",
            "context": "Codex ran out of room in the model's context window. Start a new thread "
            "or clear earlier history before retrying.",
        }.get(kind, "")
        if kind in RETRIED:
            delays, message = RETRIED[kind]
            allowed = int(self.config("stream_max_retries", "5"))
            for number, delay in enumerate(delays[:allowed], 1):
                pause(delay)
                self.complain(f"Reconnecting... {number}/{allowed} ({message})")
        self.complain(message)
        if self.json:
            self.stage.event({"type": "turn.failed", "error": {"message": message}})
        return self.stage.end(1)

    def complain(self, message: str) -> None:
        if self.json:
            self.stage.event({"type": "error", "message": message})
        else:
            _stage.error(f"ERROR: {message}\n")


def main(argv: list[str]) -> int:
    top = TOP.parse(argv)
    if top.has("version"):
        print(f"codex-cli {VERSION}", flush=True)
        return 0
    if top.command not in ("exec", "e"):
        raise Refused(1, "Error: stdin is not a terminal\n")
    parsed = EXEC.parse(top.rest)
    if parsed.has("version"):
        print(f"codex-cli-exec {VERSION}", flush=True)
        return 0
    levels = [top, parsed]
    if parsed.command:
        levels.append(RESUME.parse(parsed.rest))
    codex = Codex(levels)
    _check_config(codex)
    if folder := codex.text("cd"):
        _stage.enter(folder, "Error: {} is not a directory: {}\n")
    try:
        return _exec(codex, levels)
    except _stage.Stopped:
        codex.stage.kill_tools()
        return 1


def _exec(codex: Codex, levels: list[Parsed]) -> int:
    words = list(levels[-1].words)
    if levels[1].command == "review":
        raise Refused(1, "Error: review needs a session with the vendor\n")
    resumed: _sessions.Session | None = None
    if levels[1].command:
        resumed = _resume(levels[1].command, levels[-1], words)
    prompt = words[0] if words else "-"
    if prompt == "-":
        prompt = _stdin_prompt()
    elif resumed is None and _stage.stdin_state() != "tty":
        _stage.error("Reading additional input from stdin...\n")
        if extra := _stage.read_stdin():
            prompt = f"{prompt}\n\n<stdin>\n{extra}\n</stdin>"
    if not codex.has("skip_git_repo_check") and not codex.has("trust") and not _in_git():
        raise Refused(
            1, "Not inside a trusted directory and --skip-git-repo-check was not specified.\n"
        )
    return codex.run(prompt, resumed or _sessions.Session(_folder(), _sessions.new_uuid7()))


def _stdin_prompt() -> str:
    if _stage.stdin_state() == "tty":
        raise Refused(
            1,
            "No prompt provided. Either specify one as an argument or pipe the prompt into "
            "stdin.\n",
        )
    _stage.error("Reading prompt from stdin...\n")
    prompt = _stage.read_stdin()
    if not prompt.strip():
        raise Refused(1, "No prompt provided via stdin.\n")
    return prompt


def _resume(command: str, parsed: Parsed, words: list[str]) -> _sessions.Session:
    if parsed.has("last"):
        cwd = None if parsed.has("all") else os.getcwd()
        session = _sessions.latest(_folder(), cwd)
        if session is None:
            session = _sessions.Session(_folder(), _sessions.new_uuid7())
    else:
        ident = words.pop(0) if words else ""
        found = _sessions.load(_folder(), ident)
        if found is None:
            raise Refused(
                1,
                "Error: thread/resume: thread/resume failed: no rollout found for thread id "
                f"{ident} (code -32600)\n",
            )
        session = found
    return session.fork(_sessions.new_uuid7()) if command == "fork" else session


def _home() -> str:
    return os.environ.get("CODEX_HOME") or os.path.join(_sessions.home(), ".codex")


def _folder() -> str:
    return os.path.join(_home(), "sessions")


def _configured_model() -> str:
    try:
        with open(os.path.join(_home(), "config.toml"), encoding="utf-8") as file:
            found = re.search(r'^model\s*=\s*"([^"]*)"', file.read(), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def _check_config(codex: Codex) -> None:
    if codex.config("wire_api") == "chat":
        name = next(
            setting.partition("=")[0]
            for one in codex.parsed
            for setting in one.texts("config")
            if setting.partition("=")[0].endswith("wire_api")
        )
        raise Refused(
            1,
            'Error loading config.toml: `wire_api = "chat"` is no longer supported.\n'
            'How to fix: set `wire_api = "responses"` in your provider config.\n'
            f"More info: https://github.com/openai/codex/discussions/7782\nin `{name}`\n\n",
        )


def _schema(path: str) -> dict[str, object] | None:
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            schema = json.load(file)
    except OSError as trouble:
        raise Refused(
            1, f"Failed to read output schema file {path}: {trouble.strerror}\n"
        ) from trouble
    except ValueError as trouble:
        raise Refused(1, f"Output schema file {path} is not valid JSON: {trouble}\n") from trouble
    return schema if isinstance(schema, dict) else None


def _in_git() -> bool:
    directory = os.getcwd()
    while not os.path.exists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return False
        directory = parent
    return True


def _result(output: str, code: int) -> tuple[str, int]:
    return output, code


def _shell_quote(command: str) -> str:
    if "'" not in command:
        return f"'{command}'"
    return dump(command)
