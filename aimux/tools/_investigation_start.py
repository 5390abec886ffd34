"""An investigation begins: where it works, in which domain, kept before its id is told."""

from collections.abc import Mapping
from typing import Final

import attrs
import trio

from aimux.engine import find_directory, find_project, new_id
from aimux.errors import InvalidArguments, NotFound
from aimux.investigate import (
    ALIASES,
    Detection,
    Domain,
    Investigation,
    InvestigationId,
    detect,
)
from aimux.rules import nearest
from aimux.times import utc_now

from ._calls import InputRequired, ToolCall
from ._context import ToolContext
from ._investigation_json import start_json
from ._results import Json
from ._roots import roots_of

MAX_QUESTION_CHARS: Final = 4_000
MAX_ITERATIONS: Final = 5  # where a call does not say


def needed(given: Mapping[str, object], action: str, name: str, expected: str) -> str:
    """An argument that an action cannot do without.

    Raises:
        InvalidArguments: it is missing or blank.
    """
    value = str(given.get(name) or "").strip()
    if not value:
        raise InvalidArguments(
            f"investigate(action={action}) needs {name}",
            problems=[{"path": name, "value": None, "expected": expected}],
        )
    return value


@attrs.frozen(kw_only=True)
class Where:
    """The directory a call works in, and the project that is part of."""

    cwd: str
    project: str


async def where_of(call: ToolCall) -> Where | InputRequired:
    """Where a call works. Cancelling it takes back the question for roots.

    Raises:
        InvalidArguments: the directory cannot be used.
    """
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    client, named = call.client, str(call.arguments.get("cwd") or "")

    def find() -> Where:
        cwd = find_directory(named, roots.paths, client.cwd, client.env).path
        return Where(cwd=cwd, project=find_project(cwd))

    return await trio.to_thread.run_sync(find)


async def begin(
    context: ToolContext, call: ToolCall
) -> tuple[Investigation, Domain, Json] | InputRequired:
    """A new investigation, stored, its domain, and what `start` tells of it.

    Cancelling it before it is stored leaves nothing.

    Raises:
        InvalidArguments, NotFound: no question, or no such domain.
    """
    given = call.arguments
    question = needed(
        given, str(given.get("action") or "start"), "question", "what is to be found out"
    )
    if len(question) > MAX_QUESTION_CHARS:
        raise InvalidArguments(
            f"question has {len(question)} characters",
            problems=[
                {
                    "path": "question",
                    "value": question[:80],
                    "expected": f"at most {MAX_QUESTION_CHARS} characters",
                }
            ],
        )
    where = await where_of(call)
    if isinstance(where, InputRequired):
        return where
    library = await context.engine.config.domains(call.client)
    name = str(given.get("domain") or "auto").strip().lower()
    name = ALIASES.get(name, name)
    detection: Detection | None = None
    if name == "auto":
        detection = detect(question, library.domains)
        name = detection.domain
    domain = library.domains.get(name)
    if domain is None:
        known = ", ".join(sorted(library.domains))
        close = nearest(name, library.domains)
        raise NotFound(
            f"no domain {name[:80]}",
            code="unknown_domain",
            hint=f"did you mean {close}?" if close else f"known: auto, {known}",
            data={"domains": sorted(library.domains)},
        )
    rounds = given.get("max_iterations")
    now = utc_now()
    state = Investigation(
        id=InvestigationId(new_id("inv")),
        question=question,
        domain=domain.name,
        areas=tuple(domain.areas),
        min_verified=domain.min_verified,
        max_iterations=rounds if isinstance(rounds, int) else MAX_ITERATIONS,
        project=where.project,
        cwd=where.cwd,
        client=call.client.name,
        created_at=now,
        last_active_at=now,
    )
    await context.engine.store.investigations.create(state)
    return state, domain, start_json(state, domain, detection, library.problems)
