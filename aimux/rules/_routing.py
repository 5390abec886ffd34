"""Which CLI, model and effort a piece of work goes to, and what is tried after it.

The first rule that names an installed CLI wins: the call, `AIMUX_ROLE_<ROLE>`, the role itself, the
`default` role, the priority list. A CLI named by the call is never replaced unless
`fallback=true`; model fallback inside a CLI comes before another CLI. The same inputs give the same
order: nothing depends on the order of a mapping.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import BinaryMissing, CircuitOpen, NotFound, PeerFault, Refusal, SetupFault
from aimux.model import EFFORTS, Mode, Profile, Role, Route, RouteRequest, Strength, Warned

from ._breaker import BreakerState
from ._hints import install_step, reset_step
from ._nearest import did_you_mean

DEFAULT_ROLE: Final = "default"
FALLBACK_MAX: Final = 2  # further CLIs after the first
_FAILING_RATE: Final = 0.95  # such a CLI is no fallback ...
_FAILING_MIN: Final = 10  # ... once it has had this many requests
_FIRM: Final = frozenset({Strength.SANDBOX, Strength.POLICY})
_ROLE_VARIABLE: Final = "AIMUX_ROLE_"


@attrs.frozen(kw_only=True)
class Health:
    """What is known of a CLI before it is asked; a CLI without an entry is well."""

    state: BreakerState = BreakerState.CLOSED
    retry_after_s: float = 0.0
    requests: int = 0
    errors: int = 0
    trouble: str = ""  # a reason of its own: logged out, cannot start


@attrs.frozen(kw_only=True)
class Routes:
    """Candidates in the order of trying, at least one; what was passed over and why."""

    candidates: Sequence[Route]
    skipped: Sequence[tuple[str, str]] = ()
    warnings: Sequence[Warned] = ()


@attrs.frozen(kw_only=True)
class RoutingFacts:
    """What a choice among CLIs goes by, at one moment; as `choose` wants it."""

    roles: Mapping[str, Role]
    overrides: Mapping[str, Route]
    profiles: Mapping[str, Profile]
    ready: Collection[str]
    health: Mapping[str, Health]
    cooled: Collection[tuple[str, str]] = ()
    order: Sequence[str] = ()
    fallback_max: int = FALLBACK_MAX


def choose(
    request: RouteRequest,
    roles: Mapping[str, Role],
    overrides: Mapping[str, Route],
    profiles: Mapping[str, Profile],
    ready: Collection[str],
    health: Mapping[str, Health],
    mode: Mode,
    *,
    cooled: Collection[tuple[str, str]] = (),
    order: Sequence[str] = (),
    fallback_max: int = FALLBACK_MAX,
) -> Routes:
    """The candidates for `request`, best first.

    `ready` are the installed CLIs, `cooled` the pairs (cli, model) that are left alone, `order` the
    configured priority list (the rest follows by the priority of the profiles, then by name).

    Raises:
        NotFound: unknown CLI or role; says the known and the installed ones.
        BinaryMissing: the CLI the call names is not installed.
        SetupFault: no CLI is installed at all.
        CircuitOpen, Refusal: every candidate is refused by its breaker or cooling down.
    """
    steps = _Steps(request, roles, overrides, profiles, frozenset(ready), mode, order)
    primary = steps.primary()
    is_routed = not request.cli
    names = [primary.cli]
    if request.fallback or (request.fallback is None and is_routed):
        names += steps.others(primary.cli, health)
    candidates: list[Route] = []
    clis: list[str] = []
    for name in names:
        if len(clis) > fallback_max:
            break
        found = health.get(name, Health())
        if found.state is BreakerState.OPEN:
            steps.skipped.append((name, f"circuit open for {found.retry_after_s:.0f} s"))
            continue
        first = primary if name == primary.cli else Route(cli=name, effort=primary.effort)
        chain = _chain(first, profiles[name], is_single=request.fallback is False)
        free = [route for route in chain if _pair(route, profiles[name]) not in cooled]
        if not free:
            steps.skipped.append((name, "its models are cooling down"))
            continue
        clis.append(name)
        candidates += [_explained(route, name == primary.cli) for route in free]
    if not candidates:
        raise _nothing_left(names, health, steps.skipped)
    return Routes(candidates=candidates, skipped=steps.skipped, warnings=steps.warnings)


def ranked(
    profiles: Mapping[str, Profile],
    *,
    mode: Mode = Mode.READ,
    role: str = "",
    order: Sequence[str] = (),
) -> list[str]:
    """All CLI names in order of preference for such work.

    Firm read modes come first for reading, then CLIs that declare the role, then `order`, the
    profile's priority and the name.
    """

    def key(name: str) -> tuple[bool, bool, int, int, str]:
        profile = profiles[name]
        place = order.index(name) if name in order else len(order)
        is_loose = mode is Mode.READ and read_strength(profile) not in _FIRM
        return is_loose, role not in profile.capabilities, place, profile.priority, name

    return sorted(profiles, key=key)


def read_strength(profile: Profile) -> Strength:
    """How hard the profile's read mode is; NONE where it has none."""
    rule = profile.modes.get(Mode.READ)
    return Strength.NONE if rule is None else rule.strength


