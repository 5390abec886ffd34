"""Commands that are to show a finding: what is asked for, which may run, what their end means.

Who investigates a finding may propose a command. It runs in a copy of the tree, and the same in an
empty directory: one that ends as predicted there too says nothing of the code. Predicted codes are
such as no interpreter or test runner gives of itself, so a command that is merely broken shows
nothing either.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import ExecutedCheck, Finding, FindingState
from aimux.rules.pair import CommandFault, split_command

CODES: Final = range(10, 100)  # that a check may predict
MAX_WORDS: Final = 64
MAX_COMMAND_CHARS: Final = 16_000

INVESTIGATION_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "report": {"type": "string", "minLength": 1},
        "check": {
            "type": ["object", "null"],
            "properties": {
                "command": {"type": "array", "items": {"type": "string"}},
                "exit_code": {"type": "integer"},
            },
            "required": ["command", "exit_code"],
        },
    },
    "required": ["report"],
}


def check_prompt(programs: Sequence[str], limit_s: float) -> str:
    """What is asked of an investigator besides the report, where commands may run."""
    return (
        "Answer with `report`, those paragraphs, and `check`: one command that shows the defect, "
        "or null if none can. `check.command` is a list of arguments, no shell runs it; it starts "
        f"with one of {', '.join(programs)}. It runs in a copy of the working directory, so name "
        "files relative to that; it needs no network, changes nothing elsewhere and ends within "
        f"{limit_s:g} s. It exercises the code itself and ends with `check.exit_code` (a number "
        f"from {CODES.start} to {CODES.stop - 1}) only if the defect is there, with 0 if it is not."
    )


def read_investigation(data: object, text: str) -> tuple[str, ExecutedCheck | None]:
    """The report of an answer, and the command it proposes; prose proposes none."""
    if not isinstance(data, Mapping):
        return text, None
    report = str(data.get("report") or text)
    match data.get("check"):
        case {"command": list(command), "exit_code": int(code)}:
            words = [str(word) for word in command]
            return report, ExecutedCheck(command=words, predicted_exit_code=code)
    return report, None


def refuse_check(check: ExecutedCheck, programs: Sequence[str], root: str) -> str:
    """Why a command may not run; empty if it may. `root` is the tree, which it must not name."""
    try:
        words = split_command(check.command)
    except CommandFault as fault:
        return str(fault)
    if words[0] not in programs:
        return f"{words[0]!r} is not among audit.check_programs"
    if check.predicted_exit_code not in CODES:
        return f"it predicts {check.predicted_exit_code}, not {CODES.start} to {CODES.stop - 1}"
    if len(words) > MAX_WORDS or sum(map(len, words)) > MAX_COMMAND_CHARS:
        return "it is too long"
    if any(root in word for word in words):
        return "it names the directory itself, not the copy"
    return ""


def with_check(finding: Finding, check: ExecutedCheck) -> Finding:
    """The finding with a check that was run or refused: confirmed if that shows it."""
    if check.shows_it:
        return attrs.evolve(finding, check=check, state=FindingState.CONFIRMED, reason="")
    return attrs.evolve(finding, check=check)


def told_check(check: ExecutedCheck) -> str:
    """A check in a sentence, without its command."""
    predicted = check.predicted_exit_code
    if check.exit_code is None:
        return f"did not show it: {check.why}"
    if check.exit_code != predicted:
        return f"did not show it: it ended with {check.exit_code}, not {predicted}"
    if check.control_exit_code == predicted:
        return f"shows nothing: it ends with {predicted} without the code, too"
    return f"shows it: it ended with {predicted}, as predicted"


def check_json(check: ExecutedCheck) -> dict[str, object]:
    """A check as it stands in results."""
    return {
        **attrs.asdict(check),
        "command": list(check.command),
        "why": check.why or None,
        "shows_it": check.shows_it,
    }
