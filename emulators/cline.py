"""cline 3.0.65."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import _brain, _sessions, _stage
from ._grammar import Commander, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, clock, dump, now_ms, pause, pieces

VERSION = "3.0.65"
HUB_LIFE_S = 300.0  # the real one stays for ever
ERROR = "\x1b[31merror:\x1b[0m "


class Coloured(Commander):
    """commander's words behind this program's own red prefix."""

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return Refused(1, f"{ERROR}{super().unknown(grammar, word).stderr}")

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        return Refused(1, f"{ERROR}{super().missing(grammar, flag, spelled).stderr}")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        return Refused(1, f"{ERROR}{super().choice(grammar, flag, spelled, value).stderr}")


DIRECTORIES = values("--data-dir,--config")
GRAMMAR = Grammar(
    "cline",
    Coloured(),
    [
        *DIRECTORIES,
        *switches("-p --plan,--json,--acp,-z --zen,-v --verbose,-V --version,-h --help"),
        *switches("-i --tui,--update,--cline-hub-daemon"),
        Flag("--auto-approve", choices=("true", "false")),
        Flag("--thinking", choices=("none", "low", "medium", "high", "xhigh")),
        *values("-c --cwd,-P --provider,-m --model,-k --key,-s --system,--retries,-t --timeout"),
        *values("--id,--worktree,--hooks-dir"),
    ],
    commands=("auth", "history", "mcp", "config", "update", "version", "hub"),
)
AUTH = Grammar(
    "cline auth",
    Coloured(),
    [*DIRECTORIES, *values("-p --provider,-k --apikey,-m --modelid,-b --baseurl")],
)
HISTORY = Grammar(
    "cline history",
    Coloured(),
    [*DIRECTORIES, *switches("--json"), *values("-n --limit,-p --page")],
)
NO_PROMPT = (
    "JSON output mode requires a prompt argument or piped stdin (interactive mode is unsupported)"
)
NO_TTY = "interactive mode requires a TTY (stdin/stdout must both be terminals)"
UNQUOTED = (
    "Unknown command or unquoted prompt: {}\nPrompt text must be passed as a single quoted "
    'argument, for example: cline "fix the tests". Use "cline --help" to see available commands '
    "and flags."
)
CUT = "Response stream ended without a finish reason."
EMPTY = "Model returned empty response"
ERRORS = {  # kind: error class, message, seconds spent on retries
    "auth": ("auth", "Incorrect API key provided: test-key.", 0.0),
    "rate_limit": (
        "unknown",
        (
            "Rate limit reached for {} in organization org-x on tokens per min (TPM): Limit 10000, "
            "Used 9999, Requested 99. Please try again in 1s."
        ),
        5.0,
    ),
    "quota": (
        "unknown",
        "You exceeded your current quota, please check your plan and billing details.",
        5.0,
    ),
    "server_error": (
        "unknown",
        "The server had an error while processing your request.",
        60.0,
    ),
    "model_missing": (
        "unknown",
        "The model `{}` does not exist or you do not have access to it.",
        0.0,
    ),
    "context": (
        "context_window_exceeded",
        (
            "The request exceeds the model's context window and there is no conversation history "
            "to "
            "compact — the system prompt, tools, and current input alone are too large. Reduce "
            "attached content or switch to a model with a larger context window. (provider "
            "reported: "
            "This model's maximum context length is 128000 tokens. However, your messages resulted "
            "in "
            "130000 tokens.)"
        ),
        0.0,
    ),
}
SDK = (
    "DeprecationWarning: AI SDK Warning (openai-compatible.chat / {}): Deprecated: "
    "\"providerOptions key 'openai-compatible'\". Use 'openaiCompatible' instead.\n"
    "      at iX (/$bunfs/chunks/chunk-c152qqqg.js:26:46952)\n\n"
)


class Cline:
    """One headless run."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.json = parsed.has("json")
        self.data = _data(parsed)
        self.settings = _settings(self.data)
        self.model = parsed.text("model") or self.settings.get("model", "test-model")
        self.provider = parsed.text("provider") or self.settings.get(
            "provider", "openai-compatible"
        )
        self.stage = Stage("cline", "Cline", jsonl=self.json, marker='{"type":"run_result"}')
        self.agent = f"agent_{now_ms()}_{os.urandom(3).hex()}"
        self.task = f"conv_{now_ms()}_{os.urandom(4).hex()[:7]}"
        self.used = (0, 0)
        self.rounds = 1

    # --- output

    def emit(self, kind: str, **fields: object) -> None:
        if self.json:
            self.stage.event({"ts": clock(), "type": kind, **fields})

    def event(self, kind: str, **fields: object) -> None:
        self.emit("agent_event", event={"type": kind, **fields})

    def hook(self, name: str) -> None:
        self.emit(
            "hook_event",
            hookEventName=name,
            agentId=self.agent,
            taskId=self.task,
            parentAgentId=None,
        )

    def usage(self) -> None:
        self.event(
            "usage",
            inputTokens=self.used[0],
            outputTokens=self.used[1],
            totalInputTokens=self.used[0],
            totalOutputTokens=self.used[1],
            totalCost=0,
        )

    def result(self, reason: str, text: str) -> None:
        counts = {
            "inputTokens": self.used[0],
            "outputTokens": self.used[1],
            "cacheReadTokens": 0,
            "cacheWriteTokens": 0,
            "totalCost": 0,
        }
        self.emit(
            "run_result",
            finishReason=reason,
            iterations=self.rounds,
            usage=counts,
            aggregateUsage=counts,
            durationMs=self.stage.elapsed_ms(),
            text=text,
            model={"id": self.model, "provider": self.provider},
        )

    # --- the turn

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        _stage.on_signal(signal.SIGTERM, "ignore")
        _stage.on_signal(signal.SIGINT, "stop")
        stage.begin(prompt, session)
        self.remember()
        if not self.parsed.text("data_dir"):
            _start_hub()
        self.hook("agent_start")
        self.event("iteration_start", iteration=1)
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        _stage.error(SDK.format(self.model) * 2)
        if "cut" in stage.faults:
            return self.cut()
        if "empty" in stage.faults:
            self.usage()
            return self.broken(EMPTY, None)
        if "exit0_error" in stage.faults:
            return stage.end()  # as after an interrupt: no closing record
        self.used = stage.usage("")
        if stage.reply.reasoning:
            self.content("reasoning", stage.reply.reasoning)
        for action in stage.reply.actions:
            self.act(action)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))
        return self.say(session)

    def say(self, session: _sessions.Session) -> int:
        text = ""
        for text in self.stage.messages():
            self.content("text", text)
            if not self.json:
                self.stage.line(text)
        self.used = self.stage.usage(text)
        self.usage()
        self.event("content_end", contentType="text", text=text)
        self.event("iteration_end", iteration=self.rounds, hadToolCalls=False, toolCallCount=0)
        self.hook("agent_end")
        counts = {"inputTokens": self.used[0], "outputTokens": self.used[1], "totalCost": 0}
        self.event("done", reason="completed", text=text, iterations=self.rounds, usage=counts)
        session.finish(text, self.used)
        self.result("completed", text)
        return self.stage.end()

    def content(self, kind: str, text: str) -> None:
        so_far = ""
        for piece in pieces(text):
            so_far += piece
            self.event("content_start", contentType=kind, text=piece, accumulated=so_far)

    def cut(self) -> int:
        fragment = self.stage.fragment()
        self.content("text", fragment)
        self.event("content_end", contentType="text", text=fragment)
        return self.broken(CUT, "unknown")

    # --- tools

    def act(self, action: _brain.Action) -> None:
        use = f"call_{os.urandom(6).hex()}"
        name = "editor" if action.kind == "edit" else "run_commands"
        path = os.path.abspath(action.path)
        call: dict[str, object] = {"commands": [action.command]}
        if name == "editor":
            call = {"path": path, "new_text": action.text}
        self.usage()
        offered = not (name == "editor" and self.parsed.has("plan"))
        if offered:
            self.hook("tool_call")
        tool = {"contentType": "tool", "toolName": name, "toolCallId": use}
        self.event("content_start", **tool, input=call)
        why = ""
        if not offered:
            why = (
                "Tool call editor was rejected before execution: AI_NoSuchToolError: Model tried "
                "to call unavailable tool 'editor'. Available tools: read_files, search_codebase, "
                "run_commands, fetch_web_content, ask_question, spawn_agent."
            )
        elif self.parsed.text("auto_approve") == "false":
            why = (
                f'Tool "{name}" requires approval in a TTY session -- NOT a tool or system '
                "failure. Clarify with user before proceeding."
            )
        if why:
            self.stage.refuse(action, why)
            output: object = {"error": why}
            fields: dict[str, object] = {"output": output, "error": dump(output)}
        else:
            if name == "run_commands":
                self.event("content_update", **tool, update=_first_chunk(action.command))
            fields = {"output": self.execute(action, name, path)}
        if offered:
            self.hook("tool_result")
        self.event("content_end", **tool, **fields, durationMs=1)
        self.event("iteration_end", iteration=self.rounds, hadToolCalls=True, toolCallCount=1)
        if why:
            text = f"1 tool call(s) failed: [{name}] {dump({'error': why})}"
            self.event(
                "error", error=_error("Error", text), recoverable=True, iteration=self.rounds
            )
        self.rounds += 1
        self.event("iteration_start", iteration=self.rounds)

    def execute(self, action: _brain.Action, name: str, path: str) -> object:
        """The plan mode filters commands by name; a Python one-liner passes the filter."""
        if name == "editor":
            self.stage.write_file(action)
            done = f"File created successfully at: {path}"
            return {"query": f"edit:{path}", "result": done, "success": True}
        if action.kind == "shell":
            self.stage.write_file(action)
            output = ""
        else:
            output = self.stage.run_tool(action, own_session=True)
        return [{"query": action.command, "result": output, "success": True}]

    # --- errors

    def fail(self, kind: str) -> int:
        word, message, waited = ERRORS[kind]
        pause(waited)
        if kind == "context":
            self.event(
                "notice",
                noticeType="status",
                displayRole="status",
                message="context window exceeded — compacting and retrying",
                metadata={"kind": "context_overflow_recovery", "phase": "started", "iteration": 1},
            )
        name = "ContextWindowOverflowError" if kind == "context" else "Error"
        return self.broken(message.format(self.model), word, name)

    def broken(self, message: str, word: str | None, name: str = "Error") -> int:
        self.hook("agent_error")
        more = {"errorClass": word} if word else {}
        self.event(
            "error", error=_error(name, message), **more, recoverable=False, iteration=self.rounds
        )
        self.result("error", message)
        if self.json:
            _stage.error(f"{dump({'ts': clock(), 'type': 'error', 'message': message})}\n")
        else:
            _stage.error(f"{ERROR}{message}\n")
        return self.stage.end(1)

    def remember(self) -> None:
        """The model and provider of one run become the default of the next."""
        if self.parsed.text("model") or self.parsed.text("provider"):
            _save(self.data, {**self.settings, "model": self.model, "provider": self.provider})


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version") or parsed.command == "version":
        print(VERSION, flush=True)
        return 0
    if parsed.command == "auth":
        return _auth(AUTH.parse(parsed.rest), parsed)
    if parsed.command == "history":
        return _history(HISTORY.parse(parsed.rest), parsed)
    if parsed.command:
        raise Refused(1, f"{ERROR}{parsed.command}: not in this emulator\n")
    words = parsed.words
    if words and (len(words) > 1 or " " not in words[0]) and "id" not in parsed.options:
        raise Refused(1, f"{ERROR}{UNQUOTED.format(' '.join(words))}\n")
    prompt = words[0] if words else ""
    if parsed.has("json") and (not prompt or parsed.text("id")):
        record = {"ts": clock(), "type": "error", "message": NO_PROMPT}
        raise Refused(1, f"{dump(record)}\n")
    if parsed.text("id"):
        raise Refused(1, f"{ERROR}{NO_TTY}\n")
    if folder := parsed.text("cwd"):
        _stage.enter(folder, f"{ERROR}{{}}: {{}}\n")
    if _stage.stdin_state() in ("pipe", "null"):  # a regular file is ignored
        extra = _stage.read_stdin()
        prompt = f"{prompt}\n\n{extra}" if prompt and extra else prompt or extra
    if not prompt.strip():
        raise Refused(1, f"{ERROR}{NO_TTY}\n")
    cline = Cline(parsed)
    ident = f"{now_ms()}_{os.urandom(3).hex()[:5]}"
    session = _sessions.Session(os.path.join(cline.data, "sessions"), ident)
    try:
        return cline.run(prompt, session)
    except _stage.Stopped:
        cline.stage.kill_tools()
        return 0


