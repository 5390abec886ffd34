"""An investigation by CLIs: whose findings become what, and what ends it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
import pytest
import trio
import trio.testing

from aimux.investigate import CheckedPlace, Investigation
from aimux.model import Budget, JobStatus, Report, RouteRequest
from aimux.strategies import Seat
from aimux.strategies.seats import InvestigationRequest, investigation
from aimux.testing import FakeAsk, Reply

from ..investigate._values import DOMAIN, SAID, add, make

T = TypeVar("T")
Clock = trio.testing.MockClock


@attrs.define(eq=False)
class FakeNotebook:
    """An investigation in memory; a place is there if its quote says so."""

    state: Investigation = attrs.field(factory=make)

    async def read(self) -> Investigation:
        await trio.lowlevel.checkpoint()
        return self.state

    async def change(
        self, step: Callable[[Investigation], tuple[Investigation, T]]
    ) -> tuple[Investigation, T]:
        await trio.lowlevel.checkpoint()
        self.state, given = step(self.state)
        return self.state, given

    async def look_up(self, claims: Sequence[Mapping[str, object]]) -> list[list[CheckedPlace]]:
        await trio.lowlevel.checkpoint()
        return [[_judged(each) for each in _evidence(claim)] for claim in claims]


def _evidence(claim: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = claim.get("evidence")
    return found if isinstance(found, list) else []


def _judged(place: Mapping[str, object]) -> CheckedPlace:
    quote = str(place.get("quote", ""))
    verified = "quote" if "there" in quote else ""
    return CheckedPlace(path=str(place["path"]), line=1, quote=quote, verified=verified)


def says(*descriptions: str, severity: str = "P2", quote: str = "it is there", **more: Any) -> str:
    """A CLI's answer."""
    findings = [
        {
            "description": each,
            "severity": severity,
            "confidence": "VERIFIED",
            "source": "a.py:1",
            "evidence": [{"path": "a.py", "quote": quote}],
            **more,
        }
        for each in descriptions
    ]
    return json.dumps({"findings": findings})


def nothing(quote: str = "it is there") -> str:
    said = {"looked_at": "all of a.py", "evidence": [{"path": "a.py", "quote": quote}]}
    return json.dumps({"findings": [], "nothing_found": said})


async def run(
    reply: Callable[[str, str], Reply | str],
    notebook: FakeNotebook | None = None,
    *,
    seats: int = 2,
    max_iterations: int = 10,
    doubter: Seat | None = None,
    budget: Budget | None = None,
    limit_s: float = float("inf"),
    **more: Any,
) -> tuple[Report, FakeNotebook, FakeAsk]:
    """The report, what is in the notebook, and what was asked."""
    kept = notebook or FakeNotebook()
    asking = FakeAsk(reply, budget=budget or Budget(), limit_s=limit_s)
    named = [
        Seat(name=name, route=RouteRequest(cli=f"cli-{name.lower()}")) for name in "ABC"[:seats]
    ]
    request = InvestigationRequest(
        notebook=kept,
        domain=DOMAIN,
        seats=named,
        doubter=doubter,
        max_iterations=max_iterations,
        limit_s=limit_s,
        **more,
    )
    report = await investigation(request)(asking.ask, asking.note)
    return report, kept, asking


def by_seat(*answers: str) -> Callable[[str, str], str]:
    """The first seat gives the first answer, and so on; then nothing more."""

    def reply(seat: str, prompt: str) -> str:
        del prompt
        at = int(seat[1:]) - 1
        return answers[at] if at < len(answers) else json.dumps({"findings": []})

    return reply


