"""Whether a server is well: what is wrong with it, and how grave that is."""

import enum
from collections.abc import Mapping, Sequence

import attrs

from aimux.model import plural


class Wellness(enum.StrEnum):
    """How a server is."""

    OK = "ok"
    DEGRADED = "degraded"  # it serves, and something does not work
    FAILING = "failing"  # what it does is not kept


@attrs.frozen(kw_only=True)
class Standing:
    """How a server is, and why."""

    status: Wellness
    reasons: Sequence[str]


def ends_unstored(count: int) -> str:
    """That so many jobs have ended and the store does not know it yet."""
    if count == 1:
        return "the end of 1 job is not stored yet"
    return f"the ends of {plural(count, 'job')} are not stored yet"


def judge_health(
    *,
    is_store_failing: bool,
    unstored: int,
    clis: Sequence[str],
    ready: Sequence[str],
    breakers: Mapping[str, str],
    errors: Sequence[str],
) -> Standing:
    """What is wrong, the gravest first.

    `unstored` counts jobs whose end is not kept yet, `breakers` are states by CLI, `errors` what
    keeps files of the configuration from being used.
    """
    grave: list[str] = []
    if is_store_failing:
        grave.append("store: what jobs do cannot be written")
    told: list[str] = []
    if unstored:
        told.append(f"store: {ends_unstored(unstored)}")
    if not ready:
        told.append(f"clis: none of {len(clis)} is ready")
    told += [f"breakers: {cli} is {state}" for cli, state in breakers.items() if state != "closed"]
    told += [f"configuration: {each}" for each in errors]
    if grave:
        return Standing(status=Wellness.FAILING, reasons=[*grave, *told])
    return Standing(status=Wellness.DEGRADED if told else Wellness.OK, reasons=told)
