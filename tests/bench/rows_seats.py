"""What asking several at once costs over the slowest of them, and what it leaves behind."""

import subprocess
import time
from pathlib import Path

import mcp_bench
from figures import Row, median, ms
from world import Wire, World, open_world

WAITS_S = (0.2, 0.5, 1.0, 1.5, 2.0)
AT_ONCE = 30
SAYS = """read -r line; cat >/dev/null; sleep {wait}
echo '{{"position": "Yes, it is.", "answer": "yes", "claims": []}}'"""


def panels(*, is_quick: bool) -> list[Row]:
    """A blind round of five shell children, and thirty such rounds at once."""
    with open_world(
        max_concurrent_jobs=AT_ONCE,
        max_concurrent_turns=AT_ONCE,
        max_turns_per_cli=0,
        max_queued_jobs=500,
    ) as world:
        programs = [
            world.cli(f"says{number}", SAYS.format(wait=wait))
            for number, wait in enumerate(WAITS_S)
        ]
        world.cli("quick", SAYS.format(wait=0))
        wire = world.serve(in_process=False)
        wire.greet()
        rows = [_five(world, wire, programs, 2 if is_quick else 5), _leftovers(world, wire)]
        wire.end()
    return rows


def _five(world: World, wire: Wire, programs: list[Path], runs: int) -> Row:
    told = {"prompt": "Is it?", "clis": [each.name for each in programs], "wait_seconds": 60}
    wire.call("consensus", **told)  # versions are known then
    took, bare = [], []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(
            [str(programs[-1])], input=b"Is it?\n", env=world.env, stdout=subprocess.DEVNULL,
            cwd=world.project, start_new_session=True, check=True,
        )  # fmt: skip
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        body = wire.call("consensus", **told)
        took.append(time.perf_counter() - began)
        if body["status"] != "completed" or body["data"]["tally"]["agreement"] != 1:
            raise mcp_bench.BenchError(f"they should agree: {body}")
    slowest, ours = median(bare), median(took)
    return Row(
        what="consensus of five, blind, the slowest takes 2 s",
        ours=ms(ours),
        other=f"{ms(slowest)} the slowest bare",
        ratio=ours / slowest,
        target="<= x 1.05 + 50 ms",
        holds=ours <= slowest * 1.05 + 0.05,
    )


def _leftovers(world: World, wire: Wire) -> Row:
    """Processes and files that thirty strategies at once leave."""
    told = {"prompt": "Is it?", "clis": ["quick"] * 3, "wait_seconds": 120}
    wire.call("consensus", **told)
    before = _files(world), set(world.processes())
    wire.calls("consensus", [told] * AT_ONCE, at_once=AT_ONCE)
    after = _files(world), set(world.processes())
    files, processes = after[0] - before[0], after[1] - before[1]
    return Row(
        what=f"{AT_ONCE} strategies at once: processes and files left",
        ours=f"{len(processes)} and {len(files)}",
        target="0 and 0",
        holds=not files and not processes,
    )


def _files(world: World) -> set[Path]:
    """Every file of this world but the logs of jobs, which are kept."""
    return {
        path for path in world.root.rglob("*")
        if path.is_file() and "spool" not in path.parts and not path.name.startswith("aimux.log")
    }  # fmt: skip