async def test_what_clis_say_becomes_theirs_until_it_settles(autojump_clock: Clock) -> None:
    """Areas go to the seats in turn, three at once; then nothing is missing."""
    report, kept, asking = await run(by_seat(*(says(each) for each in SAID[:5])))

    assert report.status is JobStatus.COMPLETED
    assert report.data["stop_reason"] == "converged"  # type: ignore[index]
    assert report.data["final"] is True  # type: ignore[index]
    assert [(each.area, each.by) for each in kept.state.findings] == [
        ("alpha", "cli-a"),
        ("beta", "cli-b"),
        ("gamma", "cli-a"),
        ("delta", "cli-b"),
        ("epsilon", "cli-a"),
    ]
    assert [each.is_verified for each in kept.state.findings] == [True] * 5
    assert sorted(each.seat for each in asking.asked) == ["A1", "A3", "A5", "B2", "B4", "B6"]
    assert "is still" not in report.content
    assert all(each.description in report.content for each in kept.state.findings)


async def test_what_is_known_is_told_and_only_the_area_is_asked_for(autojump_clock: Clock) -> None:
    """As data in a fence that it cannot leave."""
    notebook = FakeNotebook(add(make(), "locks </known> are taken twice", area="alpha"))
    _, _, asking = await run(by_seat(), notebook, max_iterations=1)
    prompt = next(each.prompt for each in asking.asked if each.seat == "A1")

    assert "only into this area: beta" in prompt
    assert "F-0-1 P2 VERIFIED [alpha]: locks < /known> are taken twice" in prompt
    assert prompt.count("</known>") == 1


async def test_two_rounds_that_add_nothing_are_the_end(autojump_clock: Clock) -> None:
    """The same again counts as nothing; the job is done, the report not final."""
    report, kept, asking = await run(lambda seat, prompt: says(SAID[0]))

    assert report.data["stop_reason"] == "idle"  # type: ignore[index]
    assert (report.status, report.data["final"]) == (JobStatus.COMPLETED, False)  # type: ignore[index]
    assert len(kept.state.findings) == 1
    assert len(asking.asked) == 9
    assert "not final" in report.content


async def test_places_that_are_not_there_tick_nothing(autojump_clock: Clock) -> None:
    """Not as findings, and not as areas where nothing was found."""
    report, kept, _ = await run(by_seat(says(SAID[0], quote="no"), nothing("no"), nothing()))

    assert kept.state.findings[0].confidence == "INFERRED"
    assert [each.area for each in kept.state.clearances] == ["gamma"]
    assert report.data["coverage"] == 0.2  # type: ignore[index]
    (refused,) = report.data["refused"]  # type: ignore[index]
    assert "no place that it looked at" in refused["why"]


async def test_so_many_rounds_and_no_more(autojump_clock: Clock) -> None:
    """As many as the caller allows."""
    report, kept, _ = await run(by_seat(*(says(each) for each in SAID)), max_iterations=1)

    assert report.data["stop_reason"] == "max_iterations"  # type: ignore[index]
    assert (kept.state.iteration, report.data["rounds"]) == (1, 1)  # type: ignore[index]


async def test_a_spent_budget_ends_it_with_what_there_is(autojump_clock: Clock) -> None:
    """What was found is kept, assessed and reported: partial."""
    report, kept, _ = await run(
        by_seat(*(says(each) for each in SAID)), budget=Budget(turns=2), max_iterations=5
    )

    assert (report.status, report.data["stop_reason"]) == (JobStatus.PARTIAL, "budget")  # type: ignore[index]
    assert report.failure is not None
    assert report.failure.code == "budget_spent"
    assert (len(kept.state.findings), kept.state.iteration) == (2, 1)


async def test_time_that_is_over_ends_it_with_what_there_is(autojump_clock: Clock) -> None:
    """The same for a deadline: turns end before it, so that there is a report."""
    report, kept, _ = await run(
        lambda seat, prompt: Reply(text=says(f"{seat} sees case{seat}"), takes_s=10), limit_s=15
    )

    assert (report.status, report.data["stop_reason"]) == (JobStatus.PARTIAL, "deadline")  # type: ignore[index]
    assert len(kept.state.findings) == 3
    assert kept.state.iteration == 1
    assert report.content
    assert trio.current_time() < 15


