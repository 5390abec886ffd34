"""`exec` with `pair`: a driver in a copy, a reviewer, and a tree that changes as a whole or not."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import attrs

from aimux.engine import JobRequest, Survey, WorkCopy
from aimux.errors import AimuxError, ConfigInvalid, InvalidArguments, PeerFault, Refusal
from aimux.model import Budget, Mode, PairSettings, RouteRequest, Seat, Warned
from aimux.rules import RoutingFacts
from aimux.rules.pair import CommandFault, Left, split_command
from aimux.rules.panels import Member, member_of, seat_chosen
from aimux.rules.talk import Task
from aimux.strategies.seats import PairRequest, Reviewer, pair

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import number, run_job
from ._pair_past import PairPast, past_of
from ._pair_wanted import AGAINST, PAIR
from ._panels import clis_named, evidence_check, one_member, plan_payload, turn_limit
from ._roots import KnownRoots

SHOWN_FILES: Final = 10
DRIVER: Final = "driver"  # seats; further ones have numbers
REVIEWER: Final = "reviewer"


@attrs.frozen(kw_only=True)
class Seating:
    """Who drives and who reviews."""

    drivers: Sequence[Seat]
    reviewers: Sequence[Reviewer]
    warnings: Sequence[Warned]


async def answer_pair(
    context: ToolContext, call: ToolCall, roots: KnownRoots
) -> Payload | InputRequired:
    """Have a change made, proved, reviewed and landed.

    Cancelling it before it is handed over cancels the job; the tree is then as it was.

    Raises:
        AimuxError: nobody can be asked, the tree is not as committed, arguments contradict, or the
            session cannot go on.
    """
    given, engine = call.arguments, context.engine
    _check(given)
    past = await past_of(context, str(given.get("session_id") or ""))
    request = _request(call, roots, past)
    survey = await engine.survey(request)
    settings = survey.snapshot.settings.pair
    seating = _seat(given, survey, settings, past)
    seats = [*seating.drivers, *(each.seat for each in seating.reviewers)]  # the copies come later
    warnings = [*request.warnings, *seating.warnings]
    prepared = await engine.prepare(attrs.evolve(request, seats=seats, warnings=warnings))
    base = await engine.copies.base_facts(prepared.cwd)
    if not given.get("dirty"):
        _refuse_dirty(prepared.cwd, base.changed, is_known=base.is_known)

    # a session's copies are at one place, job after job: CLIs find their own sessions by it
    names = {each.name: f"{prepared.conversation_id}-{each.name}" for each in seating.drivers}
    sat = {} if past is None else past.session.seats

    def open_copy(seat: Seat) -> AbstractAsyncContextManager[WorkCopy]:
        return engine.copies.open(
            prepared.cwd,
            names[seat.name],
            job_id=prepared.job_id,
            env=call.client.env,
            linked=settings.linked_dirs,
            by_products=_by_products(survey),
        )

    rounds = given.get("max_rounds")
    wanted = PairRequest(
        task=Task(prompt=request.prompt, earlier=() if past is None else past.prompts).text,
        drivers=[
            attrs.evolve(
                each, cwd=engine.copies.tree_of(names[each.name]), was_there=each.name in sat
            )
            for each in seating.drivers
        ],
        reviewers=seating.reviewers,
        open_copy=open_copy,
        check_in=evidence_check,
        limit_s=prepared.limit_s,
        driver_limit_s=turn_limit(given, settings.driver_timeout_seconds),
        reviewer_limit_s=turn_limit(given, settings.reviewer_timeout_seconds),
        verify_limit_s=settings.check_timeout_seconds,
        verify=_commands(given.get("verify"), settings),
        max_rounds=rounds if isinstance(rounds, int) else settings.max_rounds,
        base=base.head,
        left=Left() if past is None else past.left,
    )
    if given.get("dry_run"):
        turns = len(wanted.drivers) + 2 * wanted.max_rounds - 1
        plan = plan_payload(
            prepared, survey, turns=turns, phases=["driver", "verify", "review", "landing"]
        )
        return Payload({**plan.body, "mode": str(Mode.WRITE)})
    return await run_job(context, call, prepared, pair(wanted))


def _request(call: ToolCall, roots: KnownRoots, past: PairPast | None) -> JobRequest:
    """The call as a request; who sits where comes later."""
    given = call.arguments
    return JobRequest(
        tool="exec",
        prompt=str(given["prompt"]),
        mode=Mode.WRITE,
        cwd=str(given.get("cwd", "")),
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        session_id="" if past is None else past.session.id,
        session_kind=PAIR,
        timeout_s=number(given.get("timeout_seconds")),
        budget=Budget(),
        clis=clis_named(given),
    )


def _by_products(survey: Survey) -> list[str]:
    """What CLIs keep beside the files they work on; any of them may come to drive."""
    profiles = survey.snapshot.profiles.values()
    return [each for profile in profiles for each in profile.by_products]


def _check(given: Mapping[str, object]) -> None:
    against = [name for name in AGAINST if given.get(name)]
    if given.get("mode") in (Mode.READ, Mode.DANGER):
        against.append(f"mode={given['mode']}")
    if against:
        raise PeerFault(
            f"pair and {' and '.join(against)} contradict each other",
            code="contradictory_arguments",
            hint="a pair works in a copy and answers with a diff: leave one of them out",
        )


def _commands(given: object, settings: PairSettings) -> list[tuple[str, ...]]:
    """The commands of the call, else those of the user's configuration."""
    named = given if isinstance(given, list | tuple) else settings.verify
    try:
        return [split_command(each) for each in named]
    except CommandFault as fault:
        raise InvalidArguments(
            f"verify: {fault}",
            problems=[{"path": "verify", "value": given, "expected": "commands"}],
        ) from fault


