"""`debate`: two sides argue, and a judge who is neither rules."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import InvalidArguments
from aimux.model import Warned
from aimux.rules import RoutingFacts
from aimux.rules.panels import Member, draw_seed, seat_chosen, seat_outsider, shuffled
from aimux.rules.talk import CON, PRO, phases_of
from aimux.strategies.seats import DebateRequest, debate, judge_seats

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, run_job
from ._panels import (
    evidence_check,
    one_member,
    panel_request,
    plan_payload,
    refuse_together,
    turn_limit,
)
from ._roots import is_answer, roots_of

answer_nowait: Final = None  # it waits for the store at least


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Hold a debate. Cancelling it before it is handed over cancels the job.

    Raises:
        AimuxError: nobody can be asked, or arguments contradict each other.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    given = call.arguments
    refuse_together(given, "clis", "pro_cli")
    refuse_together(given, "clis", "con_cli")
    refuse_together(given, "judge_cli", "jury")
    topic = str(given["topic"])
    request = panel_request(call, roots, tool="debate", prompt=topic)
    survey = await context.engine.survey(request)
    settings = survey.snapshot.settings.debate
    seed = given.get("seed")
    drawn = seed if isinstance(seed, int) else draw_seed(topic)
    members, warnings = _sides(call, survey.facts, drawn)
    judges: dict[str, Member] = {}
    is_named = bool(given.get("judge_cli") or given.get("jury"))
    if given.get("synthesize", settings.default_synthesize) or is_named:
        judges = _judges(call, survey.facts, members, drawn)
    seats = {side: member.seat(side) for side, member in members.items()}
    request = attrs.evolve(
        request,
        seats=[*seats.values(), *judge_seats(judges)],
        warnings=[*request.warnings, *warnings],
        budget=attrs.evolve(request.budget, turns=None),  # a repair takes no side's turn away
    )
    prepared = await context.engine.prepare(request)
    turns = given.get("max_turns")
    max_turns = turns if isinstance(turns, int) else settings.max_turns
    wanted = DebateRequest(
        topic=topic,
        seats=seats,
        members=members,
        judges=judges,
        check=evidence_check(prepared.cwd),
        seed=drawn,
        limit_s=prepared.limit_s,
        turn_limit_s=turn_limit(given, settings.timeout_per_turn_seconds),
        max_turns=max_turns,
    )
    if given.get("dry_run"):
        phases = [*phases_of(max_turns), *(["judge"] if judges else [])]
        count = 2 * len(phases_of(max_turns)) + 2 * len(judges)
        return plan_payload(prepared, survey, turns=count, phases=phases)
    return await run_job(context, call, prepared, debate(wanted))


def _sides(
    call: ToolCall, facts: RoutingFacts, seed: int
) -> tuple[dict[str, Member], list[Warned]]:
    """Who argues what: as named, else drawn among two that are named or chosen."""
    given = call.arguments
    pro, con = (
        one_member(str(given[at]), facts, at=at) if given.get(at) else None
        for at in ("pro_cli", "con_cli")
    )
    if pro is None and con is None:
        clis = given.get("clis")
        names = [str(each) for each in clis] if isinstance(clis, Sequence) else []
        two = [one_member(name, facts, at="clis") for name in names]
        warnings: list[Warned] = []
        if not two:
            panel = seat_chosen(2, facts)
            two, warnings = list(panel.members), list(panel.warnings)
        elif len(two) == 1:
            two.append(_apart(two[0], facts))
        pro, con = shuffled(two, seed)
        return {PRO: pro, CON: con}, warnings or _doubt(pro, con)
    pro, con = pro or _apart(con, facts), con or _apart(pro, facts)
    return {PRO: pro, CON: con}, _doubt(pro, con)


def _apart(known: Member | None, facts: RoutingFacts) -> Member:
    """Another than `known`; itself where it is all there is."""
    assert known is not None
    return next(iter(seat_chosen(1, facts, apart=[known]).members), known)


def _doubt(pro: Member, con: Member) -> list[Warned]:
    """What weakens a debate before a word was said."""
    if pro.cli == con.cli:
        said = f"{pro.cli} argues with itself: what it does not know, neither side says"
        return [Warned(code="one_cli_twice", message=said)]
    if pro.vendor == con.vendor:
        said = f"both sides are of one vendor ({pro.vendor}): they may err together"
        return [Warned(code="shared_vendor", message=said)]
    return []


def _judges(
    call: ToolCall, facts: RoutingFacts, members: Mapping[str, Member], seed: int
) -> dict[str, Member]:
    """The judges by seat: as named, else one that argues for neither, else a party.

    Raises:
        InvalidArguments: a named one cannot be seated, or sits twice.
    """
    jury = call.arguments.get("jury")
    if isinstance(jury, Sequence) and jury:
        names = [str(each) for each in jury]
        if len(set(names)) < len(names):
            raise InvalidArguments(
                "a judge has one vote",
                problems=[{"path": "jury", "value": names, "expected": "each of them once"}],
            )
        return {
            f"juror-{number}": one_member(name, facts, at="jury")
            for number, name in enumerate(names, start=1)
        }
    if call.arguments.get("judge_cli"):
        return {"judge": one_member(str(call.arguments["judge_cli"]), facts, at="judge_cli")}
    sides = [members[PRO], members[CON]]
    return {"judge": seat_outsider(sides, facts) or shuffled(sides, seed)[0]}
