"""Investigations for tests, and findings in one line."""

import datetime
from collections.abc import Sequence
from typing import Any

import attrs

from aimux.investigate import (
    Added,
    Assessment,
    CheckedPlace,
    Domain,
    Draft,
    Investigation,
    InvestigationId,
    add_clearance,
    add_finding,
    assess,
)

AREAS = ("alpha", "beta", "gamma", "delta", "epsilon")
BIRTH = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
DOMAIN = Domain(name="five", areas=dict.fromkeys(AREAS, "Look."))
FOUND = CheckedPlace(path="a.py", line=3, quote="quoted from the file", verified="quote")
MISSING = CheckedPlace(path="a.py", line=999, why="the file has 20 lines")


def make(**more: Any) -> Investigation:
    """A fresh investigation of five areas."""
    made = Investigation(
        id=InvestigationId("inv_1"),
        question="Why?",
        domain="five",
        areas=AREAS,
        created_at=BIRTH,
        last_active_at=BIRTH,
    )
    return attrs.evolve(made, **more)


def draft(description: str = "so it is", **more: Any) -> Draft:
    """A finding that is verified, unless `more` says otherwise."""
    given = {"source": "a.py:3", "confidence": "VERIFIED", "places": (FOUND,)} | more
    return Draft(description=description, **given)


def add(state: Investigation, description: str = "so it is", **more: Any) -> Investigation:
    """The investigation with a finding more."""
    return added(state, description, **more)[0]


def added(
    state: Investigation, description: str = "so it is", **more: Any
) -> tuple[Investigation, Added]:
    return add_finding(state, draft(description, **more), BIRTH)


def clear(state: Investigation, area: str = "", **more: Any) -> Investigation:
    """The investigation with an area cleared, or with nothing new in this iteration."""
    given = {"description": f"nothing in {area}", "source": f"read {area}"} | more
    return add_clearance(state, Draft(area=area, **given), BIRTH)[0]


def judged(state: Investigation, times: int = 1) -> tuple[Investigation, Assessment]:
    """The investigation after so many assessments, and the last of them."""
    for _ in range(times):
        state, found = assess(state, DOMAIN, BIRTH)
    return state, found


SAID: Sequence[str] = (
    "retries hide the outage",
    "locks are taken twice",
    "parsing copies whole files",
    "sessions outlive their users",
    "timeouts are never applied",
    "logging blocks the loop",
    "configuration is read late",
    "backups are never restored",
    "migrations lock the table",
    "keys are readable by all",
)
