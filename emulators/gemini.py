"""gemini 0.61.0: ``gemini -p``."""

from __future__ import annotations

import json
import os
import signal
import sys

from . import _brain, _sessions, _stage
from ._grammar import Flag, Grammar, Parsed, Refused, Yargs, switches, values
from ._stage import Stage, dump, pause, pieces

VERSION = "0.61.0"
USAGE = (
    "Usage: gemini [options] [command]\n\nGemini CLI - Defaults to interactive mode. "
    "Use -p/--prompt for non-interactive (headless) mode."
)
GRAMMAR = Grammar(
    "gemini",
    Yargs(),
    [
        *values("-p --prompt,-i --prompt-interactive,-m --model,-r --resume,--session-id"),
        *values("--session-file,--delete-session,-w --worktree,--policy"),
        *values("--include-directories,--allowed-mcp-server-names,--allowed-tools", repeat=True),
        *values("-e --extensions", repeat=True),
        Flag("-o --output-format", choices=("text", "json", "stream-json")),
        Flag("--approval-mode", choices=("default", "auto_edit", "yolo", "plan")),
        *switches("-y --yolo,-s --sandbox,--skip-trust,--list-sessions,-l --list-extensions"),
        *switches("-d --debug,-v --version,-h --help,--screen-reader,--acp,--raw-output"),
    ],
    usage=USAGE,
)
COLOUR = (
    "Warning: True color (24-bit) support not detected. Using a terminal with true color enabled "
    "will result in a better visual experience.\n"
)
RIPGREP = "Ripgrep is not available. Falling back to GrepTool.\n"
PHASES = (
    "[STARTUP] Phase 'cleanup_ops' was started but never ended. Skipping metrics.\n"
    "[STARTUP] Cannot measure phase 'cleanup_ops': start mark 'startup:cleanup_ops:start' not "
    "found (likely cleared by reset).\n"
)
UNTRUSTED = (
    "Gemini CLI is not running in a trusted directory. To proceed, either use `--skip-trust`, set "
    "the `GEMINI_CLI_TRUST_WORKSPACE=true` environment variable, or trust this directory in "
    "interactive mode. For more details, see "
    "https://geminicli.com/docs/cli/trusted-folders/#headless-and-automated-environments\n"
)
FRAMES = (
    "    at retryWithBackoff (file:///gemini-cli/bundle/chunk-JDPZ4CE3.js:308062:29)\n"
    "    at process.processTicksAndRejections (node:internal/process/task_queues:103:5)\n"
    "    at async Turn.run (file:///gemini-cli/bundle/chunk-JDPZ4CE3.js:333001:24) {\n"
)
EMPTY = (
    "The model returned an empty response with no text or thoughts. This may be a transient API "
    "issue; please try again."
)
RETRY_WAITS = (5.5, 10.7, 22.4, 34.6, 30.0, 30.0, 30.0, 30.0, 30.0)


def _api(code: int, message: str, status: str, details: list[object]) -> str:
    error = {"code": code, "message": message, "status": status, "details": details}
    return dump({"error": error})


ERRORS: dict[str, tuple[str, int, str]] = {  # kind: class on stderr, HTTP status, message
    "auth": (
        "_ApiError",
        400,
        _api(
            400,
            "API key not valid. Please pass a valid API key.",
            "INVALID_ARGUMENT",
            [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                }
            ],
        ),
    ),
    "context": (
        "_ApiError",
        400,
        _api(
            400,
            "The input token count (1250000) exceeds the maximum number of tokens allowed "
            "(1048576).",
            "INVALID_ARGUMENT",
            [],
        ),
    ),
    "quota": ("TerminalQuotaError", 429, "You have exhausted your daily quota on this model."),
    "rate_limit": (
        "RetryableQuotaError",
        429,
        "Resource has been exhausted (e.g. check quota).\nSuggested retry after 1s.",
    ),
    "server_error": (
        "_ApiError",
        500,
        _api(500, "An internal error has occurred.", "INTERNAL", []),
    ),
    "model_missing": (
        "ModelNotFoundError",
        404,
        "models/{} is not found for API version v1beta, or is not supported for generateContent.",
    ),
}


