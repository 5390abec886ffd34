"""What is on the wire, message by message."""

import pathlib

import pytest

from ..scripts import check_script
from .transcript import replay

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "protocol"


@pytest.mark.requirement("protocol:revisions")
@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_transcript_is_as_reviewed(name: str, update_golden: bool) -> None:
    """Each script in tests/golden/protocol gives the lines that were reviewed."""
    path = GOLDEN / f"{name}.txt"
    script = path.read_text(encoding="utf-8")

    said = replay(script)

    check_script(path, said, update=update_golden, is_whole=True)


def test_transcripts_exist() -> None:
    """An empty directory would be a test that passes by checking nothing."""
    assert len(list(GOLDEN.glob("*.txt"))) >= 8
