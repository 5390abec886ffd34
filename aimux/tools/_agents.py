"""`agents`: who there is, who fits a task, and one of them at work."""

import os
from typing import Final

import attrs

from aimux.engine import JobRequest
from aimux.errors import InvalidArguments, NotFound
from aimux.guidance import guide
from aimux.library.agents import AgentLibrary
from aimux.model import Agent, AgentSettings, Budget, Mode, RouteRequest
from aimux.rules import nearest
from aimux.rules.agents import (
    AGENTS_SHOWN,
    Candidate,
    Selection,
    agent_mode,
    agent_origin,
    agent_route,
    agent_turns,
    rank_candidates,
    role_of,
    select_candidate,
)
from aimux.strategies.seats import AgentRequest, run_agent

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, number, run_job
from ._panels import plan_payload
from ._results import Json
from ._roots import KnownRoots, is_answer, roots_of

answer_nowait: Final = None  # it looks for files
NONCE_BYTES: Final = 6
SUMMARY_CHARS: Final = 160  # of a description in a list; info has all of it


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Do one action. Cancelling a run before it is handed over cancels the job.

    Raises:
        AimuxError: there is no such agent, or its job cannot be started.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    cwd = str(call.arguments.get("cwd", ""))
    library = await context.engine.config.agents(call.client, cwd, roots.paths)
    match call.arguments["action"]:
        case "run":
            return await _run(context, call, roots, library)
        case "find":
            return _find(call, library)
        case "info":
            return _info(_named(library, _needed(call, "agent_id")), library)
        case _:
            return _list(library)


# ------------------------------------------------------------------------------------ looking


def _needed(call: ToolCall, name: str) -> str:
    value = str(call.arguments.get(name, ""))
    if value.strip():
        return value
    action = call.arguments["action"]
    raise InvalidArguments(
        f"agents(action={action}) needs {name}",
        problems=[{"path": name, "value": None, "expected": f"what to {action}"}],
    )


def _named(library: AgentLibrary, name: str) -> Agent:
    """The agent called so.

    Raises:
        NotFound: there is none; says which there are.
    """
    if name in library.agents:
        return library.agents[name]
    folded = name.casefold()
    for agent in library.agents.values():
        if folded in (agent.id, agent.name.casefold()):
            return agent
    known = sorted(library.agents)
    close = nearest(name, known)
    raise NotFound(
        f"unknown agent {name!r}: known are {', '.join(known) or 'none'}",
        code="agent_unknown",
        hint=f"did you mean {close}?" if close else "agents(action=find) says who fits a task",
        data={"agent_id": name, "known": known},
    )


def candidates_of(library: AgentLibrary) -> list[Candidate]:
    """The agents of a library as what is chosen among."""
    return [
        Candidate(
            id=agent.id,
            name=agent.name,
            description=agent.description,
            when=" ".join((agent.when, *agent.keywords)),
            role=" ".join((agent.role, agent.domain)),
        )
        for agent in library.agents.values()
    ]


def _row(agent: Agent) -> Json:
    """An agent in a list."""
    return {
        "id": agent.id,
        "description": agent.description[:SUMMARY_CHARS],
        "role": agent.role or None,
        "mode": None if agent.mode is None else str(agent.mode),
        "domain": agent.domain or None,
        "source": agent.source.name.lower(),
        "host": agent.host,
    }


def _list(library: AgentLibrary) -> Payload:
    rows = [_row(library.agents[id_]) for id_ in sorted(library.agents)]
    shown = "\n".join(
        f"- **{each['id']}** ({each['source']}): {each['description']}" for each in rows
    )
    return _payload("listed", shown, {"agents": rows, "count": len(rows)}, library)


def _find(call: ToolCall, library: AgentLibrary) -> Payload:
    task = _needed(call, "prompt")
    ranked = rank_candidates(task, candidates_of(library))
    found = [
        {**_row(library.agents[each.id]), "score": each.score, "words": list(each.words)}
        for each in ranked[:AGENTS_SHOWN]
        if each.score
    ]
    selection = select_candidate(task, candidates_of(library))
    lines = [f"- **{each['id']}** {each['score']}: {each['description']}" for each in found]
    chosen = None if selection is None else selection.id
    said = "nobody" if selection is None else f"{selection.id} ({selection.why})"
    data: Json = {
        "query": task,
        "matches": found,
        "count": len(found),
        "would_run": chosen,
    }
    return _payload("found", "\n".join([f"would run: {said}", *lines]), data, library)


