"""`think` with CLIs: who they are, and the job that asks them; read where a call asks for it."""

from collections.abc import Mapping, Sequence

import attrs

from aimux.engine import JobRequest, PreparedJob, Survey
from aimux.errors import InvalidArguments, NotFound, Refusal, SetupFault
from aimux.model import Seat
from aimux.rules import find_cli
from aimux.rules.panels import Panel, draw_seed, lettered, seat_chosen, seat_named
from aimux.strategies.seats import ThinkRequest, strays_json, think
from aimux.think import Step
from aimux.think.panel import Contract, contract_of, unasked

from ._calls import InputRequired, Payload, ToolCall, error_json
from ._context import ToolContext
from ._jobs import go_on, run_job
from ._panels import panel_request, plan_payload
from ._results import Json
from ._roots import KnownRoots
from ._think_mode import SOLO, plan_alone


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


@attrs.frozen(kw_only=True)
class Unasked:
    """Nobody was asked: the solo answer that says so, and why."""

    shown: Json
    error: Json


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


def plan(seating: Seating) -> Payload:
    """What would be done; nothing is started and no step is taken."""
    if seating.prepared is None:
        return plan_alone("nobody can be asked")
    turns = 2 * len(seating.seats)
    return plan_payload(seating.prepared, seating.survey, turns=turns, phases=["blind"])


async def ask_panel(
    context: ToolContext, call: ToolCall, step: Step, shown: Json, seating: Seating
) -> Payload | InputRequired | Unasked:
    """Start the job over a step that was taken and answer as the call wants it.

    Cancelling it before the job is handed over cancels the job; the step stays taken.
    """
    strays = seating.panel.unseated
    if seating.prepared is None:
        told = "; ".join(f"{name}: {why}" for name, why in strays)
        error: Json = {
            "code": "no_cli",
            "class": "setup",
            "message": f"nobody could be asked: {told}",
            "retryable": True,
            "hint": "data has the solo answer; `aimux doctor` says what is missing",
        }
        return _unasked(shown, error, strays)
    contract = contract_of(step)
    assert isinstance(contract, Contract)
    request = ThinkRequest(
        step=step,
        shown=shown,
        contract=contract,
        seats=seating.seats,
        clis=seating.clis,
        strays=strays,
        limit_s=seating.prepared.limit_s,
    )
    try:
        answered = await run_job(context, call, seating.prepared, think(request))
    except Refusal as refusal:  # of a place: the step is taken and its answer is told
        return _unasked(shown, error_json(refusal), strays)
    return answered if isinstance(answered, InputRequired) else _with_solo(answered, shown)


def _unasked(shown: Json, error: Json, strays: Sequence[tuple[str, str]]) -> Unasked:
    return Unasked(
        shown=unasked(shown, str(error["message"]), strays_json(strays)),
        error=error,
    )


async def go_on_with_panel(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Go on with the job of a call that ended with a question. Cancelling it cancels the job."""
    answered = await go_on(context, call)
    return answered if isinstance(answered, InputRequired) else _with_solo(answered, None)


def _with_solo(answered: Payload, shown: Json | None) -> Payload:
    """The answer of the job; where it has none yet, or never will, with the solo one."""
    data = answered.body.get("data")
    if data is None and shown is not None:
        data = {**unasked(shown, "not all have answered", []), "mode": SOLO}
    if not isinstance(data, Mapping):
        return answered
    body = {**answered.body, "data": data, "session_id": data.get("session_id")}
    return Payload(body, answered.is_error, answered.links)
