"""One client's configuration, made of its layers: shipped, user, project, environment, flags.

Loading never fails: a file or value that cannot be used is left out, what stood below it stays in
effect, and every fault is listed at once. Values are kept by the state of the files they came from,
so asking again costs a `stat` per file, and a saved file counts from the next asking on: nothing
watches (docs/design/0013). A change that brings new faults is refused as a whole.
"""

import functools
import hashlib
import itertools
import os
import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
    EFFORTS,
    Problem,
    Profile,
    Role,
    RoleSettings,
    Route,
    Settings,
    Severity,
    Source,
)

from ._accepted import HELD, AcceptedLibraries, has_new_errors
from ._aliases import keys_in, rename, with_aliases
from ._find import (
    PREFIX,
    ROLE_PREFIX,
    ClientContext,
    ConfigPaths,
    expand,
    find_paths,
    home_dir,
    parse_role,
    read_environment,
    read_flags,
)
from ._merge import Origin, merge, paths, without_nulls
from ._profiles import Profiles, load_profiles
from ._shape import Fault, FaultKind, Tree, build, check, leaves, nearest

TYPE_CHECKING = False  # what is read later is named here
if TYPE_CHECKING:
    from aimux.library.agents import AgentLibrary
    from aimux.library.audit import AuditRules
    from aimux.library.domains import DomainLibrary
    from aimux.library.skills import SkillLibrary

