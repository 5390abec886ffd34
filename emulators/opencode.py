"""opencode 1.18.33: ``opencode run``."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping

from . import _brain, _sessions, _stage
from ._grammar import Flag, Grammar, Parsed, Refused, Yargs, switches, values
from ._stage import Stage, dump, now_ms, pause

VERSION = "1.18.33"
RUN_HELP = """opencode run [message..]

run opencode with a message
"""
ERROR = "\x1b[91m\x1b[1mError: \x1b[0m"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class HelpOnly(Yargs):
    """This program answers every mistake with its help text."""

    def _text(self, grammar: Grammar, message: str) -> Refused:
        return Refused(1, f"{grammar.usage}\n")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        return self._text(grammar, value)


TOP = Grammar(
    "opencode",
    HelpOnly(),
    [*switches("-v --version,-h --help,--print-logs"), *values("--log-level")],
    usage="opencode [project]\n\nstart opencode tui\n",
    commands=("run", "session", "export", "auth", "models", "serve", "stats", "upgrade"),
)
RUN = Grammar(
    "opencode run",
    HelpOnly(),
    [
        *values("-m --model,--variant,-s --session,--dir,--agent,--attach,--port,--title"),
        *values("--command,-p --password,--log-level"),
        *values("-f --file", repeat=True),
        Flag("--format", choices=("default", "json")),
        *switches("-c --continue,--fork,--auto,--pure,--share,--print-logs,--thinking,-h --help"),
    ],
    usage=RUN_HELP,
)
ERRORS: dict[str, tuple[int, str, str]] = {  # kind: status, message, code in the body
    "auth": (401, "Incorrect API key provided: test-key.", "invalid_api_key"),
    "rate_limit": (
        429,
        (
            "Rate limit reached for {} in organization org-x on tokens per min (TPM): Limit 10000, "
            "Used 9999, Requested 99. Please try again in 1s."
        ),
        "rate_limit_exceeded",
    ),
    "quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
    ),
    "server_error": (500, "The server had an error while processing your request.", ""),
    "model_missing": (
        404,
        "The model `{}` does not exist or you do not have access to it.",
        "model_not_found",
    ),
    "context": (
        400,
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted "
            "in "
            "130000 tokens."
        ),
        "context_length_exceeded",
    ),
}
RETRY_S = {"rate_limit": 5.0, "quota": 120.0, "server_error": 120.0}
DENIED = (
    "The user has specified a rule which prevents you from using this specific tool call. Here "
    'are some of the relevant rules [{"permission":"*","action":"allow","pattern":"*"},'
    '{"permission":"edit","pattern":"*","action":"deny"}]'
)


class OpenCode:
    """One ``opencode run``."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.json = parsed.text("format") == "json"
        self.agent = parsed.text("agent", "build")
        settings = _settings()
        self.permission = settings.get("permission")
        self.model = parsed.text("model") or str(settings.get("model") or "opencode/default")
        self.stage = Stage(
            "opencode", "OpenCode", jsonl=self.json, marker='{"type":"step_finish","reason":"stop"}'
        )
        self.session = _sessions.Session("", "")
        self.message = ""
        self.used = (0, 0)

    def emit(self, kind: str, **fields: object) -> None:
        if self.json:
            base = {"type": kind, "timestamp": now_ms(), "sessionID": self.session.ident}
            self.stage.event({**base, **fields})

    def part(self, first: Mapping[str, object], last: Mapping[str, object]) -> dict[str, object]:
        ids = {"messageID": self.message, "sessionID": self.session.ident}
        return {"id": _ident("prt"), **first, **ids, **last}

    def step(self) -> None:
        self.message = _ident("msg")
        snapshot = os.urandom(20).hex()
        part = self.part({}, {"snapshot": snapshot, "type": "step-start"})
        self.emit("step_start", part=part)

    def step_end(self, reason: str) -> None:
        tokens: dict[str, object] = {}
        if reason != "unknown":
            tokens["total"] = sum(self.used)
        used = self.used if reason != "unknown" else (0, 0)
        tokens |= {"input": used[0], "output": used[1], "reasoning": 0}
        tokens["cache"] = {"write": 0, "read": 0}
        first = {"reason": reason, "snapshot": os.urandom(20).hex()}
        part = self.part(first, {"type": "step-finish", "tokens": tokens, "cost": 0})
        self.emit("step_finish", part=part)

    def text(self, text: str, kind: str = "text") -> None:
        now = now_ms()
        times = {"start": now, "end": now}
        self.emit(kind, part=self.part({}, {"type": kind, "text": text, "time": times}))
        if not self.json and kind == "text":
            self.stage.line(text)

    # --- the turn

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        _stage.on_signal(signal.SIGTERM, "default")
        stage.begin(prompt, session)
        if not self.json:
            name = self.model.rpartition("/")[2]
            _stage.error(f"\x1b[0m\n> {self.agent} · {name}\n\x1b[0m\n")
        failure = stage.ready()
        if failure:
            return self.fail(failure)
        self.used = stage.usage("")
        if "endless_steps" in stage.faults or "cut" in stage.faults:
            return self.loop()
        if stage.reply.reasoning:
            self.step()
            self.text(stage.reply.reasoning, "reasoning")
            self.step_end("tool-calls")
        for action in stage.reply.actions:
            if not self.act(action):
                return stage.end()
        if "exit0_error" in stage.faults:
            _stage.error(
                "\x1b[93m\x1b[1m! \x1b[0mpermission requested: external_directory (/*); "
                "auto-rejecting\n"
            )
            return stage.end()
        return self.say()

    def say(self) -> int:
        texts = self.stage.messages()
        self.used = self.stage.usage(texts[-1])
        self.step()
        for text in filter(None, texts):
            self.text(text)
        self.step_end("stop")
        self.session.finish(texts[-1], self.used)
        return self.stage.end()

    def loop(self) -> int:
        """A stream without a finish reason is asked again, about ten times a second, for ever."""
        fragment = self.stage.fragment()
        for _ in self.stage.endless():
            self.step()
            self.text(fragment)
            self.step_end("unknown")
        return 0

    # --- tools

    def act(self, action: _brain.Action) -> bool:
        """Run one tool in a step of its own; false when the run ends with it."""
        tool = "write" if action.kind == "edit" else "bash"
        if self.removed("edit" if tool == "write" else "bash"):
            self.stage.refuse(action, f"there is no {tool} tool.")
            return True
        path = os.path.abspath(action.path)
        call: dict[str, object] = {"command": action.command, "description": "emulated"}
        if tool == "write":
            call = {"filePath": path, "content": action.text}
        self.step()
        now = now_ms()
        why = ""
        if tool == "write" and self.agent == "plan":
            why = DENIED
        elif tool == "write" and not _stage.inside(path, [os.getcwd()]) and not self.asked():
            why = "The user rejected permission to use this specific tool call."
            folder = os.path.dirname(path)
            _stage.error(
                f"\x1b[93m\x1b[1m! \x1b[0mpermission requested: external_directory ({folder}/*); "
                "auto-rejecting\n"
            )
        state: dict[str, object] = {"status": "error", "input": call}
        if why:
            self.stage.refuse(action, why)
            state["error"] = why
        else:
            state |= self.execute(action, tool, path)
        state["time"] = {"start": now, "end": now_ms()}
        part = {
            "type": "tool",
            "tool": tool,
            "callID": f"call_{os.urandom(6).hex()}",
            "state": state,
            "id": _ident("prt"),
            "sessionID": self.session.ident,
            "messageID": self.message,
        }
        self.emit("tool_use", part=part)
        self.step_end("tool-calls")
        return not why.startswith("The user rejected")

    def execute(self, action: _brain.Action, tool: str, path: str) -> dict[str, object]:
        if tool == "write":
            existed = os.path.exists(path)
            self.stage.write_file(action)
            facts = {"diagnostics": {}, "filepath": path, "exists": existed, "truncated": False}
            output, title = "Wrote file successfully.", os.path.relpath(path)
        else:
            if action.kind == "shell":
                self.stage.write_file(action)
                output = "(no output)"
            else:
                output = self.stage.run_tool(action, own_session=True) or "(no output)"
            facts = {"output": output, "exit": 0, "truncated": False}
            title = action.command
        return {"status": "completed", "output": output, "metadata": facts, "title": title}

    def removed(self, what: str) -> bool:
        if self.permission == "deny":
            return True
        return isinstance(self.permission, dict) and self.permission.get(what) == "deny"

    def asked(self) -> bool:
        return self.parsed.has("auto")

    # --- errors

    def fail(self, kind: str) -> int:
        pause(RETRY_S.get(kind, 0.0))
        status, message, code = ERRORS[kind]
        message = message.format(self.model.rpartition("/")[2])
        inner = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        body = json.dumps({"error": inner})
        if kind == "context":
            data: dict[str, object] = {"message": message, "responseBody": body}
            error = {"name": "ContextOverflowError", "data": data}
            self.emit("error", error=error)
        else:
            data = {
                "message": message,
                "statusCode": status,
                "isRetryable": kind in RETRY_S,
                "responseHeaders": {"content-type": "application/json"},
                "responseBody": body,
                "metadata": {"url": "http://127.0.0.1:8765/v1/chat/completions"},
            }
            error = {"name": "APIError", "data": data}
        self.emit("error", error=error)
        if not self.json:
            _stage.error(f"{ERROR}{message}\n")
        return self.stage.end(1)


