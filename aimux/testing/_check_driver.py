"""What every driver must hold, fakes included: one suite, run against each of them.

`make(case)` gives the driver and a spec for a child that behaves as the case says:

| case | the child |
|---|---|
| `echo` | gives back the bytes of `ECHOED`, which the spec has as stdin, and leaves with 0 |
| `big` | prints 10 MB of `x` and leaves with 0 |
| `flood` | prints 3 MB on stderr, then `answer` |
| `deaf` | does not read the 5 MB it gets on stdin and leaves with 3 |
| `polite` | says `ready`; on the polite signal says `bye` and leaves with 7 |
| `stubborn` | says `ready` and ignores everything but KILL |
| `chatty` | ignores everything but KILL and never stops printing |
| `holder` | leaves with 0 while a helper in its group holds its stdout and ignores TERM |
| `session` | says `helper`; has such a helper in a session of its own, and stays |
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import trio

from aimux.drivers import LINGER_S, Child, Driver, Exit, ProcessSpec
from aimux.model import Stream

from ._drivers import Output
from ._leaks import children_of, open_fds

ECHOED: Final = bytes(range(32, 127)) * 2_000 + "ünïcödé -- 'quotes' \"double\"\n".encode()
BOUND_S: Final = 300.0  # of the driver's clock, for each case

Make = Callable[[str], tuple[Driver, ProcessSpec]]
Act = Callable[[Child], None]


async def check_driver(make: Make, *, cases: Sequence[str] = ()) -> None:
    """Run the suite (or some `cases` of `CHECKS`) and raise AssertionError at the first failure.

    After each case the process must have the children and descriptors it had before. Cancelling it
    cancels the case that runs.
    """
    for name in cases or CHECKS:
        children, fds = children_of(), open_fds()
        try:
            with trio.fail_after(BOUND_S):
                await CHECKS[name](make)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        assert children_of() <= children, f"{name}: left processes behind"
        assert open_fds() == fds, f"{name}: left descriptors behind"


async def _run(
    make: Make, case: str, act: Act | None = None, until: bytes = b""
) -> tuple[Exit, Output]:
    driver, spec = make(case)
    output = Output()
    exits: list[Exit] = []

    async def run(task_status: trio.TaskStatus[Child]) -> None:
        exits.append(await driver(spec, output, task_status=task_status))

    async with trio.open_nursery() as nursery:
        child = await nursery.start(run)
        await output.wait_for(until)
        if act is not None:
            act(child)
    return exits[0], output


async def _echo(make: Make) -> None:
    exit_, output = await _run(make, "echo")
    assert output.text() == ECHOED, "what went in did not come out"
    assert (exit_.exit_code, exit_.signal, exit_.is_stopped) == (0, "", False), exit_
    assert exit_.is_complete, exit_


async def _big(make: Make) -> None:
    exit_, output = await _run(make, "big")
    assert output.text() == b"x" * 10_000_000, "output was lost"
    assert exit_.exit_code == 0, exit_


async def _flood(make: Make) -> None:
    _, output = await _run(make, "flood")
    assert output.text().endswith((b"answer\n", b"answer\r\n")), "the answer was lost"
    total = len(output.text()) + len(output.text(Stream.STDERR))
    assert total >= 3_000_000, "stderr was lost"


async def _deaf(make: Make) -> None:
    exit_, _ = await _run(make, "deaf")
    assert exit_.exit_code == 3, exit_


async def _leaves_in_time(make: Make) -> None:
    exit_, _ = await _run(make, "big", lambda child: child.finish(BOUND_S), until=b"x")
    assert (exit_.exit_code, exit_.is_stopped) == (0, False), exit_


async def _leaves_too_late(make: Make) -> None:
    exit_, output = await _run(make, "polite", lambda child: child.finish(0.5), until=b"ready")
    assert (exit_.exit_code, exit_.is_stopped) == (7, True), exit_
    assert b"bye" in output.text(), "last words were lost"


async def _stopped(make: Make) -> None:
    exit_, _ = await _run(make, "polite", lambda child: child.stop(), until=b"ready")
    assert (exit_.exit_code, exit_.signal, exit_.is_stopped) == (7, "", True), exit_


async def _killed(make: Make) -> None:
    exit_, output = await _run(make, "polite", lambda c: c.stop(grace_s=0), until=b"ready")
    assert (exit_.exit_code, exit_.signal, exit_.is_stopped) == (None, "SIGKILL", True), exit_
    assert b"bye" not in output.text(), "a killed child had last words"


async def _stubborn(make: Make) -> None:
    exit_, _ = await _run(make, "stubborn", lambda child: child.stop(grace_s=0.5), until=b"ready")
    assert (exit_.exit_code, exit_.signal, exit_.is_stopped) == (None, "SIGKILL", True), exit_


async def _overtaken(make: Make) -> None:
    def act(child: Child) -> None:
        child.finish(BOUND_S * 10)
        child.stop(grace_s=BOUND_S * 10)
        child.stop(grace_s=0)

    exit_, _ = await _run(make, "stubborn", act, until=b"ready")
    assert exit_.signal == "SIGKILL", exit_


async def _holder(make: Make) -> None:
    exit_, _ = await _run(make, "holder")
    assert (exit_.exit_code, exit_.is_stopped) == (0, False), exit_
    assert exit_.swept == 1, exit_
    assert exit_.duration_s < BOUND_S / 2 > LINGER_S, exit_


async def _session(make: Make) -> None:
    exit_, _ = await _run(make, "session", lambda child: child.stop(), until=b"helper")
    assert exit_.is_stopped, exit_
    assert exit_.swept == 1, exit_


async def _cancelled(make: Make, case: str, until: bytes, act: Act | None = None) -> None:
    driver, spec = make(case)
    output = Output()
    async with trio.open_nursery() as nursery:
        child = await nursery.start(partial(driver, spec, output))
        await output.wait_for(until)
        if act is not None:
            act(child)
        nursery.cancel_scope.cancel(reason="the check says so")


async def _cancelled_before(make: Make) -> None:
    driver, spec = make("stubborn")
    with trio.CancelScope() as scope:
        scope.cancel()
        await driver(spec, Output())
    assert scope.cancelled_caught, "the cancellation was swallowed"


CHECKS: Final[dict[str, Callable[[Make], Awaitable[None]]]] = {
    "gives back what goes in": _echo,
    "delivers all of 10 MB": _big,
    "survives a flood on stderr": _flood,
    "accepts a child that does not read": _deaf,
    "lets a child leave in time": _leaves_in_time,
    "stops a child that leaves too late": _leaves_too_late,
    "stops when asked": _stopped,
    "kills without grace": _killed,
    "kills after the grace": _stubborn,
    "lets a harder request overtake": _overtaken,
    "does not wait for a helper that holds its output": _holder,
    "ends a helper in a session of its own": _session,
    "cancels before the start": _cancelled_before,
    "cancels right after the start": partial(_cancelled, case="stubborn", until=b""),
    "cancels while output flows": partial(_cancelled, case="chatty", until=b"x"),
    "cancels a child that waits": partial(_cancelled, case="polite", until=b"ready"),
    "cancels in the time to leave": partial(
        _cancelled, case="polite", until=b"ready", act=lambda child: child.finish(BOUND_S * 10)
    ),
    "cancels in the grace": partial(
        _cancelled, case="stubborn", until=b"ready", act=lambda child: child.stop(grace_s=1.0)
    ),
    "cancels with helpers about": partial(_cancelled, case="session", until=b"helper"),
}
