"""Readers of what CLIs print: bytes in, typed events out."""

from ._base import Dialect as Dialect, TurnOutput as TurnOutput
from ._open import DIALECTS as DIALECTS, open_dialect as open_dialect
from ._turn_state import MAX_ANSWER_CHARS as MAX_ANSWER_CHARS
