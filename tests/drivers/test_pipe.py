"""A child on pipes."""

import errno
import json
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import LINGER_MAX_S, MARK, Child, Exit, ProcessSpec, run_piped
from aimux.drivers._spawn import spawn_fault
from aimux.errors import BinaryMissing, PeerFault, Refusal
from aimux.model import Stream
from aimux.testing import MakeSpec, Output, children_of

from .. import needs
from .conftest import OF_THE_SYSTEM

pytestmark = needs.posix
resource = pytest.importorskip("resource", reason="needs limits of a process")


async def test_stdin_comes_back_on_stdout(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """Every byte that goes in is read by the child, and the end of input is seen."""
    sent = os.urandom(300_000)

    exit_ = await run_piped(make_spec("cat", stdin=sent), output)

    assert output.text() == sent
    assert (exit_.exit_code, exit_.signal, exit_.is_complete) == (0, "", True)


async def test_no_stdin_is_the_null_device(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """Real CLIs wait for ever on an open pipe, and crash on a closed descriptor."""
    await run_piped(make_spec("facts"), output)

    assert json.loads(output.text())["stdin"] == "null"


async def test_child_sees_its_order_and_no_more(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output, tmp_path: Path
) -> None:
    """Arguments, directory and environment arrive as ordered; no descriptor of ours leaks in."""
    spec = make_spec("facts", "--", "-x", "q'\"$ \n", env={"A": "b"})

    await run_piped(spec, output)

    seen = json.loads(output.text())
    assert seen["argv"] == ["--", "-x", "q'\"$ \n"]
    assert seen["cwd"] == str(tmp_path)
    assert set(seen["env"]) - OF_THE_SYSTEM == {"PATH", "PYTHONUTF8", "A", MARK}
    assert seen["sid"] == seen["pid"]
    assert [fd for fd in seen["fds"] if fd > 3] == []
    assert seen["tty"] == [False, False, False]


async def test_streams_stay_apart(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A flood on stderr neither blocks the child nor reaches stdout."""
    await run_piped(make_spec("flood"), output)

    assert output.text() == b"answer\n"
    assert len(output.text(Stream.STDERR)) == 3_000_000


async def test_exit_tells_usage(mock_clock: MockClock, make_spec: MakeSpec, output: Output) -> None:
    """Memory and processor time are this child's own, not those of all children so far.

    Linux counts what the spawning process held before the exec, so that is a floor.
    """
    own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    heavy = await run_piped(make_spec("burn"), output)
    light = await run_piped(make_spec("cat"), output)

    assert heavy.max_rss_bytes > 115_000_000
    assert 1_000_000 < light.max_rss_bytes < max(own_bytes, 115_000_000) + 1_000_000
    assert heavy.cpu_s > 0.02
    assert heavy.duration_s > 0


async def test_exit_code_and_signal_are_told_apart(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A child that a signal ends has no exit code."""
    spec = make_spec("cat")
    killed = await run_piped(
        ProcessSpec(argv=["sh", "-c", "kill -SEGV $$"], cwd=spec.cwd, env=spec.env), output
    )
    left = await run_piped(
        ProcessSpec(argv=["sh", "-c", "exit 76"], cwd=spec.cwd, env=spec.env), output
    )

    assert (killed.exit_code, killed.signal, killed.is_stopped) == (None, "SIGSEGV", False)
    assert (left.exit_code, left.signal) == (76, "")


async def test_child_that_does_not_read_is_fine(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A broken stdin is the child's choice, not an error."""
    exit_ = await run_piped(make_spec("deaf", stdin=b"x" * 5_000_000), output)

    assert exit_.exit_code == 3


async def test_missing_binary_names_where_it_was_searched(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """The one who reads the error learns where was looked."""
    spec = ProcessSpec(
        argv=["no-such-cli"], cwd="/", env={"PATH": "/bin"}, places=["PATH", "/opt/x"]
    )

    with pytest.raises(BinaryMissing, match="no-such-cli: not found; searched PATH, /opt/x"):
        await run_piped(spec, output)


async def test_binary_is_looked_up_in_the_childs_path(
    mock_clock: MockClock, tmp_path: Path, output: Output
) -> None:
    """PATH of the spec counts, not ours."""
    tool = tmp_path / "mytool"
    tool.write_text("#!/bin/sh\necho here\n", encoding="ascii")
    tool.chmod(0o755)

    await run_piped(ProcessSpec(argv=["mytool"], cwd="/", env={"PATH": str(tmp_path)}), output)

    assert output.text() == b"here\n"


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("#!/bin/sh\n", 0o644, "is not executable"),
        ("#!/no/interpreter\n", 0o755, "its interpreter"),
        ("\x7fELFnonsense", 0o755, "not a program for this machine"),
    ],
)
async def test_unusable_binary_is_explained(
    mock_clock: MockClock, tmp_path: Path, output: Output, content: str, mode: int, says: str
) -> None:
    """A binary that is there but cannot run is another fault than one that is not there."""
    tool = tmp_path / "tool"
    tool.write_text(content, encoding="ascii")
    tool.chmod(mode)

    with pytest.raises(BinaryMissing, match=says) as caught:
        await run_piped(ProcessSpec(argv=[str(tool)], cwd="/", env={}), output)

    assert caught.value.code == "cli_not_executable"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM])
def test_a_machine_without_room_is_no_fault_of_the_binary(make_spec: MakeSpec, number: int) -> None:
    """Trying again may help."""
    fault = spawn_fault(make_spec("cat"), OSError(number, os.strerror(number)))

    assert isinstance(fault, Refusal)
    assert (fault.code, fault.retryable) == ("machine_exhausted", True)
    assert os.strerror(number) in fault.message


async def test_no_more_descriptors_is_said(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """By the machine itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spec = make_spec("cat")
    probe = os.open(os.devnull, os.O_RDONLY)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))  # none is left below
    try:
        with pytest.raises(Refusal, match="Too many open files") as caught:
            await run_piped(spec, output)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert caught.value.code == "machine_exhausted"


async def test_directory_as_binary_is_explained(
    mock_clock: MockClock, tmp_path: Path, output: Output
) -> None:
    """A directory of that name is not a program."""
    with pytest.raises(BinaryMissing, match="is a directory"):
        await run_piped(ProcessSpec(argv=[str(tmp_path)], cwd="/", env={}), output)


async def test_bad_cwd_is_the_callers_fault(
    mock_clock: MockClock, tmp_path: Path, make_spec: MakeSpec, output: Output
) -> None:
    """A missing directory and a file are told apart, and neither reads as a missing binary."""
    file = tmp_path / "file"
    file.touch()
    argv = make_spec("cat").argv

    with pytest.raises(PeerFault, match="does not exist") as missing:
        await run_piped(ProcessSpec(argv=argv, cwd=str(tmp_path / "no"), env={}), output)
    with pytest.raises(PeerFault, match="is not a directory"):
        await run_piped(ProcessSpec(argv=argv, cwd=str(file), env={}), output)
    with pytest.raises(PeerFault, match="does not exist"):
        await run_piped(ProcessSpec(argv=argv, cwd=f"/{'a' * 5000}", env={}), output)
    with pytest.raises(BinaryMissing, match="not found"):
        await run_piped(ProcessSpec(argv=[f"/{'a' * 5000}"], cwd="/", env={}), output)

    assert missing.value.code == "bad_cwd"


async def test_argument_limits_are_explained(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """One argument of 200 KB and one with a zero byte cannot be passed on; both say so."""
    with pytest.raises(PeerFault, match="too long") as long:
        await run_piped(make_spec("cat", "x" * 200_000), output)
    with pytest.raises(PeerFault, match="null byte"):
        await run_piped(make_spec("cat", "a\0b"), output)

    assert long.value.code == "argument_list_too_long"
    assert isinstance(long.value.__cause__, OSError)
    assert long.value.__cause__.errno == errno.E2BIG


async def test_finish_lets_the_child_leave(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """Within its grace the child leaves by itself, with its own exit code."""

    def ask(child: Child) -> None:
        child.finish(600)
        os.kill(child.pid, signal.SIGTERM)

    exits = await _run_and(make_spec("polite"), output, ask)

    assert (exits[0].exit_code, exits[0].is_stopped) == (7, False)
    assert output.text() == b"ready\nbye\n"


async def test_finish_stops_a_child_that_stays(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """When the time to leave is over the child gets the polite signal, and its last words count."""
    exits = await _run_and(make_spec("polite"), output, lambda child: child.finish(0.5))

    assert (exits[0].exit_code, exits[0].is_stopped) == (7, True)
    assert output.text() == b"ready\nbye\n"


async def test_stop_sends_the_profiles_signal(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A CLI that ignores TERM is asked with INT."""
    spec = make_spec("polite", "INT", stop_signal="INT")

    exits = await _run_and(spec, output, lambda child: child.stop())

    assert exits[0].exit_code == 7


async def test_kill_skips_the_grace(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """`grace_s=0` is KILL at once; the child has no last word."""
    exits = await _run_and(
        make_spec("polite", grace_s=1_000.0), output, lambda child: child.stop(grace_s=0)
    )

    assert (exits[0].signal, exits[0].is_stopped) == ("SIGKILL", True)
    assert output.text() == b"ready\n"


async def test_kill_cuts_a_grace_short(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """A second, harder request overtakes the first."""

    def ask(child: Child) -> None:
        child.finish(1_000)
        child.stop()
        child.stop(grace_s=0)

    exits = await _run_and(make_spec("stubborn", grace_s=1_000.0), output, ask)

    assert exits[0].signal == "SIGKILL"


async def test_output_fault_comes_out_bare(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """What the callback raises is not wrapped in groups, and the child does not survive it."""
    pids = []

    def take(_stream: Stream, _data: bytes) -> None:
        pids.extend(children_of())
        raise LookupError("no room")

    with pytest.raises(LookupError, match="no room"):
        await run_piped(make_spec("stubborn"), take)

    assert pids
    assert children_of() == set()


async def test_leader_that_dies_early_leaves_no_helper(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """The group is swept after success too, and what was held open is told."""
    exit_ = await run_piped(make_spec("holder", "group"), output)

    assert (exit_.exit_code, exit_.is_complete, exit_.swept) == (0, False, 1)
    assert not _is_running(output)


async def test_helper_that_goes_on_printing_does_not_hold_the_turn(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """Late output is delivered while it flows, but not for ever."""
    # the clock jumps, so what comes after the leader's end cannot be counted
    goes_on = "while :; do echo late; : > begun; sleep 0.01; done"
    script = f"({goes_on}) & until [ -e begun ]; do sleep 0.01; done; echo early"
    spec = make_spec("cat")

    exit_ = await run_piped(
        ProcessSpec(argv=["bash", "-c", script], cwd=spec.cwd, env=spec.env), output
    )

    assert (exit_.exit_code, exit_.is_complete) == (0, False)
    assert children_of() == set()
    assert {b"early", b"late"} <= set(output.text().split())
    assert exit_.duration_s < LINGER_MAX_S


@pytest.mark.requirement("child:no_helper_left")
@pytest.mark.parametrize("kind", ["group", "session", "detached"])
@pytest.mark.parametrize("stays", [True, False])
async def test_helpers_do_not_outlive_their_leader(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output, kind: str, stays: bool
) -> None:
    """Helpers in the group, in a session of their own, or detached twice are found and ended."""
    spec = make_spec("holder", kind, *(["stay"] if stays else []))

    if stays:
        await _run_and(spec, output, lambda child: child.stop(), until=b"helper")
    else:
        await run_piped(spec, output)

    assert not _is_running(output)


async def _run_and(
    spec: ProcessSpec, output: Output, ask: Callable[[Child], None], until: bytes = b"ready"
) -> list[Exit]:
    exits: list[Exit] = []

    async def run(task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED) -> None:
        exits.append(await run_piped(spec, output, task_status=task_status))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            child = await nursery.start(run)
            await output.wait_for(until)
            ask(child)
    return exits


def _is_running(output: Output) -> bool:
    pid = int(output.text().split()[1])
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("child", ["stubborn", "polite", "holder"])
async def test_cancelling_leaves_no_process(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output, child: str
) -> None:
    """A cancelled driver returns only when nobody is left."""
    spec = make_spec(child, *(["session", "stay"] if child == "holder" else []), grace_s=0.5)

    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(run_piped, spec, output))
        await output.wait_for(b"helper" if child == "holder" else b"ready")
        nursery.cancel_scope.cancel()

    assert not psutil.pid_exists(process.pid)
    assert children_of() == set()
    if child == "holder":
        assert not _is_running(output)


@pytest.mark.usefixtures("leaves_nothing")
def test_nothing_leaks_over_many_runs(make_spec: MakeSpec, output: Output) -> None:
    """Descriptors and children are the same before and after, however a run ended."""

    async def main() -> None:
        for _ in range(3):
            await run_piped(make_spec("cat", stdin=b"x"), output)
            with trio.move_on_after(0.3):
                await run_piped(make_spec("stubborn", grace_s=0.1), output)
            with pytest.raises(BinaryMissing):
                await run_piped(ProcessSpec(argv=["/no/such"], cwd="/", env={}), output)
            async with trio.open_nursery() as nursery:
                nursery.cancel_scope.cancel()
                nursery.start_soon(partial(run_piped, make_spec("stubborn"), output))

    trio.run(main)
