"""Directives: what a prompt asks the model to do, as plain values.

A directive stands anywhere in a user message; the last of each group counts, because a prompt may
tell earlier ones again before its own.

    content   [[say N]]             N words
              [[say TEXT]]          the text itself
              [[recall]]            the earlier user messages of the request, latest first, and
                              what the prompt itself says before the directive
              [[sha256]]            digest and size of the prompt as received; only of the part
                                    between [[begin]] and [[end]] where both are there
              [[tool NAME {json}]]  one tool call, then an answer that quotes its result
              [[tool! NAME {json}]] the same even when the request does not offer the tool
              [[write PATH TEXT]]   a call of whichever offered tool writes files
              [[shell COMMAND]]     a call of whichever offered tool runs commands
              [[shell-write PATH]]  the same, creating a file
    research  [[polls N]]           looks until an interaction has ended (1 if not said), or never
              [[midway NAME]]       every look is answered by an error, hang or malformed
              [[midway NAME N]]     only N of them, after the first
              [[finish STATUS]]     it ends so, and not completed
              [[sources N]]         pages that its report cites (2 if not said)
    delivery  [[slow S]]            the answer spread over S seconds
              [[cut]]               the connection closes after the first piece
              [[empty]]             a well-formed answer without text
              [[hang]]              no answer at all
              [[behave NAME]]       an error (see _shapes.FAULTS), ok, or a delivery word
              [[behave NAME N]]     only for the first N requests with this prompt
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Final

CONTENT: Final = ("say", "recall", "sha256", "tool", "tool!", "write", "shell", "shell-write")
DELIVERY: Final = ("slow", "cut", "empty", "hang", "behave")
RESEARCH: Final = ("polls", "midway", "finish", "sources")  # of an interaction
MARKS: Final = ("begin", "end")
TAKES_JSON: Final = ("tool", "tool!")


@dataclasses.dataclass(frozen=True)
class Directive:
    """One `[[name argument]]`; `data` is the JSON object of a tool directive."""

    name: str
    argument: str = ""
    data: dict[str, object] | None = None


@dataclasses.dataclass(frozen=True)
class Script:
    """What a prompt asks for: at most one directive of each group."""

    content: Directive | None = None
    delivery: Directive | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the prompt asks for nothing in particular."""
        return self.content is None and self.delivery is None

    def over(self, base: Script) -> Script:
        """This script, with what it leaves open taken from the run's own."""
        return Script(self.content or base.content, self.delivery or base.delivery)


def read_script(text: str) -> Script:
    """The script of a prompt. Anything that is not a known directive is ordinary text."""
    content = delivery = None
    for found in directives(text):
        if found.name in CONTENT:
            content = found
        elif found.name in DELIVERY:
            delivery = found
    return Script(content, delivery)


def directives(text: str) -> Iterator[Directive]:
    """The directives of a text in their order."""
    at = text.find("[[")
    while at >= 0:
        found, after = _read_one(text, at + 2)
        if found is not None:
            yield found
        at = text.find("[[", after)


def _read_one(text: str, start: int) -> tuple[Directive | None, int]:
    """The directive whose name begins at `start` and where to look on; None when it is none."""
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] in "-!"):
        end += 1
    name = text[start:end]
    if name not in CONTENT + DELIVERY + RESEARCH + MARKS:
        return None, start
    if name in TAKES_JSON:
        return _read_tool(text, name, end)
    close = text.find("]]", end)
    if close < 0:
        return None, end
    return Directive(name, text[end:close].strip()), close + 2


def _read_tool(text: str, name: str, at: int) -> tuple[Directive | None, int]:
    # the arguments may hold "]]" themselves, so the JSON parser says where they end
    brace, close = text.find("{", at), text.find("]]", at)
    if close < 0:
        return None, at
    if brace < 0 or brace > close:
        return Directive(name, text[at:close].strip(), {}), close + 2
    try:
        data, end = json.JSONDecoder().raw_decode(text, brace)
    except ValueError:
        return None, at
    close = text.find("]]", end)
    if close < 0:
        return None, at
    return Directive(name, text[at:brace].strip(), data), close + 2


def marked_part(text: str) -> str:
    """The part between `[[begin]]` and `[[end]]`, or the whole text when a mark is missing."""
    _, begun, rest = text.partition("[[begin]]")
    inside, ended, _ = rest.rpartition("[[end]]")
    return inside if begun and ended else text
