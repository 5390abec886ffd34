"""aider 0.86.2: ``aider --message``. Text only; it exits 0 whatever the model's service says."""

from __future__ import annotations

import os
import re
import signal

from . import _brain, _sessions, _stage
from ._aider_usage import USAGE
from ._grammar import Argparse, Flag, Grammar, Parsed, Refused, switches
from ._stage import Stage, pause, pieces

VERSION = "0.86.2"
_WIDTH = 80  # its console without a terminal
OFFLINE = (
    "HTTPSConnectionPool(host='raw.githubusercontent.com', port=443): Max retries exceeded with "
    "url: /BerriAI/litellm/main/model_prices_and_context_window.json (Caused by "
    "NameResolutionError(\"HTTPSConnection(host='raw.githubusercontent.com', port=443): Failed to "
    "resolve 'raw.githubusercontent.com' ([Errno -3] Temporary failure in name resolution)\"))"
)
TOKEN_LIMIT = """

Model {model} has hit a token limit!
Token counts below are approximate.

Input tokens: ~581 of 0 -- possibly exhausted context window!
Output tokens: ~0 of 0 -- possibly exceeded output limit!
Total tokens: ~581 of 0 -- possibly exhausted context window!

To reduce output tokens:
- Ask for smaller changes in each request.
- Break your code into smaller source files.
- Use a stronger model that can return diffs.

To reduce input tokens:
- Use /tokens to see token usage.
- Use /drop to remove unneeded files from the chat session.
- Use /clear to clear the chat history.
- Break your code into smaller source files.


https://aider.chat/docs/troubleshooting/token-limits.html"""
KEY_REFUSED = "The API provider is not able to authenticate you. Check your API key."
ERRORS = {  # kind: what litellm says, what aider adds, is it retried
    "auth": (
        (
            "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key "
            "provided: test-key."
        ),
        KEY_REFUSED,
        False,
    ),
    "model_missing": (
        (
            "litellm.NotFoundError: OpenAIException - The model `{model}` does not exist or you do "
            "not have access to it."
        ),
        "",
        False,
    ),
    "rate_limit": (
        (
            "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for "
            "{model} in organization org-x on tokens per min (TPM): Limit 10000, Used 9999, "
            "Requested 99. "
            "Please try again in 1s."
        ),
        "The API provider has rate limited you. Try again later or check your quotas.",
        True,
    ),
    "quota": (
        (
            "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current "
            "quota, please check your plan and billing details."
        ),
        "The API provider has rate limited you. Try again later or check your quotas.",
        True,
    ),
    "server_error": (
        (
            "litellm.InternalServerError: InternalServerError: OpenAIException - The server had an "
            "error while processing your request."
        ),
        "The API provider's servers are down or overloaded.",
        True,
    ),
}
RETRY_WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# short forms the usage line leaves out
SHORT = {
    "--message": "-m --msg",
    "--message-file": "-f",
    "--chat-mode": "",
    "--edit-format": "--chat-mode",
}


def _flags() -> list[Flag]:
    """The flag table, read from the program's own usage text."""
    flags: list[Flag] = []
    for part in re.findall(r"\[(-[^\]]*)\]", " ".join(USAGE.split())):
        choices: tuple[str, ...] = ()
        if found := re.search(r"\{(.*)\}", part):
            choices = tuple(found[1].split(","))
        if "|" in part:
            for spelled in part.split(" | "):
                flags += switches(spelled)
            continue
        name, _, value = part.partition(" ")
        names = f"{SHORT.get(name, '')} {name}".strip()
        if not value:
            flags += switches(names if name != "-v" else "-v --verbose")
            continue
        repeat = name in ("--file", "--read", "--lint-cmd", "--set-env", "--api-key", "--alias")
        flags.append(Flag(names if name != "-c" else "-c --config", choices=choices, repeat=repeat))
    return [*flags, *switches("-h --help")]