class Gemini:
    """One headless run."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.format = parsed.text("output_format", "text")
        self.model = parsed.text("model") or os.environ.get("GEMINI_MODEL", "")
        self.mode = "yolo" if parsed.has("yolo") else parsed.text("approval_mode", "default")
        self.stage = Stage(
            "gemini",
            "Gemini CLI",
            jsonl=self.format == "stream-json",
            marker='{"type":"result","status":"success"}',
        )
        self.calls: list[tuple[str, bool]] = []
        self.requests = 1
        self.lines_added = 0
        self.response = ""
        self.session = _sessions.Session("", "")

    def emit(self, kind: str, **fields: object) -> None:
        if self.format == "stream-json":
            self.stage.event({"type": kind, "timestamp": _stage.clock(), **fields})

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        _stage.error(COLOUR)
        if self.mode == "yolo":
            line = "YOLO mode is enabled. All tool calls will be automatically approved.\n"
            _stage.error(line * 2)
        _stage.error(RIPGREP + PHASES)
        stage.begin(prompt, session)
        self.emit("init", session_id=session.ident, model=self.model or "auto")
        self.emit("message", role="user", content=prompt)
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        if "exit0_error" in stage.faults:
            stage.faults.add("empty")
        for action in stage.reply.actions:
            self.act(action)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))
        if "cut" in stage.faults or "empty" in stage.faults:
            return self.odd()
        for text in stage.messages():
            self.say(text)
        return self.close("success")

    def say(self, text: str) -> None:
        for piece in pieces(text):
            self.emit("message", role="assistant", content=piece, delta=True)
            if self.format == "text":
                self.stage.write(piece)
        self.response += text

    def odd(self) -> int:
        """A stream that stops early, or says nothing: four tries, then exit 0."""
        cut = "cut" in self.stage.faults
        fragment = self.stage.fragment() if cut else ""
        for wait in (0.0, 1.0, 2.0, 4.0):
            pause(wait)
            if fragment:
                self.emit("message", role="assistant", content=fragment, delta=True)
            self.response += fragment
        self.requests = 4
        message = "Model stream ended without a finish reason." if cut else EMPTY
        self.emit("error", severity="error", message=message)
        if self.format == "text":
            self.stage.write(self.response)
        return self.close("error", "NO_FINISH_REASON" if cut else "EMPTY_RESPONSE")

    def close(self, status: str, trouble: str = "") -> int:
        stage = self.stage
        used = stage.usage(self.response)
        self.session.finish(self.response, used)
        if self.format == "stream-json":
            self.emit("result", status=status, stats=self.totals(used))
        elif self.format == "json":
            stage.write(self.pretty(used, trouble))
        elif self.response and not self.response.endswith("\n"):
            stage.write("\n")
        return stage.end()

    # --- tools

    def act(self, action: _brain.Action) -> None:
        stage = self.stage
        self.requests += 1
        name = {"edit": "write_file", "tool": "list_directory"}.get(
            action.kind, "run_shell_command"
        )
        if action.kind == "tool" and action.seconds:
            name = "run_shell_command"
        call: dict[str, object] = {"dir_path": os.getcwd()}
        if name == "write_file":
            call = {"file_path": os.path.abspath(action.path), "content": action.text}
        elif name == "run_shell_command":
            call = {"command": action.command, "description": "emulated"}
        ident = f"{name}__{name}_{_stage.now_ms()}_{len(self.calls)}"
        self.emit("tool_use", tool_name=name, tool_id=ident, parameters=call)
        why, kind = self.refusal(name, call)
        self.calls.append((name, not why))
        if why:
            stage.refuse(action, why)
            if kind == "tool_not_registered":
                _stage.error(f"Error executing tool {name}: {why}\n")
            self.emit(
                "tool_result",
                tool_id=ident,
                status="error",
                output=why,
                error={"type": kind, "message": why},
            )
            return
        if action.kind == "tool":
            output = stage.run_tool(action, own_session=True)
            self.emit("tool_result", tool_id=ident, status="success", output=output)
            return
        stage.write_file(action)
        self.lines_added += action.text.count("\n") + 1
        self.emit("tool_result", tool_id=ident, status="success")

    def refusal(self, name: str, call: dict[str, object]) -> tuple[str, str]:
        """Why the approval mode does not let this tool run, or nothing."""
        if self.mode == "yolo" or name == "list_directory":
            return "", ""
        if name == "write_file" and self.mode == "auto_edit":
            return "", ""
        if name == "write_file" and self.mode == "plan":
            plans = f"{self.session.folder}/{self.session.ident}/plans"
            return (
                (
                    f"Access denied: plan path ({call['file_path']}) must be within the designated "
                    f"plans directory ({plans})."
                ),
                "invalid_tool_params",
            )
        near = '"read_file", "update_topic", "grep_search"'
        return f'Tool "{name}" not found. Did you mean one of: {near}?', "tool_not_registered"

    # --- records

    def totals(self, used: tuple[int, int]) -> dict[str, object]:
        counts = {
            "total_tokens": sum(used),
            "input_tokens": used[0],
            "output_tokens": used[1],
            "cached": 0,
            "input": used[0],
        }
        return {
            **counts,
            "duration_ms": self.stage.elapsed_ms(),
            "tool_calls": len(self.calls),
            "models": {self.model or "gemini-3-pro-preview": dict(counts)},
        }

    def pretty(self, used: tuple[int, int], trouble: str) -> str:
        tokens = {
            "input": used[0],
            "prompt": used[0],
            "candidates": used[1],
            "total": sum(used),
            "cached": 0,
            "thoughts": 0,
            "tool": 0,
        }
        late = self.stage.elapsed_ms()
        count = {"totalRequests": self.requests, "totalErrors": 0, "totalLatencyMs": late}
        model = {
            "api": {
                **count,
                "totalErrors": 1 if trouble else 0,
                "errorsByType": {trouble: 1} if trouble else {},
            },
            "tokens": tokens,
            "roles": {"main": {**count, "tokens": tokens}},
        }
        done = sum(ok for _, ok in self.calls)
        tools = {
            "totalCalls": len(self.calls),
            "totalSuccess": done,
            "totalFail": len(self.calls) - done,
            "totalDurationMs": late if self.calls else 0,
            "totalDecisions": _decisions(done, 0),
            "byName": {name: self.by_name(name) for name, _ in self.calls},
        }
        files = {"totalLinesAdded": self.lines_added, "totalLinesRemoved": 0}
        name = self.model or "gemini-3-pro-preview"
        stats = {"models": {name: model}, "tools": tools, "files": files}
        record = {"session_id": self.session.ident, "response": self.response, "stats": stats}
        return json.dumps(record, ensure_ascii=False, indent=2)

    def by_name(self, name: str) -> dict[str, object]:
        mine = [ok for one, ok in self.calls if one == name]
        return {
            "count": len(mine),
            "success": sum(mine),
            "fail": len(mine) - sum(mine),
            "durationMs": 12,
            "decisions": _decisions(sum(mine), 0),
        }

    # --- errors

    def fail(self, kind: str) -> int:
        name, status, message = ERRORS[kind]
        message = message.format(self.model or "auto") if kind == "model_missing" else message
        if kind in ("rate_limit", "server_error"):
            self.retry(kind, message)
        stamp = _stage.clock().replace(":", "-").replace(".", "-")
        _stage.error(
            "Error when talking to Gemini API Full report available at: "
            f"/tmp/gemini-client-error-Turn.run-sendMessageStream-{stamp}.json {name}: {message}\n"
            f"{FRAMES}  status: {status}\n}}\n"
        )
        code = 1 if kind == "model_missing" else status % 256
        if self.format == "text":
            _stage.error("An unexpected critical error occurred:[object Object]\n")
            return self.stage.end(1)
        if self.format == "json":
            shown = 1 if kind == "model_missing" else status
            _stage.error(_error_object(self.session.ident, message, shown))
            return self.stage.end(code)
        text = f"[API Error: {message}]"
        if kind in ("quota", "rate_limit"):
            text += (
                "\nPlease wait and try again later. To increase your limits, request a quota "
                "increase through AI Studio, or switch to another /auth method"
            )
        self.emit(
            "result",
            status="error",
            error={"type": "unknown", "message": text},
            stats={**self.totals((0, 0)), "duration_ms": 0},
        )
        return self.stage.end(code)

    def retry(self, kind: str, message: str) -> None:
        for attempt, wait in enumerate(RETRY_WAITS, 1):
            if kind == "rate_limit":
                text = f"Attempt {attempt} failed: {message}. Retrying after {int(wait * 1000)}ms"
                _stage.error(f"{text}...\n")
            else:
                _stage.error(
                    f"Attempt {attempt} failed with status 500. Retrying with backoff... "
                    f"_ApiError: {message}\n{FRAMES}  status: 500\n}}\n"
                )
            pause(wait)


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version"):
        print(VERSION, flush=True)
        return 0
    if parsed.has("yolo") and "approval_mode" in parsed.options:
        raise Refused(
            1,
            "Cannot use both --yolo (-y) and --approval-mode together. Use --approval-mode=yolo "
            f"instead.\n{USAGE}\n",
        )
    if parsed.words and parsed.text("prompt"):
        raise Refused(
            1, f"Cannot use both a positional prompt and the --prompt (-p) flag together\n{USAGE}\n"
        )
    if os.environ.get("GEMINI_CLI_NO_RELAUNCH") == "true":
        return _work(parsed)
    return _stage.relaunch(lambda: _work(parsed), leader="ignore")


def _work(parsed: Parsed) -> int:
    _stage.on_signal(signal.SIGINT, "stop")
    _stage.on_signal(signal.SIGTERM, "stop")
    try:
        return _headless(parsed)
    except _stage.Stopped:
        return 0  # and the tool processes stay


def _headless(parsed: Parsed) -> int:
    trusted = parsed.has("skip_trust") or _trusted()
    gemini = Gemini(parsed)
    if not trusted:
        if gemini.mode == "yolo":
            text = (
                "YOLO mode is enabled. All tool calls will be automatically approved.\n"
                'Approval mode overridden to "default" because the current folder is not '
                "trusted.\n"
            )
            _stage.error(text * 2)
        raise Refused(55, UNTRUSTED)
    folder = os.path.join(_sessions.home(), ".gemini", "tmp", _sessions.slug(os.getcwd()), "chats")
    if parsed.has("list_sessions"):
        return _list(folder)
    session = _session(parsed, folder)
    prompt = parsed.text("prompt") or " ".join(parsed.words)
    if _stage.stdin_state() not in ("tty", "closed") and (not prompt or _stage.wait_stdin(0.5)):
        extra = _stage.read_stdin()
        prompt = f"{extra}\n\n{prompt}" if extra and prompt else extra or prompt
    if not prompt.strip():
        _stage.error(COLOUR + RIPGREP)
        raise Refused(
            42,
            "No input provided via stdin. Input can be provided by piping data into gemini or "
            "using the --prompt option.\n",
        )
    return gemini.run(prompt, session)


def _trusted() -> bool:
    if os.environ.get("GEMINI_CLI_TRUST_WORKSPACE") == "true":
        return True
    path = os.path.join(_sessions.home(), ".gemini", "trustedFolders.json")
    try:
        with open(path, encoding="utf-8") as file:
            folders = json.load(file)
    except (OSError, ValueError):
        return False
    return isinstance(folders, dict) and any(
        level.startswith("TRUST") and _stage.inside(os.getcwd(), [folder])
        for folder, level in folders.items()
    )


def _session(parsed: Parsed, folder: str) -> _sessions.Session:
    wanted = parsed.text("resume")
    if wanted:
        kept = _sessions.all_in(folder)
        session = _sessions.load(folder, wanted)
        if wanted == "latest" and kept:
            session = kept[-1]
        elif wanted.isdigit() and 0 < int(wanted) <= len(kept):
            session = kept[int(wanted) - 1]
        if session is None:
            if wanted == "latest":
                why = "No previous sessions found for this project."
                raise Refused(42, f"Error resuming session: {why}\n")
            raise Refused(
                42,
                f'Error resuming session: Invalid session identifier "{wanted}".\n'
                f"  Searched for sessions in {folder}.\n  Use --list-sessions to see available "
                "sessions, then use --resume {number}, --resume {uuid}, or --resume latest.\n",
            )
        return session
    given = parsed.text("session_id")
    if given and _sessions.load(folder, given) is not None:
        raise Refused(42, f'Error starting session: Session ID "{given}" already exists.\n')
    return _sessions.Session(folder, given or _sessions.new_uuid())


def _list(folder: str) -> int:
    kept = _sessions.all_in(folder)
    if not kept:
        print("No previous sessions found for this project.", flush=True)
        return 0
    print(f"\nAvailable sessions for this project ({len(kept)}):")
    for number, one in enumerate(kept, 1):
        print(f"  {number}. {one.title} (Just now) [{one.ident}]")
    sys.stdout.flush()
    return 0


def _decisions(accepted: int, rejected: int) -> dict[str, int]:
    return {"accept": accepted, "reject": rejected, "modify": 0, "auto_accept": 0}


def _error_object(session: str, message: str, code: int) -> str:
    error = {"type": "Error", "message": message, "code": code}
    text = json.dumps({"session_id": session, "error": error}, ensure_ascii=False, indent=2)
    return f"{text}\n"