def main(argv: list[str]) -> int:
    top = TOP.parse(argv)
    if top.has("version"):
        print(VERSION, flush=True)
        return 0
    if top.command == "session":
        return _list(top.rest)
    if top.command == "export":
        return _export(top.rest)
    if top.command != "run":
        raise Refused(1, f"{TOP.usage}\n")
    parsed = RUN.parse(top.rest)
    if folder := parsed.text("dir"):
        _stage.enter(folder, ERROR + "Failed to change directory to {}\n")
    prompt = " ".join(_quoted(word) for word in parsed.words)
    if _stage.stdin_state() not in ("tty", "closed"):
        extra = _stage.read_stdin()
        prompt = f"{prompt}\n{extra}" if prompt and extra else prompt or extra
    if not prompt.strip():
        raise Refused(1, f"{ERROR}You must provide a message or a command\n")
    return OpenCode(parsed).run(prompt, _session(parsed))


def _quoted(word: str) -> str:
    """A message argument with a space reaches the model in literal quotes."""
    if " " not in word:
        return word
    escaped = word.replace('"', '\\"')
    return f'"{escaped}"'


def _folder() -> str:
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(_sessions.home(), ".local", "share")
    return os.path.join(data, "opencode", "storage", "session")


def _session(parsed: Parsed) -> _sessions.Session:
    wanted = parsed.text("session")
    session: _sessions.Session | None = None
    if wanted:
        session = _sessions.load(_folder(), wanted)
        if session is None:
            raise Refused(1, f"{ERROR}Session not found\n")
    elif parsed.has("continue"):
        session = _sessions.latest(_folder(), os.getcwd())
    if session is None:
        return _sessions.Session(_folder(), _ident("ses"))
    return session.fork(_ident("ses")) if parsed.has("fork") else session


