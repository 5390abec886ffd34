"""Odd lines of record dialects: indented arrays, long remarks, floods of refusals."""

import json

from aimux.dialects import open_dialect
from aimux.dialects._lines import MAX_REMARK_BYTES
from aimux.dialects._turn_state import MAX_OPEN_TOOLS
from aimux.model import Ended, Noise, Said, ToolUse

from .feeding import OUT, lines

RESULT = {"type": "result", "subtype": "success", "is_error": False, "result": "fine"}


def used(call_id: str) -> object:
    """A tool begins."""
    block = {"type": "tool_use", "id": call_id, "name": "Bash", "input": {}}
    return {"type": "assistant", "message": {"content": [block]}}


def failed(call_id: str) -> object:
    """A tool has failed."""
    block = {"type": "tool_result", "tool_use_id": call_id, "is_error": True, "content": "no"}
    return {"type": "user", "message": {"content": [block]}}


def test_an_indented_array_of_records_is_read() -> None:
    dialect = open_dialect("claude")
    said = dialect.feed(OUT, b"  [" + json.dumps(RESULT).encode() + b"]\n")

    assert [each for each in said if isinstance(each, Ended)]
    assert dialect.output.answer == "fine"


def test_a_long_line_that_is_no_record_is_noise_and_nothing_is_lost_behind_it() -> None:
    """Longer than a remark may be, shorter than what a record may be."""
    dialect = open_dialect("claude")
    said: list[Said] = dialect.feed(OUT, b"x" * (MAX_REMARK_BYTES + 1) + b"\n" + lines(RESULT))

    assert [each.line[:3] for each in said if isinstance(each, Noise)] == ["xxx"]
    assert dialect.output.answer == "fine"


def test_steps_are_tools_that_were_begun() -> None:
    dialect = open_dialect("claude")
    before = dialect.steps
    dialect.feed(OUT, lines(used("a"), used("b"), failed("a")))

    assert (before, dialect.steps) == (0, 2)


def test_refusals_are_remembered_up_to_a_bound() -> None:
    """A tool whose refusal was forgotten has failed, no more."""
    dialect = open_dialect("claude")
    names = [f"t{number}" for number in range(MAX_OPEN_TOOLS + 1)]
    refused = [
        {"type": "system", "subtype": "permission_denied", "tool_use_id": name} for name in names
    ]
    said = dialect.feed(OUT, lines(*refused, used("t0"), failed("t0")))
    said += dialect.feed(OUT, lines(used(names[-1]), failed(names[-1])))
    ends = [each for each in said if isinstance(each, ToolUse) and each.status != "started"]

    assert [each.status for each in ends] == ["denied", "failed"]
