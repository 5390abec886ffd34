"""One file of a skill or of a part: front matter and text.

A skill is a Markdown file whose text is a template, or a directory with a `SKILL.md` as many hosts
have it, whose text is taken as it stands. A part has no front matter of interest: it is a piece of
templates. No key gives a right: what hosts read of tools, commands and models has no effect here.
"""

import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.files.reading import TooLarge, read_regular
from aimux.files.skills import OURS
from aimux.files.yaml import Budget, Document, YamlFault, YamlReader
from aimux.model import Source
from aimux.rules import harmless, nearest

COMMON: Final = "SKILL.md"  # the name of the common form
MAX_TEXT: Final = 65_536  # characters of one text; a prompt that is longer is not read by a model
MAX_DESCRIPTION: Final = 1_024
MAX_ARGUMENTS: Final = 12
MAX_KINDS: Final = 40
ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*){0,3}")
KEYS: Final = ("title", "description", "arguments", "related", "kinds", "kinds_of", "name", "tags")
ARGUMENT_KEYS: Final = ("name", "description", "required", "complete", "values")
COMPLETES: Final = ("cli", "role", "agent", "domain", "pattern", "path")
# what hosts let a skill say about what may be done; here only the user's settings do
RIGHTS: Final = frozenset(
    {"allowed-tools", "allowed_tools", "tools", "mode", "permissions", "hooks", "model", "shell"}
)
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_PLAIN: Final = re.compile(r"(name|description):[ \t]+(.+)")
_COMMAND: Final = re.compile(r"!`[^`\n]+`")


class NotASkill(ValueError):
    """A file makes no skill; the message says why, `key` where."""

    def __init__(self, what: str, key: str = "") -> None:
        super().__init__(what)
        self.key = key


@attrs.frozen(kw_only=True)
class Argument:
    """What a prompt takes. `complete` is what its values are, `values` are some of them."""

    name: str
    description: str = ""
    is_required: bool = False
    complete: str = ""
    values: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Part:
    """A piece of templates, by id; `first_line` is where its text begins in its file."""

    id: str
    text: str
    origin: str = ""
    first_line: int = 1
    source: Source = Source.SHIPPED


@attrs.frozen(kw_only=True)
class Skill:
    """One skill, which is one prompt. `kinds` are words that tell what `kinds_of` is about.

    `hidden` are the files of the same id that it replaces.
    """

    id: str
    title: str = ""
    description: str
    arguments: Sequence[Argument] = ()
    related: Sequence[str] = ()
    kinds: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    kinds_of: str = ""
    is_template: bool = True
    text: str
    host: str = OURS
    origin: str = ""
    first_line: int = 1
    source: Source = Source.SHIPPED
    hidden: Sequence[str] = ()

    def argument(self, name: str) -> Argument | None:
        """The argument of that name."""
        return next((each for each in self.arguments if each.name == name), None)


Fault = tuple[str, str]  # a key of the front matter, and what is wrong


def read_skill(
    file: pathlib.Path,
    id_: str,
    host: str,
    source: Source,
    reader: YamlReader,
    *,
    within: pathlib.Path | None,
    budget: Budget | None,
) -> tuple[Skill, Document, Sequence[Fault]]:
    """The skill in a file, and what of it has no effect.

    Raises:
        NotASkill: it has no description or no text, or is too long.
        YamlFault: it cannot be read.
    """
    is_common = file.name == COMMON
    try:
        document = reader.read(file, has_front=True, within=within, budget=budget)
    except YamlFault as fault:
        if fault.line < 2 or not is_common:  # only a fault inside the front matter has a line
            raise
        document = _plain(file)
    front = document.data
    if not isinstance(front, dict):
        raise NotASkill("no front matter with a description")
    if not ID.fullmatch(id_):
        raise NotASkill(f"{id_[:80]!r} is no name: a to z, digits, - _ . and /")
    description = _line(front.get("description"))
    if not description:
        raise NotASkill("no description, so nobody can choose it", "description")
    text = document.body.strip("\n")
    if not text.strip():
        raise NotASkill("no text below its front matter")
    if len(text) > MAX_TEXT:
        raise NotASkill(f"{len(text)} characters of text, the limit is {MAX_TEXT}")
    faults: list[Fault] = []
    if source is Source.PROJECT or not is_common:
        faults += [
            (key, f"{key} has no effect: a skill gives no rights, your settings do")
            for key in sorted(RIGHTS & set(front))
        ]
    skill = Skill(
        id=id_,
        title=_line(front.get("title"))[:120],
        description=description[:MAX_DESCRIPTION],
        text=text,
        is_template=not is_common,
        host=host,
        origin=document.path,
        first_line=document.body_line + _blank(document.body),
        source=source,
    )
    if is_common:
        faults += _common_faults(text, source)
        return attrs.evolve(skill, arguments=[_TASK]), document, faults
    faults += [
        (key, f"unknown key {key}{_meant(key, KEYS)}")
        for key in sorted(set(map(str, front)) - set(KEYS) - RIGHTS)
    ]
    skill = attrs.evolve(
        skill,
        arguments=_arguments(front.get("arguments", []), faults),
        related=_words(front.get("related", []), "related", faults),
    )
    return _with_kinds(skill, front, faults), document, faults


