"""aider: text with a banner in front, a `Tokens:` line behind each answer, notices behind that.

Answer: what stands between banner and `Tokens:` line; when aider asks the model again by itself
(reflections), all different answers in order. Failure: a block that begins with `litellm.<Class>:`,
the token limit notice, the notice of an empty response; aider exits 0 after each of them. A failed
request has no `Tokens:` line behind it, so text that merely begins like an error is taken back as
answer. What came without any banner is the answer too; behind half a banner it is kept, and shown
beside the failure.
"""

import math
import re
from typing import Final

from aimux.model import Stream, Usage

from ._prose import Prose, answer_with, says_something
from ._shapes import figure, total
from ._text import end_by_exit
from ._turn_state import MAX_ANSWER_CHARS, TurnState

_BANNER_END: Final = re.compile(r"^Repo-map: ")
_MODEL: Final = re.compile(r"^(?:Main model|Model): (\S+)")
_BANNER: Final = re.compile(
    r"^(?:Aider v|Main model: |Model: |Weak model: |Editor model: |Git repo: |Analytics have been"
    r"|HTTPSConnectionPool\(|Can't initialize prompt toolkit|Warning for |defaults\.$"
    r"|You can skip this check|https://aider\.chat/|─+$|Warning: Input is not a terminal"
    r"|Added \.aider\* to \.gitignore|Creating empty file|Terminal does not support)"
)
_OWN: Final = ("Aider v", "Main model: ", "Model: ")  # nobody else begins so
_PREAMBLE: Final = re.compile(
    r"^(?:Repo-map can't include |Has it been deleted from the file system|Added .* to the chat"
    r"|Use /help <question>|>? *$)"
)
_TOKENS: Final = re.compile(
    r"^Tokens: (?P<sent>[\d.,]+[kKM]?) sent,(?: (?P<cached>[\d.,]+[kKM]?) cache hit,)?.*?"
    r" (?P<received>[\d.,]+[kKM]?) received\.(?:.*?\$(?P<cost>[\d.,]+) message)?"
)
_ERROR: Final = re.compile(r"^litellm\.(?P<name>\w+): ")
_LIMIT: Final = re.compile(r"^Model .* has hit a token limit!")
_EMPTY: Final = "Empty response received from LLM"
_RETRY: Final = re.compile(r"^Retrying in [\d.]+ seconds")
_APPLIED: Final = re.compile(r"^Applied edit to (?P<path>.+)$")
_STOPPED: Final = re.compile(
    r"^(?:\^C|Only \d+ reflections allowed|Did not apply edit|.*: file not found error$)"
)
_AFTER: Final = re.compile(
    r"^(?:Dropping .* from the chat|Commit [0-9a-f]{7}|Add file to the chat)"
)
_MAX_ERROR_LINES: Final = 60
NO_BANNER: Final = "its banner and figures are missing: what it printed is taken as the answer"