def _data(*levels: Parsed) -> str:
    given = next((one.text("data_dir") for one in levels if one.text("data_dir")), "")
    return given or os.path.join(_sessions.home(), ".cline", "data")


def _settings(data: str) -> dict[str, str]:
    try:
        with open(os.path.join(data, "settings", "providers.json"), encoding="utf-8") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in kept.items()}


def _save(data: str, settings: dict[str, str]) -> None:
    folder = os.path.join(data, "settings")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "providers.json"), "w", encoding="utf-8") as file:
        json.dump(settings, file)


def _auth(parsed: Parsed, top: Parsed) -> int:
    settings = {"provider": parsed.text("provider"), "model": parsed.text("modelid")}
    if not all(settings.values()) or not parsed.text("apikey"):
        raise Refused(1, f"{ERROR}{NO_TTY}\n")
    settings["baseUrl"] = parsed.text("baseurl")
    _save(_data(parsed, top), settings)
    name, model = settings["provider"], settings["model"]
    print(f"\x1b[32mProvider configured:\x1b[0m \x1b[36m{name}\x1b[0m ({model})", flush=True)
    return 0


def _history(parsed: Parsed, top: Parsed) -> int:
    rows: list[object] = []
    settings = _settings(_data(parsed, top))
    for one in reversed(_sessions.all_in(os.path.join(_data(parsed, top), "sessions"))):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(one.updated))
        row = {
            "sessionId": one.ident,
            "source": "cli",
            "startedAt": stamp,
            "endedAt": stamp,
            "exitCode": 0,
            "status": "completed",
            "interactive": False,
            "provider": settings.get("provider", "openai-compatible"),
            "model": settings.get("model", "test-model"),
            "cwd": one.cwd,
            "workspaceRoot": one.cwd,
            "prompt": one.prompts[-1],
            "metadata": {"title": one.title},
        }
        rows.append(row)
        if not parsed.has("json"):
            print(f"{one.ident}  {one.title}")
    if parsed.has("json"):
        print(dump(rows))
    sys.stdout.flush()
    return 0


def _start_hub() -> None:
    """Without a data directory of its own a run leaves a detached hub process, one per HOME."""
    import subprocess

    folder = os.path.join(_sessions.home(), ".cline")
    path = os.path.join(folder, "hub.pid")
    try:
        with open(path, encoding="ascii") as file:
            os.kill(int(file.read()), 0)
            return
    except (OSError, ValueError):
        os.makedirs(folder, exist_ok=True)
    code = f"import time; time.sleep({HUB_LIFE_S})"
    hub = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, "--cline-hub-daemon"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with open(path, "w", encoding="ascii") as file:
        file.write(str(hub.pid))


def _first_chunk(command: str) -> dict[str, object]:
    return {
        "stream": "stdout",
        "chunk": "",
        "executionId": _sessions.new_uuid(),
        "detachable": False,
        "commandIndex": 0,
        "query": command,
    }


def _error(name: str, message: str) -> dict[str, str]:
    stack = f"{name}: {message}\n    at execute (/$bunfs/chunks/chunk-tacx2shb.js:389:7029)"
    return {"name": name, "message": message, "stack": stack}
