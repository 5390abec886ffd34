"""How a turn becomes a command line, an environment and a standard input: the only place.

Order of an argv: binary and fixed words, profile flags, output flags, mode flags, model, effort,
system prompt, working directory, data directory, session; then tokens that must stand last; then
the prompt.

The prompt is data. It goes through stdin, or as exactly one token that no parser can take for a
flag (after a guard, or joined to its flag), or into a file.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import Refusal, SetupFault
from aimux.model import (
    EFFORTS,
    EffortRule,
    Mode,
    ModeRule,
    Plan,
    PlanRequest,
    Profile,
    PromptWay,
    Strength,
    Warned,
)

from ._environment import environment, fill
from ._nearest import nearest
from ._redact import redact

PROMPT_SHOWN: Final = "<prompt>"
SYSTEM_PROMPT_SHOWN: Final = "<system prompt>"
PROMPT_FILE_TOKEN: Final = "<prompt-file>"  # noqa: S105  # stands for a path, no password
if sys.platform == "win32":
    # a whole command line has 32,767 characters there: prompt, system prompt, and what escapes cost
    MAX_TOKEN_BYTES: Final = 12_000
else:
    MAX_TOKEN_BYTES: Final = 131_071  # MAX_ARG_STRLEN of Linux, with its final NUL


def compose(
    profile: Profile, binary: str, request: PlanRequest, *, arg_limit_bytes: int = MAX_TOKEN_BYTES
) -> Plan:
    """The plan of one turn. `arg_limit_bytes` is what the system takes as one argument.

    Raises:
        SetupFault: the profile does not offer the mode, contradicts itself or has an unknown
            placeholder.
        Refusal: this CLI cannot resume, the prompt is empty, holds a NUL or fits no way, the effort
            is no word of the scale, or a name could be read as a flag.
    """
    warnings: list[Warned] = []
    mode = _mode_rule(profile, request.mode)
    model = request.route.model or profile.model.default
    level = _level(profile, request.route.effort, warnings)
    for what, value in (("model", model), ("native session id", request.native_id)):
        _refuse_flaglike(profile, what, value)
    filled = {"model": model, "level": level, "id": request.native_id}

    def filled_in(tokens: Iterable[str]) -> list[str]:
        return [fill(profile.name, each, filled) for each in tokens]

    opens, last = _session_tokens(profile, request)
    prompt, system = _with_system_prompt(profile, request, arg_limit_bytes)
    head = [
        binary,
        *filled_in(profile.command[1:]),
        *filled_in(profile.flags),
        *filled_in(profile.output.flags),
        *filled_in(mode.flags),
        *_model_tokens(profile, request.route.model, model, warnings),
        *_effort_tokens(profile, level, filled),
        *([profile.system_prompt_flag, system] if system else []),
        *([profile.cwd_flag, request.cwd] if profile.cwd_flag else []),
        *(
            [profile.data_dir_flag, request.data_dir]
            if profile.data_dir_flag and request.data_dir
            else []
        ),
        *filled_in(opens),
        *filled_in(last),
    ]
    is_terminal = request.wants_terminal or profile.needs_terminal
    way = _way(profile, prompt, is_terminal=is_terminal, arg_limit_bytes=arg_limit_bytes)
    tail, shown_tail, stdin = _prompt_tokens(profile, way, prompt)
    check_exclusive(head + (tail if way is not PromptWay.ARGUMENT else []), profile.exclusive)
    shown_head = [SYSTEM_PROMPT_SHOWN if system and each == system else each for each in head]
    in_file = way is PromptWay.FILE
    return Plan(
        cli=profile.name,
        model=model,
        effort=level,
        mode=request.mode,
        read_strength=mode.strength if request.mode is Mode.READ else Strength.NONE,
        argv=head + tail,
        shown_argv=[redact(each) for each in shown_head] + shown_tail,
        env=environment(profile, binary, request, mode.env, filled),
        cwd=request.cwd,
        stdin=stdin,
        prompt_way=way,
        prompt_file_token=PROMPT_FILE_TOKEN if in_file else "",
        prompt_file_bytes=prompt.encode() if in_file else b"",
        is_terminal=is_terminal,
        dialect=profile.output.dialect,
        stop_signal=profile.stop.signal,
        grace_s=profile.stop.grace_s,
        leave_s=profile.stop.leave_s,
        limits=profile.limits,
        warnings=warnings,
    )


def with_prompt_file(plan: Plan, path: str) -> Plan:
    """The plan with the prompt file's real path in place of its token."""
    if not plan.prompt_file_token:
        return plan
    return attrs.evolve(
        plan, argv=[each.replace(plan.prompt_file_token, path) for each in plan.argv]
    )