def _list(rest: list[str]) -> int:
    parsed = Grammar(
        "opencode session",
        HelpOnly(),
        [Flag("--format", choices=("table", "json")), *values("-n --max-count")],
        usage="opencode session list\n",
    ).parse(rest)
    if parsed.words != ["list"]:
        raise Refused(1, "opencode session\n\nmanage sessions\n")
    kept = list(reversed(_sessions.all_in(_folder(), os.getcwd())))
    if count := parsed.text("max_count"):
        kept = kept[: int(count)]
    if parsed.text("format") == "json":
        rows = [
            {
                "id": one.ident,
                "title": one.title,
                "updated": int(one.updated * 1000),
                "directory": one.cwd,
            }
            for one in kept
        ]
        print(json.dumps(rows, indent=2), flush=True)
        return 0
    for one in kept:
        stamp = time.strftime("%H:%M", time.localtime(one.updated))
        print(f"{one.ident}  {one.title}  {stamp}", flush=True)
    return 0


def _export(rest: list[str]) -> int:
    session = _sessions.load(_folder(), rest[0] if rest else "")
    if session is None:
        raise Refused(1, f"{ERROR}Session not found\n")
    messages: list[object] = []
    for number, prompt in enumerate(session.prompts):
        messages.append({"role": "user", "text": prompt})
        if number < len(session.answers):
            messages.append({"role": "assistant", "text": session.answers[number]})
    info = {"id": session.ident, "title": session.title, "directory": session.cwd}
    print(dump({"info": info, "messages": messages}), flush=True)
    return 0


def _settings() -> dict[str, object]:
    """The configuration layers that matter here: user, project, environment."""
    merged: dict[str, object] = {}
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(_sessions.home(), ".config")
    for path in (os.path.join(config, "opencode", "opencode.json"), "opencode.json"):
        try:
            with open(path, encoding="utf-8") as file:
                merged |= json.load(file)
        except (OSError, ValueError):
            continue
    content = os.environ.get("OPENCODE_CONFIG_CONTENT")
    if content:
        try:
            merged |= json.loads(content)
        except ValueError as trouble:
            raise Refused(1, f"{ERROR}Config content is not valid JSON\n") from trouble
    return merged


def _ident(kind: str) -> str:
    tail = "".join(BASE62[byte % 62] for byte in os.urandom(14))
    return f"{kind}_{now_ms() & 0xFFFFFFFFFFFF:012x}{tail}"
