"""droid 0.215.0: ``droid exec``."""

from __future__ import annotations

import os
import signal

from . import _brain, _sessions, _stage
from ._grammar import Commander, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, now_ms, pause

VERSION = "0.215.0"
FORMATS = ("text", "json", "stream-json", "stream-jsonrpc", "debug")
MODELS = (
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-4-5-20251001",
    "gpt-5.5",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.3-codex",
    "gemini-3.1-pro-preview",
    "gemini-3.5-flash",
    "glm-5.3",
    "kimi-k3",
)
TOOLS = (
    "Read",
    "LS",
    "Execute",
    "Edit",
    "ApplyPatch",
    "Grep",
    "Glob",
    "Create",
    "ExitSpecMode",
    "AskUser",
    "WebSearch",
    "TodoWrite",
    "FetchUrl",
    "ToolSearch",
    "Skill",
    "Task",
)
TOP = Grammar(
    "droid",
    Commander(),
    [*switches("-v --version,-h --help"), *values("-r --resume,--cwd")],
    commands=("exec", "mcp", "plugin", "daemon", "search"),
)
EXEC = Grammar(
    "droid exec",
    Commander(),
    [
        *values("-o --output-format,--input-format,-f --file,-m --model,-r --reasoning-effort"),
        *values("-s --session-id,--fork,--cwd,--append-system-prompt,--spec-model"),
        *values("--append-system-prompt-file,--only-tools,--add-tools,--remove-tools,--tag"),
        *values("--enabled-tools,--disabled-tools,--log-group-id,-w --worktree"),
        Flag("--auto", choices=("low", "medium", "high")),
        *switches("--skip-permissions-unsafe,--use-spec,--list-tools,--mission,-h --help"),
    ],
)
MORE = "Exec ended early: insufficient permission to proceed. Re-run with "
SPEC_EXECUTE = (
    f"{MORE}--auto low|medium|high (to enable execution), or use --skip-permissions-unsafe for "
    "dangerous commands."
)
SPEC_EDIT = (
    "Tool cancelled: Spec mode is active - file edits and other state mutations are not allowed "
    "until the spec is approved"
)
NO_CREATE = (
    "Tool Create is not permitted in this exec session. Available tools: Read, LS, Execute, Grep, "
    "Glob, WebSearch, FetchUrl, ToolSearch, and Skill."
)
ERRORS = {
    "auth": "401 Incorrect API key provided: test-key.",
    "rate_limit": (
        "429 Rate limit reached for test-model in organization org-x on tokens per min (TPM): "
        "Limit 10000, Used 9999, Requested 99. Please try again in 1s."
    ),
    "quota": "429 You exceeded your current quota, please check your plan and billing details.",
    "server_error": "500 The server had an error while processing your request.",
    "model_missing": ("404 The model `test-model` does not exist or you do not have access to it."),
    "context": (
        "400 This model's maximum context length is 128000 tokens. However, your messages resulted "
        "in 130000 tokens."
    ),
}
RETRY_S = 120.0  # it was still trying after 45 s


class Ended(Exception):
    """The run ends early because a tool may not run."""


