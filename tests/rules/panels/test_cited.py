"""Evidence that CLIs give in JSON."""

import jsonschema
import pytest

from aimux.model import SourcePlace
from aimux.rules.panels import EVIDENCE_SCHEMA, read_places


def test_what_fits_the_schema_is_read() -> None:
    """Lines and quotes may be left out."""
    raw = [{"path": "a.py", "line": 3, "end_line": 9, "quote": " x = 1 "}, {"path": "b.py"}]
    jsonschema.Draft202012Validator(EVIDENCE_SCHEMA).validate(raw)

    assert read_places(raw) == [
        SourcePlace(path="a.py", line=3, end_line=9, quote="x = 1"),
        SourcePlace(path="b.py"),
    ]


@pytest.mark.parametrize("raw", [None, 7, [], ["a.py:3"], [None]])
def test_what_does_not_is_passed_over(raw: object) -> None:
    """It is nobody's evidence."""
    assert read_places(raw) == []


@pytest.mark.parametrize("line", [0, -1, True, "3", 1.5, None])
def test_a_line_is_a_number_from_one(line: object) -> None:
    """Anything else names the whole file."""
    assert read_places([{"path": "a.py", "line": line}]) == [SourcePlace(path="a.py")]


def test_of_many_places_the_first_count() -> None:
    """A list without end costs no reading without end."""
    assert len(read_places([{"path": "a.py"}] * 1_000)) == 20
