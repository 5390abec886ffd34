"""Convergent investigation: findings, coverage, when to stop, and the report. No I/O, no clock."""

from ._assess import (
    Assessment as Assessment,
    angle_arguments as angle_arguments,
    assess as assess,
    look_over as look_over,
)
from ._contract import (
    ANSWER_SCHEMA as ANSWER_SCHEMA,
    Claim as Claim,
    adversarial_prompt as adversarial_prompt,
    area_prompt as area_prompt,
    next_areas as next_areas,
    read_answer as read_answer,
)
from ._convergence import (
    Conflict as Conflict,
    Coverage as Coverage,
    conflicts_of as conflicts_of,
    coverage_of as coverage_of,
    iteration_score as iteration_score,
    recommend as recommend,
    severity_distance as severity_distance,
)
from ._domains import (
    ALIASES as ALIASES,
    GENERIC as GENERIC,
    Angle as Angle,
    Detection as Detection,
    Domain as Domain,
    Indicator as Indicator,
    detect as detect,
    read_domain as read_domain,
)
from ._findings import (
    DEFAULT_CONFIDENCE as DEFAULT_CONFIDENCE,
    DEFAULT_SEVERITY as DEFAULT_SEVERITY,
    Added as Added,
    Draft as Draft,
    add_clearance as add_clearance,
    add_finding as add_finding,
)
from ._report import (
    Gate as Gate,
    judge_report as judge_report,
    render_report as render_report,
    report_name as report_name,
    slug_of as slug_of,
)
from ._state import (
    NEXT as NEXT,
    Assessed as Assessed,
    CheckedPlace as CheckedPlace,
    Clearance as Clearance,
    Confidence as Confidence,
    Correction as Correction,
    Finding as Finding,
    Investigation as Investigation,
    InvestigationId as InvestigationId,
    Move as Move,
    Phase as Phase,
    Recalled as Recalled,
    Severity as Severity,
    Verdict as Verdict,
    moved as moved,
)
from ._words import (
    contradicts as contradicts,
    jaccard as jaccard,
    likeness as likeness,
    says_the_same as says_the_same,
    words_of as words_of,
)
