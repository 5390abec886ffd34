"""goose 1.52.0: ``goose run``."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping

from . import _brain, _sessions, _stage
from ._grammar import SWITCH, Clap, Flag, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, pause, pieces

VERSION = "1.52.0"
COMMANDS = ("run", "session", "configure", "info", "mcp", "recipe", "schedule", "update", "web")
TOP = Grammar(
    "goose",
    Clap(),
    switches("-V --version,-h --help"),
    usage="Usage: goose [COMMAND]",
    commands=COMMANDS,
    max_words=0,
)
RUN = Grammar(
    "goose run",
    Clap(),
    [
        *values("-t --text,-i --instructions,--recipe,--provider,--model,--system,-n --name"),
        *values("--session-id,--max-turns,--max-tool-repetitions,--path"),
        Flag("--output-format", choices=("text", "json", "stream-json"), label="FORMAT"),
        *values("--params,--with-builtin,--with-extension", repeat=True),
        *values("--with-streamable-http-extension,--sub-recipe", repeat=True),
        *switches("-q --quiet,-r --resume,--no-session,--no-profile,--stats,--debug"),
        *switches("-s --interactive,--explain,-h --help"),
        Flag("--render-recipe", SWITCH),
    ],
    usage="Usage: goose run [OPTIONS]",
    max_words=0,
)
APPROVAL = (
    "Error: Tool approval required in non-interactive mode with GooseMode::{}. This is an invalid "
    "configuration — Approve/SmartApprove modes require an interactive terminal. Use "
    "GooseMode::Auto for headless sessions.\n"
)
SKIPPED = (
    "Let the user know the tool call was skipped in goose chat mode. DO NOT apologize for skipping "
    "the tool call. DO NOT say sorry. Provide an explanation of what the tool call would do, "
    "structured as a plan for the user."
)
EMPTY = "The model returned an empty response. Please resend your message to continue."
MAX_TURNS = (
    "I've reached the maximum number of actions I can do without user input. Would you like me to "
    "continue?"
)
URL = "http://127.0.0.1:8765/v1/chat/completions"
AGAIN = ".\n\nPlease retry if you think this is a transient or recoverable error."
ERRORS = {  # kind: text, seconds spent on retries
    "auth": (
        (
            f"Ran into this error: Authentication error: Authentication failed for {URL}. Status: "
            "401 "
            f"Unauthorized. Response: Incorrect API key provided: test-key.{AGAIN}"
        ),
        0.0,
    ),
    "rate_limit": (
        (
            "Ran into this error: Rate limit exceeded: Rate limit reached for {model} in "
            "organization "
            "org-x on tokens per min (TPM): Limit 10000, Used 9999, Requested 99. Please try again "
            "in "
            f"1s.{AGAIN}"
        ),
        3.0,
    ),
    "quota": (
        (
            "Ran into this error: Rate limit exceeded: You exceeded your current quota, please "
            "check "
            f"your plan and billing details.{AGAIN}"
        ),
        3.0,
    ),
    "server_error": (
        (
            f"Ran into this error: Server error: Server error (500 Internal Server Error) at "
            f"{URL}: "
            f"The server had an error while processing your request.{AGAIN}"
        ),
        7.0,
    ),
    "model_missing": (
        (
            f"Ran into this error: Request failed: Resource not found (404) at {URL}: The model "
            "`{model}` does not exist or you do not have access to it.. Available models for this "
            f"provider: gpt-5.4{AGAIN}"
        ),
        7.5,
    ),
    "context": (
        (
            "Ran into this error trying to compact: Failed to compact: the base prompt (system "
            "prompt, "
            "tool schemas, and conversation) exceeds the model's effective context window, and "
            "there "
            "are no tool responses to remove. Use a model or configuration with a larger usable "
            "context, disable some extensions to reduce the tool-schema payload, or start a new "
            "session..\n\nPlease try again or create a new session"
        ),
        0.0,
    ),
}


class Goose:
    """One ``goose run``."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.format = parsed.text("output_format", "text")
        self.provider = parsed.text("provider") or os.environ.get("GOOSE_PROVIDER") or "openai"
        self.model = parsed.text("model") or os.environ.get("GOOSE_MODEL") or "gpt-5.4"
        self.mode = os.environ.get("GOOSE_MODE", "auto")
        self.stage = Stage(
            "goose", "goose", jsonl=self.format == "stream-json", marker='{"type":"complete"}'
        )
        self.messages: list[dict[str, object]] = []
        self.session = _sessions.Session("", "")
        self.reply_id = f"chatcmpl-{os.urandom(6).hex()}"

    # --- output

    def message(
        self, ident: str | None, role: str, content: Mapping[str, object], *, model: bool = False
    ) -> dict[str, object]:
        metadata: dict[str, object] = {"userVisible": True, "agentVisible": True}
        if model:
            metadata["inference"] = {"provider": self.provider, "requestedModel": self.model}
        return {
            "id": ident,
            "role": role,
            "created": int(time.time()),
            "content": [content],
            "metadata": metadata,
        }

    def show(self, message: dict[str, object]) -> None:
        if self.format == "stream-json":
            self.stage.event({"type": "message", "message": message})

    def keep(self, message: dict[str, object]) -> None:
        self.messages.append(message)
        self.show(message)

    def complete(self, used: tuple[int, int], status: str = "completed") -> None:
        counts: dict[str, object] = {
            "total_tokens": sum(used),
            "input_tokens": used[0],
            "output_tokens": used[1],
            "cache_read_input_tokens": 0,
            "cache_write_input_tokens": 0,
        }
        if self.format == "stream-json":
            if status == "completed":
                self.stage.event({"type": "complete", **counts})
        elif self.format == "json":
            record = {"messages": self.messages, "metadata": {**counts, "status": status}}
            self.stage.line(json.dumps(record, ensure_ascii=False, indent=2))

    def banner(self, *, resumed: bool) -> None:
        if self.parsed.has("quiet"):
            return
        what = "resuming" if resumed else "new session"
        self.stage.write(
            f"\n    __( O)>  ● {what} · {self.provider} {self.model}\n"
            f"   \\____)    {self.session.ident} · {os.getcwd()}\n"
            "     L L     goose is ready\n"
        )

    # --- the turn

    def run(self, prompt: str, session: _sessions.Session) -> int:
        stage = self.stage
        self.session = session
        resumed = bool(session.prompts)
        self.recall(session)
        _stage.on_signal(signal.SIGINT, "stop")
        stage.begin(prompt, session)
        self.banner(resumed=resumed)
        self.messages.append(self.message(None, "user", {"type": "text", "text": prompt}))
        failure = stage.ready()
        if "exit0_error" in stage.faults:
            failure = failure or "rate_limit"
        if failure:
            return self.fail(failure)
        used = stage.usage("")
        if "empty" in stage.faults:
            return self.notice(EMPTY, used)
        if "cut" in stage.faults:
            return self.say([stage.fragment()], (0, 0))
        if stage.reply.reasoning:
            thought = {"type": "thinking", "thinking": stage.reply.reasoning, "signature": ""}
            self.keep(self.message(self.reply_id, "assistant", thought, model=True))
        limit = int(self.parsed.text("max_turns", "0"))
        for number, action in enumerate(stage.reply.actions, 1):
            self.act(action)
            if limit and number >= limit:
                return self.notice(MAX_TURNS, used)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                self.act(_brain.Action("tool", command=f"echo step {number}"))
        texts = stage.messages()
        return self.say(texts, stage.usage(texts[-1]))

    def recall(self, session: _sessions.Session) -> None:
        """The json format lists the whole conversation."""
        for number, prompt in enumerate(session.prompts):
            earlier = {"type": "text", "text": prompt}
            self.messages.append(self.message(_ident(), "user", earlier))
            if number < len(session.answers):
                answer = {"type": "text", "text": session.answers[number]}
                said = self.message(f"chatcmpl-{number}", "assistant", answer, model=True)
                self.messages.append(said)

    def say(self, texts: list[str], used: tuple[int, int]) -> int:
        for text in texts:
            whole = {"type": "text", "text": text}
            self.messages.append(self.message(self.reply_id, "assistant", whole, model=True))
            for piece in pieces(text):
                part = {"type": "text", "text": piece}
                self.show(self.message(self.reply_id, "assistant", part, model=True))
                if self.format == "text":
                    self.stage.write(piece)
            if self.format == "text":
                self.stage.write("\n")
            self.reply_id = f"chatcmpl-{os.urandom(6).hex()}"
        self.session.finish(texts[-1], used)
        self.complete(used)
        return self.stage.end()

    def notice(self, text: str, used: tuple[int, int]) -> int:
        """Something goose says itself, with a success record behind it."""
        self.keep(self.message(_ident(), "assistant", {"type": "text", "text": text}))
        if self.format == "text":
            self.stage.line(text)
        self.complete(used)
        return self.stage.end()

    def fail(self, kind: str) -> int:
        text, waited = ERRORS[kind]
        text = text.replace("{model}", self.model)
        pause(waited)
        if kind != "auth":
            return self.notice(text, (0, 0))
        content = {"type": "error", "kind": "authentication", "message": text}
        message = self.message(_ident(), "assistant", content)
        message["metadata"] = {"userVisible": True, "agentVisible": False}
        self.keep(message)
        self.complete((0, 0), "error")
        if self.format == "stream-json":
            self.stage.event({"type": "error", "error": text})
        elif self.format == "text":
            self.stage.write(f"\nerror: {text}\n\n")
        _stage.error(f"Error: {text}\n")
        return self.stage.end(1)

    # --- tools

    def act(self, action: _brain.Action) -> None:
        ident = f"call_{os.urandom(6).hex()}"
        if action.kind == "edit":
            path = os.path.abspath(action.path)
            name, call = "write", {"path": path, "content": action.text}
        else:
            name, call = "shell", {"command": action.command}
        request = {
            "type": "toolRequest",
            "id": ident,
            "toolCall": {"status": "success", "value": {"name": name, "arguments": call}},
            "_meta": {"goose.toolCall.providerIndex": 0, "goose_extension": "developer"},
        }
        self.keep(self.message(self.reply_id, "assistant", request, model=True))
        if self.mode in ("approve", "smart_approve") and action.kind != "tool":
            raise Refused(1, APPROVAL.format(self.mode))
        value: dict[str, object] = {"resultType": "complete"}
        if self.mode == "chat":
            self.stage.refuse(action, "skipped in chat mode.")
            value["content"] = [{"type": "text", "text": SKIPPED}]
        else:
            output = self.execute(action)
            block = {"type": "text", "text": output, "annotations": {"priority": 0.0}}
            value["content"] = [block]
            if name == "shell":
                value["structuredContent"] = {"stdout": output, "stderr": "", "exit_code": 0}
        value["isError"] = False
        response = {
            "type": "toolResponse",
            "id": ident,
            "toolResult": {"status": "success", "value": value},
        }
        self.keep(self.message(_ident(), "user", response))

    def execute(self, action: _brain.Action) -> str:
        if action.kind == "tool":
            return self.stage.run_tool(action, own_session=False) or "(no output)"
        where = self.stage.write_file(action)
        if action.kind == "shell":
            return "(no output)"
        return f"Created {where} ({action.text.count(chr(10)) + 1} lines)"


