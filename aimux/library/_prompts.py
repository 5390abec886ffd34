"""Prompt texts by namespaced id (`roles/debug`, `styles/json`), and how they are filled in.

A template knows two things: `{{ name }}` is a value that must be given, `{{ include "id" }}` is
another text, itself filled in. Everything is replaced in one pass: what a value holds is never read
as a template. Other braces stay as they are.
"""

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from aimux.errors import SetupFault
from aimux.files.yaml import YamlFault, YamlReader
from aimux.model import Problem, Severity, Source
from aimux.rules import nearest

KINDS: Final = ("roles", "snippets", "styles")
MAX_DEPTH: Final = 8  # of includes; ours need two
_TAG: Final = re.compile(
    r"\{\{\s*(?:include\s+\"(?P<include>[\w./-]+)\"|(?P<name>[A-Za-z_]\w*))\s*\}\}"
)


class TemplateFault(SetupFault):
    """A template names a value that was not given, a text that is not there, or itself."""

    default_code = "template"


class Lister(Protocol):
    """Lists text files of a directory, and may remember that it did."""

    def texts_in(self, root: pathlib.Path) -> Iterable[pathlib.Path]:
        """The `.md` and `.txt` files of `root`, sorted; none where it is missing."""
        ...


@attrs.frozen(kw_only=True)
class Prompt:
    """One text with its front matter, and where it is from."""

    id: str
    text: str
    front: Mapping[str, object] = attrs.field(factory=dict)
    origin: str = ""
    source: Source = Source.SHIPPED
    lines: Mapping[str, int] = attrs.field(factory=dict)  # of the front matter's keys

    @property
    def name(self) -> str:
        """The id without its kind."""
        return self.id.partition("/")[2]

    def where(self, key: str = "") -> str:
        """`file:line` of a key of the front matter, for messages."""
        line = self.lines.get(key, 0)
        return f"{self.origin}:{line}" if line else self.origin


@attrs.frozen(kw_only=True)
class PromptLibrary:
    """The texts in effect by id, what they replaced, and what was wrong with files."""

    prompts: Mapping[str, Prompt]
    hidden: Mapping[str, Sequence[Prompt]]  # replaced by a higher layer, lowest first
    problems: Sequence[Problem]

    @classmethod
    def read(
        cls, roots: Sequence[tuple[Source, pathlib.Path]], reader: YamlReader, lister: Lister
    ) -> "PromptLibrary":
        """Every text below `roots`, lowest layer first; a higher layer replaces by id."""
        prompts: dict[str, Prompt] = {}
        hidden: dict[str, list[Prompt]] = {}
        problems: list[Problem] = []
        for source, root in roots:
            for kind in KINDS:
                for file in lister.texts_in(root / kind):
                    try:
                        prompt = _read(f"{kind}/{file.stem}", source, file, reader)
                    except YamlFault as fault:
                        where = f"{fault.path}:{fault.line}" if fault.line else fault.path
                        problem = Problem(severity=Severity.ERROR, where=where, message=fault.what)
                        problems.append(problem)
                        continue
                    if prompt.id in prompts:
                        hidden.setdefault(prompt.id, []).append(prompts[prompt.id])
                    prompts[prompt.id] = prompt
        return cls(prompts=prompts, hidden=hidden, problems=tuple(problems))


def _read(id_: str, source: Source, file: pathlib.Path, reader: YamlReader) -> Prompt:
    document = reader.read(file, has_front=True)
    front = document.data if document.data is not None else {}
    if not isinstance(front, dict):
        raise YamlFault("front matter is not a map of keys", path=str(file), line=2)
    return Prompt(
        id=id_,
        text=document.body.strip(),
        front=front,
        origin=str(file),
        source=source,
        lines=document.lines,
    )


def render(prompts: Mapping[str, Prompt], id_: str, values: Mapping[str, str]) -> str:
    """The text `id_` with its includes and values filled in.

    Raises:
        TemplateFault: an unknown text or value, or a text that includes itself.
    """
    return _render(prompts, id_, values, ())


def _render(
    prompts: Mapping[str, Prompt], id_: str, values: Mapping[str, str], above: tuple[str, ...]
) -> str:
    if id_ in above:
        raise TemplateFault(f"{' -> '.join((*above, id_))}: a text includes itself")
    if len(above) >= MAX_DEPTH:
        raise TemplateFault(f"{id_}: included {len(above)} deep, the limit is {MAX_DEPTH}")
    prompt = prompts.get(id_)
    if prompt is None:
        by = f", included by {above[-1]}" if above else ""
        raise TemplateFault(f"no text {id_}{by}", hint=_hint(id_, prompts))

    def fill(tag: re.Match[str]) -> str:
        if tag["include"] is not None:
            named = tag["include"] if "/" in tag["include"] else f"snippets/{tag['include']}"
            return _render(prompts, named, values, (*above, id_))
        if tag["name"] not in values:
            message = f"{id_}: no value for {tag['name']}"
            raise TemplateFault(message, hint=_hint(tag["name"], values))
        return values[tag["name"]]

    return _TAG.sub(fill, prompt.text)


def _hint(name: str, known: Iterable[str]) -> str | None:
    close = nearest(name, known)
    return f"did you mean {close}?" if close else None
