"""What a client feels: start-up, calls, memory; ours beside the SDKs' servers and bare floors."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import install
from figures import Row, median, mib, ms, percentile, unmeasured
from world import Wire, World, cpu_s, open_world, rss, spawn_s

PEERS = {
    "typescript": "typescript_sdk",
    "python": "python_sdk",
    "fastmcp": "fastmcp",
    "trio floor": "floor_trio",
    "blocking floor": "floor_blocking",
}
SLOW = ("python", "fastmcp")  # asked less often, and not one at a time: no row shows that
ECHO = {"text": "hello"}


def peers(names: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Commands of the peers that can be had, and why others cannot."""
    found, lacking = {}, {}
    for name in names:
        try:
            found[name] = install.command(PEERS[name])
        except install.Missing as problem:
            lacking[name] = str(problem)
    return found, lacking


# ------------------------------------------------------------------------------ start-up


def startup(*, is_quick: bool) -> list[Row]:
    """From spawn to the list of tools, and from the end of input or SIGTERM to the exit."""
    rounds = 5 if is_quick else 25
    commands, lacking = peers(["typescript", "python", "trio floor"])
    took: dict[str, list[float]] = {}
    with open_world() as world:
        keeper = world.serve(in_process=False)  # the daemon is there and has a client
        keeper.greet()

        def served(name: str, wire: Wire) -> None:
            at = wire.greet()
            took.setdefault(name, []).append(at - wire.started)
            took.setdefault(f"{name} exit", []).append(wire.end())

        def signalled(name: str, *, in_process: bool) -> None:
            wire = world.serve(in_process=in_process)
            wire.greet()
            took.setdefault(f"{name} SIGTERM", []).append(wire.terminate())

        steps: list[Callable[[], None]] = [
            lambda: took.setdefault("pass", []).append(_spawned(world, "pass")),
            lambda: served("warm", world.serve(in_process=False)),
            lambda: took.setdefault("trio", []).append(_spawned(world, "import trio")),
            lambda: served("cold", world.serve(in_process=True)),
            lambda: signalled("warm", in_process=False),
            lambda: signalled("cold", in_process=True),
            *[lambda n=n, c=c: served(n, world.start(c)) for n, c in commands.items()],
        ]
        for _ in range(rounds + 1):
            for step in steps:
                step()
    runs = {name: values[1:] for name, values in took.items()}  # the first compiles
    rows = [
        _within(
            "`aimux` to `tools/list`, daemon warm", runs, "warm", "pass", 2.0, "python -c pass"
        ),
        _within("the same", runs, "warm", "typescript", 0.2, "TypeScript SDK", lacking),
        _within("in-process, cold", runs, "cold", "trio", 1.7, "import trio"),
        _within("the same", runs, "cold", "python", 0.5, "Python SDK", lacking),
    ]
    for name, called in (("warm", "shim"), ("cold", "in-process")):
        for cause, key in (("end of input", "exit"), ("SIGTERM", "SIGTERM")):
            ours, floor = (median(runs[each]) for each in (f"{name} {key}", "trio floor exit"))
            rows.append(
                Row(
                    what=f"{called}: {cause} to exit, idle",
                    ours=ms(ours),
                    other=f"{ms(floor)} bare Trio",
                    ratio=ours / floor,
                    target="<= 150 ms",
                    holds=ours <= 0.150,
                )
            )
    return rows


def _spawned(world: World, code: str) -> float:
    return spawn_s(code, world.env)


def _within(
    what: str,
    runs: Mapping[str, Sequence[float]],
    ours: str,
    other: str,
    limit: float,
    called: str,
    lacking: Mapping[str, str] | None = None,
) -> Row:
    if other not in runs:
        return unmeasured(f"{what} / {called}", (lacking or {})[other])
    ratio = median([a / b for a, b in zip(runs[ours], runs[other], strict=True)])
    return Row(
        what=what,
        ours=ms(median(runs[ours])),
        other=f"{ms(median(runs[other]))} {called}",
        ratio=ratio,
        target=f"<= {limit:g} x",
        holds=ratio <= limit,
    )


# ------------------------------------------------------------------------------ calls


