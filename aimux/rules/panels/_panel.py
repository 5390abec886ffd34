"""Who sits on a panel: the members that are named, else a choice that is always the same.

Theory of operation. Named members are seated as named; one that cannot be is told with its reason,
and nobody steps in for it. Where nobody is named, CLIs that can be asked now are taken in the order
of their preference for the mode, a vendor at most once as long as others are left. Seats are
letters that tell nothing; which letter a member gets is drawn by a seed that the record keeps.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

import attrs

from aimux.errors import AimuxError, SetupFault
from aimux.model import Mode, RouteRequest, Seat, Warned
from aimux.rules import BreakerState, Health, RoutingFacts, choose, parse_override, ranked

from ._vendors import vendor_of

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Member:
    """One who can be seated: what is asked for, and what that comes to now."""

    request: RouteRequest
    cli: str
    model: str = ""
    vendor: str = ""

    @property
    def named(self) -> str:
        """How a call names it: `cli`, `cli:model` or `cli:model:effort`."""
        return ":".join((self.cli, self.request.model, self.request.effort)).rstrip(":")

    def seat(self, name: str, mode: Mode = Mode.READ) -> Seat:
        """The member on a seat of this name."""
        return Seat(name=name, route=self.request, mode=mode)


@attrs.frozen(kw_only=True)
class Panel:
    """Members in the order of naming or preference; who could not be seated, and why."""

    members: Sequence[Member]
    unseated: Sequence[tuple[str, str]] = ()
    warnings: Sequence[Warned] = ()

    @property
    def vendors(self) -> list[str]:
        """Each vendor once, sorted."""
        return sorted({member.vendor for member in self.members})


def seat_named(names: Sequence[str], facts: RoutingFacts, *, role: str = "") -> Panel:
    """The members that are called `cli`, `cli:model` or `cli:model:effort`; one may come twice."""
    members: list[Member] = []
    unseated: list[tuple[str, str]] = []
    for name in names:
        try:
            members.append(_member(name, facts, role, Mode.READ))
        except AimuxError as error:
            unseated.append((name, error.message))
    return Panel(members=members, unseated=unseated, warnings=_doubles(members))


def seat_chosen(
    count: int,
    facts: RoutingFacts,
    *,
    role: str = "",
    mode: Mode = Mode.READ,
    apart: Sequence[Member] = (),
) -> Panel:
    """At most `count` members, vendors apart first; `apart` sit elsewhere and are passed over.

    Where one CLI is all there is, it sits twice, and a warning says so.

    Raises:
        SetupFault: no CLI can be asked at all.
    """
    found: list[Member] = []
    unseated: list[tuple[str, str]] = []
    taken = {member.cli for member in apart}
    for name in ranked(facts.profiles, mode=mode, role=role, order=facts.order):
        if name not in facts.ready or name in taken:
            continue
        health = facts.health.get(name, Health())
        if health.trouble or health.state is BreakerState.OPEN:
            unseated.append((name, health.trouble or "circuit open"))
            continue
        try:
            found.append(_member(name, facts, role, mode))
        except AimuxError as error:
            unseated.append((name, error.message))
    vendors = {member.vendor for member in apart}
    members: list[Member] = []
    for member in found:
        if member.vendor not in vendors and len(members) < count:
            vendors.add(member.vendor)
            members.append(member)
    for member in found:
        if member not in members and len(members) < count:
            members.append(member)
    if not members and not apart:
        raise SetupFault(
            "no CLI can be asked now: "
            + ("; ".join(map(": ".join, unseated)) or "none is installed"),
            code="no_cli",
            hint="`aimux doctor` says what is missing and how to install it",
        )
    if len(members) == 1 and count > 1 and not apart:
        members *= 2
    return Panel(members=members, unseated=unseated, warnings=_doubles(members))


def seat_outsider(
    members: Sequence[Member], facts: RoutingFacts, *, named: str = "", role: str = ""
) -> Member | None:
    """Who may judge what `members` said; None if there is nobody.

    That is the named one, else a CLI that is not among them, of another vendor if there is one.

    Raises:
        AimuxError: the named one cannot be seated; says why.
    """
    if named:
        return _member(named, facts, role, Mode.READ)
    return next(iter(seat_chosen(1, facts, role=role, apart=members).members), None)


def draw_seed(text: str) -> int:
    """A seed that is the same for the same text: what is drawn by it can be drawn again."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:4])


def shuffled(values: Sequence[T], seed: int) -> list[T]:
    """The values in an order that only the seed knows."""
    drawn = list(values)
    random.Random(seed).shuffle(drawn)  # noqa: S311  # to hide who spoke first, not to keep a secret
    return drawn


def lettered(members: Sequence[Member], seed: int) -> list[Seat]:
    """A seat for each member, in their order; which letter is whose is drawn."""
    letters = [chr(ord("A") + number) for number in range(len(members))]
    return [
        member.seat(letter) for member, letter in zip(members, shuffled(letters, seed), strict=True)
    ]


def _member(name: str, facts: RoutingFacts, role: str, mode: Mode) -> Member:
    route = parse_override(name)
    request = RouteRequest(role=role, cli=route.cli, model=route.model, effort=route.effort)
    member = member_of(request, facts, mode)
    return attrs.evolve(member, request=attrs.evolve(request, cli=member.cli))


def member_of(request: RouteRequest, facts: RoutingFacts, mode: Mode = Mode.READ) -> Member:
    """Who is first where a request leads now; it may lead elsewhere when it is asked.

    Raises:
        AimuxError: it leads nowhere; says why.
    """
    routes = choose(
        request,
        facts.roles,
        facts.overrides,
        facts.profiles,
        facts.ready,
        facts.health,
        mode,
        cooled=facts.cooled,
        order=facts.order,
        fallback_max=facts.fallback_max,
    )
    first = routes.candidates[0]
    profile = facts.profiles[first.cli]
    return Member(
        request=request,
        cli=first.cli,
        model=first.model or profile.model.default,
        vendor=vendor_of(profile, first.model),
    )


def _doubles(members: Sequence[Member]) -> list[Warned]:
    """What weakens a panel before it has said a word."""
    clis = [member.cli for member in members]
    twice = sorted({cli for cli in clis if clis.count(cli) > 1})
    if twice:
        said = f"{', '.join(twice)} sits more than once: what it errs in, it may err in twice"
        return [Warned(code="one_cli_twice", message=said)]
    vendors = [member.vendor for member in members]
    shared = sorted({vendor for vendor in vendors if vendors.count(vendor) > 1})
    if shared:
        said = f"members share a vendor ({', '.join(shared)}): they may err together"
        return [Warned(code="shared_vendor", message=said)]
    return []
