"""continue 1.5.47: the binary ``cn``, ``cn -p``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import _brain, _sessions, _stage
from ._grammar import Commander, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, dump, pause

VERSION = "1.5.47"
GRAMMAR = Grammar(
    "cn",
    Commander(),
    [
        *switches("-p --print,--silent,--readonly,--auto,--resume,--verbose,--beta-subagent-tool"),
        *switches("-v --version,-h --help"),
        *values("--config,--org,--model,--fork,--id,--agent"),
        *values("--allow,--ask,--exclude,--rule,--mcp,--prompt", repeat=True),
        Flag("--format", choices=("json",)),
    ],
    commands=("ls", "login", "logout", "remote", "serve", "checks"),
)
LS = Grammar("cn ls", Commander(), switches("--json,-h --help"))
NO_PROMPT = """Error: A prompt is required when using the -p/--print flag, unless --prompt, \
--agent, or --resume is provided.

Usage examples:
  cn -p "please review my current git diff"
  echo "hello" | cn -p
  cn -p "analyze the code in src/"
  cn -p --agent my-org/my-agent
  cn -p --prompt my-org/my-prompt
  cn -p --resume
"""
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
        "Context length exceeded: Error: 400 This model's maximum context length is 128000 tokens. "
        "However, your messages resulted in 130000 tokens."
    ),
}
RETRY_S = 120.0  # it was still trying after 45 s
NOTE = "Response was not valid JSON, so it was wrapped in a JSON object"


class Continue:
    """One ``cn -p`` run. It prints once, at the end."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.json = parsed.text("format") == "json"
        self.stage = Stage("continue", "Continue", jsonl=False, marker='{"status":"success"}')

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        _stage.on_signal(signal.SIGINT, "stop")
        _stage.on_signal(signal.SIGTERM, "stop")
        stage.begin(prompt, session)
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        if "exit0_error" in stage.faults or "empty" in stage.faults:
            return stage.end()  # no answer, nothing printed, exit code 0
        for action in stage.reply.actions:
            if not self.act(action):
                return stage.end()
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                stage.line(f"step {number}")
        texts = [stage.fragment()] if "cut" in stage.faults else stage.messages()
        answer = texts[-1] if self.json else "\n".join(texts)
        session.finish(answer, stage.usage(answer))
        stage.line(self.wrapped(answer) if self.json else answer)
        return stage.end()

    def act(self, action: _brain.Action) -> bool:
        """The shell runs in every mode; the edit tool is offered with ``--auto`` only."""
        if action.kind == "tool":
            self.stage.run_tool(action, own_session=False)
            return True
        if action.kind == "edit" and not self.parsed.has("auto"):
            return False  # an unavailable tool ends the run in silence
        self.stage.write_file(action)
        return True

    def wrapped(self, answer: str) -> str:
        try:
            json.loads(answer)
        except ValueError:
            return dump({"response": answer, "status": "success", "note": NOTE})
        return answer

    def fail(self, kind: str) -> int:
        if kind in ("rate_limit", "quota", "server_error"):
            pause(RETRY_S)
        _stage.error(f"{dump({'status': 'error', 'message': ERRORS[kind]})}\n")
        return self.stage.end(1)


def main(argv: list[str]) -> int:
    parsed = GRAMMAR.parse(argv)
    if parsed.has("version"):
        print(VERSION, flush=True)
        return 0
    if parsed.command == "ls":
        return _list(LS.parse(parsed.rest))
    if parsed.command:
        raise Refused(1, f"error: {parsed.command}: not in this emulator\n")
    if not parsed.has("print"):
        raise Refused(1, "Error: Cannot start TUI in TTY-less environment. Use -p flag.\n")
    config = parsed.text("config")
    if config and ("/" in config or config.endswith(".yaml")) and not os.path.exists(config):
        message = f"ENOENT: no such file or directory, open '{config}'"
        raise Refused(1, f"{dump({'status': 'error', 'message': message})}\n")
    prompt = _prompt(parsed, argv)
    run = Continue(parsed)
    try:
        return run.run(prompt, _session(parsed))
    except _stage.Stopped as stopped:
        return 130 if stopped.signum == signal.SIGINT else 0


def _prompt(parsed: Parsed, argv: list[str]) -> str:
    prompt = parsed.words[0] if parsed.words else ""
    if not prompt and not _value_follows(argv):
        ready = _stage.stdin_state() not in ("tty", "closed") and _stage.wait_stdin(
            0.5, scaled=False
        )
        prompt = _stage.read_stdin() if ready else ""
    if not prompt.strip():
        if parsed.has("resume") or parsed.text("agent"):
            return prompt
        raise Refused(1, NO_PROMPT)
    attached: list[str] = []
    for source in parsed.texts("prompt"):
        try:
            with open(source, encoding="utf-8", errors="surrogateescape", newline="") as file:
                attached.append(file.read())
        except OSError:
            attached.append(source)
    return "\n\n".join([*attached, prompt])


def _value_follows(argv: list[str]) -> bool:
    """Whether any word after ``-p`` looks like a value: then stdin is not read."""
    index = next(at for at, word in enumerate(argv) if word in ("-p", "--print"))
    return any(not word.startswith("-") for word in argv[index + 1 :])


def _folder() -> str:
    root = os.environ.get("CONTINUE_GLOBAL_DIR") or os.path.join(_sessions.home(), ".continue")
    return os.path.join(root, "sessions")


def _session(parsed: Parsed) -> _sessions.Session:
    fresh = _sessions.Session(_folder(), _sessions.new_uuid())
    if wanted := parsed.text("fork"):
        kept = _sessions.load(_folder(), wanted)
        return kept.fork(fresh.ident) if kept else fresh
    if parsed.has("resume"):
        return _sessions.latest(_folder(), os.getcwd()) or fresh
    return fresh


def _list(parsed: Parsed) -> int:
    rows: list[object] = []
    for one in reversed(_sessions.all_in(_folder())):
        row = {
            "id": one.ident,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(one.updated)),
            "workspaceDirectory": one.cwd,
            "title": "Untitled Session",
            "firstUserMessage": one.prompts[0],
            "isRemote": False,
        }
        rows.append(row)
        if not parsed.has("json"):
            print(f"{one.ident}  {one.title}")
    if parsed.has("json"):
        print(json.dumps({"sessions": rows}, ensure_ascii=False, indent=2))
    sys.stdout.flush()
    return 0
