"""Whether a text that came as an answer is an error text, and whether an answer broke off.

A text that *is* an error message begins like one, is short, and says nothing about code; an answer
about errors names a place, explains, or speaks of somebody who raises them. Between the two lies
doubt, which is told and never decides.
"""
# ruff: noqa: RUF001  # other alphabets are the point

import enum
import functools
import json
import re
from typing import Final

from ._deaths import find_death, is_frame

_SENTENCE_CHARS: Final = 600  # a longer text that speaks of errors is an answer
MAX_TEXT_CHARS: Final = 6_000  # of an error that a server sent: JSON, a page, a stack
_STDERR_LINES: Final = 12  # the newest, where a program says why it ends

# The texts of programs and vendors that begin an error; case does not count.
_LABELS: Final = (
    r"(?:\S+: )?\[?(?:[a-z]+ ){0,2}(?:error|fatal|panic|exception)(?: \d+| \([\w -]+\))?\]?\s*[:!]",
    r"\[(?:error|fatal|critical)\]",
    r"(?:error|critical|fatal) (?:\S+ )?(?:code )?\d{3}\b",
    r"(?:uncaught |unhandled )?\w+\.?\w*(?:error|exception)\b(?: \[\w+\])?:",
    r"litellm\.\w+",
    r"ran into this error",
    r"traceback \(most recent call last\)",
    r"(?:bash|sh|zsh|dash|fish|env|/\S+/env)(?:: line)?(?:: \d+)?: \S.{0,80}:",
    r"npm err(?:or|!)",
)
_CANNOT: Final = r"(?:failed|unable|could not|couldn't|cannot|can't) (?:to )?"
_SERVER: Final = r"(?:the )?(?:engine|server|service) (?:is|had|has|returned)"
_OPENERS: Final = (  # they count only where the text speaks of a limit, a key, a server or the like
    r"(?:https?[ /\d.]*|status(?: code)?:? ?|request failed with status(?: code)? )?[45]\d\d\b",
    r"too many requests|rate[ _-]?limit(?:ed|_?error| reached| exceeded| hit)\b|request rejected",
    r"service (?:temporarily )?unavailable|bad gateway|gateway time-?out|internal server error",
    r"overloaded|resource_exhausted|resource has been exhausted|throttl(?:ed|ing)\b",
    r"you(?:'ve| have)(?: \w+)? (?:hit|reached|exceeded|exhausted|run out)|you exceeded your",
    r"(?:\S+ ){0,3}(?:quota|limit) (?:has been |is |was )?(?:reached|exceeded|exhausted)",
    r"your (?:\S+ ){1,3}(?:has|is|was|exceed\w*|expired|does|cannot|request(?:ed)?)\b",
    r"(?:credit )?balance is (?:too|not|insuff)|insufficient (?:balance|credits?|quota|funds)",
    r"out of credits|payment required",
    r"(?:invalid|incorrect|missing|expired|no) (?:x-)?(?:api|auth|access|oauth|bearer)[ _-]",
    r"(?:openai|anthropic|gemini|google|openrouter)?_?api[_ ]key",
    r"(?:please |you (?:must|need to) |not )(?:be )?(?:log|sign|run|set|authenticate|provide)",
    r"authenticat\w+ (?:failed|error|is required|required|token)|\w*authentication_?error",
    r"unauthori[sz]ed(?! access)|forbidden|access denied|permission denied|session expired(?! \w)",
    r"log ?in (?:is )?(?:required|failed|expired)|(?:\w+ )?token (?:has |is )?expired",
    r"connect(?:ion|ing)? (?:error|refused|reset|timed|closed|failed|aborted|was|is|lost)\b",
    r"connect e(?:conn|timed|host|net|addr)",
    r"econn|enotfound|etimedout|getaddrinfo|socket hang up|fetch failed",
    r"network (?:error|is unr|request failed)|dns (?:error|lookup|resolution)",
    r"(?:the )?(?:request|operation|connection) (?:failed|timed|was|could|exceed|has)|timed out",
    r"timeout(?: error| exceeded| while|[:.]|$)|stream (?:error|disconnected|closed|ended)",
    rf"{_CANNOT}(?:connect|reach|fetch|resolve|auth|generate|get|load|complete|start)",
    rf"{_CANNOT}(?:stream|send|find|refresh|open|process)",
    r"(?:unknown|no such|invalid|unsupported) model\b",
    r"(?:the )?models?\b[^.]{0,60}\b(?:not|unavailable|unsupported|overloaded)\b",
    rf"{_SERVER} (?:\w+ )?(?:overloaded|busy|unavailable|down|not|at|exp|un|error)",
    r"(?:prompt|input|context|message) (?:is )?(?:too|length exc|window exc)|this model's maximum",
    r"no (?:\w+ )?(?:conversation|session|rollout) found|session (?:\S+ )?(?:not found|\S+ is)",
    r"no (?:auth type|providers?|models?) (?:is |are )?\w+ed\b",
    r"an? (?:\w+ ){0,2}error (?:has )?occurred|something went wrong",
    r"there was an? (?:error|problem)|(?:oops|sorry|uh-oh|whoops|we're sorry)\b",
    r"we(?:'re| are) (?:currently )?experiencing|api (?:call|request) (?:failed|timed)",
    r"(?:\S+: )?command not found|unknown (?:option|argument|flag|command)|unrecogni[sz]ed ",
    r"no such (?:option|command|file)|usage: |empty response|reached max",
    r"max(?:imum)? (?:number of )?(?:turns|iterations)",
)
_IS: Final = r"\b(?:is|are|was|gets?) (?:only |now |never |then )?"
_OURS: Final = r"\b(?:the|this|that|your|our) (?:\w+ ){0,2}"
# What an answer does and an error text does not.
_EXPLAINS: Final = (
    r"\b[\w/.-]+\.(?:py|pyi|[cm]?[jt]sx?|go|rs|java|rb|php|cs|cc?|cpp|hh?|kt|swift|sql|sh):?\b",
    r"\blines? \d+",
    r"\b(?:means|indicates|suggests|denotes)\b",
    rf"{_IS}(?:raised|thrown|returned|logged|printed|swallowed|caught|handled|wrapped|tested)\b",
    rf"{_IS}(?:retried|ignored|mapped|served|reported|sent)\b",
    rf"{_IS}(?:implemented|configured|checked|defined|stored|done) (?:in|with|by|at|before|as)\b",
    rf"{_OURS}(?:function|method|handler|caller|code|tests?|limiter)\b",
    rf"{_OURS}(?:middleware|module|message|string|check)\b",
    r"\berrors (?:are|come|happen|occur)\b",
    r"^[^.:]{1,60}? (?:is|are) (?:what|why|how|the|an?)\b|\bbecause\b|\?\s*$",
    r"\b(?:occurs|happens|comes|appears) (?:when|if|because|from|only)\b",
    r"\bthe fix\b|\bfixed\b|\bto fix\b|\bi (?:have|fixed|added|changed|would|found|see|think)\b",
    r"\bwe (?:should|can|could|need)\b|\bconsider\b|\binstead of\b|\bfor example\b",
    r"函数|方法|(?<!错误)代码|实现|说明|表示|因为|返回|意味着|应该|建议|测试",
    r"関数|実装|メソッド|(?<!エラー)コード|場合|返し|返す|テスト|함수|메서드|구현|경우|반환|테스트",
    r"\bфункци|\bметод|\bтест|\bесли\b",
    r"\bhandl(?:ing|ers?|es)\b|\bcatch(?:es)?\b|\braises?\b|\bthrows?\b|\breturns\b",
)
_SIDE: Final = (  # errors of what works beside the model
    r"\bwarn(?:ing)?\b|\bdeprecat|\btelemetry\b|\banalytics\b|\bmetrics?\b|\bsentry\b|\botel\b",
    r"\bupdate(?:r| check)?\b|\btitle\b|\bmcp\b|\bplugin\b|\bextension\b|\blsp\b|\bhook\b",
    r"\b(?:no|0|without|on) errors?\b",
    r"\btokenizer\b|\btiktoken\b|\bripgrep\b|\bkeyring\b|\bcache\b|\bretrying\b|\bcleanup\b",
)
_STAMP: Final = r"^(?:\[?[\d:T.,+Z -]{8,}\]?\s*)?(?:[\w.-]+(?:\[\d+\])?: )?"  # time and program
_STDERR_LABEL: Final = (
    _STAMP + r"\[?(?:\w+ ){0,2}(?:error|fatal|panic|exception)\b\]?(?:[^\w\n]|\s*$)",
    r"^(?:\w+\.)*\w+(?:Error|Exception)\b",
    r"^thread '[^']*'.{0,20}panicked",
)
_MARKS: Final = re.compile("^[\\s>|●✗✖✘×❌⚠🚫⛔!›»\ufe0f]+")
_WORDS: Final = re.compile(r"\s+")
_PAGE: Final = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_PAGE_TITLE: Final = re.compile(
    r"<(?:title|h1)>[^<]{0,60}?(?:[45]\d\d|error|bad gateway|unavailable|just a moment"
    r"|attention required|access denied)",
    re.IGNORECASE,
)
_HEAD_CHARS: Final = 40
_MIN_HEAD_CHARS: Final = 6
_FOREIGN_CHARS: Final = 200  # such sentences are short, and open in ways that no list holds
_FOREIGN: Final = re.compile(r"[\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DEATH_HEADS: Final = ("Traceback (most recent call last):", "<--- Last few GCs --->")
_ERROR_KEYS: Final = re.compile(
    r"errors?|type|message|(?:status_?)?code|status|details?|success|ok|(?:request|event)_?id|param"
    r"|path|timestamp|title|instance",
    re.IGNORECASE,
)
_CODE_FENCE: Final = "```"
_ENDS: Final = tuple(".!?。！？…)]}>\"'”’`*_|~;")
_LIST_ITEM: Final = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|#{1,6}|\|)\s")


class TextSort(enum.StrEnum):
    """What a text that came as an answer is."""

    ANSWER = "answer"
    DOUBT = "doubt"  # it begins like an error and may be an answer about one
    ERROR = "error"


def judge_text(text: str, *, is_classed: bool) -> TextSort:
    """What `text` is; `is_classed` says that it speaks of a limit, a key, a server or the like."""
    text = text.strip()
    if len(text) <= MAX_TEXT_CHARS:
        found = _body(text) or _death(text)
        if found is not None:
            return found
    if len(text) > _SENTENCE_CHARS:
        return TextSort.ANSWER
    line = _WORDS.sub(" ", _MARKS.sub("", text)).lower()
    is_labelled = _any_of(_LABELS).match(line) is not None
    if not is_labelled and not (is_classed and _any_of(_OPENERS).match(line)):
        is_foreign = is_classed and len(line) <= _FOREIGN_CHARS and _FOREIGN.search(line)
        return TextSort.ERROR if is_foreign and not _explains(line) else TextSort.ANSWER
    return TextSort.DOUBT if _explains(line) else TextSort.ERROR


def error_line(stderr: str) -> str:
    """The newest line of `stderr` by which a program says that it failed, else an empty string.

    Errors of what works beside the model (updates, telemetry, plugins) do not count.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in reversed(lines[-_STDERR_LINES:]):
        if _any_of(_STDERR_LABEL).search(line) and not _any_of(_SIDE).search(line.lower()):
            return line
    return ""


def breaks_off(answer: str) -> bool:
    """Whether an answer ends in the middle: in a fence, or in a sentence."""
    if answer.count(_CODE_FENCE) % 2:
        return True
    last = answer.strip().rsplit("\n", 1)[-1].strip()
    return " " in last and not last.endswith(_ENDS) and not _LIST_ITEM.match(last)


def _body(text: str) -> TextSort | None:
    """What a server's error, or a stack, amounts to as a whole; None if it is neither."""
    if text.startswith("{") and text.endswith("}"):
        return _json_error(text)
    if _PAGE.match(text) and _PAGE_TITLE.search(text):
        is_servers = "<center>" in text or "cloudflare" in text.lower()
        return TextSort.ERROR if is_servers else TextSort.DOUBT
    return None


def _death(text: str) -> TextSort | None:
    """What the last words of a program amount to; None if it has not died."""
    death = find_death(text)
    first = text.split("\n", 1)[0].strip()
    if death is None or len(first) < _MIN_HEAD_CHARS:
        return None
    if first not in _DEATH_HEADS and first[:_HEAD_CHARS] not in death.line:
        return None
    last = text.rpartition("\n\n")[2].split("\n")
    words = [line for line in last if not is_frame(line) and line.strip() not in death.line]
    told = " ".join(words)[:_SENTENCE_CHARS].lower()
    return TextSort.DOUBT if _explains(told) else TextSort.ERROR


def _json_error(text: str) -> TextSort | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not all(_ERROR_KEYS.fullmatch(key) for key in value):
        return None
    has_error = bool(value.get("error") or value.get("errors")) or value.get("type") == "error"
    return TextSort.ERROR if has_error else None


def _explains(line: str) -> bool:
    return _any_of(_EXPLAINS).search(line) is not None


@functools.cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile("|".join(patterns), re.IGNORECASE)