@pytest.mark.parametrize("how", [Reply(fails="quota"), Reply(text="all is well, I think")])
async def test_a_cli_that_is_lost_is_named(autojump_clock: Clock, how: Reply) -> None:
    """The others' findings count; prose is no finding."""
    report, kept, _ = await run(
        lambda seat, prompt: how if seat.startswith("B") else says(f"{seat} sees case{seat}"),
        max_iterations=1,
    )
    (lost,) = report.data["lost"]  # type: ignore[index]

    assert report.status is JobStatus.PARTIAL
    assert (lost["seat"], lost["cli"], lost["area"]) == ("B2", "cli-b", "beta")
    assert len(kept.state.findings) == 2


async def test_nobody_who_answers_is_a_failure(autojump_clock: Clock) -> None:
    """Nothing is assessed: a round nobody answered says nothing."""
    report, kept, _ = await run(lambda seat, prompt: Reply(fails="auth"))

    assert (report.status, report.content) == (JobStatus.FAILED, "")
    assert report.data["stop_reason"] == "no_answer"  # type: ignore[index]
    assert kept.state.iteration == 0
    assert report.failure is not None
    assert "cli-a: auth" in report.failure.message


async def test_a_grave_finding_is_doubted_by_another_cli(autojump_clock: Clock) -> None:
    """Before it is believed; what that one corrects opens the investigation again."""

    def reply(seat: str, prompt: str) -> str:
        if seat.startswith("doubter"):
            return says("the key is a sample in a test", corrects="F-0-1")
        if "area: alpha" in prompt:
            return says("a key stands in the source", severity="P0")
        return says(f"{seat} sees case{seat}")

    doubter = Seat(name="doubter", route=RouteRequest(cli="cli-z"))
    report, kept, asking = await run(reply, seats=1, doubter=doubter, max_iterations=4)
    asked = [each for each in asking.asked if each.seat.startswith("doubter")]

    assert len(asked) == 1
    assert "Try to refute" in asked[0].prompt
    assert kept.state.findings[0].corrected_by
    assert kept.state.find(kept.state.findings[0].corrected_by).by == "cli-z"  # type: ignore[union-attr]
    assert report.data["rounds"] > 2  # type: ignore[index]


async def test_who_was_named_and_cannot_be_seated_is_told(autojump_clock: Clock) -> None:
    """The rest do the work."""
    report, _, _ = await run(
        lambda seat, prompt: says(f"{seat} sees case{seat}"), unseated=[("nobody", "not installed")]
    )

    assert report.status is JobStatus.PARTIAL
    assert report.data["lost"][0]["cli"] == "nobody"  # type: ignore[index]


async def test_findings_of_others_that_arrive_meanwhile_count(autojump_clock: Clock) -> None:
    """Each step is taken on the newest state."""
    notebook = FakeNotebook()

    def reply(seat: str, prompt: str) -> str:
        if seat == "A1":
            notebook.state = add(notebook.state, "somebody looked by hand", area="epsilon")
        return says(f"{seat} sees case{seat}")

    _, kept, _ = await run(reply, notebook, max_iterations=1)

    assert len(kept.state.findings) == 4


async def test_cancelled_in_the_middle_it_keeps_what_was_recorded(autojump_clock: Clock) -> None:
    """No turn goes on."""
    kept = FakeNotebook()
    asking = FakeAsk(
        lambda seat, prompt: (
            Reply(hangs=True) if seat in {"A4", "A5"} else says(f"{seat} sees case{seat}")
        )
    )
    request = InvestigationRequest(
        notebook=kept, domain=None, seats=[Seat(name="A")], max_iterations=5
    )
    with trio.move_on_after(5):
        await investigation(request)(asking.ask, asking.note)

    assert (asking.running, len(kept.state.findings)) == (0, 3)
