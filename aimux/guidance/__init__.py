"""What to do next, computed from a result."""

from ._classification import (
    Classes as Classes,
    ToolClass as ToolClass,
    action_of as action_of,
    actions_of as actions_of,
    classify as classify,
    read_classes as read_classes,
)
from ._investigate import guide_investigation as guide_investigation
from ._jobs import guide_job as guide_job
from ._policies import guide as guide, guide_plan as guide_plan, guide_turn as guide_turn
from ._refused import guide_refusal as guide_refusal
from ._states import STATES as STATES
from ._think import guide_think as guide_think
