"""The conformance matrix of a CLI: every row is a call like a host's, and a verdict on what came.

A row that needs the CLI to misbehave on purpose can only be played by an emulated one.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import psutil
import trio

from aimux.errors import AimuxError
from aimux.model import Profile, plural

from ._client import Json, McpClient
from ._screen import part_of, rows_of

GREEN, RED, NOT_APPLICABLE = "green", "red", "not applicable"

TURN_S: Final = 300.0  # a real model thinks
STUCK_S: Final = 3.0  # for a child that never ends by itself
LINE_BYTES: Final = 5_000_000
LARGE_CHARS: Final = 200_000
LARGE_REAL_CHARS: Final = 20_000  # tokens cost money
ROWS_AT_ONCE: Final = 3
BUSY_S: Final = 60.0  # for a job to have started its child

WORD: Final = "PELICAN"


class Fell(Exception):
    """A row that is not green, and why."""


@attrs.frozen
class Row:
    """What became of one row. `feature` is what the profile may claim if it is green."""

    name: str
    verdict: str
    said: str
    feature: str = ""


Play = Callable[["Subject"], Awaitable[str]]


@attrs.frozen(kw_only=True)
class Check:
    """One row of the matrix. `feature` may hold `{}` for what the row found, up to a colon.

    `is_alone` rows look at processes, so nothing else may run.
    """

    name: str
    play: Play
    feature: str = ""
    needs_fault: bool = False
    is_alone: bool = False


@attrs.frozen(kw_only=True)
class Subject:
    """The CLI under test, and the way to it."""

    client: McpClient
    profile: Profile
    is_emulated: bool
    work: Path  # a directory with one file, for this run only
    server: psutil.Process

    async def ask(self, prompt: str, **more: object) -> Json:
        """One call to its end; cancelled, the connection is of no further use."""
        call = {"prompt": prompt, "cli": self.profile.name, "cwd": str(self.work)}
        return await self.client.call(
            "exec", {**call, "timeout_seconds": TURN_S, "wait_seconds": TURN_S, **more}
        )

    async def answer(self, prompt: str, **more: object) -> Json:
        """The result of a call that must complete. Cancelling it ends the call's job.

        Raises:
            Fell: it did not.
        """
        body = await self.ask(prompt, **more)
        if body.get("status") != "completed":
            raise Fell(_end_of(body))
        return body

    def children(self) -> set[int]:
        """The server's descendants: what a CLI leaves behind becomes one."""
        return {each.pid for each in self.server.children(recursive=True)}


def _end_of(body: Mapping[str, object]) -> str:
    error = part_of(body, "error")
    return f"{body.get('status')}: {error.get('message') or error.get('code') or 'no error'}"


