"""crush 0.96.1: ``crush run``. Written from its source, it was never run."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import _brain, _sessions, _stage
from ._grammar import Cobra, Grammar, Parsed, Refused, switches, values
from ._stage import Stage, pause, pieces

VERSION = "0.96.1"
GLOBAL = [*values("-c --cwd,-D --data-dir"), *switches("-d --debug,-h --help")]
TOP = Grammar(
    "crush",
    Cobra(),
    [*GLOBAL, *switches("-v --version,-y --yolo")],
    commands=("run", "session", "models", "logs", "login", "dirs", "projects", "update-providers"),
)
RUN = Grammar(
    "crush run",
    Cobra(),
    [
        *GLOBAL,
        *switches("-q --quiet,-v --verbose,-C --continue"),
        *values("-m --model,--small-model,-s --session"),
    ],
)
SESSION = Grammar("crush session", Cobra(), [*GLOBAL, *switches("--json")])
ERRORS = {
    "auth": "POST chat/completions: 401 Unauthorized Incorrect API key provided: test-key.",
    "rate_limit": "POST chat/completions: 429 Too Many Requests Rate limit reached",
    "quota": "POST chat/completions: 429 Too Many Requests You exceeded your current quota",
    "server_error": "POST chat/completions: 500 Internal Server Error",
    "model_missing": "POST chat/completions: 404 Not Found The model does not exist or you do not "
    "have access to it.",
    "context": "POST chat/completions: 400 Bad Request This model's maximum context length is "
    "128000 tokens. However, your messages resulted in 130000 tokens.",
}
RETRY_S = {"rate_limit": 14.0, "quota": 14.0, "server_error": 14.0}


def main(argv: list[str]) -> int:
    top = TOP.parse(argv)
    if top.has("version"):
        print(f"crush version {VERSION}", flush=True)
        return 0
    if top.command == "session":
        return _sessions_command(SESSION.parse(top.rest), top)
    if top.command != "run":
        raise Refused(1, "Error: could not open a new TTY: open /dev/tty: no such device\n")
    parsed = RUN.parse(top.rest)
    for level in (top, parsed):
        if folder := level.text("cwd"):
            _stage.enter(folder, "Error: failed to change directory: chdir {}: {}\n")
    prompt = " ".join(parsed.words)
    if _stage.stdin_state() in ("pipe", "file"):
        extra = _stage.read_stdin()
        prompt = f"{extra}\n\n{prompt}" if extra and prompt else extra or prompt
    if not prompt.strip():
        raise Refused(1, "Error: no prompt provided\n")
    _stage.on_signal(signal.SIGINT, "stop")
    try:
        return _run(prompt, _session(parsed, _folder(parsed, top)))
    except _stage.Stopped:
        return 0  # an interrupt is no error to it


def _run(prompt: str, session: _sessions.Session) -> int:
    stage = Stage("crush", "Crush", jsonl=False, marker="\n")
    stage.begin(prompt, session)
    failure = stage.ready()
    if failure:
        pause(RETRY_S.get(failure, 0.0))
        _stage.error(f"Error: {ERRORS[failure]}\n")
        return stage.end(1)
    for action in stage.reply.actions:
        _act(stage, action)
    if "endless_steps" in stage.faults:
        for number in stage.endless():
            stage.line(f"Working on step {number}.")
    if "exit0_error" in stage.faults:
        texts = [f"Error: {ERRORS['rate_limit']}"]
    elif "cut" in stage.faults:
        texts = [stage.fragment()]
    else:
        texts = stage.messages()
    answer = "\n\n".join(texts)
    for number, piece in enumerate(pieces(answer)):
        stage.write(piece if number else piece.lstrip(" \t"))
    stage.write("\n")
    session.finish(answer, stage.usage(answer))
    return stage.end()


def _act(stage: Stage, action: _brain.Action) -> None:
    """A ``run`` session approves everything."""
    if action.kind == "tool":
        stage.run_tool(action, own_session=False)
    else:
        stage.write_file(action)


def _folder(*levels: Parsed) -> str:
    given = next((one.text("data_dir") for one in levels if one.text("data_dir")), "")
    data = os.path.abspath(given or os.environ.get("CRUSH_GLOBAL_DATA") or ".crush")
    if not given:
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(data, ".gitignore"), "w", encoding="utf-8") as file:
            file.write("*\n")
    return os.path.join(data, "sessions")


def _session(parsed: Parsed, folder: str) -> _sessions.Session:
    if wanted := parsed.text("session"):
        kept = [one for one in _sessions.all_in(folder) if one.ident.startswith(wanted)]
        if len(kept) != 1:
            why = "not found" if not kept else "is ambiguous"
            raise Refused(1, f"Error: session {wanted} {why}\n")
        return kept[0]
    if parsed.has("continue"):
        session = _sessions.latest(folder)
        if session is None:
            raise Refused(1, "Error: no sessions found to continue\n")
        return session
    return _sessions.Session(folder, _sessions.new_uuid())


def _sessions_command(parsed: Parsed, top: Parsed) -> int:
    kept = list(reversed(_sessions.all_in(_folder(parsed, top))))
    rows = [
        {
            "id": one.ident,
            "title": one.title,
            "updated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.updated)),
            "message_count": len(one.prompts) + len(one.answers),
        }
        for one in kept
    ]
    what = parsed.words[0] if parsed.words else ""
    if what not in ("last", "list"):
        raise Refused(1, f'Error: unknown command "{what}" for "crush session"\n')
    if what == "last" and not rows:
        raise Refused(1, "Error: no sessions found\n")
    shown: object = rows if what == "list" else rows[0]
    if parsed.has("json"):
        print(json.dumps(shown, ensure_ascii=False))
    else:
        for row in rows if what == "list" else rows[:1]:
            print(f"{row['id']}  {row['title']}")
    sys.stdout.flush()
    return 0
