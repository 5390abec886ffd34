"""qwen 0.24.4: shapes like claude's, flags like gemini's."""

from __future__ import annotations

import json
import os
import signal

from . import _brain, _sessions, _stage
from ._grammar import Flag, Grammar, Parsed, Refused, Yargs, switches, values
from ._stage import Stage, dump, pause, pieces

VERSION = "0.24.4"
USAGE = (
    "Usage: qwen [options] [command]\n\n"
    "Qwen Code - Launch an interactive CLI, use -p/--prompt for non-interactive mode"
)
AUTH_TYPES = ("openai", "openai-responses", "anthropic", "qwen-oauth", "gemini", "vertex-ai")
GRAMMAR = Grammar(
    "qwen",
    Yargs(),
    [
        *values("-p --prompt,-i --prompt-interactive,-m --model,-r --resume,--session-id"),
        *values("--system-prompt,--append-system-prompt,--max-session-turns,--max-wall-time"),
        *values("--max-tool-calls,--mcp-config,--json-schema,--fallback-model"),
        *values("--openai-api-key,--openai-base-url,--worktree"),
        *values("--add-dir,--include-directories,--allowed-mcp-server-names", repeat=True),
        *values("--allowed-tools,--exclude-tools,--core-tools,-e --extensions", repeat=True),
        Flag("--auth-type", choices=AUTH_TYPES),
        Flag("-o --output-format", choices=("text", "json", "stream-json")),
        Flag("--input-format", choices=("text", "stream-json")),
        Flag("--approval-mode", choices=("plan", "default", "auto-edit", "auto", "yolo")),
        *switches("-y --yolo,-c --continue,--fork-session,--include-partial-messages,--bare"),
        *switches("--safe-mode,-s --sandbox,-d --debug,-v --version,-h --help,--acp"),
    ],
    usage=USAGE,
)
RIPGREP = (
    "Ripgrep not available: spawn vendor/ripgrep/x64-linux/rg EACCES. "
    "Falling back to built-in grep.\n"
)
YOLO = (
    "Warning: running headless with --yolo / approval-mode=yolo and no sandbox. All tool calls "
    "(shell, write, edit) auto-execute at this process's privilege level. Configure "
    "tools.executionSandbox on Linux or a supported legacy sandbox via --sandbox / QWEN_SANDBOX, "
    "or set QWEN_CODE_SUPPRESS_YOLO_WARNING=1 to silence this warning.\n"
)
NO_INPUT = (
    "No input provided via stdin. Input can be provided by piping data into gemini or using the "
    "--prompt option.\n"
)
TOOLS = [
    "web_fetch",
    "get_goal",
    "update_goal",
    "tool_call",
    "tool_search",
    "read_mcp_resource",
    "agent",
    "list_agents",
    "task_stop",
    "send_message",
    "skill",
    "read_file",
    "zoom_image",
    "grep_search",
    "glob",
    "report_findings",
    "enter_worktree",
    "exit_worktree",
    "record_artifact",
    "cron_create",
    "cron_list",
    "cron_delete",
    "loop_wakeup",
]
BARE_TOOLS = ["read_file", "edit", "write_file", "run_shell_command", "grep_search", "glob"]
COMMANDS = [
    "auth",
    "bug",
    "clear",
    "compress",
    "context",
    "diff",
    "docs",
    "doctor",
    "effort",
    "export",
    "init",
    "model",
    "stats",
]
AGENTS = ["general-purpose", "Explore", "statusline-setup", "review-agent", "claude-code", "codex"]
CUT = "Model stream ended without a finish reason."
EMPTY = "Model stream ended with empty response text."
ERRORS = {
    "auth": "401 Incorrect API key provided: test-key.",
    "rate_limit": (
        "429 Rate limit reached for {} in organization org-x on tokens per min (TPM): "
        "Limit 10000, Used 9999, Requested 99. Please try again in 1s."
    ),
    "quota": "429 You exceeded your current quota, please check your plan and billing details.",
    "server_error": "500 The server had an error while processing your request.",
    "model_missing": "404 The model `{}` does not exist or you do not have access to it.",
    "context": (
        "400 This model's maximum context length is 128000 tokens. However, your messages "
        "resulted in 130000 tokens."
    ),
}
TOOL_NAMES = {"edit": "write_file", "shell": "run_shell_command", "tool": "list_directory"}


class Qwen:
    """One headless run."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.format = parsed.text("output_format", "text")
        self.model = parsed.text("model") or os.environ.get("OPENAI_MODEL") or "qwen3-coder-plus"
        unsaid = "default" if parsed.has("bare") else "auto"
        self.mode = "yolo" if parsed.has("yolo") else parsed.text("approval_mode", unsaid)
        self.stage = Stage(
            "qwen",
            "Qwen Code",
            jsonl=self.format == "stream-json",
            marker='{"type":"result","subtype":"success"}',
        )
        self.session = _sessions.Session("", "")
        self.kept: list[object] = []
        self.denials: list[object] = []
        self.turns = 1
        self.calls = 0

    def emit(self, event: dict[str, object]) -> None:
        if self.format == "stream-json":
            self.stage.event(event)
        else:
            self.kept.append(event)

    def head(self, kind: str, ident: str = "", **first: object) -> dict[str, object]:
        return {
            "type": kind,
            **first,
            "uuid": ident or _sessions.new_uuid(),
            "session_id": self.session.ident,
        }

    def partial(self, event: dict[str, object]) -> None:
        if self.format == "stream-json" and self.parsed.has("include_partial_messages"):
            self.emit(self.head("stream_event") | {"parent_tool_use_id": None, "event": event})

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        _stage.error(RIPGREP)
        if self.mode == "yolo":
            _stage.error(YOLO)
        stage.begin(prompt, session, _schema(self.parsed.text("json_schema")))
        self.emit(
            self.head("system", session.ident, subtype="init")
            | {
                "cwd": os.getcwd(),
                "tools": BARE_TOOLS if self.parsed.has("bare") else TOOLS,
                "mcp_servers": [],
                "model": self.model,
                "permission_mode": self.mode,
                "slash_commands": COMMANDS,
                "qwen_code_version": VERSION,
                "agents": AGENTS,
            }
        )
        if self.format == "stream-json":
            idle = {"v": 2, "goal": None, "activity": "idle"}
            state = {"type": "goal_state", "goal_state": idle}
            self.emit(self.head("stream_event") | {"parent_tool_use_id": None, "event": state})
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        if "cut" in stage.faults or "empty" in stage.faults:
            return self.odd()
        if "exit0_error" in stage.faults:
            return self.say([f"[API Error: {ERRORS['auth']}]"])
        if stage.reply.reasoning:
            thought = {"type": "thinking", "thinking": stage.reply.reasoning, "signature": ""}
            self.assistant([thought], None)
        limit = int(self.parsed.text("max_session_turns", "0"))
        most = int(self.parsed.text("max_tool_calls", "-1"))
        for action in stage.reply.actions:
            self.act(action)
            self.turns += 1
            if limit and self.turns > limit:
                raise Refused(
                    53,
                    "Reached max session turns for this session. Increase the number of turns by "
                    "specifying maxSessionTurns in settings.json.\n",
                )
            if 0 <= most < self.calls:
                return self.over_budget(f"tool-call budget of {most}", "--max-tool-calls")
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))
        return self.say(stage.messages())

    def assistant(
        self, content: list[object], stop: str | None, ident: str = "", *, failed: bool = False
    ) -> None:
        ident = ident or _sessions.new_uuid()
        used = (0, 0) if failed else self.stage.usage("")
        usage: dict[str, object] = {"input_tokens": used[0], "output_tokens": used[1]}
        if not failed:
            usage |= {"cache_read_input_tokens": 0, "total_tokens": sum(used)}
        message = {
            "id": ident,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "usage": usage,
        }
        self.emit(self.head("assistant", ident) | {"parent_tool_use_id": None, "message": message})

    def say(self, texts: list[str]) -> int:
        text = ""
        for text in texts:
            ident = _sessions.new_uuid()
            start = {"id": ident, "role": "assistant", "model": self.model, "content": []}
            self.partial({"type": "message_start", "message": start})
            block = {"type": "text", "text": ""}
            self.partial({"type": "content_block_start", "index": 0, "content_block": block})
            for piece in pieces(text):
                delta = {"type": "text_delta", "text": piece}
                self.partial({"type": "content_block_delta", "index": 0, "delta": delta})
            self.partial({"type": "content_block_stop", "index": 0})
            self.assistant([{"type": "text", "text": text}], None, ident)
            self.partial({"type": "message_stop"})
        used = self.stage.usage(text)
        self.session.finish(text, used)
        self.close("success", used, result=text)
        return self.stage.end()

    def close(self, subtype: str, used: tuple[int, int], **outcome: object) -> None:
        failed = subtype != "success"
        times = self.stage.elapsed_ms()
        usage: dict[str, object] = {
            "input_tokens": used[0],
            "output_tokens": used[1],
            "cache_read_input_tokens": 0,
        }
        if not failed:
            usage["total_tokens"] = sum(used)
        record = self.head("result", subtype=subtype) | {
            "is_error": failed,
            "duration_ms": times,
            "duration_api_ms": 0 if failed else times,
            "num_turns": self.turns,
        }
        if not failed and "no_result" not in self.stage.faults:
            record["result"] = outcome["result"]
        record |= {"usage": usage, "permission_denials": self.denials}
        if failed:
            record["error"] = outcome["error"]
        if not failed and self.format == "json":
            record["stats"] = self.stats(used)
        self.emit(record)
        if self.format == "json":
            self.stage.line(dump(self.kept))
        elif self.format == "text" and not failed:
            self.stage.line(str(outcome["result"]))

    def stats(self, used: tuple[int, int]) -> dict[str, object]:
        late = self.stage.elapsed_ms()
        counts = {
            "api": {"totalRequests": self.turns, "totalErrors": 0, "totalLatencyMs": late},
            "tokens": {
                "prompt": used[0],
                "candidates": used[1],
                "total": sum(used),
                "cached": 0,
                "thoughts": 0,
            },
        }
        calls = {
            "totalCalls": self.calls,
            "totalSuccess": self.calls - len(self.denials),
            "totalFail": len(self.denials),
        }
        decisions = {"accept": 0, "reject": 0, "modify": 0, "auto_accept": 0}
        timed = {"totalDurationMs": late if self.calls else 0, "totalDecisions": decisions}
        last = {
            "model": self.model,
            "ttftMs": late,
            "generationDurationMs": 2,
            "outputTokens": used[1],
        }
        sources = {"main": counts}
        if not self.parsed.has("bare"):
            sources["managed-auto-memory-extractor"] = counts
        return {
            "models": {self.model: {**counts, "bySource": sources}},
            "tools": {**calls, **timed, "byName": {}},
            "files": {"totalLinesAdded": 0, "totalLinesRemoved": 0},
            "skills": {"totalCalls": 0, "totalSuccess": 0, "totalFail": 0, "byName": {}},
            "generation": {
                "timedRequests": self.turns,
                "totalTtftMs": late,
                "totalGenerationDurationMs": 2,
                "totalThroughputOutputTokens": used[1],
                "last": last,
            },
        }

    # --- tools

    def act(self, action: _brain.Action) -> None:
        self.calls += 1
        name = TOOL_NAMES[action.kind]
        if action.kind == "tool" and action.seconds:
            name = "run_shell_command"
        call: dict[str, object] = {"path": os.getcwd()}
        if name == "write_file":
            call = {"file_path": os.path.abspath(action.path), "content": action.text}
        elif name == "run_shell_command":
            call = {"command": action.command, "description": "emulated", "is_background": False}
        use = f"call_{os.urandom(6).hex()}"
        block = {"type": "tool_use", "id": use, "name": name, "input": call}
        self.assistant([block], "tool_use")
        denied = not (
            self.mode == "yolo"
            or action.kind == "tool"
            or (self.mode == "auto-edit" and action.kind == "edit")
        )
        if denied:
            rule = "edit" if name == "write_file" else name
            output = (
                f'Qwen Code requires permission to use "{name}", but that permission was '
                f'declined. Matching deny rule: "{rule}".'
            )
            self.stage.refuse(action, output)
            self.denials.append({"tool_name": name, "tool_use_id": use, "tool_input": call})
        elif action.kind == "tool":
            output = self.stage.run_tool(action, own_session=True)
        else:
            new = not os.path.exists(action.path)
            where = self.stage.write_file(action)
            verb = "created and wrote to new" if new else "overwrote"
            output = f"Successfully {verb} file: {where}." if name == "write_file" else ""
        result = {
            "type": "tool_result",
            "tool_use_id": use,
            "is_error": denied,
            "content": output,
        }
        message = {"role": "user", "content": [result]}
        self.emit(self.head("user") | {"parent_tool_use_id": None, "message": message})

    # --- errors

    def fail(self, kind: str) -> int:
        message = ERRORS[kind].format(self.model)
        if kind in ("rate_limit", "quota", "server_error"):
            pause(45.0)  # silent attempts
        if kind == "rate_limit":
            for attempt in range(1, 11):
                _stage.error(f"Retrying in 60s (attempt {attempt}/10): [API Error: {message}]\n")
                pause(60.0)
        return self.broken(f"[API Error: {message}]", "")

    def odd(self) -> int:
        """A stream that stops early or says nothing: five tries, then a failure."""
        cut = "cut" in self.stage.faults
        fragment = self.stage.fragment() if cut else ""
        for number in range(8):
            pause(2.5 if number else 0.0)
            data = {"reason": "retry", "discardedToolCalls": 0, "preserveText": False}
            retry = self.head("system", subtype="retry")
            self.emit(retry | {"parent_tool_use_id": None, "data": data})
            _stage.error("Retrying provider attempt (0 buffered tool call(s) discarded).\n")
        return self.broken(f"[API Error: {CUT if cut else EMPTY}]", fragment)

    def broken(self, text: str, before: str) -> int:
        self.assistant([{"type": "text", "text": before + text}], None, failed=True)
        self.close("error_during_execution", (0, 0), error={"message": text})
        if self.format == "text":
            _stage.error(f"{text}\n")
        elif self.format == "json":
            _stage.error(_error_object("AlreadyReportedError", text, 1))
        return self.stage.end(1)

    def over_budget(self, what: str, flag: str) -> int:
        text = f"Run aborted: {what} exceeded ({flag})."
        if self.format == "text":
            _stage.error(f"{text}\n")
        else:
            _stage.error(_error_object("FatalBudgetExceededError", text, 55))
        return self.stage.end(55)


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version"):
        print(VERSION, flush=True)
        return 0
    return _stage.relaunch(lambda: _work(parsed), leader="default")


def _work(parsed: Parsed) -> int:
    _stage.on_signal(signal.SIGTERM, "stop")
    qwen = Qwen(parsed)
    wall = parsed.text("max_wall_time")
    if wall and hasattr(signal, "setitimer"):
        _stage.on_signal(signal.SIGALRM, "stop")
        signal.setitimer(signal.ITIMER_REAL, _seconds(wall))
    try:
        return _headless(qwen, parsed)
    except _stage.Stopped as stopped:
        qwen.stage.kill_tools()
        if stopped.signum != signal.SIGTERM:
            return qwen.over_budget(f"wall-clock budget of {wall}", "--max-wall-time")
        _stage.error("Operation cancelled.\n")
        return 143


def _headless(qwen: Qwen, parsed: Parsed) -> int:
    session = _session(parsed)
    words = [] if parsed.separated else parsed.words  # what follows "--" is lost
    prompt = parsed.text("prompt") or " ".join(words)
    if _stage.stdin_state() not in ("tty", "closed") and (not prompt or _stage.wait_stdin(0.5)):
        extra = _stage.read_stdin()
        if parsed.text("input_format") == "stream-json":
            extra = _user_text(extra)
        prompt = f"{extra}\n\n{prompt}" if extra and prompt else extra or prompt
    if not prompt.strip():
        raise Refused(1, RIPGREP + NO_INPUT)
    return qwen.run(prompt, session)


def _session(parsed: Parsed) -> _sessions.Session:
    folder = os.path.join(
        _sessions.home(), ".qwen", "projects", _sessions.slug(os.getcwd()), "chats"
    )
    wanted = parsed.text("resume")
    session: _sessions.Session | None = None
    if wanted:
        session = _sessions.load(folder, wanted)
        if session is None:
            raise Refused(
                1,
                f"No saved session found with ID {wanted}. Run `qwen --resume` without an ID to "
                "choose from existing sessions.\n",
            )
    elif parsed.has("continue"):
        session = _sessions.latest(folder)
    fresh = parsed.text("session_id") or _sessions.new_uuid()
    if session is not None:
        return session.fork(fresh) if parsed.has("fork_session") else session
    if _sessions.load(folder, fresh) is not None:
        raise Refused(1, f"Error: Session Id {fresh} is already in use.\n")
    return _sessions.Session(folder, fresh)


def _user_text(stdin: str) -> str:
    texts: list[str] = []
    for line in filter(None, map(str.strip, stdin.split("\n"))):
        content = json.loads(line)["message"]["content"]
        if isinstance(content, str):
            texts.append(content)
        else:
            texts += [block["text"] for block in content if block.get("type") == "text"]
    return "\n".join(texts)


def _schema(text: str) -> dict[str, object] | None:
    if not text:
        return None
    try:
        schema = json.loads(text)
    except ValueError as trouble:
        raise Refused(1, f"--json-schema is not valid JSON: {trouble}\n") from trouble
    return schema if isinstance(schema, dict) else None


def _seconds(text: str) -> float:
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    return float(text[:-1]) * units[text[-1]] if text[-1] in units else float(text)


def _error_object(kind: str, message: str, code: int) -> str:
    error = {"type": kind, "message": message, "code": code}
    return json.dumps({"error": error}, ensure_ascii=False, indent=2) + "\n"
