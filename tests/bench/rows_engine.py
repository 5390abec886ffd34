"""What running CLIs costs over running them bare: spawns, output, many at once, leftovers."""

import datetime
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import mcp_bench
import psutil
import trio
from figures import Row, median, mib, ms, percentile
from world import Wire, World, cpu_s, descriptors, open_world, rss

from aimux.engine import new_id
from aimux.model import Job, JobId, JobStatus, Mode, Outcome, Session, SessionId
from aimux.store import open_store

AT_ONCE = 64
ANSWERS = 'read -r line\necho "answer: $line"'  # the least that is a CLI
THINKS = f"exec {sys.executable} -c 'import argparse, json; print(json.dumps(input()))'"
CHILDREN = {"answers": "child of one shell line", "thinks": "child that starts Python"}
SETTLE_S = 10.0  # after which nothing may be left
LINE = b"The quick brown fox jumps over the lazy dog, and nobody minds at all today.\n"


# ------------------------------------------------------------------------------ spawning


def overhead(*, is_quick: bool) -> list[Row]:
    """Two CLIs, bare and through each floor: the least that is one, and one that starts Python."""
    runs, batches = (30, 3) if is_quick else (90, 9)
    rows = []
    with open_world(
        max_concurrent_jobs=AT_ONCE,
        max_concurrent_turns=AT_ONCE,
        max_turns_per_cli=0,
        max_queued_jobs=500,
    ) as world:
        scripts = {"answers": ANSWERS, "thinks": THINKS}
        programs = {name: world.cli(name, script) for name, script in scripts.items()}
        wire = world.serve(in_process=False)
        wire.greet()
        for cli, program in programs.items():
            told = subprocess.run(
                [
                    *(sys.executable, str(Path(__file__).with_name("spawn_probe.py"))),
                    *(str(program), cli, str(runs), str(batches), str(AT_ONCE)),
                ],
                env=world.env | {"AIMUX_STATE_DIR": str(world.root / "own")},
                cwd=world.project,
                stdout=subprocess.PIPE,
                start_new_session=True,
                check=True,
            )
            inside = json.loads(told.stdout)
            rows += _overhead_rows(CHILDREN[cli], inside["alone"], inside["rates"])
            rows.append(_cpu_row(CHILDREN[cli], inside["cpu"]))
            outside = _overhead_of_exec(world, wire, cli, program, runs, batches)
            rows += _overhead_rows(CHILDREN[cli], *outside)
        wire.end()
    return rows


