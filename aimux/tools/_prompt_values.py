"""What templates of prompts may name: the arguments, and live tables of what is on this machine.

Only what a template and its parts use is looked up. All of it is data: texts, numbers, lists and
tables; what a project says of its agents is one line each, without what a terminal would act on.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs
import trio

from aimux.engine import JobRequest, Survey, find_project
from aimux.errors import AimuxError
from aimux.investigate import GENERIC, detect
from aimux.library.skills import Skill, SkillLibrary, kind_of, names_in
from aimux.model import RouteRequest
from aimux.rules import choose
from aimux.rules.agents import select_candidate
from aimux.think import PATTERNS

from ._agents import candidates_of
from ._background import role_for
from ._calls import Client
from ._context import ToolContext
from .catalog import TOOLS

MAX_LISTED: Final = 40  # of anything
CELL: Final = 160  # characters of a description in a table
RECALLED: Final = 5
KEYS: Final = ("GEMINI_API_KEY", "GOOGLE_API_KEY")  # deepresearch reads them


@attrs.frozen
class Subject:
    """For whom values are looked up, and what for."""

    context: ToolContext
    client: Client
    library: SkillLibrary
    arguments: Mapping[str, str]

    @property
    def text(self) -> str:
        """What the prompt is about: its arguments in one text."""
        return " ".join(self.arguments.values())


async def values_for(
    context: ToolContext,
    client: Client,
    library: SkillLibrary,
    skill: Skill,
    arguments: Mapping[str, str],
) -> dict[str, object]:
    """The values that the template of a skill uses.

    Cancelling it leaves nothing.
    """
    subject = Subject(context, client, library, arguments)
    used = names_in(skill, library.parts_of(skill))
    values: dict[str, object] = {"args": dict(arguments)}
    values["kind"] = kind_of(skill, arguments.get(skill.kinds_of, ""))
    values["cwd"] = str(client.cwd)
    values["paths"] = {
        each.name: str(client.cwd / arguments[each.name])
        for each in skill.arguments
        if each.complete == "path"
    }
    values["related"] = [
        {"name": each.id, "description": each.description} for each in library.related(skill)
    ]
    values["patterns"] = sorted(PATTERNS)
    values["tools"] = [{"name": tool.name, "title": tool.title} for tool in TOOLS.values()]
    values["can_research"] = any(client.env.get(name) for name in KEYS)
    for names, look_up in _LOOK_UPS.items():
        if used & set(names):
            values |= await look_up(subject)
    return values


async def _clis(subject: Subject) -> dict[str, object]:
    """`clis` that can be run now, `roles` with the CLI that each would get, `role` that fits."""
    request = JobRequest(tool="prompts", prompt="", client=subject.client)
    survey = await subject.context.engine.survey(request)
    facts = survey.facts
    first = {name: at for at, name in enumerate(facts.order)}
    ready = sorted(
        (name for name in facts.profiles if name in facts.ready),
        key=lambda name: (first.get(name, len(first)), facts.profiles[name].priority, name),
    )
    roles = [
        {
            "name": role.name,
            "summary": role.summary[:CELL],
            "mode": str(role.mode),
            "cli": _cli_of(role.name, survey),
        }
        for role in facts.roles.values()
        if role.text
    ]
    found = role_for(subject.text, facts.roles)
    return {
        "clis": [
            {
                "name": name,
                "vendor": facts.profiles[name].vendor,
                "roles": [each["name"] for each in roles if each["cli"] == name],
            }
            for name in ready
        ],
        "roles": roles,
        "cli_of": {str(each["name"]): each["cli"] for each in roles},
        "role": {"name": "", "why": ""} if found is None else {"name": found.id, "why": found.why},
    }


def _cli_of(role: str, survey: Survey) -> str:
    facts = survey.facts
    try:
        routes = choose(
            RouteRequest(role=role),
            facts.roles,
            facts.overrides,
            facts.profiles,
            facts.ready,
            facts.health,
            facts.roles[role].mode,
            cooled=facts.cooled,
            order=facts.order,
            fallback_max=facts.fallback_max,
        )
    except AimuxError:  # nobody can take it now
        return ""
    return routes.candidates[0].cli


async def _agents(subject: Subject) -> dict[str, object]:
    """`agents` there are, and the `agent` that fits."""
    library = await subject.context.engine.config.agents(subject.client, "", ())
    chosen = select_candidate(subject.text, candidates_of(library))
    named = subject.arguments.get("agent", "")
    agent = {"id": "", "why": ""}
    if named in library.agents:
        agent = {"id": named, "why": "you named it"}
    elif chosen is not None and not chosen.is_fallback:
        agent = {"id": chosen.id, "why": chosen.why}
    rows = [
        {
            "id": each.id,
            "description": each.description[:CELL],
            "source": each.source.name.lower(),
        }
        for _, each in sorted(library.agents.items())[:MAX_LISTED]
    ]
    return {"agents": rows, "agent": agent}


async def _domains(subject: Subject) -> dict[str, object]:
    """`domains` there are, and the `domain` that fits, with what it looks at."""
    domains = (await subject.context.engine.config.domains(subject.client)).domains
    named = subject.arguments.get("domain", "")
    found = detect(subject.text, domains)
    domain = domains.get(named) or domains.get(found.domain) or domains[GENERIC]
    matched = "" if domain.name == named else ", ".join(found.matched)
    return {
        "domains": [
            {"name": each.name, "summary": each.summary[:CELL]} for each in domains.values()
        ],
        "domain": {
            "name": domain.name,
            "summary": domain.summary,
            "words": matched,
            "areas": [{"name": name, "method": domain.method(name)} for name in domain.areas],
            "avoid": list(domain.anti_patterns),
            "signs": [
                {"text": each.text, "severity": str(each.severity), "fix": each.fix}
                for each in domain.indicators
            ],
        },
    }


async def _reports(subject: Subject) -> dict[str, object]:
    """`reports`: earlier investigations that speak of the same."""
    text = subject.text.strip()
    if not text:
        return {"reports": []}
    store = subject.context.engine.store.investigations
    project = await trio.to_thread.run_sync(find_project, str(subject.client.cwd))
    found = await store.recall(text, project=project, limit=RECALLED)
    return {
        "reports": [
            {"id": each.investigation.id, "question": " ".join(each.investigation.question.split())}
            for each in found
        ]
    }


async def _jobs(subject: Subject) -> dict[str, object]:
    """`jobs`: how many run and wait."""
    statistics = subject.context.engine.supervisor.statistics()
    return {"jobs": {"running": statistics.running, "queued": statistics.queued}}


_LookUp = Callable[[Subject], Awaitable[dict[str, object]]]
_LOOK_UPS: Final[Mapping[tuple[str, ...], _LookUp]] = {
    ("clis", "roles", "role", "cli_of"): _clis,
    ("agents", "agent"): _agents,
    ("domains", "domain"): _domains,
    ("reports",): _reports,
    ("jobs",): _jobs,
}
