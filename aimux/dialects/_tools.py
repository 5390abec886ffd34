"""What a tool call of a CLI says: the file it would change, its end refused, a last word."""

import re
from typing import Final

from ._shapes import Record, shown, text_at

_EDITS: Final = {
    "write": "update",
    "write_file": "update",
    "create": "add",
    "edit": "update",
    "multiedit": "update",
    "notebookedit": "update",
    "notebook_edit": "update",
    "replace": "update",
    "editor": "update",
    "save": "update",
    "append": "update",
    "patch": "update",
    "text_editor": "update",
}
# Some CLIs hand their last word to a tool: under which argument.
_ANSWERING: Final = {
    "exitplanmode": ("plan",),
    "exit_plan_mode": ("plan",),
    "exitspecmode": ("plan",),
    "attempt_completion": ("result",),
    "submit_and_exit": ("result", "summary"),
    "plan_mode_respond": ("response",),
    "complete": ("answer", "result", "summary", "message"),
    "final_output": ("answer", "result"),
}
_PATHS: Final = (
    "file_path",
    "filePath",
    "path",
    "filepath",
    "notebook_path",
    "absolute_path",
)
_REFUSED: Final = re.compile(
    r"(?:requires?|needs?) (?:\w+ )?approval|permissions? to (?:use|write|read|edit)"
    r"|permission (?:was|has been) (?:denied|declined)|haven't granted|rejected permission"
    r"|prevents you from using|not permitted in this|blocked in plan mode|spec mode is active"
    r"|not available for execution|auto mode is unavailable|access denied: plan path"
    r"|insufficient permission to proceed|tool (?:call|use) was (?:declined|denied|rejected)"
    r"|doesn.t want to proceed with this tool|user (?:has )?(?:rejected|declined|denied|refused)\b"
    r"|(?:denied|blocked|rejected) by (?:an? |the )?(?:\w+ )?(?:hook|policy|rule|permission|mode)"
    r"|(?:denied|rejected|declined) by (?:the )?user\b|\bapproval (?:is )?(?:required|denied)"
    r"|auto-(?:denied|rejected)|cannot (?:prompt|ask) for (?:\w+ )*(?:permission|approval)",
    re.IGNORECASE,
)
# One of them is in whatever `_REFUSED` finds: it is slow, and most of what tools print is long.
_STEMS: Final = (
    "approval",
    "permission",
    "granted",
    "prevents you",
    "not permitted",
    "plan mode",
    "spec mode",
    "not available for",
    "auto mode",
    "plan path",
    "tool call was",
    "tool use was",
    "proceed with this tool",
    "user rejected",
    "user declined",
    "user denied",
    "user refused",
    "user has ",
    "denied by",
    "declined by",
    "blocked by",
    "rejected by",
    "auto-denied",
    "auto-rejected",
    "cannot prompt",
    "cannot ask",
)
_MAX_REFUSAL_CHARS: Final = 2**18  # of what a tool printed, the end


def was_refused(message: str) -> bool:
    """True if the text of a failed tool call says that the CLI's mode did not allow it."""
    ended = message[-_MAX_REFUSAL_CHARS:].lower()
    return any(each in ended for each in _STEMS) and _REFUSED.search(ended) is not None


def path_of(name: str, arguments: Record) -> str:
    """The file that a call would change, else an empty string."""
    return text_at(arguments, *_PATHS) if name.lower() in _EDITS else ""


def change_of(name: str) -> str:
    """What a call of that tool, which has a path, does to its file."""
    return _EDITS[name.lower()]


def answer_of(name: str, arguments: Record) -> str:
    """What a call tells the user, where it is made for that."""
    return text_at(arguments, *_ANSWERING.get(name.lower(), ()))


def summary_of(arguments: Record) -> str:
    """What a call is about, for a person."""
    told = text_at(arguments, "command", "cmd") or text_at(arguments, *_PATHS)
    return told or (shown(arguments) if arguments else "")
