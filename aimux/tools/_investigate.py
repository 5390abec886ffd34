"""`investigate`: the actions of an investigation, each in the envelope that says what is next."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import trio

from aimux.errors import AimuxError
from aimux.guidance import guide_investigation
from aimux.investigate import (
    Domain,
    Draft,
    Investigation,
    add_clearance,
    add_finding,
    assess,
)
from aimux.times import utc_now

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._investigation_claims import claims_of, drafts_of
from ._investigation_json import (
    added_json,
    angle_call,
    assess_json,
    guided,
    looked_over,
    page_of,
    recalled_json,
    row_json,
    status_json,
)
from ._investigation_report import report
from ._investigation_run import go_on_with_run, run
from ._investigation_start import begin, needed, where_of
from ._results import Json
from ._roots import is_answer

PAGE: Final = 20

answer_nowait: Final = None  # it waits for the store at least


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Do one action. Cancelling it leaves what was recorded, and ends a job not yet handed over."""
    if call.state is not None and not is_answer(call):
        return await go_on_with_run(context, call)
    given = call.arguments
    action = _action(given)
    match action:
        case "start":
            return await _start(context, call)
        case "finding":
            return await _finding(context, call)
        case "note":
            return await _note(context, call)
        case "assess":
            return await _assess(context, call)
        case "report":
            return await _report(context, call)
        case "status":
            return await _status(context, call)
        case "auto":
            return await _auto(context, call)
        case _:
            return await _found(context, call, action)


def _action(given: Mapping[str, object]) -> str:
    action = given.get("action")
    if action:
        return str(action)
    if given.get("question"):
        return "start"
    return "status" if given.get("session_id") else "list"


def _session(given: Mapping[str, object], action: str) -> str:
    return needed(given, action, "session_id", "the inv_… id that start gave")


async def _domain(context: ToolContext, call: ToolCall, state: Investigation) -> Domain | None:
    library = await context.engine.config.domains(call.client)
    return library.domains.get(state.domain)


async def _start(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    begun = await begin(context, call)
    if isinstance(begun, InputRequired):
        return begun
    state, domain, result = begun
    return guided("start", state, await looked_over(state, domain), result)


async def _finding(context: ToolContext, call: ToolCall) -> Payload:
    given = call.arguments
    session_id = _session(given, "finding")
    claims = claims_of(given)
    drafts = await drafts_of(context, call, session_id, claims)
    now = utc_now()

    def step(state: Investigation) -> tuple[Investigation, list[Json]]:
        results: list[Json] = []
        for at, draft in enumerate(drafts):
            try:
                state, added = add_finding(state, draft, now)
            except AimuxError as error:
                if len(drafts) > 1:
                    error.message = f"findings[{at}]: {error.message}; none was recorded"
                raise
            results.append(added_json(state, added))
        return state, results

    state, results = await context.engine.store.investigations.change(session_id, step)
    domain = await _domain(context, call, state)
    result = results[0] if "findings" not in given else {"findings": results}
    return guided(
        "finding", state, await looked_over(state, domain), {"session_id": state.id, **result}
    )


async def _note(context: ToolContext, call: ToolCall) -> Payload:
    given = call.arguments
    session_id = _session(given, "note")
    (draft,) = await drafts_of(context, call, session_id, [given])
    step = partial(_noted, draft=draft)
    state, result = await context.engine.store.investigations.change(session_id, step)
    domain = await _domain(context, call, state)
    return guided("note", state, await looked_over(state, domain), result)


def _noted(state: Investigation, *, draft: Draft) -> tuple[Investigation, Json]:
    after, clearance = add_clearance(state, draft, utc_now())
    what = (
        f"{clearance.area} counts as looked at" if clearance.area else "nothing new in this round"
    )
    shown: Json = {"session_id": state.id, "note_id": clearance.id, "hint": what}
    return after, shown | ({"duplicate_of": clearance.id} if after is state else {})


async def _assess(context: ToolContext, call: ToolCall) -> Payload:
    session_id = _session(call.arguments, "assess")
    store = context.engine.store.investigations
    domain = await _domain(context, call, await store.get(session_id))
    step = partial(assess, domain=domain, at=utc_now())
    state, found = await store.change(session_id, step)
    result = assess_json(state, found, angle_call(found, state))
    verdict = str(found.verdict)
    return guided("assess", state, found, result, verdict=verdict)


async def _status(context: ToolContext, call: ToolCall) -> Payload:
    session_id = _session(call.arguments, "status")
    state = await context.engine.store.investigations.get(session_id)
    found = await looked_over(state, await _domain(context, call, state))
    facts = {"verdict": str(state.history[-1].verdict)} if state.history else {}
    return guided("status", state, found, status_json(state, found), **facts)


async def _report(context: ToolContext, call: ToolCall) -> Payload:
    session_id = _session(call.arguments, "report")
    state = await context.engine.store.investigations.get(session_id)
    return await report(context, call, await _domain(context, call, state))


async def _found(context: ToolContext, call: ToolCall, action: str) -> Payload | InputRequired:
    """`list` and `recall`: the investigations of this project, or of all."""
    given = call.arguments
    question = str(given.get("question") or "")
    if action == "recall":
        question = needed(given, action, "question", "what is to be recalled")
    project: str | None = None
    if not given.get("all_projects"):
        where = await where_of(call)
        if isinstance(where, InputRequired):
            return where
        project = where.project
    limit = given.get("limit")
    wanted = limit if isinstance(limit, int) else PAGE
    facts: Json = {"action": action, "all_projects": project is None, "question": question}
    result = await (_recalled if action == "recall" else _listed)(
        context, call, project, wanted, facts
    )
    return Payload({**guide_investigation(facts), "result": result})


async def _listed(
    context: ToolContext, call: ToolCall, project: str | None, limit: int, facts: Json
) -> Json:
    del call
    page = await context.engine.store.investigations.listing(project=project, limit=limit)
    facts["session_ids"] = [each.id for each in page.investigations]
    rows = [row_json(each) for each in page.investigations]
    saved = [
        {"filename": each.saved_to, "topic": each.question, "session_id": each.id}
        for each in page.investigations
        if each.saved_to
    ]
    return {
        "active_investigations": rows,
        "active_count": len(rows),
        "has_more": page.cursor is not None,
        "saved_reports": saved,
        "saved_count": len(saved),
        "project": project,
    }


async def _recalled(
    context: ToolContext, call: ToolCall, project: str | None, limit: int, facts: Json
) -> Json:
    store, question = context.engine.store.investigations, str(facts["question"])
    found = await store.recall(question, project=project, limit=limit)
    facts["session_ids"] = [each.investigation.id for each in found]
    if not found:
        page = await store.listing(project=project, limit=PAGE)
        return {
            "found": False,
            "message": "no investigation here speaks of that"
            + ("" if project is None else "; all_projects=true searches the others too"),
            "available_topics": [each.question for each in page.investigations],
        }
    best = found[0].investigation
    domain = await _domain(context, call, best)
    return recalled_json(found, await trio.to_thread.run_sync(page_of, best, domain))


async def _auto(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Let CLIs do the looking, in an investigation that is there or a new one."""
    session_id = str(call.arguments.get("session_id") or "")
    if session_id:
        state = await context.engine.store.investigations.get(session_id)
        domain = await _domain(context, call, state)
        return await run(context, call, state, domain)
    begun = await begin(context, call)
    if isinstance(begun, InputRequired):
        return begun
    state, domain, _ = begun
    return await run(context, call, state, domain)
