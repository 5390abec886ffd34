"""The table of faults is whole, its judge is strict, and a slice of what it says holds."""

from collections import Counter
from pathlib import Path

import pytest

from emulators.faults import KNOWN

from ..faults._leftovers import Count
from ..faults._play import KILLS, Options, batches, play
from ..faults._report import judge_all
from ..faults._scenes import PLAYS as SCENES
from ..faults._table import (
    FAMILIES,
    WAYS,
    Cell,
    Found,
    Table,
    Trouble,
    judge,
    parse_row,
    read_table,
)

EXPECTED = Path(__file__).parents[1] / "faults" / "expected.txt"
ROW = parse_row(
    "quota | all but crush | sync | 9 | failed quota/x or partial quota/x | 20 | nothing"
)
SLICE = (
    "hang_before; ignore_term; ignore_int/crush/kill",
    "hang_before; ignore_term; ignore_int/crush/daemon",
    "double_fork 600/codex/sync",
    "double_fork 600/codex/cancel",
    "second_result 1/claude/async",
    "exit0_error/goose/sync",
)


@pytest.fixture(scope="module")
def table() -> Table:
    """What is expected."""
    return read_table(EXPECTED)


def test_each_cell_has_one_row(table: Table) -> None:
    """Every fault for every family in every way; a cell that two rows claim has none."""
    faults = {cell.fault for cell in table.cells() if cell.way in WAYS}
    cells = [Cell(fault, family, way) for fault in faults for family in FAMILIES for way in WAYS]
    twice = [cell for cell, number in Counter(table.cells()).items() if number > 1]

    assert [cell for cell in cells if table.row(cell) is None] == []
    assert twice == []


def test_a_run_plays_every_cell_of_the_table(table: Table) -> None:
    """And where a pattern is given those that have it."""
    played = [cell for batch in batches(Options(table=table)) for cell in batch.cells()]
    chosen = batches(Options(table=table, only=["quota/codex/k"]))

    assert set(played) == {cell for cell in table.cells() if cell.way in WAYS}
    assert [cell for batch in chosen for cell in batch.cells()] == [Cell("quota", "codex", "kill")]


def test_every_fault_of_the_emulators_is_played(table: Table) -> None:
    """But for those that are no fault of a CLI's: questions, steps that only some can count."""
    scripts = {cell.fault for cell in table.cells() if cell.way in WAYS}
    named = {part.split()[0] for script in scripts for part in script.split(";")}

    assert set(KNOWN) - named == {"ask", "endless_steps", "fail_first"}


def test_every_scene_has_rows_and_every_row_a_scene(table: Table) -> None:
    """What goes badly around the daemon is in the table by the name it is played by."""
    named = {cell.fault for cell in table.cells() if cell.way not in WAYS}

    assert named == {*SCENES, KILLS}


def test_whatever_there_is_more_of_is_a_leftover() -> None:
    """Descriptors only of the same daemon: the next one has its own."""
    before = Count(pid=1, descriptors=Counter(socket=2), files=Counter(["state/tmp/own_ULID"]))
    same = Count(pid=1, descriptors=Counter(socket=4, pipe=1), zombies=1, processes=("7 sleep",))
    other = Count(pid=2, descriptors=Counter(socket=9), files=Counter(["tmp/prompt-a.md"]))

    assert before.more_than(before) == ()
    assert same.more_than(before) == (
        *("process 7 sleep", "1 zombies"),
        *("1 descriptors of pipe", "2 descriptors of socket"),
    )
    assert other.more_than(before) == ("file tmp/prompt-a.md",)


@pytest.mark.parametrize(
    ("found", "troubles"),
    [
        (Found(end="failed quota/x", took_s=1), set()),
        (Found(end="hang", took_s=60), {Trouble.HANG}),
        (Found(end="completed"), {Trouble.WRONG_SUCCESS}),
        (Found(end="timed_out"), {Trouble.WRONG_END}),
        (Found(end="failed quota/x", took_s=21), {Trouble.SLOW}),
        (Found(end="failed quota/x", left=("2 zombies",)), {Trouble.LEAK}),
        (Found(end="failed quota/x", lost="job_1"), {Trouble.LOSS}),
        (Found(end="failed quota/x", bug="Traceback"), {Trouble.BUG}),
        (Found(end="failed quota/x + partial x/y"), {Trouble.WRONG_END}),
    ],
)
def test_what_is_not_as_the_row_says_is_a_trouble(found: Found, troubles: set[Trouble]) -> None:
    """By its kind; an end of several calls is right where one end of the row has all of them."""
    assert set(judge(ROW, found)) == troubles


def test_a_cell_without_a_row_fails() -> None:
    """However well it ended."""
    assert not ROW.stands_for(Cell("quota", "crush", "sync"))
    assert set(judge(None, Found(end="completed"))) == {Trouble.NO_ROW}


def test_a_line_that_is_no_row_is_refused(tmp_path: Path) -> None:
    """With its number."""
    path = tmp_path / "table.txt"
    path.write_text("# what\nquota | all\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"table.txt:2: 2 columns instead of 7"):
        read_table(path)


@pytest.mark.slow
def test_a_slice_of_the_faults_ends_as_the_table_says(table: Table) -> None:
    """Stubborn, forked away, ended twice, failed with exit 0; called, cancelled, killed."""
    options = Options(table=table, only=SLICE, seed=1, machines=1, limit_s=300)
    played = play(options)

    assert judge_all(table, played) == {}
    assert len(played.found) == len(SLICE)


@pytest.mark.slow
def test_two_rounds_of_kill_9_keep_what_was_acknowledged(table: Table) -> None:
    """And leave nothing."""
    options = Options(table=table, only=[KILLS], seed=1, rounds=2, machines=1, limit_s=300)
    played = play(options)

    assert judge_all(table, played) == {}
    assert len(played.found) == 1
