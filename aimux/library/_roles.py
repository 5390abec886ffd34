"""Roles out of prompt texts: what the front matter says, and which stance a layer may take.

A text that says nothing of its stance has that of the layer below: a text of one's own for a role
that writes need not know how we say so. A project's text may steer a role, but not give it more
than the layers below did: a fresh clone must not turn a reviewer into a writer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Mode, Problem, Severity, Source
from aimux.rules import nearest

from ._prompts import Prompt, PromptLibrary, TemplateFault, render

KEYS: Final = ("summary", "mode", "style", "tags")
STANCES: Final = (Mode.READ, Mode.WRITE)  # danger is a configuration's to allow, not a text's


@attrs.frozen(kw_only=True)
class RoleText:
    """A role as its text has it: stance (`mode`) and form of answers where a call names none."""

    name: str
    summary: str = ""
    mode: Mode = Mode.READ
    style: str = ""
    tags: Sequence[str] = ()
    text: str
    origin: str = ""
    source: Source = Source.SHIPPED


def read_roles(library: PromptLibrary) -> tuple[Mapping[str, RoleText], Sequence[Problem]]:
    """Every role of the library by name, and what is wrong with their files.

    A text that cannot be filled in is left out; a wrong key costs only that key.
    """
    roles: dict[str, RoleText] = {}
    problems: list[Problem] = []
    for id_, prompt in sorted(library.prompts.items()):
        if not id_.startswith("roles/"):
            continue
        layers = [*library.hidden.get(id_, ()), prompt]
        while layers:
            each = layers.pop()
            try:
                text = render({**library.prompts, id_: each}, id_, {})
            except TemplateFault as fault:  # what stands below it stays in effect
                message = fault.message if fault.hint is None else f"{fault.message} ({fault.hint})"
                problem = Problem(severity=Severity.ERROR, where=each.where(), message=message)
                problems.append(problem)
            else:
                roles[each.name] = _role(each, layers, text, library, problems)
                break
    return roles, problems


def _role(
    prompt: Prompt,
    below: Sequence[Prompt],
    text: str,
    library: PromptLibrary,
    problems: list[Problem],
) -> RoleText:
    for key in sorted(set(prompt.front) - set(KEYS)):
        problem = Problem(
            severity=Severity.WARNING,
            where=prompt.where(key),
            message=f"unknown key {key}",
            suggestion=nearest(key, KEYS),
        )
        problems.append(problem)
    return RoleText(
        name=prompt.name,
        summary=_text(prompt, "summary", problems),
        mode=_stance(prompt, below, problems),
        style=_style(prompt, library, problems),
        tags=_tags(prompt, problems),
        text=text,
        origin=prompt.origin,
        source=prompt.source,
    )


def _stance(prompt: Prompt, hidden: Sequence[Prompt], problems: list[Problem]) -> Mode:
    below = _stance(hidden[-1], hidden[:-1], []) if hidden else Mode.READ
    if "mode" not in prompt.front:
        return below
    mode = _said(prompt, problems)
    if prompt.source is Source.PROJECT and hidden and mode is Mode.WRITE is not below:
        where = prompt.where("mode")
        message = f"a project may not let {prompt.name} write: {below} is taken"
        problems.append(Problem(severity=Severity.WARNING, where=where, message=message))
        return below
    return mode


def _said(prompt: Prompt, problems: list[Problem]) -> Mode:
    word = prompt.front["mode"]
    if word in list(STANCES):
        return Mode(str(word))
    message = f"mode {word!r} is not one of {', '.join(STANCES)}: read is taken"
    problem = Problem(severity=Severity.ERROR, where=prompt.where("mode"), message=message)
    problems.append(problem)
    return Mode.READ


def _style(prompt: Prompt, library: PromptLibrary, problems: list[Problem]) -> str:
    """The style of its answers; one that is not there is told and left out."""
    style = _text(prompt, "style", problems)
    known = styles_in(library.prompts)
    if not style or style in known:
        return style
    problem = Problem(
        severity=Severity.ERROR,
        where=prompt.where("style"),
        message=f"there is no style {style}: there are {', '.join(known)}",
        suggestion=nearest(style, known),
    )
    problems.append(problem)
    return ""


def styles_in(prompts: Mapping[str, Prompt]) -> list[str]:
    """The names of the styles among texts."""
    return sorted(id_.removeprefix("styles/") for id_ in prompts if id_.startswith("styles/"))


def _text(prompt: Prompt, key: str, problems: list[Problem]) -> str:
    value = prompt.front.get(key, "")
    if isinstance(value, str):
        return value
    message = f"{key} is not text"
    problems.append(Problem(severity=Severity.ERROR, where=prompt.where(key), message=message))
    return ""


def _tags(prompt: Prompt, problems: list[Problem]) -> Sequence[str]:
    value: object = prompt.front.get("tags", [])
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    message = "tags are not a list of words"
    problems.append(Problem(severity=Severity.ERROR, where=prompt.where("tags"), message=message))
    return ()
