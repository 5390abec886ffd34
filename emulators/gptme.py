"""gptme 0.35.1: ``gptme -n``; it answers three times unless its complete tool is called."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import _brain, _sessions, _stage
from ._grammar import Click, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, pause

VERSION = "0.35.1"
COMMANDS = ("chats", "explain", "models", "skills", "status", "tools", "prompts", "context")


class Quoting(Click):
    """This version of click puts the option in quotes."""

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return self._text(grammar, f"No such option '{word.partition('=')[0]}'.")


GRAMMAR = Grammar(
    "gptme",
    Quoting(),
    [
        *values("--name,-m --model,-w --workspace,--system,-t --tools,--tool-format"),
        *values("--context,--agent-path,--allow-hosts,--profile", repeat=True),
        Flag("--output-format", choices=("text", "json")),
        *switches("-n --non-interactive,-y --no-confirm,-r --resume,--no-stream,--no-workspace"),
        *switches("-v --verbose,--version,--show-hidden,--stream,-h --help,--multi-tool"),
    ],
    usage="Usage: gptme [OPTIONS] [PROMPTS]...",
)
CONFIRM = (
    "<system>No tool call detected in last message. Did you mean to finish? If so, make sure you "
    "are completely done and then use the `complete` tool to end the session.</system>"
)
NO_PROMPT = (
    "Non-interactive mode requires a prompt. Provide a prompt as an argument, use --resume to "
    "continue an existing conversation, or pipe input via stdin."
)
ERRORS = {  # kind: exit code, message
    "auth": (
        76,
        (
            "Error code: 401 - {'error': {'message': 'Incorrect API key provided: test-key.', "
            "'type': "
            "'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}"
        ),
    ),
    "rate_limit": (
        1,
        (
            "Error code: 429 - {'error': {'message': 'Rate limit reached for MODEL in organization "
            "org-x on tokens per min (TPM): Limit 10000, Used 9999, Requested 99. Please try again "
            "in "
            "1s.', 'type': 'tokens', 'param': None, 'code': 'rate_limit_exceeded'}}"
        ),
    ),
    "quota": (
        1,
        (
            "Error code: 429 - {'error': {'message': 'You exceeded your current quota, please "
            "check "
            "your plan and billing details.', 'type': 'insufficient_quota', 'param': None, 'code': "
            "'insufficient_quota'}}"
        ),
    ),
    "server_error": (
        1,
        (
            "Error code: 500 - {'error': {'message': 'The server had an error while processing "
            "your "
            "request.', 'type': 'server_error', 'param': None, 'code': None}}"
        ),
    ),
    "model_missing": (
        77,
        (
            "Error code: 404 - {'error': {'message': 'The model `MODEL` does not exist or you do "
            "not "
            "have access to it.', 'type': 'invalid_request_error', 'param': None, 'code': "
            "'model_not_found'}}"
        ),
    ),
    "context": (
        1,
        (
            "Error code: 400 - {'error': {'message': \"This model's maximum context length is "
            "128000 tokens. However, your messages resulted in 130000 tokens.\", 'type': "
            "'invalid_request_error', 'param': None, 'code': 'context_length_exceeded'}}"
        ),
    ),
}


class Gptme:
    """One non-interactive run."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.json = parsed.text("output_format") == "json"
        self.model = parsed.text("model") or os.environ.get("MODEL") or "openai/gpt-5.4"
        self.tools = parsed.text("tools")
        self.stage = Stage("gptme", "gptme", jsonl=self.json, marker="@complete(call_1): {}")
        self.session = _sessions.Session("", "")
        self.log = 6
        self.interrupted = False

    def note(self, text: str, level: str = "") -> None:
        """A line on stderr in the manner of its console, 80 columns wide."""
        lead = "· " if not level else f"· {level:<9}"
        rest = " " * (11 if level else 2)
        width = 80 - len(rest)
        words, line = text.split(" "), ""
        lines: list[str] = []
        for word in words:
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
        for number, one in enumerate(lines):
            _stage.error(f"{(rest if number else lead) + one:<80}\n")

    def emit(self, role: str, content: str, **more: object) -> None:
        self.log += 1
        if self.json:
            now = time.time()
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now))
            stamp += f".{int(now % 1 * 1e6):06d}"
            line = {"type": "message", "role": role, "content": content, "timestamp": stamp}
            self.stage.line(json.dumps({**line, **more}, ensure_ascii=False))
        elif role == "user":
            self.stage.line(f"User: {content}")
        elif role == "assistant":
            blank = " " * 80
            self.stage.write(f"Assistant: Thinking...\r{blank}\rAssistant: \n{content}{blank}\r")
        else:
            self.stage.line(f"System: {content}")

    def metadata(self, used: tuple[int, int], *, counted: bool = True) -> dict[str, object]:
        data: dict[str, object] = {
            "model": self.model,
            "served_model": self.model.rpartition("/")[2],
        }
        if counted:
            data["usage"] = {
                "input_tokens": used[0],
                "output_tokens": used[1],
                "cache_read_tokens": 0,
                "reasoning_tokens": 0,
            }
            if not self.model.startswith("local/"):
                data["cost"] = round(used[0] * 5e-6 + used[1] * 3e-5, 6)
        data["timings"] = {"ttft_ms": 7.0, "gen_ms": 1.1}
        if counted:
            data["input_log_messages"] = self.log
            data["input_log_digest"] = f"{self.log:064x}"
            data["input_log_model"] = self.model
        return data

    # --- the run

    def run(self, prompt: str, session: _sessions.Session, received: str) -> int:
        stage = self.stage
        self.session = session
        _stage.on_signal(signal.SIGTERM, "stop")
        _stage.on_signal(signal.SIGINT, "stop")
        self.note("Skipping all confirmation prompts.")
        if _stage.stdin_state() != "tty":
            self.note("stdin is not a TTY and prompts provided, switching to non-interactive mode")
        self.note(f"Using model default tool_format=tool for {self.model}")
        stage.begin(prompt, session, received=received)
        if not self.json:
            where = f"~/.local/share/gptme/logs/{session.ident}"
            for text in (f"model: {self.model}", f"logdir: {where}", f"workspace: {os.getcwd()}"):
                stage.line(f"{'· Using ' + text:<80}")
            stage.line("Skipped 6 hidden system messages (/log --hidden to show)")
        self.emit("user", prompt)
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        if "empty" in stage.faults:
            what = f"Provider stream for {self.model} ended without any output"
            return self.fatal(f"{what} (usage: {{'input_tokens': 11, 'output_tokens': 7}})", 1)
        for action in stage.reply.actions:
            if not self.act(action):
                return stage.end()
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))
        return self.answer()

    def answer(self) -> int:
        stage = self.stage
        cut = "cut" in stage.faults or "exit0_error" in stage.faults
        texts = [stage.fragment()] if cut else stage.messages()
        if stage.reply.reasoning:
            texts[0] = f"<think>\n{stage.reply.reasoning}\n</think>\n\n{texts[0]}"
        used = stage.usage(texts[-1])
        for number in range(3):
            for text in texts:
                self.emit("assistant", text, metadata=self.metadata(used, counted=not cut))
            if number == 2:
                break
            why = "Auto-reply: Assistant message had no tools. Asking for confirmation..."
            self.note(why, "WARNING")
            if not self.json:
                stage.line(f"· [Loop control] {CONFIRM[:66]}...")
            self.emit("user", CONFIRM)
        self.session.finish(texts[-1], used)
        if not self.json:
            stage.write(
                f"{'· Session: $0.00 | 3 turns | 11 context | 0% cached':<80}\n"
                "· Autonomous mode: No tools used after 2 auto-reply confirmations. Exiting.\n"
                f"\nGoodbye! (resume with: gptme --name {self.session.ident})\n"
            )
        return stage.end()

    # --- tools

    def act(self, action: _brain.Action) -> bool:
        """One tool call; false when the session ends because the tool may not run."""
        ident = f"call_{os.urandom(6).hex()}"
        name, call = "shell", {"command": action.command}
        if action.kind == "edit":
            name, call = "save", {"path": action.path, "content": action.text}
        text = f"\n@{name}({ident}): {json.dumps(call)}"
        self.emit("assistant", text, metadata=self.metadata(self.stage.usage(text)))
        if self.tools in ("none", "read-only"):
            why = f"Tool '{name}' is not available for execution."
            self.note(f"Tool '{name}' is not runnable; emitting an error tool_result", "WARNING")
            self.stage.refuse(action, why)
            self.emit("system", why, call_id=ident)
            return False
        if action.kind == "tool":
            output = self.slow_tool(action)
        else:
            self.stage.write_file(action)
            output = f"Saved to {action.path}" if name == "save" else f"Ran `{action.command}`"
        self.emit("system", output, call_id=ident, metadata={"tool": name})
        return True

    def slow_tool(self, action: _brain.Action) -> str:
        """An interrupt ends the tool only; the run goes on."""
        try:
            output = self.stage.run_tool(action, own_session=True)
        except _stage.Stopped as stopped:
            if stopped.signum != signal.SIGINT:
                raise
            self.stage.kill_tools()
            self.stage.outcomes.append("The tool was interrupted.")
            _stage.on_signal(signal.SIGINT, "stop")
            return "Interrupted by user"
        return f"Ran `{action.command}`\n\n{output}"

    # --- errors

    def fail(self, kind: str) -> int:
        code, text = ERRORS[kind]
        if kind in ("rate_limit", "quota", "server_error"):
            status = "500" if kind == "server_error" else "429"
            for attempt in range(1, 11):
                wait = min(60.0, 2.0 ** (attempt - 1))
                what = f"OpenAI API transient error (status {status}), retrying in {wait}s"
                self.note(f"{what} (attempt {attempt}/11)", "WARNING")
                pause(wait)
        return self.fatal(text.replace("MODEL", self.model.rpartition("/")[2]), code)

    def fatal(self, text: str, code: int) -> int:
        self.note("Fatal error occurred", "ERROR")
        self.note(text, "ERROR")
        self.note("  at gptme/llm/llm_openai.py:1728 in _stream_responses", "ERROR")
        return self.stage.end(code)


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version"):
        print(f"gptme v{VERSION}".replace(" v", " "), flush=True)
        return 0
    if parsed.words and parsed.words[0] in COMMANDS:
        return _subcommand(parsed.words)
    if _stage.stdin_state() == "closed":
        sys.stderr.write(
            "Traceback (most recent call last):\n"
            '  File "gptme/cli/main.py", line 1102, in main\n'
            "    if not sys.stdin.isatty():\n"
            "AttributeError: 'NoneType' object has no attribute 'isatty'\n"
        )
        return 1
    gptme = Gptme(parsed)
    if folder := parsed.text("workspace"):
        _stage.enter(folder, "Error: workspace {} does not exist: {}\n")
    prompt = received = "\n\n".join(parsed.words)
    if _stage.stdin_state() != "tty" and (not prompt or _stage.wait_stdin(1.0)):
        extra = _stage.read_stdin()
        if extra:
            fenced = f"````stdin\n{extra}\n````"
            received = f"{prompt}\n\n{fenced}" if prompt else extra
            prompt = f"{prompt}\n\n{fenced}" if prompt else fenced
    session = _session(parsed)
    if not prompt.strip():
        gptme.note("Skipping all confirmation prompts.")
        gptme.note(NO_PROMPT, "ERROR")
        return 1
    try:
        return _guarded(gptme, prompt, session, received)
    except _stage.Stopped:
        gptme.stage.kill_tools()
        return 143


