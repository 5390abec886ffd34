"""The fault script: what a run is told to do badly.

A script is ``name argument...`` parts joined by ``;``. It comes from ``[[fault ...]]`` in the
prompt, from the launcher (``install(faults=...)``) or from the variable ``EMULATOR_FAULTS``; all
of them add up.
"""

from __future__ import annotations

import os
import sys

from . import _sessions

# what each fault does; unknown names are refused, so a misspelt test does not pass by accident
KNOWN = {
    "hang_before": "print nothing and never end",
    "hang_after_result": "print the whole turn, then never end",
    "ignore_term": "ignore SIGTERM",
    "ignore_int": "ignore SIGINT",
    "fork_holds_stdout": "leave a child in the same session that keeps stdout open [seconds]",
    "orphan_session": "leave a tool child in a session of its own [seconds]",
    "double_fork": "leave a child of nobody, in its own session, without environment [seconds]",
    "stopped": "stop itself as a terminal's Ctrl-Z would, and stay so",
    "close_stdout": "print the whole turn, close stdout and stderr, then never end",
    "end_twice": "print the last record of the turn again after this many seconds",
    "strange_json": "print numbers, depths and characters that JSON readers stumble over",
    "flood": "print lines without end, as fast as they are taken",
    "endless_line": "print one line without end",
    "flood_stderr": "write N bytes to stderr first",
    "split_utf8": "pause in the middle of every multi-byte character",
    "no_final_newline": "leave out the last newline",
    "big_line": "print one line of N bytes before the answer (10 MB)",
    "big_output": "print N bytes in many lines before the answer",
    "exit": "print the whole turn, then leave with this code",
    "exit0_error": "fail as this CLI does when it exits 0",
    "quota": "the plan's limit is reached",
    "rate_limit": "429 with retry-after",
    "auth": "the key is refused",
    "model_missing": "the model does not exist",
    "context": "the prompt is too long",
    "server_error": "500",
    "refuse": "answer with a refusal",
    "empty": "the model answers nothing",
    "cut": "the model's stream ends in the middle",
    "auth_prompt": "ask for a login and wait",
    "ask": "on a terminal, ask N times whether to go on, and say in the answer what was typed",
    "crash_mid_json": "die in the middle of the answer's line [exit code]",
    "noise": "print N lines that are not JSON before every event",
    "drip": "write every line in four pieces with this many seconds between",
    "cr_spinner": "draw a spinner with carriage returns and escape sequences",
    "endless_steps": "go on working for ever",
    "marker_in_text": "put the end-of-turn marker inside the answer",
    "silent": "print nothing for this many seconds before the answer",
    "bad_utf8": "put bytes into the answer that are not UTF-8",
    "plain": "answer in plain text, whatever format was asked for",
    "no_result": "leave the answer out of the closing record (claude, qwen)",
    "second_result": "close the turn again after this many seconds, with another answer (claude)",
    "die": "die in the runtime before the answer: heap, shim, node, python, go, rust or linker",
    "fail_first": "fail the first N turns with NAME, then work: fail_first N NAME",
}
# kind -> exit code and last words; 134 is an abort as a shell tells it
DEATHS = {
    "heap": (
        134,
        (
            "\n<--- Last few GCs --->\n\n<--- JS stacktrace --->\n\n"
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"
            " 1: 0xb7c560 node::OOMErrorHandler(char const*) [node]\n 2: 0xb9 v8::Utils [node]\n"
        ),
    ),
    "shim": (
        126,
        (
            "No version is set for command {cli}\nConsider adding one of the following versions in"
            " your config file at ~/.tool-versions\nnodejs 22.1.0\n"
        ),
    ),
    "node": (
        1,
        (
            "/opt/{cli}/cli.js:1\nx.y.z\n    ^\n\nTypeError: Cannot read properties of undefined\n"
            "    at Timeout._onTimeout (/opt/{cli}/cli.js:1:5)\n\nNode.js v22.1.0\n"
        ),
    ),
    "python": (
        1,
        (
            'Traceback (most recent call last):\n  File "/opt/{cli}/main.py", line 3, in main\n'
            "    run()\nKeyError: 'choices'\n"
        ),
    ),
    "go": (
        2,
        (
            "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\n"
            "main.main()\n\t/src/main.go:12 +0x1d\nexit status 2\n"
        ),
    ),
    "rust": (
        101,
        (
            "\nthread 'main' panicked at src/main.rs:10:5:\nindex out of bounds\n"
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
        ),
    ),
    "linker": (
        127,
        (
            "{cli}: error while loading shared libraries: libssl.so.3: cannot open shared object"
            " file: No such file or directory\n"
        ),
    ),
}
STRANGE = (
    '{"type":"log","used":{"in":1e400,"out":-1e400}}',
    '{"type":"log","data":"\\ud800"}',
    '{"type":"log","type":"log","data":NaN}',
    '{"type":"log","data":' + "9" * 5000 + "}",
    '{"type":"log","data":' + "[" * 20_000 + "]" * 20_000 + "}",
)
FAILURES = ("quota", "rate_limit", "auth", "model_missing", "context", "server_error")


class Faults:
    """The faults of one run."""

    def __init__(self, cli: str) -> None:
        self.cli = cli
        self._args: dict[str, list[str]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._args

    def add(self, script: str) -> None:
        """Read a script.

        Raises:
            ValueError: a name is not known, or an argument is missing.
        """
        for part in script.replace("\n", ";").split(";"):
            words = part.split()
            if not words:
                continue
            name, args = words[0], words[1:]
            if name not in KNOWN:
                raise ValueError(f"unknown fault {name!r}")
            if name == "fail_first":
                self._fail_first(args)
                continue
            self._args[name] = args

    def number(self, name: str, default: float) -> float:
        """The fault's first argument, or the default."""
        args = self._args.get(name) or []
        return float(args[0]) if args else default

    def death(self) -> tuple[int, str]:
        """Exit code and last words of a run that dies in its runtime."""
        args = self._args.get("die") or ["heap"]
        code, words = DEATHS[args[0]]
        return code, words.replace("{cli}", self.cli)

    def failure(self) -> str:
        """The model failure asked for, or nothing."""
        return next((name for name in FAILURES if name in self._args), "")

    def _fail_first(self, args: list[str]) -> None:
        if len(args) < 2:
            raise ValueError("fail_first needs a number and a fault")
        if count_turn(self.cli) <= int(args[0]):
            self.add(" ".join(args[1:]))


def count_turn(cli: str) -> int:
    """Count this turn of the CLI in HOME and return its number, beginning with 1."""
    folder = os.path.join(_sessions.home(), ".emulator")
    os.makedirs(folder, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    handle = os.open(os.path.join(folder, f"{cli}.turns"), flags, 0o600)
    try:
        os.write(handle, b".")  # one byte a turn: appending is atomic, so is the count
        return os.lseek(handle, 0, os.SEEK_CUR)
    finally:
        os.close(handle)


def note_child(pid: int) -> None:
    """Write the pid down, so that a test can look for the process."""
    folder = os.path.join(_sessions.home(), ".emulator")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "children"), "a", encoding="ascii") as file:
        file.write(f"{pid}\n")


def leave_alone(seconds: float) -> None:
    """A daemon as old services make them: nothing of it tells where it came from."""
    if not hasattr(os, "fork"):
        return
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    note_child(os.getpid())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(nowhere, handle)
    code = f"import time; time.sleep({seconds})"
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code], {})
