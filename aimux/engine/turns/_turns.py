"""The one way to run a CLI: an attempt's spec in, a verdict out.

Theory of operation. An attempt runs under its guard pass and a watch. The driver hands the live
child back and delivers bytes; each chunk goes to the spool, to the dialect, and as events to the
log of the attempt's turn. The attempt ends when the child is gone. What makes it go, whichever
comes first: it leaves by itself; the CLI's end-of-turn record (then it is seen out); the deadline;
silence; a runaway cap. In all these cases the child is asked to stop and its exit is known.
Cancelling the attempt stops the child too, and nothing is judged.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.dialects import Dialect, open_dialect
from aimux.drivers import Child, Driver, Exit, ProcessSpec
from aimux.engine._exhausted import when_exhausted
from aimux.engine._guard import Guard, Pass
from aimux.engine.log import TurnLog
from aimux.errors import AimuxError, SetupFault, first_leaf
from aimux.files.private import make_private
from aimux.model import (
    ChildExited,
    ChildStarted,
    Ended,
    Failure,
    FailureClass,
    Plan,
    Profile,
    Stream,
    TurnOutput,
    TurnStarted,
    Warned,
)
from aimux.rules import (
    Quiet,
    SilenceLimits,
    Verdict,
    has_worked,
    judge,
    safe_to_show,
    silence,
    turn_end,
    with_prompt_file,
)
from aimux.store import Spool

from ._seeing_out import see_out
from ._terminal import Conversation

STDERR_TAIL_CHARS: Final = 8_192
QUEUED_ANSWERS: Final = 1


@attrs.frozen(kw_only=True)
class AttemptSpec:
    """Everything one attempt needs besides its turn's log and the guard.

    `deadline` is of the loop's clock.
    """

    attempt: int
    plan: Plan
    profile: Profile
    silence: SilenceLimits
    deadline: float
    drive: Driver
    spool: Spool
    temp_dir: Path
    places: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class AttemptReport:
    """What an attempt came to. `failure` None means a validated answer in `output.answer`."""

    output: TurnOutput
    failure: Failure | None
    exit: Exit | None
    duration_s: float
    stderr_tail: str
    has_worked: bool = False  # the model said or did something: a repeat would do it twice


@attrs.define(eq=False)
class _Attempt:
    """One attempt while it runs: hears the child, watches the clock."""

    spec: AttemptSpec
    log: TurnLog
    leave: Pass
    dialect: Dialect
    began: float
    last_byte: float
    child: Child | None = None
    cause: Failure | None = None  # why we ended it, when it was not its own end
    events: int = 0
    total_bytes: int = 0
    steps: int = 0
    watching: trio.Nursery | None = None  # tasks that end with the child
    is_over: bool = False  # an end-of-turn record was seen
    _stderr: bytearray = attrs.field(factory=bytearray)
    _said: bool = False
    _terminal: Conversation | None = None  # of a child that asks there

    # ------------------------------------------------------------------ hearing

    def hear(self, stream: Stream, data: bytes) -> None:
        """Bytes of the child, in order."""
        self.last_byte = trio.current_time()
        if self._terminal is not None:
            self._terminal.hear(data, self.last_byte)
        if not self._said:
            self._said = True
            self.leave.heard()
        self.total_bytes += len(data)
        self.spec.spool.write(stream, data)
        if stream is Stream.STDERR:
            self._stderr += data
            if len(self._stderr) > 3 * STDERR_TAIL_CHARS:
                del self._stderr[: -2 * STDERR_TAIL_CHARS]  # what is cut through is not shown
        for event in self.dialect.feed(stream, data):
            self.events += 1
            if isinstance(event, Ended):
                self._over()
            else:
                self.log.add(event)
        self._check_caps()

    def _over(self) -> None:
        """Its end-of-turn record came; there may be a later one, which then counts."""
        was_over, self.is_over = self.is_over, True
        if self.watching is not None and not was_over:
            self.watching.start_soon(self._see_out)

    def born(self, child: Child, watching: trio.Nursery) -> None:
        """The child is alive and can be asked to stop. `watching` lives as long as it does."""
        self.child, self.watching = child, watching
        watching.start_soon(self.watch)
        if self.is_over:  # it spoke before we were told
            watching.start_soon(self._see_out)

    async def _see_out(self) -> None:
        assert self.child is not None
        leave_s, deadline = self.spec.plan.leave_s, self.spec.deadline
        await see_out(self.child, leave_s, lambda: self.last_byte, deadline)

    def _check_caps(self) -> None:
        limits = self.spec.plan.limits
        steps = self.dialect.steps
        if self.total_bytes > limits.max_bytes:
            self._stop("runaway", f"printed more than {limits.max_bytes} bytes")
        elif self.events > limits.max_events:
            self._stop("runaway", f"made more than {limits.max_events} events")
        elif steps > limits.max_steps:
            self._stop("runaway", f"took more than {limits.max_steps} tool steps")

    @property
    def stderr_tail(self) -> str:
        """The end of what it said on stderr, at most `STDERR_TAIL_CHARS`, safe to show."""
        # masked before it is cut: half a secret is not recognised
        return safe_to_show(bytes(self._stderr).decode(errors="replace"))[-STDERR_TAIL_CHARS:]

    # ------------------------------------------------------------------ watching

    def _stop(self, code: str, message: str) -> None:
        if self.cause is not None or self.is_over:
            return
        is_time = code in ("timed_out", "silent")
        self.cause = Failure(
            failure_class=FailureClass.TIMEOUT if is_time else FailureClass.FATAL,
            code=code,
            message=f"{self.spec.plan.cli} {message}",
            retryable=is_time,
            hint=_STOP_HINTS[code],
        )
        if self.child is not None:
            self.child.stop()

    def converse(self) -> Conversation:
        """The conversation with the child's terminal, from its first byte on."""
        self._terminal = Conversation(
            cli=self.spec.plan.cli, log=self.log, last_byte=self.last_byte, answered=self._answered
        )
        return self._terminal

    def _answered(self) -> None:
        """The child has something to do again: its silence begins anew."""
        self.last_byte = trio.current_time()

    async def watch(self) -> None:
        """End the turn at its deadline or after too long a silence; warn before."""
        told = Quiet.FINE
        while True:
            heard_at = self.last_byte if self._said else None
            now = trio.current_time()
            if now >= self.spec.deadline:
                self._stop("timed_out", f"did not finish within {now - self.began:.0f} s")
                return
            found = silence(now, heard_at, self.began, self.spec.silence)
            if found.quiet is Quiet.OVER:
                self._stop("silent", f"printed nothing for {found.silent_s:.0f} s")
                return
            if found.quiet is not told and found.quiet is not Quiet.FINE:
                message = f"{self.spec.plan.cli} has printed nothing for {found.silent_s:.0f} s"
                self.log.add(Warned(code=str(found.quiet), message=message))
            told = found.quiet
            await trio.sleep_until(min(found.next_at, self.spec.deadline))


