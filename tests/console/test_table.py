"""Tables that fit."""

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from aimux.console._table import Column, lay_out

COLUMNS = (
    Column("job"),
    Column("status", flex=6),
    Column("model", drop=1),
    Column("age", drop=3),
    Column("prompt", flex=8, drop=2),
    Column("directory", flex=8, keeps_end=True, drop=2),
)
ROWS = [
    ("job_01ABC", "completed", "gpt-5", "3m", "Review the last commit", "/home/me/code/project"),
    ("job_02DEF", "failed", "", "2d", "", "/srv"),
]


def test_without_a_width_everything_is_there() -> None:
    """A pipe has none."""
    head, rule, first, second = lay_out(COLUMNS, ROWS, None)

    assert head.split() == ["job", "status", "model", "age", "prompt", "directory"]
    assert rule == "─" * len(first)
    assert first.split("  ")[-1] == "/home/me/code/project"
    assert second.endswith("/srv")
    assert "…" not in "".join((head, first, second))


@pytest.mark.parametrize(
    ("width", "titles", "first"),
    [
        (
            74,
            "job status model age prompt directory",
            "job_01ABC  completed  gpt-5  3m   Review th",
        ),
        (46, "job status age prompt directory", "job_01ABC  completed  3m   Review …  …/project"),
        (45, "job status age prompt directory", "job_01ABC  complet…  3m   Review …  …/project"),
        (33, "job status age directory", "job_01ABC  compl…  3m   …/project"),
        (22, "job status age", "job_01ABC  compl…  3m"),
        (17, "job status", "job_01ABC  compl…"),
        (5, "job status", "job_01ABC  compl…"),
    ],
)
def test_columns_go_in_their_order(width: int, titles: str, first: str) -> None:
    """What must be whole stays, also where there is no room."""
    head, _, row, _ = lay_out(COLUMNS, ROWS, width)

    assert " ".join(head.split()) == titles
    assert row.startswith(first)


def test_an_empty_column_goes_first() -> None:
    """Nothing is lost with it."""
    columns = (Column("id"), Column("role", drop=9), Column("prompt", flex=4, drop=1))
    head, *_ = lay_out(columns, [("1", "", "words")], 10)

    assert head.split() == ["id", "prompt"]


def test_wide_characters_count_twice() -> None:
    """And are not halved."""
    *_, cut, whole = lay_out((Column("a", flex=4), Column("b")), [("日本語", "x"), ("日", "y")], 8)

    assert cut == "日本…  x"
    assert whole == "日     y"


words = st.text(st.sampled_from("abc 日é…"), max_size=30)
shapes = st.builds(
    Column,
    title=words,
    flex=st.integers(0, 12),
    drop=st.integers(0, 3),
    keeps_end=st.booleans(),
)


@given(st.data(), st.lists(shapes, min_size=1, max_size=6), st.integers(1, 80))
def test_no_line_is_wider_and_what_is_cut_says_so(
    data: st.DataObject, columns: list[Column], width: int
) -> None:
    """Whatever the columns are."""
    row = data.draw(st.tuples(*[words for _ in columns]))
    *_, line = lay_out(columns, [row], width)
    must = [
        max(cell_len(column.title), min(column.flex or 80, cell_len(cell)))
        for column, cell in zip(columns, row, strict=True)
        if not column.drop
    ]

    assert cell_len(line) <= max(width, sum(must) + 2 * max(0, len(must) - 1))
    for column, cell in zip(columns, row, strict=True):
        if not column.drop and not column.flex:
            assert cell.rstrip() in line
