"""`consensus`: several CLIs answer one question apart from each other."""

from typing import Final

import attrs

from aimux.engine import Survey
from aimux.errors import AimuxError, InvalidArguments
from aimux.model import PanelSettings, Seat, Warned, plural
from aimux.rules.panels import Member, Panel, draw_seed, lettered, seat_outsider
from aimux.strategies.seats import ConsensusMode, ConsensusRequest, consensus

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, run_job
from ._panels import (
    evidence_check,
    members_of,
    named_members,
    panel_request,
    plan_payload,
    refuse_together,
    settings_of,
    turn_limit,
)
from ._roots import is_answer, roots_of

answer_nowait: Final = None  # it waits for the store at least
SYNTHESIS: Final = "synthesis"  # the seat's name


@attrs.frozen(kw_only=True)
class Seating:
    """Who sits where. `outsider` writes the synthesis; None where none is wanted."""

    panel: Panel
    spec: PanelSettings
    seats: tuple[Seat, ...]
    seed: int
    outsider: Member | None = None
    is_self: bool = False
    is_swapped: bool = False

    @property
    def all_seats(self) -> list[Seat]:
        """Every seat that is prepared by its letter, the synthesiser's last."""
        found = sorted(self.seats, key=lambda seat: seat.name)
        if self.outsider is not None:
            found.append(self.outsider.seat(SYNTHESIS))
            if self.is_swapped:
                found.append(self.outsider.seat(f"{SYNTHESIS}-2"))
        return found


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Ask a panel. Cancelling it before it is handed over cancels the job.

    Raises:
        AimuxError: nobody can be asked, or arguments contradict each other.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    given = call.arguments
    refuse_together(given, "clis", "panel")
    question = str(given["prompt"])
    request = panel_request(call, roots, tool="consensus", prompt=question)
    survey = await context.engine.survey(request)
    settings = survey.snapshot.settings.consensus
    seating = _seat(call, survey)
    budget = request.budget
    request = attrs.evolve(
        request,
        seats=seating.all_seats,
        warnings=[*request.warnings, *seating.panel.warnings],
        budget=attrs.evolve(budget, turns=budget.turns or settings.max_turns),
    )
    prepared = await context.engine.prepare(request)
    wanted = ConsensusRequest(
        question=question,
        seats=seating.seats,
        members={
            seat.name: member
            for seat, member in zip(seating.seats, seating.panel.members, strict=True)
        },
        check=evidence_check(prepared.cwd),
        seed=seating.seed,
        limit_s=prepared.limit_s,
        turn_limit_s=turn_limit(given, settings.timeout_per_turn_seconds),
        mode=ConsensusMode(str(given.get("mode", ConsensusMode.CONSENSUS))),
        choices=_choices(call),
        is_blinded=bool(given.get("blinded", settings.default_blinded)),
        synthesizer=None if seating.outsider is None else seating.outsider.seat(SYNTHESIS),
        synthesizer_cli="" if seating.outsider is None else seating.outsider.cli,
        is_self_synthesis=seating.is_self,
        swap=seating.is_swapped,
        quorum=_quorum(call, seating, settings.quorum),
        quorum_wait_s=settings.quorum_wait_seconds,
        unseated=seating.panel.unseated if given.get("clis") or given.get("panel") else (),
        veto=_veto(seating),
    )
    if given.get("dry_run"):
        phases = _phases(wanted)
        turns = len(wanted.seats) * (len(phases) - (wanted.synthesizer is not None))
        turns += (wanted.synthesizer is not None) * (1 + wanted.swap)
        return plan_payload(prepared, survey, turns=turns, phases=phases)
    return await run_job(context, call, prepared, consensus(wanted))


def _seat(call: ToolCall, survey: Survey) -> Seating:
    given, facts = call.arguments, survey.facts
    settings = survey.snapshot.settings
    spec = PanelSettings(quorum=settings.consensus.quorum)
    if given.get("panel"):
        spec = settings_of(settings.panels, str(given["panel"]), at="panel")
        panel = named_members(spec.members, facts, at=f"panel {given['panel']}")
    else:
        panel = members_of(call, facts, count=settings.consensus.members)
    question = str(given["prompt"])
    seed = given.get("seed")
    drawn = seed if isinstance(seed, int) else draw_seed(question)
    seats = tuple(lettered(panel.members, drawn))
    wants = given.get("synthesize", settings.consensus.default_synthesize)
    if not wants and not given.get("judge") and not given.get("swap"):
        return Seating(panel=panel, spec=spec, seats=seats, seed=drawn)
    named = str(given.get("judge", "")) or spec.judge
    try:
        outsider = seat_outsider(panel.members, facts, named=named)
    except AimuxError as error:
        if given.get("judge"):
            raise InvalidArguments(
                f"judge cannot be seated: {error.message}",
                problems=[{"path": "judge", "value": named, "expected": "a CLI that can be asked"}],
            ) from error
        outsider = seat_outsider(panel.members, facts)
        said = f"the panel's judge {named} cannot be seated: {error.message}"
        panel = attrs.evolve(
            panel, warnings=[*panel.warnings, Warned(code="judge_unseated", message=said)]
        )
    members = [member.cli for member in panel.members]
    sits = outsider or panel.members[0]
    return Seating(
        panel=panel,
        spec=spec,
        seats=seats,
        seed=drawn,
        outsider=sits,
        is_self=outsider is None or outsider.cli in members,
        is_swapped=bool(given.get("swap")),
    )


def _quorum(call: ToolCall, seating: Seating, default: int) -> int:
    """How many must answer: never more than sit, unless the caller says so itself."""
    given = call.arguments.get("quorum")
    if isinstance(given, int):
        if given > len(seating.seats):
            raise InvalidArguments(
                f"quorum of {given} with {plural(len(seating.seats), 'seat')} can never be reached",
                problems=[
                    {"path": "quorum", "value": given, "expected": f"at most {len(seating.seats)}"}
                ],
            )
        return given
    return seating.spec.quorum if call.arguments.get("panel") else default


def _veto(seating: Seating) -> list[str]:
    clis = {name.partition(":")[0] for name in seating.spec.veto}
    pairs = zip(seating.seats, seating.panel.members, strict=True)
    return [seat.name for seat, member in pairs if member.cli in clis]


def _choices(call: ToolCall) -> list[str]:
    given = call.arguments.get("choices")
    return [str(each) for each in given] if isinstance(given, list | tuple) else []


def _phases(wanted: ConsensusRequest) -> list[str]:
    phases = ["blind"]
    if wanted.mode is ConsensusMode.ESCALATE:
        phases.append("dispute")
    elif not wanted.is_blinded:
        phases.append("informed")
    return [*phases, "synthesis"] if wanted.synthesizer is not None else phases
