"""Pair coding, decided: diffs and their units, verdicts on them, prompts, the report."""

from ._answer import find_contests as find_contests, find_diff as find_diff
from ._commands import CommandFault as CommandFault, split_command as split_command
from ._diff import Diff as Diff, Hunk as Hunk, Unit as Unit, parse_diff as parse_diff
from ._ignores import patterns_below as patterns_below
from ._names import DiffFault as DiffFault, checked_name as checked_name
from ._prompts import (
    Feedback as Feedback,
    Left as Left,
    again_prompt as again_prompt,
    batches as batches,
    driver_prompt as driver_prompt,
    left_prompt as left_prompt,
    missing_prompt as missing_prompt,
    review_prompt as review_prompt,
)
from ._proof import Landed as Landed, Verified as Verified
from ._report import (
    PairRecord as PairRecord,
    PairRound as PairRound,
    PairState as PairState,
    Phase as Phase,
    plain as plain,
    report_pair as report_pair,
)
from ._units import (
    ReplacementFault as ReplacementFault,
    assemble as assemble,
    frozen_lines as frozen_lines,
    replaced as replaced,
    touches as touches,
    unit_key as unit_key,
    unit_text as unit_text,
)
from ._verdicts import (
    REVIEW_SCHEMA as REVIEW_SCHEMA,
    UnitReview as UnitReview,
    Verdict as Verdict,
    bare_review as bare_review,
    bound_together as bound_together,
    read_review as read_review,
    with_places as with_places,
)
