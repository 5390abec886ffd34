"""A driver without processes: it plays scripts, on whatever clock the test has."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import attrs
import trio

from aimux.drivers import Child, Exit, OnOutput, ProcessSpec, shelter
from aimux.model import Stream


@attrs.frozen
class Say:
    """The child prints something, after a delay in seconds.

    Before that, with `when_typed`, it waits until something was typed.
    """

    data: bytes
    stream: Stream = Stream.STDOUT
    after_s: float = 0.0
    when_typed: bool = False


@attrs.frozen(kw_only=True)
class Turn:
    """How one child behaves.

    It says its lines, then leaves with `exit_code`, unless it `hangs`. On the polite signal it
    says `last_words` and leaves with `stop_code` (None: the signal ends it), unless it is
    `stubborn`; then only KILL after the grace does. `fault` is raised instead of a start.
    """

    says: Sequence[Say] = ()
    exit_code: int = 0
    hangs: bool = False
    stubborn: bool = False
    last_words: bytes = b""
    stop_code: int | None = None
    swept: int = 0
    is_complete: bool = True
    fault: Exception | None = None


class FakeDriver:
    """Plays one `Turn` per call, from a sequence or made from the spec.

    A sequence that is used up is an AssertionError. `specs` and `children` keep what was asked
    for and handed out; `running` counts those that are not over; `typed` is what they waited for.
    """

    def __init__(self, turns: Iterable[Turn] | Callable[[ProcessSpec], Turn]) -> None:
        self.specs: list[ProcessSpec] = []
        self.children: list[Child] = []
        self.running = 0
        self.typed: list[bytes] = []
        self._turn_for = turns if callable(turns) else self._next_of(list(turns))

    def __repr__(self) -> str:
        return f"<FakeDriver: {self.running} running of {len(self.specs)} ordered>"

    @staticmethod
    def _next_of(turns: list[Turn]) -> Callable[[ProcessSpec], Turn]:
        def turn_for(spec: ProcessSpec) -> Turn:
            assert turns, f"no turn is left for {list(spec.argv)}"
            return turns.pop(0)

        return turn_for

    async def __call__(
        self,
        spec: ProcessSpec,
        on_output: OnOutput,
        *,
        task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
    ) -> Exit:
        """Play the next turn as `run_piped` would run a child. Cancelling stops it likewise."""
        self.specs.append(spec)
        turn = self._turn_for(spec)
        await trio.lowlevel.checkpoint()
        if turn.fault is not None:
            raise turn.fault
        child = Child(
            pid=1_000_000 + len(self.specs), started=trio.current_time(), grace_s=spec.grace_s
        )
        self.children.append(child)
        self.running += 1
        try:
            play = partial(_play, turn, spec, on_output, child, self.typed)
            return await shelter(child, play, task_status)
        finally:
            self.running -= 1


async def _play(
    turn: Turn, spec: ProcessSpec, on_output: OnOutput, child: Child, typed: list[bytes]
) -> Exit:
    born = trio.current_time()
    exit_code: int | None = turn.exit_code
    signal = ""
    left = False

    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            nonlocal left
            for line in turn.says:
                if line.when_typed:
                    assert spec.keyboard is not None
                    typed.append(await spec.keyboard.receive())
                await trio.sleep(line.after_s)
                on_output(line.stream, line.data)
            if not turn.hangs:
                left = True
                nursery.cancel_scope.cancel(reason="the script is over")

        nursery.start_soon(speak)
        await child.leaving.wait()
        with trio.move_on_after(child.leave_s):
            await child.stopping.wait()
        is_killed = child.killing.is_set() or child.grace_s <= 0
        if turn.stubborn and not is_killed:
            with trio.move_on_after(child.grace_s):
                await child.killing.wait()
            is_killed = True
        if is_killed:
            exit_code, signal = None, "SIGKILL"
        else:
            exit_code = turn.stop_code
            signal = f"SIG{spec.stop_signal}" if exit_code is None else ""
        nursery.cancel_scope.cancel(reason="stopped")
    if not left and not is_killed and turn.last_words:
        on_output(Stream.STDOUT, turn.last_words)
    return Exit(
        exit_code=exit_code,
        signal=signal,
        duration_s=trio.current_time() - born,
        is_stopped=not left,
        is_complete=turn.is_complete,
        swept=turn.swept,
    )
