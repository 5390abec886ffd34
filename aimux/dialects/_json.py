"""One JSON value at the end of the run, with noise in front, behind or around.

The whole text is tried first, then the last complete object or array, one that holds an answer
before one that does not. Plain text with exit code 0 is an answer and a warning; else no JSON is
noise and a failure.
"""

from typing import Final

from aimux.model import Fields, Stream

from ._ansi import clean, clean_lines
from ._blocks import BlockReader
from ._completion import Completion
from ._jsonl import ByFields, at, guessed_answer, meets
from ._prose import take_prose
from ._records import values
from ._shapes import Record
from ._turn_state import MAX_VALUE_CHARS

_MAX_LINE_BYTES: Final = 4 * 2**20  # of a value on one line


class JsonReader(BlockReader):
    """The dialect of CLIs that print one value.

    What stdout amounts to comes with `finish`, stderr as noise before.
    """

    def __init__(self, fields: Fields, completion: Completion | None = None) -> None:
        super().__init__(joins=False, completion=completion, max_line_bytes=_MAX_LINE_BYTES)
        self._fields = fields
        self._family = ByFields(fields)
        self._parts: list[str] = []
        self._size = 0

    def _close(self, exit_code: int | None) -> None:
        self._understand("\n".join(self._parts), exit_code)
        self._family.close(self._turn_state, exit_code)

    def _block(self, stream: Stream, block: bytes) -> None:
        if stream is Stream.STDERR:
            for line in block.decode("utf-8", "replace").split("\n"):
                self._turn_state.noise(stream, clean(line))
        elif self._size <= MAX_VALUE_CHARS:
            text = clean_lines(block.decode("utf-8", "replace"))
            self._parts.append(text[: MAX_VALUE_CHARS + 1 - self._size])
            self._size += len(self._parts[-1]) + 1
            if self._size > MAX_VALUE_CHARS or len(block) > _MAX_LINE_BYTES:
                self._size = MAX_VALUE_CHARS + 1
                said = f"of the output only the first {MAX_VALUE_CHARS} characters are read"
                self._turn_state.lose_record("output_truncated", said)

    def _understand(self, text: str, exit_code: int | None) -> None:
        found = [each for value in values(text) for each in _records(value)]
        self._parts.clear()
        if not found:
            is_prose = exit_code == 0 and take_prose(self._turn_state, text)
            for line in text.split("\n"):
                if not is_prose:
                    self._turn_state.noise(Stream.STDOUT, line)
                if self._completion is not None and self._completion.in_line(line):
                    self._turn_state.conclude(reason="completion_pattern")
            if text.strip() and not is_prose:
                self._turn_state.conclude(
                    is_error=True, reason="no_json", message=self._turn_state.error_text
                )
            return
        answering = [each for each in found if self._answers(each)]
        record = (answering or found)[-1]
        self._family.record(self._turn_state, Stream.STDOUT, record)
        if exit_code == 0 and not answering:
            take_prose(self._turn_state, text)
        if self._completion is not None and self._completion.in_record(record):
            self._turn_state.conclude(reason="completion_pattern")

    def _answers(self, record: Record) -> bool:
        fields = self._fields
        if fields.error_when and meets(record, fields.error_when):
            return True
        if fields.answer:
            return meets(record, fields.answer_when) and bool(at(record, fields.answer))
        return bool(guessed_answer(record))


def _records(value: object) -> list[Record]:
    """A record, or those of an array."""
    items = value if isinstance(value, list) else [value]
    return [each for each in items if isinstance(each, dict)]