def _refuse_dirty(cwd: str, changed: Sequence[str], *, is_known: bool) -> None:
    if is_known and not changed:
        return
    shown = ", ".join(name if name.isprintable() else ascii(name) for name in changed[:SHOWN_FILES])
    more = f" and {len(changed) - SHOWN_FILES} more" if len(changed) > SHOWN_FILES else ""
    raise Refusal(
        f"{cwd} has changes that are not committed: {shown}{more}"
        if is_known
        else f"whether all of {cwd} is committed cannot be told: its repository cannot be read",
        code="dirty_base",
        hint="commit them first, or pass dirty=true: they are carried along and stay yours",
        retryable=False,
        data={"changed": list(changed)},
    )


# ------------------------------------------------------------------------------------- seats


def _seat(
    given: Mapping[str, object],
    survey: Survey,
    settings: PairSettings,
    past: PairPast | None,
) -> Seating:
    facts = survey.facts
    if settings.reviewer_role not in survey.snapshot.roles:
        raise ConfigInvalid(f"pair.reviewer_role: there is no role {settings.reviewer_role!r}")
    members = _drivers(given, survey, settings, past)
    drivers = [
        member.seat(DRIVER if at == 0 else f"{DRIVER}-{at + 1}", Mode.WRITE)
        for at, member in enumerate(members)
    ]
    reviewing = _reviewers(given, facts, settings, members)
    reviewing = _as_before(reviewing, past) if not given.get("reviewer") else reviewing
    warnings: list[Warned] = []
    vendors = {member.vendor for member in members}
    if not reviewing:
        said = f"no CLI but {members[0].cli} can review: what it writes will not land"
        warnings.append(Warned(code="self_review", message=said))
        author = attrs.evolve(members[0].request, role=settings.reviewer_role)
        sits = attrs.evolve(members[0], request=author).seat(REVIEWER)
        reviewers = [Reviewer(seat=sits, cli=members[0].cli, is_author=True)]
    else:
        reviewers = [
            Reviewer(
                seat=member.seat(REVIEWER if at == 0 else f"{REVIEWER}-{at + 1}"), cli=member.cli
            )
            for at, member in enumerate(reviewing)
        ]
        if reviewing[0].vendor in vendors:
            said = f"driver and reviewer share a vendor ({reviewing[0].vendor})"
            warnings.append(Warned(code="shared_vendor", message=said))
    return Seating(drivers=drivers, reviewers=reviewers, warnings=warnings)


def _as_before(members: Sequence[Member], past: PairPast | None) -> list[Member]:
    """The reviewers, the one of before first."""
    cli = "" if past is None else past.cli_of(REVIEWER)
    return sorted(members, key=lambda member: member.cli != cli)


def _drivers(
    given: Mapping[str, object], survey: Survey, settings: PairSettings, past: PairPast | None
) -> list[Member]:
    """The first as before, else as `exec` would choose it; further ones of other vendors if there
    are any.
    """
    facts = survey.facts
    role = str(given.get("role", "")) or settings.driver_role
    known = survey.snapshot.roles.get(role)
    if known is not None and known.mode is Mode.READ:
        raise PeerFault(
            f"pair needs a role that writes, {role} reads",
            code="contradictory_arguments",
            hint=f"use role={settings.driver_role}, or leave pair out",
        )
    fallback = given.get("fallback")
    route = RouteRequest(
        role=role,
        cli=str(given.get("cli", "")) or ("" if past is None else past.cli_of(DRIVER)),
        model=str(given.get("model", "")),
        effort=str(given.get("effort", "")),
        fallback=fallback if isinstance(fallback, bool) else None,
    )
    first = member_of(route, facts, Mode.WRITE)
    wanted = given.get("best_of")
    count = wanted if isinstance(wanted, int) else settings.best_of
    if count == 1:
        return [first]
    others = seat_chosen(count - 1, facts, role=role, mode=Mode.WRITE, apart=[first]).members
    return [first, *others, *([first] * count)][:count]


def _reviewers(
    given: Mapping[str, object],
    facts: RoutingFacts,
    settings: PairSettings,
    drivers: Sequence[Member],
) -> list[Member]:
    """Who may review, the likeliest first: nobody who drives; of another vendor if there is one."""
    role = settings.reviewer_role
    if given.get("reviewer"):
        return [one_member(str(given["reviewer"]), facts, at="reviewer", role=role)]
    found = list(seat_chosen(len(facts.profiles), facts, role=role, apart=drivers).members)
    try:
        usual = member_of(RouteRequest(role=role), facts)
    except AimuxError:
        return found
    vendors = {member.vendor for member in drivers}
    if usual.vendor not in vendors and any(member.cli == usual.cli for member in found):
        usual = attrs.evolve(usual, request=attrs.evolve(usual.request, cli=usual.cli))
        found = [usual, *(member for member in found if member.cli != usual.cli)]
    return found
