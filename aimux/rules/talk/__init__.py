"""Dialogs and debates: what is asked, what was said, what it amounts to."""

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
from ._verdict import (
    JUDGE_SCHEMA as JUDGE_SCHEMA,
    ORDERS as ORDERS,
    DebateVerdict as DebateVerdict,
    Ruling as Ruling,
    decide_verdict as decide_verdict,
    read_ruling as read_ruling,
)