_STOP_HINTS: Final = {
    "timed_out": "give a larger timeout_seconds, or a smaller task",
    "silent": "the CLI may be waiting for a login or be retrying silently: try it in a terminal",
    "runaway": "the CLI was looping; a narrower prompt or another CLI may help",
}


async def run_attempt(spec: AttemptSpec, log: TurnLog, guard: Guard) -> AttemptReport:
    """Run one CLI to its answer and judge it.

    Everything it says is in the turn's log and the spool by then. Cancelling it stops the child,
    waits for that, and judges nothing.

    Raises:
        BinaryMissing, PeerFault: it cannot be started; the log says so too.
        CircuitOpen: its breaker refuses, or opened before it said a byte.
    """
    plan = spec.plan
    async with guard.attempt(plan.cli) as leave, _prompt_file(spec) as ready:
        log.add(
            TurnStarted(
                turn=log.turn,
                seat=log.seat,
                cli=plan.cli,
                model=plan.model,
                effort=plan.effort,
                mode=plan.mode,
                attempt=spec.attempt,
                argv=tuple(plan.shown_argv),
                cwd=plan.cwd,
                env_names=tuple(sorted(plan.env)),
            )
        )
        report = await _drive(spec, ready.argv, log, leave)
        failure_class = report.failure.failure_class if report.failure is not None else None
        leave.end = turn_end(failure_class)
    return report


@attrs.frozen
class _Birth:
    """Hears of the child from the driver, as a nursery would; but we are not in another task."""

    tell: Callable[[Child], None]

    def started(self, value: Child | None = None) -> None:
        assert value is not None
        self.tell(value)


