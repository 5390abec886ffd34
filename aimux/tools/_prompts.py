"""Prompts: skills as clients see them, filled in with what is on this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.errors import InvalidArguments, NotFound
from aimux.files.skills import OURS
from aimux.library.skills import Argument, Skill, SkillLibrary, render_skill
from aimux.rules import harmless, nearest
from aimux.think import choices

from ._calls import Client
from ._context import ToolContext
from ._prompt_values import values_for
from ._results import Json

COMPLETIONS: Final = 100  # what the protocol allows in one answer
NAMES: Final = ("cli", "role", "agent", "domain", "pattern")  # what a value can be the name of
MAX_ARGUMENT: Final = 16_384  # characters of one argument


@attrs.frozen
class Completion:
    """Values that complete an argument, and how many there are."""

    values: Sequence[str]
    total: int


class Prompts:
    """The prompts there are for each client.

    Its methods only read, so cancelling one leaves nothing behind.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    async def listed(self, client: Client) -> list[Json]:
        """What `prompts/list` shows this client: all but what it keeps and offers by itself."""
        library = await self._context.engine.config.skills(client)
        own = client.name.casefold()
        return [
            row_of(skill)
            for skill in library.skills.values()
            if skill.host == OURS or not own.startswith(skill.host)
        ]

    async def get(self, client: Client, name: str, given: Mapping[str, object]) -> Json:
        """A prompt filled in: what `prompts/get` answers.

        Raises:
            NotFound: there is no prompt of that name.
            InvalidArguments: one is missing, unknown or no text.
            TemplateFault: its file has a fault; says where.
        """
        await self._context.engine.own.reload()
        library = await self._context.engine.config.skills(client)
        skill = _named(library, name)
        arguments = _checked(skill, given)
        await self._check_names(client, skill, arguments)
        text = await self._filled(client, library, skill, arguments)
        content = {"type": "text", "text": text}
        return {
            "description": skill.description,
            "messages": [{"role": "user", "content": content}],
        }

    async def _check_names(
        self, client: Client, skill: Skill, arguments: Mapping[str, str]
    ) -> None:
        """Refuse a name of nothing: what is made of it would be refused later, and less clearly."""
        problems: list[dict[str, object]] = []
        for argument in skill.arguments:
            value = arguments[argument.name]
            if not value or argument.values or argument.complete not in NAMES:
                continue
            known = await self._known(client, argument)
            if value not in known:
                close = nearest(value, known)
                fault = f"there is no {argument.complete} of that name"
                expected = f"{argument.name} is one of {', '.join(known) or 'none'}"
                shown = harmless(value[:80], is_line=True)
                problems.append(_problem(argument.name, fault, expected, close, shown))
        if problems:
            raise _invalid(skill, problems)

    async def _filled(
        self, client: Client, library: SkillLibrary, skill: Skill, arguments: Mapping[str, str]
    ) -> str:
        if not skill.is_template:
            return _as_it_stands(skill, arguments)
        parts = library.parts_of(skill)
        values = await values_for(self._context, client, library, skill, arguments)
        return await trio.to_thread.run_sync(render_skill, skill, parts, values)

    async def complete(self, client: Client, name: str, argument: str, typed: str) -> Completion:
        """Values that complete an argument of a prompt, those that begin as `typed` first.

        Raises:
            NotFound: there is no such prompt, or it takes no such argument.
        """
        library = await self._context.engine.config.skills(client)
        skill = _named(library, name)
        wanted = skill.argument(argument)
        if wanted is None:
            known = ", ".join(each.name for each in skill.arguments) or "none"
            raise NotFound(
                f"prompt {skill.id} takes no argument {harmless(argument[:80], is_line=True)!r}: "
                f"it takes {known}",
                code="argument_unknown",
            )
        names = [*wanted.values, *await self._known(client, wanted)]
        folded = typed.casefold()
        found = [each for each in names if each.casefold().startswith(folded)]
        found += [each for each in names if folded in each.casefold() and each not in found]
        if wanted.complete == "path":
            found += await trio.to_thread.run_sync(_paths, client.cwd, typed)
        return Completion(found[:COMPLETIONS], len(found))

    async def _known(self, client: Client, argument: Argument) -> list[str]:
        engine = self._context.engine
        match argument.complete:
            case "cli":
                return list((await engine.config.snapshot(client)).profiles)
            case "role":
                return list((await engine.config.snapshot(client)).roles)
            case "agent":
                return sorted((await engine.config.agents(client, "", ())).agents)
            case "domain":
                return sorted((await engine.config.domains(client)).domains)
            case "pattern":
                return sorted(choices())
            case _:
                return []


