"""Profiles, members and seats for tests of panels."""

from collections.abc import Mapping, Sequence

from aimux.model import (
    Evidence,
    Mode,
    ModelRule,
    ModeRule,
    Profile,
    Role,
    RouteRequest,
    Strength,
    Verified,
)
from aimux.rules import Health, RoutingFacts
from aimux.rules.panels import Claim, Member, Position, Seated


def profile(
    name: str,
    priority: int = 100,
    *,
    model: str = "",
    vendor: str = "",
    strength: Strength = Strength.POLICY,
) -> Profile:
    """A CLI that may read."""
    return Profile(
        name=name,
        binary=name,
        command=(name,),
        priority=priority,
        vendor=vendor,
        model=ModelRule(flag="-m", default=model),
        modes={Mode.READ: ModeRule(strength=strength)},
    )


def facts(
    *profiles: Profile,
    ready: Sequence[str] | None = None,
    health: Mapping[str, Health] | None = None,
) -> RoutingFacts:
    """What a choice among these goes by; all are ready unless said."""
    known = {each.name: each for each in profiles}
    return RoutingFacts(
        roles={"default": Role(name="default", cli=profiles[0].name if profiles else "")},
        overrides={},
        profiles=known,
        ready=known.keys() if ready is None else ready,
        health=health or {},
    )


def member(cli: str, vendor: str = "", model: str = "") -> Member:
    """One on a CLI of this name."""
    request = RouteRequest(cli=cli, model=model)
    return Member(request=request, cli=cli, model=model, vendor=vendor or cli)


def claim(text: str, *found: Verified) -> Claim:
    """A claim with a place for each of these findings, line by line."""
    evidence = [
        Evidence(path="a.py", line=line, quote="for x in y:", verified=verified)
        for line, verified in enumerate(found, start=1)
    ]
    return Claim(text=text, evidence=evidence)


def seated(seat: str, cli: str, answer: str = "", text: str = "", *claims: Claim) -> Seated:
    """A seat that answered; without a text one that did not."""
    if not text:
        return Seated(seat=seat, member=member(cli))
    position = Position(seat=seat, position=text, answer=answer, claims=claims)
    return Seated(seat=seat, member=member(cli), position=position)
