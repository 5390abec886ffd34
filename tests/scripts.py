"""Golden scripts: what goes in (`>> `), what must come out (`<< `), remarks (`# `).

`<any>` stands for a value that differs from run to run, or that one script shows for all of them.
`<structured>` is a text block that says what `structuredContent` beside it says. Ids of jobs and
sessions, and sealed states, are numbered in the order in which they appear, so that a script can
speak of them: `<job-1>`, `<ses-2>`, `<state-1>`.
"""

import difflib
import json
import re
from pathlib import Path
from typing import Final

import attrs
import orjson
import pytest

_IDS: Final = re.compile(r"\b(?:(job|ses)_[0-9A-Z]{26}|[\w-]{20,}\.[\w-]{43})\b")
_TIMES: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_BARE: Final = re.compile(r'(?<=[^\\]"):<(any|structured)>')  # behind a key, not in a text block
# shows what every session begins with, so that a changed word is one changed line
PINNED_BY: Final = "whole_2025-11-25.txt"
_PINNED: Final = re.compile(r'"(?:instructions":(?=")|(?:tools|resourceTemplates)":(?=\[))')
_TEXT: Final = re.compile(r'"text":(?=")')
_STRUCTURED: Final = re.compile(r'"structuredContent":(?=\{)')


@attrs.define(eq=False)
class Names:
    """What a script calls the things of one run. `moving` are the keys whose values differ."""

    root: Path
    moving: frozenset[str] = frozenset({"pid", "uptime_seconds", "version"})
    _ids: dict[str, str] = attrs.field(factory=dict)

    def known(self, text: str) -> str:
        """A line of the script as the program must see it."""
        for real, shown in self._ids.items():
            text = text.replace(shown, real)
        return text.replace("<root>", str(self.root))

    def shown(self, text: str) -> str:
        """A line of the program as it stands in a script; fails if it is not JSON."""
        orjson.loads(text)
        text = _IDS.sub(self._number, text.replace(str(self.root), "<root>"))
        text = _TIMES.sub("<any>", text)
        keys = "|".join(sorted(self.moving))
        value = r'\\?"[^"\\]*\\?"|-?[\d.]+(?:e-?\d+)?'  # in a text block quotes have a backslash
        return re.sub(rf'(\\?"(?:{keys})\\?":)(?:{value})', r"\1<any>", text)

    def _number(self, found: re.Match[str]) -> str:
        kind = found[1] or "state"
        count = sum(each.startswith(f"<{kind}") for each in self._ids.values())
        return self._ids.setdefault(found[0], f"<{kind}-{count + 1}>")


def check_script(path: Path, said: str, *, update: bool, is_whole: bool = False) -> None:
    """Fail with a diff of the two scripts unless `said` is what was reviewed; or write it there.

    Unless `is_whole`, what another script shows is masked.
    """
    if not is_whole and path.name != PINNED_BY:
        said = "\n".join(map(without_repeats, said.split("\n")))
    if update:
        path.write_text(said, encoding="utf-8")
    reviewed = path.read_text(encoding="utf-8")
    if said != reviewed:
        sides = [[each for line in text.splitlines() for each in _laid_out(line)]
                 for text in (reviewed, said)]  # fmt: skip
        diff = difflib.unified_diff(*sides, str(path), "what came out", n=6, lineterm="")
        pytest.fail("\n".join(diff), pytrace=False)


def without_repeats(line: str) -> str:
    """A line of the program without what another script, or the same line, says already."""
    if not line.startswith("<< "):
        return line
    while (found := _PINNED.search(line)) is not None:
        line = f"{line[: found.end()]}<any>{line[_end_of_value(line, found.end()) :]}"
    text, structured = _TEXT.search(line), _STRUCTURED.search(line)
    if text is not None and structured is not None:
        end = _end_of_value(line, text.end())
        said = line[structured.end() : _end_of_value(line, structured.end())]
        if json.loads(line[text.end() : end]) == said:
            line = f"{line[: text.end()]}<structured>{line[end:]}"
    return line


def _end_of_value(line: str, start: int) -> int:
    """Where the JSON value that starts there ends; bare masks in it are taken for strings."""
    blank = _BARE.sub(r':"\1"', line)  # of the same length: `<any>`, `"any"`
    return json.JSONDecoder().raw_decode(blank, start)[1]


def _laid_out(line: str) -> list[str]:
    """A message over many lines, so that a diff shows the field and not ten kilobytes."""
    mark, text = line[:3], line[3:]
    try:
        message = json.loads(_BARE.sub(r':"<\1>"', text))
    except ValueError:
        return [line]
    return [mark + each for each in json.dumps(message, indent=1, ensure_ascii=False).splitlines()]
