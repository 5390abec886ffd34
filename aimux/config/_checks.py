"""What a profile must hold beyond its types, so that it can work at all."""

import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aimux.dialects import DIALECTS
from aimux.model import EFFORTS, Profile, PromptWay

from ._shape import Fault, FaultKind, nearest

SIGNALS: Final = ("TERM", "INT")
POSITIONS: Final = ("flags", "last")
PLACEHOLDERS: Final = ("level", "model", "id", "path", "prompt")
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_.%]+)\}")
_SECRET: Final = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE
)


def faults_of(profile: Profile) -> list[Fault]:
    """Everything that keeps a profile of the right shape from working."""
    return [
        *_shape(profile),
        *_words(profile),
        *_patterns(profile),
        *_placeholders(profile),
        *_contradictions(profile),
    ]


def secrets_in(profile: Profile) -> list[str]:
    """Keys of the profile that look as if they held a secret."""
    maps = {"env.sets": profile.env.sets} | {
        f"modes.{mode}.env": rule.env for mode, rule in profile.modes.items()
    }
    return [
        f"{where}.{name}"
        for where, values in maps.items()
        for name, value in values.items()
        if value and _SECRET.search(name)
    ]


def _fault(path: str, message: str, suggestion: str = "") -> Fault:
    return Fault(kind=FaultKind.WRONG, path=path, message=message, suggestion=suggestion)


def _one_of(path: str, value: str, known: Sequence[str]) -> Iterator[Fault]:
    if value not in known:
        yield _fault(path, f"{value} is not one of {', '.join(known)}", nearest(value, known))


def _shape(profile: Profile) -> Iterator[Fault]:
    if profile.schema_version != 1:
        yield _fault("schema_version", f"{profile.schema_version} is not known, this is 1")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", profile.name):
        yield _fault("name", f"{profile.name!r} is not a lower-case word")
    if not profile.binary.strip():
        yield _fault("binary", "empty")
    if not profile.command:
        yield _fault("command", "empty")
    elif _stem(profile.command[0]) != _stem(profile.binary):
        message = f"command begins with {profile.command[0]}, the binary is {profile.binary}"
        yield _fault("command", message)
    prompt = profile.prompt
    if not prompt.ways:
        yield _fault("prompt.ways", "empty: no way for a prompt to reach the CLI")
    if PromptWay.FILE in prompt.ways and not prompt.file_flag:
        yield _fault("prompt.file_flag", "a prompt may go by file, but no flag takes one")
    if prompt.joined and not prompt.flag:
        yield _fault("prompt.joined", "nothing to join the prompt to: prompt.flag is empty")
    for path, number in {
        "timeout_s": profile.timeout_s,
        "stop.grace_s": profile.stop.grace_s,
        "stop.leave_s": profile.stop.leave_s,
        "prompt.max_arg_bytes": prompt.max_arg_bytes,
        "limits.max_events": profile.limits.max_events,
        "limits.max_bytes": profile.limits.max_bytes,
        "limits.max_steps": profile.limits.max_steps,
    }.items():
        if number <= 0:
            yield _fault(path, f"{number} is not above 0")
    if prompt.stdin_threshold < 0:
        yield _fault("prompt.stdin_threshold", f"{prompt.stdin_threshold} is below 0")
    if profile.resume.chosen and not profile.resume.new_flags:
        yield _fault("resume.new_flags", "the session's name is ours, but no flag gives it")


def _words(profile: Profile) -> Iterator[Fault]:
    yield from _one_of("output.dialect", profile.output.dialect, DIALECTS)
    yield from _one_of("stop.signal", profile.stop.signal, SIGNALS)
    yield from _one_of("resume.position", profile.resume.position, POSITIONS)
    for level in profile.effort.levels:
        yield from _one_of(f"effort.levels.{level}", level, EFFORTS)
    if profile.effort.levels and not profile.effort.flag and not profile.effort.env:
        yield _fault("effort", "levels without a flag or variable that carries them")


def _patterns(profile: Profile) -> Iterator[Fault]:
    patterns = {
        "completion_pattern": [profile.completion_pattern],
        "version.pattern": [profile.version.pattern],
    } | {f"errors.patterns.{kind}": each for kind, each in profile.errors.patterns.items()}
    for path, group in patterns.items():
        for pattern in group:
            try:
                compiled = re.compile(pattern, re.IGNORECASE)
            except re.error as error:
                yield _fault(path, f"{pattern!r} is not a regex: {error}")
                continue
            if path == "version.pattern" and not compiled.groups:
                yield _fault(path, f"{pattern!r} has no group for the version")


def _placeholders(profile: Profile) -> Iterator[Fault]:
    """Only where a value is filled in: JSON in a variable has braces of its own."""
    allowed: dict[str, tuple[Sequence[str], str]] = {
        "effort.template": ([profile.effort.template], "level"),
        "resume.flags": (profile.resume.flags, "id"),
        "resume.new_flags": (profile.resume.new_flags, "id"),
    }
    for path, (texts, own) in allowed.items():
        for word in _PLACEHOLDER.findall(" ".join(texts)):
            if word != own:
                yield _fault(path, f"{{{word}}} means nothing here", f"{{{own}}}")
    if profile.effort.flag and not _PLACEHOLDER.search(profile.effort.template):
        yield _fault("effort.template", f"{profile.effort.template!r} has no {{level}} in it")
    if profile.resume.flags and "{id}" not in " ".join(profile.resume.flags):
        yield _fault("resume.flags", "no {id}: it would continue whatever ran last")
    plain = {
        "command": profile.command,
        "flags": profile.flags,
        "output.flags": profile.output.flags,
    } | {f"modes.{mode}.flags": rule.flags for mode, rule in profile.modes.items()}
    for path, texts in plain.items():
        for word in _PLACEHOLDER.findall(" ".join(texts)):
            near = nearest(word, PLACEHOLDERS)
            yield _fault(path, f"{{{word}}} is not filled in here", f"{{{near}}}" if near else "")


def _contradictions(profile: Profile) -> Iterator[Fault]:
    fixed = [*profile.command[1:], *profile.flags, *profile.output.flags]
    for mode, rule in profile.modes.items():
        tokens = [each.partition("=")[0] for each in (*fixed, *rule.flags)]
        for group in profile.exclusive:
            met = [each for each in tokens if each in group]
            if len(met) > 1:
                yield _fault(f"modes.{mode}.flags", f"{' and '.join(met)} contradict each other")
    for word, instead in profile.retired.items():
        for path, flags in _all_flags(profile).items():
            if word in [each.partition("=")[0] for each in flags]:
                yield _fault(path, f"{word} no longer exists: {instead}")


def _all_flags(profile: Profile) -> Mapping[str, Sequence[str]]:
    return {
        "command": profile.command[1:],
        "flags": profile.flags,
        "output.flags": profile.output.flags,
        "effort.flag": [profile.effort.flag],
        **{f"modes.{mode}.flags": rule.flags for mode, rule in profile.modes.items()},
    }


def _stem(binary: str) -> str:
    name = pathlib.PureWindowsPath(binary).name if "\\" in binary else pathlib.PurePath(binary).name
    return name.lower().removesuffix(".exe").removesuffix(".cmd")
