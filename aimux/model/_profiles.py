"""A profile: how one CLI is run, as data.

Every field has an effect, and the loader refuses unknown ones. `{level}`, `{model}`, `{id}`,
`{path}` and `{prompt}` are the only placeholders; each is a whole value or a part of one argument
token, never a new token.
"""

import enum
from collections.abc import Mapping, Sequence

import attrs

from ._said import FailureClass
from ._turns import Mode


class PromptWay(enum.StrEnum):
    """How a prompt reaches the child."""

    STDIN = "stdin"
    ARGUMENT = "argument"
    FILE = "file"


class Strength(enum.StrEnum):
    """How hard a read mode is, as measured on the real CLI; in order of preference."""

    SANDBOX = "sandbox"  # the operating system refuses
    POLICY = "policy"  # the CLI refuses
    SOFT = "soft"  # its shell tool still writes
    NONE = "none"


class OutputFormat(enum.StrEnum):
    """What the CLI prints on stdout."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


@attrs.frozen(kw_only=True)
class PromptRule:
    """How the prompt is handed over; `ways` stand in the order of preference.

    A prompt that is an argument stands last, after `guard` (`--`) or, with `joined`, as
    `flag=prompt`. `stdin_args` replace it where stdin carries the prompt. `file_flag` precedes the
    path of a file that holds it.
    """

    ways: Sequence[PromptWay] = (PromptWay.ARGUMENT,)
    guard: str = ""
    flag: str = ""
    joined: bool = False
    stdin_args: Sequence[str] = ()
    file_flag: str = ""
    file_args: Sequence[
        str
    ] = ()  # further tokens when a file carries the prompt (a short positional, say)
    max_arg_bytes: int = 100_000  # one Linux argument is limited to 128 KiB
    stdin_is_ascii: bool = False  # it garbles other characters in what it reads there
    stdin_threshold: int = (
        0  # 0: order of `ways` decides; else longer prompts (bytes) go through stdin
    )
    needs_blank: bool = False  # a prompt without a blank is read as a command: one is appended


@attrs.frozen(kw_only=True)
class Fields:
    """Where a CLI without a dialect of its own keeps things in its JSON.

    Each is a dotted path, in which `[]` walks a list. A record counts for `answer` or `delta` only
    if it meets the `*_when` map (path -> value).
    """

    answer: str = ""
    answer_when: Mapping[str, str] = attrs.field(factory=dict)
    delta: str = ""
    delta_when: Mapping[str, str] = attrs.field(factory=dict)
    session_id: str = ""
    end_when: Mapping[str, str] = attrs.field(factory=dict)
    error_when: Mapping[str, str] = attrs.field(factory=dict)
    error: str = ""
    input_tokens: str = ""
    output_tokens: str = ""
    cost_usd: str = ""


@attrs.frozen(kw_only=True)
class OutputRule:
    """How the output of a CLI is asked for and read.

    `dialect` names a reader of `aimux.dialects`; the general ones are text, json and jsonl (with
    `fields`).
    """

    format: OutputFormat = OutputFormat.TEXT
    dialect: str = "text"
    flags: Sequence[str] = ()
    fields: Fields = attrs.field(factory=Fields)


@attrs.frozen(kw_only=True)
class ModeRule:
    """Flags and environment of one mode. `strength` is stated for read only."""

    flags: Sequence[str] = ()
    env: Mapping[str, str] = attrs.field(factory=dict)
    strength: Strength = Strength.NONE


@attrs.frozen(kw_only=True)
class ModelRule:
    """`fallback` is tried in order on quota and model errors before another CLI is."""

    flag: str = ""
    joined: bool = False
    env: str = ""  # variable that carries the model instead of a flag
    default: str = ""
    fallback: Sequence[str] = ()
    cooldown_s: float = 60.0


@attrs.frozen(kw_only=True)
class EffortRule:
    """How much effort is asked for.

    `levels` maps the common scale (none minimal low medium high xhigh max) to the CLI's own word. A
    level that is not in it is clamped to the nearest one, and the clamping is reported.
    """

    flag: str = ""
    joined: bool = False
    template: str = "{level}"
    env: str = ""
    levels: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ResumeRule:
    """How a session is continued: `flags`, in which `{id}` stands for its name.

    A CLI that is `chosen` never prints a name: `new_flags` with `{id}` give it one. `position` says
    where the tokens stand: `flags` (with the other flags) or `last` (after them, before the prompt:
    `codex exec … resume ID`).
    """

    flags: Sequence[str] = ()
    position: str = "flags"
    chosen: bool = False
    new_flags: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class EnvRule:
    """What the child's environment has.

    `passes` are names or prefixes (`CODEX_*`) let through from the client's environment; `sets` are
    fixed values.
    """

    passes: Sequence[str] = ()
    sets: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ErrorRule:
    """Patterns and exit codes of each class of failure.

    A pattern is a regular expression that is searched in error text, whatever its case.
    """

    patterns: Mapping[FailureClass, Sequence[str]] = attrs.field(factory=dict)
    exit_codes: Mapping[FailureClass, Sequence[int]] = attrs.field(factory=dict)
    accept_exit: Sequence[int] = (0,)
    login_hint: str = ""  # what the user types to log in


@attrs.frozen(kw_only=True)
class VersionRule:
    """`pattern`'s first group is the version; `tested` is an inclusive range of dotted versions."""

    args: Sequence[str] = ("--version",)
    pattern: str = r"(\d+\.\d+(?:\.\d+)?)"
    tested_from: str = ""
    tested_to: str = ""


