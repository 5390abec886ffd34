"""Panels for tests: seats that answer from a table, and a checker that believes what is marked."""

import json
from collections.abc import Callable, Mapping, Sequence

import attrs

from aimux.model import Evidence, RouteRequest, Seat, SourcePlace, Verified
from aimux.rules.panels import Member
from aimux.testing import FakeAsk, Reply

Table = Mapping[str, Reply | str | list[Reply | str]]
VENDORS = ("openai", "anthropic", "google", "alibaba", "mistral")


def panel(names: str = "ABC") -> tuple[list[Seat], dict[str, Member]]:
    """Seats of these names, each on a CLI and vendor of its own."""
    seats, members = [], {}
    for name, vendor in zip(names, VENDORS, strict=False):
        route = RouteRequest(cli=f"cli-{name.lower()}")
        seats.append(Seat(name=name, route=route))
        members[name] = Member(request=route, cli=route.cli, vendor=vendor)
    return seats, members


def position(answer: str = "", text: str = "", *claims: str, **more: object) -> str:
    """A member's JSON; a claim with `@` has evidence after it."""
    found = []
    for claim in claims:
        said, _, quote = claim.partition(" @ ")
        evidence = [{"path": "a.py", "line": 1, "quote": quote}] if quote else []
        found.append({"text": said, "evidence": evidence})
    body = {"position": text or answer, "answer": answer, "claims": found, **more}
    return json.dumps(body)


async def believe(places: Sequence[SourcePlace]) -> list[Evidence]:
    """A quote that says so is there, nothing else."""
    return [
        Evidence(
            path=place.path,
            line=place.line,
            quote=place.quote,
            verified=Verified.QUOTE if "there" in place.quote else Verified.NO,
        )
        for place in places
    ]


def replies(
    table: Table,
) -> Callable[[str, str], Reply | str]:
    """What each seat says; of a list one after the other, the last again and again."""
    left = {seat: list(said) for seat, said in table.items() if isinstance(said, list)}

    def reply(seat: str, prompt: str) -> Reply | str:
        del prompt
        said = left.get(seat)
        if said is None:
            only = table[seat]
            assert not isinstance(only, list)
            return only
        return said.pop(0) if len(said) > 1 else said[0]

    return reply


def fake(table: Table, **more: object) -> FakeAsk:
    """An `ask` whose seats answer from a table."""
    return FakeAsk(replies(table), **more)  # type: ignore[arg-type]


def late(said: Reply | str, takes_s: float) -> Reply:
    """The same after so many seconds."""
    reply = Reply(text=said) if isinstance(said, str) else said
    return attrs.evolve(reply, takes_s=takes_s)
