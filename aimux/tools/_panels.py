"""What every tool that asks several seats does before and after: seats, plan, evidence."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import attrs
import trio

from aimux.engine import JobRequest, PreparedJob, Survey
from aimux.errors import InvalidArguments, NotFound, PeerFault
from aimux.files.tree import TreeReader
from aimux.model import Budget, Evidence, Mode, SourcePlace, plural
from aimux.rules import RoutingFacts, check_places, nearest
from aimux.rules.panels import Member, Panel, seat_chosen, seat_named

from ._calls import Payload, ToolCall
from ._jobs import number
from ._roots import KnownRoots

T = TypeVar("T")
# arguments that name CLIs for seats, one or several
NAMING: Final = frozenset(
    {"clis", "cli", "cli_a", "cli_b", "pro_cli", "con_cli", "judge", "judge_cli", "jury"}
    | {"reviewer"}
)
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


def panel_request(call: ToolCall, roots: KnownRoots, *, tool: str, prompt: str) -> JobRequest:
    """The call as a request for a job of several seats that read; its seats are not known yet."""
    given = call.arguments
    return JobRequest(
        tool=tool,
        prompt=prompt,
        mode=Mode.READ,
        cwd=str(given.get("cwd", "")),
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        keeps_session=False,
        clis=clis_named(given),
        timeout_s=number(given.get("timeout_seconds")),
        budget=Budget(turns=_count(given.get("max_turns")), tokens=_count(given.get("max_tokens"))),
    )


def clis_named(given: Mapping[str, object]) -> list[str]:
    """The CLIs that a call names for any seat, without their models."""
    said = [given[key] for key in NAMING & given.keys()]
    names = [each for value in said for each in (value if isinstance(value, list) else [value])]
    return [name.partition(":")[0] for name in names if isinstance(name, str)]


def members_of(call: ToolCall, facts: RoutingFacts, *, count: int, role: str = "") -> Panel:
    """The members that the call names in `clis`, else a choice of `count`.

    Raises:
        InvalidArguments: none of the named ones can be seated.
        SetupFault: no CLI can be asked at all.
    """
    given = call.arguments.get("clis")
    if not isinstance(given, Sequence) or not given:
        return seat_chosen(count, facts, role=role)
    return named_members([str(each) for each in given], facts, at="clis", role=role)


def named_members(names: Sequence[str], facts: RoutingFacts, *, at: str, role: str = "") -> Panel:
    """The members called so.

    Raises:
        InvalidArguments: none of them can be seated; says why for each.
    """
    panel = seat_named(names, facts, role=role)
    if not panel.members:
        told = "; ".join(f"{name}: {why}" for name, why in panel.unseated)
        raise InvalidArguments(
            f"nobody of {at} can be seated: {told}",
            problems=[{"path": at, "value": list(names), "expected": "CLIs that can be asked"}],
        )
    return panel


def one_member(name: str, facts: RoutingFacts, *, at: str, role: str = "") -> Member:
    """The member called so.

    Raises:
        InvalidArguments: it cannot be seated; says why.
    """
    return named_members([name], facts, at=at, role=role).members[0]


def settings_of(known: Mapping[str, T], name: str, *, at: str) -> T:
    """The named one of what a configuration has.

    Raises:
        NotFound: there is none of this name; says which there are.
    """
    if name in known:
        return known[name]
    close = nearest(name, known)
    raise NotFound(
        f"unknown {at} {name!r}: known are {', '.join(sorted(known)) or 'none'}",
        code=f"{at}_unknown",
        hint=f"did you mean {close}?" if close else None,
        data={at: name, "known": sorted(known)},
    )


def evidence_check(cwd: str) -> Check:
    """Looks up, in a thread, what texts claim about a directory's files; it never leaves it."""
    reader = TreeReader(cwd)

    async def check(places: Sequence[SourcePlace]) -> Sequence[Evidence]:
        if not places:
            await trio.lowlevel.checkpoint()
            return []
        return await trio.to_thread.run_sync(check_places, places, reader.read_lines)

    return check


def plan_payload(
    prepared: PreparedJob,
    survey: Survey,
    *,
    turns: int,
    phases: Sequence[str],
    is_open: bool = False,
) -> Payload:
    """What would be done, in the shape of a result: seats, turns at most; nothing is started.

    `is_open` are turns to which more may come, as what is found wants it.
    """
    seats = [
        {
            "seat": name,
            "cli": spec.routes.candidates[0].cli,
            "model": spec.routes.candidates[0].model or None,
            "mode": str(spec.mode),
        }
        for name, spec in prepared.seats.items()
    ]
    budget = prepared.request.budget
    shown = ", ".join(": ".join(filter(None, (each["seat"], each["cli"]))) for each in seats)
    most = plural(turns, "turn")
    bound = f"{most}, and more as what is found wants it" if is_open else f"at most {most}"
    if is_open and budget.turns is not None:
        bound = f"at most {plural(budget.turns, 'turn')}"
    return Payload(
        {
            "job_id": None,
            "session_id": None,
            "status": "planned",
            "mode": "read",
            "content": f"would ask {shown} in {prepared.cwd}, {bound}"
            if seats
            else f"would ask nobody in {prepared.cwd}",
            "plan": {
                "seats": seats,
                "phases": list(phases),
                "turns": turns,
                "budget": {"turns": budget.turns, "tokens": budget.tokens},
                "cwd": prepared.cwd,
                "deadline_seconds": prepared.limit_s,
                "configuration": survey.snapshot.fingerprint,
            },
            "warnings": [attrs.asdict(each) for each in prepared.request.warnings],
            "error": None,
            "guidance": {"state": "planned", "next": [], "do_not": []},
        }
    )


def refuse_together(given: Mapping[str, object], *names: str) -> None:
    """Refuse arguments that contradict each other.

    Raises:
        PeerFault: more than one of them was given.
    """
    found = [name for name in names if given.get(name)]
    if len(found) > 1:
        raise PeerFault(
            f"{' and '.join(found)} contradict each other",
            code="contradictory_arguments",
            hint="give one of them",
        )


def turn_limit(given: Mapping[str, object], default: float) -> float:
    """How long one turn may take: as the call says, else as the configuration does."""
    said = number(given.get("timeout_per_turn_seconds"))
    return default if said is None else said


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
