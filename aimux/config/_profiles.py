"""Profiles read from their directories: shipped ones, and the user's over or beside them."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.files.cache import Dependencies
from aimux.files.reading import unlistable
from aimux.files.yaml import Document, YamlFault, YamlReader
from aimux.model import Problem, Profile, Severity, Source

from ._checks import faults_of, secrets_in
from ._merge import merge, without_nulls
from ._shape import Fault, Tree, build, check, missing
from ._short import is_short, translate

FILE: Final = "profile.yaml"


@attrs.frozen(kw_only=True)
class Profiles:
    """All profiles that can be used, and what is wrong with the others.

    `broken` has the faults of each file that was left out, by the CLI it is about; where a layer
    below knows that CLI too, its profile is in use.
    """

    profiles: Mapping[str, Profile] = attrs.field(factory=dict)
    problems: Sequence[Problem] = ()
    broken: Mapping[str, Sequence[Problem]] = attrs.field(factory=dict)
    trees: Mapping[str, Tree] = attrs.field(factory=dict)  # raw, for what is laid over them


def load_profiles(
    source: Source,
    root: pathlib.Path,
    below: Profiles,
    reader: YamlReader,
    dependencies: Dependencies,
) -> Profiles:
    """Every profile of `root` over those of the layers below.

    One that cannot work is left out and reported; what stands below it, if anything, stays in use.
    """
    found = _Found(below)
    if why := unlistable(root):
        found.problems.append(Problem(severity=Severity.ERROR, where=str(root), message=why))
    for file in dependencies.files_in(root, FILE):
        found.read(source, file, reader)
    ordered = sorted(found.profiles.values(), key=lambda each: (each.priority, each.name))
    return Profiles(
        profiles={each.name: each for each in ordered},
        problems=tuple(found.problems),
        broken=found.broken,
        trees=found.trees,
    )


class _Found:
    """Profiles so far, with the raw trees that short ones are laid over."""

    def __init__(self, below: Profiles) -> None:
        self.profiles = dict(below.profiles)
        self.problems = list(below.problems)
        self.broken = dict(below.broken)
        self.trees = dict(below.trees)

    def read(self, source: Source, file: pathlib.Path, reader: YamlReader) -> None:
        try:
            document = reader.read(file)
        except YamlFault as fault:
            where = f"{fault.path}:{fault.line}" if fault.line else fault.path
            problem = Problem(severity=Severity.ERROR, where=where, message=fault.what)
            self.problems.append(problem)
            self.broken[file.parent.name] = [problem]
            return
        page = _Page(document, self.problems)
        profile, tree = self._profile(document, page)
        if profile is None:
            self.broken[_name_in(document, file)] = page.refusals
            return
        if file.parent.name != profile.name:
            page.say(Severity.WARNING, "name", f"{profile.name} lies in {file.parent.name}/", "")
        for key in secrets_in(profile) if source is not Source.SHIPPED else ():
            page.say(
                Severity.WARNING, key, "a secret in a file, env.passes lets the client's in", ""
            )
        self.profiles[profile.name] = profile
        self.trees[profile.name] = tree

    def _profile(self, document: Document, page: "_Page") -> tuple[Profile | None, Tree]:
        raw = document.data
        if not isinstance(raw, dict):
            page.say(Severity.ERROR, "", "not a profile: a map of keys is wanted", "")
            return None, {}
        name = raw.get("name")
        base = self.trees.get(name) if isinstance(name, str) else None
        if is_short(raw):
            short = translate(
                raw,
                base,
                lambda key, text, near: page.say(Severity.WARNING, key, text, near),
                lambda key, text, near: page.say(Severity.ERROR, key, text, near),
            )
            raw, page.moved = short.tree, short.moved
        elif "schema_version" in raw or "command" in raw:
            base = None  # a whole profile of the user's own
        tree = check(Profile, raw, page.fault)
        tree.pop("origin", None)
        whole = without_nulls(merge(base, tree) if base is not None else tree)
        absent = missing(Profile, whole)
        for key in absent:
            page.say(Severity.ERROR, key, "missing", "")
        if absent:
            return None, {}
        profile = build(Profile, whole)
        for fault in faults_of(profile):
            page.fault(fault)
        if base is not None:
            _check_passes(raw, build(Profile, base), profile, page)
        if page.is_refused:
            return None, {}
        return attrs.evolve(profile, origin=document.path), whole


def _name_in(document: Document, file: pathlib.Path) -> str:
    """Whom a profile is about that could not be read to its end."""
    name = document.data.get("name") if isinstance(document.data, dict) else None
    return name if isinstance(name, str) and name else file.parent.name


def _check_passes(raw: Tree, below: Profile, profile: Profile, page: "_Page") -> None:
    """A list that was meant to add a name takes the login of the shipped profile away."""
    given = raw.get("env")
    names = given.get("passes") if isinstance(given, dict) else None
    gone = [each for each in below.env.passes if each not in profile.env.passes]
    if gone and isinstance(names, list):
        added = [each for each in names if each not in below.env.passes]
        page.say(
            Severity.WARNING,
            "env.passes",
            f"replaces the list below it, so {', '.join(gone)} no longer pass",
            f"{{add: [{', '.join(map(str, added))}]}}",
        )


class _Page:
    """One file's faults, turned into problems with its lines."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems
        self.moved: Mapping[str, str] = {}
        self.refusals: list[Problem] = []

    @property
    def is_refused(self) -> bool:
        """Something keeps the profile from being used."""
        return bool(self.refusals)

    def say(self, severity: Severity, key: str, message: str, suggestion: str) -> None:
        line = self._document.line(key)
        where = f"{self._document.path}:{line}" if line else self._document.path
        text = f"{key}: {message}" if key else message
        problem = Problem(severity=severity, where=where, message=text, suggestion=suggestion)
        if severity is Severity.ERROR:
            self.refusals.append(problem)
        if problem not in self._problems:
            self._problems.append(problem)

    def fault(self, fault: Fault) -> None:
        self.say(Severity.ERROR, self._original(fault.path), fault.message, fault.suggestion)

    def _original(self, path: str) -> str:
        """The key as the file spells it, for a path of the full shape."""
        above = path
        while above:
            if above in self.moved:
                return self.moved[above] + path[len(above) :]
            above = above.rpartition(".")[0]
        return path
