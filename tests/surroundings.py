"""What a throw-away machine keeps of the one that runs the tests."""

import os
from typing import Final

# Windows starts nothing without the first; the second lets `nox -s coverage` follow into children
KEPT: Final = ("SYSTEMROOT", "COVERAGE_PROCESS_CONFIG")


def kept() -> dict[str, str]:
    """The variables that every child of a test gets."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}