def find_cli(name: str, profiles: Mapping[str, Profile]) -> str:
    """The profile name for what a caller calls a CLI: its name, else its program (`cn`).

    Raises:
        NotFound: no profile is called so.
    """
    if name in profiles:
        return name
    folded = name.casefold()
    for known in sorted(profiles):
        if folded in (known.casefold(), profiles[known].binary.casefold()):
            return known
    names = {*profiles, *(each.binary for each in profiles.values())}
    msg = f"unknown cli {name!r}: {_known(sorted(profiles))}"
    raise NotFound(
        msg,
        code="cli_unknown",
        hint=did_you_mean(name, names),
        data={"cli": name, "known": sorted(profiles)},
    )


def parse_override(text: str) -> Route:
    """The route of an `AIMUX_ROLE_<ROLE>` value.

    Either `cli[:model[:effort]]` or `cli=…,model=…,effort=…` in any order. A model may hold colons:
    only a last part that is a level of the common scale is the effort.

    Raises:
        PeerFault: no CLI is named, or a key is unknown.
    """
    text = text.strip()
    if "=" in text.partition(":")[0]:
        values: dict[str, str] = {}
        for part in text.split(","):
            key, _, value = part.partition("=")
            key = key.strip()
            if key not in ("cli", "model", "effort"):
                msg = f"role override {text!r}: {key!r} is not cli, model or effort"
                raise PeerFault(msg, code="role_override_invalid")
            values[key] = value.strip()
    else:
        cli, _, rest = text.partition(":")
        model, _, level = rest.rpartition(":")
        if level.strip().lower() not in (*EFFORTS, ""):
            model, level = rest, ""
        values = {"cli": cli.strip(), "model": model.strip(), "effort": level.strip()}
        if ":" not in rest:
            values |= {"model": rest.strip(), "effort": ""}
    if not values.get("cli"):
        msg = f"role override {text!r} names no cli: write cli:model:effort"
        raise PeerFault(msg, code="role_override_invalid")
    return Route(cli=values["cli"], model=values.get("model", ""), effort=values.get("effort", ""))


def role_variable(role: str) -> str:
    """The name of the environment variable that overrides a role."""
    return _ROLE_VARIABLE + role.upper().replace("-", "_")


# ------------------------------------------------------------------------------------------- parts


