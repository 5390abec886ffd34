"""Skills of every place: shipped < user < project, in each layer those of hosts first.

A file replaces those of the same id below it, as a whole; what other hosts keep for themselves
never replaces one that is shipped. What a project brings must lie in it: a link that leads out is
told and not followed. A file with a fault is told and left out, and what stands below it stays.
"""

import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import attrs

from aimux.files.reading import is_within, unlistable
from aimux.files.skills import OURS, SkillDirectory
from aimux.files.yaml import Budget, Document, YamlFault, YamlReader
from aimux.model import Problem, Severity, Source
from aimux.rules import nearest

from ._files import COMMON, NotASkill, Part, Skill, read_part, read_skill
from ._graph import fault_in

MAX_SKILLS: Final = 300  # of one place
PARTS: Final = "fragments"  # the directory of parts, in one of skills
PROJECT_BYTES: Final = 4_194_304  # of all skills of a project
PROJECT_YAML: Final = 262_144  # of their front matter


class SkillLister(Protocol):
    """Lists files of a directory and those below it, and may remember that it did."""

    def texts_below(self, root: pathlib.Path) -> Iterable[pathlib.Path]:
        """Its `.md` and `.toml` files and links to directories, sorted; none if it is missing."""
        ...

    def note(self, path: pathlib.Path) -> bool:
        """Whether there is something at `path`."""
        ...


@attrs.frozen(kw_only=True)
class SkillPlace:
    """A directory with skills of one host in one layer.

    What lies in a place with `within` must lie in that directory, links followed.
    """

    source: Source
    host: str = OURS
    directory: pathlib.Path
    within: pathlib.Path | None = None


@attrs.frozen(kw_only=True)
class SkillLibrary:
    """The skills in effect by id, the parts of each layer's templates, and faults of files."""

    skills: Mapping[str, Skill]
    parts: Mapping[Source, Mapping[str, Part]] = attrs.field(factory=dict)
    problems: Sequence[Problem] = ()

    def parts_of(self, skill: Skill) -> Mapping[str, Part]:
        """The parts that a skill is made of."""
        for parts in _views(skill, self.parts):
            if fault_in(skill, parts) is None:
                return parts
        return {}

    def related(self, skill: Skill) -> list[Skill]:
        """The skills that it leads to, as far as they are there."""
        return [self.skills[each] for each in skill.related if each in self.skills]


def skill_places(shipped: pathlib.Path, more: Sequence[SkillDirectory]) -> list[SkillPlace]:
    """Where skills are read, lowest first: the shipped ones, and `more`."""
    found = [SkillPlace(source=Source.SHIPPED, directory=shipped)]
    for layer, host, path in more:
        directory = pathlib.Path(path)
        source = Source[layer.upper()]
        within = directory.parents[1] if source is Source.PROJECT else None
        found.append(SkillPlace(source=source, host=host, directory=directory, within=within))
    return found


def read_skills(
    places: Sequence[SkillPlace], reader: YamlReader, lister: SkillLister
) -> SkillLibrary:
    """Every skill of `places`, lowest first; a later one replaces those of its id."""
    reading = _Reading(reader, lister)
    for place in places:
        reading.add(place)
    return reading.library()


