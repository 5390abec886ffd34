"""What a model claims about a file, and what looking there came to."""

import enum

import attrs


class Verified(enum.Enum):
    """How far a claim about a file holds; in JSON `"quote"`, `"line_exists"` or false."""

    QUOTE = "quote"  # the quoted text is there
    LINE_EXISTS = "line_exists"  # nothing (or too little) was quoted, but the lines are there
    NO = False

    def __bool__(self) -> bool:
        """Whether it holds at all."""
        return self is not Verified.NO


@attrs.frozen(kw_only=True)
class SourcePlace:
    """Lines of a file that a text names, with what it quotes from there.

    The path is as it was written. Without `end_line` it is one line, without `line` the whole file.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    quote: str = ""


@attrs.frozen(kw_only=True)
class Evidence:
    """A place that was looked up: where it truly is, whether the claim holds, and why not.

    `path` is relative to the tree once a file was found. When the quote was found elsewhere in the
    file, the lines are those where it was found, and `why` says so.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    quote: str = ""
    verified: Verified = Verified.NO
    why: str = ""
