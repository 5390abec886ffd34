"""One client's configuration, made of its layers: shipped, user, project, environment, flags.

Loading never fails: a file or value that cannot be used is left out, what stood below it stays in
effect, and every fault is listed at once. Values are kept by the state of the files they came from,
so asking again costs a `stat` per file, and a saved file counts from the next asking on: nothing
watches (docs/design/0013). A change that brings new faults is refused as a whole.
"""

import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import platformdirs

from aimux.errors import SetupFault
from aimux.files.cache import Dependencies, FileCache
from aimux.files.reading import NOTHING, lacking
from aimux.files.skills import skill_directories
from aimux.files.yaml import Document, YamlFault, YamlReader
from aimux.library import (
    Prompt,
    PromptLibrary,
    RoleText,
    read_roles,
)
from aimux.model import (
    Problem,
    Profile,
    Role,
    Route,
    Settings,
    Severity,
    Source,
)

from ._accepted import HELD, AcceptedLibraries, has_new_errors
from ._aliases import keys_in, with_aliases
from ._find import (
    PREFIX,
    ClientContext,
    ConfigPaths,
    expand,
    find_paths,
    home_dir,
    read_environment,
    read_flags,
)
from ._judged import Judged, overrides_of, roles_of
from ._layers import Layers, nested
from ._merge import Origin
from ._profiles import Profiles, load_profiles
from ._shape import leaves

TYPE_CHECKING = False  # what is read later is named here
if TYPE_CHECKING:
    from aimux.library.agents import AgentLibrary
    from aimux.library.audit import AuditRules
    from aimux.library.domains import DomainLibrary
    from aimux.library.skills import SkillLibrary

MAX_CACHED: Final = 64  # clients with a working directory of their own, at once
_ENVIRONMENT: Final = ("HOME", "USERPROFILE", "MCP_TRANSPORT", "PORT")  # and AIMUX_*


@attrs.frozen(kw_only=True)
class Snapshot:
    """Everything a client's configuration says, at one moment.

    Running work keeps the one it began with. `origins` has an entry for each dotted key that a
    layer set; `overrides` are the roles that the environment sends elsewhere; `broken` are the
    profiles that were left out, by CLI, and why; `fingerprint` changes whenever anything here may
    have. `accepted` is what these values are from if the files have changed since in a way that was
    refused; the `problems` say why.
    """

    settings: Settings
    profiles: Mapping[str, Profile]
    roles: Mapping[str, Role]
    overrides: Mapping[str, Route]
    prompts: Mapping[str, Prompt]
    problems: Sequence[Problem]
    origins: Mapping[str, Origin]
    paths: ConfigPaths
    fingerprint: str
    broken: Mapping[str, Sequence[Problem]] = attrs.field(factory=dict)
    accepted: "Snapshot | None" = None

    @property
    def errors(self) -> Sequence[Problem]:
        """The problems that left a file or value out."""
        return [each for each in self.problems if each.severity is Severity.ERROR]


def load(client: ClientContext) -> Snapshot:
    """The configuration of `client`. Reads files: call it in a thread where a loop runs."""
    return shared_loader().load(client)


def load_skills(client: ClientContext) -> "SkillLibrary":
    """The skills of `client`. Reads files: call it in a thread where a loop runs."""
    return shared_loader().skills(client)


def every_problem(client: ClientContext) -> list[Problem]:
    """What is wrong with all that `load` does not read: skills, agents, domains, audit rules.

    Reads files: call it in a thread where a loop runs.
    """
    loader = shared_loader()
    loader.read_libraries(client)
    return loader.library_problems(client)


def cache_dir(env: Mapping[str, str]) -> pathlib.Path:
    """Where parsed files are kept between processes."""
    named = env.get("AIMUX_CACHE_DIR", "").strip()
    return expand(named, env) if named else platformdirs.user_cache_path("aimux")


@functools.cache
def shared_loader() -> "Loader":
    """The one loader of this process, with the cache that other processes share."""
    try:
        found = cache_dir(os.environ)
    except (SetupFault, RuntimeError):  # no home to keep anything in
        return Loader()
    return Loader(found / "yaml" if found.is_absolute() else None)  # a tilde that led nowhere


