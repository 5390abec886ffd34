"""Logs go to a rotating file as JSON lines, never to stdout."""

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from structlog.typing import Processor

from aimux._structlog import structlog
from aimux.config import ClientContext, state_path
from aimux.model import ServerSettings
from aimux.rules import redact

MAX_BYTES: Final = 20_000_000
KEPT_FILES: Final = 5
MAX_LINE: Final = 4_096  # characters of one field

_LEVELS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40}


def set_up_logging(context: ClientContext, settings: ServerSettings) -> None:
    """Send log events to `server.log_file`; to stderr, warnings only, where that cannot be
    opened.
    """
    path = state_path(settings.log_file, context.env)
    level = _LEVELS[str(settings.log_level)]
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _private_file(path)
    except OSError:
        handler = logging.StreamHandler(sys.stderr)
        level = max(level, logging.WARNING)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _tame,
    ]
    render: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    # records of the standard library (the light modules write those) come out alike
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=shared)
    )
    root = logging.getLogger("aimux")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _private_file(path: Path) -> logging.Handler:
    path.touch(mode=0o600)
    return logging.handlers.RotatingFileHandler(
        path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
    )


def _tame(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Secrets masked, fields cut."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = redact(value)[:MAX_LINE]
    return event