def _info(agent: Agent, library: AgentLibrary) -> Payload:
    data: Json = {
        "agent": {
            **_row(agent),
            "name": agent.name,
            "description": agent.description,
            "when": agent.when or None,
            "keywords": list(agent.keywords),
            "cli": agent.cli or None,
            "model": agent.model or None,
            "effort": agent.effort or None,
            "tools": list(agent.tools),
            "max_turns": agent.max_turns,
            "timeout_seconds": agent.timeout_s,
            "origin": agent.origin,
            "replaces": list(agent.hidden),
            "instructions": agent.text,
        }
    }
    return _payload(
        "shown", f"# {agent.name}\n\n{agent.description}\n\n{agent.text}", data, library
    )


def _payload(state: str, content: str, data: Json, library: AgentLibrary) -> Payload:
    """The shape of a result, of a call that ran nobody."""
    problems = [str(each) for each in library.problems]
    body: Json = {
        "job_id": None,
        "session_id": None,
        "status": "completed",
        "content": content,
        "data": {**data, "problems": problems},
        "content_length": len(content),
        "truncated": False,
        "warnings": [],
        "error": None,
        "state": state,
    }
    body["guidance"] = guide("agents", body)
    del body["state"]
    return Payload(body)


# ------------------------------------------------------------------------------------ at work


async def _run(
    context: ToolContext, call: ToolCall, roots: KnownRoots, library: AgentLibrary
) -> Payload | InputRequired:
    given, task = call.arguments, _needed(call, "prompt")
    agent, selection = _chosen(call, library, task)
    request = _request(call, roots, task)
    survey = await context.engine.survey(request)
    settings = survey.snapshot.settings.agents
    route, warnings = agent_route(agent, request.route, survey.facts)
    role = role_of(agent, survey.snapshot.roles, route.role)
    mode, lowered = agent_mode(agent, role, request.mode, Mode(settings.project_mode))
    turns = _turns(call, agent, settings)
    request = attrs.evolve(
        request,
        route=route,
        mode=mode,
        warnings=[*request.warnings, *agent_origin(agent), *warnings, *lowered],
        budget=Budget(turns=turns),
    )
    prepared = await context.engine.prepare(request)
    shown = None if selection is None else _selection_json(selection)
    if given.get("dry_run"):
        return _plan(plan_payload(prepared, survey, turns=turns, phases=[agent.id]), agent, shown)
    wanted = AgentRequest(
        agent=agent,
        task=task,
        nonce=os.urandom(NONCE_BYTES).hex(),
        max_turns=turns,
        limit_s=agent.timeout_s,
        selection=shown,
    )
    return await run_job(context, call, prepared, run_agent(wanted))


def _chosen(call: ToolCall, library: AgentLibrary, task: str) -> tuple[Agent, Selection | None]:
    name = str(call.arguments.get("agent_id", ""))
    if name:
        return _named(library, name), None
    selection = select_candidate(task, candidates_of(library))
    if selection is None:
        raise NotFound(
            "no agent fits this task, and there is none for everything",
            code="no_agent_fits",
            hint="name one: agents(action=list) shows them",
            data={"known": sorted(library.agents)},
        )
    return library.agents[selection.id], selection


def _request(call: ToolCall, roots: KnownRoots, task: str) -> JobRequest:
    given = call.arguments
    mode = given.get("mode")
    return JobRequest(
        tool="agents",
        prompt=task,
        route=RouteRequest(
            cli=str(given.get("cli", "")),
            model=str(given.get("model", "")),
        ),
        mode=None if mode is None else Mode(str(mode)),
        cwd=str(given.get("cwd", "")),
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        timeout_s=number(given.get("timeout_seconds")),
    )


def _turns(call: ToolCall, agent: Agent, settings: AgentSettings) -> int:
    asked = call.arguments.get("max_turns")
    return agent_turns(agent, asked if isinstance(asked, int) else None, settings.max_turns)


def _selection_json(selection: Selection) -> Json:
    """How the agent was chosen: scores, and who came next."""
    ranked = [
        {"id": each.id, "score": each.score, "words": list(each.words)}
        for each in selection.ranked[:AGENTS_SHOWN]
        if each.score
    ]
    runner_up = selection.runner_up
    return {
        "chosen": selection.id,
        "why": selection.why,
        "fallback": selection.is_fallback,
        "runner_up": None if runner_up is None else runner_up.id,
        "ranked": ranked,
    }


def _plan(payload: Payload, agent: Agent, selection: Json | None) -> Payload:
    body = dict(payload.body)
    plan = body["plan"]
    assert isinstance(plan, dict)
    told: Json = {"agent": _row(agent), "selection": selection}
    body["plan"] = {**plan, **told}
    body["mode"] = plan["seats"][0]["mode"]
    body["content"] = f"{agent.id}: {body['content']}"
    return Payload(body)
