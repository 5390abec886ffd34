"""What is played, in which order, on how many machines."""

import random
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import trio

from ._kills import play_kills
from ._machine import open_machine
from ._matrix import run_batch, warm
from ._scene import Skip
from ._scenes import PLAYS as SCENES
from ._table import FAMILIES, WAYS, Cell, Found, Table, is_chosen

KILLS: Final = "kill -9 at random moments"


@attrs.frozen(kw_only=True)
class Options:
    """What a run is asked for."""

    table: Table
    only: Sequence[str] = ()
    seed: int = 0
    rounds: int = 200
    limit_s: float = 2400.0
    machines: int = 2


@attrs.define(kw_only=True)
class Played:
    """What came of it."""

    found: dict[Cell, Found] = attrs.field(factory=dict)
    not_run: list[Cell] = attrs.field(factory=list)
    skipped: dict[Cell, str] = attrs.field(factory=dict)
    took_s: float = 0.0


@attrs.frozen(kw_only=True)
class Batch:
    """Cells that are played side by side: one fault in one way."""

    fault: str
    way: str
    families: tuple[str, ...]

    def cells(self) -> Iterator[Cell]:
        """The cells."""
        yield from (Cell(self.fault, family, self.way) for family in self.families)


def batches(options: Options) -> list[Batch]:
    """Every fault of the table in every way, for every family; what kills the daemon comes last."""
    faults = list(dict.fromkeys(row.fault for row in options.table.rows))
    found = []
    for way in WAYS:
        for fault in faults:
            if any(row.ways[0] in WAYS for row in options.table.rows if row.fault == fault):
                cells = [Cell(fault, family, way) for family in FAMILIES]
                chosen = tuple(cell.family for cell in cells if is_chosen(cell, options.only))
                if chosen:
                    found.append(Batch(fault=fault, way=way, families=chosen))
    return found


def play(options: Options) -> Played:
    """Play all that is asked for; what there is no time for is told."""
    return trio.run(_play, options)


async def _play(options: Options) -> Played:
    played = Played()
    begun = trio.current_time()
    deadline = begun + options.limit_s
    todo = batches(options)
    async with trio.open_nursery() as nursery:
        for machine in range(options.machines):
            mine = todo[machine :: options.machines]
            nursery.start_soon(partial(_play_machine, options, played, mine, machine, deadline))
    chosen = [
        cell
        for cell in options.table.cells()
        if is_chosen(cell, options.only) and cell.way not in WAYS
    ]
    for fault in dict.fromkeys(cell.fault for cell in chosen if cell.fault != KILLS):
        cells = [cell for cell in chosen if cell.fault == fault]
        if trio.current_time() > deadline:
            played.not_run += cells
            continue
        try:
            found = await SCENES[fault](options.seed)
        except Skip as reason:
            played.skipped |= dict.fromkeys(cells, str(reason))
            continue
        except Exception as error:  # noqa: BLE001  # the other scenes are played all the same
            found = _broken(cells, error)
        _tell(fault, found)
        played.found |= found
        played.found |= {
            cell: Found(end="was not looked at") for cell in cells if cell not in found
        }
    if kills := [cell for cell in chosen if cell.fault == KILLS]:
        found = await play_kills(KILLS, options.seed, options.rounds, options.machines, deadline)
        _tell(KILLS, found)
        played.found |= found
        played.not_run += [cell for cell in kills if cell not in found]
    played.took_s = trio.current_time() - begun
    return played


async def _play_machine(
    options: Options, played: Played, todo: Sequence[Batch], number: int, deadline: float
) -> None:
    if not todo:
        return
    chance = random.Random(options.seed * 100 + number)
    families = sorted({family for batch in todo for family in batch.families})
    with open_machine(chance.randrange(1 << 30), families) as machine:
        before = await warm(machine, options.table, families)
        for batch in todo:
            if trio.current_time() > deadline:
                played.not_run += batch.cells()
                continue
            try:
                found = await run_batch(
                    machine, options.table, batch.fault, batch.way, batch.families, before
                )
            except Exception as error:  # noqa: BLE001  # the other batches are played all the same
                found = _broken(batch.cells(), error)
            _tell(f"{batch.fault} / {batch.way}", found)
            played.found |= found


def _broken(cells: Iterable[Cell], error: BaseException) -> dict[Cell, Found]:
    """Cells whose run came to no end because of an exception, which is printed."""
    traceback.print_exception(error)
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return {cell: Found(end="broken", bug=f"{type(leaf).__name__}: {leaf}"[:300]) for cell in cells}


def _tell(name: str, found: Mapping[Cell, Found]) -> None:
    took = max([each.took_s for each in found.values()], default=0.0)
    print(f"  {name}: {len(found)} cells, {took:.1f} s", flush=True)
