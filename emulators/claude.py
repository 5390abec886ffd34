"""claude 2.1.330: ``claude -p``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import _brain, _sessions, _stage
from ._claude_records import VERSION, Printer, message_id
from ._grammar import MANY, OPTIONAL, Commander, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import dump, pause

MODES = ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "manual", "plan")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
GRAMMAR = Grammar(
    "claude",
    Commander(),
    [
        *switches("-p --print,--verbose,-c --continue,--fork-session,--no-session-persistence"),
        *switches("--include-partial-messages,--strict-mcp-config,--bare,-v --version,-h --help"),
        *switches("--dangerously-skip-permissions,--allow-dangerously-skip-permissions"),
        *switches("--replay-user-messages,--disable-slash-commands,--ide,--include-hook-events"),
        Flag("--output-format", choices=("text", "json", "stream-json")),
        Flag("--input-format", choices=("text", "stream-json")),
        Flag("--permission-mode", choices=MODES),
        Flag("--permission-prompts", choices=("none", "stdio")),
        *values("--model,--effort,--fallback-model,--session-id,--max-turns,--max-budget-usd"),
        *values("--system-prompt,--append-system-prompt,--json-schema,--settings"),
        *values("--system-prompt-file,--append-system-prompt-file,--setting-sources"),
        *values("--agent,--agents,-n --name,--permission-prompt-tool"),
        Flag("-r --resume", OPTIONAL),
        Flag("-w --worktree", OPTIONAL),
        Flag("-d --debug", OPTIONAL),
        Flag("--allowed-tools --allowedTools", MANY),
        Flag("--disallowed-tools --disallowedTools", MANY),
        Flag("--tools", MANY),
        Flag("--add-dir", MANY),
        Flag("--mcp-config", MANY),
        Flag("--plugin-dir", MANY),
        Flag("--betas", MANY),
    ],
)
GATEWAY = (
    "This is a server-side issue, usually temporary — try again in a moment. If it persists, "
    "check your inference gateway (127.0.0.1:8765)."
)
# kind: status, type, word in api_retry, is it retried, text
ERRORS: dict[str, tuple[int, str, str, bool, str]] = {
    "auth": (
        401,
        "authentication_error",
        "authentication_failed",
        True,
        "Invalid API key · Fix external API key",
    ),
    "rate_limit": (
        429,
        "rate_limit_error",
        "rate_limit",
        True,
        (
            "API Error: Request rejected (429) · This request would exceed your account's rate "
            "limit. Please try again later."
        ),
    ),
    "quota": (
        429,
        "rate_limit_error",
        "rate_limit",
        True,
        "API Error: Request rejected (429) · Usage limit reached",
    ),
    "server_error": (
        500,
        "api_error",
        "server_error",
        True,
        f"API Error: 500 Internal server error. {GATEWAY}",
    ),
    "model_missing": (
        404,
        "not_found_error",
        "invalid_request",
        False,
        (
            "There's an issue with the selected model ({}). It may not exist or you may not have "
            "access to it. Run --model to pick a different model."
        ),
    ),
    "context": (
        400,
        "invalid_request_error",
        "invalid_request",
        False,
        (
            "Prompt is too long · the request is ~250000 tokens (limit 200000) but this "
            "conversation is only ~2646 tokens — the rest is system prompt, tool definitions, and "
            "attachment "
            "content. A single-exchange conversation cannot be compacted; reduce attached "
            "files/tools or start over."
        ),
    ),
}


class Claude(Printer):
    """One ``claude -p`` run."""

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        _stage.on_signal(signal.SIGINT, "stop")
        _stage.on_signal(signal.SIGTERM, "stop")
        if self.model == "test-model" or "/" in self.model:
            note = dump({"model": self.model, "query_source": "sdk"})
            _stage.error(f"[claude-code:unrecognized_model] {note}\n")
        stage.begin(prompt, session, _schema(self.parsed.text("json_schema")))
        self.init()
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        self.used = stage.usage("")
        if "cut" in stage.faults:
            pause(0.6)  # retried, then asked again without a stream: a success
        if "exit0_error" in stage.faults:
            stage.faults.add("empty")
        if stage.reply.reasoning:
            self.assistant(
                message_id(),
                [{"type": "thinking", "thinking": stage.reply.reasoning, "signature": "emulated"}],
            )
        limit = int(self.parsed.text("max_turns", "0"))
        for action in stage.reply.actions:
            self.turns += 1
            self.act(action, run=limit != 1)
            if limit and self.turns > limit:
                return self.out_of_turns(limit)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"), run=True)
        return self.say()

    def say(self) -> int:
        stage = self.stage
        text = ""
        for text in stage.messages():
            self.used = stage.usage(text)
            self.message(text)
        if not stage.reply.said and "empty" in stage.faults:
            self.turns += 1
        self.session.finish(text, self.used)
        more: dict[str, object] = {}
        if self.parsed.text("json_schema"):
            try:
                more["structured_output"] = json.loads(text)
            except ValueError:
                more = {}
        if "no_result" not in stage.faults:
            more["result"] = text
        self.close_well(more)
        if "second_result" in stage.faults:  # helpers were still at work
            time.sleep(stage.faults.number("second_result", 3.5))
            self.message("The helpers agree.")
            self.close_well({"result": "The helpers agree."})
        return stage.end()

    def close_well(self, more: dict[str, object]) -> None:
        self.result(
            reason="completed",
            stop="end_turn",
            error=False,
            subtype="success",
            api_error_status=None,
            **more,
        )

    def act(self, action: _brain.Action, *, run: bool) -> None:
        """One tool call: asked, allowed or denied, and its result."""
        use = f"toolu_{os.urandom(8).hex()}"
        if action.kind == "edit":
            path = os.path.abspath(action.path)
            name, call = "Write", {"file_path": path, "content": action.text}
        else:
            name, call = "Bash", {"command": action.command, "description": "emulated"}
        block = {"type": "tool_use", "id": use, "name": name, "input": call}
        self.assistant(message_id(), [block])
        if not run:
            self.denials.append({"tool_name": name, "tool_use_id": use, "tool_input": call})
            return
        if not self.allowed(action, name):
            self.deny(action, name, use, call)
            return
        self.tool_open = True
        if action.kind == "tool":
            output = self.stage.run_tool(action, own_session=True)
        else:
            where = self.stage.write_file(action)
            output = f"File created successfully at: {where}" if name == "Write" else ""
        self.tool_open = False
        result = {"tool_use_id": use, "type": "tool_result", "content": output, "is_error": False}
        self.emit(
            {
                "type": "user",
                "message": {"role": "user", "content": [result]},
                "parent_tool_use_id": None,
                **self.tail(),
                "timestamp": _stage.clock(),
                "tool_use_result": {"stdout": output} if name == "Bash" else {"filePath": where},
            }
        )

    def allowed(self, action: _brain.Action, tool: str) -> bool:
        if any(_names(rule) == tool for rule in _rules(self.parsed, "disallowedTools")):
            return False
        if self.mode == "bypassPermissions" or action.kind == "tool":
            return True
        if any(_names(rule) == tool for rule in _rules(self.parsed, "allowedTools")):
            return self.mode != "plan"
        roots = [os.getcwd(), *self.parsed.texts("add_dir")]
        return (
            self.mode in ("acceptEdits", "auto")
            and action.kind == "edit"
            and _stage.inside(action.path, roots)
        )

    def deny(self, action: _brain.Action, tool: str, use: str, call: dict[str, str]) -> None:
        if tool == "Write":
            why = (
                f"Claude requested permissions to write to {call['file_path']}, but you haven't "
                "granted it yet."
            )
        else:
            why = (
                f"This command in '{os.getcwd()}' needs approval. Claude Code asks before a shell "
                "command creates, changes or removes files there."
            )
        self.stage.refuse(action, why)
        self.denials.append({"tool_name": tool, "tool_use_id": use, "tool_input": call})
        self.emit(
            {
                "type": "system",
                "subtype": "permission_denied",
                "tool_name": tool,
                "tool_use_id": use,
                "message": why,
                "uuid": _sessions.new_uuid(),
                "session_id": self.session.ident,
            }
        )
        block = {"type": "tool_result", "content": why, "is_error": True, "tool_use_id": use}
        self.emit(
            {
                "type": "user",
                "message": {"role": "user", "content": [block]},
                "parent_tool_use_id": None,
                **self.tail(),
                "timestamp": _stage.clock(),
                "tool_use_result": f"Error: {why}",
                "tool_result_meta": [
                    {
                        "id": use,
                        "non_execution_kind": "user-rejected",
                        "permission_decision": {"decision": "reject", "source": "config"},
                    }
                ],
            }
        )

    # --- endings that are no success

    def out_of_turns(self, limit: int) -> int:
        self.result(
            reason="max_turns",
            stop="tool_use",
            error=True,
            subtype="error_max_turns",
            errors=[f"Reached maximum number of turns ({limit})"],
        )
        return self.stage.end(1)

    def fail(self, kind: str) -> int:
        status, name, word, retried, text = ERRORS[kind]
        text = text.format(self.model) if kind == "model_missing" else text
        most = int(os.environ.get("CLAUDE_CODE_MAX_RETRIES") or 10) if retried else 0
        for attempt in range(1, most + 1):
            delay = max(1.1 if status == 429 else 0.55, min(32.0, 0.55 * 2 ** (attempt - 1)))
            self.emit(
                {
                    "type": "system",
                    "subtype": "api_retry",
                    "attempt": attempt,
                    "max_retries": most,
                    "retry_delay_ms": int(delay * 1000),
                    "error_status": status,
                    "error": word,
                    **self.tail(),
                }
            )
            pause(delay)
        self.synthetic(text, word, status, name)
        reason = "prompt_too_long" if kind == "context" else "api_error"
        self.result(
            reason=reason,
            stop="stop_sequence",
            error=True,
            subtype="success",
            api_error_status=status,
            api_error_type=name,
            result=text,
        )
        return self.stage.end(1)

    def stopped(self, signum: int) -> int:
        self.stage.kill_tools()
        if signum == signal.SIGTERM:
            return 143
        where = "tools" if self.tool_open else "streaming"
        kind = "tool_use" if self.tool_open else "null"
        self.turns += 1
        text = f"[ede_diagnostic] result_type=user last_content_type=n/a stop_reason={kind}"
        self.result(
            reason=f"aborted_{where}",
            stop="tool_use" if self.tool_open else None,
            error=True,
            subtype="error_during_execution",
            errors=[text],
        )
        return 0


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version"):
        print(f"{VERSION} (Claude Code)", flush=True)
        return 0
    _check(parsed)
    effort = parsed.text("effort")
    if effort and effort not in EFFORTS:
        _stage.error(
            f"Warning: Unknown --effort value '{effort}' — ignoring it and using the default "
            f"effort. Valid values: {', '.join(EFFORTS)}.\n"
        )
    claude = Claude(parsed)
    prompt = _prompt(parsed)
    if claude.mode == "bypassPermissions" and _root() and os.environ.get("IS_SANDBOX") != "1":
        raise Refused(
            1,
            "--dangerously-skip-permissions cannot be used with root/sudo privileges for security "
            "reasons\n",
        )
    session = _session(parsed)
    try:
        return claude.run(prompt, session)
    except _stage.Stopped as stopped:
        return claude.stopped(stopped.signum)


def _check(parsed: Parsed) -> None:
    """What the real program refuses before it looks for a prompt."""
    if not parsed.has("print"):
        raise Refused(
            1, "Error: Raw mode is not supported on the current process.stdin (use --print)\n"
        )
    streams = parsed.text("output_format") == "stream-json"
    if streams and not parsed.has("verbose"):
        raise Refused(
            1, "Error: When using --print, --output-format=stream-json requires --verbose\n"
        )
    if parsed.text("input_format") == "stream-json" and not streams:
        raise Refused(1, "Error: --input-format=stream-json requires output-format=stream-json.\n")
    if parsed.has("include_partial_messages") and not streams:
        raise Refused(
            1,
            "Error: --include-partial-messages requires --print and --output-format=stream-json.\n",
        )


def _prompt(parsed: Parsed) -> str:
    words = parsed.words
    prompt = words[0] if words else ""
    if parsed.text("input_format") == "stream-json":
        prompt = "\n".join(_user_texts(_stage.read_stdin()))
    elif _stage.stdin_state() not in ("tty", "closed"):
        if _stage.wait_stdin(3.0, scaled=bool(prompt)):
            extra = _stage.read_stdin()
            prompt = f"{prompt}\n{extra}" if prompt and extra else prompt or extra
        else:
            _stage.error(
                "Warning: no stdin data received in 3s, proceeding without it. If piping from a "
                "slow command, redirect stdin explicitly: < /dev/null to skip, or wait longer.\n"
            )
    if not prompt:
        raise Refused(
            1,
            "Error: Input must be provided either through stdin or as a prompt argument when "
            "using --print\n",
        )
    return prompt


def _user_texts(stdin: str) -> list[str]:
    found: list[str] = []
    for line in filter(None, map(str.strip, stdin.split("\n"))):
        try:
            content = json.loads(line)["message"]["content"]
        except (ValueError, KeyError, TypeError) as trouble:
            raise Refused(1, f"Error parsing streaming input line: {line}\n") from trouble
        if isinstance(content, str):
            found.append(content)
        else:
            found += [block["text"] for block in content if block.get("type") == "text"]
    return found


def _session(parsed: Parsed) -> _sessions.Session:
    root = os.environ.get("CLAUDE_CONFIG_DIR") or os.path.join(_sessions.home(), ".claude")
    folder = os.path.join(root, "projects", _sessions.slug(os.getcwd()))
    given = parsed.text("session_id")
    if given and not _sessions.is_uuid(given):
        raise Refused(1, "Error: Invalid session ID. Must be a valid UUID.\n")
    session: _sessions.Session | None = None
    if "resume" in parsed.options:
        wanted = parsed.text("resume")
        if not wanted:
            raise Refused(1, "Error: --resume requires a valid session ID when used with --print\n")
        session = _sessions.load(folder, wanted)
        if session is None:
            raise Refused(1, f"No conversation found with session ID: {wanted}\n")
    elif parsed.has("continue"):
        session = _sessions.latest(folder)
        if session is None:
            raise Refused(1, "No conversation found to continue\n")
    if session is not None:
        if parsed.has("fork_session"):
            return session.fork(given or _sessions.new_uuid())
        return session
    if given and _sessions.load(folder, given) is not None:
        raise Refused(1, f"Error: Session ID {given} is already in use.\n")
    return _sessions.Session(folder, given or _sessions.new_uuid())


def _schema(text: str) -> dict[str, object] | None:
    if not text:
        return None
    try:
        schema = json.loads(text)
    except ValueError as trouble:
        raise Refused(1, f"Error: --json-schema is not valid JSON: {trouble}\n") from trouble
    return schema if isinstance(schema, dict) else None


def _rules(parsed: Parsed, key: str) -> list[str]:
    return [one for text in parsed.texts(key) for one in text.replace(",", " ").split()]


def _names(rule: str) -> str:
    name = rule.partition("(")[0]
    return "Write" if name == "Edit" else name


def _root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