@attrs.frozen(kw_only=True)
class SilenceRule:
    """How many seconds may pass without a byte on either stream.

    None takes the server's setting. A CLI that prints only at the end says `streams: false` and has
    only its deadline.
    """

    streams: bool = True
    start_s: float | None = None
    warn_s: float | None = None
    stall_s: float | None = None
    cancel_s: float | None = None


@attrs.frozen(kw_only=True)
class StopRule:
    """The signal the group gets first (TERM or INT) and the grace before KILL, in seconds."""

    signal: str = "TERM"
    grace_s: float = 2.0
    leave_s: float = 5.0  # without a sign of work after its end-of-turn record: then it is stopped


@attrs.frozen(kw_only=True)
class LimitRule:
    """Runaway caps of one turn; crossing one ends the turn with the class last seen."""

    max_events: int = 20_000
    max_bytes: int = 2_000_000_000
    max_steps: int = 500  # tool steps


@attrs.frozen(kw_only=True)
class Profile:
    """How one CLI is run."""

    schema_version: int = 1
    name: str
    binary: str
    display_name: str = ""
    vendor: str = ""
    install: str = ""  # the command that does it, as a person would type it
    capabilities: Sequence[str] = ()
    priority: int = 100  # lower is preferred
    search_paths: Sequence[str] = ()
    by_products: Sequence[str] = ()  # what it keeps in the project, as .gitignore says such things
    command: Sequence[str]  # first word is the binary, the rest fixed sub-commands
    prompt: PromptRule = attrs.field(factory=PromptRule)
    output: OutputRule = attrs.field(factory=OutputRule)
    modes: Mapping[Mode, ModeRule] = attrs.field(factory=dict)
    flags: Sequence[str] = ()  # in every run, before the mode's
    exclusive: Sequence[
        Sequence[str]
    ] = ()  # groups of tokens of which at most one may stand in an argv
    retired: Mapping[str, str] = attrs.field(
        factory=dict
    )  # words and flags older versions took -> what to use now; short profiles may still name them
    model: ModelRule = attrs.field(factory=ModelRule)
    effort: EffortRule = attrs.field(factory=EffortRule)
    resume: ResumeRule = attrs.field(factory=ResumeRule)
    system_prompt_flag: str = ""
    cwd_flag: str = ""
    data_dir_flag: str = (
        ""  # gets a directory of ours, so that a run does not change the user's defaults
    )
    data_dir_env: str = ""
    env: EnvRule = attrs.field(factory=EnvRule)
    errors: ErrorRule = attrs.field(factory=ErrorRule)
    version: VersionRule = attrs.field(factory=VersionRule)
    silence: SilenceRule = attrs.field(factory=SilenceRule)
    stop: StopRule = attrs.field(factory=StopRule)
    limits: LimitRule = attrs.field(factory=LimitRule)
    needs_terminal: bool = False
    completion_pattern: str = ""
    timeout_s: float = 600.0
    origin: str = ""  # file it was read from
