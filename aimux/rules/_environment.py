"""What a child sees of the world: a baseline, its profile's allow-list and explicit values.

Nothing else of the client's environment passes, so that one vendor's key never reaches another
vendor's CLI.
"""

import os
import re
from collections.abc import Mapping
from typing import Final

from aimux.errors import Refusal, SetupFault
from aimux.model import PlanRequest, Profile, Route

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_NO_VALUES: Final = {"model": "", "level": "", "id": ""}

BASELINE: Final = frozenset(
    {
        # what a program needs to find itself, its user, its language and its temp directory
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "TERM", "TMPDIR", "TEMP", "TMP"),
        *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"),
        # where logins and configuration lie: without them a logged-in CLI looks logged out
        *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
        "XDG_RUNTIME_DIR",
        # how this machine reaches the network: without them every CLI hangs behind a proxy
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
    }
)
WINDOWS_BASELINE: Final = frozenset(  # names there do not know case
    {
        *("PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "OS", "TEMP", "TMP"),
        *("USERNAME", "USERDOMAIN", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "PUBLIC"),
        *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PROGRAMW6432"),
        *("PROGRAMFILES", "PROGRAMFILES(X86)", "COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)"),
        *("COMPUTERNAME", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    }
)


def fill(name: str, token: str, values: Mapping[str, str]) -> str:
    """`token` with its placeholders filled, in one pass: a value that looks like one stays.

    Raises:
        SetupFault: profile `name` uses a placeholder that has no value here.
    """

    def put(found: re.Match[str]) -> str:
        if found[1] not in values:
            known = ", ".join(f"{{{each}}}" for each in values) or "none"
            msg = f"profile {name}: unknown placeholder {found[0]} in {token!r}: {known} can stand"
            raise SetupFault(f"{msg} here", code="unknown_placeholder")
        return values[found[1]]

    return _PLACEHOLDER.sub(put, token)


def environment(
    profile: Profile,
    binary: str,
    request: PlanRequest,
    mode_env: Mapping[str, str],
    values: Mapping[str, str],
) -> dict[str, str]:
    """The child's whole environment; later sources win: client, profile, mode, route, call.

    Raises:
        SetupFault: unknown placeholder in a fixed value.
        Refusal: a name or value that no system takes.
    """
    is_windows = any(name.upper() == "SYSTEMROOT" for name in request.env)
    passed = {
        name: value
        for name, value in request.env.items()
        if name in BASELINE
        or (is_windows and name.upper() in WINDOWS_BASELINE)
        or any(_passes(name, each) for each in profile.env.passes)
    }
    env = _with_launcher(passed, binary)
    for fixed in (profile.env.sets, mode_env):
        env |= {name: fill(profile.name, value, values) for name, value in fixed.items()}
    for name, value in (
        (profile.model.env, values["model"]),
        (profile.effort.env, values["level"]),
        (profile.data_dir_env, request.data_dir),
    ):
        if name and value:
            env[name] = value
    env |= request.extra_env
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            msg = f"environment variable {name!r} for {profile.name} cannot be set: rename it"
            raise Refusal(msg, code="environment_invalid", retryable=False)
    return env


def bare_environment(env: Mapping[str, str]) -> dict[str, str]:
    """What a program that is no CLI gets of the client's `env`: the baseline, no vendor's key."""
    is_windows = any(name.upper() == "SYSTEMROOT" for name in env)
    return {
        name: value
        for name, value in env.items()
        if name in BASELINE or (is_windows and name.upper() in WINDOWS_BASELINE)
    }


def probe_environment(profile: Profile, binary: str, env: Mapping[str, str]) -> dict[str, str]:
    """What a CLI gets of the client's `env` when it is only asked for its version."""
    request = PlanRequest(prompt="", route=Route(cli=profile.name), cwd="/", env=env)
    return environment(profile, binary, request, {}, _NO_VALUES)


def _passes(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _with_launcher(env: dict[str, str], binary: str) -> dict[str, str]:
    """A script found outside PATH (a version manager's directory) has its interpreter beside it."""
    directory = os.path.dirname(binary)  # noqa: PTH120  # text only: no path of this machine is touched
    name = next((each for each in env if each.upper() == "PATH"), "PATH")
    path = env.get(name, "")
    if not directory or directory in path.split(os.pathsep):
        return env
    return env | {name: f"{path}{os.pathsep}{directory}" if path else directory}