def row_of(skill: Skill) -> Json:
    """A prompt in the list, in the newest revision's shape."""
    row: Json = {"name": skill.id}
    if skill.title:
        row["title"] = skill.title
    row["description"] = skill.description
    if skill.arguments:
        row["arguments"] = [
            {"name": each.name, "description": each.description, "required": each.is_required}
            for each in skill.arguments
        ]
    return row


def _named(library: SkillLibrary, name: str) -> Skill:
    skill = library.skills.get(name)
    if skill is None:
        shown = harmless(name[:80], is_line=True)
        close = nearest(name, library.skills)
        meant = f"; did you mean {close}?" if close else ""
        known = ", ".join(library.skills) or "none"
        raise NotFound(
            f"unknown prompt {shown!r}: known are {known}{meant}",
            code="prompt_not_found",
        )
    return skill


def _checked(skill: Skill, given: Mapping[str, object]) -> dict[str, str]:
    """Every argument of the skill as text, empty where none was given.

    Raises:
        InvalidArguments: lists all that is wrong.
    """
    known = [each.name for each in skill.arguments]
    problems: list[dict[str, object]] = []
    for name, value in given.items():
        shown = harmless(name[:80], is_line=True)
        if name not in known:
            close = nearest(name, known)
            expected = f"one of {', '.join(known)}" if known else "no arguments"
            problems.append(_problem(shown, f"unknown argument {shown}", expected, close))
        elif not isinstance(value, str):
            problems.append(_problem(shown, f"argument {shown} is no text", "a text"))
        elif len(value) > MAX_ARGUMENT:
            fault = f"argument {shown} has {len(value)} characters"
            problems.append(_problem(shown, fault, f"at most {MAX_ARGUMENT}"))
    for argument in skill.arguments:
        if argument.is_required and not str(given.get(argument.name) or "").strip():
            fault, expected = f"argument {argument.name} is missing", argument.description
            problems.append(_problem(argument.name, fault, expected or "a text"))
    if problems:
        raise _invalid(skill, problems)
    return {name: harmless(str(given.get(name, ""))).strip() for name in known}


def _problem(
    path: str, fault: str, expected: str, close: str = "", value: str | None = None
) -> dict[str, object]:
    problem: dict[str, object] = {
        "path": path, "fault": fault, "value": value, "expected": expected,
    }  # fmt: skip
    return problem | ({"suggestion": close} if close else {})


def _invalid(skill: Skill, problems: Sequence[Mapping[str, object]]) -> InvalidArguments:
    said = "; ".join(map(_said, problems))
    return InvalidArguments(f"prompt {skill.id}: {said}", problems=problems)


def _said(problem: Mapping[str, object]) -> str:
    close = problem.get("suggestion")
    meant = f", did you mean {close}?" if close else ""
    value = problem["value"]
    given = "" if value is None else f", not {value!r}"
    return f"{problem['fault']} ({problem['expected']}{given}{meant})"


def _as_it_stands(skill: Skill, arguments: Mapping[str, str]) -> str:
    """A skill in the form that many hosts have: its text, where its files are, the task."""
    directory = Path(skill.origin).parent
    text = f"{skill.text.strip()}\n\nFiles that this text names lie in {directory}."
    task = arguments.get("task", "")
    return f"{text}\n\n# Task\n\n{task}" if task else text


def _paths(cwd: Path, typed: str) -> list[str]:
    """Names below the client's directory that complete a path; none of what lies elsewhere."""
    above, _, begun = typed.rpartition("/")
    try:
        directory = (cwd / above).resolve()
        if not directory.is_relative_to(cwd.resolve()):
            return []
        found = sorted(directory.iterdir())
    except (OSError, ValueError, RuntimeError):
        return []
    shown = []
    for each in found[:10_000]:
        if each.name.startswith(begun) and (begun or not each.name.startswith(".")):
            path = f"{above}/{each.name}" if above else each.name
            shown.append(f"{path}/" if each.is_dir() else path)
    return shown
