"""The gate of the mutants: rooms and all together have a floor."""

import json
from pathlib import Path

import pytest

from ..mutation.run import FLOOR, ROOMS, judge, main, overall


def test_the_rooms_of_the_gate_are_all_pure_and_have_tests() -> None:
    """One list: the workflow reads it too."""
    root = Path(__file__).resolve().parents[2]

    assert all((root / "aimux" / room).is_dir() for room in ROOMS)
    assert all((root / "tests" / room).is_dir() for room in ROOMS)
    assert set(ROOMS.values()) == {0.80}
    assert FLOOR == 0.75


def test_the_list_is_printed_for_the_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    """As its matrix takes it."""
    assert main(["--rooms"]) == 0
    assert json.loads(capsys.readouterr().out) == list(ROOMS)


@pytest.mark.parametrize(
    ("noticed", "every", "is_enough"), [(80, 100, True), (79, 100, False), (0, 0, False)]
)
def test_a_room_below_its_floor_fails(noticed: int, every: int, is_enough: bool) -> None:
    """As does one without any mutant."""
    assert judge("rules", noticed, every, 0.80) is is_enough


def test_all_rooms_together_have_a_floor(tmp_path: Path) -> None:
    """A room that left no counts fails too."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / f"{room}.json").write_text("[75, 100]", encoding="utf-8")

    assert overall(tmp_path) == 0

    (tmp_path / "rules" / "rules.json").write_text("[74, 100]", encoding="utf-8")
    assert overall(tmp_path) == 1

    (tmp_path / "rules" / "rules.json").unlink()
    assert overall(tmp_path) == 1