class Aider:
    """The family of aider."""

    joins = True
    harmless: Final = re.compile(r"^Warning: Input is not a terminal")

    def __init__(self) -> None:
        self._line = self._in_banner
        self._has_banner = False
        self._unknown = Prose()  # lines before the end of the banner that are none of it
        self._blank = 0  # blank lines not yet passed on
        self._trouble: list[str] = []  # lines of an error that no retry took back
        self._reason = ""
        self._later: list[str] = []  # after `Tokens:`; an answer only if another one follows
        self._later_chars = 0
        self._answers: list[str] = []
        self._input = self._output = self._cached = 0
        self._cost: float | None = None  # of all answers so far
        self._answered = False

    def wants(self, turn: TurnState) -> bool:
        """Its last lines tell what the turn cost."""
        return True

    def block(self, turn: TurnState, text: str) -> None:
        """Whole lines, one after the other."""
        for line in text.split("\n")[:-1]:
            self._line(turn, line)

    def remark(self, turn: TurnState, line: str) -> bool:
        """Nothing on stderr has a meaning of its own."""
        return False

    # --------------------------------------------------------------------------- the states

    def _in_banner(self, turn: TurnState, line: str) -> None:
        model = _MODEL.match(line)
        if model is not None:
            turn.model = model[1]
        tokens = _TOKENS.match(line)
        if _BANNER_END.match(line):
            self._line = self._in_answer
        elif tokens is not None:  # whatever happened to the banner: this is behind the answer
            self._take_unknown(turn)
            self._tokens(turn, tokens)
        elif _ERROR.match(line):
            self._line = self._in_answer
            self._in_answer(turn, line)
        elif _BANNER.match(line):
            self._has_banner = self._has_banner or line.startswith(_OWN)
        else:
            self._unknown.add(line)
            turn.noise(Stream.STDOUT, line)

    def _take_unknown(self, turn: TurnState) -> None:
        turn.forget_noise()
        text = self._unknown.text.strip("\n")
        if says_something(text):
            turn.text(f"{text}\n")

    def _in_answer(self, turn: TurnState, line: str) -> None:
        tokens = _TOKENS.match(line)
        error = _ERROR.match(line)
        if tokens is not None:
            self._tokens(turn, tokens)
        elif error is not None:
            self._reason = error["name"]
            self._trouble.append(line.rstrip())
            self._line = self._in_error
        elif line.startswith(_EMPTY):
            self._reason = "empty_response"
            self._trouble.append(line.rstrip())
        elif not line.strip():
            self._blank += 1
        elif _STOPPED.match(line) and line.startswith("^C"):
            turn.noise(Stream.STDOUT, line)
        elif turn.is_writing or not _PREAMBLE.match(line):
            self._say(turn, line)

    def _say(self, turn: TurnState, line: str) -> None:
        gap = "\n" * self._blank if turn.is_writing else ""
        self._blank = 0
        turn.text(f"{gap}{line.rstrip()}\n")

    def _in_error(self, turn: TurnState, line: str) -> None:
        tokens = _TOKENS.match(line)
        if _RETRY.match(line):
            turn.retry(" ".join(self._trouble))
            self._trouble.clear()
            self._line = self._in_answer
        elif tokens is not None:  # a request that failed has none: it was an answer after all
            for each in self._trouble:
                self._say(turn, each)
            self._trouble.clear()
            self._tokens(turn, tokens)
        elif line.strip() and len(self._trouble) < _MAX_ERROR_LINES:
            self._trouble.append(line.rstrip())

    def _after_tokens(self, turn: TurnState, line: str) -> None:
        tokens = _TOKENS.match(line)
        applied = _APPLIED.match(line)
        if tokens is not None:
            text = "\n".join(self._later).strip()
            self._forget_later()
            if text and text not in self._answers:
                turn.text(text)
            self._tokens(turn, tokens)
        elif applied is not None:
            turn.file_change(applied["path"], "update")
            self._forget_later()
        elif _LIMIT.match(line):
            self._reason = "token_limit"
            self._trouble.append(line.rstrip())
            self._line = self._in_error
        elif _ERROR.match(line):
            self._in_answer(turn, line)
        elif _STOPPED.match(line):
            self._forget_later()
            turn.noise(Stream.STDOUT, line, explains=False)
        elif _AFTER.match(line):
            self._forget_later()
        elif self._later_chars <= MAX_ANSWER_CHARS:  # one line more, so that the cut is seen
            self._later.append(line)
            self._later_chars += len(line) + 1

    def _forget_later(self) -> None:
        self._later.clear()
        self._later_chars = 0

    def _tokens(self, turn: TurnState, tokens: re.Match[str]) -> None:
        self._input = total(self._input, _count(tokens["sent"])) or 0
        self._output = total(self._output, _count(tokens["received"])) or 0
        self._cached = total(self._cached, _count(tokens["cached"] or "0")) or 0
        if tokens["cost"]:
            self._cost = (self._cost or 0.0) + _amount(tokens["cost"])
        turn.usage(
            Usage(
                input_tokens=self._input,
                output_tokens=self._output,
                cached_tokens=self._cached or None,
                cost_usd=self._cost,
            )
        )
        text = turn.open_text.strip()
        if text:
            self._answers.append(text)
            turn.message()
        self._answered = True
        self._line = self._after_tokens

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """An error that nothing took back, or an exit without a `Tokens:` line, is a failure."""
        if self._trouble:
            message = " ".join(self._trouble)
            turn.error(message)
            if exit_code is not None:
                turn.conclude(is_error=True, reason=self._reason, message=message)
        elif exit_code == 0 and not self._answered and self._is_plain():
            answer_with(turn, self._unknown.text, NO_BANNER)
            end_by_exit(turn, exit_code)
        elif exit_code == 0 and not self._answered:
            if self._line == self._in_banner:
                self._take_unknown(turn)
            turn.conclude(is_error=True, reason="no_answer", message=turn.error_text)
        else:
            end_by_exit(turn, exit_code)

    def _is_plain(self) -> bool:
        """It has said something, and nothing like aider does."""
        is_before = self._line == self._in_banner and not self._has_banner
        return is_before and says_something(self._unknown.text)


def _count(shown: str) -> int:
    """`1.2k` is 1200: aider rounds."""
    scale = {"k": 1_000, "K": 1_000, "M": 1_000_000}.get(shown[-1:], 1)
    number = _amount(shown.rstrip("kKM")) * scale
    return 0 if number != number else figure(round(number) if number < math.inf else number) or 0


def _amount(shown: str) -> float:
    """The number in `1,000.5`; not a number where there is none."""
    try:
        return float(shown.replace(",", ""))
    except ValueError:
        return math.nan
