"""Workflows as they are written, and what their steps come to."""

from ._expressions import (
    Expression as Expression,
    ExpressionFault as ExpressionFault,
    evaluate as evaluate,
    is_true as is_true,
    parse_expression as parse_expression,
    parse_template as parse_template,
    render as render,
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
