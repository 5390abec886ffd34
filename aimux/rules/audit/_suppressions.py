"""Comments that keep a finding out of the list: `aimux: ignore[rule-id] why it is right here`.

It stands on the line of the finding or on the line before. Without a reason it does not count.
"""

import io
import re
import tokenize
from collections.abc import Sequence
from typing import Final

import attrs

from ._tokens import Comment

_MARK: Final = re.compile(r"aimux:\s*ignore\[([\w./,\s-]*)\](?P<reason>[^\n]*)")
_END: Final = re.compile(r"\s*(?:\*/|-->)\s*$")


@attrs.frozen(kw_only=True)
class Suppression:
    """One such comment; `rules` are ids, or their last parts."""

    line: int
    rules: Sequence[str]
    reason: str

    def covers(self, rule: str, line: int) -> bool:
        """Whether a finding of this rule that begins on this line is meant."""
        return line in {self.line, self.line + 1} and (
            rule in self.rules or rule.rpartition("/")[2] in self.rules
        )


def is_marked(text: str) -> bool:
    """Whether it is worth to look for them."""
    return _MARK.search(text) is not None


def suppressions(comments: Sequence[Comment]) -> Sequence[Suppression]:
    """All of them, those without a reason too."""
    found = []
    for comment in comments:
        for offset, line in enumerate(comment.text.split("\n")):
            for match in _MARK.finditer(line):
                rules = tuple(each.strip() for each in match[1].split(",") if each.strip())
                reason = _END.sub("", match["reason"]).strip(" \t\r:-")
                found.append(Suppression(line=comment.line + offset, rules=rules, reason=reason))
    return found


def python_comments(text: str) -> Sequence[Comment]:
    """The comments of a Python module."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [Comment(each.start[0], each.string) for each in tokens if each.type == tokenize.COMMENT]


def line_comments(text: str) -> Sequence[Comment]:
    """Every line of a text in a language that we do not know."""
    return [Comment(number, line) for number, line in enumerate(text.split("\n"), 1)]