def main(argv: list[str]) -> int:
    top = TOP.parse(argv)
    if top.has("version"):
        print(f" {VERSION}", flush=True)
        return 0
    if top.command != "run":
        raise Refused(2, f"{TOP.usage}\n\nFor more information, try '--help'.\n")
    parsed = RUN.parse(top.rest)
    prompt = _prompt(parsed)
    goose = Goose(parsed)
    try:
        return goose.run(prompt, _session(parsed))
    except _stage.Stopped:
        if goose.format == "stream-json":
            goose.stage.event({"type": "error", "error": "Headless run interrupted"})
        _stage.error("Error: Headless run interrupted\n")
        return 1


def _prompt(parsed: Parsed) -> str:
    if "text" in parsed.options:
        return parsed.text("text")
    source = parsed.text("instructions")
    if source == "-":
        return _stage.read_stdin()
    if source:
        try:
            with open(source, encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except OSError as trouble:
            raise Refused(1, f"Error: Instruction file not found: {source}\n") from trouble
    raise Refused(
        1,
        "Error: Must provide either --instructions (-i), --text (-t), or --recipe. Use -i - for "
        "stdin.\n",
    )


def _session(parsed: Parsed) -> _sessions.Session:
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(_sessions.home(), ".local", "share")
    folder = os.path.join(data, "goose", "sessions")
    name, ident = parsed.text("name"), parsed.text("session_id")
    kept = _sessions.all_in(folder)
    if parsed.has("resume"):
        wanted = name or ident
        for one in reversed(kept):
            if wanted in ("", one.ident, one.title):
                return one
        what = f"Cannot resume session {wanted} - no such session exists"
        raise Refused(1, "", f"\n  error: {what}\n\n")
    if parsed.has("no_session"):
        folder = os.path.join(data, "goose", "unkept")
    today = time.strftime("%Y%m%d")
    numbers = [
        int(one.ident.partition("_")[2]) for one in kept if one.ident.startswith(f"{today}_")
    ]
    session = _reserve(folder, today, max(numbers, default=0) + 1)
    session.title = name
    return session


def _reserve(folder: str, today: str, number: int) -> _sessions.Session:
    """The next session whose number nobody took meanwhile: runs come several at once."""
    os.makedirs(folder, exist_ok=True)
    while True:
        session = _sessions.Session(folder, f"{today}_{number}")
        try:
            os.close(os.open(session.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            number += 1
            continue
        return session


def _ident() -> str:
    return f"msg_{_sessions.new_uuid()}"
