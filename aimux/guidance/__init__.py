"""What to do next, computed from a result."""

from ._policies import guide as guide
