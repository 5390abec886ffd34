"""Ways to think, as pure functions: 23 patterns, techniques on top of them, and what they share."""

from ._base import Result as Result
from ._complexity import THRESHOLD as THRESHOLD, recommended as recommended, score as score
from ._fields import Schema as Schema, renamed as renamed, schema_of as schema_of
from ._harness import watched as watched, watched_answer as watched_answer
from ._registry import (
    ALONE as ALONE,
    PATTERNS as PATTERNS,
    TECHNIQUES as TECHNIQUES,
    Choice as Choice,
    choices as choices,
    choose as choose,
    code_of as code_of,
)
from ._run import (
    HARNESS as HARNESS,
    Overview as Overview,
    Session as Session,
    Step as Step,
    answer as answer,
    overview as overview,
    placed as placed,
    run as run,
    schema_for as schema_for,
    size_of as size_of,
    stored as stored,
)
from ._summary import render as render
from ._watch import WATCH_INPUTS as WATCH_INPUTS
