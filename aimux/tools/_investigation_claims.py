"""Findings as a call brings them: one or several, each with the places that it names looked up."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import InvalidArguments
from aimux.investigate import DEFAULT_CONFIDENCE, DEFAULT_SEVERITY, Draft
from aimux.rules import nearest

from ._calls import ToolCall
from ._context import ToolContext
from ._places import look_up
from ._results import Json

MAX_BATCH: Final = 50  # findings in one call
_FIELDS: Final = (
    "description", "source", "severity", "confidence", "coverage_area", "corrects", "contradicts",
    "evidence",
)  # fmt: skip


def claims_of(given: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The findings of a call: those of the list, else the one of its own fields."""
    single = {name: given.get(name) for name in _FIELDS}
    listed = given.get("findings")
    if not isinstance(listed, list) or not listed:
        return [single]
    faults: list[dict[str, object]] = []
    if len(listed) > MAX_BATCH:
        faults.append({"path": "findings", "value": len(listed), "expected": f"≤ {MAX_BATCH}"})
    if single["description"]:
        faults.append({"path": "findings", "value": None, "expected": "description or findings"})
    for at, each in enumerate(listed):
        for name in sorted({*each} - {*_FIELDS, "finding"}) if isinstance(each, Mapping) else ():
            expected = f"one of {', '.join(_FIELDS)}"
            fault: Json = {"path": f"findings[{at}].{name}", "value": None, "expected": expected}
            faults.append(fault | {"suggestion": nearest(name, _FIELDS)})
    if faults:
        told = "; ".join(f"{each['path']}: expected {each['expected']}" for each in faults)
        raise InvalidArguments(f"findings refused: {told}", problems=faults)
    return [{"description": each.get("finding"), **each} for each in listed]


def _draft(given: Mapping[str, object], call: ToolCall) -> Draft:
    def text(name: str, default: str = "") -> str:
        value = given.get(name)
        return value if isinstance(value, str) and value else default

    return Draft(
        description=text("description"),
        source=text("source"),
        severity=text("severity", DEFAULT_SEVERITY),
        confidence=text("confidence", DEFAULT_CONFIDENCE),
        area=text("coverage_area"),
        by=call.client.name,
        corrects=text("corrects"),
        contradicts=text("contradicts"),
    )


async def drafts_of(
    context: ToolContext, call: ToolCall, session_id: str, claims: Sequence[Mapping[str, object]]
) -> list[Draft]:
    """The findings of a call with their places looked up, where the investigation works.

    Cancelling it leaves nothing behind.

    Raises:
        NotFound: no such investigation.
    """
    state = await context.engine.store.investigations.get(session_id)
    root = str(call.arguments.get("cwd") or "") or state.cwd
    places = await look_up(root, claims)
    return [
        attrs.evolve(_draft(each, call), places=found)
        for each, found in zip(claims, places, strict=True)
    ]