class Aider:
    """One ``--message`` run."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.model = parsed.text("model") or os.environ.get("AIDER_MODEL") or "gpt-4o"
        self.asking = parsed.text("edit_format") == "ask"
        self.dry = parsed.has("dry_run")
        self.git = not parsed.has("no_git") and os.path.isdir(".git")
        self.pretty = not parsed.has("no_pretty")
        self.stage = Stage("aider", "Aider", jsonl=False, marker="Tokens: 11 sent, 7 received.")
        self.sent = 0

    def show(self, text: str) -> None:
        """A message of aider itself, wrapped at 80 columns as its console does."""
        for line in text.split("\n"):
            self.stage.line("\n".join(_wrap(line)))

    def banner(self) -> None:
        stage = self.stage
        switched_off = self.parsed.has("analytics_disable")
        if switched_off or os.environ.get("AIDER_ANALYTICS_DISABLE", "").lower() == "true":
            stage.line("Analytics have been permanently disabled.")
        if _stage.stdin_state() == "closed":
            stage.line(
                "Can't initialize prompt toolkit: 'NoneType' object has no attribute 'fileno'"
            )
        stage.line("─" * 80 if self.pretty else "")
        stage.line(OFFLINE)
        if not self.parsed.has("no_show_model_warnings"):
            self.show(
                f"Warning for {self.model}: Unknown context window size and costs, using sane "
                "defaults.\nYou can skip this check with --no-show-model-warnings\n\n"
                "https://aider.chat/docs/llms/warnings.html\n"
            )
        stage.line(f"Aider v{VERSION}")
        stage.line(f"Model: {self.model} with {'ask' if self.asking else 'whole'} edit format")
        if self.git:
            stage.line(f"Git repo: .git with {_tracked_files()} files")
            stage.line("Repo-map: using 1024 tokens, auto refresh")
        else:
            stage.line("Git repo: none")
            stage.line("Repo-map: disabled")
        stage.line("")

    def run(self, prompt: str) -> int:
        stage = self.stage
        _stage.on_signal(signal.SIGINT, "stop")
        if _stage.stdin_state() not in ("tty", "closed"):
            _stage.error("Warning: Input is not a terminal (fd=0).\n")
        session = self.remembered()
        stage.begin(prompt, session)
        self.side_effects(prompt)
        self.banner()
        failure = stage.ready()
        if "exit0_error" in stage.faults:
            failure = failure or "auth"
        if failure:
            return self.fail(failure)
        if "endless_steps" in stage.faults:
            for number in stage.endless():
                stage.line(f"Scraping step {number}...")
        edits = [one for one in stage.reply.actions if one.kind == "edit"]
        for action in stage.reply.actions:
            if action.kind == "shell":
                stage.refuse(action, "there is no shell tool in this mode.")
            elif action.kind == "tool":
                stage.run_tool(action, own_session=False)
        blocks = [f"{one.path}\n```\n{one.text}\n```" for one in edits]
        if edits and not stage.outcomes:
            stage.outcomes.append("")
        rounds = 3 if edits and (self.asking or self.dry) else 1
        for _ in range(rounds):
            self.answer(blocks)
            for action in edits:
                self.edit(action)
        return stage.end()

    def answer(self, blocks: list[str]) -> None:
        """One model round: the text, then the token line."""
        stage = self.stage
        texts = [text for text in stage.messages() if text]
        if "empty" in stage.faults:
            stage.line("Empty response received from LLM. Check your provider account?")
        text = "\n\n".join([*texts, *blocks])
        if "cut" in stage.faults:
            text = text[: max(1, len(text) // 2)]
        if self.pretty:
            text = "\n".join(f"{line:<80}" for line in text.split("\n"))
        if self.parsed.has("no_stream"):
            stage.write(text)
        else:
            for piece in pieces(text):
                stage.write(piece)
        sent, received = stage.usage(text)
        stage.write(f"\n\nTokens: {_count(sent)} sent, {_count(received)} received.\n")
        self.keep_answer(text)

    def edit(self, action: _brain.Action) -> None:
        stage = self.stage
        stage.line(f"\n{action.path}")
        if self.asking or self.dry:
            where = os.path.abspath(action.path)
            self.show(f"{where}: file not found error\nDropping {action.path} from the chat.")
            return
        new = not os.path.exists(action.path)
        stage.write_file(action)
        stage.line(f"Applied edit to {action.path}")
        if not self.git:
            return
        if new:
            _git("add", "--", action.path)
        if not self.parsed.has("no_auto_commits"):
            _git("add", "--", action.path)
            _git(
                *("-c", "user.name=aider", "-c", "user.email=aider@example.invalid"),
                *("commit", "-q", "-m", action.path, "--", action.path),
            )
            name = _git("rev-parse", "--short", "HEAD").strip()
            stage.line(f"Commit {name} {action.path}")

    # --- memory and side effects in the project

    @property
    def history(self) -> str:
        return self.parsed.text("chat_history_file", ".aider.chat.history.md")

    def remembered(self) -> _sessions.Session:
        """Earlier prompts from the history file, when they are to be restored."""
        folder = os.path.join(_sessions.home(), ".aider", "emulated")
        session = _sessions.Session(folder, _sessions.new_uuid())
        if self.parsed.has("restore_chat_history"):
            session.prompts = _read_history(self.history)
        return session

    def side_effects(self, prompt: str) -> None:
        quoted = "".join(f"#### {line}  \n" for line in prompt.split("\n"))
        header = f"\n# aider chat started at {_stage.clock()[:19].replace('T', ' ')}\n\n"
        _append(self.history, f"{header}{quoted}\n")
        typed = self.parsed.text("input_history_file", ".aider.input.history")
        _append(typed, f"\n# {_stage.clock()}\n+{prompt}\n")
        if self.git:
            os.makedirs(".aider.tags.cache.v4", exist_ok=True)
            if not self.parsed.has("no_gitignore"):
                _ignore_own_files()

    def keep_answer(self, text: str) -> None:
        _append(self.history, f"{text}\n\n")

    # --- errors

    def fail(self, kind: str) -> int:
        if kind == "context":
            self.stage.line("Tokens: 754 sent, 0 received.")
            self.stage.line(TOKEN_LIMIT.format(model=self.model))
            return self.stage.end()
        what, hint, retried = ERRORS[kind]
        text = what.format(model=self.model.rpartition("/")[2])
        for wait in RETRY_WAITS if retried else (0.0,):
            self.show(f"{text}\n{hint}" if hint else text)
            if retried:
                self.stage.line(f"Retrying in {wait} seconds...")
                pause(wait)
        self.stage.line("")
        return self.stage.end()


def main(argv: list[str]) -> int:
    parsed = Grammar("aider", Argparse(), _flags(), usage=USAGE).parse(argv)
    if parsed.has("version"):
        print(f"aider {VERSION}", flush=True)
        return 0
    aider = Aider(parsed)
    prompt = parsed.text("message")
    if path := parsed.text("message_file"):
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                prompt = file.read()
        except OSError as trouble:
            raise Refused(1, "", f"Message file not found: {path}\n") from trouble
    if not prompt:
        return _interactive(aider)
    try:
        return aider.run(prompt)
    except _stage.Stopped:
        aider.stage.line("\n\n^C again to exit\n")
        pause(1.0)
        return 0


def _interactive(aider: Aider) -> int:
    """Without a message piped stdin is typed at the prompt; the end of it ends the program."""
    aider.banner()
    for line in _stage.read_stdin().split("\n"):
        if line:
            aider.stage.line(f"> {line}")
    return 0


def _count(tokens: int) -> str:
    if tokens < 1000:
        return str(tokens)
    return f"{tokens / 1000:.1f}k" if tokens < 10_000 else f"{round(tokens / 1000)}k"


def _wrap(line: str) -> list[str]:
    lines = [""]
    for word in re.findall(r"\S+\s*|\s+", line):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > _WIDTH:
            lines.append("")
        lines[-1] = (lines[-1] + word)[: max(_WIDTH, len(word.rstrip()))]
    return lines


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def _read_history(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = file.read().split("\n")
    except OSError:
        return []
    prompts: list[str] = []
    inside = False
    for line in lines:
        quoted = line.startswith("#### ")
        if quoted:
            text = line[5:].removesuffix("  ")
            prompts = [*prompts[:-1], f"{prompts[-1]}\n{text}"] if inside else [*prompts, text]
        inside = quoted
    return prompts


def _ignore_own_files() -> None:
    try:
        with open(".gitignore", encoding="utf-8") as file:
            present = file.read()
    except OSError:
        present = ""
    if ".aider*" not in present.split("\n"):
        gap = "\n" if present and not present.endswith("\n") else ""
        _append(".gitignore", f"{gap}.aider*\n")


def _tracked_files() -> int:
    """The number of entries in the git index, from its header."""
    try:
        with open(os.path.join(".git", "index"), "rb") as file:
            head = file.read(12)
    except OSError:
        return 0
    return int.from_bytes(head[8:12], "big")


def _git(*arguments: str) -> str:
    import subprocess

    done = subprocess.run(
        ["git", *arguments], check=False, capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout
