"""What to do about a failure, in one sentence."""

from collections.abc import Mapping
from typing import Final

from aimux.model import FailureClass, Profile

from ._deaths import CRASHED
from ._signs import CONTEXT_OVERFLOW, SESSION_IN_USE, SESSION_LOST, TLS_UNTRUSTED, TOOLS_DENIED

RECORD_LOST: Final = "record_too_long"
NO_ANSWER: Final = "no_answer"
KILLED: Final = "killed_by_signal"

_BY_CODE: Final[Mapping[str, str]] = {  # `{cli}` is its name
    CONTEXT_OVERFLOW: "shorten the prompt, start a new session, or name a model with more context",
    SESSION_LOST: "start a new session: the CLI no longer knows this one",
    SESSION_IN_USE: "wait until the other run of this session has ended, or start a new session",
    TOOLS_DENIED: "its mode does not allow the tool it wanted: use mode=write if it may, or ask for"
    " an answer without it",
    NO_ANSWER: "its mode may not offer the tool it wanted: use mode=write if it may, ask again, or"
    " name another cli",
    RECORD_LOST: "ask for a shorter answer, or have it written into a file; the raw output has the"
    " beginning",
    "max_turns": "ask for less at once, or raise the limit of turns in the settings of {cli}",
    "policy_refused": "rephrase the prompt, or name another model",
    "busy": "another run holds what it needs: try again when that has ended",
    "out_of_memory": "ask for less at once or end other programs; a CLI that runs on Node may have"
    " more by NODE_OPTIONS=--max-old-space-size=MEGABYTES in its environment",
    "no_runtime_version": "choose a version where {cli} is started, for example by `asdf set -u`,"
    " `mise use -g`, `nvm alias default` or `volta install`",
    "runtime_missing": "install what {cli} runs on, or put it on the PATH of the client",
    "library_missing": "install the library it names, or a build of {cli} for this system",
    "runtime_too_old": "update what {cli} runs on, or install an older {cli}",
    "runtime_options": "take what it names out of NODE_OPTIONS, or start {cli} without that"
    " variable",
    "cli_incomplete": "a part of it is missing, so once more {install}",
    "cpu_unsupported": "install a build of {cli} for older processors (baseline)",
    "disk_full": "free some disk space; {cli} keeps its sessions and logs in the home directory",
    "too_many_files": "end other programs, or raise the limit of open files (ulimit -n)",
    "too_many_processes": "end other programs, or raise the limit of processes (ulimit -u, or"
    " that of the container)",
    TLS_UNTRUSTED: "have it trust the certificate of your proxy: NODE_EXTRA_CA_CERTS or"
    " SSL_CERT_FILE in its environment; if none is between, check the clock",
    KILLED: "something outside ended it; with SIGKILL that is most often the system, out of memory:"
    " see dmesg, or the limit of the container",
    "home_unwritable": "let {cli} write where it keeps its state: check HOME and its owner",
    CRASHED: "update {cli}; if it lasts, name another cli and report it to its makers",
}


def hint(profile: Profile, failure_class: FailureClass, code: str) -> str:
    """The way out, as far as class and code tell one."""
    name = profile.display_name or profile.name
    if code in _BY_CODE:
        return _BY_CODE[code].replace("{cli}", name).replace("{install}", install_step(profile))
    match failure_class:
        case FailureClass.QUOTA:
            return "wait for the limit to reset, or name another model or cli"
        case FailureClass.MODEL_UNAVAILABLE:
            return f"name a model that {name} offers to this account, or leave model out"
        case FailureClass.AUTH:
            return profile.errors.login_hint or f"log in to {name}, or set its API key"
        case FailureClass.TRANSIENT:
            return "try again; if it lasts, check the network and the vendor's status"
        case FailureClass.USAGE:
            return (
                f"update {name}, or see with `aimux profile test {profile.name}` what this version"
                " takes; until then name another cli"
            )
        case FailureClass.TIMEOUT:
            return "give it more time (timeout_seconds), or ask for less at once"
        case _:
            return ""


def install_step(profile: Profile) -> str:
    """How to install a CLI, with the command where its profile knows one."""
    how = f": {profile.install}" if profile.install else ""
    return f"install {profile.display_name or profile.name}{how}"


def reset_step(cli: str) -> str:
    """How to have a CLI asked again at once, for hints."""
    return f"sessions(action=reset, cli={cli}); in a terminal: aimux clis --reset {cli}"
