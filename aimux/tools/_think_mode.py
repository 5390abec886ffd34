"""Whether `think` asks CLIs: what a call wants, what it gets and why, what contradicts itself."""

from collections.abc import Mapping
from typing import Final

import attrs

from aimux.errors import PeerFault
from aimux.think import ALONE, Choice, recommended, score

from ._calls import Payload
from ._jobs import check_waiting
from ._results import Json

SOLO: Final = "solo"
CONSENSUS: Final = "consensus"
AUTO: Final = "auto"

# what only a call that asks CLIs has
RUNNING: Final = ("async", "wait_seconds", "timeout_seconds", "max_tokens", "dry_run", "cwd")


@attrs.frozen(kw_only=True)
class Asked:
    """Which mode the call wants, which one it gets, and why."""

    requested: str
    mode: str
    reason: str


def requested_mode(given: Mapping[str, object]) -> str:
    """The mode that a call wants. Naming CLIs is wanting them asked.

    Raises:
        PeerFault: its arguments contradict each other.
    """
    mode, consensus, clis = given.get("mode"), given.get("consensus"), given.get("clis")
    said = str(mode) if mode else ""
    if isinstance(consensus, bool):
        meant = CONSENSUS if consensus else SOLO
        if said and said != meant:
            raise _contradiction(f"consensus={str(consensus).lower()} and mode={said}")
        said = meant
    if clis and said == SOLO:
        raise _contradiction("clis and a call that asks nobody")
    said = said or (CONSENSUS if clis else SOLO)
    idle = [each for each in RUNNING if given.get(each) is not None and given[each] is not False]
    if said == SOLO and idle:
        raise PeerFault(
            f"{', '.join(idle)}: only a call that asks CLIs takes these",
            code="contradictory_arguments",
            hint="add clis or consensus=true, or leave them out",
        )
    check_waiting(given)
    return said


def _contradiction(what: str) -> PeerFault:
    return PeerFault(
        f"{what} contradict each other", code="contradictory_arguments", hint="give one of them"
    )


def decide(requested: str, choice: Choice, fields: Json, threshold: int) -> Asked:
    """What a call gets; of `auto` the reason why.

    Raises:
        PeerFault: CLIs are wanted for a technique that asks none.
    """
    has_contract = choice.name not in ALONE
    if requested == CONSENSUS and not has_contract:
        raise PeerFault(
            f"{choice.name} asks no CLIs: its steps build on each other",
            code="no_contract",
            hint="leave clis and consensus out, or take another pattern",
        )
    if requested != AUTO:
        return Asked(requested=requested, mode=requested, reason="asked for")
    total = int(str(score(fields, choice.pattern.bias, threshold)["total"]))
    mode, reason = recommended(fields, choice.pattern.bias, total, threshold)
    if mode == CONSENSUS and not has_contract:
        mode, reason = SOLO, f"{choice.name} asks no CLIs"
    return Asked(requested=requested, mode=mode, reason=reason)


def plan_alone(reason: str) -> Payload:
    """What would be done where nobody is asked; no step is taken."""
    return Payload(
        {
            "job_id": None,
            "session_id": None,
            "status": "planned",
            "mode": None,
            "content": f"would think alone: {reason}",
            "plan": {"mode": SOLO, "reason": reason, "seats": [], "phases": [], "turns": 0},
            "warnings": [],
            "error": None,
            "guidance": {"state": "planned", "next": [], "do_not": []},
        }
    )


def needs_matter(choice: Choice, fields: Json) -> bool:
    """Whether there is nothing that anybody could be asked about."""
    return not any(value for name, value in fields.items() if choice.preset.get(name) != value)