class Contestant:
    """A server that is asked again and again, in turns with the others."""

    def __init__(
        self, wire: Wire, tool: str, arguments: Mapping[str, object], more_pids: Sequence[int] = ()
    ) -> None:
        self.wire = wire
        self.tool = tool
        self.arguments = arguments
        self.pids = [wire.proc.pid, *more_pids]
        self.latencies: list[float] = []
        self.middles: list[float] = []  # one per block
        self.rates: list[float] = []
        self.cpu: list[float] = []

    def block(self, count: int, at_once: int) -> list[float]:
        return self.wire.calls(self.tool, [self.arguments] * count, at_once=at_once)

    def sequential(self, count: int) -> None:
        took = self.block(count, 1)
        self.latencies += took
        self.middles.append(median(took))

    def pipelined(self, count: int) -> None:
        cpu, began = cpu_s(self.pids), time.perf_counter()
        self.block(count, 64)
        self.rates.append(count / (time.perf_counter() - began))
        self.cpu.append((cpu_s(self.pids) - cpu) / count)


def calls(*, is_quick: bool) -> list[Row]:
    """`status` of a finished job, one at a time and 64 in flight, in both eras."""
    rows: list[Row] = []
    for era in ("handshake", "modern"):
        rows += _calls_of(era, is_quick=is_quick)
    return rows