class Droid:
    """One ``droid exec``."""

    def __init__(self, parsed: Parsed, model: str) -> None:
        self.parsed = parsed
        wanted = parsed.text("output_format", "text")
        self.format = "stream-json" if wanted in ("debug", "stream-jsonrpc") else wanted
        self.model = model
        self.stage = Stage(
            "droid",
            "Droid",
            jsonl=self.format == "stream-json",
            marker='{"type":"completion","finalText":""}',
        )
        self.session = _sessions.Session("", "")
        self.turns = 1

    def emit(self, kind: str, **fields: object) -> None:
        if self.format != "stream-json":
            return
        event: dict[str, object] = {"type": kind, **fields}
        if kind != "system":
            event |= {"timestamp": now_ms(), "session_id": self.session.ident}
        self.stage.event(event)

    def message(self, role: str, text: str) -> None:
        self.emit("message", role=role, id=_sessions.new_uuid(), text=text)

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        _stage.on_signal(signal.SIGINT, "stop")
        _stage.on_signal(signal.SIGTERM, "stop")
        stage.begin(prompt, session)
        self.turns = len(session.prompts)
        self.emit(
            "system",
            subtype="init",
            cwd=os.getcwd(),
            session_id=session.ident,
            tools=list(TOOLS),
            model=self.model,
            reasoning_effort=self.parsed.text("reasoning_effort", "none"),
        )
        self.message("user", prompt)
        failure = stage.ready()
        if failure:
            if failure in ("rate_limit", "quota", "server_error"):
                pause(RETRY_S)
            self.emit("error", source="agent_loop", message=ERRORS[failure])
            return self.fail("Exec failed")
        if "empty" in stage.faults or "exit0_error" in stage.faults:
            pause(13.0)
            self.turns = 0
            return self.close("", stage.usage(""))
        try:
            self.work()
        except Ended as ended:
            self.message("assistant", str(ended))
            return self.fail(str(ended))
        return self.say()

    def work(self) -> None:
        stage = self.stage
        if stage.reply.reasoning:
            self.emit("reasoning", id=_sessions.new_uuid(), text=stage.reply.reasoning)
        for action in stage.reply.actions:
            self.act(action)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))

    def say(self) -> int:
        stage = self.stage
        texts = [stage.fragment()] if "cut" in stage.faults else stage.messages()
        for text in texts:
            self.message("assistant", text)
        used = (0, 0) if "cut" in stage.faults else stage.usage(texts[-1])
        return self.close(texts[-1], used)

    def close(self, text: str, used: tuple[int, int]) -> int:
        self.session.finish(text, used)
        usage = self.usage(used, first=bool(text))
        took = self.stage.elapsed_ms()
        if self.format == "stream-json":
            self.stage.event(
                {
                    "type": "completion",
                    "finalText": text,
                    "numTurns": self.turns,
                    "durationMs": took,
                    "session_id": self.session.ident,
                    "timestamp": now_ms(),
                    "usage": usage,
                }
            )
        elif self.format == "json":
            self.result("success", took, text, usage)
        else:
            self.stage.line(text)
        return self.stage.end()

    def fail(self, why: str) -> int:
        self.emit("error", source="cli", message=why)
        if self.format == "json":
            self.turns = 0
            self.result("failure", self.stage.elapsed_ms(), why, self.usage((0, 0), first=False))
        elif self.format == "text":
            _stage.error(f"Error during droid execution: {why}\n")
        return self.stage.end(1)

    def result(self, subtype: str, took: int, text: str, usage: dict[str, object]) -> None:
        self.stage.event(
            {
                "type": "result",
                "subtype": subtype,
                "is_error": subtype != "success",
                "duration_ms": took,
                "num_turns": self.turns,
                "result": text,
                "session_id": self.session.ident,
                "usage": usage,
            }
        )

    def usage(self, used: tuple[int, int], *, first: bool) -> dict[str, object]:
        counts: dict[str, object] = {
            "input_tokens": used[0],
            "output_tokens": used[1],
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "factory_credits": 0,
        }
        return counts | {"ttft_ms": 25} if first else counts

    # --- tools

    def act(self, action: _brain.Action) -> None:
        name = "Create" if action.kind == "edit" else "Execute"
        only = self.parsed.text("only_tools")
        if only and name not in only.split(","):
            self.stage.refuse(action, f"there is no {name} tool.")
            return
        self.turns += 1
        use = f"call_{os.urandom(6).hex()}"
        path = os.path.abspath(action.path)
        call: dict[str, object] = {"file_path": path, "content": action.text}
        if name == "Execute":
            call = {
                "command": action.command,
                "summary": "emulated",
                "riskLevel": "low",  # the model's own word, and it is believed
                "riskLevelReason": "emulated",
                "timeout": 60,
            }
        ids = {"id": use, "messageId": _sessions.new_uuid(), "toolId": name}
        self.emit("tool_call", **ids, toolName=name, parameters=call)
        ids["messageId"] = _sessions.new_uuid()
        why = self.refusal(name)
        if why:
            self.stage.refuse(action, why)
            error = {"type": "tool_error", "message": f"Error: {why}"}
            self.emit("tool_result", **ids, isError=True, error=error)
            if why == SPEC_EXECUTE:
                raise Ended(why)
            return
        try:
            value = self.execute(action, path)
        except _stage.Stopped:
            self.cancelled(ids)
            return
        self.emit("tool_result", **ids, isError=False, value=value)

    def cancelled(self, ids: dict[str, str]) -> None:
        """A signal cancels the tool; the model is asked once more and the turn completes."""
        self.stage.kill_tools()
        self.stage.outcomes.append("The tool was cancelled.")
        error = {"type": "tool_error", "message": "Error: Command terminated by signal: SIGTERM"}
        self.emit("tool_result", **ids, isError=True, error=error)

    def refusal(self, name: str) -> str:
        allowed = self.parsed.text("auto") or self.parsed.has("skip_permissions_unsafe")
        if self.parsed.has("use_spec"):
            return SPEC_EDIT if name == "Create" else SPEC_EXECUTE
        return NO_CREATE if name == "Create" and not allowed else ""

    def execute(self, action: _brain.Action, path: str) -> str:
        if action.kind == "tool":
            output = self.stage.run_tool(action, own_session=True)
        else:
            self.stage.write_file(action)
            output = "Command completed successfully\n"
        if action.kind == "edit":
            return _stage.dump({"success": True, "file_path": path})
        return f"{output}\n[Process exited with code 0]"


