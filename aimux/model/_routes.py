"""What a caller wants of one turn, and the plan that comes of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ._profiles import LimitRule, PromptWay, Strength
from ._said import Warned
from ._turns import Mode

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@attrs.frozen(kw_only=True)
class RouteRequest:
    """What a caller names of a route; empty where it names nothing.

    `fallback` None: another CLI may follow one that was not named by the caller.
    """

    role: str = ""
    cli: str = ""
    model: str = ""
    effort: str = ""
    fallback: bool | None = None


@attrs.frozen(kw_only=True)
class Seat:
    """A participant of a job: the route it wants, and what it may do where.

    Everything asked of one seat is one conversation. `mode` None takes the job's or the role's,
    an empty `cwd` the job's. One that works elsewhere goes on with its session only if it was there
    before. One that restates has all that counts in each prompt: what was said before is not told
    to a CLI that cannot go on by itself.
    """

    name: str = ""  # never tells a vendor: A, B, judge; exec's is empty
    route: RouteRequest = attrs.field(factory=RouteRequest)
    mode: Mode | None = None
    cwd: str = ""
    was_there: bool = False
    restates: bool = False


@attrs.frozen(kw_only=True)
class Route:
    """CLI, model and effort for a piece of work; `why` names the rule that chose it."""

    cli: str
    model: str = ""
    effort: str = ""
    why: str = ""


@attrs.frozen(kw_only=True)
class Role:
    """A kind of work: its route preference, its stance, its text and the style of its answers.

    `tags` are words by which a task that names no role finds it, besides those of the summary.
    """

    name: str
    cli: str = ""
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    style: str = ""
    text: str = ""
    summary: str = ""
    tags: Sequence[str] = ()
    origin: str = ""


@attrs.frozen(kw_only=True)
class PlanRequest:
    """One turn as wanted: everything `compose` needs besides profile and binary.

    `env` is the client's own.
    """

    prompt: str
    route: Route
    mode: Mode = Mode.READ
    cwd: str
    env: Mapping[str, str]
    extra_env: Mapping[str, str] = attrs.field(
        factory=dict
    )  # explicit values: recursion token, deadlines
    native_id: str = (
        ""  # session to resume, or to open under this name where the profile says `chosen`
    )
    is_resume: bool = False
    system_prompt: str = ""
    wants_terminal: bool = False
    data_dir: str = ""  # of ours, for profiles that want one


@attrs.frozen(kw_only=True)
class Plan:
    """A turn ready to be run: a value that `dry_run` can show.

    `shown_argv` has `<prompt>` where the prompt stands.
    """

    cli: str
    model: str
    effort: str  # the CLI's own word; empty where it has none
    mode: Mode
    read_strength: Strength
    argv: Sequence[str]
    shown_argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    stdin: bytes | None  # None: the null device
    prompt_way: PromptWay
    prompt_file_token: str = (
        ""  # argv token that stands for the prompt file's path, where one is needed
    )
    prompt_file_bytes: bytes = b""  # what that file holds
    is_terminal: bool = False
    dialect: str
    stop_signal: str
    grace_s: float
    leave_s: float
    limits: LimitRule
    warnings: Sequence[Warned] = ()
