"""A user's completion pattern.

It is applied so that text that merely mentions the marker does not end a turn.
"""

import re
from collections.abc import Iterator
from typing import Final

from aimux.errors import ConfigInvalid

from ._shapes import Record

_KINDS: Final = ("type", "event", "kind", "subtype", "status", "state", "reason", "method", "name")
_MAX_KIND_CHARS: Final = 200  # longer values are text, not kinds


class Completion:
    """Recognises the end of a turn.

    In the kind of a parsed record first, in lines without JSON last. In a record only top-level
    kinds (`type`, `event`, `status`, ...) and flags count, as their bare value (`turn.completed`)
    and as a pair (`"type":"turn.completed"`).

    Raises:
        ConfigInvalid: the pattern is not a regex.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._search = re.compile(pattern).search
        except re.error as error:
            problem = f"completion_pattern {pattern!r} is not a regex: {error}"
            raise ConfigInvalid(problem, data={"problems": [problem]}) from error

    def in_record(self, record: Record) -> bool:
        """True if the record is the end."""
        return any(self._search(each) for each in _kinds(record))

    def in_line(self, line: str) -> bool:
        """True if the line, which is no JSON, is the end."""
        return self._search(line) is not None


def _kinds(record: Record) -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, bool):
            shown = "true" if value else "false"
        elif key in _KINDS and isinstance(value, str) and len(value) <= _MAX_KIND_CHARS:
            yield value
            shown = f'"{value}"'
        else:
            continue
        yield f'"{key}":{shown}'
        yield f'"{key}": {shown}'