def main(argv: list[str]) -> int:
    top = TOP.parse(argv)
    if top.has("version"):
        print(VERSION, flush=True)
        return 0
    if top.command != "exec":
        raise Refused(1, "Error: droid needs a terminal; use droid exec\n")
    parsed = EXEC.parse(top.rest)
    if parsed.text("output_format", "text") not in FORMATS:
        raise Refused(1, "Invalid --output-format value\n")
    if folder := parsed.text("cwd"):
        _stage.enter(folder, "Error: {}: {}\n")
    if parsed.has("list_tools"):
        print("\n".join(TOOLS), flush=True)
        return 0
    prompt = _prompt(parsed)
    if parsed.text("session_id"):
        return 1  # so it did in every attempt, without a word
    droid = Droid(parsed, _model(parsed))
    session = _session(parsed)
    try:
        return droid.run(prompt, session)
    except _stage.Stopped:
        droid.stage.kill_tools()
        return 0


def _prompt(parsed: Parsed) -> str:
    if parsed.words:
        return parsed.words[0]
    if path := parsed.text("file"):
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except OSError as trouble:
            raise Refused(1, f"Error: {path}: {trouble.strerror}\n") from trouble
    prompt = _stage.read_stdin()
    if not prompt.strip():
        raise Refused(1, "")  # no message at all
    return prompt


def _model(parsed: Parsed) -> str:
    model = parsed.text("model", MODELS[0])
    if model.startswith("custom:") or model in MODELS:
        return model
    raise Refused(
        1,
        f"Invalid model: {model}\n\nAvailable built-in models:\n  {', '.join(MODELS)}\n\n"
        "Note: Custom models are loaded from ~/.factory/settings.json\n",
    )


def _session(parsed: Parsed) -> _sessions.Session:
    folder = os.path.join(_sessions.home(), ".factory", "sessions")
    fresh = _sessions.Session(folder, _sessions.new_uuid())
    if wanted := parsed.text("fork"):
        kept = _sessions.load(folder, wanted)
        if kept is None:
            raise Refused(1, f"Error: Session {wanted} not found\n")
        return kept.fork(fresh.ident)
    return fresh