def check_exclusive(argv: Sequence[str], groups: Sequence[Sequence[str]]) -> None:
    """Nothing, if of every group at most one token stands in `argv` (up to a bare `--`).

    A token is there as itself or joined to its value (`--mode=plan`).

    Raises:
        SetupFault: two tokens of one group stand together.
    """
    flags = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    for group in groups:
        there = [
            token
            for token in dict.fromkeys(group)
            if any(each == token or each.startswith(f"{token}=") for each in flags)
        ]
        if len(there) > 1:
            msg = f"flags {' and '.join(there)} exclude each other: keep one in the profile"
            raise SetupFault(msg, code="contradictory_flags", data={"flags": there})


def effort_word(rule: EffortRule, effort: str) -> tuple[str, Warned | None]:
    """The CLI's word for a level of the common scale, and what to say where it is not that level.

    Raises:
        Refusal: `effort` is neither a level of the scale nor a word of this CLI.
    """
    if not effort:
        return "", None
    wanted = effort.strip().lower()
    if wanted in rule.levels:
        return rule.levels[wanted], None
    if wanted not in EFFORTS:
        if effort in rule.levels.values():
            return effort, None
        hint = nearest(wanted, EFFORTS)
        msg = f"effort {effort!r} is not one of {', '.join(EFFORTS)}"
        raise Refusal(
            msg,
            code="effort_unknown",
            retryable=False,
            hint=f"did you mean {hint}?" if hint else None,
        )
    known = [level for level in EFFORTS if level in rule.levels]
    if not known:
        return "", Warned(code="effort_ignored", message=f"this CLI has no effort: {wanted} unused")
    place = EFFORTS.index(wanted)
    # of two as near, the stronger: who asks for more thought gets no less
    best = min(known, key=lambda each: (abs(EFFORTS.index(each) - place), -EFFORTS.index(each)))
    said = f"effort {wanted} is not known to this CLI: {best} is used"
    return rule.levels[best], Warned(code="effort_clamped", message=said)


# ------------------------------------------------------------------------------------------- parts


def _mode_rule(profile: Profile, mode: Mode) -> ModeRule:
    if mode in profile.modes:
        return profile.modes[mode]
    if not profile.modes and mode is not Mode.DANGER:
        return ModeRule()  # a minimal profile: the CLI runs as it is, with no promise about reading
    offered = ", ".join(sorted(profile.modes)) or "read, write"
    msg = f"profile {profile.name} offers no {mode} mode: it has {offered}"
    raise SetupFault(
        msg,
        code="mode_not_offered",
        hint=f"choose another CLI, or add modes.{mode} to {profile.origin or 'its profile'}",
    )


def _level(profile: Profile, effort: str, warnings: list[Warned]) -> str:
    word, warned = effort_word(profile.effort, effort)
    if warned is not None:
        said = warned.message.replace("this CLI", profile.name)
        warnings.append(attrs.evolve(warned, message=said))
    return word


def _refuse_flaglike(profile: Profile, what: str, value: str) -> None:
    """Such values come from callers and from what CLIs print: none may become a flag."""
    if value.startswith("-") or any(ord(each) < 32 or ord(each) == 127 for each in value):
        msg = f"{what} {value!r} for {profile.name} could be read as a flag: it may not start"
        msg += " with a dash or hold control characters"
        raise Refusal(msg, code="unsafe_value", retryable=False)


def _option(flag: str, value: str, *, joined: bool) -> list[str]:
    return [f"{flag}={value}"] if joined else [flag, value]


def _model_tokens(
    profile: Profile, wanted: str, model: str, warnings: list[Warned]
) -> Sequence[str]:
    if model and profile.model.flag:
        return _option(profile.model.flag, model, joined=profile.model.joined)
    if wanted and not profile.model.env:
        said = f"{profile.name} takes no model: {wanted} is unused"
        warnings.append(Warned(code="model_ignored", message=said))
    return []


def _effort_tokens(profile: Profile, level: str, filled: Mapping[str, str]) -> Sequence[str]:
    rule = profile.effort
    if not level or not rule.flag:
        return []
    return _option(rule.flag, fill(profile.name, rule.template, filled), joined=rule.joined)


def _session_tokens(profile: Profile, request: PlanRequest) -> tuple[Sequence[str], Sequence[str]]:
    """Tokens among the flags, and tokens that stand last."""
    rule = profile.resume
    if not request.is_resume:
        return (rule.new_flags if rule.chosen and request.native_id else ()), ()
    if not rule.flags:
        msg = f"{profile.name} cannot continue a session: start a new one and repeat what matters"
        raise Refusal(msg, code="resume_unsupported", retryable=False)
    if not request.native_id and any("{id}" in each for each in rule.flags):
        msg = f"the session has no id of {profile.name} to resume: its first turn printed none"
        raise Refusal(msg, code="native_session_missing", retryable=False)
    return ((), rule.flags) if rule.position == "last" else (rule.flags, ())


