"""What thinking costs: the pattern alone, over the wire beside `status`, and on disk."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import rows_wire
import trio
from figures import Row, median, mib, ms, percentile
from world import cpu_s, open_world

from aimux.config import ClientContext, shared_loader
from aimux.engine import open_engine
from aimux.model import Settings, ThoughtId, ThoughtSession
from aimux.store import open_store
from aimux.think import PATTERNS, choose, code_of, placed, run, stored
from aimux.think._fields import bind
from aimux.times import utc_now
from aimux.tools import Client, Payload, ToolCall
from aimux.tools._open_tools import OpenTools
from aimux.tools._steps import QuietCaller
from tests.think.cases import CASES
from tests.think.more_cases import MORE

LIMIT_S: Final = 100e-6  # of one pattern
OVER_STATUS: Final = 1.5
KEPT: Final = 1_000  # sessions
LIMIT_BYTES: Final = 5 * 2**20
STEPS: Final = 6  # of a session
SAID: Final = "the cache is filled by the first request of a day, so the evening is measured"
STATELESS: Final[Mapping[str, object]] = {
    "pattern": "decision_framework",
    "prompt": "which database",
    "criteria": [{"name": "speed", "weight": 2}, "price"],
    "options": [
        {"name": "A", "scores": {"speed": 9, "price": 3}},
        {"name": "B", "scores": {"speed": 5, "price": 6}},
    ],
}


def thinking(*, is_quick: bool) -> list[Row]:
    """All patterns, calls over the wire, and what a thousand sessions and investigations take."""
    rows = _patterns(200 if is_quick else 2_000)
    for is_shim in (True, False):
        rows += _over_the_wire(is_shim=is_shim, turns=40 if is_quick else 160)
    with open_world() as world:
        directory = world.root / "kept"
        directory.mkdir()
        trio.run(_kept, directory)
        rows.append(_size_row(directory))
        rows += trio.run(_without_wire, world.root, 10 if is_quick else 60)
    return rows


# ------------------------------------------------------------------------------ patterns


def _patterns(runs: int) -> list[Row]:
    """Every pattern on a call with every field, its session before it."""
    took = {name: _one(name, runs) for name in PATTERNS}
    ordered = sorted(took, key=lambda name: took[name])
    slowest, middle = ordered[-1], ordered[len(ordered) // 2]
    over = [name for name in ordered if took[name] > LIMIT_S]
    return [
        Row(
            what=f"pattern function, the slowest of {len(took)}: {slowest}",
            ours=ms(took[slowest]),
            other=f"{ms(took[middle])} {middle}, the middle one",
            ratio=took[slowest] / took[middle],
            target="<= 100 us",
            holds=not over,
        )
    ]


def _one(name: str, runs: int) -> float:
    case = {**CASES, **MORE}[name]
    choice = choose(name)
    pattern = code_of(name)
    body: dict[str, Any] | None = {} if choice.is_stateful else None
    for each in case.get("before", []):
        session = run(choice, *placed(choice, each, ""), body).session
        body = stored(session) if session else body
    given = [bind(pattern.input, placed(choice, case["base"], "")[0])]
    if pattern.state is not None and body is not None:
        given.append(bind(pattern.state, body.get("states", {}).get(name, {})))
    return _middle(lambda: pattern.think(*given), runs)


def _middle(work: Callable[[], object], runs: int) -> float:
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


# ------------------------------------------------------------------------------ over the wire


class _Thoughts(rows_wire.Contestant):
    """A client that goes on with one session for a block, and then begins another."""

    def block(self, count: int, at_once: int) -> list[float]:
        begun = self.wire.call("think", pattern="sequential", thought=SAID)
        self.arguments = {
            "pattern": "sequential",
            "session_id": begun["session_id"],
            "thought": SAID,
        }
        return super().block(count, at_once)


def _over_the_wire(*, is_shim: bool, turns: int, alone: int = 25) -> list[Row]:
    """One call at a time: `status` of a finished job, a stateless and a stateful `think`."""
    called = "shim" if is_shim else "in-process"
    with open_world() as world:
        world.emulate("codex")
        status = rows_wire.Contestant(
            *rows_wire._with_job(world.serve(in_process=not is_shim), "handshake")
        )
        wire = status.wire
        stateless = rows_wire.Contestant(wire, "think", STATELESS)
        stateful = _Thoughts(wire, "think", {})
        commits: list[float] = []
        alone_in = world.root / "alone"
        alone_in.mkdir()
        body = _body()
        ring = (status, stateless, stateful)
        for each in ring:
            each.block(200, 1)
        pids = [wire.proc.pid, *([world.daemon_pid()] if is_shim else [])]
        spent: dict[rows_wire.Contestant, list[float]] = {each: [] for each in ring}
        for _ in range(turns):
            for each in ring:
                before = cpu_s(pids)
                each.sequential(alone)
                spent[each].append((cpu_s(pids) - before) / alone)
            commits.append(median(trio.run(_commits, alone_in, body, alone)))
        wire.end()
    what = f"{called}: one stateless `think` at a time"
    ratio = _ratio(stateless.middles, status.middles)
    more = median([a - b for a, b in zip(stateful.middles, stateless.middles, strict=True)])
    commit = median(commits)
    cpu = {each: median(values) for each, values in spent.items()}
    return [
        Row(
            what=what,
            ours=ms(median(stateless.middles)),
            other=f"{ms(median(status.middles))} `status`",
            ratio=ratio,
            target=f"<= {OVER_STATUS:g} x",
            holds=ratio <= OVER_STATUS,
        ),
        Row(
            what=f"{called}: one stateful `think` at a time, over a stateless one",
            ours=f"{ms(median(stateful.middles))}, +{ms(more)}",
            other=f"{ms(commit)} a commit of the store alone",
            ratio=more / commit,
            target="<= 1.5 x: a commit",
            holds=more <= OVER_STATUS * commit,
        ),
        *(
            Row(
                what=f"{called}: one {name} `think`, CPU a call",
                ours=ms(cpu[each]),
                other=f"{ms(cpu[status])} `status`",
                ratio=cpu[each] / cpu[status],
            )
            for name, each in (("stateless", stateless), ("stateful", stateful))
        ),
    ]


def _ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    return median([a / b for a, b in zip(mine, others, strict=True)])


async def _commits(directory: Path, body: dict[str, Any], count: int) -> list[float]:
    """Seconds of each commit of a session through the store alone: no wire, no pattern."""
    took = []
    kept = ThoughtId("thk_1")
    async with open_store(directory / "sessions.db", owner="bench") as store:
        await store.change_thought(None, lambda _: (_thought(kept, body), None))
        for _ in range(count):
            began = time.perf_counter()
            await store.change_thought(kept, lambda before: (before, None))
            took.append(time.perf_counter() - began)
        await store.forget_thought(kept)
    return took


# ------------------------------------------------------------------------------ without a wire


async def _without_wire(root: Path, rounds: int, alone: int = 25) -> list[Row]:
    """The same calls in this process, in turns: what a busy machine adds to a wire is not in it."""
    directory = root / "engine"
    directory.mkdir()
    own = ClientContext(cwd=root, env={})
    client = Client(name="bench", key="bench", cwd=root, env={})
    took: dict[str, list[float]] = {"stateless": [], "stateful": [], "commit": []}
    async with (
        open_store(directory / "sessions.db", owner="bench") as store,
        open_engine(
            settings=Settings(), store=store, state_dir=directory, loader=shared_loader(),
            own=own, owner="bench",
        ) as engine,
    ):  # fmt: skip
        runner = OpenTools(engine, dict).runner

        async def think(**given: object) -> Payload:
            call = ToolCall(name="think", arguments=given, client=client, caller=QuietCaller())
            answer = await runner.call(call)
            assert isinstance(answer, Payload)
            return answer

        for _ in range(rounds):
            begun = await think(pattern="sequential", thought=SAID)
            session_id = str(begun.body["session_id"])
            kept = ThoughtId(session_id)
            for _ in range(alone):
                began = time.perf_counter()
                await think(**STATELESS)
                first = time.perf_counter()
                await think(pattern="sequential", session_id=session_id, thought=SAID)
                second = time.perf_counter()
                await store.change_thought(kept, lambda before: (before, None))
                third = time.perf_counter()
                took["stateless"].append(first - began)
                took["stateful"].append(second - first)
                took["commit"].append(third - second)
    # not the middle: on a busy machine that is how long a thread waits for its turn
    stateless, stateful, commit = (percentile(each, 0.1) for each in took.values())
    return [
        Row(
            what="no wire: one stateless `think` among others, tenth percentile", ours=ms(stateless)
        ),
        Row(
            what="no wire: one stateful `think`, over a stateless one",
            ours=f"{ms(stateful)}, +{ms(stateful - stateless)}",
            other=f"{ms(commit)} a commit of the same session alone",
            ratio=(stateful - stateless) / commit,
            target="<= 1.5 x: a commit",
            holds=stateful - stateless <= OVER_STATUS * commit,
        ),
    ]


# ------------------------------------------------------------------------------ on disk


def _body() -> dict[str, Any]:
    """A session of six steps, as it is kept."""
    choice = choose("sequential_thinking")
    body: dict[str, Any] = {}
    for number in range(1, STEPS + 1):
        fields = {"thought": f"Step {number}: {SAID}", "totalThoughts": STEPS}
        session = run(choice, fields, (), body).session
        assert session is not None
        body = stored(session)
    return body


def _thought(thought_id: ThoughtId, body: dict[str, Any]) -> ThoughtSession:
    now = utc_now()
    return ThoughtSession(
        id=thought_id, pattern="sequential_thinking", client="bench", body=body, created_at=now,
        last_active_at=now,
    )  # fmt: skip


async def _kept(directory: Path) -> None:
    """Sessions of six steps in a store of their own."""
    body = _body()
    async with open_store(directory / "sessions.db", owner="bench") as store:
        for number in range(KEPT):
            value = _thought(ThoughtId(f"thk_01K00000000000000000{number:06}"), body)
            await store.change_thought(None, lambda _, value=value: (value, None))


def _size_row(directory: Path) -> Row:
    size = sum(each.stat().st_size for each in directory.iterdir() if each.is_file())
    return Row(
        what=f"{KEPT:,} sessions of think, {STEPS} steps each: the store",
        ours=mib(size),
        target="< 5 MiB",
        holds=size < LIMIT_BYTES,
    )