# A fresh clone must not change whom the server trusts, where it writes or who may reach it.
NOT_FROM_PROJECT: Final = (
    "server.allow_danger", "server.auth_token", "server.db_path", "server.log_file",
    "server.transport", "hooks", "pair.verify", "pair.linked_dirs", "agents",
    "research.base_url", "audit.check_programs", "notifications", "telemetry",
)  # fmt: skip
BUILT_IN: Final = Origin(source=Source.SHIPPED, where="built in")
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
        layers = _Layers()
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
            layers.add(Source.ENVIRONMENT, _nested(path, value), given, origin)
        flags = list(read_flags(client.flags, known))
        given = {path for path, _ in flags}
        for path, value in flags:
            flag = "--" + path.removeprefix("server.").replace("_", "-").replace(".", "-")
            layers.add(Source.FLAG, _nested(path, value), given, _fixed(Source.FLAG, flag))
        profiles = self._profiles(paths.profile_roots, dependencies)
        prompts, roles, text_problems = self._texts(paths, dependencies)
        settings = _Judged(layers, profiles).settings()
        roles_known = {*roles, *settings.roles}
        overrides = _overrides(client.env, roles_known, profiles.profiles, layers)
        digest = hashlib.sha256(repr((key, sorted(dependencies.states.items()))).encode())
        return Snapshot(
            settings=settings,
            profiles=profiles.profiles,
            roles=_roles(roles, settings.roles),
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
        layers: "_Layers",
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
            data = _nested(at, document.data) if at else document.data
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


class _Layers:
    """Settings merged so far, where each is from, and what was wrong on the way."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self.origins: dict[str, Origin] = {}
        self.problems: list[Problem] = []

    def say(self, severity: Severity, where: str, message: str, suggestion: str = "") -> None:
        problem = Problem(severity=severity, where=where, message=message, suggestion=suggestion)
        self.problems.append(problem)

    def complain(self, where: str, message: str, suggestion: str) -> None:
        self.say(Severity.WARNING, where, message, suggestion)

    def add(
        self,
        source: Source,
        raw: object,
        given: Collection[str],
        stands_at: Callable[[str], Origin],
    ) -> None:
        """Lay `raw` over the rest. `given` are the keys of its layer, of which it may be a part."""

        def warn(path: str, message: str) -> None:
            self.say(Severity.WARNING, str(stands_at(path)), f"{path}: {message}")

        raw, moved = rename(raw, given, warn)

        def origin_of(path: str) -> Origin:
            return stands_at(moved.get(path, path))

        def report(fault: Fault) -> None:
            is_unknown = fault.kind is FaultKind.UNKNOWN
            self.say(
                Severity.WARNING if is_unknown else Severity.ERROR,
                str(origin_of(fault.path)),
                f"{fault.path}: {fault.message}" if fault.path else fault.message,
                fault.suggestion,
            )

        fitted = check(Settings, raw, report)
        if source is Source.PROJECT:
            for path in _prune(fitted, NOT_FROM_PROJECT):
                message = f"{path}: not taken from a project, set it in your own configuration"
                self.say(Severity.WARNING, str(origin_of(path)), message)
        self.tree = merge(self.tree, fitted)
        for path in paths(fitted):
            for below in [each for each in self.origins if each.startswith(f"{path}.")]:
                del self.origins[below]  # reset or replaced as a whole
            self.origins[path] = origin_of(path)
            if path == "server.auth_token" and source > Source.SHIPPED:
                message = "server.auth_token: a secret in a file, AIMUX_AUTH_TOKEN is its place"
                self.say(Severity.WARNING, str(origin_of(path)), message)

    def where(self, path: str) -> str:
        """Where the value in effect stands, for messages."""
        while path:
            if path in self.origins:
                return str(self.origins[path])
            path = path.rpartition(".")[0]
        return str(BUILT_IN)


class _Judged:
    """The merged settings, looked at as a whole."""

    def __init__(self, layers: _Layers, profiles: Profiles) -> None:
        self._layers = layers
        self._profiles = profiles.profiles
        self._broken = profiles.broken

    def settings(self) -> Settings:
        settings = build(Settings, without_nulls(self._layers.tree))
        self._times(settings)
        self._names(settings)
        transport = settings.server.transport
        if bool(transport.tls_cert) != bool(transport.tls_key):
            lonely = "tls_cert" if transport.tls_cert else "tls_key"
            message = f"{lonely} stands alone: TLS needs tls_cert and tls_key"
            self._say(Severity.ERROR, f"server.transport.{lonely}", message)
            plain = attrs.evolve(transport, tls_cert="", tls_key="")
            server = attrs.evolve(settings.server, transport=plain)
            settings = attrs.evolve(settings, server=server)
        return attrs.evolve(settings, roles=self._roles(settings.roles))

    def _say(self, severity: Severity, path: str, message: str, suggestion: str = "") -> None:
        where = self._layers.where(path)
        self._layers.say(severity, where, f"{path}: {message}", suggestion)

    def _times(self, settings: Settings) -> None:
        names = ("soft_warning", "hard_stall", "auto_cancel")
        keys = [f"streaming_{each}_seconds" for each in names]
        for early, late in itertools.pairwise(keys):
            first, second = getattr(settings.server, early), getattr(settings.server, late)
            if first >= second:
                message = f"{first:g} s is not before {late} ({second:g} s) and has no effect"
                self._say(Severity.WARNING, f"server.{early}", message)

    def _names(self, settings: Settings) -> None:
        for key in ("cli_priority", "disabled_clis"):
            for name in getattr(settings.server, key):
                self._known(f"server.{key}", name)

    def _known(self, path: str, name: str) -> None:
        if name in self._profiles:
            return
        if name in self._broken:
            message = f"the profile of {name} has faults, so it is left out"
            self._say(Severity.WARNING, path, message)
        else:
            message = f"{name} is not a known CLI"
            self._say(Severity.WARNING, path, message, nearest(name, self._profiles))

    def _roles(self, roles: Mapping[str, RoleSettings]) -> Mapping[str, RoleSettings]:
        checked = {}
        for name, role in roles.items():
            if role.cli:
                self._known(f"roles.{name}.cli", role.cli)
            effort = role.reasoning_effort
            if effort and effort not in EFFORTS:
                message = f"{effort} is not one of {', '.join(EFFORTS)}"
                path = f"roles.{name}.reasoning_effort"
                self._say(Severity.ERROR, path, message, nearest(effort, EFFORTS))
                role = attrs.evolve(role, reasoning_effort="")  # the loop's own
            checked[name] = role
        return checked


def _in_file(source: Source, document: Document, at: str, path: str) -> Origin:
    within = path.removeprefix(at).removeprefix(".") if at else path
    return Origin(source=source, where=document.path, line=document.line(within))


def _fixed(source: Source, where: str) -> Callable[[str], Origin]:
    origin = Origin(source=source, where=where)
    return lambda _: origin


def _nested(path: str, value: object) -> Tree:
    for word in reversed(path.split(".")):
        value = {word: value}
    assert isinstance(value, dict)
    return value


def _prune(tree: Tree, denied: Sequence[str]) -> Iterator[str]:
    for path in denied:
        *above, last = path.split(".")
        node: object = tree
        for word in above:
            node = node.get(word) if isinstance(node, dict) else None
        if isinstance(node, dict) and last in node:
            del node[last]
            yield path


def _overrides(
    env: Mapping[str, str], known: set[str], profiles: Mapping[str, Profile], layers: _Layers
) -> dict[str, Route]:
    names = {each.upper().replace("-", "_"): each for each in sorted(known)}
    found = {}
    for variable in sorted(env):
        if not variable.startswith(ROLE_PREFIX) or not env[variable].strip():
            continue
        word = variable.removeprefix(ROLE_PREFIX)
        if word not in names:
            message = f"{word.lower()} is not a known role"
            layers.say(Severity.WARNING, variable, message, nearest(word, names))
        try:
            route = parse_role(env[variable])
        except ValueError as error:
            layers.say(Severity.ERROR, variable, str(error), "cli:model:effort")
            continue
        if not {route.cli} & {*profiles, *(each.binary for each in profiles.values())}:
            message = f"{route.cli} is not a known CLI"
            layers.say(Severity.WARNING, variable, message, nearest(route.cli, profiles))
        name = names.get(word, word.lower().replace("_", "-"))
        found[name] = attrs.evolve(route, why=variable)
    return found


def _roles(texts: Mapping[str, RoleText], routes: Mapping[str, RoleSettings]) -> dict[str, Role]:
    roles = {}
    for name in sorted({*texts, *routes}):
        text = texts.get(name, RoleText(name=name, text=""))
        route = routes.get(name, RoleSettings())
        roles[name] = Role(
            name=name,
            cli=route.cli,
            model=route.model,
            effort=route.reasoning_effort,
            mode=text.mode,
            style=text.style,
            text=text.text,
            summary=text.summary,
            tags=text.tags,
            origin=text.origin,
        )
    return roles
