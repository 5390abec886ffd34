"""Logs go to a rotating file as JSON lines, never to stdout."""

import datetime
import errno
import io
import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Final

from aimux.files.private import make_private
from aimux.logs import JOB, ROOT, set_log_level
from aimux.model import ServerSettings, dump_bytes
from aimux.rules import harmless_json, safe_to_show
from aimux.times import utc_stamp

MAX_BYTES: Final = 20_000_000
KEPT_FILES: Final = 5
MAX_LINE: Final = 4_096  # characters of one field
_OWN: Final = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime"})  # no fields


def set_up_logging(path: Path, settings: ServerSettings) -> None:
    """Send log events to the file `path`; to stderr, warnings only, where that cannot be opened."""
    handler: logging.Handler
    try:
        make_private(path.parent)
        if path.is_fifo():  # opening it would wait for a reader
            raise OSError(errno.EINVAL, "a pipe is no log", str(path))
        handler = _PrivateFile(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    except OSError:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.WARNING)
    handler.setFormatter(JsonLines())
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.propagate = False
    set_log_level(settings.log_level)


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file for this user alone, also after it was rotated."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).touch(mode=0o600)
        return super()._open()


class JsonLines(logging.Formatter):
    """One record as one line of JSON: the event, its fields, where and when; secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its break."""
        line: dict[str, object] = {"event": record.getMessage()}
        line |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        if JOB.get():
            line["job"] = JOB.get()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line = {name: _tame(value) for name, value in line.items()}
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line |= {
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": utc_stamp(at, "auto"),
        }
        return harmless_json(dump_bytes(line).decode())  # logs are read at terminals too


def _tame(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_tame(each) for each in value]
    if isinstance(value, dict):
        return {name: _tame(each) for name, each in value.items()}
    return safe_to_show(value)[:MAX_LINE] if isinstance(value, str) else value
