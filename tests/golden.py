"""Texts pinned in `tests/golden`: compared, or written by `--update-golden` for review."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from aimux.model import Report

GOLDEN: Final = Path(__file__).parent / "golden"


def pinned(name: str, text: str, *, update: bool) -> str:
    """What stands in the golden file of this name, after it was written where that is wanted."""
    path = GOLDEN / name
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def record_of(report: Report) -> str:
    """All of a report but its content, as JSON for reading."""
    failure = None if report.failure is None else attrs.asdict(report.failure)
    whole: Mapping[str, object] = {
        "status": str(report.status),
        "failure": failure,
        "warnings": [attrs.asdict(each) for each in report.warnings],
        "data": report.data,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, default=str) + "\n"
