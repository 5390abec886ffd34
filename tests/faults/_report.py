"""What a run prints, and whether all of it is as expected."""

from collections import Counter
from collections.abc import Mapping

from ._play import Played
from ._table import Cell, Table, Trouble, judge

SHORT = {
    Trouble.HANG: "HANG",
    Trouble.LEAK: "LEAK",
    Trouble.LOSS: "LOSS",
    Trouble.WRONG_SUCCESS: "WRONG SUCCESS",
    Trouble.WRONG_END: "end",
    Trouble.SLOW: "slow",
    Trouble.BUG: "BUG",
    Trouble.NO_ROW: "no row",
    Trouble.NOT_RUN: "not run",
}


def judge_all(table: Table, played: Played) -> Mapping[Cell, Mapping[Trouble, str]]:
    """What is wrong with each cell that is not as it should be."""
    wrong: dict[Cell, Mapping[Trouble, str]] = {}
    for cell, found in played.found.items():
        if troubles := judge(table.row(cell), found):
            wrong[cell] = troubles
    for cell in played.not_run:
        wrong[cell] = {Trouble.NOT_RUN: "there was no time left"}
    return wrong


def _alike(
    wrong: Mapping[Cell, Mapping[Trouble, str]],
) -> Mapping[tuple[str, str, Trouble, str], list[str]]:
    """The families of each trouble: what is left of a batch is left of all its cells."""
    found: dict[tuple[str, str, Trouble, str], list[str]] = {}
    for cell, troubles in sorted(wrong.items()):
        for kind, words in troubles.items():
            found.setdefault((cell.fault, cell.way, kind, words), []).append(cell.family)
    return found


def print_report(table: Table, played: Played) -> int:
    """Print the table, then every trouble; 1 if there is any."""
    wrong = judge_all(table, played)
    cells = sorted({*played.found, *played.not_run, *played.skipped})
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    width = max([len(fault) for fault in faults], default=5)
    print(f"\n{'fault'.ljust(width)}  cells  longest  troubles")
    for fault in faults:
        ours = [cell for cell in cells if cell.fault == fault]
        took = max([played.found[cell].took_s for cell in ours if cell in played.found], default=0)
        counts = Counter(SHORT[kind] for cell in ours for kind in wrong.get(cell, ()))
        said = ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "-"
        skipped = {played.skipped[cell] for cell in ours if cell in played.skipped}
        said += "".join(f" (skipped: {reason})" for reason in sorted(skipped))
        print(f"{fault.ljust(width)}  {len(ours):5}  {took:5.1f} s  {said}")
    for (fault, way, kind, words), families in _alike(wrong).items():
        print(f"\n{fault} / {' '.join(families)} / {way}\n    {SHORT[kind]}: {words}")
    total = Counter(kind for troubles in wrong.values() for kind in troubles)
    kinds = (Trouble.HANG, Trouble.LEAK, Trouble.LOSS, Trouble.WRONG_SUCCESS)
    print(
        f"\n{len(cells)} cells in {played.took_s / 60:.1f} min, {len(played.skipped)} skipped; ",
        end="",
    )
    print(", ".join(f"{kind}: {total[kind]}" for kind in kinds), end="; ")
    print(f"otherwise wrong: {sum(total.values()) - sum(total[kind] for kind in kinds)}")
    return 1 if wrong else 0