def _overhead_of_exec(
    world: World, wire: Wire, cli: str, program: Path, runs: int, batches: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """`exec` over MCP and the daemon, in turns with the same children bare."""
    alone: dict[str, list[float]] = {"bare": [], "exec": []}
    rates: dict[str, list[float]] = {"bare": [], "exec": []}
    told = {"prompt": "hello", "cli": cli}
    wire.call("exec", **told)
    for _ in range(runs):
        alone["bare"].append(_timed(lambda: trio.run(_bare, world, program, 1)))
        alone["exec"].append(_timed(lambda: wire.call("exec", **told)))
    for _ in range(batches):
        took = _timed(lambda: trio.run(_bare, world, program, AT_ONCE))
        rates["bare"].append(AT_ONCE / took)
        took = _timed(lambda: wire.calls("exec", [told] * AT_ONCE, at_once=AT_ONCE))
        rates["exec"].append(AT_ONCE / took)
    return alone, rates


async def _bare(world: World, program: Path, count: int) -> None:
    async def one() -> None:
        await trio.run_process(
            [str(program)],
            cwd=world.project,
            env=world.env,
            stdin=b"hello\n",
            capture_stdout=True,
            capture_stderr=True,
            start_new_session=True,  # as ours: see `world.spawn_s`
        )

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(one)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _overhead_rows(
    child: str, alone: dict[str, list[float]], rates: dict[str, list[float]]
) -> list[Row]:
    rows = []
    bare, bare_rates = alone.pop("bare"), rates.pop("bare")
    for name, took in alone.items():
        over = median([a - b for a, b in zip(took, bare, strict=True)])
        rows.append(
            Row(
                what=f"{child}, {name}: one over a bare one",
                ours=f"{ms(median(took))}, +{ms(over)}",
                other=f"{ms(median(bare))} bare",
                ratio=median(took) / median(bare),
                target="<= +5 ms",
                holds=over <= 0.005,
            )
        )
    for name, reached in rates.items():
        ratio = median([a / b for a, b in zip(reached, bare_rates, strict=True)])
        rows.append(
            Row(
                what=f"{child}, {name}: {AT_ONCE} at once",
                ours=f"{median(reached):.0f}/s",
                other=f"{median(bare_rates):.0f}/s bare",
                ratio=ratio,
                target=">= 0.85 x",
                holds=ratio >= 0.85,
            )
        )
    return rows


def _cpu_row(child: str, spent: dict[str, list[float]]) -> Row:
    """Our own processor time of one turn: the sturdier figure where others are at work."""
    ours, bare = median(spent["engine"]), median(spent["bare"])
    return Row(
        what=f"{child}, engine: CPU of our own, one at a time",
        ours=ms(ours),
        other=f"{ms(bare)} bare",
        ratio=ours / bare,
    )


# ------------------------------------------------------------------------------ output


ANSWER = '{"type":"result","subtype":"success","is_error":false,"result":"a fine answer"}\\n'
MESSAGE = {"content": [{"type": "text", "text": "The quick brown fox jumps over it. " * 1_000}]}


def output(*, is_quick: bool) -> list[Row]:
    """What a child prints: the speed of plain text, and what all kinds of it cost in memory."""
    size = 200 * 10**6 if is_quick else 10**9
    message = json.dumps({"type": "assistant", "session_id": "s", "message": MESSAGE}).encode()
    rows = _flood_of_text(size)
    for what, unit, more in (
        ("stderr", LINE, {"to": ">&2", "end": "fine\\n"}),
        ("one line without an end", LINE[:-1], {}),
        ("stream-json", message + b"\n", {"output": {"dialect": "claude"}, "end": ANSWER}),
        ("text on a terminal", LINE, {"needs_terminal": True}),
    ):
        rows.append(_flood(what, unit, size, **more))
    return rows


def _flood_of_text(size: int) -> list[Row]:
    with open_world() as world:
        program, size, keys = _printer(world, LINE, size)
        wire = world.serve(in_process=True)
        wire.greet()
        wire.call("sessions", action="health")  # the engine is open
        pid = wire.proc.pid
        before, cpu_before = rss(pid), cpu_s([pid])
        bare_before = _read_bare(program)
        began = time.perf_counter()
        body = wire.call("exec", **keys)
        took = time.perf_counter() - began
        cpu = cpu_s([pid]) - cpu_before
        bare = median([bare_before, _read_bare(program)])
        assert body["status"] == "completed", body
        grown = rss(pid, "VmHWM") - before
        wire.end()
    rate = size / took / 1e6
    return [
        Row(
            what=f"output, {size / 1e6:.0f} MB of text to the job log",
            ours=f"{rate:.0f} MB/s",
            other=f"{size / bare / 1e6:.0f} MB/s read and dropped",
            ratio=bare / took,
            target=">= 100 MB/s",
            holds=rate >= 100,
        ),
        Row(what="output: our CPU for 100 MB of it", ours=ms(cpu / size * 1e8)),
        _grown("output", grown, size),
    ]


def _flood(what: str, unit: bytes, size: int, **more: Any) -> Row:
    """What one kind of output costs a server of its own."""
    with open_world() as world:
        _, size, keys = _printer(world, unit, size, **more)
        wire = world.serve(in_process=True)
        wire.greet()
        wire.call("sessions", action="health")
        before = rss(wire.proc.pid)
        body = wire.call("exec", **keys)
        assert body["status"] == "completed", body
        grown = rss(wire.proc.pid, "VmHWM") - before
        wire.end()
    return _grown(f"output, {what}", grown, size)


def _printer(
    world: World, unit: bytes, size: int, *, to: str = "", end: str = "", **profile: object
) -> tuple[Path, int, dict[str, object]]:
    """A CLI that prints about `size` bytes, how many they are, and how it is called."""
    piece = world.root / "piece"
    piece.write_bytes(unit * (50 * 10**6 // len(unit)))
    pieces = [str(piece)] * round(size / 50e6)
    size = piece.stat().st_size * len(pieces)
    lines = [f"cat {' '.join(pieces)} {to}", f"printf '{end}'" if end else "exit 0"]
    if "needs_terminal" not in profile:  # a terminal's input has no end
        lines.insert(0, "cat >/dev/null")
    limits = {"max_bytes": 2 * size, "max_events": 10**7}
    program = world.cli("prints", "\n".join(lines), limits=limits, **profile)
    told = {"prompt": "hello", "cli": "prints", "wait_seconds": 600, "max_chars": 100}
    return program, size, told


def _grown(what: str, grown: int, size: int) -> Row:
    return Row(
        what=f"{what}: most memory over the start",
        ours=mib(grown),
        other=f"{size / 2**20:.0f} MiB printed",
        ratio=grown / size,
        target="<= 64 MB",
        holds=grown <= 64 * 10**6,
    )


def _read_bare(program: Path) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        while os.read(child.stdout.fileno(), 65_536):
            pass
    return time.perf_counter() - began


# ------------------------------------------------------------------------------ many jobs


def many_jobs(*, is_quick: bool) -> list[Row]:
    """Sleeping children by the hundred: the daemon's memory, and `status` meanwhile."""
    count = 200 if is_quick else 1_000
    asked = 500 if is_quick else 2_000
    _allow_descriptors()
    with open_world(
        max_concurrent_jobs=count + 1,
        max_concurrent_turns=count + 1,
        max_turns_per_cli=0,
        max_queued_jobs=count,
    ) as world:
        world.cli("sleeps", "exec sleep 900")
        world.cli("answers", ANSWERS)
        wire = world.serve(in_process=False)
        wire.greet()
        daemon = world.daemon_pid()
        done = wire.call("exec", prompt="hello", cli="answers")["job_id"]
        finished = [{"job_id": done}] * asked
        idle = wire.calls("status", finished, at_once=1)
        before = rss(daemon)
        began = time.perf_counter()
        ids = _start_sleepers(wire, count)
        started_s = time.perf_counter() - began
        took = wire.calls("status", [{"job_id": each} for each in _cycle(ids, asked)], at_once=1)
        size = rss(daemon)
        wire.end()
        began = time.perf_counter()
        world.daemon("stop")
        stopped_s = time.perf_counter() - began
    p99, idle_p99 = percentile(took, 0.99), percentile(idle, 0.99)
    return [
        Row(
            what=f"{count:,} jobs running: daemon resident",
            ours=mib(size),
            other=f"{mib(before)} with none",
            ratio=size / before,
            target="< 250 MB",
            holds=size < 250 * 10**6,
        ),
        Row(
            what=f"{count:,} jobs running: `status` p99",
            ours=ms(p99),
            other=f"{ms(idle_p99)} with none",
            ratio=p99 / idle_p99,
            target="< 50 ms",
            holds=p99 < 0.050,
        ),
        Row(
            what=f"{count:,} jobs: all started / all stopped",
            ours=f"{started_s:.1f} s / {stopped_s:.1f} s",
        ),
    ]


def _allow_descriptors() -> None:
    """Three a child; the soft limit may be 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _cycle(ids: Sequence[str], count: int) -> list[str]:
    return [ids[index % len(ids)] for index in range(count)]


def _start_sleepers(wire: Wire, count: int) -> list[str]:
    """Asynchronous jobs, all of them with a living child."""
    ids: list[str] = []
    while len(ids) < count:
        told = {"prompt": "hello", "cli": "sleeps", "async": True}
        ids.append(wire.call("exec", **told)["job_id"])
    deadline = time.perf_counter() + 120
    for job_id in ids:
        while time.perf_counter() < deadline:
            body = wire.call("status", job_id=job_id, events_after=0)
            assert body["status"] == "running", body
            if any(each.get("event") == "child_started" or "child_started" in str(each)
                   for each in body["events_list"]):  # fmt: skip
                break
            time.sleep(0.02)
    return ids


# ------------------------------------------------------------------------------ the store


def full_store(*, is_quick: bool) -> list[Row]:
    """`status` of jobs on disk and `sessions(list)`: a full store beside an all but empty one."""
    full_count, few, rounds = (20_000, 200, 10) if is_quick else (100_000, 200, 40)
    with open_world() as full, open_world() as empty:
        all_ids = trio.run(_fill, full, full_count)
        few_ids = trio.run(_fill, empty, few)
        wires = [full.serve(in_process=True), empty.serve(in_process=True)]
        step = max(1, len(all_ids) // few)
        ids = [all_ids[::step][:few], few_ids]
        took: dict[str, list[list[float]]] = {"status": [[], []], "sessions(list)": [[], []]}
        for wire in wires:
            wire.greet()
            wire.call("sessions", action="list")
        at = 0
        for _ in range(rounds):
            for which, wire in enumerate(wires):
                # more than the server keeps in memory lie between two questions about the same job
                asked = [{"job_id": ids[which][(at + n) % few]} for n in range(20)]
                took["status"][which].append(median(wire.calls("status", asked, at_once=1)))
                listing = [{"action": "list", "status": "all", "limit": 20}] * 5
                took["sessions(list)"][which].append(
                    median(wire.calls("sessions", listing, at_once=1))
                )
            at += 20
        for wire in wires:
            wire.end()
    rows = []
    for name, (mine, others) in took.items():
        ratio = median([a / b for a, b in zip(mine, others, strict=True)])
        rows.append(
            Row(
                what=f"store of {full_count:,} jobs: {name}",
                ours=ms(median(mine)),
                other=f"{ms(median(others))} with {few}",
                ratio=ratio,
                target="<= 2 x",
                holds=ratio <= 2,
            )
        )
    return rows


async def _fill(world: World, count: int) -> list[str]:
    """Finished jobs of one session each, straight into the store."""
    path = world.root / "state" / "sessions.db"
    path.parent.mkdir(exist_ok=True)
    ids: list[str] = []
    async with open_store(path, owner="bench") as store:

        async def one() -> None:
            now = datetime.datetime.now(datetime.UTC)
            session = Session(
                id=SessionId(new_id("ses")), cli="codex", cwd=str(world.project),
                created_at=now, last_active_at=now, status=JobStatus.COMPLETED, turns=1,
            )  # fmt: skip
            outcome = Outcome(content="The answer is 42. " * 20, cli="codex", turns=1)
            job = Job(
                id=JobId(new_id("job")), session_id=session.id, tool="exec", cli="codex",
                mode=Mode.READ, created_at=now, started_at=now, finished_at=now, owner="bench",
                status=JobStatus.COMPLETED, outcome=outcome, prompt="What is the answer?",
            )  # fmt: skip
            await store.create(job, session)
            ids.append(job.id)

        for begun in range(0, count, 500):
            async with trio.open_nursery() as nursery:
                for _ in range(min(500, count - begun)):
                    nursery.start_soon(one)
    return ids


# ------------------------------------------------------------------------------ stopping


def stopping(*, is_quick: bool) -> list[Row]:
    """What is left of a daemon and its children: after a drain, and after `kill -9` and restart."""
    count = 10 if is_quick else 50
    rows = []
    # each child has a child of its own in another session, and one that ignores TERM
    script = "setsid sleep 900 &\n(trap '' TERM; exec sleep 900) &\nexec sleep 900"
    with open_world(
        max_concurrent_jobs=count, max_concurrent_turns=count, max_turns_per_cli=0, drain_seconds=1
    ) as world:
        world.cli("sleeps", script, stop={"grace_s": 0.3})
        wire = world.serve(in_process=False)
        wire.greet()
        daemon = world.daemon_pid()
        wire.call("sessions", action="health")
        open_before = descriptors(daemon)
        ids = _start_sleepers(wire, count)
        lived = len(world.processes())
        for job_id in ids:
            wire.call("sessions", action="cancel", job_id=job_id)
        # every child is reaped now: what the daemon holds open must be what it held before
        held = descriptors(daemon) - open_before
        zombies = len(_zombies(daemon))
        _start_sleepers(wire, count)
        wire.end()  # before the stop, or its shim would start the next daemon
        world.daemon("stop")
        left = _settled(world)
        rows += [
            _nothing(f"{count} jobs cancelled: zombies, descriptors more", (zombies, max(0, held))),
            _nothing(f"drain with {lived - 2} children alive: processes left", (left,)),
        ]
    with open_world(
        max_concurrent_jobs=count, max_concurrent_turns=count, max_turns_per_cli=0
    ) as world:
        world.cli("sleeps", script, stop={"grace_s": 0.3})
        wire = world.serve(in_process=False)
        wire.greet()
        daemon = world.daemon_pid()
        _start_sleepers(wire, count)
        psutil.Process(daemon).kill()
        with suppress(mcp_bench.BenchError):  # the daemon may have died with this call
            wire.call("sessions", action="health")
        wire.call("sessions", action="health")  # by the next one, which cleans up
        survivors = _settled(world, but=2)
        rows.append(_nothing("kill -9 and restart: children left", (survivors,)))
        wire.end()
    return rows


def _zombies(pid: int) -> list[int]:
    found = []
    for each in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            if each.status() == psutil.STATUS_ZOMBIE:
                found.append(each.pid)
    return found


def _settled(world: World, *, but: int = 0) -> int:
    """Processes of this world, `but` those that belong there, as soon as none or after a while."""
    deadline = time.perf_counter() + SETTLE_S
    while (left := len(world.processes()) - but) > 0 and time.perf_counter() < deadline:
        time.sleep(0.1)
    return max(0, left)


def _nothing(what: str, counts: Sequence[int]) -> Row:
    return Row(
        what=what,
        ours=", ".join(str(each) for each in counts),
        target="0",
        holds=not any(counts),
    )
