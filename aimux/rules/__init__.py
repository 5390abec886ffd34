"""Decisions on values: everything they need is an argument, the clock included.

What only one strategy needs has a room below: what every start reads stays small.
"""

from ._arguments import (
    compile_schema as compile_schema,
    mended as mended,
    problems as problems,
    shallow as shallow,
    told_problem as told_problem,
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
from ._completion import (
    Verdict as Verdict,
    has_worked as has_worked,
    judge as judge,
)
from ._contract import (
    ANY_JSON as ANY_JSON,
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
from ._environment import (
    bare_environment as bare_environment,
    probe_environment as probe_environment,
)
from ._evidence import (
    MIN_CHARS as MIN_CHARS,
    check_places as check_places,
)
from ._exposition import (
    Family as Family,
    Kind as Kind,
    Sample as Sample,
    histogram as histogram,
    render_exposition as render_exposition,
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
    on_one_line as on_one_line,
    share_out as share_out,
    shorten as shorten,
)
from ._going_on import (
    check_session_id as check_session_id,
    check_session_kind as check_session_kind,
    way_to as way_to,
)
from ._health import (
    Standing as Standing,
    Wellness as Wellness,
    ends_unstored as ends_unstored,
    judge_health as judge_health,
)
from ._hints import install_step as install_step, reset_step as reset_step
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
from ._nearest import did_you_mean as did_you_mean, nearest as nearest
from ._outcome import (
    add_usage as add_usage,
    failure_of as failure_of,
    outcome_of as outcome_of,
    report_turn as report_turn,
    session_after as session_after,
    summarise as summarise,
    total_usage as total_usage,
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
from ._roots import is_too_wide as is_too_wide
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
