"""`think` with CLIs: whether they are asked, who they are, and the job that asks them."""

from collections.abc import Mapping
from typing import Final

import attrs

from aimux.engine import JobRequest, PreparedJob, Survey
from aimux.errors import InvalidArguments, NotFound, PeerFault, SetupFault
from aimux.model import Seat
from aimux.rules import Panel, draw_seed, find_cli, lettered, seat_chosen, seat_named
from aimux.strategies import ThinkRequest, think
from aimux.think import (
    Choice,
    Contract,
    Step,
    contract_for,
    contract_of,
    recommended,
    score,
    unasked,
)

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import check_waiting, run_job
from ._panels import panel_request, plan_payload
from ._results import Json
from ._roots import KnownRoots

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


@attrs.frozen(kw_only=True)
class Seating:
    """Who is asked: seats and their CLIs, who could not be seated, what weakens it; the job."""

    panel: Panel
    seats: tuple[Seat, ...]
    survey: Survey
    prepared: PreparedJob | None

    @property
    def clis(self) -> dict[str, str]:
        """Which CLI sits where."""
        pairs = zip(self.seats, self.panel.members, strict=True)
        return {seat.name: member.cli for seat, member in pairs}


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
    has_contract = choice.name == "mental_model" or contract_for(choice) is not None
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


async def seat(context: ToolContext, call: ToolCall, roots: KnownRoots, matter: str) -> Seating:
    """Who is asked, and the job ready to be started; without one nobody can be asked.

    Cancelling it leaves nothing behind.

    Raises:
        InvalidArguments: a name is no CLI.
        AimuxError: the job cannot be made.
    """
    request = panel_request(call, roots, tool="think", prompt=matter)
    survey = await context.engine.survey(request)
    panel = _panel(call, survey)
    seats = tuple(lettered(panel.members, draw_seed(matter)))
    prepared = None
    if seats:
        prepared = await context.engine.prepare(_with_seats(request, panel, seats))
    return Seating(panel=panel, seats=seats, survey=survey, prepared=prepared)


def _with_seats(request: JobRequest, panel: Panel, seats: tuple[Seat, ...]) -> JobRequest:
    warnings = [*request.warnings, *panel.warnings]
    return attrs.evolve(request, seats=list(seats), warnings=warnings)


def _panel(call: ToolCall, survey: Survey) -> Panel:
    names = call.arguments.get("clis")
    facts = survey.facts
    if not isinstance(names, list) or not names:
        try:
            panel = seat_chosen(survey.snapshot.settings.think.members, facts)
        except SetupFault as fault:
            return Panel(members=[], unseated=[("any", fault.message)])
        return attrs.evolve(panel, unseated=[])
    for name in names:
        try:
            find_cli(str(name).partition(":")[0], facts.profiles)
        except NotFound as error:
            raise InvalidArguments(
                f"clis: {error.message}",
                problems=[{"path": "clis", "value": name, "expected": "names of CLIs"}],
            ) from error
    return seat_named([str(each) for each in names], facts)


def plan(asked: Asked, seating: Seating | None) -> Payload:
    """What would be done; nothing is started and no step is taken."""
    if seating is None or seating.prepared is None:
        why = asked.reason if seating is None else "nobody can be asked"
        body: Json = {
            "job_id": None,
            "session_id": None,
            "status": "planned",
            "mode": None,
            "content": f"would think alone: {why}",
            "plan": {"mode": SOLO, "reason": why, "seats": [], "phases": [], "turns": 0},
            "warnings": [],
            "error": None,
            "guidance": {"state": "planned", "next": [], "do_not": []},
        }
        return Payload(body)
    turns = 2 * len(seating.seats)
    return plan_payload(seating.prepared, seating.survey, turns=turns, phases=["blind"])


def needs_matter(choice: Choice, fields: Json) -> bool:
    """Whether there is nothing that anybody could be asked about."""
    return not any(value for name, value in fields.items() if choice.preset.get(name) != value)


async def ask_panel(
    context: ToolContext, call: ToolCall, step: Step, shown: Json, seating: Seating
) -> Payload | InputRequired:
    """Start the job over a step that was taken and answer as the call wants it.

    Cancelling it before the job is handed over cancels the job; the step stays taken.

    Raises:
        AimuxError: nothing was started.
    """
    contract = contract_of(step)
    assert isinstance(contract, Contract)
    assert seating.prepared is not None
    request = ThinkRequest(
        step=step,
        shown=shown,
        contract=contract,
        seats=seating.seats,
        clis=seating.clis,
        strays=seating.panel.unseated,
        limit_s=seating.prepared.limit_s,
    )
    answered = await run_job(context, call, seating.prepared, think(request))
    return answered if isinstance(answered, InputRequired) else with_solo(answered, shown)


def with_solo(answered: Payload, shown: Json | None = None) -> Payload:
    """The answer of the job; where it has none yet, or never will, with the solo one."""
    data = answered.body.get("data")
    if data is None and shown is not None:
        data = {**unasked(shown, "not all have answered", []), "mode": SOLO}
    if not isinstance(data, Mapping):
        return answered
    body = {**answered.body, "data": data, "session_id": data.get("session_id")}
    return Payload(body, answered.is_error, answered.links)