def _calls_of(era: str, *, is_quick: bool) -> list[Row]:
    # one at a time in short turns: what the machine does meanwhile lasts longer than a turn
    turns, alone = (40, 25) if is_quick else (160, 50)
    rounds, flying = (5, 1_500) if is_quick else (15, 4_000)
    wanted = ["typescript", "python", "trio floor", "blocking floor"]
    commands, lacking = peers(wanted if is_quick else [*wanted, "fastmcp"])
    with open_world() as world, open_world() as other:
        for each in (world, other):
            each.emulate("codex")
        shim, own = world.serve(in_process=False), other.serve(in_process=True)
        ring = {
            "shim": Contestant(*_with_job(shim, era), more_pids=[world.daemon_pid()]),
            "in-process": Contestant(*_with_job(own, era)),
        }
        for name, command in commands.items():
            wire = world.start(command)
            wire.greet(era)
            ring[name] = Contestant(wire, "echo", ECHO)
        path = world.root / "floor"
        floor = [sys.executable, str(install.HERE / "peers" / "floor_relay.py")]
        serving = subprocess.Popen(
            [*floor, "--serve", str(path)], env=world.env, start_new_session=True
        )
        try:
            while not path.exists():
                time.sleep(0.05)
            wire = world.start([*floor, str(path)])
            wire.greet(era)
            ring["relay floor"] = Contestant(wire, "echo", ECHO, [serving.pid])
            for each in ring.values():
                each.block(1_000, 64)  # warm: Node compiles what is hot
            asked = {name: each for name, each in ring.items() if name not in SLOW}
            for _ in range(turns):
                for each in asked.values():
                    each.sequential(alone)
            for _ in range(rounds):
                for name, each in ring.items():
                    each.pipelined(flying // 10 if name in SLOW else flying)
        finally:
            serving.kill()
            serving.wait()
        rows = _sequential_rows(era, ring, lacking) + _flying_rows(era, ring, lacking)
        for each in ring.values():
            each.wire.end()
    return rows


def _with_job(wire: Wire, era: str) -> tuple[Wire, str, dict[str, object]]:
    """A server with a finished job, and the call that asks for it."""
    wire.greet(era)
    body = wire.call("exec", prompt="say hello", cli="codex")
    assert body["status"] == "completed", body
    return wire, "status", {"job_id": body["job_id"]}


def _sequential_rows(
    era: str, ring: Mapping[str, Contestant], lacking: Mapping[str, str]
) -> list[Row]:
    rows = []
    for ours in ("shim", "in-process"):
        mine = ring[ours]
        what = f"{era}, {ours}: one `status` at a time"
        if "typescript" in ring:
            rows.append(_against(what, mine.middles, ring["typescript"].middles, "TypeScript SDK"))
        else:
            rows.append(unmeasured(f"{what} / TypeScript SDK", lacking["typescript"]))
        floor = "relay floor" if ours == "shim" else "trio floor"
        rows.append(_against(what, mine.middles, ring[floor].middles, floor, has_target=False))
        p99, floor_p99 = (percentile(each.latencies, 0.99) for each in (mine, ring[floor]))
        rows.append(
            Row(
                what=f"{what}, p99",
                ours=ms(p99),
                other=f"{ms(floor_p99)} {floor}",
                ratio=p99 / floor_p99,
                target="< 1 ms",
                holds=p99 < 0.001,
            )
        )
    return rows


def _against(
    what: str,
    mine: Sequence[float],
    others: Sequence[float],
    called: str,
    *,
    has_target: bool = True,
) -> Row:
    """Blocks were taken in turns: the ratio is the middle one of theirs."""
    ratio = median([a / b for a, b in zip(mine, others, strict=True)])
    return Row(
        what=what,
        ours=ms(median(mine)),
        other=f"{ms(median(others))} {called}",
        ratio=ratio,
        target="<= 1 x" if has_target else "",
        holds=ratio <= 1 if has_target else None,
    )


def _flying_rows(era: str, ring: Mapping[str, Contestant], lacking: Mapping[str, str]) -> list[Row]:
    rows = []
    goals = {"python": 15.0, "typescript": 1.0, "fastmcp": None, "relay floor": None}
    for ours in ("shim", "in-process"):
        mine = ring[ours]
        what = f"{era}, {ours}: 64 in flight"
        for name, goal in goals.items():
            if name in lacking:
                rows.append(unmeasured(f"{what} / {name}", lacking[name]))
            if name not in ring:
                continue
            other = ring[name]
            ratio = median([a / b for a, b in zip(mine.rates, other.rates, strict=True)])
            rows.append(
                Row(
                    what=what,
                    ours=f"{median(mine.rates):.0f}/s",
                    other=f"{median(other.rates):.0f}/s {name}",
                    ratio=ratio,
                    target=f">= {goal:g} x" if goal else "",
                    holds=ratio >= goal if goal else None,
                )
            )
        other_name = "typescript" if "typescript" in ring else "relay floor"
        cpu, their_cpu = median(mine.cpu), median(ring[other_name].cpu)
        rows.append(
            Row(
                what=f"{what}, CPU a call",
                ours=ms(cpu),
                other=f"{ms(their_cpu)} {other_name}",
                ratio=cpu / their_cpu,
            )
        )
    return rows


# ------------------------------------------------------------------------------ memory


def memory(*, is_quick: bool) -> list[Row]:
    """Resident size after 10,000 calls with no job running, and what it grew by."""
    count = 10_000
    del is_quick
    rows = []
    with open_world() as world, open_world() as other:
        for each in (world, other):
            each.emulate("codex")
        shim = Contestant(*_with_job(world.serve(in_process=False), "handshake"))
        own = Contestant(*_with_job(other.serve(in_process=True), "handshake"))
        floor_command, _ = peers(["trio floor"])
        floor_wire = world.start(floor_command["trio floor"])
        floor_wire.greet()
        floor = Contestant(floor_wire, "echo", ECHO)
        sizes = {}
        measured = {
            "daemon": (shim, world.daemon_pid()),
            "in-process": (own, own.wire.proc.pid),
            "shim": (shim, shim.wire.proc.pid),
            "floor": (floor, floor_wire.proc.pid),
        }
        for each in (shim, own, floor):
            each.block(1_000, 64)
        before = {name: rss(pid) for name, (_, pid) in measured.items()}
        for each in (shim, own, floor):
            each.block(count, 64)
        sizes = {name: rss(pid) for name, (_, pid) in measured.items()}
        bare = sizes["floor"]
        for name in ("daemon", "in-process", "shim"):
            rows.append(
                Row(
                    what=f"{name}: resident after {count:,} calls",
                    ours=mib(sizes[name]),
                    other=f"{mib(bare)} bare Trio",
                    ratio=sizes[name] / bare,
                    target="<= 45 MiB",
                    holds=sizes[name] <= 45 * 2**20,
                )
            )
            grown = sizes[name] - before[name]
            rows.append(
                Row(
                    what=f"{name}: growth over them",
                    ours=mib(grown),
                    other=f"{mib(bare - before['floor'])} bare Trio",
                    target="< 1 MiB",
                    holds=grown < 2**20,
                )
            )
        for each in (shim, own, floor):
            each.wire.end()
    return rows
