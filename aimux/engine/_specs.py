"""A turn's spec, and the plans that come of it: values, decided before anything runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from aimux.drivers import Driver, choose_driver
from aimux.errors import AimuxError
from aimux.model import (
    HookSettings,
    JobTrace,
    Mode,
    Plan,
    PlanRequest,
    Profile,
    Route,
    ServerSettings,
)
from aimux.rules import (
    Lineage,
    Routes,
    SilenceLimits,
    ask_for,
    compose,
    lineage_env,
    silence_limits,
    turn_limit_s,
)
from aimux.rules.traces import trace_env
from aimux.store import Store

from ._clis import Cli
from ._guard import Guard
from ._metrics import Metrics
from ._retelling import PastTurn, retell


@attrs.frozen(kw_only=True)
class TurnSpec:
    """Everything decided about a turn, for whichever candidate runs it."""

    job_id: str
    session_id: str = ""
    seat: str = ""
    role: str = ""
    prompt: str = ""  # what the caller wrote
    instructions: str = ""  # the role's text; goes before the prompt, once per conversation
    style: str = ""  # its text; goes behind each prompt, as the answer is to have that form
    mode: Mode
    cwd: str
    env: Mapping[str, str]  # the client's own
    lineage: Lineage  # where the children stand; how much time is left is known at their start
    trace: JobTrace | None = None
    routes: Routes
    clis: Mapping[str, Cli]  # the installed ones, with their profiles
    settings: ServerSettings
    native_id: str = ""  # the session of `native_cli` that goes on
    native_cli: str = ""
    told: Sequence[PastTurn] = ()  # earlier turns, for a CLI that cannot go on by itself
    restates: bool = False  # the prompt says all that counts: it can do without them
    new_native_id: str = ""  # for CLIs whose sessions we name
    wants_terminal: bool = False
    is_effort_wanted: bool = True
    turn_limit_s: float | None = None  # of one turn; None takes the profile's
    hooks: Mapping[str, HookSettings] = attrs.field(factory=dict)
    schema: Mapping[str, object] | bool | None = None

    def resumes(self, cli: str) -> bool:
        """Whether this CLI goes on with a session of its own."""
        if not self.native_id or cli != self.native_cli:
            return False
        return bool(self.clis[cli].profile.resume.flags)

    def full_prompt(self, cli: str) -> str:
        """What this CLI gets; a resumed conversation has had its instructions."""
        parts = [self.prompt]
        if not self.resumes(cli):
            if self.told:
                parts.insert(0, retell(self.told))
            if self.instructions:
                parts.insert(0, self.instructions)
        if self.style:
            parts.append(self.style)
        if self.schema is not None:
            parts.append(ask_for(self.schema))
        return "\n\n".join(parts)


class ChooseDriver(Protocol):
    """Chooses the driver that runs a child; tests give one that starts no processes."""

    def __call__(self, *, is_terminal: bool) -> Driver: ...


@attrs.frozen(kw_only=True)
class TurnResources:
    """What every turn shares: the guard, directories for files, figures, ways to run a child."""

    guard: Guard
    store: Store
    temp_dir: Path
    scratch_dir: Path
    data_dir: Path
    metrics: Metrics
    choose: ChooseDriver = choose_driver


def plan_request(spec: TurnSpec, route: Route, data_dir: Path) -> PlanRequest:
    """What one candidate's plan is made from. Where its child stands is added when it starts."""
    profile = spec.clis[route.cli].profile
    is_resume = spec.resumes(route.cli)
    named = spec.new_native_id if profile.resume.chosen else ""
    wants_data = bool(profile.data_dir_flag or profile.data_dir_env)
    return PlanRequest(
        prompt=spec.full_prompt(route.cli),
        route=route,
        mode=spec.mode,
        cwd=spec.cwd,
        env=spec.env,
        extra_env={**lineage_env(spec.lineage, 0), **trace_env(spec.trace, spec.job_id)},
        native_id=spec.native_id if is_resume else named,
        is_resume=is_resume,
        wants_terminal=spec.wants_terminal,
        data_dir=str(data_dir / profile.name) if wants_data else "",
    )


def plan_turn(spec: TurnSpec, route: Route, resources: TurnResources, *, cwd: str = "") -> Plan:
    """One candidate's plan, in the spec's directory or another.

    Raises:
        AimuxError: it cannot be run like that.
    """
    cli = spec.clis[route.cli]
    request = plan_request(spec, route, resources.data_dir)
    return compose(cli.profile, cli.path, attrs.evolve(request, cwd=cwd or spec.cwd))


def planned(spec: TurnSpec, resources: TurnResources) -> Sequence[Plan | AimuxError]:
    """Each candidate's plan without running anything; an error where it could not be run."""
    plans: list[Plan | AimuxError] = []
    for route in spec.routes.candidates:
        try:
            plans.append(plan_turn(spec, route, resources))
        except AimuxError as error:
            plans.append(error)
    return plans


def placed(plan: Plan, spec: TurnSpec, left_s: float, *, turn: int, attempt: int) -> Plan:
    """The plan of an attempt's child: below which jobs and spans, with how much time left."""
    here = lineage_env(spec.lineage, left_s)
    traced = trace_env(spec.trace, spec.job_id, turn, attempt)
    return attrs.evolve(plan, env={**plan.env, **here, **traced})


def attempt_limit_s(spec: TurnSpec, plan: Plan) -> float:
    """An attempt's own limit: the caller's, else the profile's."""
    own = spec.turn_limit_s
    profile = spec.clis[plan.cli].profile
    return turn_limit_s(plan.effort, profile.timeout_s) if own is None else own


def silence_of(profile: Profile, settings: ServerSettings) -> SilenceLimits:
    """The silence limits of a CLI; one that prints only at the end has only its deadline."""
    general = SilenceLimits(
        start_s=settings.streaming_grace_seconds,
        warn_s=settings.streaming_soft_warning_seconds,
        stall_s=settings.streaming_hard_stall_seconds,
        cancel_s=settings.streaming_auto_cancel_seconds,
    )
    return silence_limits(profile.silence, general)
