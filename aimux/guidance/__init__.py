"""What to do next, computed from a result."""

from ._investigate import guide_investigation as guide_investigation
from ._policies import (
    guide as guide,
    guide_job as guide_job,
    guide_plan as guide_plan,
    guide_turn as guide_turn,
)