_TASK: Final = Argument(name="task", description="What to do by it; left out: what was asked for")


def _common_faults(text: str, source: Source) -> list[Fault]:
    """What other hosts would do with a text and is not done here."""
    if source is Source.PROJECT and _COMMAND.search(text):
        return [("", "commands in its text (!`…`) are not run")]
    return []


def read_part(
    file: pathlib.Path,
    id_: str,
    source: Source,
    reader: YamlReader,
    *,
    within: pathlib.Path | None,
    budget: Budget | None,
) -> Part:
    """The part in a file.

    Raises:
        NotASkill: it is too long.
        YamlFault: it cannot be read.
    """
    document = reader.read(file, has_front=True, within=within, budget=budget)
    text = document.body.strip("\n")
    if len(text) > MAX_TEXT:
        raise NotASkill(f"{len(text)} characters of text, the limit is {MAX_TEXT}")
    return Part(
        id=id_,
        text=text,
        origin=document.path,
        first_line=document.body_line + _blank(document.body),
        source=source,
    )


def _blank(body: str) -> int:
    """The empty lines at the beginning, which are cut."""
    return len(body) - len(body.lstrip("\n"))


def _plain(file: pathlib.Path) -> Document:
    """Name and description line by line: what a host takes and a YAML parser does not."""
    try:
        text = read_regular(file, MAX_TEXT * 4).decode("utf-8-sig")
    except (OSError, TooLarge, UnicodeDecodeError) as error:
        raise NotASkill(f"cannot be read: {error}") from error
    lines = text.splitlines()
    end = next(at for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
    found = {match[1]: match[2] for match in map(_PLAIN.match, lines[1:end]) if match is not None}
    body = "\n".join(lines[end + 1 :])
    return Document(path=str(file), data=dict(found), body=body, body_line=end + 2)


def _line(value: object) -> str:
    """A text as one line without what a terminal would act on; empty for anything else."""
    return harmless(" ".join(value.split()), is_line=True) if isinstance(value, str) else ""


def _meant(name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    return f" (did you mean {close}?)" if close else ""


def _words(value: object, key: str, faults: list[Fault]) -> Sequence[str]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [_line(each)[:80] for each in value[:MAX_KINDS]]
    faults.append((key, f"{key} is not a list of words"))
    return ()


def _arguments(value: object, faults: list[Fault]) -> Sequence[Argument]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        faults.append(("arguments", "arguments are not a list of {name, description}"))
        return ()
    if len(value) > MAX_ARGUMENTS:
        faults.append(("arguments", f"{len(value)} arguments, the limit is {MAX_ARGUMENTS}"))
    found: dict[str, Argument] = {}
    for number, each in enumerate(value[:MAX_ARGUMENTS]):
        at = f"arguments.{number}"
        name = each.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            faults.append((at, "an argument without a name of a to z, digits and _"))
            continue
        if name in found:
            faults.append((at, f"argument {name} is given twice"))
            continue
        faults += [
            (f"{at}.{key}", f"unknown key {key}{_meant(key, ARGUMENT_KEYS)}")
            for key in sorted(set(map(str, each)) - set(ARGUMENT_KEYS))
        ]
        complete = each.get("complete", "")
        if complete not in ("", *COMPLETES):
            what = f"complete {_line(str(complete))[:40]} is not one of {', '.join(COMPLETES)}"
            faults.append((f"{at}.complete", what))
            complete = ""
        required = each.get("required", False)
        if not isinstance(required, bool):
            faults.append((f"{at}.required", "required is neither true nor false: it is taken"))
            required = True
        found[name] = Argument(
            name=name,
            description=_line(each.get("description"))[:MAX_DESCRIPTION],
            is_required=required,
            complete=str(complete),
            values=_words(each.get("values", []), f"{at}.values", faults),
        )
    return list(found.values())


def _with_kinds(skill: Skill, front: Mapping[str, object], faults: list[Fault]) -> Skill:
    """The skill with its table of kinds, if it has one that can be used."""
    value, of = front.get("kinds"), front.get("kinds_of")
    if value is None and of is None:
        return skill
    if not isinstance(of, str) or skill.argument(of) is None:
        faults.append(("kinds_of", "kinds_of is not the name of an argument"))
        return skill
    if not isinstance(value, dict) or len(value) > MAX_KINDS:
        faults.append(("kinds", f"kinds is not a map of at most {MAX_KINDS} lists of words"))
        return skill
    kinds = {
        str(kind): [word.casefold() for word in _words(words, f"kinds.{kind}", faults)]
        for kind, words in value.items()
    }
    return attrs.evolve(skill, kinds=kinds, kinds_of=of)
