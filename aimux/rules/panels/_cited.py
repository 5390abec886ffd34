"""Evidence as CLIs are asked to give it in JSON, and reading it."""

from collections.abc import Mapping, Sequence
from typing import Final

from aimux.model import SourcePlace

MAX_CITED: Final = 20  # places of one claim that are looked at

EVIDENCE_SCHEMA: Final[Mapping[str, object]] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "line": {"type": ["integer", "null"]},
            "end_line": {"type": ["integer", "null"]},
            "quote": {"type": ["string", "null"]},
        },
        "required": ["path"],
    },
}


def read_places(raw: object) -> list[SourcePlace]:
    """The places of a value that should fit `EVIDENCE_SCHEMA`; what does not is passed over."""
    return [
        SourcePlace(
            path=str(each.get("path", "")),
            line=_whole(each.get("line")),
            end_line=_whole(each.get("end_line")),
            quote=str(each.get("quote") or "").strip(),
        )
        for each in (raw if isinstance(raw, Sequence) else ())[:MAX_CITED]
        if isinstance(each, Mapping)
    ]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
