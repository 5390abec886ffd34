"""What explains a failure, should there be one: the errors a CLI names and the lines it prints.

Only so much is kept, the newest; but a line that tells why a program died is often followed by
hundreds that tell where, so such lines outlive their time.
"""

import re
from typing import Final

MAX_ERROR_CHARS: Final = 16_000  # tail kept of what explains a failure
_MAX_TELLING_CHARS: Final = 4_000  # of those, of lines that are older than the tail
_TELLING: Final = re.compile(
    r"\b(?:error|fatal|panic|panicked|exception|traceback|killed|aborted|segmentation)\b"
    r"|\b\w+(?:Error|Exception)\b|\bno version is set\b",
    re.IGNORECASE,
)
_FRAME: Final = re.compile(r"^(?:at |\d+: (?:0x)?[0-9a-fA-F]{4,} |#\d+ |File \"|\S+\.\w+:\d+)")
_STATUS: Final = re.compile(
    r"(?:status|code|error|HTTP)\W{0,4}(?:code\W{0,3})?([45]\d\d)\b|\(([45]\d\d)\)|^([45]\d\d) ",
    re.IGNORECASE,
)


def status_in(message: str) -> str:
    """The HTTP status an error text names, else an empty string."""
    found = _STATUS.search(message)
    return next((each for each in found.groups() if each), "") if found else ""


class Explanations:
    """The error text of one turn.

    `code` is the CLI's own or an HTTP status, `told` the last error that was named as one.
    """

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._chars = 0
        self._telling: list[str] = []  # older than what is kept
        self._telling_chars = 0
        self.code = ""
        self.told = ""

    def error(self, message: str, code: str, *, max_told_chars: int) -> None:
        """An error that was named as one."""
        message = message.strip()
        if message:
            self.code = code or status_in(message) or self.code
            self.told = message[-max_told_chars:]
            self.add(message)

    def add(self, text: str) -> None:
        """A text that may explain it; what repeats the last one is left out."""
        if self._kept and text in self._kept[-1]:
            return
        self._kept.append(text[-MAX_ERROR_CHARS:])
        self._chars += len(self._kept[-1])
        while self._chars > MAX_ERROR_CHARS and len(self._kept) > 1:
            oldest = self._kept.pop(0)
            self._chars -= len(oldest)
            self._keep_if_telling(oldest)

    def _keep_if_telling(self, text: str) -> None:
        if _FRAME.match(text) or not _TELLING.search(text):
            return
        self._telling.append(text[:_MAX_TELLING_CHARS])
        self._telling_chars += len(self._telling[-1])
        while self._telling_chars > _MAX_TELLING_CHARS:
            self._telling_chars -= len(self._telling.pop(0))

    def forget(self) -> None:
        """What was taken for an explanation was the answer."""
        self._kept.clear()
        self._telling.clear()
        self._chars = self._telling_chars = 0

    @property
    def text(self) -> str:
        """Whatever explains a failure, newest last."""
        return "\n".join((*self._telling, *self._kept))
