"""Readers of what CLIs print: bytes in, typed events out."""

from ._base import Dialect as Dialect, Reading as Reading
from ._notes import MAX_ANSWER_CHARS as MAX_ANSWER_CHARS
from ._open import DIALECTS as DIALECTS, open_dialect as open_dialect