class _Reading:
    """What was read so far, layer upon layer."""

    def __init__(self, reader: YamlReader, lister: SkillLister) -> None:
        self._reader = reader
        self._lister = lister
        self._paid = Budget(PROJECT_BYTES, PROJECT_YAML)
        self._stacks: dict[str, list[tuple[Skill, Document]]] = {}
        self._own: dict[Source, dict[str, Part]] = {source: {} for source in Source}
        self._problems: list[Problem] = []

    def say(self, severity: Severity, where: str | pathlib.Path, what: str) -> None:
        self._problems.append(Problem(severity=severity, where=str(where), message=what))

    def add(self, place: SkillPlace) -> None:
        within = place.within
        if within is not None and not is_within(place.directory, within):
            what = f"leads out of {within}, so it is not read"
            self.say(Severity.ERROR, place.directory, what)
            return
        if why := unlistable(place.directory):
            self.say(Severity.ERROR, place.directory, why)
            return
        files = list(_texts(place, self._lister))
        if len(files) > MAX_SKILLS:
            what = f"{len(files)} skills, only the first {MAX_SKILLS} are read"
            self.say(Severity.WARNING, place.directory, what)
        here: dict[str, pathlib.Path] = {}
        for file in files[:MAX_SKILLS]:
            id_ = _id(file, place.directory)
            if id_ in here:
                what = f"{id_} is taken by {here[id_]}, so it is left out"
                self.say(Severity.ERROR, file, what)
                continue
            here[id_] = file
            self._add_file(place, file, id_)

    def _add_file(self, place: SkillPlace, file: pathlib.Path, id_: str) -> None:
        within = place.within
        budget = None if within is None else self._paid
        try:
            if id_.startswith(f"{PARTS}/"):
                name = id_.removeprefix(f"{PARTS}/")
                self._own[place.source][name] = read_part(
                    file, name, place.source, self._reader, within=within, budget=budget
                )
                return
            skill, document, faults = read_skill(
                file, id_, place.host, place.source, self._reader, within=within, budget=budget
            )
        except YamlFault as fault:
            where = f"{fault.path}:{fault.line}" if fault.line else fault.path
            self.say(Severity.ERROR, where, fault.what)
            return
        except NotASkill as fault:
            self.say(Severity.ERROR, file, str(fault))
            return
        for key, what in faults:
            self.say(Severity.WARNING, _where(document, key), what)
        stack = self._stacks.setdefault(id_, [])
        if place.host != OURS and stack and stack[-1][0].host == OURS:
            what = f"{id_} is a prompt of {OURS}: only a file of skills.d replaces it"
            self.say(Severity.WARNING, file, what)
            return
        stack.append((skill, document))

    def library(self) -> SkillLibrary:
        """What stands: of each id the highest that is whole."""
        parts = _seen(self._own)
        skills: dict[str, Skill] = {}
        documents: dict[str, Document] = {}
        for id_, stack in sorted(self._stacks.items()):
            while stack:
                skill, document = stack.pop()
                faults = [fault_in(skill, view) for view in _views(skill, parts)]
                if faults[0] is not None:
                    self.say(Severity.ERROR, *faults[0])
                if None in faults:
                    hidden = [below.origin for below, _ in stack]
                    skills[id_] = attrs.evolve(skill, hidden=hidden)
                    documents[id_] = document
                    break
        for id_, skill in skills.items():
            for name in skill.related:
                if name not in skills:
                    close = nearest(name, skills)
                    meant = f" (did you mean {close}?)" if close else ""
                    where = _where(documents[id_], "related")
                    self.say(Severity.WARNING, where, f"related: there is no skill {name}{meant}")
        problems = list(dict.fromkeys(self._problems))
        return SkillLibrary(skills=skills, parts=parts, problems=problems)


def _texts(place: SkillPlace, lister: SkillLister) -> Iterator[pathlib.Path]:
    """The files that are to be skills or parts. What else lies beside a `SKILL.md` is its own."""
    listed = [each for each in lister.texts_below(place.directory) if each.suffix != ".toml"]
    files = []
    for each in listed:
        if each.suffix == ".md":
            files.append(each)
        elif lister.note(each / COMMON):  # a link to a directory, as people keep theirs
            files.append(each / COMMON)
    owners = {each.parent for each in files if each.name == COMMON}
    is_ours = place.host == OURS
    for each in files:
        if each.name == COMMON:
            if not owners & set(each.parent.parents):
                yield each
        elif is_ours and not owners & set(each.parents):
            yield each


def _id(file: pathlib.Path, root: pathlib.Path) -> str:
    below = file.relative_to(root)
    named = below.parent if file.name == COMMON else below.with_suffix("")
    return named.as_posix().casefold()


def _where(document: Document, key: str) -> str:
    line = document.line(key) if key else document.body_line
    return f"{document.path}:{line}" if line else document.path


def _seen(own: Mapping[Source, Mapping[str, Part]]) -> dict[Source, Mapping[str, Part]]:
    """The parts that each layer's templates see: its own over those below."""
    seen: dict[Source, Mapping[str, Part]] = {}
    below: Mapping[str, Part] = {}
    for source in (Source.SHIPPED, Source.INSTALLATION, Source.USER, Source.PROJECT):
        below = {**below, **own[source]}
        seen[source] = below
    return seen


def _views(skill: Skill, parts: Mapping[Source, Mapping[str, Part]]) -> list[Mapping[str, Part]]:
    """The parts a skill may be made of, the wanted ones first. The user's own go into the shipped
    skills too; a project's only into its own.
    """
    if skill.source is Source.SHIPPED:
        return [parts.get(Source.USER, {}), parts.get(Source.SHIPPED, {})]
    return [parts.get(skill.source, {})]
