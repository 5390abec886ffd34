"""`dialog`: a proposer and a critic build one answer in turns."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Job, Noted, Session, SessionId, Warned
from aimux.rules import RoutingFacts, check_answer, check_session_id, check_session_kind
from aimux.rules.panels import Member, seat_chosen
from aimux.rules.talk import (
    CRITIQUE_SCHEMA,
    Critique,
    Said,
    Task,
    last_draft,
    read_critique,
    read_draft,
)
from aimux.strategies.seats import CRITIQUE, DRAFT, SEATS, DialogRequest, dialog

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, run_job
from ._panels import (
    Check,
    evidence_check,
    one_member,
    panel_request,
    plan_payload,
    refuse_together,
    turn_limit,
)
from ._roots import is_answer, roots_of
from ._whole_log import whole_log

answer_nowait: Final = None  # it waits for the store at least
SEAT_NAMES: Final = ("A", "B")  # proposer, critic
KIND: Final = "dialog"


@attrs.frozen(kw_only=True)
class Past:
    """What an earlier dialog left: its requests, the turns that count, who sat where."""

    session: Session
    prompts: Sequence[str]
    said: Sequence[Said]
    named: Mapping[str, str]

    def native_session(self, seat: str, cli: str) -> str:
        """The CLI's own session of a seat that goes on; empty if it has none."""
        known = self.session.seats.get(seat)
        return known.native_id if known is not None and known.cli == cli else ""

    def cli_of(self, seat: str) -> str:
        """Who sits there, as callers name it; empty if nobody has."""
        known = self.session.seats.get(seat)
        named = self.named.get(seat, "")
        if known is None or named.partition(":")[0] == known.cli:
            return named
        return known.cli


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Have two talk. Cancelling it before it is handed over cancels the job.

    Raises:
        AimuxError: nobody can be asked, arguments contradict each other, or the session cannot go
            on.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    given = call.arguments
    refuse_together(given, "clis", "cli_a")
    refuse_together(given, "clis", "cli_b")
    prompt = str(given["prompt"])
    request = panel_request(call, roots, tool=KIND, prompt=prompt)
    survey = await context.engine.survey(request)
    settings = survey.snapshot.settings.dialog
    max_turns = _turns(call, settings.max_turns)
    past = await _past(context, call)
    members, warnings = _members(call, survey.facts, past)
    first, second = members
    seats = (
        attrs.evolve(first.seat(SEAT_NAMES[0]), restates=True),
        attrs.evolve(second.seat(SEAT_NAMES[1]), restates=True),
    )
    request = attrs.evolve(
        request,
        seats=seats,
        keeps_session=True,
        session_id="" if past is None else past.session.id,
        warnings=[*request.warnings, *warnings],
        budget=attrs.evolve(request.budget, turns=max_turns),
    )
    prepared = await context.engine.prepare(request)
    check = evidence_check(prepared.cwd)
    wanted = DialogRequest(
        task=Task(prompt=prompt, earlier=() if past is None else past.prompts),
        seats=seats,
        members=dict(zip(SEAT_NAMES, members, strict=True)),
        check=check,
        limit_s=prepared.limit_s,
        turn_limit_s=turn_limit(given, settings.timeout_per_turn_seconds),
        max_turns=max_turns,
        swap=bool(given.get("swap")),
        earlier=() if past is None else await _with_evidence(past.said, check),
        native_sessions={}
        if past is None
        else {
            seat.name: past.native_session(seat.name, member.cli)
            for seat, member in zip(seats, members, strict=True)
        },
    )
    if given.get("dry_run"):
        return plan_payload(prepared, survey, turns=max_turns, phases=["propose", "criticise"])
    return await run_job(context, call, prepared, dialog(wanted))


