"""What log lines share: the job they belong to, and how much is written.

A line is an event with fields: `log.warning("it was refused", extra={"cli": cli})`. Where lines go
is for the process that runs to say; without that, Python's own rules hold.
"""

import logging
from contextvars import ContextVar
from typing import Final

ROOT: Final = "aimux"
JOB: Final[ContextVar[str]] = ContextVar("job", default="")  # whose task logs
_LEVELS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40}


def set_log_level(level: str) -> None:
    """Write what is `debug`, `info`, `warn` or `error`, and what is worse than that."""
    logging.getLogger(ROOT).setLevel(_LEVELS[level])
