"""Which reader a profile's dialect name means."""

from collections.abc import Callable, Mapping
from typing import Final

from aimux.errors import ConfigInvalid
from aimux.model import Fields

from ._aider import Aider
from ._base import Dialect
from ._claude import Claude, Qwen
from ._cline import Cline
from ._codex import Codex
from ._completion import Completion
from ._continue import Continue
from ._droid import Droid
from ._gemini import Gemini
from ._goose import Goose
from ._gptme import Gptme
from ._json import JsonReader
from ._jsonl import ByFields
from ._opencode import Opencode
from ._reader import Family, Reader
from ._text import PlainText, TextFamily, TextReader

_RECORDS: Final[Mapping[str, Callable[[], Family]]] = {
    "claude": Claude,
    "cline": Cline,
    "codex": Codex,
    "droid": Droid,
    "gemini": Gemini,
    "goose": Goose,
    "gptme": Gptme,
    "opencode": Opencode,
    "qwen": Qwen,
}
_TEXTS: Final[Mapping[str, Callable[[], TextFamily]]] = {
    "aider": Aider,
    "continue": Continue,
    "crush": PlainText,
    "text": PlainText,
}

DIALECTS: Final = tuple(sorted((*_RECORDS, *_TEXTS, "json", "jsonl")))


def open_dialect(
    name: str, fields: Fields | None = None, *, completion_pattern: str = ""
) -> Dialect:
    """A fresh reader for one turn.

    `fields` serve the general dialects `json` and `jsonl` and are ignored by the others.
    `completion_pattern` ends the turn where it is found in a record's kind, or in a line without
    JSON.

    Raises:
        ConfigInvalid: no dialect has that name, or the pattern is not a regex.
    """
    completion = Completion(completion_pattern) if completion_pattern else None
    if name in _RECORDS:
        return Reader(_RECORDS[name](), completion)
    if name in _TEXTS:
        return TextReader(_TEXTS[name](), completion)
    if name == "jsonl":
        return Reader(ByFields(fields or Fields()), completion)
    if name == "json":
        return JsonReader(fields or Fields(), completion)
    problem = f"dialect {name!r} is unknown; known are {', '.join(DIALECTS)}"
    raise ConfigInvalid(problem, data={"problems": [problem]})