class Loader:
    """Loads configurations and remembers them. Threads may share one."""

    def __init__(self, cache: pathlib.Path | None = None) -> None:
        self._reader = YamlReader(cache)
        self._cache = FileCache(MAX_CACHED)
        self._libraries = AcceptedLibraries(MAX_CACHED)

    def __repr__(self) -> str:
        return f"<Loader: {self._cache!r}, {self._reader!r}>"

    def load(self, client: ClientContext) -> Snapshot:
        """The configuration of `client`; the same object while nothing it depends on changed.

        A changed file with a fault that was not there before changes nothing but the problems, as
        long as this loader remembers the client.
        """
        said = tuple(
            sorted(
                (name, value)
                for name, value in client.env.items()
                if name.startswith(PREFIX) or name in _ENVIRONMENT
            )
        )
        flags = tuple(sorted((name, repr(value)) for name, value in client.flags.items()))
        key = ("snapshot", str(client.cwd), str(client.config_dir), said, flags)
        return self._cache.get(
            key, lambda dependencies: self._make(client, key, dependencies), succeed=_succeed
        )

    def domains(self, client: ClientContext) -> "DomainLibrary":
        """The domains of investigations that `client` has; the same while no file changed."""
        from aimux.library.domains import read_domains  # investigations, only where there is one

        roots = tuple(find_paths(client).domain_roots)
        key = ("domains", roots)
        return self._cache.get(
            key, lambda own: self._libraries.judge(key, read_domains(roots, self._reader, own))
        )

    def agents(self, client: ClientContext) -> "AgentLibrary":
        """The agents that `client` has in its directory; the same while no file changed."""
        from aimux.library.agents import agent_places, read_agents  # only where one is wanted

        paths = find_paths(client)
        try:
            home = home_dir(client.env)
        except SetupFault:  # then nothing lies there
            home = None
        places = tuple(
            agent_places(
                shipped=paths.prompts / "agents",
                user=paths.user / "agents.d",
                installation=paths.installation and paths.installation / "agents.d",
                home=home,
                project=client.cwd,
            )
        )
        key = ("agents", places)
        return self._cache.get(
            key, lambda own: self._libraries.judge(key, read_agents(places, self._reader, own))
        )

    def skills(self, client: ClientContext) -> "SkillLibrary":
        """The skills that `client` has; the same while no file changed."""
        from aimux.library.skills import read_skills, skill_places  # only where one is wanted

        paths = find_paths(client)
        named = "" if client.config_dir is None else str(client.config_dir)
        directories = skill_directories(client.env, str(client.cwd), user=named)
        places = tuple(skill_places(paths.prompts / "skills", directories))
        self._libraries.use("skills")
        return self._cache.get(
            ("skills", places), lambda own: read_skills(places, self._reader, own)
        )

    def audit_rules(self, paths: ConfigPaths) -> "AuditRules":
        """The audit rules in effect; each file is parsed once."""
        from aimux.library.audit import read_audit_rules  # matchers, only where there is an audit

        roots = tuple(paths.audit_rule_roots)
        return self._libraries.judge(("audit rules", roots), read_audit_rules(roots, self._reader))

    def skill_problems(self, client: ClientContext) -> list[Problem]:
        """What is wrong with the skills of `client`, their templates included."""
        from aimux.library.skills import template_faults  # only where one is wanted

        library = self.skills(client)
        return [*library.problems, *template_faults(library).values()]

    def read_libraries(self, client: ClientContext) -> None:
        """Read the skills, agents, domains and audit rules of `client`, wanted or not."""
        self.skills(client)
        self.agents(client)
        self.domains(client)
        self.audit_rules(find_paths(client))

    def library_problems(self, client: ClientContext) -> list[Problem]:
        """What is wrong with the skills, agents, domains and audit rules of `client`.

        `load` does not read these, and what nobody has used yet is not read for this.
        """
        used, problems = self._libraries.kinds, list[Problem]()
        if "skills" in used:
            problems += self.skill_problems(client)
        if "agents" in used:
            problems += self.agents(client).problems
        if "domains" in used:
            problems += self.domains(client).problems
        if "audit rules" in used:
            problems += self.audit_rules(find_paths(client)).problems
        return problems

    def _make(self, client: ClientContext, key: object, dependencies: Dependencies) -> Snapshot:
        paths = find_paths(client)
        layers = Layers()
        for source, file in paths.settings_files:
            within = paths.project_root if source is Source.PROJECT else None
            for panel in dependencies.yaml_in(paths.panel_roots[source]):
                self._add_file(layers, source, panel, dependencies, within, f"panels.{panel.stem}")
            self._add_file(layers, source, file, dependencies, within)
        known = with_aliases(leaves(Settings))
        variables = list(read_environment(client.env, known, layers.complain))
        given = {path for _, path, _ in variables}
        for variable, path, value in variables:
            origin = _fixed(Source.ENVIRONMENT, variable)
            layers.add(Source.ENVIRONMENT, nested(path, value), given, origin)
        flags = list(read_flags(client.flags, known))
        given = {path for path, _ in flags}
        for path, value in flags:
            flag = "--" + path.removeprefix("server.").replace("_", "-").replace(".", "-")
            layers.add(Source.FLAG, nested(path, value), given, _fixed(Source.FLAG, flag))
        profiles = self._profiles(paths.profile_roots, dependencies)
        prompts, roles, text_problems = self._texts(paths, dependencies)
        settings = Judged(layers, profiles).settings()
        roles_known = {*roles, *settings.roles}
        overrides = overrides_of(client.env, roles_known, profiles.profiles, layers)
        digest = hashlib.sha256(repr((key, sorted(dependencies.states.items()))).encode())
        return Snapshot(
            settings=settings,
            profiles=profiles.profiles,
            roles=roles_of(roles, settings.roles),
            overrides=overrides,
            prompts=prompts.prompts,
            problems=(*layers.problems, *profiles.problems, *prompts.problems, *text_problems),
            origins=layers.origins,
            paths=paths,
            fingerprint=digest.hexdigest()[:16],
            broken=profiles.broken,
        )

    def _add_file(
        self,
        layers: Layers,
        source: Source,
        path: pathlib.Path,
        dependencies: Dependencies,
        within: pathlib.Path | None,
        at: str = "",
    ) -> None:
        """Lay a file over the rest; `at` is the key whose value it is, if it is not all keys."""
        if not dependencies.note(path):
            if lacking(path) != NOTHING:
                layers.say(Severity.ERROR, str(path), lacking(path))
            return
        try:
            # links may lead anywhere in one's own directory, in a project only to what is its own
            document = self._reader.read(path, within=within)
        except YamlFault as fault:
            where = f"{fault.path}:{fault.line}" if fault.line else fault.path
            layers.say(Severity.ERROR, where, fault.what)
            return
        if document.data is not None:  # an empty file says nothing
            origin = functools.partial(_in_file, source, document, at)
            data = nested(at, document.data) if at else document.data
            layers.add(source, data, keys_in(data), origin)

    def _profiles(
        self, roots: Sequence[tuple[Source, pathlib.Path]], dependencies: Dependencies
    ) -> Profiles:
        """Layer upon layer, each shared by all clients that have it and what is below it."""
        if not roots:
            return Profiles()
        source, root = roots[-1]

        def make(own: Dependencies) -> Profiles:
            below = self._profiles(roots[:-1], own)
            return load_profiles(source, root, below, self._reader, own)

        return self._cache.get(("profiles", tuple(roots)), make, dependencies)

    def _texts(
        self, paths: ConfigPaths, dependencies: Dependencies
    ) -> tuple[PromptLibrary, Mapping[str, RoleText], Sequence[Problem]]:
        roots = tuple(paths.prompt_roots)

        def make(
            own: Dependencies,
        ) -> tuple[PromptLibrary, Mapping[str, RoleText], Sequence[Problem]]:
            library = PromptLibrary.read(roots, self._reader, own, project=paths.project_root)
            return library, *read_roles(library)

        return self._cache.get(("texts", roots), make, dependencies)


def _succeed(kept: Snapshot, fresh: Snapshot) -> Snapshot:
    """What is in effect after a change. Editors save half a thought, and a call made then must not
    run by other settings than the calls before and after it.
    """
    accepted = kept.accepted or kept
    if not has_new_errors(accepted.problems, fresh.problems):
        return fresh
    return attrs.evolve(
        accepted,
        problems=(*fresh.problems, HELD),
        fingerprint=fresh.fingerprint,
        broken=fresh.broken,
        accepted=accepted,
    )


def _in_file(source: Source, document: Document, at: str, path: str) -> Origin:
    within = path.removeprefix(at).removeprefix(".") if at else path
    return Origin(source=source, where=document.path, line=document.line(within))


def _fixed(source: Source, where: str) -> Callable[[str], Origin]:
    origin = Origin(source=source, where=where)
    return lambda _: origin
