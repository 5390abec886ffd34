"""`investigate(action=auto)`: CLIs look into an investigation, as one job."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import attrs

from aimux.investigate import CheckedPlace, Domain, Investigation
from aimux.rules.panels import seat_outsider
from aimux.strategies.seats import InvestigationRequest, investigation

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._investigation_json import guided, looked_over
from ._jobs import go_on, run_job
from ._panels import members_of, panel_request
from ._places import look_up
from ._results import Json
from ._roots import KnownRoots

ROLE: Final = "analyze"
SEATS: Final = 2  # who looks where the caller names nobody
DOUBTER: Final = "doubter"
_STATE: Final = "investigation"

T = TypeVar("T")


@attrs.frozen
class _StoredNotebook:
    """One investigation of the store, and the tree it is about."""

    context: ToolContext
    session_id: str
    root: str

    async def read(self) -> Investigation:
        """It as it is now. Cancelling it changes nothing."""
        return await self.context.engine.store.investigations.get(self.session_id)

    async def change(
        self, step: Callable[[Investigation], tuple[Investigation, T]]
    ) -> tuple[Investigation, T]:
        """Take one step. Cancelled on entry it does nothing; later it finishes first."""
        return await self.context.engine.store.investigations.change(self.session_id, step)

    async def look_up(self, claims: Sequence[Mapping[str, object]]) -> list[list[CheckedPlace]]:
        """What the places of each claim came to. Cancelled or not, it reads to its end."""
        return await look_up(self.root, claims)


async def run(
    context: ToolContext, call: ToolCall, state: Investigation, domain: Domain | None
) -> Payload | InputRequired:
    """Start the job and answer as the call wants it.

    Cancelling it before the job is handed over cancels the job; what it found is kept.

    Raises:
        AimuxError: nothing was started.
    """
    given = call.arguments
    request = panel_request(call, KnownRoots(), tool="investigate", prompt=state.question)
    request = attrs.evolve(request, cwd=request.cwd or state.cwd, works_on=state.id)
    survey = await context.engine.survey(request)
    panel = members_of(call, survey.facts, count=SEATS, role=ROLE)
    members = list(dict.fromkeys(panel.members))  # one CLI is enough to look, if it is all there is
    seats = [member.seat(chr(ord("A") + at)) for at, member in enumerate(members)]
    outsider = seat_outsider(members, survey.facts, role=ROLE)
    prepared = await context.engine.prepare(attrs.evolve(request, seats=seats))
    rounds = given.get("max_iterations")
    work = investigation(
        InvestigationRequest(
            notebook=_StoredNotebook(context, state.id, prepared.cwd),
            domain=domain,
            seats=seats,
            doubter=None if outsider is None else outsider.seat(DOUBTER),
            unseated=panel.unseated if given.get("clis") else (),
            limit_s=prepared.limit_s,
            max_iterations=rounds if isinstance(rounds, int) else state.max_iterations,
        )
    )
    return await _told(context, state.id, domain, await run_job(context, call, prepared, work))


async def go_on_with_run(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Go on with the job of a call that ended with a question. Cancelling it cancels the job.

    Raises:
        AimuxError: the job is not there any more.
    """
    assert call.state is not None
    session_id = str(call.state[_STATE])
    state = await context.engine.store.investigations.get(session_id)
    domains = (await context.engine.config.domains(call.client)).domains
    return await _told(context, session_id, domains.get(state.domain), await go_on(context, call))


async def _told(
    context: ToolContext,
    session_id: str,
    domain: Domain | None,
    answered: Payload | InputRequired,
) -> Payload | InputRequired:
    """The answer of the job in the envelope of its investigation."""
    if isinstance(answered, InputRequired):
        return attrs.evolve(answered, state={**answered.state, _STATE: session_id})
    state = await context.engine.store.investigations.get(session_id)
    result: Json = {name: value for name, value in answered.body.items() if name != "guidance"}
    result["session_id"] = session_id
    status = str(result["status"])
    job_id = result["job_id"]
    found = await looked_over(state, domain)
    shown = guided("auto", state, found, result, job_id=job_id, job_status=status)
    top: Json = {"job_id": job_id, "status": status, "error": result.get("error")}
    return Payload({**top, **shown.body}, answered.is_error, answered.links)
