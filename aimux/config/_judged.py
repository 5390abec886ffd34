"""What is made of all layers together: settings whose values fit each other, roles, overrides."""

import itertools
from collections.abc import Mapping

import attrs

from aimux.library import RoleText
from aimux.model import (
    EFFORTS,
    Profile,
    Role,
    RoleSettings,
    Route,
    Settings,
    Severity,
    plural,
)

from ._find import ROLE_PREFIX, parse_role
from ._layers import Layers
from ._merge import without_nulls
from ._profiles import Profiles
from ._shape import build, nearest


class Judged:
    """The merged settings, looked at as a whole."""

    def __init__(self, layers: Layers, profiles: Profiles) -> None:
        self._layers = layers
        self._profiles = profiles.profiles
        self._broken = profiles.broken

    def settings(self) -> Settings:
        """The settings in effect; what does not fit the rest is left out and said in the layers."""
        settings = build(Settings, without_nulls(self._layers.tree))
        self._times(settings)
        self._names(settings)
        self._panels(settings)
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

    def _panels(self, settings: Settings) -> None:
        for name, panel in settings.panels.items():
            path = f"panels.{name}"
            members = [each.partition(":")[0] for each in panel.members]
            for cli in dict.fromkeys(members):
                self._known(f"{path}.members", cli)
            if panel.judge:
                self._known(f"{path}.judge", panel.judge.partition(":")[0])
            if panel.quorum > len(members):
                has = plural(len(members), "member")
                message = f"{panel.quorum} of {has} can never be reached"
                self._say(Severity.WARNING, f"{path}.quorum", message)
            for cli in (each.partition(":")[0] for each in panel.veto):
                if cli not in members:
                    message = f"{cli} is no member, so its veto has no effect"
                    self._say(Severity.WARNING, f"{path}.veto", message, nearest(cli, members))

    def _known(self, path: str, name: str) -> None:
        if name in self._profiles or any(name == each.binary for each in self._profiles.values()):
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


def overrides_of(
    env: Mapping[str, str], known: set[str], profiles: Mapping[str, Profile], layers: Layers
) -> dict[str, Route]:
    """The roles that the environment sends elsewhere; faults are said in `layers`."""
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


def roles_of(texts: Mapping[str, RoleText], routes: Mapping[str, RoleSettings]) -> dict[str, Role]:
    """Every role that has a text or a route, by name."""
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
