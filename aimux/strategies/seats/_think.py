"""Several seats think about one matter apart from each other; what they say is merged, not chosen.

Theory of operation. All seats are asked at once, each in its role and blind to the others, for the
JSON of one contract; an answer that does not fit is asked for once more, then kept as prose. Who
fails or is late is told by name. Merging is pure (`aimux.think`); the solo answer was there before
anybody was asked and is part of every report.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import trio

from aimux.model import Failure, FailureClass, JobStatus, Warned
from aimux.rules import harmless
from aimux.strategies import Ask, Note, Report, Seat, Work
from aimux.think import Step, render
from aimux.think.panel import Contract, Opinion, joined, panel_prompt, role_of, unasked

from ._asking import Heard, ask_seat

TURNS_SHARE: Final = 0.97  # of the job's time; the rest is for the report
HEAVY: Final = 30_000  # characters of answers that take long enough to merge to be in the way


@attrs.frozen(kw_only=True)
class ThinkRequest:
    """A step that was taken and is now asked about.

    `shown` is its solo answer, `clis` who sits on which seat, `strays` who was named in vain.
    """

    step: Step
    shown: Mapping[str, object]
    contract: Contract
    seats: Sequence[Seat]
    clis: Mapping[str, str]
    strays: Sequence[tuple[str, str]] = ()
    limit_s: float = float("inf")


def think(request: ThinkRequest) -> Work:
    """The work of a panel that thinks. Cancelling it ends every turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        limit_s = None if math.isinf(request.limit_s) else request.limit_s * TURNS_SHARE
        heard: list[Heard | None] = [None] * len(request.seats)
        note("the answer without them is there", so_far=alone_so_far(request.shown))

        async def one(at: int, seat: Seat) -> None:
            prompt = panel_prompt(request.step, request.contract, role_of(request.contract, at))
            heard[at] = await ask_seat(
                ask, seat, harmless(prompt), schema=request.contract.schema, limit_s=limit_s
            )

        async with trio.open_nursery() as asking:
            for at, seat in enumerate(request.seats):
                asking.start_soon(one, at, seat)
        opinions = [
            _opinion(request, at, each) for at, each in enumerate(heard) if each is not None
        ]
        answered = [each.seat for each in opinions if not each.reason]
        note(
            f"{len(answered)} of {len(opinions)} answered",
            answered=answered,
            lost={each.seat: each.reason for each in opinions if each.reason},
        )
        made = partial(_report, request, opinions)
        if sum(len(each.text) for each in opinions) > HEAVY:
            return await trio.to_thread.run_sync(made)
        return made()

    return work


def alone_so_far(shown: Mapping[str, object]) -> dict[str, object]:
    """The solo answer of a step as it is told while CLIs are asked."""
    return {**unasked(dict(shown), "not all have answered", []), "mode": "solo"}


def _opinion(request: ThinkRequest, at: int, heard: Heard) -> Opinion:
    data = _harmless_values(heard.data)
    return Opinion(
        seat=heard.seat,
        cli=request.clis[heard.seat],
        role=role_of(request.contract, at),
        data=data if isinstance(data, dict) and heard.is_answer else None,
        text=harmless(heard.content),
        reason=heard.told if heard.reason else "",
        duration_ms=None if heard.result is None else heard.result.duration_ms,
    )


def _harmless_values(value: object) -> object:
    """The same JSON, its texts without what a terminal would act on."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        return {harmless(str(key)): _harmless_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless_values(each) for each in value]
    return value


def _report(request: ThinkRequest, opinions: Sequence[Opinion]) -> Report:
    strays = strays_json(request.strays)
    shown = joined(request.step, request.contract, dict(request.shown), opinions, strays)
    lost = [f"{each.seat} ({each.cli}): {each.reason}" for each in opinions if each.reason]
    lost += [f"{name} could not be asked: {why}" for name, why in request.strays]
    failure = None
    if lost:
        is_alone = all(each.reason for each in opinions)
        failure = Failure(
            failure_class=FailureClass.UNKNOWN,
            code="no_answer" if is_alone else "seat_lost",
            message="; ".join(lost),
            hint="data has the solo answer" if is_alone else "data is of those who answered",
            retryable=True,
        )
    warnings = [
        Warned(code="answered_in_prose", message=f"{each.seat} gave no JSON: its text is kept")
        for each in opinions
        if not each.reason and each.data is None
    ]
    told = shown["warnings"]
    warnings += [
        Warned(code="think", message=str(each)) for each in (told if isinstance(told, list) else ())
    ]
    return Report(
        status=JobStatus.COMPLETED if failure is None else JobStatus.PARTIAL,
        content=harmless(render(shown)),
        data=shown,
        failure=failure,
        warnings=warnings,
    )


def strays_json(strays: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """Participants who were named and could not be asked, with the reason."""
    return [
        {
            "seat": None,
            "cli": name,
            "role": None,
            "status": "unseated",
            "duration_ms": None,
            "parsed": "none",
            "verdict": None,
            "confidence": None,
            "error": why,
        }
        for name, why in strays
    ]