def _with_system_prompt(
    profile: Profile, request: PlanRequest, arg_limit_bytes: int
) -> tuple[str, str]:
    """The prompt, and the system prompt where it has a flag of its own; else they are one text."""
    prompt, system = request.prompt, request.system_prompt
    for each in (prompt, system):
        _check_text(each)
    if not prompt.strip():
        raise Refusal("the prompt is empty", code="prompt_empty", retryable=False)
    if not system:
        return prompt, ""
    limit = min(arg_limit_bytes, profile.prompt.max_arg_bytes)
    if not profile.system_prompt_flag or len(system.encode()) > limit:
        return f"{system}\n\n{prompt}", ""
    # a blank in front keeps a text that starts with a dash from being read as a flag
    return prompt, f" {system}" if system.startswith("-") else system


def _check_text(text: str) -> None:
    if "\0" in text:
        msg = f"the prompt holds a NUL at character {text.index(chr(0))}: remove it"
        raise Refusal(msg, code="prompt_has_nul", retryable=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = f"the prompt holds half a character at {error.start}: send valid Unicode"
        raise Refusal(msg, code="prompt_not_unicode", retryable=False) from error


def _way(profile: Profile, prompt: str, *, is_terminal: bool, arg_limit_bytes: int) -> PromptWay:
    rule = profile.prompt
    ways = list(dict.fromkeys(rule.ways))
    size_bytes = len(prompt.encode())
    if rule.stdin_threshold > 0:
        ways = [each for each in ways if each is not PromptWay.STDIN]
        ways.insert(0 if size_bytes > rule.stdin_threshold else len(ways), PromptWay.STDIN)
    if is_terminal:
        # on a terminal stdin has no end of file and echoes: any other way is better
        ways.sort(key=lambda each: each is PromptWay.STDIN)
    limit_bytes = min(rule.max_arg_bytes, arg_limit_bytes)
    reasons: list[str] = []
    for way in ways:
        if way is PromptWay.STDIN and rule.stdin_is_ascii and not prompt.isascii():
            reasons.append(f"{profile.name} garbles characters beyond ASCII on its stdin")
        elif way is not PromptWay.ARGUMENT:
            return way
        elif size_bytes > limit_bytes:
            reasons.append(f"{size_bytes} bytes are more than the {limit_bytes} of an argument")
        elif prompt.startswith("-") and not (rule.guard or (rule.joined and rule.flag)):
            reasons.append("it starts with a dash and would be read as a flag")
        else:
            return way
    why = "; ".join(reasons) or "its profile names no way"
    msg = f"{profile.name} cannot be given this prompt: {why}"
    raise Refusal(
        msg,
        code="prompt_too_large" if size_bytes > limit_bytes else "prompt_undeliverable",
        retryable=False,
        hint="shorten or reword it, choose another CLI, or give the profile prompt.guard, a joined"
        " flag, or the stdin or file way",
        data={"size_bytes": size_bytes, "limit_bytes": limit_bytes},
    )


def _prompt_tokens(
    profile: Profile, way: PromptWay, prompt: str
) -> tuple[list[str], list[str], bytes | None]:
    """The tokens that carry the prompt, the same for showing, and stdin."""
    rule = profile.prompt
    if way is PromptWay.STDIN:
        tokens = [fill(profile.name, each, {}) for each in rule.stdin_args]
        return tokens, list(tokens), prompt.encode()
    if way is PromptWay.FILE:
        place = {"path": PROMPT_FILE_TOKEN}
        tokens = [rule.file_flag, PROMPT_FILE_TOKEN] if rule.file_flag else []
        tokens += [fill(profile.name, each, place) for each in rule.file_args]
        if not any(PROMPT_FILE_TOKEN in each for each in tokens):
            msg = f"profile {profile.name}: prompt way file needs prompt.file_flag or a {{path}}"
            raise SetupFault(msg, code="prompt_file_unset", hint=profile.origin or None)
        return tokens, list(tokens), None
    if rule.needs_blank and " " not in prompt:
        prompt += " "
    if rule.joined and rule.flag:
        return [f"{rule.flag}={prompt}"], [f"{rule.flag}={PROMPT_SHOWN}"], None
    before = [each for each in (rule.flag, rule.guard) if each]
    return [*before, prompt], [*before, PROMPT_SHOWN], None