async def _drive(
    spec: AttemptSpec, argv: Sequence[str], log: TurnLog, leave: Pass
) -> AttemptReport:
    plan, profile = spec.plan, spec.profile
    now = trio.current_time()
    dialect = open_dialect(
        plan.dialect, profile.output.fields, completion_pattern=profile.completion_pattern
    )
    attempt = _Attempt(spec=spec, log=log, leave=leave, dialect=dialect, began=now, last_byte=now)
    terminal = attempt.converse() if plan.is_terminal else None
    typed, keys = trio.open_memory_channel[bytes](QUEUED_ANSWERS)
    process = ProcessSpec(
        argv=argv,
        cwd=plan.cwd,
        env=plan.env,
        stdin=plan.stdin,
        stop_signal=plan.stop_signal,
        grace_s=plan.grace_s,
        places=spec.places,
        keyboard=keys,
    )
    gone: Exit | None = None

    def born(child: Child) -> None:
        log.child = child
        log.add(ChildStarted(pid=child.pid, started=child.started))
        attempt.born(child, watching)
        if terminal is not None:
            watching.start_soon(terminal.run, typed)

    fault: AimuxError | None = None
    try:
        async with trio.open_nursery() as watching:
            gone = await spec.drive(process, attempt.hear, task_status=_Birth(born))
            watching.cancel_scope.cancel(reason="the child is gone")
    except* AimuxError as group:  # a driver's refusal comes out bare: it has a next candidate
        fault = first_leaf(group)
    finally:
        log.child = None
        spec.spool.close()  # after a cancellation too
    if fault is not None:
        raise fault
    assert gone is not None  # a driver returns an Exit or raises
    return _judged(attempt, gone)


def _judged(attempt: _Attempt, gone: Exit) -> AttemptReport:
    spec, log = attempt.spec, attempt.log
    for event in attempt.dialect.finish(gone.exit_code):
        if not isinstance(event, Ended):
            log.add(event)
    duration_s = trio.current_time() - attempt.began
    log.add(
        ChildExited(
            exit_code=gone.exit_code,
            signal=gone.signal,
            duration_ms=round(gone.duration_s * 1000),
            max_rss_bytes=gone.max_rss_bytes,
            cpu_ms=round(gone.cpu_s * 1000),
            swept=gone.swept,
        )
    )
    output = attempt.dialect.output
    stderr_tail = attempt.stderr_tail
    verdict: Verdict = judge(
        spec.profile,
        output,
        gone.exit_code,
        gone.signal,
        is_stopped=gone.is_stopped,
        was_cut=attempt.cause is not None,
        stderr_tail=stderr_tail,
    )
    for warning in verdict.warnings:
        log.add(warning)
    if spec.spool.warning is not None:
        log.add(spec.spool.warning)
    return AttemptReport(
        output=output,
        failure=_why(attempt.cause, verdict.failure),
        exit=gone,
        duration_s=duration_s,
        stderr_tail=stderr_tail,
        has_worked=has_worked(output, verdict),
    )


def _why(cause: Failure | None, seen: Failure | None) -> Failure | None:
    """Why a turn failed. One that we ended for silence or looping has the class it spoke of last:
    most CLIs retry a spent quota inside, without a word more.
    """
    if cause is None or seen is None or cause.code == "timed_out":
        return cause or seen
    if seen.failure_class in (FailureClass.TIMEOUT, FailureClass.UNKNOWN):
        return cause
    return attrs.evolve(seen, message=f"{cause.message}; before that, {seen.message}")


@asynccontextmanager
async def _prompt_file(spec: AttemptSpec) -> AsyncIterator[Plan]:
    """The plan with the path of a private file that holds the prompt, where it wants one."""
    if not spec.plan.prompt_file_token:
        yield spec.plan
        return
    text = spec.plan.prompt_file_bytes
    path = await trio.to_thread.run_sync(_write_prompt, spec.temp_dir, text)
    try:
        yield with_prompt_file(spec.plan, str(path))
    finally:
        path.unlink(missing_ok=True)


def _write_prompt(directory: Path, text: bytes) -> Path:
    path: Path | None = None
    try:
        make_private(directory)
        descriptor, name = tempfile.mkstemp(prefix="prompt-", suffix=".md", dir=directory)
        path = Path(name)
        with os.fdopen(descriptor, "wb") as file:  # mkstemp made it 0600
            file.write(text)
    except OSError as error:
        if path is not None:
            path.unlink(missing_ok=True)
        doing = f"the prompt cannot be written to a file in {directory}"
        raise when_exhausted(doing, error) or SetupFault(
            f"{doing}: {error.strerror or error}",
            code="prompt_file_failed",
            hint="see that the state directory is yours and can be written",
        ) from error
    return path