@attrs.define(eq=False)
class _Steps:
    """One run of the rules: its inputs, and what it has to say besides the result."""

    request: RouteRequest
    roles: Mapping[str, Role]
    overrides: Mapping[str, Route]
    profiles: Mapping[str, Profile]
    ready: frozenset[str]
    mode: Mode
    order: Sequence[str]
    skipped: list[tuple[str, str]] = attrs.field(factory=list)
    warnings: list[Warned] = attrs.field(factory=list)

    def primary(self) -> Route:
        role = self._role()
        if self.request.cli:
            return self._named(role)
        installed = [each for each in sorted(self.profiles) if each in self.ready]
        if not installed:
            raise SetupFault(
                f"no AI CLI is installed: aimux knows {', '.join(sorted(self.profiles)) or 'none'}",
                code="no_cli",
                hint="install one of them (`aimux doctor` says how and where it was looked for),"
                " or put it on PATH",
                data={"known": sorted(self.profiles)},
            )
        route = self._from_rules(role)
        return attrs.evolve(
            route,
            model=self.request.model or route.model,
            effort=self.request.effort or route.effort,
        )

    def others(self, first: str, health: Mapping[str, Health]) -> list[str]:
        """The further CLIs in order, without those that cannot help."""
        found = []
        for name in ranked(self.profiles, mode=self.mode, role=self.request.role, order=self.order):
            if name == first or name not in self.ready:
                continue
            known = health.get(name, Health())
            if not _offers(self.profiles[name], self.mode):
                self.skipped.append((name, f"offers no {self.mode} mode"))
            elif known.trouble:
                self.skipped.append((name, known.trouble))
            elif known.requests >= _FAILING_MIN and known.errors / known.requests >= _FAILING_RATE:
                said = f"{known.errors} of its last {known.requests} turns failed"
                self.skipped.append((name, said))
            else:
                found.append(name)
        return found

    def _role(self) -> str:
        role = self.request.role or DEFAULT_ROLE
        capable = {each for profile in self.profiles.values() for each in profile.capabilities}
        known = {*self.roles, *self.overrides, *capable, DEFAULT_ROLE}
        if role not in known:
            installed = ", ".join(sorted(self.ready)) or "none"
            msg = f"unknown role {role!r}: {_known(sorted(known))}; installed clis: {installed}"
            raise NotFound(
                msg,
                code="role_unknown",
                hint=did_you_mean(role, known),
                data={"known": sorted(known), "installed": sorted(self.ready)},
            )
        return role

    def _named(self, role: str) -> Route:
        try:
            name = find_cli(self.request.cli, self.profiles)
        except NotFound as unknown:
            installed = sorted(self.ready)
            raise NotFound(
                f"{unknown.message}; installed: {', '.join(installed) or 'none'}",
                code=unknown.code,
                hint=unknown.hint,
                data={**unknown.data, "installed": installed},
            ) from None
        if name not in self.ready:
            others = ranked(
                {each: self.profiles[each] for each in self.profiles if each in self.ready},
                mode=self.mode,
                role=role,
                order=self.order,
            )
            instead = f"installed: {', '.join(others)}" if others else "no other CLI is installed"
            msg = f"{name} is not installed ({self.profiles[name].binary} was not found): {instead}"
            looked = "`aimux doctor` says where each CLI was looked for"
            other_way = f"or call again with cli={others[0]}" if others else looked
            raise BinaryMissing(
                msg,
                hint=f"{install_step(self.profiles[name])}; {other_way}",
                data={"cli": name, "alternatives": others},
            )
        table = self._table(role)
        return Route(
            cli=name,
            # a model belongs to its own CLI, an effort is on the common scale
            model=self.request.model or (table.model if table.cli == name else ""),
            effort=self.request.effort or table.effort,
            why="call",
        )

    def _from_rules(self, role: str) -> Route:
        """The first rule that names an installed CLI which offers the mode."""
        steps = []
        for each in dict.fromkeys((role, DEFAULT_ROLE)):
            kind = "default " if each == DEFAULT_ROLE else ""
            steps.append((f"{kind}override", self._override(each)))
            steps.append((f"{kind}role", self._table(each)))
        # the most specific rule that states an effort: it is on the common scale
        effort = next((route.effort for _, route in steps if route.effort), "")
        for why, route in steps:
            if not route.cli:
                continue
            reason = self._unusable(route.cli)
            if not reason:
                return attrs.evolve(route, effort=effort, why=why)
            self.skipped.append((route.cli, reason))
            if "override" in why:
                variable = role_variable(role if why == "override" else DEFAULT_ROLE)
                said = f"{variable} names {route.cli}, which {reason}: it is passed over"
                self.warnings.append(Warned(code="override_unavailable", message=said))
        for name in ranked(self.profiles, mode=self.mode, role=role, order=self.order):
            if not self._unusable(name):
                return Route(cli=name, effort=effort, why="priority")
        msg = f"no installed CLI offers {self.mode} mode: {', '.join(sorted(self.ready))}"
        raise SetupFault(msg, code="mode_not_offered", hint="ask for mode=read or install another")

    def _unusable(self, cli: str) -> str:
        if cli not in self.profiles:
            return "is not a known CLI"
        if cli not in self.ready:
            return "is not installed"
        return "" if _offers(self.profiles[cli], self.mode) else f"offers no {self.mode} mode"

    def _override(self, role: str) -> Route:
        variable = role_variable(role)  # which cannot tell a dash from an underscore
        found = [self.overrides[each] for each in self.overrides if role_variable(each) == variable]
        return self._known_route(found[0]) if found else Route(cli="")

    def _table(self, role: str) -> Route:
        found = self.roles.get(role)
        if found is None:
            return Route(cli="")
        return self._known_route(Route(cli=found.cli, model=found.model, effort=found.effort))

    def _known_route(self, route: Route) -> Route:
        try:
            return (
                attrs.evolve(route, cli=find_cli(route.cli, self.profiles)) if route.cli else route
            )
        except NotFound:
            return route


def _offers(profile: Profile, mode: Mode) -> bool:
    return mode in profile.modes or (not profile.modes and mode is not Mode.DANGER)


def _chain(first: Route, profile: Profile, *, is_single: bool) -> list[Route]:
    """The route, then the same with the other models of its CLI."""
    if is_single:
        return [first]
    models = dict.fromkeys((first.model or profile.model.default, *profile.model.fallback))
    rest = list(models)[1:]
    return [first, *(attrs.evolve(first, model=each, why="model fallback") for each in rest)]


def _pair(route: Route, profile: Profile) -> tuple[str, str]:
    return route.cli, route.model or profile.model.default


def _explained(route: Route, is_primary: bool) -> Route:
    return route if is_primary or route.why else attrs.evolve(route, why="fallback")


def _nothing_left(
    names: Sequence[str], health: Mapping[str, Health], skipped: Sequence[tuple[str, str]]
) -> Refusal:
    why = "; ".join(f"{cli}: {reason}" for cli, reason in skipped if cli in names)
    waits = [
        health[each].retry_after_s
        for each in names
        if each in health and health[each].state is BreakerState.OPEN
    ]
    first = next(cli for cli, _ in skipped if cli in names)
    if len(waits) == len(names):
        data = {"retry_after_ms": round(min(waits) * 1000)}
        hint = f"wait, name another cli, or once it works again {reset_step(first)}"
        return CircuitOpen(f"no CLI can be asked now: {why}", hint=hint, data=data)
    return Refusal(
        f"no CLI can be asked now: {why}",
        code="cooling_down",
        hint=f"wait, name another model or cli, or {reset_step(first)}",
    )


def _known(names: Iterable[str]) -> str:
    return "known are " + ", ".join(names)
