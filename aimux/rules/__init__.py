"""Decisions on values: everything they need is an argument, the clock included."""

from ._alike import are_alike as are_alike, group_alike as group_alike, read_stance as read_stance
from ._arguments import (
    compile_schema as compile_schema,
    problems as problems,
    shallow as shallow,
)
from ._argv import (
    MAX_TOKEN_BYTES as MAX_TOKEN_BYTES,
    PROMPT_FILE_TOKEN as PROMPT_FILE_TOKEN,
    PROMPT_SHOWN as PROMPT_SHOWN,
    check_exclusive as check_exclusive,
    compose as compose,
    effort_word as effort_word,
    with_prompt_file as with_prompt_file,
)
from ._audit import (
    BATCH as BATCH,
    SCANNER_SCHEMA as SCANNER_SCHEMA,
    VALIDATOR_SCHEMA as VALIDATOR_SCHEMA,
    code_around as code_around,
    investigation_prompt as investigation_prompt,
    parts_of_focus as parts_of_focus,
    place_of as place_of,
    read_findings as read_findings,
    read_verdicts as read_verdicts,
    scanner_prompt as scanner_prompt,
    share_categories as share_categories,
    validator_prompt as validator_prompt,
    with_evidence_of as with_evidence_of,
    with_verdict as with_verdict,
)
from ._audit_report import (
    AuditPhase as AuditPhase,
    AuditRecord as AuditRecord,
    report_audit as report_audit,
)
from ._breaker import (
    Breaker as Breaker,
    BreakerRule as BreakerRule,
    BreakerState as BreakerState,
    BreakerView as BreakerView,
    Permit as Permit,
    TurnEnd as TurnEnd,
    admit as admit,
    reset as reset,
    settle as settle,
    turn_end as turn_end,
    view_breaker as view_breaker,
)
from ._budget import exhausted as exhausted
from ._cited import EVIDENCE_SCHEMA as EVIDENCE_SCHEMA, read_places as read_places
from ._completion import (
    Verdict as Verdict,
    has_worked as has_worked,
    judge as judge,
)
from ._consensus import (
    MEMBER_SCHEMA as MEMBER_SCHEMA,
    Claim as Claim,
    Position as Position,
    places_of as places_of,
    read_position as read_position,
    with_evidence as with_evidence,
)
from ._consensus_prompts import (
    QUOTED as QUOTED,
    SYNTHESIS_SCHEMA as SYNTHESIS_SCHEMA,
    informed_prompt as informed_prompt,
    member_prompt as member_prompt,
    synthesis_prompt as synthesis_prompt,
)
from ._consensus_report import (
    ConsensusRecord as ConsensusRecord,
    Seated as Seated,
    SynthesisRecord as SynthesisRecord,
    report_consensus as report_consensus,
)
from ._contract import (
    Contract as Contract,
    ask_for as ask_for,
    check_answer as check_answer,
    check_schema as check_schema,
    repair_prompt as repair_prompt,
)
from ._cooldowns import (
    Cooldown as Cooldown,
    Cooldowns as Cooldowns,
    cool as cool,
    cooled as cooled,
    cooled_pairs as cooled_pairs,
    flush as flush,
    left_s as left_s,
)
from ._debate import (
    CON as CON,
    OPENING as OPENING,
    PRO as PRO,
    REBUTTAL as REBUTTAL,
    REBUTTAL_SCHEMA as REBUTTAL_SCHEMA,
    SIDES as SIDES,
    SPEECH_SCHEMA as SPEECH_SCHEMA,
    Speech as Speech,
    Struck as Struck,
    is_quoted as is_quoted,
    judge_copy as judge_copy,
    phases_of as phases_of,
    read_speech as read_speech,
)
from ._debate_prompts import (
    DEBATE_PROMPTS as DEBATE_PROMPTS,
    JudgeCopy as JudgeCopy,
    judge_prompt as judge_prompt,
    opening_prompt as opening_prompt,
)
from ._debate_report import (
    DebateRecord as DebateRecord,
    JudgeRecord as JudgeRecord,
    SideRecord as SideRecord,
    report_debate as report_debate,
)
from ._dialog import (
    CRITIQUE_SCHEMA as CRITIQUE_SCHEMA,
    Critique as Critique,
    Draft as Draft,
    Point as Point,
    Said as Said,
    StoppedBy as StoppedBy,
    is_settled as is_settled,
    last_draft as last_draft,
    open_points as open_points,
    read_critique as read_critique,
    read_draft as read_draft,
)
from ._dialog_prompts import (
    Task as Task,
    criticise_prompt as criticise_prompt,
    propose_prompt as propose_prompt,
)
from ._dialog_report import (
    DialogRecord as DialogRecord,
    Partner as Partner,
    report_dialog as report_dialog,
)
from ._environment import (
    bare_environment as bare_environment,
    probe_environment as probe_environment,
)
from ._evidence import check_places as check_places, judge_evidence as judge_evidence
from ._expressions import (
    Expression as Expression,
    ExpressionFault as ExpressionFault,
    evaluate as evaluate,
    is_true as is_true,
    parse_expression as parse_expression,
    parse_template as parse_template,
    render as render,
)
from ._failures import (
    classify as classify,
    failure as failure,
    interrupted as interrupted,
    recognise as recognise,
)
from ._fences import (
    fence_for as fence_for,
    fenced as fenced,
    share_out as share_out,
    shorten as shorten,
)
from ._finding_texts import (
    render_findings_markdown as render_findings_markdown,
    sarif as sarif,
)
from ._findings import (
    counts as counts,
    merge as merge,
    prioritise as prioritise,
    priority_of as priority_of,
)
from ._heard import is_worth_asking_again as is_worth_asking_again, lost_reason as lost_reason
from ._hints import install_step as install_step, reset_step as reset_step
from ._ignoring import (
    is_ignored as is_ignored,
    is_wanted as is_wanted,
    read_ignored as read_ignored,
)
from ._limits import (
    Bucket as Bucket,
    Quiet as Quiet,
    Silence as Silence,
    SilenceLimits as SilenceLimits,
    silence as silence,
    silence_limits as silence_limits,
    take as take,
    turn_limit_s as turn_limit_s,
)
from ._masking import mask_between as mask_between
from ._meant import as_meant as as_meant, boolean_as_meant as boolean_as_meant
from ._nearest import nearest as nearest
from ._outcome import (
    add_usage as add_usage,
    failure_of as failure_of,
    outcome_of as outcome_of,
    report_turn as report_turn,
    session_after as session_after,
    summarise as summarise,
    total_usage as total_usage,
)
from ._panel import (
    Member as Member,
    Panel as Panel,
    draw_seed as draw_seed,
    lettered as lettered,
    member_of as member_of,
    seat_chosen as seat_chosen,
    seat_named as seat_named,
    seat_outsider as seat_outsider,
    shuffled as shuffled,
)
from ._places import find_places as find_places
from ._recursion import (
    LINEAGE_VARIABLE as LINEAGE_VARIABLE,
    Lineage as Lineage,
    enter_job as enter_job,
    lineage as lineage,
    lineage_env as lineage_env,
    nested_limit_s as nested_limit_s,
)
from ._redact import (
    excerpt as excerpt,
    harmless as harmless,
    harmless_json as harmless_json,
    redact as redact,
    safe_to_show as safe_to_show,
)
from ._refusals import reads_like_refusal as reads_like_refusal
from ._retry import (
    AFTER as AFTER,
    FailedAttempt as FailedAttempt,
    NextStep as NextStep,
    Retry as Retry,
    after_failure as after_failure,
)
from ._roots import is_too_wide as is_too_wide, read_roots as read_roots
from ._routing import (
    DEFAULT_ROLE as DEFAULT_ROLE,
    FALLBACK_MAX as FALLBACK_MAX,
    Health as Health,
    Routes as Routes,
    RoutingFacts as RoutingFacts,
    choose as choose,
    find_cli as find_cli,
    parse_override as parse_override,
    ranked as ranked,
    read_strength as read_strength,
    role_variable as role_variable,
)
from ._signs import (
    CONTEXT_OVERFLOW as CONTEXT_OVERFLOW,
    SESSION_IN_USE as SESSION_IN_USE,
    SESSION_LOST as SESSION_LOST,
    TOOLS_DENIED as TOOLS_DENIED,
)
from ._slices import (
    MAX_CHARS as MAX_CHARS,
    Slice as Slice,
    cut as cut,
)
from ._slot_queue import SlotRequest as SlotRequest
from ._slots import (
    Moved as Moved,
    SlotLedger as SlotLedger,
    SlotLimits as SlotLimits,
    SlotStatistics as SlotStatistics,
)
from ._tally import (
    Ballot as Ballot,
    Group as Group,
    Tally as Tally,
    is_decided as is_decided,
    tally as tally,
)
from ._vendors import vendor_of as vendor_of
from ._verdict import (
    JUDGE_SCHEMA as JUDGE_SCHEMA,
    ORDERS as ORDERS,
    DebateVerdict as DebateVerdict,
    Ruling as Ruling,
    decide_verdict as decide_verdict,
    read_ruling as read_ruling,
)
from ._workflow import (
    MAX_ITEMS as MAX_ITEMS,
    Step as Step,
    StepFault as StepFault,
    Workflow as Workflow,
    read_workflow as read_workflow,
)
from ._workflow_report import (
    StepEnd as StepEnd,
    render_value as render_value,
    report_workflow as report_workflow,
)