def _turns(call: ToolCall, default: int) -> int:
    """How many turns: the least of what the call says, in turns and in rounds of two."""
    turns, rounds = call.arguments.get("max_turns"), call.arguments.get("rounds")
    limits = [turns] if isinstance(turns, int) else []
    limits += [2 * rounds] if isinstance(rounds, int) else []
    return min(limits) if limits else default


def _members(
    call: ToolCall, facts: RoutingFacts, past: Past | None
) -> tuple[tuple[Member, Member], list[Warned]]:
    """Proposer and critic: as named, as they sat before, else chosen apart."""
    given = call.arguments.get("clis")
    clis = [str(each) for each in given] if isinstance(given, Sequence) else []
    named = [
        str(call.arguments.get(at) or (clis[number] if number < len(clis) else ""))
        or ("" if past is None else past.cli_of(SEAT_NAMES[number]))
        for number, at in enumerate(("cli_a", "cli_b"))
    ]
    first, second = (
        one_member(name, facts, at=at) if name else None
        for name, at in zip(named, ("cli_a", "cli_b"), strict=True)
    )
    if first is None and second is None:
        panel = seat_chosen(2, facts)
        first, second = panel.members
        return (first, second), list(panel.warnings)
    known = first or second
    assert known is not None
    other = next(iter(seat_chosen(1, facts, apart=[known]).members), known)
    first, second = first or other, second or other
    return (first, second), _doubt(first, second)


def _doubt(first: Member, second: Member) -> list[Warned]:
    """What weakens the critic before it has said a word."""
    if first.cli == second.cli:
        said = f"{first.cli} criticises itself: what it errs in, it may pass over too"
        return [Warned(code="one_cli_twice", message=said)]
    if first.vendor == second.vendor:
        said = f"both are of one vendor ({first.vendor}): they may err together"
        return [Warned(code="shared_vendor", message=said)]
    return []


# ---------------------------------------------------------------------- an earlier dialog


async def _past(context: ToolContext, call: ToolCall) -> Past | None:
    """What the session of the call left; None for a new one.

    Raises:
        NotFound: there is no such session.
        PeerFault: it is of another tool.
    """
    session_id = str(call.arguments.get("session_id") or "")
    if not session_id:
        return None
    check_session_id(session_id)
    session = await context.engine.store.session(SessionId(session_id))
    check_session_kind(session, KIND)
    page = await context.engine.store.jobs(session_id=session.id)
    jobs = sorted(page.jobs, key=lambda each: each.created_at)
    said: list[Said] = []
    named: dict[str, str] = {}
    for job in reversed(jobs):
        found, seats = await _read(context, job)
        said = [*found, *said]
        named = {**seats, **named}
        if last_draft(said) is not None:
            break
    return Past(session=session, prompts=[job.prompt for job in jobs], said=said, named=named)


async def _read(context: ToolContext, job: Job) -> tuple[list[Said], dict[str, str]]:
    """What was said in a job, from its turns: also of one that was cancelled or killed."""
    said: list[Said] = []
    named: dict[str, str] = {}
    for entry in await whole_log(context.engine, job):
        note = entry.event
        if not isinstance(note, Noted):
            continue
        step, turn, seats = (note.data.get(name) for name in ("step", "turn", "seats"))
        if step == SEATS and isinstance(seats, Mapping):
            named = {str(name): str(cli) for name, cli in seats.items()}
        if step not in (DRAFT, CRITIQUE) or not isinstance(turn, int):
            continue
        result = await context.engine.jobs.turn(job.id, turn)
        if step == DRAFT:
            said.append(read_draft(turn, result.seat, result.content))
        else:
            data = check_answer(result.content, CRITIQUE_SCHEMA).data
            said.append(read_critique(turn, result.seat, data, result.content))
    return said, named


async def _with_evidence(said: Sequence[Said], check: Check) -> list[Said]:
    """The same, what it says of files looked up as they are now."""
    found: list[Said] = []
    for each in said:
        if isinstance(each, Critique):
            found.append(each.with_evidence(await check(each.places)))
        else:
            found.append(each)
    return found