def _must(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Fell(otherwise)


# ---------------------------------------------------------------------------------------- the rows


async def _turn(subject: Subject) -> str:
    body = await subject.answer(f"Reply with the word {WORD} and nothing else.")
    _must(WORD in str(body.get("content")), f"answered {str(body.get('content'))[:60]!r}")
    return f"answered in {body.get('duration_ms')} ms, its input closed"


def _prompt_row(text: str) -> Play:
    async def play(subject: Subject) -> str:
        if not subject.is_emulated:
            body = await subject.answer(f"{text}\nReply with the word {WORD} and nothing else.")
            _must(WORD in str(body.get("content")), "the end of the prompt did not arrive")
            return "its end arrived"
        prompt = f"{text} [[sha256]]"
        said = str((await subject.answer(prompt)).get("content")).strip()
        for shape, note in _shapes(subject.profile, prompt):
            data = shape.encode()
            if said == f"sha256 {hashlib.sha256(data).hexdigest()} bytes {len(data)}":
                return note
        raise Fell(f"arrived changed: {said[:80]}")

    return play


def _shapes(profile: Profile, prompt: str) -> Sequence[tuple[str, str]]:
    """How a prompt may arrive: as it is, or with what the profile says must go with it."""
    shapes = [(prompt, "byte for byte")]
    if profile.prompt.needs_blank and " " not in prompt:
        shapes.append((f"{prompt} ", "with a blank behind it"))
    for args in (profile.prompt.stdin_args, profile.prompt.file_args):
        if args and " " in args[-1]:
            shapes.append((f"{args[-1]}\n\n{prompt}", "byte for byte, behind a sentence of ours"))
            shapes.append((f"{prompt}\n\n{args[-1]}", "byte for byte, before a sentence of ours"))
    return shapes


async def _large(subject: Subject) -> str:
    size = LARGE_CHARS if subject.is_emulated else LARGE_REAL_CHARS
    note = await _prompt_row("words and words. " * (size // 16))(subject)
    return f"{size} characters, {note}"


async def _read(subject: Subject) -> str:
    before = _tree(subject.work)
    if subject.is_emulated:
        edit, shell = "[[write made.txt by the editor]]", "[[shell-write made.txt]]"
    else:
        edit = "Create a file made.txt with the word hello in it, with your editing tool."
        shell = "Run the shell command: echo hello > made.txt"
    bodies = [await subject.ask(each, mode="read") for each in (edit, shell)]
    _must(_tree(subject.work) == before, "it wrote into the user's tree")
    # a real model may get as far as an answer or not: what counts is the tree
    codes = {each["code"] for body in bodies for each in rows_of(body, "warnings")}
    rule = next((rule for mode, rule in subject.profile.modes.items() if mode == "read"), None)
    strength = rule.strength if rule is not None else "none"
    if "mode_violated" in codes:
        _must(strength in ("soft", "none"), f"it claims {strength} and wrote into its copy")
        return f"{strength}: it wrote into a copy that was thrown away"
    return f"{strength}: refused"


async def _write(subject: Subject) -> str:
    prompt = (
        "[[write written.txt hello]]"
        if subject.is_emulated
        else "Create a file written.txt with the word hello in it, and nothing else."
    )
    await subject.answer(prompt, mode="write")
    _must((subject.work / "written.txt").exists(), "the file is not there")
    return "wrote a file"


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def _resume(subject: Subject) -> str:
    first = f"Remember the word {WORD}."
    second = "Which word did I ask you to remember? Reply with it and nothing else."
    if subject.is_emulated:
        first = f'Remember [[json {{"word": "{WORD}"}}]].'  # obeyed again when it is retold
        second = "[[recall]] Which word was it?"
    begun = await subject.answer(first)
    body = await subject.answer(second, session_id=begun.get("session_id"))
    _must(WORD in str(body.get("content")), "the second turn knew nothing of the first")
    codes = {each["code"] for each in rows_of(body, "warnings")}
    return "retold" if "session_retold" in codes else "native"


async def _cancel(subject: Subject) -> str:
    prompt = (
        "[[sleep 300]]"
        if subject.is_emulated
        else "Count from 1 to 3000, one number a line, without any tool."
    )
    return await _ended(subject, prompt, "cancel")


async def _kill_tree(subject: Subject) -> str:
    script = "orphan_session 600; fork_holds_stdout 600; ignore_term; ignore_int; hang_before"
    return await _ended(subject, f"[[fault {script}]]", "kill")


async def _ended(subject: Subject, prompt: str, action: str) -> str:
    before = subject.children()
    call = {"prompt": prompt, "cli": subject.profile.name, "cwd": str(subject.work), "async": True}
    job_id = (await subject.client.call("exec", call)).get("job_id")
    _must(job_id is not None, "it did not start")
    await _wait_child(subject, job_id)
    during = subject.children() - before
    ended = await subject.client.call("sessions", {"action": action, "job_id": job_id})
    body = await subject.client.call("status", {"job_id": job_id, "wait_seconds": TURN_S})
    left = subject.children() - before
    _must(body.get("status") == "cancelled", f"ended as {body.get('status')}, {ended}")
    _must(not left, f"{len(left)} of {len(during)} processes are left")
    return f"{plural(len(during), 'process')} ended"


async def _wait_child(subject: Subject, job_id: object) -> None:
    """Until the job's child runs: a short wait each time, the server has nothing to wait on."""
    with trio.move_on_after(BUSY_S):
        while True:
            call = {"job_id": job_id, "events_after": 0, "wait_seconds": 0.3}
            body = await subject.client.call("status", call)
            if any(each["kind"] == "child_started" for each in rows_of(body, "events_list")):
                # one more: a launcher needs a moment to start what it launches
                await subject.client.call("status", {"job_id": job_id, "wait_seconds": 0.5})
                return
            if body.get("status") not in ("queued", "running"):
                return


def _fault_row(script: str, note: str) -> Play:
    """The answer comes although the CLI does this."""

    async def play(subject: Subject) -> str:
        body = await subject.answer(f"[[fault {script}]] say {WORD}", max_chars=10 * LINE_BYTES)
        if WORD not in str(body.get("content")):  # behind more text than an answer may have
            _must(body.get("truncated") is True, "the answer was lost")
            return f"{note}, cut"
        return note

    return play


def _stuck_row(script: str) -> Play:
    """It never ends; its deadline does it."""

    async def play(subject: Subject) -> str:
        body = await subject.ask(f"[[fault {script}]] hello", timeout_seconds=STUCK_S)
        _must(body.get("status") in ("timed_out", "failed"), _end_of(body))
        took_s = float(str(body.get("duration_ms") or 0)) / 1000
        _must(took_s < STUCK_S + 15, f"it took {took_s:.1f} s to end it")
        return f"ended after {took_s:.1f} s as {body.get('status')}"

    return play


async def _quota(subject: Subject) -> str:
    body = await subject.ask("[[fault quota]] hello")
    found = part_of(body, "error").get("class")
    _must(found == "quota", f"recognised as {found}: {_end_of(body)}")
    return "recognised"


CHECKS: Final = (
    Check(name="EOF", play=_turn, feature="headless"),
    Check(name="large prompt", play=_large, feature="large_prompts"),
    Check(name="multi-line", play=_prompt_row("one\n\n\ttwo\r\nthree\n"), feature="multi_line"),
    Check(name="unicode", play=_prompt_row("ünïcödé 日本語 \U0001f9ea e\u0301"), feature="unicode"),
    Check(name="dash-leading prompt", play=_prompt_row("--help -v is what"), feature="any_prompt"),
    Check(name="resume", play=_resume, feature="session_resume: {}"),
    Check(name="write mode", play=_write, feature="write"),
    Check(name="noise", play=_fault_row("noise 3", "skipped"), needs_fault=True),
    Check(
        name="5 MB line", play=_fault_row(f"big_line {LINE_BYTES}", "survived"), needs_fault=True
    ),
    Check(name="silence", play=_stuck_row("hang_before"), needs_fault=True),
    Check(name="auth prompt", play=_stuck_row("auth_prompt"), needs_fault=True),
    Check(name="read mode", play=_read, feature="read_only: {}", is_alone=True),
    Check(name="cancel", play=_cancel, feature="cancel", is_alone=True),
    Check(name="kill tree", play=_kill_tree, needs_fault=True, is_alone=True),
    # the last: from then on the CLI is left alone for a while
    Check(name="quota text", play=_quota, needs_fault=True, is_alone=True),
)


async def run_matrix(subject: Subject) -> list[Row]:
    """Every row in the order of `CHECKS`. A row that falls is a result, not an exception.

    Cancelled, the calls under way are cancelled too, and no row is known.
    """
    rows: dict[str, Row] = {}
    supervisor = trio.CapacityLimiter(ROWS_AT_ONCE)

    async def one(check: Check) -> None:
        async with supervisor:
            rows[check.name] = await _row(check, subject)

    async with trio.open_nursery() as together:
        for check in CHECKS:
            if not check.is_alone:
                together.start_soon(one, check)
    for check in CHECKS:
        if check.is_alone:
            rows[check.name] = await _row(check, subject)
    return [rows[check.name] for check in CHECKS]


async def _row(check: Check, subject: Subject) -> Row:
    if check.needs_fault and not subject.is_emulated:
        return Row(check.name, NOT_APPLICABLE, "a real CLI cannot be told to misbehave")
    try:
        said = await check.play(subject)
    except (Fell, AimuxError) as why:
        return Row(check.name, RED, str(why), check.feature.partition(":")[0])
    return Row(check.name, GREEN, said, check.feature.format(said.partition(":")[0]))
