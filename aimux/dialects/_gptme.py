"""gptme: JSON lines of `gptme -n --output-format json`; errors only on stderr, as a wrapped log.

Answer: the last assistant text that is no tool call. gptme asks again twice after a plain answer,
so a text that repeats the last one is dropped. There is no closing record: the exit code decides.
"""

import re
from typing import Final

import orjson

from aimux.model import Stream, Usage

from ._shapes import Record, amount_at, figure_at, map_at, text_at, total
from ._text import end_by_exit
from ._turn_state import TurnState

_CALL: Final = re.compile(
    r"^@(?P<tool>\w+)\((?P<id>[^)\n]*)\): (?P<arguments>\{.*)", re.MULTILINE | re.DOTALL
)
_LOG: Final = re.compile(r"^· (?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) +)?(?P<text>.*)")
_MORE: Final = re.compile(r"^ {11}(?P<text>\S.*)")
_RETRY: Final = re.compile(r"retrying in [\d.]+s")
_HARMLESS: Final = re.compile(
    r"^(?:Failed to load tiktoken|Unknown model|Fatal error occurred$|at\b)"
)
_FAILED: Final = re.compile(r"^(?:Error|Tool '\w+' is not available)|^Traceback ", re.MULTILINE)
_MAX_LOG_LINES: Final = 200


class Gptme:
    """The family of gptme."""

    joins = False
    harmless: re.Pattern[str] | None = None

    def __init__(self) -> None:
        self._last = ""
        self._usage = Usage()
        self._stream = Stream.STDERR
        self._level = ""
        self._log: list[str] = []  # the parts of one wrapped log line

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one message of the conversation."""
        if stream is Stream.STDERR or record.get("type") != "message":
            return False
        content = text_at(record, "content")
        match record.get("role"):
            case "assistant":
                self._assistant(turn, content, map_at(record, "metadata"))
            case "system":
                self._tool_result(turn, text_at(record, "call_id"), content)
            case _:
                pass  # the prompt, and what gptme asks by itself
        return True

    def _assistant(self, turn: TurnState, content: str, metadata: Record) -> None:
        turn.model = text_at(metadata, "served_model", "model") or turn.model
        call = _CALL.search(content)
        text = (content if call is None else content[: call.start()]).strip()
        if text and text != self._last:
            self._last = text
            turn.message(text)
        self._count(turn, metadata)
        if call is not None:
            turn.tool_started(call["id"], call["tool"], _arguments(call["arguments"]))

    def _count(self, turn: TurnState, metadata: Record) -> None:
        usage = map_at(metadata, "usage")
        cost = amount_at(metadata, "cost")
        so_far = self._usage
        self._usage = Usage(
            input_tokens=total(so_far.input_tokens, figure_at(usage, "input_tokens")),
            output_tokens=total(so_far.output_tokens, figure_at(usage, "output_tokens")),
            cached_tokens=total(so_far.cached_tokens, figure_at(usage, "cache_read_tokens")),
            reasoning_tokens=total(so_far.reasoning_tokens, figure_at(usage, "reasoning_tokens")),
            cost_usd=so_far.cost_usd if cost is None else (so_far.cost_usd or 0.0) + cost,
        )
        turn.usage(self._usage)

    def _tool_result(self, turn: TurnState, call_id: str, content: str) -> None:
        if call_id:
            failed = _FAILED.search(content) is not None
            turn.tool_ended(call_id, failed=failed, summary=content)

    # --------------------------------------------------------------------------------- the log

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """Lines of the log are put together again before they are judged."""
        begun = _LOG.match(line)
        more = _MORE.match(line)
        if begun is not None:
            self._flush(turn)
            self._stream = stream
            self._level = begun["level"] or ""
            self._log.append(begun["text"].strip())
        elif more is not None and self._log:
            if len(self._log) < _MAX_LOG_LINES:
                self._log.append(more["text"].strip())
        else:
            self._flush(turn)
            return False
        return True

    def _flush(self, turn: TurnState) -> None:
        if not self._log:
            return
        text = " ".join(self._log)
        self._log.clear()
        if _RETRY.search(text):
            turn.retry(text)
        elif self._level in ("ERROR", "CRITICAL") and not _HARMLESS.search(text):
            turn.error(text)
        else:
            turn.noise(self._stream, f"{self._level} {text}".strip(), explains=False)

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """76 is a bad key, 77 an unknown model, 1 anything else."""
        self._flush(turn)
        end_by_exit(turn, exit_code)


def _arguments(text: str) -> Record:
    try:
        value: object = orjson.loads(text.strip())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