def _guarded(gptme: Gptme, prompt: str, session: _sessions.Session, received: str) -> int:
    """An interrupt ends the step; the next model call follows."""
    try:
        return gptme.run(prompt, session, received)
    except _stage.Stopped as stopped:
        if stopped.signum != signal.SIGINT:
            raise
        _stage.on_signal(signal.SIGINT, "stop")
        metadata = {"model": gptme.model, "timings": {"ttft_ms": 7.0, "gen_ms": 1.0}}
        gptme.emit("assistant", "... ^C Interrupted", metadata=metadata)
        gptme.emit("user", CONFIRM)
        gptme.stage.reply.delay_s = 0.0
        return gptme.answer()


def _subcommand(words: list[str]) -> int:
    if words[0] == "explain" and len(words) > 1:
        sys.stderr.write(f"No topic matches '{words[1]}'.\nDid you mean: commands, tools?\n")
        return 1
    print(f"gptme {words[0]}: nothing to list", flush=True)
    return 0


def _session(parsed: Parsed) -> _sessions.Session:
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(_sessions.home(), ".local", "share")
    folder = os.path.join(data, "gptme", "logs")
    name = parsed.text("name")
    if parsed.has("resume") and not name:
        session = _sessions.latest(folder, os.getcwd())
        if session is None:
            raise Refused(1, "Error: No conversations found to resume\n")
        return session
    fresh = name or f"{time.strftime('%Y-%m-%d')}-walking-{os.urandom(3).hex()}-fish"
    return _sessions.load(folder, fresh) or _sessions.Session(folder, fresh)
