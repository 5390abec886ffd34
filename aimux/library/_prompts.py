"""Prompt texts by namespaced id (`roles/debug`, `styles/json`), and how they are filled in.

A template knows two things: `{{ name }}` is a value that must be given, `{{ include "id" }}` is
another text, itself filled in. Everything is replaced in one pass: what a value holds is never read
as a template. Other braces stay as they are.
"""

import functools
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from aimux.errors import SetupFault
from aimux.files.reading import is_within, unlistable
from aimux.files.yaml import Budget, Document, YamlFault, YamlReader
from aimux.model import Problem, Severity, Source
from aimux.rules import did_you_mean

KINDS: Final = ("roles", "snippets", "styles")
MAX_DEPTH: Final = 8  # of includes; ours need two
MAX_INCLUDES: Final = 200  # of one text, those of its includes counted
MAX_CHARS: Final = 2_097_152  # of one text with its includes
PROJECT_BYTES: Final = 4_194_304  # of all texts of a project: they are kept in memory
PROJECT_YAML: Final = 131_072  # of their front matter: two seconds to parse, once
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
        cls,
        roots: Sequence[tuple[Source, pathlib.Path]],
        reader: YamlReader,
        lister: Lister,
        *,
        project: pathlib.Path | None = None,
    ) -> "PromptLibrary":
        """Every text below `roots`, lowest layer first; a higher layer replaces by id.

        Texts of the project's layer must lie in the directory `project`, and have a budget.
        """
        prompts: dict[str, Prompt] = {}
        hidden: dict[str, list[Prompt]] = {}
        problems: list[Problem] = []
        for source, root in roots:
            within = project if source is Source.PROJECT else None
            budget = None if within is None else Budget(PROJECT_BYTES, PROJECT_YAML)
            read = functools.partial(reader.read, has_front=True, within=within, budget=budget)
            for kind in KINDS:
                if within is not None and not is_within(root / kind, within):
                    problems.append(_told(root / kind, f"leads out of {within}, so it is not read"))
                    continue
                if why := unlistable(root / kind):
                    problems.append(_told(root / kind, why))
                for file in lister.texts_in(root / kind):
                    try:
                        prompt = _prompt(f"{kind}/{file.stem}", source, read(file))
                    except YamlFault as fault:
                        where = f"{fault.path}:{fault.line}" if fault.line else fault.path
                        problems.append(_told(where, fault.what))
                        continue
                    if prompt.id in prompts:
                        hidden.setdefault(prompt.id, []).append(prompts[prompt.id])
                    prompts[prompt.id] = prompt
        return cls(prompts=prompts, hidden=hidden, problems=tuple(problems))


def _told(where: str | pathlib.Path, what: str) -> Problem:
    return Problem(severity=Severity.ERROR, where=str(where), message=what)


def _prompt(id_: str, source: Source, document: Document) -> Prompt:
    front = document.data if document.data is not None else {}
    if not isinstance(front, dict):
        raise YamlFault("front matter is not a map of keys", path=document.path, line=2)
    return Prompt(
        id=id_,
        text=document.body.strip(),
        front=front,
        origin=document.path,
        source=source,
        lines=document.lines,
    )


def render(prompts: Mapping[str, Prompt], id_: str, values: Mapping[str, str]) -> str:
    """The text `id_` with its includes and values filled in.

    Raises:
        TemplateFault: an unknown text or value, a text that includes itself, or too much of it.
    """
    return _Rendering(prompts, values).text(id_, ())


@attrs.define
class _Rendering:
    """One text on its way, and how much of it there is so far: includes may multiply."""

    prompts: Mapping[str, Prompt]
    values: Mapping[str, str]
    _chars: int = 0
    _texts: int = 0

    def text(self, id_: str, above: tuple[str, ...]) -> str:
        if id_ in above:
            raise TemplateFault(f"{' -> '.join((*above, id_))}: a text includes itself")
        if len(above) >= MAX_DEPTH:
            raise TemplateFault(f"{id_}: included {len(above)} deep, the limit is {MAX_DEPTH}")
        prompt = self.prompts.get(id_)
        if prompt is None:
            by = f", included by {above[-1]}" if above else ""
            raise TemplateFault(f"no text {id_}{by}", hint=did_you_mean(id_, self.prompts))
        self._chars += len(prompt.text)
        self._texts += 1
        if self._chars > MAX_CHARS or self._texts > MAX_INCLUDES:
            first = (*above, id_)[0]
            raise TemplateFault(
                f"{first}: over {MAX_CHARS} characters or {MAX_INCLUDES} texts with its includes"
            )

        def fill(tag: re.Match[str]) -> str:
            if tag["include"] is not None:
                named = tag["include"] if "/" in tag["include"] else f"snippets/{tag['include']}"
                return self.text(named, (*above, id_))
            if tag["name"] not in self.values:
                message = f"{id_}: no value for {tag['name']}"
                raise TemplateFault(message, hint=did_you_mean(tag["name"], self.values))
            return self.values[tag["name"]]

        return _TAG.sub(fill, prompt.text)
